//! Votes that were cast here: followed until other peers say that they have them.
//!
//! Takes what is said and what is known of votes and peers; returns whom to ask and what to send
//! again. Invariant: at most [`MAX_FOLLOWED`] votes, and for each at most [`MAX_ASKED`] peers that
//! were asked and [`MAX_HOLDERS`] that said yes.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::interface::Peer;
use crate::{
    chain::acknowledgements::Acknowledged,
    crypto::{hash::VoteId, key::PublicKey},
    sorted::sorted,
    time::Timestamp,
};

/// Own votes that are followed on their way through the network.
const MAX_FOLLOWED: usize = 1024;
/// The most peers with an own vote that are counted.
const MAX_HOLDERS: usize = 8;
/// Peers that are remembered as asked for an own vote.
const MAX_ASKED: usize = 32;
/// An own vote is sent again until this many peers have it: one of them may lie.
const ENOUGH_HOLDERS: usize = 2;
/// How often peers are asked whether they have an own vote that nobody confirmed yet.
const FOLLOW_EVERY_MS: u64 = 5_000;
/// Peers that are asked at a time whether they have a vote.
pub(super) const ASK_HELD: usize = 3;

/// How far one vote got.
#[derive(Clone, Debug, Default)]
struct Followed {
    /// Peers that were asked whether they have it, the newest last.
    asked: VecDeque<Peer>,
    /// Those of them that said so.
    holders: HashSet<Peer>,
    /// What keepers of this election signed for it.
    acknowledged: BTreeMap<PublicKey, Acknowledged>,
}

/// Where a vote is on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It is pending.
    Pending,
    /// It is in the chain.
    InChain,
    /// Neither.
    Nowhere,
}

/// What to do about votes that too few peers have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Push {
    /// Ask peers whether they have these.
    pub ask: Vec<VoteId>,
    /// Send these to the room again: nobody has them.
    pub again: Vec<VoteId>,
    /// Send these directly to peers that were asked and did not say that they have them.
    pub straight: Vec<(Peer, VoteId)>,
}

/// The votes that are followed.
#[derive(Default)]
pub(super) struct OwnVotes {
    followed: HashMap<VoteId, Followed>,
    next: Timestamp,
}

impl OwnVotes {
    /// Follows a vote. Those that are not pending any more make room.
    pub fn follow(&mut self, id: VoteId, is_pending: impl Fn(&VoteId) -> bool) {
        if self.followed.len() >= MAX_FOLLOWED {
            self.followed.retain(|id, _| is_pending(id));
        }
        if self.followed.len() < MAX_FOLLOWED {
            self.followed.entry(id).or_default();
        }
    }

    /// The vote lost its slot to another one.
    pub fn forget(&mut self, id: &VoteId) {
        self.followed.remove(id);
    }

    /// Whether no vote is followed.
    pub fn is_empty(&self) -> bool {
        self.followed.is_empty()
    }

    /// Whether a vote is followed.
    pub fn contains(&self, id: &VoteId) -> bool {
        self.followed.contains_key(id)
    }

    /// Peers that said that they have a vote.
    pub fn holders(&self, id: &VoteId) -> usize {
        self.followed.get(id).map_or(0, |followed| followed.holders.len())
    }

    /// Whether something that a keeper is said to have signed would be news: its first signature
    /// for a vote that is followed, an earlier time, or the proof that it is on its closing list.
    pub fn wants(&self, acknowledged: &Acknowledged) -> bool {
        let signed = &acknowledged.acknowledgement;
        self.followed.get(&signed.vote).is_some_and(|followed| {
            let known = followed.acknowledged.get(&signed.keeper);
            known.is_none_or(|known| {
                signed.at < known.acknowledgement.at
                    || (known.listed.is_none() && acknowledged.listed.is_some())
            })
        })
    }

