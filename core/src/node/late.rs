//! Votes that arrived after voting was over, in an election with keepers: each is kept apart until
//! a keeper shows that it was cast in time. Nobody mines it before that.

use std::collections::HashMap;

use crate::{crypto::hash::VoteId, election::vote::CheckedVote};

/// Strangers can fill this much: 10,000 votes of a few hundred bytes.
pub const MAX_LATE: usize = 10_000;
/// Votes with one token and sequence number: a voter who signs many does not take up the room of
/// others.
const MAX_OF_ONE_USE: usize = 2;

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

    /// Whether it is empty.
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

    /// Adds a vote if there is room; returns whether it is new.
    pub(super) fn insert(&mut self, vote: CheckedVote) -> bool {
        let slot = |vote: &CheckedVote| (vote.token, vote.sequence);
        self.votes.len() < MAX_LATE
            && self.votes.values().filter(|other| slot(other) == slot(&vote)).count()
                < MAX_OF_ONE_USE
            && self.votes.insert(vote.id(), vote).is_none()
    }

    /// Keeps only those that could still be taken in.
    pub(super) fn retain(&mut self, could_be: impl Fn(&CheckedVote) -> bool) {
        self.votes.retain(|_, vote| could_be(vote));
    }

    /// Removes a vote.
    pub(super) fn remove(&mut self, id: &VoteId) -> Option<CheckedVote> {
        self.votes.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{context, vote};

    fn checked(token: u64, text: &str) -> CheckedVote {
        vote(token, text).into_checked(&context()).unwrap()
    }

    #[test]
    fn strangers_fill_neither_memory_nor_the_room_of_one_voter() {
        let mut late = LateVotes::default();
        let texts = ["a", "b", "c", "d"];
        let inserted = texts.iter().filter(|text| late.insert(checked(1, text))).count();
        assert_eq!((inserted, late.len()), (MAX_OF_ONE_USE, MAX_OF_ONE_USE));
        for token in 2..2 + MAX_LATE as u64 {
            late.insert(checked(token, "a"));
        }
        assert_eq!(late.len(), MAX_LATE);
        late.retain(|vote| vote.token.0 == 1);
        assert!(late.len() == 2 && late.insert(checked(2, "a")) && !late.insert(checked(2, "a")));
    }
}
