//! The peers this node has heard of: what they claim, their reputation, and what they may cost.
//!
//! Takes what peers did and the time; returns whom to ask, whom to serve and whom to drop.
//! Invariant: it has at most [`MAX_PEERS`] peers, [`MAX_LEFT`] that left and [`MAX_BANNED`] that
//! are banned. A peer that leaves and comes back starts where it was.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use super::{
    budget::{Allowed, Budget},
    interface::{LinkId, Offence, Peer},
};
use crate::{
    chain::{
        fork_choice::{Weight, rank},
        header::Height,
    },
    crypto::hash::BlockHash,
    time::Timestamp,
};

/// Enough to sync from and compare with. The peer that was silent the longest makes room for a new
/// one.
pub const MAX_PEERS: usize = 64;
/// A peer that was silent for this long is not counted any more.
const SILENT_MS: u64 = 70_000;
/// Peers that broke the rules; the oldest is forgiven first.
const MAX_BANNED: usize = 256;

/// Peers that left and whose score is kept, in case they come back.
const MAX_LEFT: usize = 512;

/// What a peer last said of itself.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Hash of its tip.
    pub tip: BlockHash,
    /// Height of its tip.
    pub height: Height,
    /// Weight it claims.
    pub weight: Weight,
    /// The sealed block that its chain has, as it claims.
    pub sealed: Option<BlockHash>,
}

/// What a comparison of votes with a peer found. Its answers are not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// When the comparison ended.
    pub at: Timestamp,
    /// How many votes it had that were not here.
    pub lacked: usize,
}

/// Bytes to one peer: a tab that syncs gets at least one page each half second.
const PEER_PER_SECOND: u64 = 2 << 20;
const PEER_AT_ONCE: u64 = 8 << 20;
/// Bytes to all peers: what a relay reads from one connection, so that answers never pile up here.
const ALL_PER_SECOND: u64 = 4 << 20;
const ALL_AT_ONCE: u64 = 16 << 20;
/// A peer that took no more than this gets a short answer although others used up the budget of
/// all: a few peers that ask for everything must not shut the others out. This is for each peer,
/// and for all of them together.
const QUIET_PER_SECOND: u64 = 16 << 10;
const QUIET_AT_ONCE: u64 = 256 << 10;
/// The most that it may owe: a name that was served everything in one answer is not quiet for a
/// while.
const QUIET_DEBT: u64 = 8 << 20;
const ALL_QUIET_PER_SECOND: u64 = 1 << 20;
const ALL_QUIET_AT_ONCE: u64 = 8 << 20;

/// Signatures that are verified in vain: of votes that are neither stored nor prove anything. For
/// one peer, and for all: a small part of a core. Votes that are taken do not count here.
const PEER_IDLE_PER_SECOND: u64 = 250;
const PEER_IDLE_AT_ONCE: u64 = 4_096;
const ALL_IDLE_PER_SECOND: u64 = 1_000;
const ALL_IDLE_AT_ONCE: u64 = 16_384;
/// Time between two questions for statements to one peer; doubled while they bring nothing.
const ASK_STATEMENTS_MS: u64 = 2_000;
/// Walks over all votes for a peer's question: a comparison takes 64 at most.
const PEER_WALKS_PER_SECOND: u64 = 4;
const PEER_WALKS_AT_ONCE: u64 = 64;
const ALL_WALKS_PER_SECOND: u64 = 32;
const ALL_WALKS_AT_ONCE: u64 = 256;

/// At this score a peer is banned. Every second one point is forgiven.
const DROP_AT: u64 = 100;

/// What an offence costs, in points.
fn points(offence: Offence) -> usize {
    match offence {
        Offence::EmptyClaim => 30,
        Offence::Worthless => 10,
        Offence::Unasked => 5,
        Offence::Orphan => 2,
        Offence::OverBudget => 1,
    }
}

/// Pending votes are compared with one peer at a time: comparing with many at once brings the same
/// votes.
const COMPARE_EVERY_MS: u64 = 2_000;
/// Rounds of one comparison: if one side lacks a whole set of 100,000 votes, it takes about 50.
const MAX_ROUNDS: u32 = 64;
/// Time between two comparisons of votes with one peer.
const COMPARE_WITH_ONE_MS: u64 = 20_000;

