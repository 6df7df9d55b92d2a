//! The page and its workers. No rule of the chain lives here: `blockvote-core` has them all.
//!
//! Three wasm binaries share this library: the page, the node worker that owns the chain, the
//! socket and the store, and the miner worker that only hashes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript counts in f64, and `as` stops at the bounds"
)]

pub mod messages;
pub mod miner;
pub mod node_worker;
pub mod page;
pub mod worker;
