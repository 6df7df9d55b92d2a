//! The peers this node has heard of, and what they claimed.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use super::{LinkId, Peer};
use crate::{
    chain::{difficulty::Work, header::Height, tree::Chain},
    crypto::hash::BlockHash,
    time::Timestamp,
};

/// Enough to sync from and compare with; the quietest makes room for a new one.
pub const MAX_PEERS: usize = 64;
/// A peer that was not heard for this long is not counted any more.
const SILENT_MS: u64 = 70_000;
/// Peers that broke the rules; the oldest is forgiven first.
const MAX_BANNED: usize = 256;

/// Peers that went and whose score is kept, in case they come back.
const MAX_LEFT: usize = 512;

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
    most: i64,
    /// Below 0 is a debt that time pays off: the last answer may have been a long one.
    level: i64,
    at: Timestamp,
}

impl Budget {
    pub(super) fn new(per_second: u64, most: u64) -> Self {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Self { per_second, most, level: most, at: Timestamp(0) }
    }

    /// Whether there is something left.
    fn refill(&mut self, now: Timestamp) -> bool {
        let filled = u128::from(now.ms_since(self.at)) * u128::from(self.per_second) / 1000;
        // Only time that made up whole units is spent: asking often must not stop the filling.
        if filled > 0 {
            let filled = i64::try_from(filled).unwrap_or(i64::MAX);
            self.level = self.level.saturating_add(filled).min(self.most);
            self.at = if self.level == self.most {
                now
            } else {
                let spent = filled.unsigned_abs().saturating_mul(1000) / self.per_second;
                self.at.plus_ms(spent).min(now)
            };
        }
        self.level > 0
    }

    fn take(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.level = self.level.saturating_sub(bytes).max(-self.most);
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
const ASK_STATEMENTS_MS: u64 = 2_000;
/// Walks over all pending votes for a peer's question: a comparison takes 64 at most.
const PEER_WALKS_PER_SECOND: u64 = 4;
const PEER_WALKS_AT_ONCE: u64 = 64;
const ALL_WALKS_PER_SECOND: u64 = 32;
const ALL_WALKS_AT_ONCE: u64 = 256;

/// At this score a peer is not heard any more. A point is forgiven each second.
const DROP_AT: u64 = 100;

/// Whether something is within the budgets of one peer and of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Yes,
    /// Others used it up: no fault of this peer.
    NotNow,
    /// It used up its own.
    Exceeded,
}

impl Allowed {
    fn of(own: bool, all: bool) -> Self {
        match (own, all) {
            (false, _) => Self::Exceeded,
            (true, false) => Self::NotNow,
            (true, true) => Self::Yes,
        }
    }
}

/// What a peer did that an honest one does seldom or never, in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offence {
    /// Its headers did not add up to the work that it claimed.
    EmptyClaim,
    /// It sent an answer to no question. A slow peer's late answer is one too.
    Unasked,
    /// It announced a block on a parent that is unknown here. After a partition many are.
    Orphan,
    /// It handed out a block that has less work than all that is kept beside the chain.
    Worthless,
    /// It asks for more, or sends more that leads to nothing, than its budget.
    OverBudget,
}

impl Offence {
    fn points(self) -> u64 {
        match self {
            Self::EmptyClaim => 30,
            Self::Worthless => 10,
            Self::Unasked => 5,
            Self::Orphan => 2,
            Self::OverBudget => 1,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::EmptyClaim => "claimed work that its headers do not have, again and again",
            Self::Unasked => "sent answers that nobody asked for, again and again",
            Self::Orphan => "announced blocks that stand on nothing, again and again",
            Self::Worthless => "handed out blocks that are worth nothing, again and again",
            Self::OverBudget => "asked for or sent far too much",
        }
    }
}

/// Between two comparisons of pending votes with one peer.
const COMPARE_WITH_ONE_MS: u64 = 20_000;

#[derive(Clone, Debug)]
pub(super) struct PeerState {
    pub claim: Option<Claim>,
    pub heard: Timestamp,
    /// When it was first heard.
    since: Timestamp,
    /// Requests it left unanswered.
    pub stalls: u32,
    served: Budget,
    idle: Budget,
    /// When it may be asked for statements again, and how often that brought nothing.
    ask_statements: Timestamp,
    fruitless: u32,
    /// When pending votes may be compared with it again.
    compare: Timestamp,
    /// Rounds that the comparison under way may still take.
    rounds: u32,
    walks: Budget,
    /// Points left until it is not heard any more.
    credit: Budget,
    /// Whether it brought votes or blocks that were new and good: such a peer does not make room
    /// for one that only talks.
    useful: bool,
    /// Whether this node greeted it first, out of those that a relay drew: who comes by itself does
    /// not push it out.
    invited: bool,
    /// Questions that it has not answered yet.
    asked: u32,
    /// Whether it handed out good blocks when asked, and has not left a request unanswered since.
    answers: bool,
}

impl PeerState {
    fn standing(&self) -> (bool, Reverse<u32>) {
        (self.answers, Reverse(self.stalls))
    }
}

