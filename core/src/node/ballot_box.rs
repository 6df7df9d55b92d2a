//! What this node has of the election: the chain, pending votes and statements, and what the seals
//! mean.
//!
//! This is the one place where a vote, a block or a statement becomes a change of state. It knows
//! no peers: it answers with [`Changes`], which the node stores, passes on and reports. Invariants:
//! no pending vote has a slot that the chain uses; the sealing is updated with each change of chain
//! and seals.

mod statements;

use std::{collections::HashSet, sync::Arc};

use super::{
    interface::{CastError, StoreChange},
    late::LateVotes,
    pool::PendingVotes,
    reconcile::ComparedIds,
    vote_set::VoteSet,
};
use crate::{
    audit::receipt::{Inclusion, Receipt},
    chain::{
        acknowledgements::{Acknowledged, Worth},
        ancestry::LinkError,
        block::{Block, BlockError, CheckedBlock, MAX_BLOCK_BYTES},
        counted_votes::SlotError,
        difficulty::Difficulty,
        header::{Added, HEADER_BYTES, Header, Height},
        kept_block::KeptBlock,
        rebuilding::Rebuilding,
        statements::{Sealing, Statement, StatementBook},
        tree::{Chain, Inserted, Switch},
    },
    crypto::hash::{BlockHash, VoteId},
    election::{
        election_context::ElectionContext,
        opening_hours::Hours,
        tally::Tally,
        token::TokenId,
        vote::{CheckedVote, Vote, VoteError},
    },
    time::Timestamp,
    wire::message::VotesDigest,
};

/// Votes of peers are still taken for this long after closing, and nobody seals before.
pub const GRACE_MS: u64 = 120_000;
/// A branch that would take votes out of the chain is followed after this time, or after a number
/// of block spacings: long enough that bad luck alone does not stop a miner from adding the votes
/// that only the branch has, because beyond them the difficulty is eased. The time is doubled with
/// each such reorganisation within an hour.
const MERGE_MS: u64 = 30_000;
const MERGE_SPACINGS: u64 = 12;
const MAX_MERGE_MS: u64 = 480_000;

/// The chain, pending votes and statements.
pub struct BallotBox {
    chain: Chain,
    pending: PendingVotes,
    /// Votes that arrived after voting was over.
    late: LateVotes,
    /// The chain as it is rebuilt without some votes, for a seal.
    rebuilding: Option<Rebuilding>,
    /// All votes that are here: those of the chain, and pending ones.
    set: VoteSet,
    statements: StatementBook,
    sealing: Sealing,
    /// The better branch whose votes are merged into the chain before it is followed.
    merging: Option<Merging>,
    /// When branches were followed that took votes out, within the last hour.
    taken_out: Vec<Timestamp>,
}

/// A better branch that is not followed yet.
struct Merging {
    /// Its tip.
    tip: BlockHash,
    /// Until this time the votes that only it has are mined here.
    until: Timestamp,
    /// A better branch has been waiting since this time.
    first: Timestamp,
    /// Whether it is better now.
    leads: bool,
    /// When it was last better.
    led: Timestamp,
}

/// What brought a new tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The block that was taken in.
    Block,
    /// The seals: the tip is another block than the one that was heard of.
    Seal,
}

/// A new tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewTip {
    pub height: Height,
    pub hash: BlockHash,
    /// Blocks that were abandoned for it.
    pub abandoned: usize,
    pub cause: Cause,
}

/// What changed.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Changes {
    /// What must be stored, in this order.
    pub store: Vec<StoreChange>,
    /// New pending votes.
    pub votes: Vec<Vote>,
    /// Whether there are new late votes.
    pub late: bool,
    /// Votes that a reorganisation took out of the chain and that are pending again.
    pub returned: Vec<VoteId>,
    /// How many votes of side blocks are pending now.
    pub merged: usize,
    /// Pending votes that lost their slot to a vote in the chain.
    pub lost: Vec<VoteId>,
    /// Statements that were taken in.
    pub statements: Vec<Statement>,
    /// Statements that were made here, from votes that contradict each other.
    pub proofs: Vec<Statement>,
    /// New tips, the last one the best.
    pub tips: Vec<NewTip>,
}

impl BallotBox {
    pub(super) fn new(context: ElectionContext) -> Self {
        Self {
            chain: Chain::new(context),
            pending: PendingVotes::default(),
            late: LateVotes::default(),
            rebuilding: None,
            set: VoteSet::default(),
            statements: StatementBook::default(),
            sealing: Sealing::Unsealed,
            merging: None,
            taken_out: Vec::new(),
        }
    }