/// How far a peer is trusted to answer. A peer that handed out blocks comes first, then one that
/// was not asked yet, then one that left requests unanswered. So a stream of new names does not
/// hold up a node that knows one honest peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reputation {
    answers: bool,
    stalls: Reverse<u32>,
}

#[derive(Clone, Debug)]
struct PeerState {
    claim: Option<Claim>,
    heard: Timestamp,
    /// When it was first heard.
    since: Timestamp,
    /// Requests it left unanswered.
    stalls: u32,
    served: Budget,
    quiet: Budget,
    idle: Budget,
    /// When it may be asked for statements again, and how often that brought nothing.
    ask_statements: Timestamp,
    fruitless: u32,
    /// When votes may be compared with it again.
    compare: Timestamp,
    /// Rounds that the current comparison may still take.
    rounds: u32,
    /// How many votes that are not here the current comparison found.
    lacked: usize,
    /// What the last one found.
    compared: Option<Compared>,
    walks: Budget,
    /// Points left until it is banned.
    patience: Budget,
    /// Whether it brought votes or blocks that were new and good: such a peer does not have to make
    /// room for one that only talks.
    useful: bool,
    /// Whether this node greeted it first, among those that a relay drew: a peer that comes by
    /// itself does not push it out.
    invited: bool,
    /// Questions that it has not answered yet.
    asked: u32,
    /// Whether it handed out good blocks when asked, and has not left a request unanswered since.
    answers: bool,
}

impl PeerState {
    fn reputation(&self) -> Reputation {
        Reputation { answers: self.answers, stalls: Reverse(self.stalls) }
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
            quiet: Budget::new(QUIET_PER_SECOND, QUIET_AT_ONCE).owing(QUIET_DEBT),
            idle: Budget::new(PEER_IDLE_PER_SECOND, PEER_IDLE_AT_ONCE),
            ask_statements: Timestamp(0),
            fruitless: 0,
            compare: Timestamp(0),
            rounds: 0,
            lacked: 0,
            compared: None,
            walks: Budget::new(PEER_WALKS_PER_SECOND, PEER_WALKS_AT_ONCE),
            patience: Budget::new(1, DROP_AT),
            useful: false,
            invited: false,
            asked: 0,
            answers: false,
        }
    }
}

/// What is known of peers, within bounds.
pub struct Peers {
    known: HashMap<Peer, PeerState>,
    banned: VecDeque<Peer>,
    /// Peers that left or made room; the newest [`MAX_LEFT`].
    left: VecDeque<(Peer, PeerState)>,
    /// Peers that were greeted and have not answered yet; the newest [`MAX_PEERS`].
    greeted: VecDeque<Peer>,
    served: Budget,
    quiet: Budget,
    idle: Budget,
    walks: Budget,
    next_compare: Timestamp,
}

impl Default for Peers {
    fn default() -> Self {
        let served = Budget::new(ALL_PER_SECOND, ALL_AT_ONCE);
        let quiet = Budget::new(ALL_QUIET_PER_SECOND, ALL_QUIET_AT_ONCE);
        let idle = Budget::new(ALL_IDLE_PER_SECOND, ALL_IDLE_AT_ONCE);
        let walks = Budget::new(ALL_WALKS_PER_SECOND, ALL_WALKS_AT_ONCE);
        Self {
            known: HashMap::new(),
            banned: VecDeque::new(),
            left: VecDeque::new(),
            greeted: VecDeque::new(),
            served,
            quiet,
            idle,
            walks,
            next_compare: Timestamp(0),
        }
    }
}

impl Peers {
    /// Peers heard of on connections that are up.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are no peers.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Each peer and what it claims.
    pub fn iter(&self) -> impl Iterator<Item = (Peer, Option<&Claim>)> {
        self.known.iter().map(|(peer, state)| (*peer, state.claim.as_ref()))
    }

    /// The highest height that any peer claims.
    pub fn highest(&self) -> Option<Height> {
        self.known.values().filter_map(|state| state.claim.as_ref()).map(|c| c.height).max()
    }

    /// Whether a peer is known here.
    pub(super) fn contains(&self, peer: &Peer) -> bool {
        self.known.contains_key(peer)
    }

    /// What a peer claims.
    pub(super) fn claim(&self, peer: Peer) -> Option<&Claim> {
        self.known.get(&peer)?.claim.as_ref()
    }

