//! The relays this node is connected to.

use std::collections::BTreeMap;

use super::interface::LinkId;
use crate::{time::Timestamp, wire::frame::PeerId};

/// How often a relay is asked for peers to compare tips and votes with.
const SAMPLE_EVERY_MS: u64 = 20_000;
/// Several samples that agree are meaningful: an attacker who fills a room with names must fill it
/// for a minute.
const SAMPLES_THAT_TELL: u32 = 3;
/// If more bytes than this are waiting to be sent to a relay, nobody there is served: own votes
/// come first.
const MAX_BACKLOG: usize = 2 << 20;

/// A connection.
struct LinkState {
    /// What the relay calls this node.
    own: PeerId,
    /// Bytes that are waiting to be sent, as the driver reported.
    backlog: usize,
}

/// Connections.
#[derive(Default)]
pub(super) struct Links {
    up: BTreeMap<LinkId, LinkState>,
    next_sample: Timestamp,
    /// Samples in a row in which somebody answered and nobody claimed a better chain.
    agreeing: u32,
}

impl Links {
    /// A relay let this node in under this name. It is asked for peers at once, so the next sample
    /// can wait.
    pub fn up(&mut self, now: Timestamp, link: LinkId, own: PeerId) {
        self.up.entry(link).or_insert(LinkState { own, backlog: 0 }).own = own;
        self.agreeing = 0;
        self.next_sample = now.plus_ms(SAMPLE_EVERY_MS);
    }

    /// A relay is gone.
    pub fn down(&mut self, link: LinkId) {
        self.up.remove(&link);
    }

    /// This many bytes are waiting to be sent.
    pub fn set_backlog(&mut self, link: LinkId, bytes: usize) {
        if let Some(state) = self.up.get_mut(&link) {
            state.backlog = bytes;
        }
    }

    /// What the relay calls this node.
    pub fn own(&self, link: LinkId) -> Option<PeerId> {
        self.up.get(&link).map(|state| state.own)
    }

    /// Whether so many bytes are waiting that questions of peers there are not answered.
    pub fn is_busy(&self, link: LinkId) -> bool {
        self.up.get(&link).is_some_and(|state| state.backlog > MAX_BACKLOG)
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.up.is_empty()
    }

    /// The connections, by number.
    pub fn iter(&self) -> impl Iterator<Item = LinkId> {
        self.up.keys().copied()
    }

    /// The connections other than `heard_on`, on which nobody heard it yet.
    pub fn without(&self, heard_on: Option<LinkId>) -> Vec<LinkId> {
        self.iter().filter(|link| Some(*link) != heard_on).collect()
    }

    /// Whether it is time to ask for peers again. `agree` says whether the peers that were drawn
    /// last agree with this node.
    pub fn is_sample_due(&mut self, now: Timestamp, agree: bool) -> bool {
        let due = now >= self.next_sample;
        if due {
            self.next_sample = now.plus_ms(SAMPLE_EVERY_MS);
            self.agreeing = if agree { self.agreeing.saturating_add(1) } else { 0 };
        }
        due
    }

    /// Whether several samples agreed.
    pub fn agree(&self) -> bool {
        self.agreeing >= SAMPLES_THAT_TELL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_busy_above_its_bound_and_forgotten_when_it_goes() {
        let mut links = Links::default();
        links.up(Timestamp(0), LinkId(1), PeerId(7));
        links.set_backlog(LinkId(1), MAX_BACKLOG);
        assert!(!links.is_busy(LinkId(1)));
        links.set_backlog(LinkId(1), MAX_BACKLOG + 1);
        assert!(links.is_busy(LinkId(1)));
        links.down(LinkId(1));
        links.set_backlog(LinkId(1), MAX_BACKLOG + 1);
        assert!(!links.is_busy(LinkId(1)) && links.is_empty());
    }

    #[test]
    fn peers_are_asked_for_every_twenty_seconds() {
        let mut links = Links::default();
        links.up(Timestamp(5_000), LinkId(1), PeerId(7));
        assert!(!links.is_sample_due(Timestamp(24_999), true));
        assert!(links.is_sample_due(Timestamp(25_000), true));
        assert!(!links.is_sample_due(Timestamp(25_001), true));
    }

    #[test]
    fn three_samples_in_a_row_that_agree_tell_something() {
        let mut links = Links::default();
        links.up(Timestamp(0), LinkId(1), PeerId(7));
        for (number, agree) in [(1, true), (2, true), (3, false), (4, true), (5, true), (6, true)] {
            assert!(!links.agree());
            links.is_sample_due(Timestamp(number * SAMPLE_EVERY_MS), agree);
        }
        assert!(links.agree());
        links.up(Timestamp(200_000), LinkId(2), PeerId(7));
        assert!(!links.agree(), "a relay that came back may show others");
    }
}
