//! The rule for the next header: what the blocks before it demand, in one place for whole blocks and
//! for headers that come ahead of their blocks.

use std::collections::VecDeque;

use crate::{
    chain::{
        block::{Block, BlockError, check_header},
        difficulty::{Demand, Work},
        header::{Header, Height},
    },
    crypto::hash::BlockHash,
    election::{definition::Election, token::TokenId},
    sorted::sorted,
    time::Timestamp,
};

/// Timestamps of this many blocks give the median that a new block must be above.
pub(crate) const MEDIAN_OF: usize = 11;
/// A block may be this far ahead of the node's clock.
pub const MAX_AHEAD_MS: u64 = 120_000;
/// Why a block cannot follow its parent.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum LinkError {
    /// The parent is not known here.
    UnknownParent(Height),
    /// The parent, or one before it, was found invalid.
    InvalidParent(Height),
    /// Not the parent's height + 1.
    Height {
        /// Height found.
        found: Height,
        /// Height of the parent.
        parent: Height,
    },
    /// Not what the rule demands.
    Difficulty {
        /// Height of the block.
        height: Height,
        /// What it states.
        found: Demand,
        /// What the rule demands.
        demanded: Demand,
    },
    /// Not above the median of the last 11 blocks.
    Old {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
        /// The median.
        median: Timestamp,
    },
    /// More than two minutes ahead. It may be valid later.
    Ahead {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
    },
    /// A token that an earlier block used.
    UsedToken {
        /// Height of the block.
        height: Height,
        /// Number of the vote, counted from 1.
        number: usize,
        /// The token.
        token: TokenId,
        /// The sequence number of both votes.
        sequence: u8,
        /// Height of the block that used it.
        earlier: Height,
    },
    /// The block itself breaks a rule.
    #[from]
    Block(BlockError),
}

/// What the blocks before a block say about it.
#[derive(Clone, Debug)]
pub struct Ancestry {
    parent: Header,
    parent_hash: BlockHash,
    recent: VecDeque<Timestamp>,
    work: Work,
}

impl Ancestry {
    /// The ancestry up to a block: its header and hash, the times of the last blocks with its own
    /// last, the work up to and with it.
    pub(crate) fn new(
        parent: Header,
        parent_hash: BlockHash,
        recent: VecDeque<Timestamp>,
        work: Work,
    ) -> Self {
        Self { parent, parent_hash, recent, work }
    }

    /// The first block and nothing else.
    pub fn first(election: &Election) -> Self {
        let genesis = Block::genesis(election);
        Self {
            recent: VecDeque::from([genesis.header().timestamp]),
            parent_hash: genesis.hash(),
            parent: genesis.header().clone(),
            work: Work(0),
        }
    }

    /// The median of the last 11 times.
    pub fn median(&self) -> Timestamp {
        let times = sorted(self.recent.iter().copied().collect());
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// Hash of the newest block.
    pub fn tip(&self) -> BlockHash {
        self.parent_hash
    }

    /// Height of the newest block.
    pub fn height(&self) -> Height {
        self.parent.height
    }

    /// Work up to here.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Checks a header as the next one, without its own proof.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check_next(
        &self,
        election: &Election,
        header: &Header,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        let height = header.height;
        if header.previous != self.parent_hash {
            return Err(LinkError::UnknownParent(height));
        }
        if height != self.parent.height.next() || height == self.parent.height {
            return Err(LinkError::Height { found: height, parent: self.parent.height });
        }
        let median = self.median();
        if header.timestamp <= median {
            return Err(LinkError::Old { height, found: header.timestamp, median });
        }
        let demanded = self.parent.demand(header.timestamp, &election.parameters);
        let found = Demand { difficulty: header.difficulty, easing: header.easing };
        if found != demanded {
            return Err(LinkError::Difficulty { height, found, demanded });
        }
        if header.timestamp > now.plus_ms(MAX_AHEAD_MS) {
            return Err(LinkError::Ahead { height, found: header.timestamp });
        }
        Ok(())
    }

    /// Goes on to a header that [`Ancestry::check_next`] let pass.
    pub fn push(&mut self, header: &Header, hash: BlockHash) {
        self.recent.push_back(header.timestamp);
        if self.recent.len() > MEDIAN_OF {
            self.recent.pop_front();
        }
        self.work = self.work.plus(header.work());
        self.parent = header.clone();
        self.parent_hash = hash;
    }

