//! The peers this node has heard of, and what they claimed.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use super::{LinkId, Peer};
use crate::{chain::Chain, difficulty::Work, hash::BlockHash, header::Height, time::Timestamp};

/// Enough to sync from and compare with; the quietest makes room for a new one.
pub const MAX_PEERS: usize = 64;
/// A peer that was not heard for this long is not counted any more.
const SILENT_MS: u64 = 70_000;
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
    /// The sealed block that its chain holds, as it claims.
    pub sealed: Option<BlockHash>,
}

/// How much is served to whoever asks: a short question can ask for a megabyte.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    per_second: u64,
    most: u64,
    level: u64,
    at: Timestamp,
}

impl Budget {
    pub(super) fn new(per_second: u64, most: u64) -> Self {
        Self { per_second, most, level: most, at: Timestamp(0) }
    }

    /// Whether there is something left.
    fn refill(&mut self, now: Timestamp) -> bool {
        let filled = u128::from(now.ms_since(self.at)) * u128::from(self.per_second) / 1000;
        let filled = u64::try_from(filled).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(filled).min(self.most);
        self.at = self.at.max(now);
        self.level > 0
    }

    fn take(&mut self, bytes: usize) {
        self.level = self.level.saturating_sub(bytes as u64);
    }
}

/// To one peer: a tab that syncs gets a page each half second at least.
const PEER_PER_SECOND: u64 = 2 << 20;
const PEER_AT_ONCE: u64 = 8 << 20;
/// To all: what a relay reads from one connection, so that answers never pile up here.
const ALL_PER_SECOND: u64 = 4 << 20;
const ALL_AT_ONCE: u64 = 16 << 20;

/// Signatures that are verified for nothing: of votes that are neither stored nor prove anything.
/// From one peer, and from all: a small part of a core. Votes that are taken cost nothing of it.
const PEER_IDLE_PER_SECOND: u64 = 250;
const PEER_IDLE_AT_ONCE: u64 = 4_096;
const ALL_IDLE_PER_SECOND: u64 = 1_000;
const ALL_IDLE_AT_ONCE: u64 = 16_384;
/// Between two questions for statements to one peer; doubled while they bring nothing.
const ASK_EVIDENCE_MS: u64 = 2_000;
/// Between two comparisons of pending votes with one peer.
const COMPARE_WITH_ONE_MS: u64 = 20_000;

#[derive(Clone, Debug)]
pub(super) struct PeerState {
    pub claim: Option<Claim>,
    pub heard: Timestamp,
    /// Requests it left unanswered.
    pub stalls: u32,
    served: Budget,
    idle: Budget,
    /// When it may be asked for statements again, and how often that brought nothing.
    ask_evidence: Timestamp,
    fruitless: u32,
    /// When pending votes may be compared with it again.
    compare: Timestamp,
}

impl Default for PeerState {
    fn default() -> Self {
        Self {
            claim: None,
            heard: Timestamp(0),
            stalls: 0,
            served: Budget::new(PEER_PER_SECOND, PEER_AT_ONCE),
            idle: Budget::new(PEER_IDLE_PER_SECOND, PEER_IDLE_AT_ONCE),
            ask_evidence: Timestamp(0),
            fruitless: 0,
            compare: Timestamp(0),
        }
    }
}

/// Bounded books about peers.
pub struct Peers {
    pub(super) known: HashMap<Peer, PeerState>,
    banned: VecDeque<Peer>,
    served: Budget,
    idle: Budget,
}

impl Default for Peers {
    fn default() -> Self {
        let served = Budget::new(ALL_PER_SECOND, ALL_AT_ONCE);
        let idle = Budget::new(ALL_IDLE_PER_SECOND, ALL_IDLE_AT_ONCE);
        Self { known: HashMap::new(), banned: VecDeque::new(), served, idle }
    }
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

    /// Whether a peer may be served now.
    pub(super) fn may_serve(&mut self, peer: Peer, now: Timestamp) -> bool {
        let all = self.served.refill(now);
        all && self.known.get_mut(&peer).is_some_and(|state| state.served.refill(now))
    }

    /// Counts what a peer was served.
    pub(super) fn served(&mut self, peer: Peer, bytes: usize) {
        self.served.take(bytes);
        if let Some(state) = self.known.get_mut(&peer) {
            state.served.take(bytes);
        }
    }

    /// Whether signatures of this peer's votes may be verified now.
    pub(super) fn may_verify(&mut self, peer: Peer, now: Timestamp) -> bool {
        let all = self.idle.refill(now);
        all && self.known.get_mut(&peer).is_some_and(|state| state.idle.refill(now))
    }

    /// Counts signatures that were verified for nothing.
    pub(super) fn verified_idly(&mut self, peer: Peer, signatures: usize) {
        self.idle.take(signatures);
        if let Some(state) = self.known.get_mut(&peer) {
            state.idle.take(signatures);
        }
    }

    /// Whether to ask a peer for statements now. Each peer has its own time, so that none can take
    /// another's turn; one whose answers bring nothing is asked ever less.
    pub(super) fn may_ask_evidence(&mut self, peer: Peer, now: Timestamp) -> bool {
        let state = self.known.get_mut(&peer);
        let Some(state) = state.filter(|state| now >= state.ask_evidence) else { return false };
        state.ask_evidence = now.plus_ms(ASK_EVIDENCE_MS << state.fruitless.min(5));
        state.fruitless = state.fruitless.saturating_add(1);
        true
    }

    /// A peer's statements brought something new: it may be asked again at once.
    pub(super) fn evidence_was_new(&mut self, peer: Peer, now: Timestamp) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.ask_evidence, state.fruitless) = (now, 0);
        }
    }

    /// Whether to compare pending votes with this peer now.
    pub(super) fn may_compare(&mut self, peer: Peer, now: Timestamp) -> bool {
        let state = self.known.get_mut(&peer);
        let Some(state) = state.filter(|state| now >= state.compare) else { return false };
        state.compare = now.plus_ms(COMPARE_WITH_ONE_MS);
        true
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

    /// The peer that claims the best tip, if it is better than the chain's; among those that
    /// stalled least.
    pub(super) fn best_above(&self, chain: &Chain) -> Option<Peer> {
        let anchored = |claim: &Claim| claim.sealed.is_some() && claim.sealed == chain.anchor();
        self.known
            .iter()
            .filter_map(|(peer, state)| Some((*peer, state, state.claim.as_ref()?)))
            .filter(|(_, _, claim)| chain.is_better(claim.work, claim.tip, anchored(claim)))
            .max_by_key(|(peer, state, claim)| {
                let rank = (anchored(claim), claim.work, Reverse(claim.tip));
                (Reverse(state.stalls), rank, Reverse(*peer))
            })
            .map(|(peer, _, _)| peer)
    }
}
