//! Votes that came after voting was over, where there are keepers: each is kept apart until a keeper shows
//! that it was cast in time. Nobody mines them before.

use std::collections::HashMap;

use crate::{crypto::hash::VoteId, election::vote::CheckedVote};

/// Strangers can fill this much: 10,000 votes of a few hundred bytes.
const MAX_LATE: usize = 10_000;

/// Late votes by their ids.
#[derive(Default)]
pub struct LateVotes {
    votes: HashMap<VoteId, CheckedVote>,
}

impl LateVotes {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.votes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.votes.is_empty()
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = VoteId> {
        self.votes.keys().copied()
    }

    /// Whether this vote is among them.
    pub fn contains(&self, id: &VoteId) -> bool {
        self.votes.contains_key(id)
    }

    /// Puts one in, where there is room; says whether it is new.
    pub(super) fn insert(&mut self, vote: CheckedVote) -> bool {
        self.votes.len() < MAX_LATE && self.votes.insert(vote.id(), vote).is_none()
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: &VoteId) -> Option<CheckedVote> {
        self.votes.remove(id)
    }
}
