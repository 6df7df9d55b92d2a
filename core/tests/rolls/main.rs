//! Elections with a voter roll: what a peer, a file or an organiser can try, and what happens then.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod audit_files;
mod changed_votes;
mod complaints;
mod double_votes;
mod joining;
mod leaving_out;
mod restart;
mod seals;
mod signed_votes;
