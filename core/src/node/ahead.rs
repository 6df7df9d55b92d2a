//! Blocks whose time is too far ahead of this node's clock: which peers to ask again later, and
//! what the blocks say about the clock.
//!
//! A slow clock shows in every new block. But a single peer can also make up such a block, so it is
//! only reported as a reason to look at the clock.

use super::interface::Peer;
use crate::{chain::ancestry::MAX_AHEAD_MS, time::Timestamp};

/// Peers that are remembered: a few are enough.
const MAX_PEERS: usize = 64;
/// A block says something about the clock for this long.
const REMEMBERED_MS: u64 = 300_000;

/// The last such block of each peer.
#[derive(Default)]
pub(super) struct Ahead {
    heard: Vec<Heard>,
}

struct Heard {
    from: Peer,
    dated: Timestamp,
    at: Timestamp,
}

impl Ahead {
    /// A peer has a block with this time.
    pub fn heard(&mut self, peer: Peer, dated: Timestamp, now: Timestamp) {
        self.heard.retain(|heard| heard.from != peer);
        if self.heard.len() < MAX_PEERS {
            self.heard.push(Heard { from: peer, dated, at: now });
        }
    }

    /// The earliest time of such a block.
    pub fn earliest(&self) -> Option<Timestamp> {
        self.heard.iter().map(|heard| heard.dated).min()
    }

    /// Keeps only the blocks of peers that are still heard.
    pub fn retain(&mut self, is_heard: impl Fn(&Peer) -> bool) {
        self.heard.retain(|heard| is_heard(&heard.from));
    }

    /// The peers whose blocks may be valid now; they are forgotten, and so are those heard of long
    /// ago.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Peer> {
        let mut due = Vec::new();
        self.heard.retain(|Heard { from, dated, at }| {
            let is_due = *dated <= now.plus_ms(MAX_AHEAD_MS);
            if is_due {
                due.push(*from);
            }
            !is_due && now.ms_since(*at) < REMEMBERED_MS
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{node::LinkId, testkit::NOW, wire::frame::PeerId};

    fn peer(id: u64) -> Peer {
        Peer { link: LinkId(0), id: PeerId(id) }
    }

    #[test]
    fn a_peer_is_due_when_its_block_is_not_too_far_ahead_any_more() {
        let mut ahead = Ahead::default();
        assert_eq!(ahead.earliest(), None);
        ahead.heard(peer(1), NOW.plus_ms(MAX_AHEAD_MS + 5_000), NOW);
        ahead.heard(peer(2), NOW.plus_ms(MAX_AHEAD_MS + 9_000), NOW);
        assert_eq!(ahead.earliest(), Some(NOW.plus_ms(MAX_AHEAD_MS + 5_000)));
        assert_eq!(ahead.take_due(NOW.plus_ms(4_999)), []);
        assert_eq!(ahead.take_due(NOW.plus_ms(5_000)), [peer(1)]);
        assert_eq!(ahead.earliest(), Some(NOW.plus_ms(MAX_AHEAD_MS + 9_000)));
        assert_eq!(ahead.take_due(NOW.plus_ms(9_000)), [peer(2)]);
        assert_eq!(ahead.earliest(), None);
    }

    #[test]
    fn names_without_end_fill_no_memory_and_what_is_far_ahead_is_forgotten() {
        let mut ahead = Ahead::default();
        for id in 0..1_000 {
            ahead.heard(peer(id), NOW.plus_ms(1 << 40), NOW);
        }
        assert_eq!(ahead.heard.len(), MAX_PEERS);
        ahead.retain(|known| *known == peer(3));
        assert_eq!(ahead.heard.len(), 1);
        assert_eq!(ahead.take_due(NOW.plus_ms(REMEMBERED_MS)), []);
        assert_eq!(ahead.earliest(), None);
    }
}
