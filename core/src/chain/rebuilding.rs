//! The chain built again without certain votes, for a seal that leaves out what stands in its blocks.
//!
//! Takes the chain, the votes and nonces; answers with headers to mine. Everything else stays in its order,
//! in blocks of the original times, from the newest block on below which nothing is left out. Changes that
//! stand on a vote that is left out go with it. What comes of it is a chain, held to the rules of any.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use crate::{
    chain::{
        ancestry::LinkError,
        block::{Block, CheckedBlock},
        header::{Added, Header, Height},
        kept_block::KeptBlock,
        tree::Chain,
    },
    crypto::hash::VoteId,
    election::vote::CheckedVote,
    sorted::sorted,
    time::Timestamp,
};

/// A chain that is being built again.
pub struct Rebuilding {
    chain: Chain,
    /// Height of the last block that stays.
    fork: Height,
    /// What the blocks to be made hold, and their times.
    to_do: VecDeque<(Timestamp, Vec<CheckedVote>)>,
    left_out: Vec<VoteId>,
}

impl Rebuilding {
    /// Begins. `without` is in ascending order; nothing comes of it where none of them stands in the chain.
    pub fn new(chain: &Chain, without: &[VoteId]) -> Option<Self> {
        let places = without.iter().filter_map(|id| chain.place_of(id));
        let first = places.map(|place| place.height).min()?;
        let fork = Height(first.0 - 1);
        let (mut to_do, mut left_out) = (VecDeque::new(), Vec::new());
        let mut tokens = HashSet::new();
        for height in (first.0..=chain.height().0).map(Height) {
            let Some(block) = chain.block_at(height).map(KeptBlock::open) else { continue };
            let mut stays = Vec::new();
            for vote in block.checked_votes() {
                // Numbers of a token go up along the chain, without a gap.
                if without.binary_search(&vote.id()).is_ok() || tokens.contains(&vote.token) {
                    tokens.insert(vote.token);
                    left_out.push(vote.id());
                } else {
                    stays.push(vote);
                }
            }
            if !stays.is_empty() {
                to_do.push_back((block.header().timestamp, stays));
            }
        }
        Some(Self { chain: chain.up_to(fork), fork, to_do, left_out: sorted(left_out) })
    }

    /// The header of the next block, all but its nonce, with the votes that it is over. Nothing once all are
    /// made.
    pub fn next_block(&self) -> Option<(Header, Vec<CheckedVote>)> {
        let (time, votes) = self.to_do.front()?;
        let root = Block::votes_root(votes.iter().map(CheckedVote::vote));
        let added = Added::by(votes.iter().map(CheckedVote::vote));
        let parameters = &self.chain.election().parameters;
        let header = Header::next(self.chain.tip().header(), root, added, *time, parameters);
        Some((header, votes.clone()))
    }

    /// Takes in a block that was mined.
    ///
    /// # Errors
    /// What is wrong with it; nothing has changed then.
    pub fn take(&mut self, block: CheckedBlock, now: Timestamp) -> Result<(), LinkError> {
        self.chain.insert(block, now)?;
        self.to_do.pop_front();
        Ok(())
    }

    /// The chain as far as it is built.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether all blocks are made.
    pub fn is_done(&self) -> bool {
        self.to_do.is_empty()
    }