    /// Takes in the content of a store. Returns the changes that follow from the seals; the rest is
    /// in the store already.
    pub(super) fn restore(
        &mut self,
        blocks: &mut dyn Iterator<Item = Result<CheckedBlock, BlockError>>,
        pending: &mut dyn Iterator<Item = Vote>,
        statements: &mut dyn Iterator<Item = Statement>,
    ) -> (Result<(), LinkError>, Changes) {
        let mut result = Ok(());
        for block in blocks {
            // It was checked against the clock when it came in; the clock may be wrong today.
            let inserted = block
                .map_err(LinkError::from)
                .and_then(|block| self.chain.insert(block, Timestamp(u64::MAX)));
            if let Err(error) = inserted {
                result = Err(error);
                break;
            }
        }
        for vote in pending {
            if let Ok(vote) = vote.into_checked(self.chain.context())
                && self.is_unused(&vote)
            {
                self.pending.push(vote);
            }
        }
        for statement in statements {
            if statement.check(self.chain.context()).is_ok() {
                let _ = self.statements.add(&statement);
            }
        }
        let set = VoteSet::of(&mut self.vote_ids());
        self.set = set;
        let mut changes = Changes::default();
        self.apply_seals(&mut changes);
        (result, changes)
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The pending votes.
    pub fn pending(&self) -> &PendingVotes {
        &self.pending
    }

    /// The votes that arrived after voting was over, and which no keeper has shown to be cast in
    /// time.
    pub fn late(&self) -> &LateVotes {
        &self.late
    }

    /// The signed statements kept here.
    pub fn statements(&self) -> &StatementBook {
        &self.statements
    }

    /// What the organiser's seals mean.
    pub fn sealing(&self) -> &Sealing {
        &self.sealing
    }

    /// Height of the last block that is final.
    pub fn sealed_height(&self) -> Option<Height> {
        self.sealing.sealed().map(|(seal, _)| seal.sealed.height)
    }

    /// The tally that counts: up to the sealed block, if there is one.
    pub fn counted(&self) -> &Tally {
        self.sealing.sealed().map_or_else(|| self.chain.tally(), |(_, tally)| tally)
    }

    /// The vote of a token that counts: the last one, up to the sealed block if there is one.
    pub fn counting_vote(&self, token: TokenId) -> Option<VoteId> {
        let height = self.sealed_height().unwrap_or_else(|| self.chain.height());
        self.chain.latest_until(token, height).map(|(id, _)| id)
    }

    /// The ids of all votes here, in the chain and pending.
    pub(super) fn vote_ids(&self) -> impl Iterator<Item = VoteId> {
        self.chain.vote_ids().chain(self.pending.iter().map(CheckedVote::id))
    }

    /// The digest of all votes here.
    pub fn digest(&self) -> VotesDigest {
        self.set.digest()
    }

    /// The ids of all votes here, ready to be compared with those of a peer.
    pub(super) fn compared(&self) -> Option<&ComparedIds> {
        self.set.compared(&mut self.vote_ids())
    }

    /// A vote, in the chain or pending.
    pub(super) fn vote(&self, id: &VoteId) -> Option<Vote> {
        let pending = self.pending.get(id).map(|vote| vote.vote().clone());
        pending.or_else(|| self.chain.vote(id))
    }

    /// Whether a vote is here, pending or in the chain.
    pub fn contains(&self, id: &VoteId) -> bool {
        self.pending.contains(id) || self.chain.place_of(id).is_some()
    }

    /// The vote with a token and sequence number, in the chain or pending.
    pub fn of_use(&self, token: TokenId, sequence: u8) -> Option<(VoteId, Vote)> {
        let pending = || self.pending.of_use(token, sequence);
        let pending = || pending().map(|vote| (vote.id(), vote.vote().clone()));
        self.chain.of_use(token, sequence).or_else(pending)
    }

    /// The vote of a token with the highest sequence number, in the chain or pending.
    pub fn latest_of(&self, token: TokenId) -> Option<(VoteId, Vote)> {
        let pending = self.pending.latest_of(token).map(|vote| (vote.id(), vote.vote().clone()));
        let found = [self.chain.latest_of(token), pending];
        found.into_iter().flatten().max_by_key(|(_, vote)| vote.sequence)
    }

    /// Whether a token could cast a first vote now, as far as this node knows.
    ///
    /// # Errors
    /// [`CastError::AlreadyVoted`], or that the token does not exist.
    pub fn check_token(&self, token: TokenId) -> Result<(), CastError> {
        let tokens = self.chain.election().tokens();
        if !tokens.contains(&token.0) {
            let (lowest, highest) = (*tokens.start(), *tokens.end());
            return Err(VoteError::NoSuchToken { token, lowest, highest }.into());
        }
        match self.latest_of(token) {
            Some((by, vote)) => Err(CastError::AlreadyVoted { token, sequence: vote.sequence, by }),
            None => Ok(()),
        }
    }

    /// What happened to a vote, or `None` if it is not known here.
    pub fn receipt(&self, id: &VoteId) -> Option<Receipt> {
        if let Some(vote) = self.pending.get(id) {
            return Some(Receipt { vote_id: *id, vote: vote.vote().clone(), inclusion: None });
        }
        let place = self.chain.place_of(id)?;
        let block = self.chain.block_at(place.height)?.open();
        Some(Receipt {
            vote_id: *id,
            vote: block.votes().get(place.index as usize)?.clone(),
            inclusion: Some(Inclusion {
                block: block.hash(),
                header: block.header().clone(),
                proof: block.prove(place.index)?,
                confirmations: self.chain.confirmations(place.height),
            }),
        })
    }

    /// When votes are no longer taken: the election's own time, or the organiser's early closing.
    pub fn closes(&self) -> Option<Timestamp> {
        let early = self.statements.closing().map(|closing| closing.at);
        self.chain.election().closes.into_iter().chain(early).min()
    }

    /// Whether votes are taken now.
    pub fn hours(&self, now: Timestamp) -> Hours {
        let opens = self.chain.election().opens;
        Hours::at(now, opens, self.closes(), self.chain.is_anchored())
    }

    /// Whether another vote of a peer would be taken now, whatever it says. Votes that were cast in
    /// time can still arrive for a while after closing.
    pub(super) fn takes_votes(&self, now: Timestamp) -> bool {
        let (opens, closes) = (self.chain.election().opens, self.closes());
        let closes = closes.map(|closes| closes.plus_ms(GRACE_MS));
        let hours = Hours::at(now, opens, closes, self.chain.is_anchored());
        !self.pending.is_full() && hours.is_open()
    }

    /// Whether votes that arrive now are late: kept apart until a keeper shows that they were cast
    /// in time.
    pub(super) fn keeps_late(&self, now: Timestamp) -> bool {
        let closed = self.closes().is_some_and(|closes| now >= closes.plus_ms(GRACE_MS));
        closed && !self.chain.is_anchored() && !self.chain.election().keepers.is_empty()
    }

    /// Whether this acknowledgement shows that a vote which is kept apart was cast in time. Its
    /// signature is not checked.
    pub(super) fn would_admit(&self, acknowledged: &Acknowledged) -> bool {
        let signed = &acknowledged.acknowledgement;
        let lists = || self.statements.closing_lists_of(&signed.keeper);
        self.late.contains(&signed.vote)
            && acknowledged.worth(self.chain.election(), &lists()) == Worth::InTime
    }

    /// Takes in a late vote that was cast in time after all.
    pub(super) fn admit(&mut self, id: &VoteId) -> Changes {
        let mut changes = Changes::default();
        if let Some(vote) = self.late.remove(id).filter(|vote| self.is_unused(vote)) {
            changes.votes.push(vote.vote().clone());
            self.add_pending(vote, &mut changes);
        }
        changes
    }

    /// Time of a block made now, if one may be made: not before opening, and never after a seal.
    /// Closing stops the taking of votes, but votes that were taken are still mined.
    pub fn block_time(&self, now: Timestamp) -> Option<Timestamp> {
        let begun = self.chain.election().opens.is_none_or(|opens| now >= opens);
        let time = now.max(self.chain.tip().header().timestamp);
        (begun && !self.chain.is_anchored()).then_some(time)
    }

    /// Difficulty that a block made now would have to meet.
    pub fn current_difficulty(&self, now: Timestamp) -> Difficulty {
        let tip = self.chain.tip().header();
        let demanded = tip.demand(now, &self.chain.election().parameters);
        Difficulty((demanded.difficulty.0 >> demanded.easing).max(1))
    }

    /// A block on the tip with the pending votes that are allowed in it, as many as fit, first
    /// votes before changes and otherwise in their order; all but its nonce. `None` if there are no
    /// such votes.
    pub(super) fn next_block(&self, now: Timestamp) -> Option<(Header, Vec<CheckedVote>)> {
        let tip = self.chain.tip();
        let timestamp = self.block_time(now)?;
        let mut waiting: Vec<_> = self.pending.iter().collect();
        waiting.sort_by_key(|vote| vote.sequence);
        let mut bytes = HEADER_BYTES + 4;
        let (mut votes, mut first) = (Vec::new(), HashSet::new());
        for vote in waiting {
            match self.chain.check_slot(vote.token, vote.sequence, timestamp) {
                Ok(()) => {}
                Err(SlotError::NoVoteBefore)
                    if vote.sequence == 1 && first.contains(&vote.token) => {}
                Err(_) => continue,
            }
            bytes += borsh::object_length(vote.vote()).ok()?;
            if bytes > MAX_BLOCK_BYTES {
                break;
            }
            if vote.sequence == 0 {
                first.insert(vote.token);
            }
            votes.push(vote.clone());
        }
        if votes.is_empty() {
            return None;
        }
        let parameters = &self.chain.election().parameters;
        let root = Block::votes_root(votes.iter().map(CheckedVote::vote));
        let added = Added::by(votes.iter().map(CheckedVote::vote));
        let header = Header::next(tip.header(), root, added, timestamp, parameters);
        Some((header, votes))
    }

    /// Selects the votes of a stranger that are worth verifying: each is new, or may prove a double
    /// vote. What is known here was verified when it arrived, and a voter who is already proven to
    /// have voted twice needs no second proof. Verifying a signature costs more than looking a vote
    /// up.
    pub(super) fn worth_verifying(&self, now: Timestamp, votes: Vec<Vote>) -> Vec<Vote> {
        // Votes that cannot be taken now matter only if they may prove a double vote.
        let taken = self.takes_votes(now) || self.keeps_late(now);
        let proves = self.chain.context().roll().is_some();
        // Two signatures of one vote are one vote.
        let mut together = HashSet::new();
        votes
            .into_iter()
            .filter(|vote| match self.of_use(vote.token, vote.sequence) {
                // Another signature of the same vote does not make another vote.
                Some((known, _)) if known == vote.id() => false,
                Some(_) => proves && self.statements.double_vote_of(vote.token).is_none(),
                None => proves || taken,
            })
            .filter(|vote| {
                let id = vote.id();
                together.insert(id) && !self.late.contains(&id)
            })
            .collect()
    }

    /// Takes in a vote that is cast here. A refused vote changes nothing, except that a double vote
    /// is kept as a proof.
    pub(super) fn cast(
        &mut self,
        now: Timestamp,
        vote: Vote,
    ) -> (Result<VoteId, CastError>, Changes) {
        let mut changes = Changes::default();
        let result = self.try_cast(now, vote, &mut changes);
        (result, changes)
    }

    fn try_cast(
        &mut self,
        now: Timestamp,
        vote: Vote,
        changes: &mut Changes,
    ) -> Result<VoteId, CastError> {
        let vote = vote.into_checked(self.chain.context())?;
        let id = vote.id();
        let (token, sequence) = (vote.token, vote.sequence);
        if let Some((by, _)) = self.of_use(token, sequence) {
            self.look_for_double_votes(&mut std::iter::once(vote.vote()), changes);
            return Err(CastError::AlreadyVoted { token, sequence, by });
        }
        match self.hours(now) {
            Hours::Open(_) => {}
            Hours::Early(opens) => return Err(CastError::NotOpen(opens)),
            Hours::Closed(closes) => return Err(CastError::Closed(closes)),
            Hours::Sealed => return Err(CastError::Sealed),
        }
        self.may_wait(now, &vote)?;
        if self.pending.is_full() {
            return Err(CastError::Full);
        }
        changes.votes.push(vote.vote().clone());
        self.add_pending(vote, changes);
        Ok(id)
    }

    /// Takes in votes. If a slot is used, the pool is full or votes are not taken now, the vote is
    /// skipped: honest peers send such votes, too. After closing, votes may be kept apart.
    pub(super) fn take_votes(&mut self, now: Timestamp, mut votes: Vec<CheckedVote>) -> Changes {
        let mut changes = Changes::default();
        self.look_for_double_votes(&mut votes.iter().map(CheckedVote::vote), &mut changes);
        // A change comes after the vote that it changes.
        votes.sort_by_key(|vote| vote.sequence);
        for vote in votes {
            let fits = self.is_unused(&vote) && self.may_wait(now, &vote).is_ok();
            if fits && self.takes_votes(now) {
                changes.votes.push(vote.vote().clone());
                self.add_pending(vote, &mut changes);
            } else if fits && self.keeps_late(now) && self.late.insert(vote) {
                changes.late = true;
            }
        }
        changes
    }

    /// Takes in a block, and updates the pending votes to match the chain.
    ///
    /// # Errors
    /// If it does not follow a block that is here. In that case nothing changes.
    pub(super) fn take_block(
        &mut self,
        now: Timestamp,
        block: CheckedBlock,
    ) -> Result<Changes, LinkError> {
        let mut changes = Changes::default();
        let hash = block.hash();
        let merges = self.chain.election().has_roll();
        let inserted = if merges {
            self.chain.insert_carefully(block, now)?
        } else {
            self.chain.insert(block, now)?
        };
        let held = matches!(inserted, Inserted::Held);
        match inserted {
            Inserted::Switched(switch) => self.switched(&switch, Cause::Block, &mut changes),
            Inserted::Beside | Inserted::Held => {
                let block = self.chain.block(&hash).map(KeptBlock::open);
                if let Some(block) = &block {
                    // What was here before was checked when it arrived.
                    let votes = block.votes().iter().zip(block.vote_ids());
                    let new: Vec<_> = votes.filter(|(_, id)| !self.contains(id)).collect();
                    self.look_for_double_votes(&mut new.into_iter().map(|it| it.0), &mut changes);
                }
                if held {
                    // Following the branch would bring them all anyway, including those that arrive
                    // late.
                    let goes_on = self.merging.as_ref().is_some_and(|merging| {
                        merging.leads && self.chain.stands_on(&hash, &merging.tip)
                    });
                    let branch = if goes_on {
                        block.into_iter().collect()
                    } else {
                        self.chain.branch_to(hash)
                    };
                    self.take_votes_of(now, &branch, &mut changes);
                } else if merges && self.takes_votes(now) {
                    self.take_votes_of(now, block.as_slice(), &mut changes);
                }
            }
            Inserted::Known => return Ok(changes),
        }
        if merges {
            self.settle(now, &mut changes);
        }
        Ok(changes)
    }

    /// Makes the votes of side blocks pending: if their branch loses, its votes must not be lost
    /// with it. Changes that are not allowed in a block made now are left out: nobody checked the
    /// votes they depend on.
    fn take_votes_of(
        &mut self,
        now: Timestamp,
        blocks: &[Arc<CheckedBlock>],
        changes: &mut Changes,
    ) {
        for vote in blocks.iter().flat_map(|block| block.checked_votes()) {
            if self.is_unused(&vote) && self.may_wait(now, &vote).is_ok() {
                changes.merged += 1;
                self.add_pending(vote, changes);
            }
        }
    }

    /// Follows a better branch: at once if that takes nothing out of the chain, otherwise after
    /// there was time to mine here the votes that only it has. Then the order of fork choice
    /// decides.
    pub(super) fn settle(&mut self, now: Timestamp, changes: &mut Changes) {
        loop {
            let Some((tip, takes_out)) = self.chain.better_beside() else {
                // Its next block may make it better again: then the wait goes on. Otherwise two
                // halves that were apart for long and mine one vote after the other would never
                // come together. Not if that was long ago: there was no time to mine here the votes
                // that it has got since.
                match &mut self.merging {
                    Some(merging) if now < merging.led.plus_ms(MERGE_MS) => merging.leads = false,
                    _ => {
                        self.merging = None;
                        self.chain.release();
                    }
                }
                return;
            };
            if takes_out {
                let since_an_hour = |at: &Timestamp| now.ms_since(*at) < 3_600_000;
                self.taken_out.retain(since_an_hour);
                let doublings = u32::try_from(self.taken_out.len()).unwrap_or(u32::MAX);
                let wait = self
                    .merge_ms()
                    .saturating_mul(2_u64.saturating_pow(doublings))
                    .min(MAX_MERGE_MS);
                let recent = |it: &&Merging| it.leads || now < it.led.plus_ms(MERGE_MS);
                let begun = self.merging.as_ref().filter(recent);
                let goes_on = |merging: &&Merging| self.chain.stands_on(&tip, &merging.tip);
                let first = begun.map_or(now, |merging| merging.first);
                let until = begun.filter(goes_on).map_or_else(
                    // Another branch: the votes that only it has must be mined, too.
                    || now.plus_ms(wait).min(first.plus_ms(MAX_MERGE_MS)),
                    |merging| merging.until,
                );
                if now < until {
                    self.merging = Some(Merging { tip, until, first, leads: true, led: now });
                    return;
                }
                self.taken_out.push(now);
            }
            self.merging = None;
            // A branch that is not valid is forgotten; the next one may be.
            if let Ok(switch) = self.chain.switch_to(tip) {
                self.switched(&switch, Cause::Block, changes);
            }
        }
    }

    /// How long a branch that takes votes out waits for the first time.
    fn merge_ms(&self) -> u64 {
        MERGE_MS.max(MERGE_SPACINGS * self.chain.election().parameters.spacing_ms)
    }

    /// Whether a better branch is here that is not followed yet.
    pub fn is_merging(&self) -> bool {
        self.merging.as_ref().is_some_and(|merging| merging.leads)
    }

    /// Follows a better branch when its time has come.
    pub(super) fn tick(&mut self, now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        if self.merging.is_some() {
            self.settle(now, &mut changes);
        }
        changes
    }

    /// Keeps side blocks of a branch that is being fetched.
    pub(super) fn protect(&mut self, branch: &mut dyn Iterator<Item = BlockHash>) {
        self.chain.protect(branch);
    }

    /// Remembers that a block is not valid, so that it is not verified again for the next peer.
    pub(super) fn mark_invalid(&mut self, block: BlockHash) {
        self.chain.mark_invalid(block);
    }

    /// Whether a vote's slot is unused in the chain and by pending votes.
    fn is_unused(&self, vote: &Vote) -> bool {
        let (token, sequence) = (vote.token, vote.sequence);
        !self.chain.uses(token, sequence) && self.pending.of_use(token, sequence).is_none()
    }

    /// Whether an unused vote may become pending: the first change of a vote if the vote before it
    /// is here, further changes if they are allowed in a block made now. Otherwise a person who
    /// stole a code could fill the pool with numbers that nobody reaches.
    fn may_wait(&self, now: Timestamp, vote: &Vote) -> Result<(), CastError> {
        let (token, sequence) = (vote.token, vote.sequence);
        if sequence == 0 || (sequence == 1 && self.pending.of_use(token, 0).is_some()) {
            return Ok(());
        }
        let time = self.block_time(now).unwrap_or(now);
        match self.chain.check_slot(token, sequence, time) {
            Ok(()) | Err(SlotError::Used(_)) => Ok(()),
            Err(SlotError::NoVoteBefore) => Err(CastError::NoVoteBefore { token, sequence }),
            Err(SlotError::TooSoon(earliest)) => Err(CastError::TooSoon { token, earliest }),
        }
    }

    fn add_pending(&mut self, vote: CheckedVote, changes: &mut Changes) {
        changes.store.push(StoreChange::PutPending(vote.id(), vote.vote().clone()));
        self.set.insert(&vote.id());
        if !self.late.is_empty() {
            let slot = (vote.token, vote.sequence);
            self.late.retain(|late| (late.token, late.sequence) != slot);
        }
        self.pending.push(vote);
    }

    fn switched(&mut self, switch: &Switch, cause: Cause, changes: &mut Changes) {
        if let Some(oldest) = switch.removed.last() {
            let below = Height(oldest.header().height.0 - 1);
            changes.store.push(StoreChange::Truncate(below));
        }
        let mut losers = Vec::new();
        for block in &switch.added {
            changes.store.push(StoreChange::Append(Arc::clone(block).into()));
            for (vote, id) in block.votes().iter().zip(block.vote_ids()) {
                if self.pending.remove(id).is_some() {
                    changes.store.push(StoreChange::DropPending(*id));
                    continue;
                }
                self.set.insert(id);
                if let Some(other) = self.pending.of_use(vote.token, vote.sequence) {
                    let other = other.id();
                    losers.extend(self.pending.remove(&other).map(CheckedVote::into_vote));
                    changes.store.push(StoreChange::DropPending(other));
                    self.set.remove(&other);
                    changes.lost.push(other);
                }
            }
        }
        if !self.late.is_empty() {
            let chain = &self.chain;
            self.late.retain(|late| !chain.uses(late.token, late.sequence));
        }
        for block in switch.removed.iter().rev() {
            for vote in block.checked_votes() {
                let id = vote.id();
                if self.is_unused(&vote) {
                    self.add_pending(vote, changes);
                    changes.returned.push(id);
                } else if self.chain.place_of(&id).is_none() {
                    losers.push(vote.into_vote());
                }
            }
        }
        if !switch.removed.is_empty() {
            let set = VoteSet::of(&mut self.vote_ids());
            self.set = set;
        }
        self.look_for_double_votes(&mut losers.iter(), changes);
        let (height, hash) = (self.chain.height(), self.chain.tip().hash());
        changes.tips.push(NewTip { height, hash, abandoned: switch.removed.len(), cause });
        self.apply_seals(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{
        NOW, block_at, block_on,
        rolls::{AFTER, context, context_with, organiser, sealed_of, vote},
    };
    use crate::{
        chain::{
            statements::{Seal, Sealed},
            tree::MAX_ABANDONED,
        },
        election::definition::Counting,
    };

    fn open() -> BallotBox {
        BallotBox::new(context())
    }

    fn cast(here: &mut BallotBox, number: u32, choice: u16) -> Result<VoteId, CastError> {
        let vote = vote(here.chain.context(), number, 0, choice);
        here.cast(NOW, vote).0
    }

    /// A block on the first one, with votes of these voters for this choice.
    fn rival(here: &BallotBox, voters: std::ops::Range<u32>, choice: u16) -> CheckedBlock {
        let context = here.chain.context();
        let votes = voters.map(|number| vote(context, number, 0, choice)).collect();
        let first = here.chain.block_at(Height(1)).unwrap().header().clone();
        block_on(context.election(), &first, votes, |_| ()).check(context).unwrap()
    }

    /// A block on another.
    fn above(here: &BallotBox, parent: &CheckedBlock, number: u32) -> CheckedBlock {
        let context = here.chain.context();
        let votes = vec![vote(context, number, 0, 0)];
        block_on(context.election(), parent.header(), votes, |_| ()).check(context).unwrap()
    }

    #[test]
    fn a_vote_that_is_cast_is_stored_and_passed_on() {
        let mut here = open();
        let vote = vote(&context(), 0, 0, 1);
        let (result, changes) = here.cast(NOW, vote.clone());
        assert_eq!(result, Ok(vote.id()));
        assert!(matches!(changes.store[..], [StoreChange::PutPending(id, _)] if id == vote.id()));
        assert_eq!(changes.votes, [vote]);
    }

    #[test]
    fn a_refused_vote_changes_nothing_but_that_it_may_prove_a_double_vote() {
        let mut here = open();
        assert!(cast(&mut here, 0, 0).is_ok());
        let other = vote(&context(), 0, 0, 1);
        let (result, changes) = here.cast(NOW, other);
        assert!(matches!(result, Err(CastError::AlreadyVoted { sequence: 0, .. })));
        assert_eq!((changes.votes.len(), changes.proofs.len()), (0, 1));
        let (result, changes) = here.cast(AFTER, vote(&context(), 1, 0, 1));
        assert!(matches!(result, Err(CastError::Closed(_))));
        assert!(changes.store.is_empty() && changes.votes.is_empty());
    }

    #[test]
    fn a_block_takes_pending_votes_and_beats_those_with_its_slots() {
        let mut here = open();
        let (stays, loses) = (cast(&mut here, 0, 1).unwrap(), cast(&mut here, 1, 1).unwrap());
        let kept = cast(&mut here, 5, 1).unwrap();
        let block = rival(&here, 0..2, 1);
        let mut votes = block.votes().to_vec();
        votes[1] = vote(&context(), 1, 0, 0);
        let header = block.header().clone();
        let first = here.chain.block_at(Height(1)).unwrap().header().clone();
        let block = block_on(context().election(), &first, votes, |made| {
            made.timestamp = header.timestamp;
        });
        let changes = here.take_block(NOW, block.check(&context()).unwrap()).unwrap();
        assert_eq!(changes.lost, [loses]);
        assert_eq!(changes.proofs.len(), 1, "the voter signed both");
        assert!(here.chain.place_of(&stays).is_some());
        assert_eq!(here.pending.iter().map(CheckedVote::id).collect::<Vec<_>>(), [kept]);
    }

    /// A chain with one vote here, and a better side branch with two others.
    fn torn() -> (BallotBox, CheckedBlock, CheckedBlock) {
        let mut here = open();
        let (ours, better) = (rival(&here, 0..1, 1), rival(&here, 1..3, 0));
        let _ = here.take_block(NOW, ours.clone()).unwrap();
        let changes = here.take_block(NOW, better.clone()).unwrap();
        assert_eq!((changes.tips.len(), changes.merged), (0, 2), "held, and its votes wait here");
        assert!(here.is_merging());
        (here, ours, better)
    }

    /// The first wait if blocks are to come every ten seconds.
    const WAIT: u64 = 120_000;

    fn at(ms: u64) -> Timestamp {
        NOW.plus_ms(ms)
    }

    #[test]
    fn a_better_branch_is_merged_and_no_vote_leaves_the_chain() {
        let (mut here, ours, _) = torn();
        let (header, votes) = here.next_block(NOW).unwrap();
        let mut header = header;
        crate::chain::pow::mine(&mut header);
        let merged = Block::of_checked(header, votes, &context()).unwrap();
        let _ = here.take_block(NOW, merged).unwrap();
        assert!(!here.is_merging(), "the chain here has all, so nothing is better");
        let _ = here.tick(at(MAX_MERGE_MS));
        assert_eq!(here.chain.tally().ballots, 3);
        assert!(here.chain.place_of(&ours.vote_ids()[0]).is_some());
    }

    #[test]
    fn a_branch_that_leads_again_long_after_it_was_merged_waits_anew() {
        let (mut here, ours, better) = torn();
        let (mut header, votes) = here.next_block(NOW).unwrap();
        crate::chain::pow::mine(&mut header);
        let merged = Block::of_checked(header, votes, &context()).unwrap();
        let _ = here.take_block(NOW, merged).unwrap();
        // The earlier wait would be over by now, but there are two more voters.
        let later = at(WAIT + 1);
        let votes = (3..5).map(|number| vote(&context(), number, 0, 0)).collect();
        let next = block_on(context().election(), better.header(), votes, |_| ());
        let changes = here.take_block(later, next.check(&context()).unwrap()).unwrap();
        assert!(changes.tips.is_empty() && here.is_merging());
        assert!(here.tick(at(2 * WAIT)).tips.is_empty());
        assert!(here.chain.place_of(&ours.vote_ids()[0]).is_some());
        let _ = here.tick(at(2 * WAIT + 1));
        assert!(here.chain.place_of(&ours.vote_ids()[0]).is_none());
    }

    #[test]
    fn a_branch_that_could_not_be_merged_is_followed_after_two_minutes_then_ever_later() {
        let (mut here, ours, better) = torn();
        assert_eq!(here.tick(at(WAIT - 1)).tips.len(), 0);
        let changes = here.tick(at(WAIT));
        assert_eq!(here.chain.tip().hash(), better.hash());
        assert_eq!(changes.returned, ours.vote_ids());
        assert!(here.pending.contains(&ours.vote_ids()[0]), "they wait again");
        let truncated = |change: &StoreChange| matches!(change, StoreChange::Truncate(Height(1)));
        assert_eq!(changes.store.iter().filter(|change| truncated(change)).count(), 1);
        // The next one that takes votes out waits twice as long.
        let next = rival(&here, 2..5, 0);
        let _ = here.take_block(at(WAIT), next.clone()).unwrap();
        let _ = here.tick(at(3 * WAIT - 1));
        assert_eq!(here.chain.tip().hash(), better.hash());
        let _ = here.tick(at(3 * WAIT));
        assert_eq!(here.chain.tip().hash(), next.hash());
    }

    #[test]
    fn a_branch_that_repeats_a_vote_from_below_its_fork_moves_nothing() {
        let mut here = open();
        let ours = rival(&here, 0..2, 1);
        let _ = here.take_block(NOW, ours.clone()).unwrap();
        let tip = above(&here, &ours, 2);
        let _ = here.take_block(NOW, tip.clone()).unwrap();
        // As many voters as you like, from votes that everybody has.
        let votes = (0..2).map(|number| vote(&context(), number, 0, 1)).collect();
        let repeated = block_on(context().election(), ours.header(), votes, |_| ());
        let refused = here.take_block(NOW, repeated.check(&context()).unwrap());
        assert!(matches!(refused, Err(LinkError::Slot { .. })), "{refused:?}");
        assert_eq!((here.chain.tip().hash(), here.is_merging()), (tip.hash(), false));
    }

    #[test]
    fn a_side_block_with_the_last_number_locks_nobody_out() {
        let context = context_with(Counting::LastCounts, 6);
        let mut here = BallotBox::new(context.clone());
        let first = here.chain.tip().header().clone();
        let of = |number, sequence| vote(&context, number, sequence, 1);
        let made = |parent: &Header, votes| {
            block_on(context.election(), parent, votes, |_| ()).check(&context).unwrap()
        };
        let ours = made(&first, vec![of(0, 0), of(1, 0)]);
        let _ = here.take_block(NOW, ours.clone()).unwrap();
        let _ = here.take_block(NOW, made(ours.header(), vec![of(2, 0)])).unwrap();
        // It is not better, so nobody checks what its vote depends on.
        let thief = block_at(context.election(), ours.header(), NOW, vec![of(0, 99)], |_| ());
        let _ = here.take_block(NOW, thief.check(&context).unwrap()).unwrap();
        assert!(here.pending.is_empty());
        assert_eq!(here.latest_of(of(0, 0).token).unwrap().1.sequence, 0);
        assert!(here.cast(NOW, of(0, 1)).0.is_ok());
    }

    #[test]
    fn a_change_that_comes_before_the_vote_it_changes_is_taken_with_it() {
        let context = context_with(Counting::LastCounts, 6);
        let mut here = BallotBox::new(context.clone());
        let votes = [1, 0].map(|sequence| vote(&context, 0, sequence, 1));
        let votes = votes.map(|vote| vote.into_checked(&context).unwrap()).to_vec();
        assert_eq!(here.take_votes(NOW, votes).votes.len(), 2);
    }

    #[test]
    fn a_deep_branch_waits_although_it_takes_nothing_out() {
        let context = context_with(Counting::FirstCounts, 40);
        let mut here = BallotBox::new(context.clone());
        let first = here.chain.tip().header().clone();
        let branch = |mut numbers: Vec<u32>| {
            let mut parent = first.clone();
            numbers
                .drain(..)
                .map(|number| {
                    let votes = vec![vote(&context, number, 0, 1)];
                    let made = block_on(context.election(), &parent, votes, |_| ());
                    parent = made.header.clone();
                    made.check(&context).unwrap()
                })
                .collect::<Vec<_>>()
        };
        let deep = u32::try_from(MAX_ABANDONED).unwrap() + 1;
        let later = NOW.plus_ms(10_000_000);
        for block in branch((0..deep).collect()) {
            let _ = here.take_block(later, block).unwrap();
        }
        let theirs = branch((0..=deep).rev().collect());
        let tip = theirs.last().unwrap().hash();
        for block in theirs {
            let _ = here.take_block(later, block).unwrap();
        }
        assert!(here.is_merging() && here.chain.tip().hash() != tip);
        let _ = here.tick(later.plus_ms(WAIT));
        assert_eq!(here.chain.tip().hash(), tip);
    }

    #[test]
    fn a_seal_that_is_awaited_makes_no_other_branch_final() {
        let (mut here, ours, _) = torn();
        let elsewhere = Sealed { tip: BlockHash([7; 32]), ..sealed_of(&here.chain) };
        let seal = Seal::sign(elsewhere, &organiser());
        let _ = here.take_statements(vec![Statement::Seal(seal)]);
        let _ = here.take_block(NOW, rival(&here, 1..4, 0)).unwrap();
        assert_eq!(here.chain.tip().hash(), ours.hash(), "it waits like any other");
    }

    #[test]
    fn a_losing_branch_leaves_its_votes_here() {
        let mut here = open();
        let _ = here.take_block(NOW, rival(&here, 0..3, 1)).unwrap();
        let lost = rival(&here, 3..4, 0);
        let _ = here.take_block(NOW, lost.clone()).unwrap();
        assert!(here.pending.contains(&lost.vote_ids()[0]));
        // Not once votes are no longer taken.
        let late = rival(&here, 4..5, 0);
        let _ = here.take_block(AFTER, late.clone()).unwrap();
        assert!(!here.pending.contains(&late.vote_ids()[0]));
    }

    #[test]
    fn only_votes_that_may_change_something_are_worth_verifying() {
        let mut here = open();
        let of = |number, choice| vote(&context(), number, 0, choice);
        assert!(cast(&mut here, 0, 0).is_ok());
        let worth = |here: &BallotBox, votes: Vec<Vote>| here.worth_verifying(NOW, votes).len();
        assert_eq!(worth(&here, vec![of(0, 0)]), 0, "known");
        assert_eq!(worth(&here, vec![of(1, 0), of(1, 0)]), 1, "twice");
        assert_eq!(worth(&here, vec![of(0, 1)]), 1, "may prove a double vote");
        let _ = here.cast(NOW, of(0, 1));
        assert_eq!(worth(&here, vec![of(0, 1)]), 0, "proven");
    }
}
