//! Blocks as a chain keeps them: whole near its tip, packed below.
//!
//! Most blocks are never read again. Packed, a signed vote takes about 80 bytes instead of 200.

use std::{fmt, sync::Arc};

use borsh::BorshDeserialize;

use crate::{
    chain::block::{Block, CheckedBlock},
    chain::header::Header,
    crypto::hash::{BlockHash, ElectionId},
    election::{
        ballot::Ballot,
        token::TokenId,
        vote::{Authorization, Vote},
    },
};

/// Votes from one known offset to the next. To find a vote, at most this many are read.
const STRIDE: usize = 16;

/// Made only from a [`CheckedBlock`], so it is as valid as that one.
struct Packed {
    header: Header,
    hash: BlockHash,
    election: ElectionId,
    /// Votes without their election, one after the other.
    votes: Box<[u8]>,
    /// Where every [`STRIDE`]-th vote begins.
    offsets: Box<[u32]>,
    count: usize,
    encoded_len: usize,
}

type Parts = (TokenId, u8, Ballot, Authorization);

impl Packed {
    fn new(block: &CheckedBlock) -> Self {
        let mut votes = Vec::new();
        let mut offsets = Vec::new();
        for (index, vote) in block.votes.iter().enumerate() {
            if index % STRIDE == 0 {
                // A block's encoding is limited by `MAX_BLOCK_BYTES`.
                offsets.push(u32::try_from(votes.len()).unwrap_or(u32::MAX));
            }
            let parts = (vote.token, vote.sequence, &vote.ballot, vote.authorization);
            // Writing to memory does not fail.
            let _ = borsh::to_writer(&mut votes, &parts);
        }
        Self {
            header: block.header.clone(),
            hash: block.hash,
            election: block.votes.first().map_or(ElectionId([0; 32]), |vote| vote.election),
            votes: votes.into(),
            offsets: offsets.into(),
            count: block.votes.len(),
            encoded_len: block.encoded_len,
        }
    }

    /// Votes from the last known offset at or below this index on.
    fn votes_near(&self, index: usize) -> impl Iterator<Item = Vote> + '_ {
        let offset = self.offsets.get(index / STRIDE).map_or(self.votes.len(), |at| *at as usize);
        let mut rest = self.votes.get(offset..).unwrap_or_default();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            // It was written above, so it can be read back.
            let (token, sequence, ballot, authorization) = Parts::deserialize(&mut rest).ok()?;
            Some(Vote { election: self.election, token, sequence, ballot, authorization })
        })
    }
}

#[derive(Clone)]
enum Kept {
    Whole(Arc<CheckedBlock>),
    Packed(Arc<Packed>),
}

/// A checked block as a chain keeps it; cheap to clone.
#[derive(Clone)]
pub struct KeptBlock(Kept);

impl From<Arc<CheckedBlock>> for KeptBlock {
    fn from(block: Arc<CheckedBlock>) -> Self {
        Self(Kept::Whole(block))
    }
}

impl fmt::Debug for KeptBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptBlock {} {}", self.header().height, self.hash())
    }
}

impl KeptBlock {
    pub(crate) fn pack(&mut self) {
        if let Kept::Whole(block) = &self.0 {
            self.0 = Kept::Packed(Arc::new(Packed::new(block)));
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        match &self.0 {
            Kept::Whole(block) => &block.header,
            Kept::Packed(packed) => &packed.header,
        }
    }

    /// Hash of the header.
    pub fn hash(&self) -> BlockHash {
        match &self.0 {
            Kept::Whole(block) => block.hash,
            Kept::Packed(packed) => packed.hash,
        }
    }

    /// Number of votes.
    pub fn vote_count(&self) -> usize {
        match &self.0 {
            Kept::Whole(block) => block.votes.len(),
            Kept::Packed(packed) => packed.count,
        }
    }

    /// Bytes of the encoding.
    pub fn encoded_len(&self) -> usize {
        match &self.0 {
            Kept::Whole(block) => block.encoded_len,
            Kept::Packed(packed) => packed.encoded_len,
        }
    }

    /// One vote; the index counts from 0.
    pub fn vote(&self, index: u32) -> Option<Vote> {
        let index = usize::try_from(index).ok()?;
        match &self.0 {
            Kept::Whole(block) => block.votes.get(index).cloned(),
            Kept::Packed(packed) => packed.votes_near(index).nth(index % STRIDE),
        }
    }

    /// Whether these are its votes.
    pub(crate) fn holds(&self, votes: &[Vote]) -> bool {
        match &self.0 {
            Kept::Whole(block) => *block.votes == *votes,
            Kept::Packed(packed) => {
                packed.count == votes.len()
                    && packed.votes_near(0).zip(votes).all(|(kept, vote)| kept == *vote)
            }
        }
    }

    /// The block in the form in which it is sent and stored.
    pub fn to_block(&self) -> Block {
        match &self.0 {
            Kept::Whole(block) => block.to_block(),
            Kept::Packed(packed) => {
                let votes: Vec<_> = packed.votes_near(0).collect();
                debug_assert_eq!(votes.len(), packed.count, "what was packed reads back");
                Block { header: packed.header.clone(), votes }
            }
        }
    }

    /// The block with the results of its checks. If it is packed, ids are hashed again.
    pub fn open(&self) -> Arc<CheckedBlock> {
        match &self.0 {
            Kept::Whole(block) => Arc::clone(block),
            Kept::Packed(packed) => {
                let Block { header, votes } = self.to_block();
                let ids = votes.iter().map(Vote::id).collect();
                let (hash, votes, encoded_len) = (packed.hash, votes.into(), packed.encoded_len);
                Arc::new(CheckedBlock { header, hash, votes, ids, encoded_len })
            }
        }
    }
}
