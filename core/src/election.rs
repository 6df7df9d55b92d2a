//! What is voted on, who votes, and what they chose: definition, roll, votes, tally.
//!
//! Knows nothing of blocks. Invariant: everything that a single vote can be checked against is in
//! an [`election_context::ElectionContext`].

pub mod ballot;
pub mod definition;
pub mod election_context;
pub mod keepers;
pub mod next_vote;
pub mod opening_hours;
pub mod roll;
pub mod short_address;
pub mod tally;
pub mod token;
pub mod vote;
