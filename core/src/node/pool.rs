//! Votes that wait for a block, in the order in which they came.

use std::collections::{BTreeMap, HashMap};

use crate::{
    crypto::hash::{ShortId, VoteId},
    election::{token::TokenId, vote::CheckedVote},
};

/// What fits in a reconciliation message of one frame, with room to spare.
pub const MAX_PENDING_VOTES: usize = 100_000;
/// Memory that strangers can fill with pending votes.
pub const MAX_PENDING_BYTES: usize = 16 << 20;

struct Waiting {
    vote: CheckedVote,
    bytes: usize,
}

/// Pending votes: at most one for each token and sequence number, and none that the chain has used.
#[derive(Default)]
pub struct PendingVotes {
    /// By arrival.
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

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the bounds leave no room for another stranger's vote.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_PENDING_VOTES || self.bytes >= MAX_PENDING_BYTES
    }

    /// Whether the vote waits here.
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

    /// The vote that waits with a token and sequence number.
    pub fn of_use(&self, token: TokenId, sequence: u8) -> Option<&CheckedVote> {
        let at = self.by_use.get(&(token, sequence))?;
        self.waiting.get(at).map(|waiting| &waiting.vote)
    }

    /// The vote with the highest sequence number that waits with a token.
    pub fn latest_of(&self, token: TokenId) -> Option<&CheckedVote> {
        let (_, at) = self.by_use.range((token, 0)..=(token, u8::MAX)).next_back()?;
        self.waiting.get(at).map(|waiting| &waiting.vote)
    }

    /// Votes in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &CheckedVote> {
        self.waiting.values().map(|waiting| &waiting.vote)
    }

    /// Appends a vote whose slot is free here.
    pub(crate) fn push(&mut self, vote: CheckedVote) {
        let (id, bytes) = (vote.id(), vote.encode().len());
        self.by_id.insert(id, self.next);
        self.by_use.insert((vote.token, vote.sequence), self.next);
        self.by_short.insert(ShortId::from(&id), self.next);
        self.waiting.insert(self.next, Waiting { vote, bytes });
        self.bytes += bytes;
        self.next += 1;
    }

    pub(crate) fn remove(&mut self, id: &VoteId) -> Option<CheckedVote> {
        let at = self.by_id.remove(id)?;
        let waiting = self.waiting.remove(&at)?;
        self.by_use.remove(&(waiting.vote.token, waiting.vote.sequence));
        self.by_short.remove(&ShortId::from(id));
        self.bytes -= waiting.bytes;
        Some(waiting.vote)
    }
}
