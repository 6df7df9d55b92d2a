//! The block tree of one election and the chain that counts.
//!
//! Fork choice: most cumulative work, then the lower hash. Every block that enters is checked in
//! itself ([`CheckedBlock`]) and against its parents here; whether its tokens are unused is known
//! when the chain switches to it, and a block that fails then is marked and never tried again.
//!
//! Invariant: `tokens`, `places` and `tally` are what a walk over `main` would compute.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use crate::{
    block::{Block, BlockError, CheckedBlock, check_header},
    difficulty::{Demand, Work, demand},
    election::Election,
    hash::{BlockHash, ElectionId, VoteId},
    header::{Header, Height},
    tally::Tally,
    time::Timestamp,
    vote::TokenId,
};

/// Timestamps of this many blocks give the median that a new block must be above.
const MEDIAN_OF: usize = 11;
/// A block may be this far ahead of the node's clock.
pub const MAX_AHEAD_MS: u64 = 120_000;
/// Blocks beside the chain. Each cost its sender a proof of work; the branch being adopted is
/// exempt, or a long partition could never heal.
pub const MAX_SIDE_BLOCKS: usize = 1024;
/// Hashes remembered as invalid.
const MAX_INVALID: usize = 1024;

/// Where a vote stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Block.
    pub height: Height,
    /// Index in the block, counted from 0.
    pub index: u32,
}

/// Why a block cannot follow its parent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The parent is not known here.
    #[error("block {0} does not follow any block that is known here")]
    UnknownParent(Height),
    /// The parent, or one before it, was found invalid.
    #[error("block {0} follows a block that was found invalid")]
    InvalidParent(Height),
    /// Not the parent's height + 1.
    #[error("block {found} follows block {parent}; the number must be one higher")]
    Height {
        /// Height found.
        found: Height,
        /// Height of the parent.
        parent: Height,
    },
    /// Not what the rule demands.
    #[error(
        "block {height} states difficulty {} eased {} times; the rule demands {} eased {} times",
        found.difficulty.0, found.easing, demanded.difficulty.0, demanded.easing
    )]
    Difficulty {
        /// Height of the block.
        height: Height,
        /// What it states.
        found: Demand,
        /// What the rule demands.
        demanded: Demand,
    },
    /// Not above the median of the last 11 blocks.
    #[error(
        "block {height} was made at {found}, not after {median}, the median of the last blocks"
    )]
    Old {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
        /// The median.
        median: Timestamp,
    },
    /// More than two minutes ahead. It may be valid later.
    #[error("block {height} was made at {found}, more than two minutes ahead of this clock")]
    Ahead {
        /// Height of the block.
        height: Height,
        /// Its time.
        found: Timestamp,
    },
    /// A token that an earlier block used.
    #[error("block {height}, vote {number}: the token {token} already voted in block {earlier}")]
    UsedToken {
        /// Height of the block.
        height: Height,
        /// Number of the vote, counted from 1.
        number: usize,
        /// The token.
        token: TokenId,
        /// Height of the block that used it.
        earlier: Height,
    },
    /// The block itself breaks a rule.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// What the blocks before a block say about it: the rule of the header, in one place for whole
/// blocks and for headers that come ahead of their blocks.
#[derive(Clone, Debug)]
pub struct Lineage {
    parent: Header,
    parent_hash: BlockHash,
    recent: VecDeque<Timestamp>,
    work: Work,
}

impl Lineage {
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
        let mut times: Vec<_> = self.recent.iter().copied().collect();
        times.sort_unstable();
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
        let demanded = demand(&election.parameters, &self.parent, header.timestamp);
        let found = Demand { difficulty: header.difficulty, easing: header.easing };
        if found != demanded {
            return Err(LinkError::Difficulty { height, found, demanded });
        }
        if header.timestamp > now.plus_ms(MAX_AHEAD_MS) {
            return Err(LinkError::Ahead { height, found: header.timestamp });
        }
        Ok(())
    }

    /// Goes on to a header that [`Lineage::check_next`] let pass.
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
        self.check_next(election, header, now)?;
        check_header(header, election)?;
        let hash = header.hash();
        self.push(header, hash);
        Ok(hash)
    }
}

