//! What people keep to themselves, apart from the chain: voting codes, key files, lists of voters,
//! organisers' files.
//!
//! Nothing in here ever reaches a peer.

pub mod code;
pub mod keyfile;
pub mod organiser;
pub mod voters;
