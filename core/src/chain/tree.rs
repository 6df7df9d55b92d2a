//! The block tree of one election and its best chain.
//!
//! The rule for the best branch is in [`crate::chain::fork_choice`]. The own contents of every
//! block are checked before it enters ([`CheckedBlock`]); here it is checked against its parents.
//! Whether its votes are allowed there is known only when a reorganisation makes it part of the
//! best chain. A block that fails then is marked and never tried again.
//!
//! A sealed block is final: a branch with it is better than any branch without it, whatever their
//! weight.
//!
//! Invariant: `counted_votes` and `places` are what a walk over `main` would compute. Of `main`,
//! the first `packed` blocks are packed and the others whole.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

pub use crate::chain::counted_votes::Place;
use crate::{
    chain::{
        acknowledgements::set_root,
        ancestry::{Ancestry, LinkError},
        block::{Block, CheckedBlock},
        counted_votes::{CountedVotes, Slot, SlotError, check_slot},
        difficulty::Work,
        fork_choice::{Rank, Weight, rank},
        header::Height,
        kept_block::KeptBlock,
        statements::{ORGANISER, Sealed},
    },
    crypto::hash::{BlockHash, ElectionId, VoteId},
    election::{
        definition::Election,
        election_context::ElectionContext,
        tally::Tally,
        token::TokenId,
        vote::{CheckedVote, Vote},
    },
    sorted::sorted,
    time::Timestamp,
};

/// Side blocks. Each cost its sender a proof of work. A branch that is being adopted is exempt;
/// otherwise the halves of a network that was split for long could never come together again.
pub const MAX_SIDE_BLOCKS: usize = 1024;
/// Bytes of the side blocks.
pub const MAX_SIDE_BYTES: usize = 32 << 20;
/// Blocks from the tip downwards that are kept whole: deeper blocks are rarely read.
const WHOLE: usize = 16;
/// The most blocks that are abandoned for a better branch at once: see [`Chain::insert_carefully`].
pub const MAX_ABANDONED: usize = 16;
/// Hashes remembered as invalid.
const MAX_INVALID: usize = 1024;

/// How an insertion changed the best chain.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    /// Blocks no longer in the chain, newest first.
    pub removed: Vec<Arc<CheckedBlock>>,
    /// Blocks now in the chain, oldest first.
    pub added: Vec<Arc<CheckedBlock>>,
}

/// What happened to a block.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It was known already.
    Known,
    /// It is a side block, if it is among the best of them.
    Beside,
    /// It is a side block of a better branch: to follow that branch would take out votes or many
    /// blocks.
    Held,
    /// The chain changed.
    Switched(Switch),
}

struct Entry {
    block: KeptBlock,
    /// Work from the first block up to and with this one.
    work: Work,
}

/// What was found out about the best side branch.
struct Survey {
    /// The tips of the chain and of the branch at that time.
    chain: BlockHash,
    tip: BlockHash,
    /// Slots that the chain uses above the fork, and how many of them the branch does not use.
    gone: HashSet<Slot>,
    left: usize,
    /// Slots that the branch uses. If a voter signed two ballots, the branch may have another one
    /// in a slot of the chain. That one cannot be merged, so it is no reason to wait.
    come: HashMap<Slot, (Place, Timestamp)>,
}

/// The chain of one election and its side branches.
pub struct Chain {
    context: ElectionContext,
    entries: HashMap<BlockHash, Entry>,
    /// Hashes of the best chain, from the first block on.
    main: Vec<BlockHash>,
    /// How many of them, from the first on, are packed.
    packed: usize,
    /// The last block of the best chain.
    tip: Arc<CheckedBlock>,
    counted_votes: CountedVotes,
    places: HashMap<VoteId, Place>,
    /// Side blocks.
    side: Vec<BlockHash>,
    /// Blocks of the branch that is being fetched: not counted towards the bounds and not dropped.
    protected: HashSet<BlockHash>,
    /// Vote slots used in the blocks of that branch that are here, and where. None is used twice,
    /// so the branch cannot have more votes than are possible, however many blocks it has.
    uses: HashMap<(TokenId, u8), Place>,
    /// Limited to `MAX_INVALID`; the oldest is dropped first.
    invalid: VecDeque<BlockHash>,
    /// The sealed block.
    anchor: Option<BlockHash>,
    /// The blocks that a sealed branch replaced. All of them are kept, because the seal may turn
    /// out to bind nobody. Limited by the chain that was replaced.
    replaced: HashSet<BlockHash>,
    /// The blocks of the best branch while it is not followed yet: not dropped. No slot is used
    /// twice in it, so it cannot have more votes than are possible.
    held: HashSet<BlockHash>,
    survey: Option<Survey>,
}