    /// A keeper of this election acknowledged a vote; the acknowledgement is wanted and was
    /// checked. What it signed before is not taken back: the earliest time is kept, and so is a
    /// proof.
    pub fn acknowledged(&mut self, acknowledged: Acknowledged) {
        let signed = acknowledged.acknowledgement;
        let Some(followed) = self.followed.get_mut(&signed.vote) else { return };
        let known = followed.acknowledged.entry(signed.keeper).or_insert(acknowledged.clone());
        if signed.at < known.acknowledgement.at {
            known.acknowledgement = signed;
        }
        known.listed = known.listed.take().or(acknowledged.listed);
    }

    /// What keepers signed for a vote.
    pub fn acknowledgements(&self, id: &VoteId) -> Vec<Acknowledged> {
        let followed = self.followed.get(id).into_iter();
        followed.flat_map(|followed| followed.acknowledged.values()).cloned().collect()
    }

    /// Votes that a keeper should be asked about: those that it did not acknowledge, and if it
    /// signed its closing list, those without the proof that they are on it.
    pub fn lacking(&self, keeper: &PublicKey, listed: bool) -> Vec<VoteId> {
        let lacks = |followed: &Followed| match followed.acknowledged.get(keeper) {
            Some(known) => listed && known.listed.is_none(),
            None => true,
        };
        let lacking = self.followed.iter().filter(|(_, followed)| lacks(followed));
        sorted(lacking.map(|(id, _)| *id).collect())
    }

    /// A peer is asked whether it has these votes.
    pub fn asked(&mut self, peer: Peer, ids: &[VoteId]) {
        for id in ids {
            if let Some(Followed { asked, .. }) = self.followed.get_mut(id) {
                asked.retain(|known| *known != peer);
                asked.push_back(peer);
                if asked.len() > MAX_ASKED {
                    asked.pop_front();
                }
            }
        }
    }

    /// A peer says that it has these votes; returns whether that was news. It counts only from a
    /// peer that this node drew and asked: a peer that says so unasked may be one with many names.
    pub fn held(&mut self, from: Peer, ids: &[VoteId]) -> bool {
        let mut news = false;
        for id in ids {
            if let Some(followed) = self.followed.get_mut(id)
                && followed.holders.len() < MAX_HOLDERS
                && followed.asked.contains(&from)
            {
                news |= followed.holders.insert(from);
            }
        }
        news
    }

