//! Which votes are on keepers' closing lists, for whoever seals: keepers are asked for the proofs.
//!
//! Takes the votes that are here, proofs that were checked and the time; answers with what to ask. A vote on
//! the closing list of any keeper was there in time; that a vote is on none says only that no keeper that was
//! asked had it.

use std::collections::HashSet;

use super::backoff::Backoff;
use crate::{
    chain::acknowledgements::{ClosingList, set_root},
    crypto::{hash::VoteId, key::PublicKey},
    sorted::sorted,
    time::Timestamp,
    wire::message::MAX_HELD,
};

/// Votes asked of one keeper at a tick: the proofs of a second are within what it serves to one peer.
const AT_ONCE: usize = 8 * MAX_HELD;
/// Answers to the last question are waited for so long.
const ANSWERED_WITHIN_MS: u64 = 5_000;

/// What a keeper was asked, and what it answered. As many votes as are here.
#[derive(Default)]
struct Asked {
    votes: HashSet<VoteId>,
    proven: HashSet<VoteId>,
    /// When nothing was left to ask for the first time.
    done: Option<Timestamp>,
    /// When what it did not prove is asked for again: an answer may have been lost.
    again: Backoff,
}

/// The proofs so far.
#[derive(Default)]
pub(super) struct InTime {
    keepers: Vec<(PublicKey, Asked)>,
}

impl InTime {
    /// What to ask the keeper of this list about now, of the votes that are here.
    pub fn questions(
        &mut self,
        now: Timestamp,
        list: &ClosingList,
        here: &mut dyn Iterator<Item = VoteId>,
    ) -> Vec<VoteId> {
        let known = self.keepers.iter().position(|(key, _)| *key == list.keeper);
        let place = known.unwrap_or_else(|| {
            self.keepers.push((list.keeper, Asked::default()));
            self.keepers.len() - 1
        });
        let asked = &mut self.keepers[place].1;
        if asked.proven.len() >= list.votes as usize {
            // The others are not on it.
            asked.done.get_or_insert(Timestamp(0));
            return Vec::new();
        }
        let here = sorted(here.collect());
        if here.len() == list.votes as usize && set_root(&here) == list.root {
            asked.proven = here.into_iter().collect();
            asked.done = Some(Timestamp(0));
            return Vec::new();
        }
        let ask = |asked: &Asked| -> Vec<VoteId> {
            let open = |id: &&VoteId| !asked.votes.contains(*id) && !asked.proven.contains(*id);
            here.iter().filter(open).take(AT_ONCE).copied().collect()
        };
        let mut questions = ask(asked);
        if questions.is_empty() && asked.done.is_none() {
            asked.done = Some(now);
            asked.again.asked(now);
        } else if questions.is_empty() && asked.again.is_due(now) {
            asked.again.asked(now);
            asked.votes.clear();
            questions = ask(asked);
        }
        asked.votes.extend(&questions);
        questions
    }

    /// A vote that is here is on a keeper's closing list, which is its only one.
    pub fn proven(&mut self, keeper: &PublicKey, vote: VoteId) {
        if let Some((_, asked)) = self.keepers.iter_mut().find(|(key, _)| key == keeper) {
            asked.proven.insert(vote);
        }
    }

    /// Whether a vote is on a closing list.
    pub fn is_listed(&self, vote: &VoteId) -> bool {
        self.keepers.iter().any(|(_, asked)| asked.proven.contains(vote))
    }

    /// Whether a keeper was asked about all that is here, and had time to answer.
    pub fn is_asked(&self, keeper: &PublicKey, now: Timestamp) -> bool {
        let asked = self.keepers.iter().find(|(key, _)| key == keeper);
        let done = asked.and_then(|(_, asked)| asked.done);
        done.is_some_and(|done| now >= done.plus_ms(ANSWERED_WITHIN_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{
        NOW,
        rolls::{context_kept, keeper},
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

    fn questions(in_time: &mut InTime, ms: u64, list: &ClosingList, here: u32) -> usize {
        in_time.questions(NOW.plus_ms(ms), list, &mut (0..here).map(id)).len()
    }

    #[test]
    fn a_list_that_is_just_what_is_here_needs_no_question() {
        let mut in_time = InTime::default();
        let list = list(0..3);
        assert_eq!(questions(&mut in_time, 0, &list, 3), 0);
        assert!(in_time.is_listed(&id(2)) && !in_time.is_listed(&id(3)));
        assert!(in_time.is_asked(&list.keeper, NOW));
    }

    #[test]
    fn all_votes_are_asked_for_in_turn_and_what_is_not_proven_again() {
        let mut in_time = InTime::default();
        let list = list(0..3_000);
        let here = 3_001;
        assert_eq!(questions(&mut in_time, 0, &list, here), AT_ONCE);
        assert_eq!(questions(&mut in_time, 1_000, &list, here), 3_001 - AT_ONCE);
        assert!(!in_time.is_asked(&list.keeper, NOW.plus_ms(60_000)));
        (0..2_999).for_each(|number| in_time.proven(&list.keeper, id(number)));
        assert_eq!(questions(&mut in_time, 2_000, &list, here), 0);
        assert!(!in_time.is_asked(&list.keeper, NOW.plus_ms(6_999)), "answers are on their way");
        assert!(in_time.is_asked(&list.keeper, NOW.plus_ms(7_000)));
        // One answer was lost, and one vote is not on the list.
        assert_eq!(questions(&mut in_time, 7_000, &list, here), 2);
        in_time.proven(&list.keeper, id(2_999));
        assert_eq!(questions(&mut in_time, 100_000, &list, here), 0);
        assert!(in_time.is_listed(&id(2_999)) && !in_time.is_listed(&id(3_000)));
        // Nobody proves anything for a keeper that was not asked.
        in_time.proven(&keeper(1).public(), id(3_000));
        assert!(!in_time.is_listed(&id(3_000)));
    }
}
