//! Builds the chain again without certain votes, for a seal that leaves out votes of its blocks.
//!
//! Takes the chain, the votes and nonces; returns headers to mine. Blocks below the first vote that
//! is left out stay as they are. Above them, the other votes stay in their order, in as few blocks
//! as can take them, with times no earlier than before. So a person who put a vote into an early
//! block and mined many hard blocks on it does not decide what the rebuilding costs. Changes that
//! depend on a vote that is left out are left out with it. The outcome is a chain under the same
//! rules as any other.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use crate::{
    chain::{
        ancestry::LinkError,
        block::{Block, CheckedBlock, MAX_BLOCK_BYTES},
        counted_votes::wait_before,
        header::{Added, HEADER_BYTES, Header, Height},
        kept_block::KeptBlock,
        tree::Chain,
    },
    crypto::hash::VoteId,
    election::{token::TokenId, vote::CheckedVote},
    sorted::sorted,
    time::Timestamp,
};

/// A chain that is being rebuilt.
pub struct Rebuilding {
    chain: Chain,
    /// Height of the last block that stays.
    fork: Height,
    /// The votes of the blocks to make, and their times.
    to_do: VecDeque<(Timestamp, Vec<CheckedVote>)>,
    left_out: Vec<VoteId>,
}

impl Rebuilding {
    /// Begins. `without` is in ascending order; returns `None` if none of them is in the chain.
    pub fn new(chain: &Chain, without: &[VoteId], now: Timestamp) -> Option<Self> {
        let places = without.iter().filter_map(|id| chain.place_of(id));
        let first = places.map(|place| place.height).min()?;
        let fork = Height(first.0 - 1);
        let (mut stays, mut left_out) = (Vec::new(), Vec::new());
        let mut tokens = HashSet::new();
        for height in (first.0..=chain.height().0).map(Height) {
            let Some(block) = chain.block_at(height).map(KeptBlock::open) else { continue };
            let time = block.header().timestamp;
            for vote in block.checked_votes() {
                // Numbers of a token rise along the chain, without a gap.
                if without.binary_search(&vote.id()).is_ok() || tokens.contains(&vote.token) {
                    tokens.insert(vote.token);
                    left_out.push(vote.id());
                } else {
                    stays.push((time, vote));
                }
            }
        }
        let mut to_do = pack(&stays, true);
        if to_do.back().is_some_and(|(time, _)| *time > now) {
            to_do = pack(&stays, false);
        }
        Some(Self { chain: chain.up_to(fork), fork, to_do, left_out: sorted(left_out) })
    }

    /// The header of the next block, without its nonce, and the votes that it covers. `None` once
    /// all are made.
    pub fn next_block(&self) -> Option<(Header, Vec<CheckedVote>)> {
        let (time, votes) = self.to_do.front()?;
        let root = Block::votes_root(votes.iter().map(CheckedVote::vote));
        let added = Added::by(votes.iter().map(CheckedVote::vote));
        let parameters = &self.chain.election().parameters;
        let header = Header::next(self.chain.tip().header(), root, added, *time, parameters);
        Some((header, votes.clone()))
    }

    /// Takes in the nonce of the next block.
    ///
    /// # Errors
    /// If the nonce is not valid: perhaps it belongs to an earlier block. In that case nothing
    /// changes.
    pub fn take(&mut self, nonce: u64, now: Timestamp) -> Result<(), LinkError> {
        if let Some((header, votes)) = self.next_block() {
            let block = Block::of_checked(Header { nonce, ..header }, votes, self.chain.context())?;
            self.chain.insert(block, now)?;
            self.to_do.pop_front();
        }
        Ok(())
    }

    /// The chain as far as it is rebuilt.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether all blocks are made.
    pub fn is_done(&self) -> bool {
        self.to_do.is_empty()
    }

