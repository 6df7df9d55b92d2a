//! Which votes were used and which of them count: the rule for counting, without the blocks.
//!
//! A vote slot (a token and a sequence number) is used at most once in a chain, and the numbers of
//! a token are consecutive: number *n* comes after *n* − 1, and from *n* = 2 on in a block that is
//! at least *n* − 1 minutes later than that of *n* − 1. So a person who stole a code cannot win
//! against its owner at once by sending all numbers together. Of a token's votes the one with the
//! highest sequence number counts. In an election where the first vote counts there is only number
//! 0.
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
    time::Timestamp,
};

/// Where a vote is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Height of the block.
    pub height: Height,
    /// Index in the block, counted from 0.
    pub index: u32,
}

/// A ballot of one choice, which most ballots are, is stored in place; others behind a pointer.
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

/// Why a vote cannot come next in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotError {
    /// Its vote slot was used there.
    Used(Place),
    /// The vote with the number before it is not in the chain.
    NoVoteBefore,
    /// The block's time would have to be this one or later.
    TooSoon(Timestamp),
}

/// The milliseconds that must pass before the change of a vote with this number: none before the
/// first change, then a minute more for each.
pub fn wait_before(sequence: u8) -> u64 {
    60_000 * u64::from(sequence.saturating_sub(1))
}

/// A vote slot: a token and a sequence number. A chain has at most one vote for each.
pub type Slot = (TokenId, u8);

/// Whether a vote with this slot could be in a block made at `time`, after votes of which `used`
/// gives place and time.
///
/// # Errors
/// Why it could not.
pub fn check_slot(
    (token, sequence): Slot,
    time: Timestamp,
    used: &dyn Fn(Slot) -> Option<(Place, Timestamp)>,
) -> Result<(), SlotError> {
    if let Some((earlier, _)) = used((token, sequence)) {
        return Err(SlotError::Used(earlier));
    }
    let Some(before) = sequence.checked_sub(1) else { return Ok(()) };
    let (_, made) = used((token, before)).ok_or(SlotError::NoVoteBefore)?;
    let earliest = made.plus_ms(wait_before(sequence));
    if time < earliest { Err(SlotError::TooSoon(earliest)) } else { Ok(()) }
}

/// A vote that was used.
#[derive(Clone, Debug)]
struct Use {
    place: Place,
    /// Time of its block.
    made: Timestamp,
    /// Kept if a later vote can replace it.
    ballot: Option<Kept>,
}

/// The votes of a chain, as far as they decide which further votes are allowed and which votes
/// count.
#[derive(Clone, Debug)]
pub struct CountedVotes {
    election: Arc<Election>,
    uses: BTreeMap<(TokenId, u8), Use>,
    tally: Tally,
    /// Whether votes may be removed again: then ballots that were replaced are kept.
    undoes: bool,
}

impl CountedVotes {
    /// Starts without votes; votes can be removed again.
    pub fn new(election: Election) -> Self {
        let (election, uses, tally) = (Arc::new(election), BTreeMap::new(), Tally::default());
        Self { election, uses, tally, undoes: true }
    }

    /// Starts without votes, for a walk that never goes back and should take little memory.
    pub fn forward_only(election: Election) -> Self {
        Self { undoes: false, ..Self::new(election) }
    }

    /// The count.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Number of votes, including those that a later one replaced.
    pub fn votes(&self) -> usize {
        self.uses.len()
    }

    /// Where the vote with this token and sequence number is.
    pub fn place(&self, token: TokenId, sequence: u8) -> Option<Place> {
        self.uses.get(&(token, sequence)).map(|used| used.place)
    }

    fn latest_use(&self, token: TokenId) -> Option<(u8, &Use)> {
        let mut of_token = self.uses.range((token, 0)..=(token, u8::MAX));
        of_token.next_back().map(|((_, sequence), used)| (*sequence, used))
    }

    /// Place of the vote of a token that counts, among the blocks up to and including this height.
    pub fn latest_until(&self, token: TokenId, height: Height) -> Option<Place> {
        let of_token = self.uses.range((token, 0)..=(token, u8::MAX)).rev();
        of_token.map(|(_, used)| used.place).find(|place| place.height <= height)
    }