/// What an insertion did to the chain that counts.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    /// Blocks no longer in the chain, newest first.
    pub removed: Vec<Arc<CheckedBlock>>,
    /// Blocks now in the chain, oldest first.
    pub added: Vec<Arc<CheckedBlock>>,
}

/// What became of a block.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It was here already.
    Known,
    /// It is kept beside the chain.
    Beside,
    /// The chain changed.
    Switched(Switch),
}

struct Entry {
    block: Arc<CheckedBlock>,
    /// Work from the first block up to and with this one.
    work: Work,
}

/// The chain of one election with the branches beside it.
pub struct Chain {
    election: Election,
    id: ElectionId,
    entries: HashMap<BlockHash, Entry>,
    /// Hashes of the chain that counts, from the first block on.
    main: Vec<BlockHash>,
    tokens: HashMap<TokenId, VoteId>,
    places: HashMap<VoteId, Place>,
    tally: Tally,
    /// Blocks beside the chain, oldest insertion first.
    side: VecDeque<BlockHash>,
    /// Blocks of the branch that is being fetched: not counted and not dropped.
    protected: HashSet<BlockHash>,
    /// Bounded by `MAX_INVALID`; oldest first out.
    invalid: VecDeque<BlockHash>,
}

impl Chain {
    /// The chain that consists of the first block.
    pub fn new(election: Election) -> Self {
        let genesis = Arc::new(Block::genesis(&election));
        let hash = genesis.hash();
        Self {
            id: election.id(),
            election,
            entries: HashMap::from([(hash, Entry { block: genesis, work: Work(0) })]),
            main: vec![hash],
            tokens: HashMap::new(),
            places: HashMap::new(),
            tally: Tally::default(),
            side: VecDeque::new(),
            protected: HashSet::new(),
            invalid: VecDeque::new(),
        }
    }

    /// The election.
    pub fn election(&self) -> &Election {
        &self.election
    }

    /// The election's id.
    pub fn id(&self) -> ElectionId {
        self.id
    }

    /// The newest block.
    pub fn tip(&self) -> &Arc<CheckedBlock> {
        &self.tip_entry().block
    }

    fn tip_entry(&self) -> &Entry {
        // `main` always holds the first block, and every hash in it has an entry.
        &self.entries[&self.main[self.main.len() - 1]]
    }

    /// Height of the newest block.
    pub fn height(&self) -> Height {
        self.tip().header().height
    }

    /// Work of the whole chain.
    pub fn work(&self) -> Work {
        self.tip_entry().work
    }

    /// Number of votes counted.
    pub fn votes(&self) -> usize {
        self.tokens.len()
    }

    /// The count.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// A block of the chain that counts.
    pub fn block_at(&self, height: Height) -> Option<&Arc<CheckedBlock>> {
        let hash = self.main.get(height.position()).filter(|_| height.0 > 0)?;
        self.entries.get(hash).map(|entry| &entry.block)
    }

    /// Any block that is kept, also beside the chain.
    pub fn block(&self, hash: &BlockHash) -> Option<&Arc<CheckedBlock>> {
        self.entries.get(hash).map(|entry| &entry.block)
    }

    /// Whether a block was found invalid.
    pub fn is_invalid(&self, hash: &BlockHash) -> bool {
        self.invalid.contains(hash)
    }

    /// Work up to and with a block that is kept.
    pub fn work_at(&self, hash: &BlockHash) -> Option<Work> {
        self.entries.get(hash).map(|entry| entry.work)
    }

    /// Whether the block stands in the chain that counts.
    pub fn is_main(&self, block: &CheckedBlock) -> bool {
        self.main.get(block.header().height.position()) == Some(&block.hash())
    }

