//! Which votes were used and which of them count: the counting rule, without the blocks.
//!
//! A token and sequence number are used at most once in a chain. Of a token's votes the one with
//! the highest sequence number counts; where the first counts there is only number 0.
//!
//! Invariant: the tally is the one of the votes that count.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    chain::header::Height,
    election::{
        ballot::Ballot,
        definition::{Counting, Election},
        tally::Tally,
        token::TokenId,
        vote::Vote,
    },
};

/// Where a vote stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Block.
    pub height: Height,
    /// Index in the block, counted from 0.
    pub index: u32,
}

/// A ballot of one choice, as most are, in place; others behind a pointer.
#[derive(Clone, Debug)]
enum Kept {
    Choice(u16),
    Other(Arc<Ballot>),
}

impl Kept {
    fn new(ballot: &Ballot) -> Self {
        match ballot {
            Ballot::Choices(choices) if choices.len() == 1 => Self::Choice(choices[0]),
            Ballot::Text(_) | Ballot::Choices(_) | Ballot::Blank | Ballot::WriteIn { .. } => {
                Self::Other(Arc::new(ballot.clone()))
            }
        }
    }

    fn ballot(&self) -> Ballot {
        match self {
            Self::Choice(choice) => Ballot::Choices(vec![*choice]),
            Self::Other(ballot) => Ballot::clone(ballot),
        }
    }
}

/// A vote that was used.
#[derive(Clone, Debug)]
struct Use {
    place: Place,
    /// Kept where a later vote can replace it.
    ballot: Option<Kept>,
}

/// The votes of a chain, as far as they decide which further votes are allowed and what counts.
#[derive(Clone, Debug)]
pub struct CountedVotes {
    election: Arc<Election>,
    uses: BTreeMap<(TokenId, u8), Use>,
    tally: Tally,
    /// Whether votes may be taken back: then ballots that were replaced are kept.
    undoes: bool,
}

impl CountedVotes {
    /// Without votes; votes can be taken back again.
    pub fn new(election: Election) -> Self {
        let (election, uses, tally) = (Arc::new(election), BTreeMap::new(), Tally::default());
        Self { election, uses, tally, undoes: true }
    }

    /// Without votes, for a walk that never turns back and should take little memory.
    pub fn forward_only(election: Election) -> Self {
        Self { undoes: false, ..Self::new(election) }
    }

    /// The count.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Number of votes, those that were replaced by a later one among them.
    pub fn votes(&self) -> usize {
        self.uses.len()
    }

    /// Where the vote with this token and sequence number stands.
    pub fn place(&self, token: TokenId, sequence: u8) -> Option<Place> {
        self.uses.get(&(token, sequence)).map(|used| used.place)
    }

    fn latest_use(&self, token: TokenId) -> Option<(u8, &Use)> {
        let mut of_token = self.uses.range((token, 0)..=(token, u8::MAX));
        of_token.next_back().map(|((_, sequence), used)| (*sequence, used))
    }

    /// Place of the vote of a token that counts, of those in blocks up to and with this one.
    pub fn latest_until(&self, token: TokenId, height: Height) -> Option<Place> {
        let of_token = self.uses.range((token, 0)..=(token, u8::MAX)).rev();
        of_token.map(|(_, used)| used.place).find(|place| place.height <= height)
    }

    /// Adds a vote whose token and sequence number are unused; says where they were used
    /// otherwise.
    ///
    /// # Errors
    /// The place of the earlier vote; nothing has changed then.
    pub fn add(&mut self, vote: &Vote, place: Place) -> Result<(), Place> {
        let latest = self.latest_use(vote.token);
        let counts = latest.as_ref().is_none_or(|(sequence, _)| *sequence < vote.sequence);
        if !counts && let Some(earlier) = self.place(vote.token, vote.sequence) {
            return Err(earlier);
        }
        if counts {
            let replaced = latest
                .and_then(|(sequence, used)| Some((sequence, used.ballot.as_ref()?.ballot())));
            if let Some((sequence, replaced)) = replaced {
                self.tally.remove(&replaced, &self.election);
                if !self.undoes
                    && let Some(used) = self.uses.get_mut(&(vote.token, sequence))
                {
                    used.ballot = None;
                }
            }
            self.tally.add(&vote.ballot, &self.election);
        }
        let last_counts = self.election.counting == Counting::LastCounts;
        let kept = last_counts && (counts || self.undoes);
        let ballot = kept.then(|| Kept::new(&vote.ballot));
        self.uses.insert((vote.token, vote.sequence), Use { place, ballot });
        Ok(())
    }

