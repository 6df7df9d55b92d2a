//! What a voter keeps: the vote, and where the chain holds it, with the proof.

use serde::{Deserialize, Serialize};

use crate::{
    hash::{BlockHash, VoteId},
    header::Header,
    merkle::{self, InclusionProof},
    pow,
    vote::Vote,
};

/// A vote and what became of it, as far as this node knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the vote.
    pub vote_id: VoteId,
    /// The vote.
    pub vote: Vote,
    /// Where it stands.
    pub inclusion: Option<Inclusion>,
}

/// A vote's place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// Hash of the block.
    pub block: BlockHash,
    /// Its header.
    pub header: Header,
    /// The path from the vote to the header's votes root.
    pub proof: InclusionProof,
    /// Blocks from this one to the tip, both included.
    pub confirmations: u32,
}

/// What makes a receipt worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The id belongs to other contents.
    #[error("the vote id is not the hash of this vote")]
    VoteId,
    /// The header belongs to another block.
    #[error("the block hash is not the hash of this header")]
    BlockHash,
    /// The header carries no work.
    #[error("the header's proof of work does not hold")]
    Proof,
    /// The path does not lead to the votes root.
    #[error("the inclusion proof does not lead from the vote to the votes root of the header")]
    Inclusion,
}

impl Receipt {
    /// Recomputes every hash in the receipt. Whether the block stands in the chain that counts,
    /// only a chain can say.
    ///
    /// # Errors
    /// The first part that does not hold.
    pub fn check(&self) -> Result<(), ReceiptError> {
        if self.vote.id() != self.vote_id {
            return Err(ReceiptError::VoteId);
        }
        let Some(inclusion) = &self.inclusion else {
            return Ok(());
        };
        if inclusion.header.hash() != inclusion.block {
            return Err(ReceiptError::BlockHash);
        }
        if !pow::is_proven(&inclusion.header) {
            return Err(ReceiptError::Proof);
        }
        let leaf = merkle::leaf(&self.vote.encode());
        if !inclusion.proof.verifies(&leaf, &inclusion.header.votes_root) {
            return Err(ReceiptError::Inclusion);
        }
        Ok(())
    }
}
