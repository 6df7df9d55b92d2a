//! The tally: selections and how many ballots chose each.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{
        encoding::hash_of,
        hash::{Tag, TallyHash},
    },
    election::{ballot::Ballot, definition::Election},
};

/// The tally of the ballots that count, one for each voter.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Tally {
    /// Ballots by selection, in alphabetical order. Selections that nobody chose are absent. A
    /// ballot with several choices is counted under each of them.
    pub selections: BTreeMap<String, u64>,
    /// Ballots counted, including blank ones.
    pub ballots: u64,
    /// Blank ballots.
    pub blank: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, ballot: &Ballot, election: &Election) {
        self.ballots += 1;
        self.blank += u64::from(*ballot == Ballot::Blank);
        for selection in ballot.selections(&election.question()) {
            match self.selections.get_mut(selection) {
                Some(count) => *count += 1,
                None => {
                    self.selections.insert(selection.to_owned(), 1);
                }
            }
        }
    }

    /// Removes a ballot that was added.
    pub(crate) fn remove(&mut self, ballot: &Ballot, election: &Election) {
        self.ballots -= 1;
        self.blank -= u64::from(*ballot == Ballot::Blank);
        for selection in ballot.selections(&election.question()) {
            if let Some(count) = self.selections.get_mut(selection) {
                *count -= 1;
                if *count == 0 {
                    self.selections.remove(selection);
                }
            }
        }
    }

    /// Ballots for one selection.
    pub fn count(&self, selection: &str) -> u64 {
        self.selections.get(selection).copied().unwrap_or(0)
    }

    /// Selections with their counts: the highest first, then in alphabetical order.
    pub fn ranked(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<_> =
            self.selections.iter().map(|(words, count)| (words.as_str(), *count)).collect();
        counts.sort_by_key(|(words, count)| (std::cmp::Reverse(*count), *words));
        counts
    }

    /// What a seal commits to: SHA-256 of the tagged encoding.
    pub fn hash(&self) -> TallyHash {
        TallyHash(hash_of(Tag::TALLY, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(ballots: &[Ballot]) -> Tally {
        let mut tally = Tally::default();
        for ballot in ballots {
            tally.add(ballot, &Election::demo());
        }
        tally
    }

    #[test]
    fn a_ballot_is_counted_under_each_of_its_choices_and_once_in_all() {
        let own = Ballot::WriteIn { choices: vec![1], text: "Zoë".into() };
        let tally = counted(&[Ballot::Choices(vec![0, 1]), own, Ballot::Blank]);
        assert_eq!((tally.ballots, tally.blank), (3, 1));
        let counts = ["Yes", "No", "Zoë", "Blank"].map(|selection| tally.count(selection));
        assert_eq!(counts, [1, 2, 1, 0]);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut tally = counted(&[Ballot::Choices(vec![0]), Ballot::Blank]);
        tally.remove(&Ballot::Blank, &Election::demo());
        assert_eq!(tally, counted(&[Ballot::Choices(vec![0])]));
        tally.remove(&Ballot::Choices(vec![0]), &Election::demo());
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn ranks_go_by_count_and_then_by_alphabet() {
        let choices = [2, 0, 1, 1].map(|choice| Ballot::Choices(vec![choice]));
        assert_eq!(counted(&choices).ranked(), [("No", 2), ("Blank", 1), ("Yes", 1)]);
    }

    #[test]
    fn the_hash_is_of_the_counts_and_not_of_their_order() {
        let (one, other) = (Ballot::Choices(vec![0]), Ballot::Choices(vec![1]));
        let hash = |ballots: &[Ballot]| counted(ballots).hash();
        assert_eq!(hash(&[one.clone(), other.clone()]), hash(&[other.clone(), one.clone()]));
        assert_ne!(hash(std::slice::from_ref(&one)), hash(&[one.clone(), Ballot::Blank]));
        assert_ne!(hash(&[one]), hash(&[other]));
    }
}