    /// How many blocks are made, and how many there will be.
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

/// Sorts votes with the times of their blocks into blocks: as many together as fit (`closely`), or
/// as they were. Each vote gets a time no earlier than it had, and a change comes as long after the
/// vote before it as the rules demand.
fn pack(
    votes: &[(Timestamp, CheckedVote)],
    closely: bool,
) -> VecDeque<(Timestamp, Vec<CheckedVote>)> {
    /// Where the last vote of a token is, if its changes have to wait.
    struct Last {
        token: TokenId,
        /// The number of blocks up to and including its own; 0 if it is below the rebuilt blocks.
        block: usize,
        time: Timestamp,
    }
    let waits = votes.iter().filter(|(_, vote)| wait_before(vote.sequence) > 0);
    let mut tokens = sorted(waits.map(|(_, vote)| vote.token).collect());
    tokens.dedup();
    let last = |token| Last { token, block: 0, time: Timestamp(0) };
    let mut lasts: Vec<_> = tokens.into_iter().map(last).collect();
    let mut blocks: VecDeque<(Timestamp, Vec<CheckedVote>)> = VecDeque::new();
    let mut bytes = 0;
    for (time, vote) in votes {
        let size = borsh::object_length(vote.vote()).unwrap_or(0);
        let wait = wait_before(vote.sequence);
        let place = lasts.binary_search_by_key(&vote.token, |last| last.token).ok();
        let number = blocks.len();
        let with_the_one_before = place.is_some_and(|place| lasts[place].block == number);
        let fits = blocks.back().is_some_and(|(dated, _)| {
            bytes + size <= MAX_BLOCK_BYTES
                && !(wait > 0 && with_the_one_before)
                && (closely || dated == time)
        });
        if !fits {
            if let Some((dated, _)) = blocks.back() {
                // Nothing more goes into this block, so its time is known.
                let here = lasts.iter_mut().filter(|last| last.block == number);
                here.for_each(|last| last.time = *dated);
            }
            let dated = blocks.back().map_or(*time, |(dated, _)| *dated);
            blocks.push_back((dated, Vec::new()));
            bytes = HEADER_BYTES + 4;
        }
        bytes += size;
        let earliest = place.filter(|_| wait > 0).map(|place| lasts[place].time.plus_ms(wait));
        let number = blocks.len();
        if let Some((dated, block)) = blocks.back_mut() {
            *dated = (*dated).max(*time).max(earliest.unwrap_or(*time));
            block.push(vote.clone());
        }
        if let Some(place) = place {
            lasts[place].block = number;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{fork_choice::Weight, pow},
        election::definition::Counting,
        testkit::{
            NOW, block_at, block_on,
            rolls::{AFTER, context_with, vote},
        },
    };

    /// A chain with these blocks; each vote is given as (voter, sequence number).
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

    /// Mines everything that is to be made.
    fn build(chain: &Chain, without: &[VoteId]) -> Rebuilding {
        let without = sorted(without.to_vec());
        let mut rebuilding = Rebuilding::new(chain, &without, AFTER).unwrap();
        while let Some((mut header, _)) = rebuilding.next_block() {
            pow::mine(&mut header);
            rebuilding.take(header.nonce, AFTER).unwrap();
        }
        rebuilding
    }

    #[test]
    fn all_other_votes_stay_in_their_order_in_as_few_blocks_as_hold_them() {
        let chain = chain(&[&[(0, 0)], &[(1, 0), (2, 0)], &[(3, 0)], &[(0, 1), (4, 0)]]);
        let built = build(&chain, &[id(&chain, 2, 0), id(&chain, 3, 0)]);
        assert_eq!(built.progress(), (1, 1));
        assert_eq!(built.left_out().len(), 2);
        let of = |chain: &Chain, height: u32| {
            let block = chain.block_at(Height(height)).unwrap();
            (block.header().timestamp, block.open().votes().to_vec())
        };
        assert_eq!(of(built.chain(), 2), of(&chain, 2), "below it stays");
        let (time, last) = of(&chain, 5);
        let stays = [&of(&chain, 3).1[..1], &last].concat();
        assert_eq!(
            of(built.chain(), 3),
            (time, stays),
            "together in one block, of the last one's time"
        );
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
    fn whoever_makes_blocks_hard_does_not_set_the_price() {
        // A late vote far below, and every other vote in a block of its own, all at one time.
        let context = context_with(Counting::LastCounts, 64);
        let mut chain = Chain::new(context.clone());
        for voter in 0..64 {
            let parent = chain.tip().header().clone();
            let votes = vec![vote(&context, voter, 0, 0)];
            let block = block_at(context.election(), &parent, NOW, votes, |_| ());
            chain.insert(block.check(&context).unwrap(), AFTER).unwrap();
        }
        let hard = chain.tip().header().required();
        let built = build(&chain, &[id(&chain, 0, 0)]);
        let made = built.chain().tip().header();
        assert_eq!((built.progress(), made.voters), ((1, 1), 63));
        assert!(made.required().0 * 100 < hard.0, "{made:?}, {hard:?}");
    }

    #[test]
    fn changes_that_have_to_wait_still_come_late_enough() {
        let chain = chain(&[
            &[(0, 0), (1, 0), (5, 0)],
            &[(0, 1), (1, 1), (2, 0)],
            &[(3, 0), (0, 2)],
            &[(4, 0), (1, 2)],
            &[(0, 3)],
        ]);
        let built = build(&chain, &[id(&chain, 5, 0)]);
        let Weight { voters, votes, .. } = built.chain().weight();
        assert_eq!((voters, votes), (5, 10));
        assert_eq!(built.progress(), (3, 3));
        // The last change may have the time that it had, and no later one. If even that is ahead of
        // the clock, everything stays as it was.
        let tip = chain.tip().header().timestamp;
        let blocks = |now| {
            let without = [id(&chain, 5, 0)];
            Rebuilding::new(&chain, &without, now).unwrap().progress().1
        };
        assert_eq!([blocks(tip), blocks(Timestamp(tip.0 - 1))], [3, 5]);
    }

    #[test]
    fn nothing_is_to_be_made_where_the_last_blocks_go_whole_or_nothing_is_left_out() {
        let chain = chain(&[&[(0, 0)], &[(1, 0)]]);
        let built = build(&chain, &[id(&chain, 1, 0)]);
        assert!(built.is_done() && built.progress() == (0, 0));
        assert_eq!(built.chain().tip().hash(), chain.block_at(Height(2)).unwrap().hash());
        assert!(Rebuilding::new(&chain, &[id(&chain, 5, 0)], AFTER).is_none());
    }
}