    /// Whether it is time to look after them again.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.plus_ms(FOLLOW_EVERY_MS);
        }
        due
    }

    /// What to do about votes that too few peers have. A relay drops a repeated broadcast, or one
    /// whose bytes another peer sent before: so votes are also sent directly to peers.
    pub fn push(
        &self,
        whereabouts: impl Fn(&VoteId) -> Whereabouts,
        is_known: impl Fn(&Peer) -> bool,
    ) -> Push {
        let mut push = Push::default();
        // In order, so that the same input leads to the same output.
        let ids = sorted(self.followed.keys().collect());
        for (id, followed) in ids.into_iter().filter_map(|id| self.followed.get_key_value(id)) {
            let enough = followed.holders.len() >= ENOUGH_HOLDERS;
            match whereabouts(id) {
                Whereabouts::Pending if !enough => {}
                // It is in a block already, perhaps one made alone: a peer that has the block has
                // the vote.
                Whereabouts::InChain if followed.holders.is_empty() => {
                    push.ask.push(*id);
                    continue;
                }
                Whereabouts::Pending | Whereabouts::InChain | Whereabouts::Nowhere => continue,
            }
            push.ask.push(*id);
            if followed.holders.is_empty() {
                push.again.push(*id);
            }
            let lacking = |peer: &&Peer| !followed.holders.contains(peer) && is_known(peer);
            let asked = followed.asked.iter().rev().filter(lacking).take(ASK_HELD);
            push.straight.extend(asked.map(|peer| (*peer, *id)));
        }
        push
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::acknowledgements::Acknowledgement, crypto::merkle::InclusionProof,
        node::interface::LinkId, wire::frame::PeerId,
    };

    const VOTE: VoteId = VoteId([1; 32]);

    fn peer(number: u64) -> Peer {
        Peer { link: LinkId(0), id: PeerId(number) }
    }

    fn following() -> OwnVotes {
        let mut own = OwnVotes::default();
        own.follow(VOTE, |_| true);
        own
    }

    fn push(own: &OwnVotes, place: Whereabouts) -> Push {
        own.push(|_| place, |_| true)
    }

    #[test]
    fn only_a_peer_that_was_asked_counts_and_only_once() {
        let mut own = following();
        assert!(!own.held(peer(1), &[VOTE]));
        own.asked(peer(1), &[VOTE]);
        assert!(own.held(peer(1), &[VOTE]));
        assert!(!own.held(peer(1), &[VOTE]));
        assert_eq!(own.holders(&VOTE), 1);
    }

    #[test]
    fn a_pending_vote_is_pushed_until_two_peers_have_it() {
        let mut own = following();
        own.asked(peer(1), &[VOTE]);
        own.asked(peer(2), &[VOTE]);
        let straight = vec![(peer(2), VOTE), (peer(1), VOTE)];
        let first = push(&own, Whereabouts::Pending);
        assert_eq!(first, Push { ask: vec![VOTE], again: vec![VOTE], straight });
        own.held(peer(2), &[VOTE]);
        let second = push(&own, Whereabouts::Pending);
        assert_eq!((second.again, second.straight), (vec![], vec![(peer(1), VOTE)]));
        own.held(peer(1), &[VOTE]);
        assert_eq!(push(&own, Whereabouts::Pending), Push::default());
    }

    #[test]
    fn a_vote_in_a_block_made_alone_is_asked_for_and_not_sent() {
        let own = following();
        let asked = Push { ask: vec![VOTE], ..Push::default() };
        assert_eq!(push(&own, Whereabouts::InChain), asked);
        assert_eq!(push(&own, Whereabouts::Nowhere), Push::default());
    }

    #[test]
    fn the_bounds_hold_and_votes_that_wait_stay() {
        let mut own = following();
        for number in 0..100 {
            own.asked(peer(number), &[VOTE]);
        }
        let known = own.followed.get(&VOTE).unwrap();
        assert_eq!((known.asked.len(), known.asked.back()), (MAX_ASKED, Some(&peer(99))));
        for number in 68..100 {
            own.held(peer(number), &[VOTE]);
        }
        assert_eq!(own.holders(&VOTE), MAX_HOLDERS);
        let id = |number: usize| {
            let mut id = VoteId([2; 32]);
            id.0[..8].copy_from_slice(&number.to_le_bytes());
            id
        };
        (0..2 * MAX_FOLLOWED).for_each(|number| own.follow(id(number), |id| *id == VOTE));
        assert!(own.followed.len() <= MAX_FOLLOWED && own.contains(&VOTE));
    }

    #[test]
    fn a_keeper_takes_back_nothing_that_it_acknowledged() {
        let (mut own, key) = (following(), crate::testkit::rolls::keeper(0));
        let proof = InclusionProof { index: 0, leaves: 1, path: Vec::new() };
        let said = |at, listed: bool| {
            let election = crate::crypto::hash::ElectionId([1; 32]);
            let acknowledgement = Acknowledgement::sign(election, VOTE, Timestamp(at), &key);
            Acknowledged { acknowledgement, listed: listed.then(|| proof.clone()) }
        };
        for word in [said(20, false), said(30, true), said(10, false)] {
            assert!(own.wants(&word), "{word:?}");
            own.acknowledged(word);
        }
        assert_eq!(own.acknowledgements(&VOTE), [said(10, true)]);
        assert!(!own.wants(&said(10, true)) && !own.wants(&said(40, true)));
    }

    #[test]
    fn they_are_looked_after_every_five_seconds() {
        let mut own = following();
        assert!(own.is_due(Timestamp(10_000)));
        assert!(!own.is_due(Timestamp(14_999)));
        assert!(own.is_due(Timestamp(15_000)));
    }
}
