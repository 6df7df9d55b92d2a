//! Comparing pending votes with a peer: what travels grows with the difference, not with the sets.
//!
//! Range-based set reconciliation (A. Meyer, "Range-Based Set Reconciliation", 2023) by the
//! `negentropy` crate, whose messages are carried as they are. An item is a vote's id with the
//! timestamp 0. Whoever begins learns both differences, sends what the other lacks and asks for
//! what it lacks itself.
//!
//! Invariant: nothing is kept between messages but a count of rounds, so a peer that breaks off
//! leaves nothing behind.

use negentropy::{Id, Negentropy, NegentropyStorageVector};

use super::{
    COMPARE_EVERY_MS, Node, Peer,
    gossip::{MAX_PAGES, pages},
    peers::Allowed,
};
use crate::{
    crypto::hash::{ShortId, VoteId},
    election::vote::CheckedVote,
    sorted::sorted,
    time::Timestamp,
    wire::message::{MAX_RECONCILE_BYTES, MAX_VOTES_ASKED, Message},
};

/// Rounds of one comparison: a set of 100,000 votes that one side lacks whole takes about 50.
const MAX_ROUNDS: u32 = 64;

/// The ids of pending votes, sorted; made anew when they changed.
#[derive(Default)]
pub(super) struct PendingIds {
    storage: Option<NegentropyStorageVector>,
}

impl PendingIds {
    pub(super) fn changed(&mut self) {
        self.storage = None;
    }
}

impl Node {
    fn pending_ids(&mut self) -> Option<&NegentropyStorageVector> {
        if self.pending_ids.storage.is_none() {
            let mut storage = NegentropyStorageVector::with_capacity(self.pending.len());
            for vote in self.pending.iter() {
                storage.insert(0, Id::from_byte_array(vote.id().0)).ok()?;
            }
            storage.seal().ok()?;
            self.pending_ids.storage = Some(storage);
        }
        self.pending_ids.storage.as_ref()
    }

    /// Begins to compare pending votes with a peer.
    pub(super) fn compare(&mut self, now: Timestamp, peer: Peer) {
        self.next_compare = now.plus_ms(COMPARE_EVERY_MS);
        let question = self.pending_ids().and_then(|ids| {
            Negentropy::borrowed(ids, MAX_RECONCILE_BYTES as u64).ok()?.initiate().ok()
        });
        if let Some(question) = question {
            self.peers.begin_rounds(peer, MAX_ROUNDS);
            self.send(peer, &Message::Reconcile(question));
        }
    }

    pub(super) fn on_reconcile(&mut self, now: Timestamp, from: Peer, query: &[u8]) {
        let answer = self.pending_ids().and_then(|ids| {
            Some(Negentropy::borrowed(ids, MAX_RECONCILE_BYTES as u64).ok()?.reconcile(query))
        });
        match answer {
            Some(Ok(answer)) => self.send(from, &Message::Reconciled(answer)),
            Some(Err(error)) => self.reject(now, from, format!("reconciliation: {error}")),
            None => {}
        }
    }

    pub(super) fn on_reconciled(&mut self, now: Timestamp, from: Peer, answer: &[u8]) {
        // Only from whom it was asked, and only so often.
        if !self.peers.next_round(from) {
            return;
        }
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = self.pending_ids().and_then(|ids| {
            let mut session = Negentropy::borrowed(ids, MAX_RECONCILE_BYTES as u64).ok()?;
            session.set_initiator();
            Some(session.reconcile_with_ids(answer, &mut have, &mut need))
        });
        let next = match next {
            Some(Ok(next)) => next,
            Some(Err(error)) => return self.reject(now, from, format!("reconciliation: {error}")),
            None => return,
        };
        // The crate hands them out in the order of a hash table: sorted, so that a node given the
        // same input does the same.
        let need = sorted(need);
        let lacking = have.iter().map(|id| VoteId(id.to_bytes()));
        let most = if self.peers.may_serve(from, now) == Allowed::Yes { MAX_PAGES } else { 0 };
        let mut lacking = lacking.filter_map(|id| self.pending.get(&id)).map(CheckedVote::vote);
        for page in pages(&mut lacking, most) {
            self.send(from, &Message::Votes(page));
        }
        let wanted: Vec<_> = need
            .iter()
            .map(|id| ShortId::from(&VoteId(id.to_bytes())))
            .take(MAX_VOTES_ASKED)
            .collect();
        if !wanted.is_empty() {
            self.send(from, &Message::GetVotes(wanted));
        }
        match next {
            Some(question) => self.send(from, &Message::Reconcile(question)),
            None => self.peers.end_rounds(from),
        }
    }
}