    /// The vote that used a token.
    pub fn vote_of(&self, token: TokenId) -> Option<VoteId> {
        self.tokens.get(&token).copied()
    }

    /// Where a vote stands.
    pub fn place_of(&self, vote: &VoteId) -> Option<Place> {
        self.places.get(vote).copied()
    }

    /// Blocks on top of a block of the chain, itself included.
    pub fn confirmations(&self, height: Height) -> u32 {
        (self.height().0 + 1).saturating_sub(height.0)
    }

    /// Blocks beside the chain.
    pub fn side_blocks(&self) -> impl Iterator<Item = &Arc<CheckedBlock>> {
        self.side.iter().filter_map(|hash| self.block(hash))
    }

    /// Hashes from the tip backwards, dense at first, then doubling the step, the first block
    /// last: enough for a peer to find the last block that both have.
    pub fn locator(&self) -> Vec<BlockHash> {
        let mut hashes = Vec::new();
        let (mut position, mut step) = (self.main.len() - 1, 1);
        while position > 0 {
            hashes.push(self.main[position]);
            if hashes.len() >= 8 {
                step *= 2;
            }
            position = position.saturating_sub(step);
        }
        hashes.push(self.main[0]);
        hashes
    }

    /// Height of the first locator hash that stands in the chain that counts.
    pub fn meeting_point(&self, locator: &[BlockHash]) -> Option<Height> {
        locator
            .iter()
            .filter_map(|hash| self.block(hash))
            .find(|block| self.is_main(block))
            .map(|block| block.header().height)
    }

    /// Everything about the blocks up to `hash` that the next header is checked against.
    pub fn lineage(&self, hash: &BlockHash) -> Option<Lineage> {
        let entry = self.entries.get(hash)?;
        let mut recent = VecDeque::with_capacity(MEDIAN_OF + 1);
        let mut next = Some(&entry.block);
        while let Some(block) = next.filter(|_| recent.len() < MEDIAN_OF) {
            recent.push_front(block.header().timestamp);
            next = self.block(&block.header().previous);
        }
        Some(Lineage {
            parent: entry.block.header().clone(),
            parent_hash: *hash,
            recent,
            work: entry.work,
        })
    }

    /// Takes in a block, and switches to its branch when that has more work.
    ///
    /// # Errors
    /// Why the block cannot stand where it says. The chain is as before then: had a part of the
    /// branch below the offending block been better, it would have been switched to when it came.
    pub fn insert(&mut self, block: CheckedBlock, now: Timestamp) -> Result<Inserted, LinkError> {
        let header = block.header();
        let (hash, previous, height) = (block.hash(), header.previous, header.height);
        if self.entries.contains_key(&hash) {
            return Ok(Inserted::Known);
        }
        if self.is_invalid(&hash) || self.is_invalid(&previous) {
            self.mark_invalid(hash);
            return Err(LinkError::InvalidParent(height));
        }
        let lineage = self.lineage(&previous).ok_or(LinkError::UnknownParent(height))?;
        lineage.check_next(&self.election, header, now)?;
        let work = lineage.work().plus(header.work());
        self.entries.insert(hash, Entry { block: Arc::new(block), work });
        self.side.push_back(hash);
        if !self.is_better(work, hash) {
            self.prune_side();
            return Ok(Inserted::Beside);
        }
        self.switch_to(hash).map(Inserted::Switched)
    }

    /// Fork choice: whether a tip with this work and hash would replace the present one.
    pub fn is_better(&self, work: Work, hash: BlockHash) -> bool {
        let tip = self.tip_entry();
        work > tip.work || (work == tip.work && hash < tip.block.hash())
    }

