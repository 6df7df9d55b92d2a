//! The rule for the next header: what the blocks before it demand. It is in one place for whole
//! blocks and for headers that arrive before their blocks.

use crate::{
    chain::{
        block::{Block, BlockError, CheckedBlock, MAX_VOTES_IN_BLOCK, check_header},
        counted_votes::SlotError,
        difficulty::{Demand, Work},
        fork_choice::Weight,
        header::{Added, Header, Height},
    },
    crypto::hash::BlockHash,
    election::{
        definition::{Counting, Election},
        token::{MAX_SEQUENCE, TokenId},
        vote::Vote,
    },
    time::Timestamp,
};

/// A block may be this far ahead of the node's clock.
pub const MAX_AHEAD_MS: u64 = 120_000;
/// Why a block cannot follow its parent.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum LinkError {
    /// The parent is not known here.
    UnknownParent(Height),
    /// The parent, or a block before it, was found invalid.
    InvalidParent(Height),
    /// Not the parent's height + 1.
    Height {
        /// Height found.
        found: Height,
        /// Height of the parent.
        parent: Height,
    },
    /// The difficulty is not the one that the rule demands.
    Difficulty {
        /// Height of the block.
        height: Height,
        /// What it states.
        found: Demand,
        /// What the rule demands.
        demanded: Demand,
    },
    /// Its time is before that of its parent.
    Old {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
        /// Its parent's.
        parent: Timestamp,
    },
    /// The numbers of voters and votes that it states are impossible, or are not those of its
    /// votes.
    Counts {
        /// Height of the block.
        height: Height,
    },
    /// More than two minutes ahead of the clock. It may be valid later.
    Ahead {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
    },
    /// A vote that is not allowed where it is.
    Slot {
        /// Height of the block.
        height: Height,
        /// Number of the vote, counted from 1.
        number: usize,
        /// Its token.
        token: TokenId,
        /// Its sequence number.
        sequence: u8,
        /// Why.
        error: SlotError,
    },
    /// The block itself breaks a rule.
    #[from]
    Block(BlockError),
}

impl LinkError {
    /// The error for a vote, given by its index in a block.
    pub(crate) fn slot(height: Height, index: u32, vote: &Vote, error: SlotError) -> Self {
        let Vote { token, sequence, .. } = *vote;
        Self::Slot { height, number: index as usize + 1, token, sequence, error }
    }
}

/// What the blocks before a block demand of it.
#[derive(Clone, Debug)]
pub struct Ancestry {
    parent: Header,
    parent_hash: BlockHash,
    work: Work,
}

impl Ancestry {
    /// The ancestry up to a block: its header and hash, and the work up to and including it.
    pub(crate) fn new(parent: Header, parent_hash: BlockHash, work: Work) -> Self {
        Self { parent, parent_hash, work }
    }

