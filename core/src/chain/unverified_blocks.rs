//! Blocks between the cheap rules and their signatures, which a driver can have verified elsewhere:
//! on other threads or in other workers.

use crate::{
    chain::block::{Block, BlockError, CheckedBlock},
    crypto::hash::BlockHash,
    election::{
        election_context::ElectionContext,
        vote::{VoteError, VoteSignature, verify_signatures},
    },
};

/// Consecutive blocks that keep every rule that a block can show by itself, but whose signatures
/// are not verified yet.
#[derive(Debug)]
pub struct UnverifiedBlocks {
    blocks: Vec<CheckedBlock>,
    /// Why there are no more of them.
    failed: Option<BlockError>,
}

impl UnverifiedBlocks {
    /// Checks everything but signatures; ends with the first block that is not valid.
    pub fn check(blocks: Vec<Block>, context: &ElectionContext) -> Self {
        let mut checked = Vec::with_capacity(blocks.len());
        let mut failed = None;
        for block in blocks {
            match block.check_but_signatures(context) {
                Ok(block) => checked.push(block),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        Self { blocks: checked, failed }
    }

    /// The hashes of the blocks.
    pub fn hashes(&self) -> impl Iterator<Item = BlockHash> {
        self.blocks.iter().map(CheckedBlock::hash)
    }

    /// The signatures that are to be verified, in order; none in an open election.
    pub fn signatures(&self, context: &ElectionContext) -> Vec<VoteSignature> {
        let votes = self.blocks.iter().flat_map(|block| block.votes.iter().zip(block.ids.iter()));
        votes.filter_map(|(vote, id)| vote.signature(*id, context)).collect()
    }

    /// The blocks up to the first that is not valid. `verdict` is the result of
    /// [`verify_signatures`](crate::election::vote::verify_signatures) on [`Self::signatures`].
    pub fn settle(mut self, verdict: Result<(), usize>) -> Vec<Result<CheckedBlock, BlockError>> {
        if let Some((good, error)) = verdict.err().and_then(|index| self.offender(index)) {
            self.blocks.truncate(good);
            self.failed = Some(error);
        }
        self.blocks.into_iter().map(Ok).chain(self.failed.map(Err)).collect()
    }

    /// The number of good blocks before the one with the wrong signature, and the error for it. An
    /// index behind the last vote counts as the last: what was refused must not pass.
    fn offender(&self, mut index: usize) -> Option<(usize, BlockError)> {
        let last = self.blocks.len().checked_sub(1)?;
        for (good, block) in self.blocks.iter().enumerate() {
            let count = block.votes.len();
            if index < count || good == last {
                let index = index.min(count - 1);
                let (height, token) = (block.header.height, block.votes[index].token);
                let error = VoteError::Signature(token);
                let error = BlockError::Vote { height, number: index + 1, token, error };
                return Some((good, error));
            }
            index -= count;
        }
        None
    }
}

/// Checks blocks one after the other, with all signatures verified together; ends with the first
/// that is not valid. The verdicts are those of [`Block::check`].
pub fn check_together(
    blocks: Vec<Block>,
    context: &ElectionContext,
) -> Vec<Result<CheckedBlock, BlockError>> {
    let blocks = UnverifiedBlocks::check(blocks, context);
    let verdict = verify_signatures(&blocks.signatures(context));
    blocks.settle(verdict)
}
