//! The rule for which of two chains is better. It is in one place, for reorganisations, for what
//! peers claim, for what is downloaded and for what is dropped.
//!
//! With a voter roll the order is: voters, votes, work, lower hash of the tip. Voters are counted
//! by the roll, so hash power decides only if voters and votes are equal. Without a roll anybody
//! can make voters, so an open election goes by work and the lower hash alone. A sealed block comes
//! before all of this: the chain takes care of that ([`crate::chain::tree`]).
//!
//! Votes and work rise with every block and voters never fall, so a child is always better than its
//! parent, and the order is total.

use std::cmp::Reverse;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    chain::{difficulty::Work, header::Header},
    crypto::hash::BlockHash,
    election::definition::Election,
};

/// The weight of a chain. Greater is better.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Weight {
    /// Distinct tokens; 0 in an open election.
    pub voters: u32,
    /// Votes; 0 in an open election.
    pub votes: u32,
    /// Work.
    pub work: Work,
}

impl Weight {
    /// The weight of a chain whose tip has this header, with this work up to and including it.
    pub fn of(election: &Election, tip: &Header, work: Work) -> Self {
        if election.has_roll() {
            Self { voters: tip.voters, votes: tip.votes, work }
        } else {
            Self { voters: 0, votes: 0, work }
        }
    }
}

/// The rank of a tip in fork choice: of two chains with the same weight, the one with the lower
/// hash is better.
pub type Rank = (Weight, Reverse<BlockHash>);

/// The rank of a tip.
pub fn rank(weight: Weight, tip: BlockHash) -> Rank {
    (weight, Reverse(tip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::block::Block,
        testkit::{self, rolls},
    };

    #[test]
    fn voters_come_before_votes_votes_before_work_and_work_before_the_hash() {
        let of = |voters, votes, work, tip| {
            rank(Weight { voters, votes, work: Work(work) }, BlockHash([tip; 32]))
        };
        let order =
            [of(1, 9, 9, 9), of(2, 3, 9, 9), of(2, 4, 5, 9), of(2, 4, 6, 9), of(2, 4, 6, 8)];
        assert!(order.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn an_open_election_goes_by_work_alone() {
        let roll = rolls::context();
        let mut tip = Block::genesis(roll.election()).header().clone();
        (tip.voters, tip.votes) = (3, 4);
        let weight = Weight { voters: 3, votes: 4, work: Work(5) };
        assert_eq!(Weight::of(roll.election(), &tip, Work(5)), weight);
        let open = Weight::of(&testkit::election(), &tip, Work(5));
        assert_eq!(open, Weight { voters: 0, votes: 0, work: Work(5) });
    }
}
