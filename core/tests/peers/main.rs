//! Peers that send well-formed messages in order to do harm: too many, too slow, too often, for
//! nothing. Budgets, reputation and places are kept for peers that do their part.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod announcements;
mod branches;
mod comparing;
mod downloads;
mod keepers;
mod own_votes;
mod places;
mod serving;
