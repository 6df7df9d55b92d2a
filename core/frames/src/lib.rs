//! What a relay and its clients agree on: ids, frames, sizes. Nothing here checks a vote.

pub mod frame;
pub mod ids;
