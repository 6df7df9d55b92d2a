//! Hashes, keys, Merkle trees, and stored secrets: what everything else builds on.
//!
//! Knows nothing of elections. Invariant: two values of different kinds never share a hash input.

pub mod encoding;
pub mod hash;
pub mod key;
pub mod merkle;
pub mod passphrase_lock;
pub mod secret;
pub mod symbols;
