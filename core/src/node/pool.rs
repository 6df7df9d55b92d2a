//! Pending votes, in the order in which they arrived.

use std::collections::{BTreeMap, HashMap};

use crate::{
    crypto::hash::{ShortId, VoteId},
    election::{token::TokenId, vote::CheckedVote},
};

/// What fits into a reconciliation message of one frame, with room to spare.
pub const MAX_PENDING_VOTES: usize = 100_000;
/// Memory that strangers can fill with pending votes.
pub const MAX_PENDING_BYTES: usize = 16 << 20;

struct Waiting {
    vote: CheckedVote,
    bytes: usize,
}

/// Pending votes: at most one for each token and sequence number, and none whose slot the chain
/// uses.
#[derive(Default)]
pub struct PendingVotes {
    /// By order of arrival.
    waiting: BTreeMap<u64, Waiting>,
    by_id: HashMap<VoteId, u64>,
    /// By token and sequence number.
    by_use: BTreeMap<(TokenId, u8), u64>,
    by_short: HashMap<ShortId, u64>,
    next: u64,
    bytes: usize,
}

impl PendingVotes {
    /// Number of votes.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there are no pending votes.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the bounds leave no room for another stranger's vote.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_PENDING_VOTES || self.bytes >= MAX_PENDING_BYTES
    }

    /// Whether the vote is pending here.
    pub fn contains(&self, id: &VoteId) -> bool {
        self.by_id.contains_key(id)
    }

    /// A vote by its id.
    pub fn get(&self, id: &VoteId) -> Option<&CheckedVote> {
        self.by_id.get(id).and_then(|at| self.waiting.get(at)).map(|waiting| &waiting.vote)
    }

    /// A vote by the beginning of its id.
    pub fn get_short(&self, short: &ShortId) -> Option<&CheckedVote> {
        self.by_short.get(short).and_then(|at| self.waiting.get(at)).map(|waiting| &waiting.vote)
    }

    /// The pending vote with a token and sequence number.
    pub fn of_use(&self, token: TokenId, sequence: u8) -> Option<&CheckedVote> {
        let at = self.by_use.get(&(token, sequence))?;
        self.waiting.get(at).map(|waiting| &waiting.vote)
    }

    /// The pending vote of a token with the highest sequence number.
    pub fn latest_of(&self, token: TokenId) -> Option<&CheckedVote> {
        let (_, at) = self.by_use.range((token, 0)..=(token, u8::MAX)).next_back()?;
        self.waiting.get(at).map(|waiting| &waiting.vote)
    }

    /// Votes in the order in which they arrived.
    pub fn iter(&self) -> impl Iterator<Item = &CheckedVote> {
        self.waiting.values().map(|waiting| &waiting.vote)
    }

    /// Appends a vote, unless another one has its slot.
    pub(super) fn push(&mut self, vote: CheckedVote) {
        if self.of_use(vote.token, vote.sequence).is_some() || self.contains(&vote.id()) {
            return;
        }
        let (id, bytes) = (vote.id(), vote.encode().len());
        self.by_id.insert(id, self.next);
        self.by_use.insert((vote.token, vote.sequence), self.next);
        self.by_short.insert(ShortId::from(&id), self.next);
        self.waiting.insert(self.next, Waiting { vote, bytes });
        self.bytes += bytes;
        self.next += 1;
    }

    pub(super) fn remove(&mut self, id: &VoteId) -> Option<CheckedVote> {
        let at = self.by_id.remove(id)?;
        let waiting = self.waiting.remove(&at)?;
        self.by_use.remove(&(waiting.vote.token, waiting.vote.sequence));
        self.by_short.remove(&ShortId::from(id));
        self.bytes -= waiting.bytes;
        Some(waiting.vote)
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
    fn a_vote_is_found_by_id_slot_and_token_until_it_is_removed() {
        let mut pool = PendingVotes::default();
        let (vote, id) = (checked(1, "Yes"), checked(1, "Yes").id());
        pool.push(vote.clone());
        assert!(pool.contains(&id));
        let found = [pool.get(&id), pool.get_short(&ShortId::from(&id))];
        assert_eq!(found, [Some(&vote); 2]);
        let token = TokenId(1);
        assert_eq!([pool.of_use(token, 0), pool.latest_of(token)], [Some(&vote); 2]);
        assert_eq!(pool.remove(&id), Some(vote));
        assert!(pool.is_empty() && pool.of_use(token, 0).is_none() && pool.bytes == 0);
        assert!(pool.by_id.is_empty() && pool.by_use.is_empty() && pool.by_short.is_empty());
    }

    #[test]
    fn a_slot_belongs_to_the_vote_that_came_first() {
        let mut pool = PendingVotes::default();
        pool.push(checked(1, "Yes"));
        pool.push(checked(1, "No"));
        assert_eq!(pool.iter().collect::<Vec<_>>(), [&checked(1, "Yes")]);
    }

    #[test]
    fn votes_stay_in_the_order_in_which_they_came() {
        let mut pool = PendingVotes::default();
        for token in [7, 3, 5] {
            pool.push(checked(token, "Yes"));
        }
        pool.remove(&checked(3, "Yes").id());
        pool.push(checked(3, "No"));
        let tokens: Vec<_> = pool.iter().map(|vote| vote.token.0).collect();
        assert_eq!(tokens, [7, 5, 3]);
    }

    #[test]
    fn bytes_fill_it_before_the_number_does_where_votes_are_long() {
        let mut pool = PendingVotes::default();
        let text = "a".repeat(190);
        let mut token = 1;
        while !pool.is_full() {
            pool.push(checked(token, &text));
            token += 1;
        }
        assert!(pool.len() < MAX_PENDING_VOTES && pool.bytes < MAX_PENDING_BYTES + 300);
    }
}
