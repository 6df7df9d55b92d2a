//! The page and its workers. No rule of the chain lives here: `blockvote-core` has them all.
//!
//! Its wasm binaries share this library: the page, the node worker that owns the chain, the socket
//! and the store, the tools worker for keys, codes and files, the miner workers that only hash, and
//! the verifier worker that only verifies signatures.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript counts in f64, and `as` stops at the bounds"
)]

pub mod messages;
pub mod miner;
pub mod node_worker;
pub mod page;
pub mod relay;
mod store;
pub mod tools_worker;
pub mod verification;
pub mod verifier;
pub mod verifiers;
pub mod worker;
