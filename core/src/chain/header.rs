//! Block headers: 103 bytes, fixed, little-endian.
//!
//! With the 16 bytes of the tag the hash input is 119 bytes, the most that two blocks of SHA-256
//! can take. The first of them never changes while mining, so a try costs one compression.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    chain::difficulty::{Demand, Difficulty, Work, demand},
    crypto::hash::{BlockHash, Tag, VotesRoot, tagged},
    election::{definition::ChainParameters, vote::Vote},
    time::Timestamp,
};

/// Version of the header and its rules that this build knows.
pub const HEADER_VERSION: u16 = 3;
/// Length of the encoding.
pub const HEADER_BYTES: usize = 103;

/// Number of a block. The first block has 1, as in the seed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Height(pub u32);

impl Height {
    /// The first block.
    pub const FIRST: Self = Self(1);

    /// The height of the next block.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Index in a list that begins with the first block.
    pub fn position(self) -> usize {
        self.0.saturating_sub(1) as usize
    }
}

impl std::fmt::Display for Height {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a block adds to the counts of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Tokens that vote for the first time. Sequence numbers are consecutive, so these are the
    /// votes with number 0.
    pub voters: u32,
    /// Votes.
    pub votes: u32,
}

impl Added {
    /// What these votes add.
    pub fn by<'a>(votes: impl IntoIterator<Item = &'a Vote>) -> Self {
        votes.into_iter().fold(Self::default(), |added, vote| Self {
            voters: added.voters.saturating_add(u32::from(vote.sequence == 0)),
            votes: added.votes.saturating_add(1),
        })
    }
}

/// A block header. Its proof of work covers the votes through `votes_root`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Header {
    /// Parent's height + 1.
    pub height: Height,
    /// Hash of the parent; the election's id in the first block.
    pub previous: BlockHash,
    /// Merkle root over the votes.
    pub votes_root: VotesRoot,
    /// When it was made, as its miner says.
    pub timestamp: Timestamp,
    /// The difficulty that the rule passes on from block to block.
    pub difficulty: Difficulty,
    /// Distinct tokens that voted, up to and including this block.
    pub voters: u32,
    /// Votes, up to and including this block.
    pub votes: u32,
    /// The number that was changed until the hash met the target.
    pub nonce: u64,
    /// [`HEADER_VERSION`].
    pub version: u16,
    /// How often the difficulty is halved for this block alone, because of a long pause before it.
    pub easing: u8,
}

impl Header {
    /// The header of a block on top of `parent` that is made at `timestamp`, with everything that
    /// the chain's rules demand of it except the nonce.
    #[must_use]
    pub fn next(
        parent: &Self,
        votes_root: VotesRoot,
        added: Added,
        timestamp: Timestamp,
        parameters: &ChainParameters,
    ) -> Self {
        let Demand { difficulty, easing } = parent.demand(timestamp, parameters);
        Self {
            height: parent.height.next(),
            previous: parent.hash(),
            votes_root,
            timestamp,
            difficulty,
            voters: parent.voters.saturating_add(added.voters),
            votes: parent.votes.saturating_add(added.votes),
            nonce: 0,
            version: HEADER_VERSION,
            easing,
        }
    }

    /// What this block says that it adds to its parent's counts; `None` if its counts are lower.
    pub fn adds(&self, parent: &Self) -> Option<Added> {
        let voters = self.voters.checked_sub(parent.voters)?;
        Some(Added { voters, votes: self.votes.checked_sub(parent.votes)? })
    }

    /// What the difficulty rule demands of a block on top of this one that is made at `timestamp`.
    /// A time before this block's own counts as no gap.
    pub fn demand(&self, timestamp: Timestamp, parameters: &ChainParameters) -> Demand {
        demand(parameters, self.difficulty, timestamp.ms_since(self.timestamp))
    }

    /// The canonical bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        // Writing 103 bytes into 103 bytes cannot fail; the test below checks the length.
        let _ = BorshSerialize::serialize(self, &mut rest);
        bytes
    }

    /// SHA-256 of the tagged encoding.
    pub fn hash(&self) -> BlockHash {
        BlockHash(tagged(Tag::HEADER, &self.encode()))
    }

    /// The difficulty that this block's own hash must meet.
    pub fn required(&self) -> Difficulty {
        Difficulty(self.difficulty.0.checked_shr(self.easing.into()).unwrap_or(0).max(1))
    }

    /// The expected number of hashes behind this block.
    pub fn work(&self) -> Work {
        Work(u128::from(self.required().0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_103_bytes_and_the_nonce_where_miners_look_for_it() {
        let header = Header {
            height: Height(2),
            previous: BlockHash([1; 32]),
            votes_root: VotesRoot([2; 32]),
            timestamp: Timestamp(3),
            difficulty: Difficulty(4),
            voters: 5,
            votes: 6,
            nonce: u64::from_le_bytes(*b"nonce is"),
            version: HEADER_VERSION,
            easing: 0,
        };
        assert_eq!(borsh::to_vec(&header).unwrap(), header.encode());
        assert_eq!(header.encode()[92..100], *b"nonce is");
        assert_eq!(borsh::from_slice::<Header>(&header.encode()).unwrap(), header);
    }
}
