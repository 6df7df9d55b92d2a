//! Blocks put together from short ids: an announced block, or the blocks of a branch whose votes
//! are mostly here. Only votes that are not here are fetched and verified.
//!
//! Takes short blocks as they arrive and returns the outcome for each. It keeps no votes: it finds
//! them in the ballot box.

use std::collections::{HashSet, VecDeque};

use super::ballot_box::BallotBox;
use crate::{
    chain::{
        block::{Block, BlockError, CheckedBlock},
        fork_choice::Weight,
        header::Header,
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::{election_context::ElectionContext, vote::CheckedVote},
    sorted::sorted,
    wire::message::{MAX_BLOCK_VOTES, ShortBlock},
};

/// Short ids are asked for if at least one in this many of a branch's votes may be here. Short ids
/// have a twenty-fifth of the size of the votes, and take one more question.
const WORTH_ONE_IN: u32 = 8;

/// A block of which some votes are here.
#[derive(Debug)]
pub(super) struct Parts {
    pub header: Header,
    /// Its votes in order, `None` for each that is not here.
    pub votes: Vec<Option<CheckedVote>>,
    /// The positions of the missing ones, in ascending order: at least one, and at most
    /// [`MAX_BLOCK_VOTES`].
    pub missing: Vec<u32>,
}

/// The outcome for a short block.
#[derive(Debug)]
pub(super) enum Filled {
    /// All of its votes are here.
    Block(CheckedBlock),
    /// Some of its votes are here.
    Parts(Parts),
    /// It must be fetched whole.
    Whole,
    /// It breaks a rule.
    Broken(BlockError),
}

/// Puts the votes that are here into a block.
pub(super) fn fill(
    block: ShortBlock,
    find: &dyn Fn(ShortId) -> Option<CheckedVote>,
    context: &ElectionContext,
) -> Filled {
    let ShortBlock { header, votes } = block;
    let unique: HashSet<_> = votes.iter().collect();
    if unique.len() < votes.len() {
        // Two votes have this short id: only the block itself tells which one it is.
        return Filled::Whole;
    }
    let votes: Vec<_> = votes.into_iter().map(find).collect();
    let missing = (0..).zip(&votes).filter(|(_, vote)| vote.is_none());
    let missing: Vec<u32> = missing.map(|(place, _)| place).collect();
    if missing.len() == votes.len() || missing.len() > MAX_BLOCK_VOTES {
        return Filled::Whole;
    }
    if !missing.is_empty() {
        return Filled::Parts(Parts { header, votes, missing });
    }
    match Block::complete(header, votes, Vec::new(), context) {
        Ok(block) => Filled::Block(block),
        // A short id that two votes share, or a lie: the whole block shows which.
        Err(error) if error.is_other_votes() => Filled::Whole,
        Err(error) => Filled::Broken(error),
    }
}

/// The blocks of a branch that arrived as short ids.
#[derive(Debug)]
pub(super) struct ByIds {
    /// The votes of the blocks that the branch would replace, in ascending order.
    here: Vec<VoteId>,
    came: VecDeque<ShortBlock>,
}

impl ByIds {
    /// Whether it is worth it: whether an eighth of a branch's votes may be here. Never in an open
    /// election, whose headers do not say how many votes it has.
    pub fn is_worth_it(here: &BallotBox, start: &BlockHash, weight: Weight) -> bool {
        let below = here.chain().weight_at(start).unwrap_or_default().votes;
        let (branch, votes) = (weight.votes.saturating_sub(below), here.digest().votes);
        branch > 0 && votes.saturating_sub(below).saturating_mul(WORTH_ONE_IN) >= branch
    }

    /// Begins with a branch from `start` on; this walks over all votes.
    pub fn new(here: &BallotBox, start: &BlockHash) -> Self {
        let here = sorted(here.chain().vote_ids_above(start).collect());
        Self { here, came: VecDeque::new() }
    }

    /// Whether no short blocks are left to process.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    /// Takes in short blocks, oldest first.
    pub fn extend(&mut self, blocks: impl Iterator<Item = ShortBlock>) {
        self.came.extend(blocks);
    }

    /// Processes the next block, if there is one.
    pub fn next(&mut self, here: &BallotBox) -> Option<Filled> {
        let block = self.came.pop_front()?;
        Some(fill(block, &|id| self.find(id, here), here.chain().context()))
    }

    /// Skips the next blocks as long as none of their votes is here; returns how many.
    pub fn skip_unknown(&mut self, most: usize, here: &BallotBox) -> usize {
        let unknown =
            |block: &&ShortBlock| block.votes.iter().all(|id| self.find(*id, here).is_none());
        let skipped = self.came.iter().take(most).take_while(unknown).count();
        self.came.drain(..skipped);
        skipped
    }

    fn find(&self, id: ShortId, here: &BallotBox) -> Option<CheckedVote> {
        // If two votes share a short id, either will do: the votes root shows which one was meant.
        let in_chain = || {
            let at = self.here.binary_search_by_key(&id, ShortId::from).ok()?;
            here.chain().checked_vote(&self.here[at])
        };
        here.pending().get_short(&id).cloned().or_else(in_chain)
    }
}