    /// Whether a vote could come next, in a block made at `time`.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check_slot(
        &self,
        token: TokenId,
        sequence: u8,
        time: Timestamp,
    ) -> Result<(), SlotError> {
        check_slot((token, sequence), time, &|slot| self.used(slot))
    }

    /// Place and time of the vote that uses a slot.
    pub fn used(&self, slot: Slot) -> Option<(Place, Timestamp)> {
        self.uses.get(&slot).map(|used| (used.place, used.made))
    }

    /// Adds a vote of a block made at `time`.
    ///
    /// # Errors
    /// Why it is not allowed there. In that case nothing changes.
    pub fn add(&mut self, vote: &Vote, place: Place, time: Timestamp) -> Result<(), SlotError> {
        self.check_slot(vote.token, vote.sequence, time)?;
        let latest = self.latest_use(vote.token);
        let replaced =
            latest.and_then(|(sequence, used)| Some((sequence, used.ballot.as_ref()?.ballot())));
        if let Some((sequence, replaced)) = replaced {
            self.tally.remove(&replaced, &self.election);
            if !self.undoes
                && let Some(used) = self.uses.get_mut(&(vote.token, sequence))
            {
                used.ballot = None;
            }
        }
        self.tally.add(&vote.ballot, &self.election);
        let last_counts = self.election.counting == Counting::LastCounts;
        let ballot = last_counts.then(|| Kept::new(&vote.ballot));
        self.uses.insert((vote.token, vote.sequence), Use { place, made: time, ballot });
        Ok(())
    }

    /// Removes a vote that was added, which must be the last of its token. Not for
    /// [`CountedVotes::forward_only`].
    pub fn remove(&mut self, vote: &Vote) {
        if self.uses.remove(&(vote.token, vote.sequence)).is_none() {
            return;
        }
        let latest = self.latest_use(vote.token);
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
    use crate::testkit::{
        NOW,
        rolls::{context_with, vote},
    };

    /// Votes of an election where the last vote counts, and a function that makes a voter's vote
    /// for a choice.
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

    /// So late that no change has to wait for the one before.
    fn hours(number: u64) -> Timestamp {
        NOW.plus_ms(number * 3_600_000)
    }

    #[test]
    fn a_slot_is_used_once() {
        let mut counted_votes = counted_votes();
        counted_votes.add(&of(0, 0, 0), at(2), NOW).unwrap();
        let again = counted_votes.add(&of(0, 0, 1), at(3), NOW);
        assert_eq!(again, Err(SlotError::Used(at(2))));
        assert_eq!((counts(&counted_votes), counted_votes.votes()), ([1, 0, 0], 1));
    }

    #[test]
    fn a_vote_stands_after_the_one_with_the_number_before() {
        let mut counted_votes = counted_votes();
        let none = counted_votes.add(&of(0, 1, 1), at(2), NOW);
        assert_eq!(none, Err(SlotError::NoVoteBefore));
        counted_votes.add(&of(0, 0, 0), at(2), NOW).unwrap();
        let skipped = counted_votes.add(&of(0, 99, 1), at(2), hours(999));
        assert_eq!(skipped, Err(SlotError::NoVoteBefore));
        counted_votes.add(&of(0, 1, 1), at(2), NOW).unwrap();
        assert_eq!((counts(&counted_votes), counted_votes.tally().ballots), ([0, 1, 0], 1));
    }

    #[test]
    fn the_second_change_waits_a_minute_and_each_further_one_a_minute_more() {
        let mut counted_votes = counted_votes();
        counted_votes.add(&of(0, 0, 0), at(2), NOW).unwrap();
        let mut time = NOW;
        for sequence in 1..=99 {
            let earliest = time.plus_ms(60_000 * (u64::from(sequence) - 1));
            if sequence > 1 {
                let early = Timestamp(earliest.0 - 1);
                let soon = counted_votes.add(&of(0, sequence, 1), at(3), early);
                assert_eq!(soon, Err(SlotError::TooSoon(earliest)));
            }
            counted_votes.add(&of(0, sequence, 1), at(3), earliest).unwrap();
            time = earliest;
        }
        // 0 + 1 + 2 + … + 98 minutes: a person who stole a code does not get to the last number at
        // once.
        assert_eq!(time.ms_since(NOW), 4_851 * 60_000);
    }

    #[test]
    fn taking_votes_back_newest_first_leads_where_it_began() {
        let votes = [of(0, 0, 0), of(0, 1, 1), of(1, 0, 2), of(0, 2, 2)];
        let mut counted_votes = counted_votes();
        let mut tallies = Vec::new();
        for (number, vote) in (0..).zip(&votes) {
            tallies.push(counted_votes.tally().clone());
            counted_votes.add(vote, at(2 + number), hours(number.into())).unwrap();
        }
        for vote in votes.iter().rev() {
            counted_votes.remove(vote);
            assert_eq!(Some(counted_votes.tally()), tallies.pop().as_ref());
        }
        assert_eq!(counted_votes.votes(), 0);
    }

    #[test]
    fn a_walk_forward_counts_the_same() {
        let election = context_with(Counting::LastCounts, 3).election().clone();
        let (mut both, mut forward) = (counted_votes(), CountedVotes::forward_only(election));
        for (number, vote) in (0..).zip([of(0, 0, 1), of(0, 1, 0), of(1, 0, 0), of(0, 2, 2)]) {
            for counted_votes in [&mut both, &mut forward] {
                counted_votes.add(&vote, at(2 + number), hours(number.into())).unwrap();
            }
            assert_eq!(both.tally(), forward.tally());
        }
    }

    #[test]
    fn up_to_a_block_the_last_vote_before_it_counts() {
        let mut counted_votes = counted_votes();
        for sequence in 0..3 {
            let (place, time) = (at(2 + u32::from(sequence)), hours(sequence.into()));
            counted_votes.add(&of(0, sequence, 0), place, time).unwrap();
        }
        let token = of(0, 0, 0).token;
        let until = |height| counted_votes.latest_until(token, Height(height));
        assert_eq!(
            [until(1), until(2), until(3), until(9)],
            [None, Some(at(2)), Some(at(3)), Some(at(4))]
        );
    }
}