    /// A peer claims something, or says something that this node does not understand. What is known
    /// of it stays; otherwise this would wipe its reputation.
    pub(super) fn claims(&mut self, peer: Peer, now: Timestamp, claim: Option<Claim>) {
        self.state_of(peer, now).claim = claim;
    }

    /// Forgets what a peer claimed, so that it is not asked again before it says something new.
    pub(super) fn settle(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.claim = None;
        }
    }

    /// Whether a peer may be served now.
    pub(super) fn may_serve(&mut self, peer: Peer, now: Timestamp, short: bool) -> Allowed {
        let state = self.known.get_mut(&peer);
        let (own, quiet) =
            state.map_or((false, false), |it| (it.served.refill(now), it.quiet.refill(now)));
        match Allowed::of(own, self.served.refill(now)) {
            Allowed::NotNow if short && self.quiet.refill(now) && quiet => Allowed::Yes,
            allowed @ (Allowed::Yes | Allowed::NotNow | Allowed::Exceeded) => allowed,
        }
    }

    /// Counts what a peer was served.
    pub(super) fn served(&mut self, peer: Peer, bytes: usize) {
        if self.served.is_spent() {
            self.quiet.take(bytes);
        }
        self.served.take(bytes);
        if let Some(state) = self.known.get_mut(&peer) {
            state.served.take(bytes);
            state.quiet.take(bytes);
        }
    }

    /// Whether signatures of this peer's votes may be verified now.
    pub(super) fn may_verify(&mut self, peer: Peer, now: Timestamp) -> Allowed {
        let own = self.known.get_mut(&peer).is_some_and(|state| state.idle.refill(now));
        Allowed::of(own, self.idle.refill(now))
    }

    /// Counts signatures that were verified in vain.
    pub(super) fn verified_idly(&mut self, peer: Peer, signatures: usize) {
        self.idle.take(signatures);
        if let Some(state) = self.known.get_mut(&peer) {
            state.idle.take(signatures);
        }
    }

    /// Whether to ask a peer for statements now. Each peer has its own time, so that no peer can
    /// take another's turn. A peer whose answers bring nothing is asked less and less often.
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

    /// Whether to compare votes with this peer now.
    pub(super) fn may_compare(&mut self, peer: Peer, now: Timestamp) -> bool {
        let state = self.known.get_mut(&peer).filter(|_| now >= self.next_compare);
        let Some(state) = state.filter(|state| now >= state.compare) else { return false };
        state.compare = now.plus_ms(COMPARE_WITH_ONE_MS);
        true
    }

    /// Counts an offence; returns whether the peer must be dropped for it.
    pub(super) fn offends(&mut self, peer: Peer, now: Timestamp, offence: Offence) -> bool {
        let Some(state) = self.known.get_mut(&peer) else { return false };
        state.patience.refill(now);
        state.patience.take(points(offence));
        state.patience.is_spent()
    }

    /// Notes a question to a peer, so that its answer is expected, even if it is late.
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

    /// The peers that are not tabs of the same browser, which say nothing about what others have.
    fn others(&self) -> impl Iterator<Item = &PeerState> {
        let others = self.known.iter().filter(|(peer, _)| peer.link != LinkId::OWN_TABS);
        others.map(|(_, state)| state)
    }

    /// Whether a peer outside this browser handed out good blocks.
    pub(super) fn somebody_answers(&self) -> bool {
        self.others().any(|state| state.answers)
    }

    /// Whether a peer outside this browser says what it has.
    pub(super) fn somebody_claims(&self) -> bool {
        self.others().any(|state| state.claim.is_some())
    }

    /// Notes that a peer brought something new and good.
    pub(super) fn was_useful(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.useful = true;
        }
    }

    /// Notes that a peer handed out a good block that it was asked for. What it sends unasked says
    /// nothing about that: a peer that withholds blocks can still forward others.
    pub(super) fn answered(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.useful, state.answers, state.stalls) = (true, true, 0);
        }
    }

    /// A peer left a request unanswered. It may be slow: it is asked last, but otherwise treated as
    /// before.
    pub(super) fn stalled(&mut self, peer: Peer) {
        if let Some(state) = self.known.get_mut(&peer) {
            (state.answers, state.stalls) = (false, state.stalls.saturating_add(1));
        }
    }

    /// Requests in a row that a peer left unanswered.
    pub(super) fn stalls(&self, peer: Peer) -> u32 {
        self.known.get(&peer).map_or(0, |state| state.stalls)
    }

    /// The reputation of a peer.
    pub(super) fn reputation(&self, peer: Peer) -> Reputation {
        let unknown = Reputation { answers: false, stalls: Reverse(0) };
        self.known.get(&peer).map_or(unknown, PeerState::reputation)
    }

    /// Whether to walk over all votes for this peer now; counts it.
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
    pub(super) fn begin_rounds(&mut self, peer: Peer, now: Timestamp) {
        self.next_compare = now.plus_ms(COMPARE_EVERY_MS);
        if let Some(state) = self.known.get_mut(&peer) {
            (state.rounds, state.lacked) = (MAX_ROUNDS, 0);
        }
    }

    /// Whether an answer of this peer is expected; counts it.
    pub(super) fn next_round(&mut self, peer: Peer) -> bool {
        let state = self.known.get_mut(&peer).filter(|state| state.rounds > 0);
        state.map(|state| state.rounds -= 1).is_some()
    }

    /// The comparison found this many votes that are not here.
    pub(super) fn lacked(&mut self, peer: Peer, votes: usize) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.lacked += votes;
        }
    }

    /// The comparison is over.
    pub(super) fn end_rounds(&mut self, peer: Peer, now: Timestamp) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.rounds = 0;
            state.compared = Some(Compared { at: now, lacked: state.lacked });
        }
    }

    /// A peer says that it has exactly the votes that are here.
    pub(super) fn has_the_same(&mut self, peer: Peer, now: Timestamp) {
        if let Some(state) = self.known.get_mut(&peer) {
            state.compared = Some(Compared { at: now, lacked: 0 });
        }
    }

    /// What the last comparison with a peer found.
    pub(super) fn compared(&self, peer: Peer) -> Option<Compared> {
        self.known.get(&peer)?.compared
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

    /// A peer left, or makes room: it is not counted any more, and starts where it was if it comes
    /// back. Otherwise leaving and coming back would wipe its score.
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

    /// Forgets peers that were silent for a while; returns whether there were any.
    pub(super) fn forget_silent(&mut self, now: Timestamp) -> bool {
        let before = self.known.len();
        self.known.retain(|_, state| now.ms_since(state.heard) < SILENT_MS);
        self.known.len() < before
    }

    /// A peer sent something.
    pub(super) fn hear(&mut self, peer: Peer, now: Timestamp) {
        self.state_of(peer, now);
    }

    /// The state of a peer that sent something. If it is new and there is no room, a peer that has
    /// brought nothing yet makes room for it: a peer that came by itself before one that was drawn,
    /// the one that was silent the longest first.
    fn state_of(&mut self, peer: Peer, now: Timestamp) -> &mut PeerState {
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

    /// The peer to download from, among the peers whose claim is better than the chain here: the
    /// best reputation comes first, then the one known the longest, then the best claim.
    /// `is_better` tells how a claim compares, and whether its chain has the sealed block. How much
    /// a peer claims decides almost nothing: a liar claims the most, and comes back under a new
    /// name once it was found out.
    pub(super) fn best_above(&self, is_better: &dyn Fn(&Claim) -> Better) -> Option<Peer> {
        self.known
            .iter()
            .filter_map(|(peer, state)| {
                let claim = state.claim.as_ref()?;
                let anchored = match is_better(claim) {
                    Better::No => return None,
                    Better::ByWeight => false,
                    Better::Sealed => true,
                };
                let rank = (anchored, rank(claim.weight, claim.tip));
                Some((*peer, (state.reputation(), Reverse(state.since), rank, Reverse(*peer))))
            })
            .max_by_key(|(_, rank)| *rank)
            .map(|(peer, _)| peer)
    }
}

/// Whether a claimed chain is better than the one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    /// It is not.
    No,
    /// It is heavier.
    ByWeight,
    /// It has the sealed block; if this chain has it too, the claimed one is heavier.
    Sealed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chain::difficulty::Work, wire::frame::PeerId};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn peer(number: u64) -> Peer {
        Peer { link: LinkId(0), id: PeerId(number) }
    }

    fn claim(work: u128) -> Claim {
        let (tip, height) = (BlockHash([1; 32]), Height(1));
        let weight = Weight { work: Work(work), ..Weight::default() };
        Claim { tip, height, weight, sealed: None }
    }

    fn knowing(numbers: std::ops::Range<u64>) -> Peers {
        let mut peers = Peers::default();
        numbers.for_each(|number| peers.hear(peer(number), NOW));
        peers
    }

    fn best(peers: &Peers) -> Option<Peer> {
        peers.best_above(&|_| Better::ByWeight)
    }

    #[test]
    fn who_handed_out_blocks_is_asked_before_who_claims_more() {
        let mut peers = knowing(0..3);
        peers.claims(peer(0), NOW, Some(claim(10)));
        peers.claims(peer(1), NOW, Some(claim(1_000)));
        assert_eq!(best(&peers), Some(peer(1)));
        peers.answered(peer(0));
        assert_eq!(best(&peers), Some(peer(0)));
        peers.stalled(peer(0));
        assert_eq!(best(&peers), Some(peer(1)));
        peers.settle(peer(1));
        assert_eq!(best(&peers), Some(peer(0)));
        assert_eq!(peers.best_above(&|_| Better::No), None);
    }

    #[test]
    fn offences_add_up_and_time_forgives_them() {
        let mut peers = knowing(0..1);
        let offends = |peers: &mut Peers, at: u64| {
            peers.offends(peer(0), NOW.plus_ms(at), Offence::EmptyClaim)
        };
        assert!((0..3).all(|_| !offends(&mut peers, 0)));
        assert!((0..2).all(|_| !offends(&mut peers, 60_000)));
        assert!(offends(&mut peers, 60_000));
    }

    #[test]
    fn going_and_coming_back_wipes_nothing() {
        let mut peers = knowing(0..1);
        (0..3).for_each(|_| assert!(!peers.offends(peer(0), NOW, Offence::EmptyClaim)));
        peers.leave(peer(0));
        assert!(!peers.contains(&peer(0)));
        peers.hear(peer(0), NOW);
        assert!(peers.offends(peer(0), NOW, Offence::EmptyClaim));
    }

    #[test]
    fn who_brought_something_does_not_make_room_for_names() {
        let mut peers = knowing(0..MAX_PEERS as u64);
        peers.was_useful(peer(0));
        for number in 1_000..1_000 + 2 * MAX_PEERS as u64 {
            peers.hear(peer(number), NOW.plus_ms(number));
        }
        assert_eq!(peers.len(), MAX_PEERS);
        assert!(peers.contains(&peer(0)) && !peers.contains(&peer(1)));
    }

    #[test]
    fn an_answer_is_expected_once_for_each_question() {
        let mut peers = knowing(0..1);
        assert!(!peers.was_asked(peer(0)));
        peers.asked(peer(0));
        assert!(peers.was_asked(peer(0)) && !peers.was_asked(peer(0)));
        peers.begin_rounds(peer(0), NOW);
        assert!(peers.next_round(peer(0)));
        peers.lacked(peer(0), 7);
        assert_eq!(peers.compared(peer(0)), None);
        peers.end_rounds(peer(0), NOW);
        assert_eq!(peers.compared(peer(0)), Some(Compared { at: NOW, lacked: 7 }));
        assert!(!peers.next_round(peer(0)));
    }

    #[test]
    fn pending_votes_are_compared_with_one_peer_at_a_time() {
        let mut peers = knowing(0..2);
        assert!(peers.may_compare(peer(0), NOW));
        peers.begin_rounds(peer(0), NOW);
        assert!(!peers.may_compare(peer(1), NOW));
        let later = NOW.plus_ms(COMPARE_EVERY_MS);
        assert!(peers.may_compare(peer(1), later));
        assert!(!peers.may_compare(peer(0), later), "it had its turn");
    }

    #[test]
    fn who_was_banned_is_forgiven_when_others_were_banned_since() {
        let mut peers = knowing(0..1);
        (0..=MAX_BANNED as u64).for_each(|number| peers.ban(peer(number)));
        assert!(!peers.is_banned(peer(0)) && peers.is_banned(peer(1)));
        peers.forget_link(LinkId(0));
        assert!(!peers.is_banned(peer(1)));
    }
}
