//! Which votes are on keepers' closing lists, for sealing: keepers are asked for the proofs.
//!
//! Takes the votes that are here, proofs that were checked and the time; returns what to ask.
//! Silence proves nothing: only after a keeper's whole list was shown is it known that a vote is
//! not on it.

use std::collections::HashSet;

use super::{backoff::Backoff, interface::Peer};
use crate::{
    chain::acknowledgements::{ClosingList, set_root},
    crypto::hash::VoteId,
    election::keepers::Keeper,
    sorted::sorted,
    time::Timestamp,
    wire::message::{MAX_HELD, VotesDigest},
};

/// Votes asked of one peer in a second: their proofs are within what a keeper serves to one peer.
const AT_ONCE: usize = 8 * MAX_HELD;
const EVERY_MS: u64 = 1_000;

/// What keepers showed of their closing lists.
#[derive(Debug, Default)]
pub struct Lists<'a> {
    /// How many keepers showed their whole lists.
    pub whole: usize,
    /// The keepers that did not, with how many votes they showed, and of how many.
    pub partly: Vec<(&'a Keeper, u32, u32)>,
}

/// What a peer that speaks for a keeper was asked. Another peer may pass the keeper's answer on and
/// drop questions, so each is asked about all votes.
struct Asked {
    peer: Peer,
    votes: HashSet<VoteId>,
    /// When it may be asked again.
    next: Timestamp,
    /// The votes that were here when nothing was left to ask.
    done: Option<VotesDigest>,
    /// When to ask again for what is not proven: an answer may have been lost.
    again: Backoff,
}

/// The proofs so far, by closing list.
#[derive(Default)]
pub(super) struct InTime {
    proven: Vec<(ClosingList, HashSet<VoteId>)>,
    asked: Vec<Asked>,
}

impl InTime {
    /// Forgets what peers were asked that do not speak for a keeper any more.
    pub fn retain(&mut self, speaks: impl Fn(&Peer) -> bool) {
        self.asked.retain(|asked| speaks(&asked.peer));
    }

    /// What to ask now of a peer that speaks for the keeper of this list. `known` are the votes
    /// that are here, and those of proven double votes; `digest` changes with them.
    pub fn questions(
        &mut self,
        now: Timestamp,
        peer: Peer,
        list: &ClosingList,
        known: &mut dyn Iterator<Item = VoteId>,
        digest: VotesDigest,
    ) -> Vec<VoteId> {
        if self.shown(list) >= list.votes {
            return Vec::new();
        }
        let place = self.asked.iter().position(|asked| asked.peer == peer);
        let place = place.unwrap_or_else(|| {
            let (votes, again) = (HashSet::new(), Backoff::default());
            self.asked.push(Asked { peer, votes, next: now, done: None, again });
            self.asked.len() - 1
        });
        let asked = &mut self.asked[place];
        if now < asked.next || (asked.done == Some(digest) && !asked.again.is_due(now)) {
            return Vec::new();
        }
        let known = sorted(known.collect());
        if asked.done != Some(digest)
            && known.len() == list.votes as usize
            && set_root(&known) == list.root
        {
            *self.proven_of(list) = known.into_iter().collect();
            return Vec::new();
        }
        if asked.done == Some(digest) {
            asked.votes.clear();
        }
        let proven = self.proven.iter().find(|(of, _)| of == list).map(|(_, votes)| votes);
        let open = |id: &VoteId| proven.is_none_or(|proven| !proven.contains(id));
        let asked = &mut self.asked[place];
        let mut next = known.into_iter().filter(|id| open(id) && !asked.votes.contains(id));
        let questions: Vec<_> = next.by_ref().take(AT_ONCE).collect();
        if next.next().is_none() {
            asked.done = Some(digest);
            asked.again.asked(now);
        }
        asked.next = now.plus_ms(EVERY_MS);
        asked.votes.extend(&questions);
        questions
    }

    fn proven_of(&mut self, list: &ClosingList) -> &mut HashSet<VoteId> {
        let place = self.proven.iter().position(|(of, _)| of == list);
        let place = place.unwrap_or_else(|| {
            self.proven.push((*list, HashSet::new()));
            self.proven.len() - 1
        });
        &mut self.proven[place].1
    }

