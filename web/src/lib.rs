//! The page and its workers. No rule of the chain lives here: `blockvote-core` has them all.
//!
//! There is one room for the page, one for each kind of worker, and one for what they share. Each
//! runs as a wasm binary of its own (`bin/`): the page shows and asks, the node worker owns the
//! chain, the socket and the store, the tools worker has what a person asks for beside the node, the
//! miner workers only hash, and the verifier workers only verify signatures.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript counts in f64, and `as` stops at the bounds"
)]

pub mod miner_worker;
pub mod node_worker;
pub mod page;
pub mod shared;
pub mod tools_worker;
pub mod verifier_worker;