impl Chain {
    /// The chain that consists of the first block.
    pub fn new(context: ElectionContext) -> Self {
        let genesis = Arc::new(Block::genesis(context.election()));
        let hash = genesis.hash();
        Self {
            counted_votes: CountedVotes::new(context.election().clone()),
            context,
            entries: HashMap::from([(
                hash,
                Entry { block: Arc::clone(&genesis).into(), work: Work(0) },
            )]),
            main: vec![hash],
            packed: 0,
            tip: genesis,
            places: HashMap::new(),
            side: Vec::new(),
            protected: HashSet::new(),
            uses: HashMap::new(),
            invalid: VecDeque::new(),
            anchor: None,
            replaced: HashSet::new(),
            held: HashSet::new(),
            survey: None,
        }
    }

    /// The same chain up to one of its blocks, without side blocks.
    #[must_use]
    pub fn up_to(&self, height: Height) -> Self {
        let mut chain = Self::new(self.context.clone());
        for hash in self.main.iter().skip(1).take(height.position()) {
            let Some(Entry { block, work }) = self.entries.get(hash) else { break };
            chain.entries.insert(*hash, Entry { block: block.clone(), work: *work });
            if chain.connect(&block.open()).is_err() {
                // It is part of this chain, so it connects.
                break;
            }
        }
        chain.pack();
        chain
    }

    /// The election with everything that votes are checked against.
    pub fn context(&self) -> &ElectionContext {
        &self.context
    }

    /// The election.
    pub fn election(&self) -> &Election {
        self.context.election()
    }

    /// The election's id.
    pub fn id(&self) -> ElectionId {
        self.context.id()
    }

    /// The newest block.
    pub fn tip(&self) -> &Arc<CheckedBlock> {
        &self.tip
    }

    /// Height of the newest block.
    pub fn height(&self) -> Height {
        self.tip().header().height
    }

    /// Work of the whole chain.
    pub fn work(&self) -> Work {
        self.weight().work
    }

    /// Number of votes, including those that a later one replaced.
    pub fn votes(&self) -> usize {
        self.counted_votes.votes()
    }

    /// The count.
    pub fn tally(&self) -> &Tally {
        self.counted_votes.tally()
    }

    /// A block of the best chain.
    pub fn block_at(&self, height: Height) -> Option<&KeptBlock> {
        let hash = self.main.get(height.position()).filter(|_| height.0 > 0)?;
        self.entries.get(hash).map(|entry| &entry.block)
    }

    /// Any block that is kept, side blocks included.
    pub fn block(&self, hash: &BlockHash) -> Option<&KeptBlock> {
        self.entries.get(hash).map(|entry| &entry.block)
    }

    /// Whether a block was found invalid.
    pub fn is_invalid(&self, hash: &BlockHash) -> bool {
        self.invalid.contains(hash)
    }

    /// Weight of the whole chain.
    pub fn weight(&self) -> Weight {
        self.weight_at(&self.tip.hash()).unwrap_or_default()
    }

    /// Weight up to and including a block that is kept.
    pub fn weight_at(&self, hash: &BlockHash) -> Option<Weight> {
        self.entries.get(hash).map(|entry| self.weight_of(entry))
    }

    fn weight_of(&self, entry: &Entry) -> Weight {
        Weight::of(self.election(), entry.block.header(), entry.work)
    }

    fn rank_of(&self, hash: BlockHash) -> Option<Rank> {
        Some(rank(self.weight_at(&hash)?, hash))
    }

    /// Whether the block is in the best chain.
    pub fn is_main(&self, block: &KeptBlock) -> bool {
        self.main.get(block.header().height.position()) == Some(&block.hash())
    }

