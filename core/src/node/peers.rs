//! The peers this node has heard of, and what they claimed.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use super::{LinkId, Peer};
use crate::{difficulty::Work, hash::BlockHash, header::Height, time::Timestamp};

/// Enough to sync from and compare with; the quietest makes room for a new one.
pub const MAX_PEERS: usize = 64;
/// A peer that was not heard for this long is not counted any more.
const SILENT_MS: u64 = 180_000;
/// Peers that broke the rules; the oldest is forgiven first.
const MAX_BANNED: usize = 256;

/// What a peer last said of itself.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Hash of its tip.
    pub tip: BlockHash,
    /// Height of its tip.
    pub height: Height,
    /// Work it claims.
    pub work: Work,
}

#[derive(Clone, Debug, Default)]
pub(super) struct PeerState {
    pub claim: Option<Claim>,
    pub heard: Timestamp,
    /// Requests it left unanswered.
    pub stalls: u32,
}

/// Bounded books about peers.
#[derive(Default)]
pub struct Peers {
    pub(super) known: HashMap<Peer, PeerState>,
    banned: VecDeque<Peer>,
}

impl Peers {
    /// Peers heard of on connections that still stand.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Each peer and what it claims.
    pub fn iter(&self) -> impl Iterator<Item = (Peer, Option<&Claim>)> {
        self.known.iter().map(|(peer, state)| (*peer, state.claim.as_ref()))
    }

    /// Highest tip that any peer claims.
    pub fn highest(&self) -> Option<Height> {
        self.known.values().filter_map(|state| state.claim.as_ref()).map(|c| c.height).max()
    }

    pub(super) fn is_banned(&self, peer: Peer) -> bool {
        self.banned.contains(&peer)
    }

    pub(super) fn ban(&mut self, peer: Peer) {
        self.known.remove(&peer);
        if !self.is_banned(peer) {
            self.banned.push_back(peer);
            if self.banned.len() > MAX_BANNED {
                self.banned.pop_front();
            }
        }
    }

    pub(super) fn forget(&mut self, peer: Peer) {
        self.known.remove(&peer);
    }

    pub(super) fn forget_link(&mut self, link: LinkId) {
        self.known.retain(|peer, _| peer.link != link);
        self.banned.retain(|peer| peer.link != link);
    }

    /// Forgets peers that said nothing for a while; says whether there were any.
    pub(super) fn forget_silent(&mut self, now: Timestamp) -> bool {
        let before = self.known.len();
        self.known.retain(|_, state| now.ms_since(state.heard) < SILENT_MS);
        self.known.len() < before
    }

    /// The books on a peer, opened if need be; the peer not heard for the longest makes room.
    pub(super) fn hear(&mut self, peer: Peer, now: Timestamp) -> &mut PeerState {
        if !self.known.contains_key(&peer) && self.known.len() >= MAX_PEERS {
            let quietest = self.known.iter().min_by_key(|(peer, state)| (state.heard, **peer));
            if let Some(quietest) = quietest.map(|(peer, _)| *peer) {
                self.known.remove(&quietest);
            }
        }
        let state = self.known.entry(peer).or_default();
        state.heard = now;
        state
    }

    /// The peer that claims the best tip, if it is better than this one; among those that stalled
    /// least.
    pub(super) fn best_above(&self, work: Work, tip: BlockHash) -> Option<Peer> {
        self.known
            .iter()
            .filter_map(|(peer, state)| Some((*peer, state, state.claim.as_ref()?)))
            .filter(|(_, _, claim)| claim.work > work || (claim.work == work && claim.tip < tip))
            .max_by_key(|(peer, state, claim)| {
                (Reverse(state.stalls), claim.work, Reverse(claim.tip), Reverse(*peer))
            })
            .map(|(peer, _, _)| peer)
    }
}
