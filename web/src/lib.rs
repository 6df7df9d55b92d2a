//! The page and its workers. No rule of the chain lives here: `blockvote-core` has them all.
//!
//! Three wasm binaries share this library: the page, the node worker that owns the chain, the
//! socket and the store, and the miner worker that only hashes.

pub mod messages;
pub mod miner;
pub mod node_worker;
pub mod page;
pub mod worker;