    /// A vote is on this closing list; returns whether that was asked for and is new.
    pub fn proven(&mut self, list: &ClosingList, vote: VoteId) -> bool {
        let asked = self.asked.iter().any(|asked| asked.votes.contains(&vote));
        asked && self.proven_of(list).insert(vote)
    }

    /// How many votes were shown to be on a list.
    pub fn shown(&self, list: &ClosingList) -> u32 {
        let proven = self.proven.iter().find(|(of, _)| of == list);
        proven.map_or(0, |(_, votes)| u32::try_from(votes.len()).unwrap_or(u32::MAX))
    }

    /// Whether a vote is on one of these lists.
    pub fn is_listed(&self, vote: &VoteId, lists: &[ClosingList]) -> bool {
        let proven = self.proven.iter().filter(|(of, _)| lists.contains(of));
        proven.into_iter().any(|(_, votes)| votes.contains(vote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        node::vote_set::VoteSet,
        testkit::{
            NOW,
            nodes::{HONEST, LIAR},
            rolls::{context_kept, keeper},
        },
    };

    fn id(number: u32) -> VoteId {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        VoteId(id)
    }

    fn list(ids: std::ops::Range<u32>) -> ClosingList {
        let ids: Vec<_> = ids.map(id).collect();
        ClosingList::sign(context_kept().id(), &ids, &keeper(0))
    }

    fn ask(in_time: &mut InTime, peer: Peer, ms: u64, list: &ClosingList, here: u32) -> usize {
        let digest = VoteSet::of(&mut (0..here).map(id)).digest();
        in_time.questions(NOW.plus_ms(ms), peer, list, &mut (0..here).map(id), digest).len()
    }

    #[test]
    fn a_list_that_is_just_what_is_here_needs_no_question() {
        let mut in_time = InTime::default();
        let list = list(0..3);
        assert_eq!(ask(&mut in_time, HONEST, 0, &list, 3), 0);
        assert!(in_time.is_listed(&id(2), &[list]) && !in_time.is_listed(&id(3), &[list]));
        assert!(!in_time.is_listed(&id(2), &[]), "a keeper that signed another one counts no more");
        assert_eq!(in_time.shown(&list), 3);
    }

    #[test]
    fn all_votes_are_asked_for_in_turn_and_what_is_not_proven_again() {
        let mut in_time = InTime::default();
        let list = list(0..3_000);
        let here = 3_001;
        // Another peer passes the keeper's answer on and then says nothing: the keeper is still
        // asked.
        for peer in [LIAR, HONEST] {
            assert_eq!(ask(&mut in_time, peer, 0, &list, here), AT_ONCE);
            assert_eq!(ask(&mut in_time, peer, 999, &list, here), 0, "all at once is too much");
            assert_eq!(ask(&mut in_time, peer, 1_000, &list, here), 3_001 - AT_ONCE);
        }
        (0..2_999).for_each(|number| assert!(in_time.proven(&list, id(number))));
        assert!(!in_time.proven(&list, id(0)) && !in_time.proven(&list, id(here)), "not asked");
        assert_eq!(ask(&mut in_time, HONEST, 5_999, &list, here), 0);
        assert_eq!(in_time.shown(&list), 2_999);
        // One answer was lost, and one vote is not on the list.
        assert_eq!(ask(&mut in_time, HONEST, 6_000, &list, here), 2);
        assert!(in_time.proven(&list, id(2_999)));
        assert_eq!(ask(&mut in_time, HONEST, 100_000, &list, here), 0);
        assert!(in_time.is_listed(&id(2_999), &[list]) && !in_time.is_listed(&id(3_000), &[list]));
        assert_eq!(in_time.shown(&list), list.votes);
    }

    #[test]
    fn a_vote_that_comes_later_is_asked_about() {
        let mut in_time = InTime::default();
        let list = list(0..3);
        assert_eq!(ask(&mut in_time, HONEST, 0, &list, 2), 2);
        assert_eq!(ask(&mut in_time, HONEST, 1_000, &list, 2), 0);
        assert_eq!(ask(&mut in_time, HONEST, 2_000, &list, 4), 2);
    }
}