    /// Takes back a vote that was added. Not for [`CountedVotes::forward_only`].
    pub fn remove(&mut self, vote: &Vote) {
        if self.uses.remove(&(vote.token, vote.sequence)).is_none() {
            return;
        }
        let latest = self.latest_use(vote.token);
        if latest.as_ref().is_some_and(|(sequence, _)| *sequence > vote.sequence) {
            return;
        }
        let counts_again = latest.and_then(|(_, used)| Some(used.ballot.as_ref()?.ballot()));
        self.tally.remove(&vote.ballot, &self.election);
        if let Some(ballot) = counts_again {
            self.tally.add(&ballot, &self.election);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::rolls::{context_with, vote};

    /// Votes of an election where the last vote counts, and the vote of a voter for a choice.
    fn counted_votes() -> CountedVotes {
        CountedVotes::new(context_with(Counting::LastCounts, 3).election().clone())
    }

    fn of(number: u32, sequence: u8, choice: u16) -> Vote {
        vote(&context_with(Counting::LastCounts, 3), number, sequence, choice)
    }

    fn at(height: u32) -> Place {
        Place { height: Height(height), index: 0 }
    }

    fn counts(counted_votes: &CountedVotes) -> [u64; 3] {
        ["Yes", "No", "Blank"].map(|selection| counted_votes.tally().count(selection))
    }

    #[test]
    fn a_slot_is_used_once() {
        let mut counted_votes = counted_votes();
        counted_votes.add(&of(0, 0, 0), at(2)).unwrap();
        assert_eq!(counted_votes.add(&of(0, 0, 1), at(3)), Err(at(2)));
        assert_eq!((counts(&counted_votes), counted_votes.votes()), ([1, 0, 0], 1));
    }

    #[test]
    fn the_vote_with_the_highest_number_counts_in_whatever_order_they_come() {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut counted_votes = counted_votes();
            for sequence in order {
                counted_votes
                    .add(&of(0, sequence, sequence.into()), at(2 + u32::from(sequence)))
                    .unwrap();
            }
            assert_eq!(
                (counts(&counted_votes), counted_votes.votes()),
                ([0, 0, 1], 3),
                "{order:?}"
            );
            assert_eq!(counted_votes.tally().ballots, 1);
        }
    }

    #[test]
    fn taking_votes_back_in_any_order_leads_where_it_began() {
        let votes = [of(0, 0, 0), of(0, 1, 1), of(1, 0, 2)];
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
            let mut counted_votes = counted_votes();
            for (height, vote) in (2..).zip(&votes) {
                counted_votes.add(vote, at(height)).unwrap();
            }
            counted_votes.remove(&votes[order[0]]);
            counted_votes.remove(&votes[order[1]]);
            let mut alone = self::counted_votes();
            alone.add(&votes[order[2]], at(2)).unwrap();
            assert_eq!(counted_votes.tally(), alone.tally(), "{order:?}");
            counted_votes.remove(&votes[order[2]]);
            assert_eq!((counted_votes.tally(), counted_votes.votes()), (&Tally::default(), 0));
        }
    }

    #[test]
    fn a_walk_forward_counts_the_same() {
        let election = context_with(Counting::LastCounts, 3).election().clone();
        let (mut both, mut forward) = (counted_votes(), CountedVotes::forward_only(election));
        for (height, vote) in (2..).zip([of(0, 1, 1), of(0, 0, 0), of(0, 2, 2), of(1, 0, 0)]) {
            both.add(&vote, at(height)).unwrap();
            forward.add(&vote, at(height)).unwrap();
            assert_eq!(both.tally(), forward.tally());
        }
    }

    #[test]
    fn up_to_a_block_the_last_vote_before_it_counts() {
        let mut counted_votes = counted_votes();
        for sequence in 0..3 {
            counted_votes.add(&of(0, sequence, 0), at(2 + u32::from(sequence))).unwrap();
        }
        let token = of(0, 0, 0).token;
        let until = |height| counted_votes.latest_until(token, Height(height));
        assert_eq!(
            [until(1), until(2), until(3), until(9)],
            [None, Some(at(2)), Some(at(3)), Some(at(4))]
        );
    }
}