    /// The ancestry up to the first block.
    pub fn first(election: &Election) -> Self {
        let genesis = Block::genesis(election);
        Self { parent_hash: genesis.hash(), parent: genesis.header().clone(), work: Work(0) }
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

    /// Weight up to here.
    pub fn weight(&self, election: &Election) -> Weight {
        Weight::of(election, &self.parent, self.work)
    }

    /// Checks a header as the next one, without its own proof of work.
    ///
    /// # Errors
    /// The first rule that is broken.
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
        let (found, parent) = (header.timestamp, self.parent.timestamp);
        if found < parent {
            return Err(LinkError::Old { height, found, parent });
        }
        if !self.may_count(election, header) {
            return Err(LinkError::Counts { height });
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

    /// Checks a block as the next one: its header, and that the header's counts are those of its
    /// votes.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_block(
        &self,
        election: &Election,
        block: &CheckedBlock,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        let header = block.header();
        self.check_next(election, header, now)?;
        if header.adds(&self.parent) != Some(Added::by(block.votes())) {
            return Err(LinkError::Counts { height: header.height });
        }
        Ok(())
    }

    /// Whether a header's counts of voters and votes are possible, as far as the header alone can
    /// show. A peer that claims more voters than there are loses its connection; this node does not
    /// download anything for the claim.
    fn may_count(&self, election: &Election, header: &Header) -> bool {
        let Some(Added { voters, votes }) = header.adds(&self.parent) else { return false };
        let (fits, most_votes) = match election.counting {
            Counting::FirstCounts => (voters == votes, u64::from(header.voters)),
            Counting::LastCounts => {
                let each = u64::from(MAX_SEQUENCE) + 1;
                (voters <= votes, u64::from(header.voters) * each)
            }
        };
        let electorate = election.electorate().unwrap_or(u64::MAX);
        (1..=MAX_VOTES_IN_BLOCK).contains(&votes)
            && fits
            && u64::from(header.voters) <= electorate
            && u64::from(header.votes) <= most_votes
    }

    /// Moves on to a header that [`Ancestry::check_next`] accepted.
    pub fn push(&mut self, header: &Header, hash: BlockHash) {
        self.work = self.work.plus(header.work());
        self.parent = header.clone();
        self.parent_hash = hash;
    }

    /// Checks a header with its proof of work and moves on to it.
    ///
    /// # Errors
    /// The first rule that is broken. In that case nothing changes.
    pub fn extend(
        &mut self,
        election: &Election,
        header: &Header,
        now: Timestamp,
    ) -> Result<BlockHash, LinkError> {
        // The proof of work first: a header that costs nothing excuses nothing, not even a time
        // ahead of the clock.
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
    use crate::{
        crypto::hash::VotesRoot,
        testkit::{NOW, block, chain_of, election, rolls, vote},
    };

    /// The ancestry of a chain, and a header that can come next.
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
    fn a_header_is_not_dated_before_its_parent_and_at_most_two_minutes_ahead() {
        let parent = chain_of(3).tip().header().clone();
        let at = |time| {
            check(|header| {
                let demanded = parent.demand(time, &election().parameters);
                header.timestamp = time;
                (header.difficulty, header.easing) = (demanded.difficulty, demanded.easing);
            })
        };
        assert_eq!(at(parent.timestamp), Ok(()));
        let old = at(Timestamp(parent.timestamp.0 - 1));
        assert!(matches!(old, Err(LinkError::Old { .. })), "{old:?}");
        let ahead = NOW.plus_ms(MAX_AHEAD_MS);
        assert_eq!(at(ahead), Ok(()));
        let over = at(ahead.plus_ms(1));
        assert!(matches!(over, Err(LinkError::Ahead { .. })), "{over:?}");
    }

    #[test]
    fn counts_that_cannot_be_are_refused_by_the_header_alone() {
        let counts = |voters: i64, votes: i64| {
            check(|header| {
                header.voters = u32::try_from(i64::from(header.voters) + voters).unwrap();
                header.votes = u32::try_from(i64::from(header.votes) + votes).unwrap();
            })
        };
        assert_eq!(counts(0, 0), Ok(()));
        for (voters, votes) in [(-1, -1), (-1, 0), (1, 0), (0, 1), (-2, -2), (25_000, 25_000)] {
            let refused = counts(voters, votes);
            assert!(matches!(refused, Err(LinkError::Counts { .. })), "{voters}, {votes}");
        }
    }

    #[test]
    fn with_a_roll_there_are_no_more_voters_than_keys_and_no_more_votes_than_numbers() {
        let context = rolls::context_with(Counting::LastCounts, 3);
        let ancestry = Ancestry::first(context.election());
        let genesis = Block::genesis(context.election());
        let check = |voters, votes| {
            let (root, time) = (VotesRoot([0; 32]), NOW);
            let added = Added { voters, votes };
            let parameters = &context.election().parameters;
            let header = Header::next(genesis.header(), root, added, time, parameters);
            ancestry.check_next(context.election(), &header, NOW)
        };
        assert_eq!(check(3, 300), Ok(()));
        for (voters, votes) in [(4, 4), (3, 301), (0, 1), (2, 1), (0, 0)] {
            let refused = check(voters, votes);
            assert!(matches!(refused, Err(LinkError::Counts { .. })), "{voters}, {votes}");
        }
    }

    #[test]
    fn a_block_counts_its_own_votes() {
        let chain = chain_of(3);
        let ancestry = chain.ancestry(&chain.tip().hash()).unwrap();
        let check = |more| {
            let made = block(&chain, vec![vote(9, "Yes"), vote(10, "No")], |header| {
                header.voters += more;
                header.votes += more;
            });
            let made = made.check(chain.context()).unwrap();
            ancestry.check_block(&election(), &made, NOW)
        };
        assert_eq!(check(0), Ok(()));
        assert!(matches!(check(1), Err(LinkError::Counts { .. })));
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