    /// How many blocks are made, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        let made = (self.chain.height().0 - self.fork.0) as usize;
        (made, made + self.to_do.len())
    }

    /// The votes that are left out, in ascending order.
    pub fn left_out(&self) -> &[VoteId] {
        &self.left_out
    }

    /// The blocks that were made, oldest first.
    pub fn blocks(&self) -> impl Iterator<Item = Arc<CheckedBlock>> {
        let heights = (self.fork.0 + 1..=self.chain.height().0).map(Height);
        let kept = heights.filter_map(|height| self.chain.block_at(height));
        kept.map(KeptBlock::open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{fork_choice::Weight, pow},
        election::definition::Counting,
        testkit::{
            block_on,
            rolls::{AFTER, context_with, vote},
        },
    };

    /// A chain of blocks of these votes of (voter, sequence number).
    fn chain(blocks: &[&[(u32, u8)]]) -> Chain {
        let context = context_with(Counting::LastCounts, 6);
        let mut chain = Chain::new(context.clone());
        for votes in blocks {
            let votes = votes.iter().map(|(voter, sequence)| vote(&context, *voter, *sequence, 0));
            let parent = chain.tip().header().clone();
            let block = block_on(context.election(), &parent, votes.collect(), |_| ());
            chain.insert(block.check(&context).unwrap(), AFTER).unwrap();
        }
        chain
    }

    fn id(chain: &Chain, voter: u32, sequence: u8) -> VoteId {
        vote(chain.context(), voter, sequence, 0).id()
    }

    /// Mines what is to be made.
    fn build(chain: &Chain, without: &[VoteId]) -> Rebuilding {
        let without = sorted(without.to_vec());
        let mut rebuilding = Rebuilding::new(chain, &without).unwrap();
        while let Some((mut header, votes)) = rebuilding.next_block() {
            pow::mine(&mut header);
            let block = Block::of_checked(header, votes, chain.context()).unwrap();
            rebuilding.take(block, AFTER).unwrap();
        }
        rebuilding
    }

    #[test]
    fn all_other_votes_stay_in_their_order_with_their_times() {
        let chain = chain(&[&[(0, 0)], &[(1, 0), (2, 0)], &[(3, 0)], &[(0, 1), (4, 0)]]);
        let built = build(&chain, &[id(&chain, 2, 0), id(&chain, 3, 0)]);
        assert_eq!(built.progress(), (2, 2));
        assert_eq!(built.left_out().len(), 2);
        let of = |chain: &Chain, height: u32| {
            let block = chain.block_at(Height(height)).unwrap();
            (block.header().timestamp, block.open().votes().to_vec())
        };
        assert_eq!(of(built.chain(), 2), of(&chain, 2), "below it stays");
        let (time, votes) = of(&chain, 3);
        assert_eq!(of(built.chain(), 3), (time, votes[..1].to_vec()));
        assert_eq!(of(built.chain(), 4), of(&chain, 5), "a block that is empty goes");
        assert_eq!(built.chain().tally().ballots, 3);
        assert_eq!(
            built.blocks().map(|block| block.hash()).last(),
            Some(built.chain().tip().hash())
        );
        let Weight { voters, votes, .. } = built.chain().weight();
        assert_eq!((voters, votes), (3, 4));
    }

    #[test]
    fn changes_that_stand_on_what_is_left_out_go_with_it() {
        let chain = chain(&[&[(0, 0), (1, 0)], &[(0, 1)], &[(0, 2), (1, 1)]]);
        let built = build(&chain, &[id(&chain, 0, 1)]);
        assert_eq!(built.left_out(), sorted([1, 2].map(|number| id(&chain, 0, number)).to_vec()));
        let latest = built.chain().latest_of(vote(chain.context(), 0, 0, 0).token).unwrap();
        assert_eq!(latest.0, id(&chain, 0, 0));
        assert!(built.chain().place_of(&id(&chain, 1, 1)).is_some());
    }

    #[test]
    fn nothing_is_to_be_made_where_the_last_blocks_go_whole_or_nothing_is_left_out() {
        let chain = chain(&[&[(0, 0)], &[(1, 0)]]);
        let built = build(&chain, &[id(&chain, 1, 0)]);
        assert!(built.is_done() && built.progress() == (0, 0));
        assert_eq!(built.chain().tip().hash(), chain.block_at(Height(2)).unwrap().hash());
        assert!(Rebuilding::new(&chain, &[id(&chain, 5, 0)]).is_none());
    }
}