    /// The count up to and including a block of the chain.
    pub fn tally_at(&self, height: Height) -> Tally {
        if height >= self.height() {
            return self.tally().clone();
        }
        let mut counted_votes = CountedVotes::forward_only(self.election().clone());
        for height in (1..=height.0).map(Height) {
            let Some(block) = self.block_at(height).map(KeptBlock::to_block) else { continue };
            for (index, vote) in (0..).zip(&block.votes) {
                // They are in the chain, so their slots are known.
                let place = Place { height, index };
                let _ = counted_votes.add(vote, place, block.header.timestamp);
            }
        }
        counted_votes.tally().clone()
    }

    /// Whether a vote could be in a block on the tip that is made at `time`.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check_slot(
        &self,
        token: TokenId,
        sequence: u8,
        time: Timestamp,
    ) -> Result<(), SlotError> {
        self.counted_votes.check_slot(token, sequence, time)
    }

    fn vote_at(&self, place: Place) -> Option<(VoteId, Vote)> {
        let vote = self.block_at(place.height)?.vote(place.index)?;
        Some((vote.id(), vote))
    }

    /// Whether a vote in the chain has this token and sequence number.
    pub fn uses(&self, token: TokenId, sequence: u8) -> bool {
        self.counted_votes.place(token, sequence).is_some()
    }

    /// The vote in the chain with a token and sequence number.
    pub fn of_use(&self, token: TokenId, sequence: u8) -> Option<(VoteId, Vote)> {
        self.vote_at(self.counted_votes.place(token, sequence)?)
    }

    /// The last vote of a token in the chain.
    pub fn latest_of(&self, token: TokenId) -> Option<(VoteId, Vote)> {
        self.latest_until(token, self.height())
    }

    /// The last vote of a token in the blocks up to and including this height.
    pub fn latest_until(&self, token: TokenId, height: Height) -> Option<(VoteId, Vote)> {
        self.vote_at(self.counted_votes.latest_until(token, height)?)
    }

    /// The ids of the votes in the chain.
    pub fn vote_ids(&self) -> impl Iterator<Item = VoteId> {
        self.places.keys().copied()
    }

    /// The ids of the votes in the blocks of the chain that a branch beginning with `start` would
    /// replace.
    pub fn vote_ids_above(&self, start: &BlockHash) -> impl Iterator<Item = VoteId> {
        let mut below = self.block(start);
        while let Some(block) = below.filter(|block| !self.is_main(block)) {
            below = self.block(&block.header().previous);
        }
        let fork = below.map_or(Height(0), |block| block.header().height);
        let places = self.places.iter().filter(move |(_, place)| place.height > fork);
        places.map(|(id, _)| *id)
    }

    /// A vote in the chain, with the results of its check.
    pub(crate) fn checked_vote(&self, id: &VoteId) -> Option<CheckedVote> {
        let Place { height, index } = self.place_of(id)?;
        let vote = self.block_at(height)?.vote(index)?;
        Some(CheckedVote::of_checked_block(vote, *id))
    }

    /// What a seal over the chain up to a height says. No vote is left out.
    pub fn sealed_at(&self, height: Height) -> Option<Sealed> {
        let tip = self.block_at(height)?.hash();
        let places = self.places.iter().filter(|(_, place)| place.height <= height);
        let ids = sorted(places.map(|(id, _)| *id).collect());
        Some(Sealed {
            election: self.id(),
            trustee: ORGANISER,
            height,
            tip,
            tally: self.tally_at(height).hash(),
            set: set_root(&ids),
            left_out: Vec::new(),
        })
    }

    /// A vote in the chain.
    pub fn vote(&self, id: &VoteId) -> Option<Vote> {
        self.vote_at(self.place_of(id)?).map(|(_, vote)| vote)
    }

    /// Where a vote is.
    pub fn place_of(&self, vote: &VoteId) -> Option<Place> {
        self.places.get(vote).copied()
    }

    /// Blocks on top of a block of the chain, itself included.
    pub fn confirmations(&self, height: Height) -> u32 {
        (self.height().0 + 1).saturating_sub(height.0)
    }

    /// Side blocks.
    pub fn side_blocks(&self) -> impl Iterator<Item = &KeptBlock> {
        self.side.iter().filter_map(|hash| self.block(hash))
    }

    /// Hashes from the tip backwards: every block at first, then with doubling steps, the first
    /// block last. That is enough for a peer to find the last block that both have.
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

    /// Height of the first hash of the locator that is in the best chain.
    pub fn meeting_point(&self, locator: &[BlockHash]) -> Option<Height> {
        locator
            .iter()
            .filter_map(|hash| self.block(hash))
            .find(|block| self.is_main(block))
            .map(|block| block.header().height)
    }

    /// Everything about the blocks up to `hash` that the next header is checked against.
    pub fn ancestry(&self, hash: &BlockHash) -> Option<Ancestry> {
        let entry = self.entries.get(hash)?;
        Some(Ancestry::new(entry.block.header().clone(), *hash, entry.work))
    }

    /// Takes in a block, and makes its branch the best chain if it is better.
    ///
    /// # Errors
    /// Why the block is not allowed where it is. The chain stays as it was: if the part of the
    /// branch below the wrong block had been better, it would be the best chain already.
    pub fn insert(&mut self, block: CheckedBlock, now: Timestamp) -> Result<Inserted, LinkError> {
        let Some(hash) = self.place_beside(Arc::new(block), now)? else {
            return Ok(Inserted::Known);
        };
        if !self.is_better_beside(&hash) {
            self.prune_side_but(&hash);
            return Ok(Inserted::Beside);
        }
        self.switch_to(hash).map(Inserted::Switched)
    }

    /// Takes in a block, and follows its branch if that is better, takes no vote out of the chain,
    /// and abandons no more than [`MAX_ABANDONED`] blocks. Any other better branch is checked whole
    /// against the votes below it, and kept as side blocks: the votes that only it has can be put
    /// into this chain meanwhile. The owner of the chain follows the branch when its time has come.
    ///
    /// # Errors
    /// The errors of [`Chain::insert`].
    pub fn insert_carefully(
        &mut self,
        block: CheckedBlock,
        now: Timestamp,
    ) -> Result<Inserted, LinkError> {
        let Some(hash) = self.place_beside(Arc::new(block), now)? else {
            return Ok(Inserted::Known);
        };
        if !self.is_better_beside(&hash) {
            self.prune_side_but(&hash);
            return Ok(Inserted::Beside);
        }
        let sealed = self.anchor.is_some() && !self.is_anchored() && self.leads_over_anchor(&hash);
        let goes_on =
            self.block(&hash).map(|block| block.header().previous) == Some(self.tip.hash());
        if sealed || goes_on {
            return self.switch_to(hash).map(Inserted::Switched);
        }
        if self.best_beside() != Some(hash) {
            // Another branch is better still.
            self.prune_side_but(&hash);
            return Ok(Inserted::Beside);
        }
        match self.takes_out(hash) {
            Ok(true) => {
                self.held = self.branch_to(hash).iter().map(|block| block.hash()).collect();
                self.prune_side();
                Ok(Inserted::Held)
            }
            Ok(false) => self.switch_to(hash).map(Inserted::Switched),
            Err(error) => Err(error),
        }
    }

    /// The best side branch, if it is better than the chain; and whether following it would take
    /// out votes or many blocks. A branch that is not valid is dropped.
    pub fn better_beside(&mut self) -> Option<(BlockHash, bool)> {
        loop {
            let best = self.best_beside().filter(|best| self.is_better_beside(best))?;
            if let Ok(takes_out) = self.takes_out(best) {
                return Some((best, takes_out));
            }
        }
    }

    fn best_beside(&self) -> Option<BlockHash> {
        let best = self.side.iter().filter_map(|hash| self.rank_of(*hash)).max();
        best.map(|(_, Reverse(hash))| hash)
    }

    /// Whether a side block is this one or builds on it.
    pub fn stands_on(&self, block: &BlockHash, below: &BlockHash) -> bool {
        let mut next = self.block(block).filter(|block| !self.is_main(block));
        while let Some(block) = next {
            if block.hash() == *below {
                return true;
            }
            next = self.block(&block.header().previous).filter(|block| !self.is_main(block));
        }
        false
    }

    /// Stops keeping the branch that was not followed yet.
    pub fn release(&mut self) {
        self.held.clear();
        self.survey = None;
    }

    /// Adds a side block; returns `None` if it was known.
    fn place_beside(
        &mut self,
        block: Arc<CheckedBlock>,
        now: Timestamp,
    ) -> Result<Option<BlockHash>, LinkError> {
        let header = block.header();
        let (hash, previous, height) = (block.hash(), header.previous, header.height);
        if self.entries.contains_key(&hash) {
            return Ok(None);
        }
        if self.is_invalid(&hash) || self.is_invalid(&previous) {
            self.mark_invalid(hash);
            return Err(LinkError::InvalidParent(height));
        }
        let ancestry = self.ancestry(&previous).ok_or(LinkError::UnknownParent(height))?;
        ancestry.check_block(self.election(), &block, now)?;
        let work = ancestry.work().plus(header.work());
        if self.protected.contains(&hash) {
            for (index, vote) in (0..).zip(block.votes()) {
                let place = Place { height, index };
                if let Some(earlier) = self.uses.insert((vote.token, vote.sequence), place) {
                    self.mark_invalid(hash);
                    return Err(LinkError::slot(height, index, vote, SlotError::Used(earlier)));
                }
            }
        }
        self.entries.insert(hash, Entry { block: block.into(), work });
        self.side.push(hash);
        Ok(Some(hash))
    }

    /// Adds a branch as side blocks, oldest block first. Nothing makes it better yet: a seal will.
    /// Until then the next block that arrives may push it out.
    ///
    /// # Errors
    /// Why the first block that is not allowed cannot be added.
    pub(crate) fn place_branch(
        &mut self,
        blocks: impl Iterator<Item = Arc<CheckedBlock>>,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        for block in blocks {
            self.place_beside(block, now)?;
        }
        Ok(())
    }

    fn is_better_beside(&self, hash: &BlockHash) -> bool {
        let anchored = self.leads_over_anchor(hash);
        self.weight_at(hash).is_some_and(|weight| self.is_better(weight, *hash, anchored))
    }

    fn prune_side_but(&mut self, hash: &BlockHash) {
        if !self.protected.contains(hash) {
            self.prune_side();
        }
    }

    /// The blocks of a branch that are not in the chain, oldest first.
    pub fn branch_to(&self, hash: BlockHash) -> Vec<Arc<CheckedBlock>> {
        let mut branch = Vec::new();
        let mut next = self.entries.get(&hash);
        while let Some(entry) = next.filter(|entry| !self.is_main(&entry.block)) {
            branch.push(entry.block.open());
            next = self.entries.get(&entry.block.header().previous);
        }
        branch.reverse();
        branch
    }

    /// Where a branch leaves the chain: the index of its first block.
    fn fork(&self, branch: &[Arc<CheckedBlock>]) -> usize {
        branch.first().map_or(self.main.len(), |block| block.header().height.position())
    }

    /// Whether following a branch would leave a slot of the chain empty, or abandon many blocks.
    /// Checks the slots of its votes against the chain below the fork, which is not changed. If the
    /// branch continues the one that was checked before, only the slots of its new blocks are
    /// checked.
    ///
    /// # Errors
    /// What is wrong; the block with the error is dropped.
    fn takes_out(&mut self, tip: BlockHash) -> Result<bool, LinkError> {
        let branch = self.branch_to(tip);
        let fork = self.fork(&branch);
        let here = self.tip.hash();
        let known = |survey: &Survey| {
            let seen = branch.iter().position(|block| block.hash() == survey.tip);
            seen.filter(|_| survey.chain == here).map(|seen| seen + 1)
        };
        let survey = self.survey.take();
        let (mut survey, seen) = match survey.and_then(|survey| Some((known(&survey)?, survey))) {
            Some((seen, survey)) => (survey, seen),
            None => (self.survey_from(fork), 0),
        };
        for block in &branch[seen..] {
            let (height, time) = (block.header().height, block.header().timestamp);
            for (index, vote) in (0..).zip(block.votes()) {
                let slot = (vote.token, vote.sequence);
                let below = |slot: Slot| {
                    self.counted_votes.used(slot).filter(|_| !survey.gone.contains(&slot))
                };
                let used = |slot: Slot| survey.come.get(&slot).copied().or_else(|| below(slot));
                if let Err(error) = check_slot(slot, time, &used) {
                    let hash = block.hash();
                    self.forget(&[hash]);
                    self.mark_invalid(hash);
                    return Err(LinkError::slot(height, index, vote, error));
                }
                survey.come.insert(slot, (Place { height, index }, time));
                survey.left -= usize::from(survey.gone.contains(&slot));
            }
            survey.tip = block.hash();
        }
        let takes_out = self.main.len() - fork > MAX_ABANDONED || survey.left > 0;
        self.survey = Some(survey);
        Ok(takes_out)
    }

    fn survey_from(&self, fork: usize) -> Survey {
        let mut gone = HashSet::new();
        for hash in &self.main[fork..] {
            let block = self.entries.get(hash).map(|entry| entry.block.open());
            let votes = block.iter().flat_map(|block| block.votes());
            gone.extend(votes.map(|vote| (vote.token, vote.sequence)));
        }
        let (chain, tip) = (self.tip.hash(), self.main[fork - 1]);
        Survey { chain, tip, left: gone.len(), gone, come: HashMap::new() }
    }

    /// Fork choice: whether a tip with this weight and hash would replace the present one.
    /// `anchored` says whether its branch has the sealed block.
    pub fn is_better(&self, weight: Weight, hash: BlockHash, anchored: bool) -> bool {
        let mine = self.is_anchored();
        if self.anchor.is_some() && mine != anchored {
            return anchored;
        }
        rank(weight, hash) > rank(self.weight(), self.tip.hash())
    }

    /// The sealed block, if one was set.
    pub fn anchor(&self) -> Option<BlockHash> {
        self.anchor
    }

    /// Whether the best chain has the sealed block.
    pub fn is_anchored(&self) -> bool {
        let anchor = self.anchor.and_then(|anchor| self.block(&anchor));
        anchor.is_some_and(|block| self.is_main(block))
    }

    /// Whether a kept block is the sealed one or builds on it.
    pub fn leads_over_anchor(&self, hash: &BlockHash) -> bool {
        let Some(anchor) = self.anchor.and_then(|anchor| self.block(&anchor)) else {
            return false;
        };
        let height = anchor.header().height;
        let mut next = self.block(hash);
        while let Some(block) = next.filter(|block| block.header().height > height) {
            if self.is_main(block) {
                return self.is_main(anchor);
            }
            next = self.block(&block.header().previous);
        }
        next.is_some_and(|block| block.hash() == anchor.hash())
    }

    /// Makes this block final, or none; then follows the best branch by that rule.
    pub(crate) fn set_anchor(&mut self, anchor: Option<BlockHash>) -> Option<Switch> {
        if self.anchor == anchor {
            return None;
        }
        self.anchor = anchor;
        // Branches that turn out to be invalid are dropped here.
        loop {
            let mut best = None;
            for hash in &self.side {
                let Some(rank) = self.rank_of(*hash) else { continue };
                let rank = (self.leads_over_anchor(hash), rank);
                // A seal makes its own branch final. It makes no other branch better.
                if anchor.is_some() && !rank.0 {
                    continue;
                }
                if best.is_none_or(|best| rank > best) {
                    best = Some(rank);
                }
            }
            let (anchored, (weight, Reverse(hash))) = best?;
            if !self.is_better(weight, hash, anchored) {
                return None;
            }
            if anchored {
                // Before the reorganisation, which drops side blocks above the bounds.
                self.replaced.extend(self.main.iter().copied());
            }
            if let Ok(switch) = self.switch_to(hash) {
                return Some(switch);
            }
        }
    }

    /// Follows a side branch, whatever votes that takes out.
    ///
    /// # Errors
    /// Why its first wrong block is not allowed; that block is dropped then.
    pub(crate) fn switch_to(&mut self, hash: BlockHash) -> Result<Switch, LinkError> {
        let branch = self.branch_to(hash);
        let fork = self.fork(&branch);

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
                    // They were part of this chain a moment ago, so they connect again.
                    let _ = self.connect(block);
                }
                // Blocks that build on it are dropped with it. If they arrive again, they fail by
                // their parent.
                self.forget(&[block.hash()]);
                self.mark_invalid(block.hash());
                self.pack();
                return Err(error);
            }
            switch.added.push(Arc::clone(block));
        }
        let added: HashSet<_> = switch.added.iter().map(|block| block.hash()).collect();
        self.side.retain(|side| !added.contains(side));
        self.side.extend(switch.removed.iter().rev().map(|block| block.hash()));
        self.prune_side();
        self.pack();
        Ok(switch)
    }

    /// Packs the blocks that are no longer near the tip.
    fn pack(&mut self) {
        let below = self.main.len().saturating_sub(WHOLE);
        for hash in self.main.iter().take(below).skip(self.packed) {
            if let Some(entry) = self.entries.get_mut(hash) {
                entry.block.pack();
            }
        }
        self.packed = self.packed.max(below);
    }

    /// Appends a block to the best chain, if its votes are allowed there.
    fn connect(&mut self, block: &Arc<CheckedBlock>) -> Result<(), LinkError> {
        let (height, time) = (block.header().height, block.header().timestamp);
        for (index, vote) in (0..).zip(block.votes()) {
            if let Err(error) = self.counted_votes.add(vote, Place { height, index }, time) {
                for added in block.votes().iter().take(index as usize).rev() {
                    self.counted_votes.remove(added);
                }
                return Err(LinkError::slot(height, index, vote, error));
            }
        }
        for (index, id) in (0..).zip(block.vote_ids()) {
            self.places.insert(*id, Place { height, index });
        }
        self.main.push(block.hash());
        self.tip = Arc::clone(block);
        Ok(())
    }

    /// Removes the newest block of the best chain. Never called on the first block: every branch
    /// meets the chain there at the latest.
    fn disconnect(&mut self) -> Arc<CheckedBlock> {
        let block = Arc::clone(&self.tip);
        for (vote, id) in block.votes().iter().zip(block.vote_ids()).rev() {
            self.counted_votes.remove(vote);
            self.places.remove(id);
        }
        self.main.pop();
        if let Some(entry) = self.main.last().and_then(|hash| self.entries.get_mut(hash)) {
            // A packed block becomes whole again, like side blocks.
            self.tip = entry.block.open();
            entry.block = Arc::clone(&self.tip).into();
        }
        self.packed = self.packed.min(self.main.len() - 1);
        block
    }

    /// Drops side blocks, and with them all blocks that build on them.
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

    pub(crate) fn mark_invalid(&mut self, hash: BlockHash) {
        if !self.is_invalid(&hash) {
            self.invalid.push_back(hash);
            if self.invalid.len() > MAX_INVALID {
                self.invalid.pop_front();
            }
        }
    }

    /// Marks the blocks of a branch that its headers showed to be better, so that they are not
    /// dropped while it is fetched. They are limited by the headers of one download.
    pub(crate) fn protect(&mut self, branch: impl IntoIterator<Item = BlockHash>) {
        self.protected = branch.into_iter().collect();
        self.uses.clear();
    }

    /// Drops side blocks above the bounds: ends of branches first, the lightest before others, so
    /// that what stays is connected and is the most likely to be needed.
    fn prune_side(&mut self) {
        let kept = |hash: &BlockHash| {
            [&self.protected, &self.replaced, &self.held].iter().any(|kept| kept.contains(hash))
        };
        let (mut blocks, mut bytes) = (0, 0);
        for hash in self.side.iter().filter(|hash| !kept(hash)) {
            blocks += 1;
            bytes += self.entries.get(hash).map_or(0, |entry| entry.block.encoded_len());
        }
        if blocks <= MAX_SIDE_BLOCKS && bytes <= MAX_SIDE_BYTES {
            return;
        }
        let parent = |hash: &BlockHash| Some(self.block(hash)?.header().previous);
        let mut children: HashMap<BlockHash, usize> = HashMap::new();
        for parent in self.side.iter().filter_map(parent) {
            *children.entry(parent).or_insert(0) += 1;
        }
        let end = |hash: &BlockHash| {
            let entry = self.entries.get(hash).filter(|_| !kept(hash))?;
            Some(Reverse((rank(self.weight_of(entry), *hash), entry.block.encoded_len())))
        };
        let ends = self.side.iter().filter(|hash| !children.contains_key(*hash));
        let mut ends: BinaryHeap<_> = ends.filter_map(end).collect();
        let mut dropped = HashSet::new();
        while (blocks > MAX_SIDE_BLOCKS || bytes > MAX_SIDE_BYTES)
            && let Some(Reverse(((_, Reverse(hash)), length))) = ends.pop()
        {
            dropped.insert(hash);
            blocks -= 1;
            bytes -= length;
            if let Some(parent) = parent(&hash)
                && let Some(left) = children.get_mut(&parent)
            {
                *left -= 1;
                if *left == 0 && !self.entries.get(&parent).is_none_or(|e| self.is_main(&e.block)) {
                    ends.extend(end(&parent));
                }
            }
        }
        self.side.retain(|hash| !dropped.contains(hash));
        self.entries.retain(|hash, _| !dropped.contains(hash));
    }
}

#[cfg(test)]
mod tests;
