//! What a node wants done, for the driver to take.
//!
//! Invariant: changes of the store come first and in one batch, so that nothing is sent or reported
//! that is not stored. There is no way to put anything before them, or to make a second batch.

use std::collections::VecDeque;

use super::interface::{Event, Job, LinkId, Output, Peer, Signatures, StoreChange};

/// Outputs that were not taken yet.
#[derive(Default)]
pub(super) struct Outbox {
    changes: Vec<StoreChange>,
    rest: VecDeque<Output>,
}

impl Outbox {
    /// Takes the next one.
    pub fn poll(&mut self) -> Option<Output> {
        if self.changes.is_empty() {
            return self.rest.pop_front();
        }
        Some(Output::Persist(std::mem::take(&mut self.changes)))
    }

    /// Changes the store.
    pub fn store(&mut self, change: StoreChange) {
        self.changes.push(change);
    }

    /// Sends to one peer.
    pub fn send(&mut self, to: Peer, bytes: Vec<u8>) {
        self.rest.push_back(Output::Send(to, bytes));
    }

    /// Sends to everybody in a room.
    pub fn broadcast(&mut self, link: LinkId, bytes: Vec<u8>) {
        self.rest.push_back(Output::Broadcast(link, bytes));
    }

    /// Asks a relay for peers.
    pub fn sample(&mut self, link: LinkId, count: u8) {
        self.rest.push_back(Output::Sample(link, count));
    }

    /// Asks for a nonce for a job; `None` means rest.
    pub fn mine(&mut self, job: Option<Job>) {
        self.rest.push_back(Output::Mine(job));
    }

    /// Asks for signatures to be verified.
    pub fn verify(&mut self, signatures: Signatures) {
        self.rest.push_back(Output::Verify(signatures));
    }

    /// Reports something to the user.
    pub fn event(&mut self, event: Event) {
        self.rest.push_back(Output::Event(event));
    }

    /// The same, but not if it is among the last few: a burst brings one event, not thousands.
    pub fn event_once(&mut self, event: Event) {
        let mut last = self.rest.iter().rev().take(8);
        if !last.any(|output| matches!(output, Output::Event(e) if *e == event)) {
            self.event(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chain::header::Height, crypto::hash::VoteId};

    #[test]
    fn what_is_to_be_stored_comes_first_in_one_batch_whenever_it_was_said() {
        let mut out = Outbox::default();
        out.event(Event::PendingChanged);
        out.store(StoreChange::Truncate(Height(1)));
        out.sample(LinkId(0), 1);
        out.store(StoreChange::DropPending(VoteId([1; 32])));
        let Some(Output::Persist(batch)) = out.poll() else { panic!("the store comes first") };
        assert!(matches!(
            batch.as_slice(),
            [StoreChange::Truncate(_), StoreChange::DropPending(_)]
        ));
        assert!(matches!(out.poll(), Some(Output::Event(Event::PendingChanged))));
        out.store(StoreChange::Truncate(Height(2)));
        assert!(matches!(out.poll(), Some(Output::Persist(batch)) if batch.len() == 1));
        assert!(matches!(out.poll(), Some(Output::Sample(..))));
        assert!(out.poll().is_none());
    }

    #[test]
    fn a_burst_brings_one_event() {
        let mut out = Outbox::default();
        (0..100).for_each(|_| out.event_once(Event::PendingChanged));
        assert!(out.poll().is_some() && out.poll().is_none());
    }
}