    fn switch_to(&mut self, hash: BlockHash) -> Result<Switch, LinkError> {
        let mut branch = Vec::new();
        let mut next = hash;
        while let Some(entry) = self.entries.get(&next) {
            if self.is_main(&entry.block) {
                break;
            }
            branch.push(Arc::clone(&entry.block));
            next = entry.block.header().previous;
        }
        branch.reverse();
        let fork = branch.first().map_or(self.main.len(), |block| block.header().height.position());

        let mut switch = Switch::default();
        while self.main.len() > fork {
            switch.removed.push(self.disconnect());
        }
        for (index, block) in branch.iter().enumerate() {
            if let Err(error) = self.connect(block) {
                for _ in 0..index {
                    self.disconnect();
                }
                for block in switch.removed.iter().rev() {
                    // These stood here a moment ago, so they connect again.
                    let _ = self.connect(block);
                }
                // What builds on it goes with it, and fails by its parent if it comes again.
                self.forget(&[block.hash()]);
                self.mark_invalid(block.hash());
                return Err(error);
            }
            switch.added.push(Arc::clone(block));
        }
        let added: HashSet<_> = switch.added.iter().map(|block| block.hash()).collect();
        self.side.retain(|side| !added.contains(side));
        self.side.extend(switch.removed.iter().rev().map(|block| block.hash()));
        self.prune_side();
        Ok(switch)
    }

    /// Appends a block to the chain that counts, if its tokens are unused.
    fn connect(&mut self, block: &Arc<CheckedBlock>) -> Result<(), LinkError> {
        let height = block.header().height;
        for (index, vote) in block.votes().iter().enumerate() {
            if let Some(earlier) = self.tokens.get(&vote.token) {
                let earlier = self.places.get(earlier).map_or(height, |place| place.height);
                let (number, token) = (index + 1, vote.token);
                return Err(LinkError::UsedToken { height, number, token, earlier });
            }
        }
        for ((index, vote), id) in (0..).zip(block.votes()).zip(block.vote_ids()) {
            self.tokens.insert(vote.token, *id);
            self.places.insert(*id, Place { height, index });
            self.tally.add(vote.ballot.selection(&self.election));
        }
        self.main.push(block.hash());
        Ok(())
    }

    /// Takes the newest block off the chain that counts. Never called on the first block: every
    /// branch meets the chain there at the latest.
    fn disconnect(&mut self) -> Arc<CheckedBlock> {
        let block = Arc::clone(self.tip());
        for (vote, id) in block.votes().iter().zip(block.vote_ids()) {
            self.tokens.remove(&vote.token);
            self.places.remove(id);
            self.tally.remove(&vote.ballot.selection(&self.election));
        }
        self.main.pop();
        block
    }

    /// Drops blocks beside the chain, and with them all that build on them.
    fn forget(&mut self, hashes: &[BlockHash]) {
        for hash in hashes {
            self.entries.remove(hash);
        }
        loop {
            let before = self.side.len();
            let entries = &mut self.entries;
            self.side.retain(|hash| {
                let parent = entries.get(hash).map(|entry| entry.block.header().previous);
                let kept = parent.is_some_and(|parent| entries.contains_key(&parent));
                if !kept {
                    entries.remove(hash);
                }
                kept
            });
            if self.side.len() == before {
                break;
            }
        }
    }

    fn mark_invalid(&mut self, hash: BlockHash) {
        if !self.is_invalid(&hash) {
            self.invalid.push_back(hash);
            if self.invalid.len() > MAX_INVALID {
                self.invalid.pop_front();
            }
        }
    }

    /// Keeps the blocks of a branch, whose headers showed that it is better, from being dropped
    /// while it is fetched. They are bounded by the headers of one download.
    pub(crate) fn protect(&mut self, branch: impl IntoIterator<Item = BlockHash>) {
        self.protected = branch.into_iter().collect();
    }

    /// Drops the oldest blocks beside the chain above the bound.
    fn prune_side(&mut self) {
        if self.side.len() <= MAX_SIDE_BLOCKS + self.protected.len() {
            return;
        }
        let others = self.side.iter().filter(|hash| !self.protected.contains(*hash));
        let excess = others.clone().count().saturating_sub(MAX_SIDE_BLOCKS);
        let dropped: Vec<_> = others.take(excess).copied().collect();
        self.forget(&dropped);
    }
}
