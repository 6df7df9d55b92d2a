//! The page and its workers. No rule of the chain lives here: `blockvote-core` has them all.
//!
//! Four wasm binaries share this library: the page, the node worker that owns the chain, the socket
//! and the store, the miner worker that only hashes, and the verifier worker that only verifies
//! signatures.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript counts in f64, and `as` stops at the bounds"
)]

pub mod messages;
pub mod miner;
pub mod node_worker;
pub mod page;
pub mod verifier;
pub mod worker;
