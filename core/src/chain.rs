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
    block::{Block, CheckedBlock},
    difficulty::Work,
    election::Election,
    hash::{BlockHash, ElectionId, VoteId},
    header::Height,
    lineage::{Lineage, LinkError, MEDIAN_OF},
    tally::Tally,
    time::Timestamp,
    vote::TokenId,
};

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
        Some(Lineage::new(entry.block.header().clone(), *hash, recent, entry.work))
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