    /// Checks a header with its proof of work and goes on to it.
    ///
    /// # Errors
    /// The first rule that does not hold; nothing has changed then.
    pub fn extend(
        &mut self,
        election: &Election,
        header: &Header,
        now: Timestamp,
    ) -> Result<BlockHash, LinkError> {
        // The proof first: what costs nothing to make excuses nothing, a date ahead neither.
        check_header(header, election)?;
        self.check_next(election, header, now)?;
        let hash = header.hash();
        self.push(header, hash);
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW, block, block_on, chain_of, election, vote};

    /// What the blocks of a chain say about the next one, and a header that it may have.
    fn next() -> (Ancestry, Header) {
        let chain = chain_of(3);
        let ancestry = chain.ancestry(&chain.tip().hash()).unwrap();
        (ancestry, block(&chain, vec![vote(9, "Yes")], |_| ()).header)
    }

    fn check(change: impl FnOnce(&mut Header)) -> Result<(), LinkError> {
        let (ancestry, mut header) = next();
        change(&mut header);
        ancestry.check_next(&election(), &header, NOW)
    }

    #[test]
    fn a_header_follows_its_parent_by_hash_height_and_difficulty() {
        assert_eq!(check(|_| ()), Ok(()));
        let height = next().1.height;
        let stranger = check(|header| header.previous = BlockHash([7; 32]));
        assert_eq!(stranger, Err(LinkError::UnknownParent(height)));
        let skipped = check(|header| header.height = height.next());
        assert_eq!(skipped, Err(LinkError::Height { found: height.next(), parent: Height(4) }));
        let easier = check(|header| header.difficulty.0 -= 1);
        assert!(matches!(easier, Err(LinkError::Difficulty { .. })), "{easier:?}");
    }

    #[test]
    fn a_header_is_dated_after_the_median_and_at_most_two_minutes_ahead() {
        let median = next().0.median();
        let old = check(|header| header.timestamp = median);
        assert!(matches!(old, Err(LinkError::Old { .. })), "{old:?}");
        let ahead = NOW.plus_ms(MAX_AHEAD_MS);
        // So late the demand is eased: what it is belongs to the time.
        let late = |time| {
            check(|header| {
                let parent = chain_of(3).tip().header().clone();
                let demanded = parent.demand(time, &election().parameters);
                header.timestamp = time;
                (header.difficulty, header.easing) = (demanded.difficulty, demanded.easing);
            })
        };
        assert_eq!(late(ahead), Ok(()));
        let over = late(ahead.plus_ms(1));
        assert!(matches!(over, Err(LinkError::Ahead { .. })), "{over:?}");
    }

    #[test]
    fn the_median_is_that_of_the_last_eleven_blocks() {
        let election = election();
        let mut ancestry = Ancestry::first(&election);
        let mut parent = Block::genesis(&election).header().clone();
        let mut times = vec![parent.timestamp];
        for token in 0..15 {
            let next = block_on(&election, &parent, vec![vote(token, "Yes")], |_| ());
            ancestry.extend(&election, &next.header, Timestamp(u64::MAX >> 1)).unwrap();
            parent = next.header;
            times.push(parent.timestamp);
        }
        assert_eq!(ancestry.median(), times[times.len() - 6]);
        assert_eq!((ancestry.height(), ancestry.tip()), (parent.height, parent.hash()));
    }

    #[test]
    fn work_adds_up_and_a_header_without_a_proof_is_none() {
        let (mut ancestry, header) = next();
        let before = ancestry.work();
        let mut unproven = header.clone();
        while crate::chain::pow::is_proven(&unproven) {
            unproven.nonce += 1;
        }
        let refused = ancestry.extend(&election(), &unproven, NOW);
        assert!(matches!(refused, Err(LinkError::Block(BlockError::Proof(_)))), "{refused:?}");
        assert_eq!(ancestry.work(), before, "nothing has changed");
        assert_eq!(ancestry.extend(&election(), &header, NOW), Ok(header.hash()));
        assert_eq!(ancestry.work(), before.plus(header.work()));
    }
}
