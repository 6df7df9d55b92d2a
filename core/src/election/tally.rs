//! The count: selections and how many ballots chose each.

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

/// The count of the ballots that count, one for each voter.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Tally {
    /// Ballots by selection, in alphabetical order. Selections nobody chose are absent. A ballot
    /// with several choices stands under each of them.
    pub selections: BTreeMap<String, u64>,
    /// Ballots counted, blank ones among them.
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

    /// Takes back a ballot that was added.
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