impl Default for PeerState {
    fn default() -> Self {
        Self {
            claim: None,
            heard: Timestamp(0),
            since: Timestamp(0),
            stalls: 0,
            served: Budget::new(PEER_PER_SECOND, PEER_AT_ONCE),
            idle: Budget::new(PEER_IDLE_PER_SECOND, PEER_IDLE_AT_ONCE),
            ask_statements: Timestamp(0),
            fruitless: 0,
            compare: Timestamp(0),
            rounds: 0,
            walks: Budget::new(PEER_WALKS_PER_SECOND, PEER_WALKS_AT_ONCE),
            credit: Budget::new(1, DROP_AT),
            useful: false,
            invited: false,
            asked: 0,
            answers: false,
        }
    }
}

/// Bounded books about peers.
pub struct Peers {
    pub(super) known: HashMap<Peer, PeerState>,
    banned: VecDeque<Peer>,
    /// Went or made room; the newest [`MAX_LEFT`].
    left: VecDeque<(Peer, PeerState)>,
    /// Greeted, and no answer yet; the newest [`MAX_PEERS`].
    greeted: VecDeque<Peer>,
    served: Budget,
    idle: Budget,
    walks: Budget,
}

impl Default for Peers {
    fn default() -> Self {
        let served = Budget::new(ALL_PER_SECOND, ALL_AT_ONCE);
        let idle = Budget::new(ALL_IDLE_PER_SECOND, ALL_IDLE_AT_ONCE);
        let walks = Budget::new(ALL_WALKS_PER_SECOND, ALL_WALKS_AT_ONCE);
        Self {
            known: HashMap::new(),
            banned: VecDeque::new(),
            left: VecDeque::new(),
            greeted: VecDeque::new(),
            served,
            idle,
            walks,
        }
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
    pub(super) fn may_serve(&mut self, peer: Peer, now: Timestamp) -> Allowed {
        let own = self.known.get_mut(&peer).is_some_and(|state| state.served.refill(now));
        Allowed::of(own, self.served.refill(now))
    }

    /// Counts what a peer was served.
    pub(super) fn served(&mut self, peer: Peer, bytes: usize) {
        self.served.take(bytes);
        if let Some(state) = self.known.get_mut(&peer) {
            state.served.take(bytes);
        }
    }

    /// Whether signatures of this peer's votes may be verified now.
    pub(super) fn may_verify(&mut self, peer: Peer, now: Timestamp) -> Allowed {
        let own = self.known.get_mut(&peer).is_some_and(|state| state.idle.refill(now));
        Allowed::of(own, self.idle.refill(now))
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
    pub(super) fn may_ask_statements(&mut self, peer: Peer, now: Timestamp) -> bool {
        let state = self.known.get_mut(&peer);
        let Some(state) = state.filter(|state| now >= state.ask_statements) else { return false };
        state.ask_statements = now.plus_ms(ASK_STATEMENTS_MS << state.fruitless.min(5));
        state.fruitless = state.fruitless.saturating_add(1);
        true
    }

    /// A peer's statements brought something new: it may be asked again at once.
    pub(super) fn statements_were_new(&mut self, peer: Peer, now: Timestamp) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.ask_statements, state.fruitless) = (now, 0);
        }
    }

    /// Whether to compare pending votes with this peer now.
    pub(super) fn may_compare(&mut self, peer: Peer, now: Timestamp) -> bool {
        let state = self.known.get_mut(&peer);
        let Some(state) = state.filter(|state| now >= state.compare) else { return false };
        state.compare = now.plus_ms(COMPARE_WITH_ONE_MS);
        true
    }

    /// Counts an offence; says whether the peer is to be dropped for it.
    pub(super) fn offends(&mut self, peer: Peer, now: Timestamp, offence: Offence) -> bool {
        let Some(state) = self.known.get_mut(&peer) else { return false };
        state.credit.refill(now);
        state.credit.take(usize::try_from(offence.points()).unwrap_or(usize::MAX));
        state.credit.level <= 0
    }

    /// Notes a question to a peer, so that its answer is expected, late ones too.
    pub(super) fn asked(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.asked = state.asked.saturating_add(1);
        }
    }

    /// Whether an answer of this peer is expected; counts it.
    pub(super) fn was_asked(&mut self, peer: Peer) -> bool {
        let state = self.known.get_mut(&peer).filter(|state| state.asked > 0);
        state.map(|state| state.asked -= 1).is_some()
    }

    /// Notes that this node greeted a peer.
    pub(super) fn greeted(&mut self, peer: Peer) {
        self.greeted.retain(|known| *known != peer);
        self.greeted.push_back(peer);
        if self.greeted.len() > MAX_PEERS {
            self.greeted.pop_front();
        }
    }

    /// Whether this node greeted a peer, and it did not answer yet.
    pub(super) fn answers_greeting(&mut self, peer: Peer) -> bool {
        let before = self.greeted.len();
        self.greeted.retain(|known| *known != peer);
        self.greeted.len() < before
    }

    /// Notes that a peer brought something new and good.
    pub(super) fn was_useful(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.useful = true;
        }
    }

    /// Notes that a peer handed out a good block that it was asked for. What it sends unasked says
    /// nothing of that: who withholds can forward too.
    pub(super) fn answered(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.useful, state.answers, state.stalls) = (true, true, 0);
        }
    }

    /// A peer left a request unanswered. It may be slow: it is asked last, and heard as before.
    pub(super) fn stalled(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.answers, state.stalls) = (false, state.stalls.saturating_add(1));
        }
    }

    /// Requests in a row that a peer left unanswered.
    pub(super) fn stalls(&self, peer: Peer) -> u32 {
        self.known.get(&peer).map_or(0, |state| state.stalls)
    }

    /// How far a peer is trusted to answer: who handed out blocks comes before who was not asked
    /// yet, and that before who left requests unanswered. So names without end do not hold up a node
    /// that knows one honest peer.
    pub(super) fn standing(&self, peer: Peer) -> (bool, Reverse<u32>) {
        self.known.get(&peer).map_or((false, Reverse(0)), PeerState::standing)
    }

    /// Whether to walk over all pending votes for this peer now; counts it.
    pub(super) fn may_walk(&mut self, peer: Peer, now: Timestamp) -> bool {
        let all = self.walks.refill(now);
        let may = all && self.known.get_mut(&peer).is_some_and(|state| state.walks.refill(now));
        if may {
            self.walks.take(1);
            if let Some(state) = self.known.get_mut(&peer) {
                state.walks.take(1);
            }
        }
        may
    }

    /// A comparison with a peer begins.
    pub(super) fn begin_rounds(&mut self, peer: Peer, rounds: u32) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.rounds = rounds;
        }
    }

    /// Whether an answer of this peer is expected; counts it.
    pub(super) fn next_round(&mut self, peer: Peer) -> bool {
        let state = self.known.get_mut(&peer).filter(|state| state.rounds > 0);
        state.map(|state| state.rounds -= 1).is_some()
    }

    /// The comparison is over.
    pub(super) fn end_rounds(&mut self, peer: Peer) {
        self.begin_rounds(peer, 0);
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

    /// A peer went, or makes room: it is not counted any more, and starts where it was if it comes
    /// back, or to go and come would wipe its score.
    pub(super) fn leave(&mut self, peer: Peer) {
        if let Some(mut state) = self.known.remove(&peer) {
            state.claim = None;
            self.left.push_back((peer, state));
            if self.left.len() > MAX_LEFT {
                self.left.pop_front();
            }
        }
    }

    pub(super) fn forget_link(&mut self, link: LinkId) {
        self.known.retain(|peer, _| peer.link != link);
        self.left.retain(|(peer, _)| peer.link != link);
        self.banned.retain(|peer| peer.link != link);
        self.greeted.retain(|peer| peer.link != link);
    }

    /// Forgets peers that said nothing for a while; says whether there were any.
    pub(super) fn forget_silent(&mut self, now: Timestamp) -> bool {
        let before = self.known.len();
        self.known.retain(|_, state| now.ms_since(state.heard) < SILENT_MS);
        self.known.len() < before
    }

    /// The books on a peer, opened if need be; one that brought nothing yet makes room, who came by
    /// itself before who was drawn, the one not heard for the longest first.
    pub(super) fn hear(&mut self, peer: Peer, now: Timestamp) -> &mut PeerState {
        if !self.known.contains_key(&peer) && self.known.len() >= MAX_PEERS {
            let quietest = self
                .known
                .iter()
                .min_by_key(|(peer, state)| (state.useful, state.invited, state.heard, **peer));
            if let Some(quietest) = quietest.map(|(peer, _)| *peer) {
                self.leave(quietest);
            }
        }
        let before = self.left.iter().position(|(left, _)| *left == peer);
        let before = before.filter(|_| !self.known.contains_key(&peer));
        if let Some((peer, state)) = before.and_then(|place| self.left.remove(place)) {
            self.known.insert(peer, state);
        }
        let invited = self.greeted.contains(&peer);
        let new = || PeerState { since: now, ..PeerState::default() };
        let state = self.known.entry(peer).or_insert_with(new);
        state.invited |= invited;
        state.heard = now;
        state
    }

    /// The peer that claims the best tip, if it is better than the chain's; among those of the best
    /// standing the one known longest. What it claims decides nothing: a liar claims the most, and
    /// comes under a new name when it was found out.
    pub(super) fn best_above(&self, chain: &Chain) -> Option<Peer> {
        let anchored = |claim: &Claim| claim.sealed.is_some() && claim.sealed == chain.anchor();
        self.known
            .iter()
            .filter_map(|(peer, state)| Some((*peer, state, state.claim.as_ref()?)))
            .filter(|(_, _, claim)| chain.is_better(claim.work, claim.tip, anchored(claim)))
            .max_by_key(|(peer, state, claim)| {
                let rank = (anchored(claim), claim.work, Reverse(claim.tip));
                (state.standing(), Reverse(state.since), rank, Reverse(*peer))
            })
            .map(|(peer, _, _)| peer)
    }
}
