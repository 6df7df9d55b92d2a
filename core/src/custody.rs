//! What people keep to themselves, apart from the chain: voting codes, key files, lists of voters,
//! organisers' files.
//!
//! Nothing here ever reaches a peer.

pub mod keyfile;
pub mod organiser;
pub mod voter_list;
pub mod voting_code;
