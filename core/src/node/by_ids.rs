//! Blocks put together from short ids: an announced one, or those of a branch whose votes are here for the
//! most part. Only votes that are not here are fetched and verified.
//!
//! Takes short blocks as they come and says what each comes to. It keeps no votes: it finds them in the
//! ballot box.

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

/// Short ids are asked for where this share of a branch's votes may be here: they are a twenty-fifth of
/// what they stand for, and one more question.
const WORTH_ONE_IN: u32 = 8;

/// A block of which some votes are here.
#[derive(Debug)]
pub(super) struct Parts {
    pub header: Header,
    /// Its votes in order, nothing where one is not here.
    pub votes: Vec<Option<CheckedVote>>,
    /// The places of those, in ascending order: some, and at most [`MAX_BLOCK_VOTES`].
    pub missing: Vec<u32>,
}

/// What a short block comes to.
#[derive(Debug)]
pub(super) enum Filled {
    /// All of its votes are here.
    Block(CheckedBlock),
    /// Some of its votes are.
    Parts(Parts),
    /// It is to be fetched whole.
    Whole,
    /// It breaks a rule.
    Broken(BlockError),
}

/// Puts the votes into a block that are here.
pub(super) fn fill(
    block: ShortBlock,
    find: &dyn Fn(ShortId) -> Option<CheckedVote>,
    context: &ElectionContext,
) -> Filled {
    let ShortBlock { header, votes } = block;
    let unique: HashSet<_> = votes.iter().collect();
    if unique.len() < votes.len() {
        // Two votes of one short id: only the block itself tells them apart.
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

/// The blocks of a branch that came as short ids.
#[derive(Debug)]
pub(super) struct ByIds {
    /// The votes of the blocks that the branch would replace, in ascending order.
    here: Vec<VoteId>,
    came: VecDeque<ShortBlock>,
}

impl ByIds {
    /// Whether it is worth it: whether an eighth of a branch's votes may be here. Never in an open election,
    /// whose headers do not say how many it has.
    pub fn is_worth_it(here: &BallotBox, start: &BlockHash, weight: Weight) -> bool {
        let below = here.chain().weight_at(start).unwrap_or_default().votes;
        let (branch, votes) = (weight.votes.saturating_sub(below), here.digest().votes);
        branch > 0 && votes.saturating_sub(below).saturating_mul(WORTH_ONE_IN) >= branch
    }

    /// Begins with a branch from `start` on: a walk over all votes.
    pub fn new(here: &BallotBox, start: &BlockHash) -> Self {
        let here = sorted(here.chain().vote_ids_above(start).collect());
        Self { here, came: VecDeque::new() }
    }

    /// Whether short blocks are here that were not looked at yet.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    /// Takes short blocks in, oldest first.
    pub fn extend(&mut self, blocks: impl Iterator<Item = ShortBlock>) {
        self.came.extend(blocks);
    }

    /// Looks at the next block, if one is here.
    pub fn next(&mut self, here: &BallotBox) -> Option<Filled> {
        let block = self.came.pop_front()?;
        Some(fill(block, &|id| self.find(id, here), here.chain().context()))
    }

    /// Passes over the next blocks, as far as no vote of them is here; says how many.
    pub fn skip_unknown(&mut self, most: usize, here: &BallotBox) -> usize {
        let unknown =
            |block: &&ShortBlock| block.votes.iter().all(|id| self.find(*id, here).is_none());
        let skipped = self.came.iter().take(most).take_while(unknown).count();
        self.came.drain(..skipped);
        skipped
    }

    fn find(&self, id: ShortId, here: &BallotBox) -> Option<CheckedVote> {
        // Of two that share a short id either will do: the votes root shows which was meant.
        let in_chain = || {
            let at = self.here.binary_search_by_key(&id, ShortId::from).ok()?;
            here.chain().checked_vote(&self.here[at])
        };
        here.pending().get_short(&id).cloned().or_else(in_chain)
    }
}
