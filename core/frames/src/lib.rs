//! What a relay and those who talk to it agree on: ids, frames, sizes. Nothing in here checks a vote.

pub mod frame;
pub mod ids;
