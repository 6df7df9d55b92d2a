//! A branch whose votes are here for the most part: its blocks are asked for as the short ids of their
//! votes, and only votes that are not here are fetched and verified.
//!
//! Takes short blocks as they come and says block by block what they come to. It keeps no votes: it finds
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
    election::vote::CheckedVote,
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
}

impl Parts {
    /// The places of the votes that are not here, where some are and few enough are not: otherwise the
    /// whole block is as good.
    pub fn missing(&self) -> Option<Vec<u32>> {
        let votes = (0..).zip(&self.votes);
        let missing: Vec<_> = votes.filter(|(_, vote)| vote.is_none()).map(|(at, _)| at).collect();
        let some_here = missing.len() < self.votes.len();
        (some_here && (1..=MAX_BLOCK_VOTES).contains(&missing.len())).then_some(missing)
    }
}

/// What the next block of the branch comes to.
#[derive(Debug)]
pub(super) enum Found {
    /// No short block is here.
    Nothing,
    /// All of its votes were here.
    Block(CheckedBlock),
    /// Some of its votes were; with the places of the others.
    Parts(Parts, Vec<u32>),
    /// It is to be fetched whole.
    Whole,
    /// It breaks a rule.
    Broken(BlockError),
}

/// The blocks of a branch that came as short ids.
#[derive(Debug)]
pub(super) struct ByIds {
    /// The votes of the blocks that the branch would replace, in ascending order.
    here: Vec<VoteId>,
    came: VecDeque<ShortBlock>,
}

impl ByIds {
    /// Nothing where it is not worth it: where few votes of the branch can be here, or in an open
    /// election, whose headers do not say how many it has.
    pub fn worth_it(here: &BallotBox, start: &BlockHash, weight: Weight) -> Option<Self> {
        let chain = here.chain();
        let below = chain.weight_at(start)?.votes;
        let (branch, votes) = (weight.votes.saturating_sub(below), here.digest().votes);
        let may_be_here = votes.saturating_sub(below).saturating_mul(WORTH_ONE_IN);
        if branch == 0 || may_be_here < branch {
            return None;
        }
        let here = sorted(chain.vote_ids_above(start).collect());
        Some(Self { here, came: VecDeque::new() })
    }

    /// Whether short blocks are here that were not looked at yet.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty()
    }

    /// Takes short blocks in, oldest first.
    pub fn extend(&mut self, blocks: impl Iterator<Item = ShortBlock>) {
        self.came.extend(blocks);
    }

    /// Looks at the next block.
    pub fn next(&mut self, here: &BallotBox) -> Found {
        let Some(ShortBlock { header, votes }) = self.came.pop_front() else {
            return Found::Nothing;
        };
        let unique: HashSet<_> = votes.iter().collect();
        if unique.len() < votes.len() {
            // Two votes of one short id: only the block itself tells them apart.
            return Found::Whole;
        }
        let votes: Vec<_> = votes.iter().map(|id| self.find(*id, here)).collect();
        let parts = Parts { header, votes };
        if let Some(missing) = parts.missing() {
            return Found::Parts(parts, missing);
        }
        let Parts { header, votes } = parts;
        // What lacks votes, or holds others of the same short ids, or lies, is other votes than those of
        // its header: the whole block shows.
        match Block::complete(header, votes, Vec::new(), here.chain().context()) {
            Ok(block) => Found::Block(block),
            Err(error) if error.is_other_votes() => Found::Whole,
            Err(error) => Found::Broken(error),
        }
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
