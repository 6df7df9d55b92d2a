//! What this node has of the election: the chain, pending votes and statements, and what the seals come
//! to.
//!
//! The one place where a vote, a block or a statement becomes a change of state. It knows no peers: it
//! answers with [`Changes`], which the node stores, passes on and tells. Invariants: no pending vote has
//! a slot that the chain uses; the sealing is brought up to date with each change of chain and seals.

mod statements;

use std::{collections::HashSet, sync::Arc};

use super::{
    interface::{CastError, StoreChange},
    pool::PendingVotes,
};
use crate::{
    audit::receipt::{Inclusion, Receipt},
    chain::{
        ancestry::LinkError,
        block::{Block, BlockError, CheckedBlock, MAX_BLOCK_BYTES},
        difficulty::Difficulty,
        header::{HEADER_BYTES, Header, Height},
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
};

/// The chain, pending votes and statements.
pub struct BallotBox {
    chain: Chain,
    pending: PendingVotes,
    statements: StatementBook,
    sealing: Sealing,
}

/// What brought a new tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The block that was taken in.
    Block,
    /// What seals come to: the tip is another block than was heard of.
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
    /// What is to be stored, in this order.
    pub store: Vec<StoreChange>,
    /// Pending votes that are new here.
    pub votes: Vec<Vote>,
    /// Votes that fell out of the chain and are pending again.
    pub returned: Vec<VoteId>,
    /// Pending votes that lost their slot to a vote in the chain.
    pub lost: Vec<VoteId>,
    /// Statements that were taken in.
    pub statements: Vec<Statement>,
    /// Statements that were made here, out of votes that contradict each other.
    pub proofs: Vec<Statement>,
    /// New tips, the last one the best.
    pub tips: Vec<NewTip>,
}

impl BallotBox {
    pub(super) fn new(context: ElectionContext) -> Self {
        Self {
            chain: Chain::new(context),
            pending: PendingVotes::default(),
            statements: StatementBook::default(),
            sealing: Sealing::Unsealed,
        }
    }

    /// Takes in what a store held. Answers with the changes that the seals led to; the
    /// rest is in the store already.
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
                && self.is_unused(&vote).is_ok()
            {
                self.pending.push(vote);
            }
        }
        for statement in statements {
            if statement.check(self.chain.context()).is_ok() {
                let _ = self.statements.add(&statement);
            }
        }
        let mut changes = Changes::default();
        self.apply_seals(&mut changes);
        (result, changes)
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The votes that wait for a block.
    pub fn pending(&self) -> &PendingVotes {
        &self.pending
    }

    /// The signed statements kept here.
    pub fn statements(&self) -> &StatementBook {
        &self.statements
    }

    /// What the organiser's seals come to.
    pub fn sealing(&self) -> &Sealing {
        &self.sealing
    }

    /// Height of the last block that is final.
    pub fn sealed_height(&self) -> Option<Height> {
        self.sealing.sealed().map(|(seal, _)| seal.height)
    }

    /// The result as it counts: up to the sealed block, where there is one.
    pub fn counted(&self) -> &Tally {
        self.sealing.sealed().map_or_else(|| self.chain.tally(), |(_, tally)| tally)
    }

    /// The vote of a token that counts: the last one, up to the sealed block where there is one.
    pub fn counting_vote(&self, token: TokenId) -> Option<VoteId> {
        let height = self.sealed_height().unwrap_or_else(|| self.chain.height());
        self.chain.latest_until(token, height).map(|(id, _)| id)
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

    /// What became of a vote, or nothing when it is not known here.
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

    /// When votes are not taken any more: the election's own time, or the organiser's early
    /// closing.
    pub fn closes(&self) -> Option<Timestamp> {
        let early = self.statements.closing().map(|closing| closing.at);
        self.chain.election().closes.into_iter().chain(early).min()
    }

    /// Whether votes are taken now.
    pub fn hours(&self, now: Timestamp) -> Hours {
        let opens = self.chain.election().opens;
        Hours::at(now, opens, self.closes(), self.chain.is_anchored())
    }

    /// Whether another vote would be taken now, whatever it says.
    pub(super) fn takes_votes(&self, now: Timestamp) -> bool {
        !self.pending.is_full() && self.hours(now).is_open()
    }

    /// Time of a block made now, if one may be made: in the opening hours, and never after a seal.
    /// Votes that were taken before the closing time still get into a block that is dated before
    /// it; an early closing ends the taking of votes, not the mining of those taken.
    pub fn block_time(&self, now: Timestamp) -> Option<Timestamp> {
        let election = self.chain.election();
        let median = self.chain.ancestry(&self.chain.tip().hash())?.median();
        let latest = election.closes.map_or(u64::MAX, |closes| closes.0.saturating_sub(1));
        let time = Timestamp(now.0.min(latest)).max(median.plus_ms(1));
        let begun = election.opens.is_none_or(|opens| now >= opens);
        (begun && election.is_open_at(time) && !self.chain.is_anchored()).then_some(time)
    }

    /// Difficulty that a block made now would have to meet.
    pub fn current_difficulty(&self, now: Timestamp) -> Difficulty {
        let tip = self.chain.tip().header();
        let demanded = tip.demand(now, &self.chain.election().parameters);
        Difficulty((demanded.difficulty.0 >> demanded.easing).max(1))
    }

    /// A block on the tip with the pending votes in order, as many as fit; all but its nonce.
    pub(super) fn next_block(&self, now: Timestamp) -> Option<(Header, Vec<CheckedVote>)> {
        let tip = self.chain.tip();
        let timestamp = self.block_time(now)?;
        let mut bytes = HEADER_BYTES + 4;
        let mut votes = Vec::new();
        for vote in self.pending.iter() {
            bytes += borsh::object_length(vote.vote()).ok()?;
            if bytes > MAX_BLOCK_BYTES {
                break;
            }
            votes.push(vote.clone());
        }
        let parameters = &self.chain.election().parameters;
        let root = Block::votes_root(votes.iter().map(CheckedVote::vote));
        let header = Header::next(tip.header(), root, timestamp, parameters);
        Some((header, votes))
    }

    /// Out of a stranger's votes those that are worth verifying: each is new, or may prove a double
    /// vote. What is known here was verified when it came, and what a proof convicts needs no second
    /// one: a signature costs more than a look.
    pub(super) fn worth_verifying(&self, now: Timestamp, votes: Vec<Vote>) -> Vec<Vote> {
        // Votes that cannot be taken now matter only where they may prove a double vote.
        let taken = self.takes_votes(now);
        let proves = self.chain.context().roll().is_some();
        // Two signatures of one vote are one vote.
        let mut together = HashSet::new();
        votes
            .into_iter()
            .filter(|vote| match self.of_use(vote.token, vote.sequence) {
                // Another signature of the same vote makes no other vote.
                Some((known, _)) if known == vote.id() => false,
                Some(_) => proves && self.statements.double_vote_of(vote.token).is_none(),
                None => proves || taken,
            })
            .filter(|vote| together.insert(vote.id()))
            .collect()
    }

    /// Takes in a vote that is cast here. What is refused changes nothing, but that a double vote is
    /// kept as a proof.
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
        if let Err(error) = self.is_unused(&vote) {
            self.look_for_double_votes(&mut std::iter::once(vote.vote()), changes);
            return Err(error);
        }
        match self.hours(now) {
            Hours::Open(_) => {}
            Hours::Early(opens) => return Err(CastError::NotOpen(opens)),
            Hours::Closed(closes) => return Err(CastError::Closed(closes)),
            Hours::Sealed => return Err(CastError::Sealed),
        }
        if self.pending.is_full() {
            return Err(CastError::Full);
        }
        changes.votes.push(vote.vote().clone());
        self.add_pending(vote, changes);
        Ok(id)
    }

    /// Takes in votes. A used slot, a full pool or closed doors are passed over: honest peers send
    /// that too.
    pub(super) fn take_votes(&mut self, now: Timestamp, votes: Vec<CheckedVote>) -> Changes {
        let mut changes = Changes::default();
        self.look_for_double_votes(&mut votes.iter().map(CheckedVote::vote), &mut changes);
        for vote in votes {
            if self.is_unused(&vote).is_ok() && self.takes_votes(now) {
                changes.votes.push(vote.vote().clone());
                self.add_pending(vote, &mut changes);
            }
        }
        changes
    }

    /// Takes in a block, and follows a change of the chain through the pending votes.
    ///
    /// # Errors
    /// When it does not follow what is here; nothing has changed then.
    pub(super) fn take_block(
        &mut self,
        now: Timestamp,
        block: CheckedBlock,
    ) -> Result<Changes, LinkError> {
        let mut changes = Changes::default();
        let hash = block.hash();
        match self.chain.insert(block, now)? {
            Inserted::Switched(switch) => self.switched(&switch, Cause::Block, &mut changes),
            Inserted::Beside => {
                if let Some(block) = self.chain.block(&hash).cloned() {
                    self.look_for_double_votes(&mut block.open().votes().iter(), &mut changes);
                }
            }
            Inserted::Known => {}
        }
        Ok(changes)
    }

    /// Keeps side blocks of a branch that is being fetched.
    pub(super) fn protect(&mut self, branch: &mut dyn Iterator<Item = BlockHash>) {
        self.chain.protect(branch);
    }

    /// Remembers that a block is not valid: it is not verified again for the next peer.
    pub(super) fn mark_invalid(&mut self, block: BlockHash) {
        self.chain.mark_invalid(block);
    }

    /// Whether a vote's slot is unused in the chain and by pending votes.
    fn is_unused(&self, vote: &Vote) -> Result<(), CastError> {
        let (token, sequence) = (vote.token, vote.sequence);
        match self.of_use(token, sequence) {
            Some((by, _)) => Err(CastError::AlreadyVoted { token, sequence, by }),
            None => Ok(()),
        }
    }

    fn add_pending(&mut self, vote: CheckedVote, changes: &mut Changes) {
        changes.store.push(StoreChange::PutPending(vote.id(), vote.vote().clone()));
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
                } else if let Some(other) = self.pending.of_use(vote.token, vote.sequence) {
                    let other = other.id();
                    losers.extend(self.pending.remove(&other).map(CheckedVote::into_vote));
                    changes.store.push(StoreChange::DropPending(other));
                    changes.lost.push(other);
                }
            }
        }
        for block in switch.removed.iter().rev() {
            for vote in block.checked_votes() {
                let id = vote.id();
                if self.is_unused(&vote).is_ok() {
                    self.add_pending(vote, changes);
                    changes.returned.push(id);
                } else if self.chain.place_of(&id).is_none() {
                    losers.push(vote.into_vote());
                }
            }
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
        NOW, block_on,
        rolls::{AFTER, context, vote},
    };

    fn open() -> BallotBox {
        BallotBox::new(context())
    }

    fn cast(here: &mut BallotBox, number: u32, choice: u16) -> Result<VoteId, CastError> {
        let vote = vote(here.chain.context(), number, 0, choice);
        here.cast(NOW, vote).0
    }

    /// A block on the first one, with the votes of so many voters for this choice.
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

    #[test]
    fn votes_of_an_abandoned_block_are_pending_again() {
        let mut here = open();
        let abandoned = rival(&here, 0..1, 1);
        let dropped = abandoned.vote_ids()[0];
        let better = rival(&here, 1..2, 0);
        let best = above(&here, &better, 2);
        let _ = here.take_block(NOW, abandoned).unwrap();
        let first = here.take_block(NOW, better).unwrap();
        let second = here.take_block(NOW, best).unwrap();
        let returned = [first.returned, second.returned].concat();
        assert_eq!(returned, [dropped]);
        assert!(here.pending.contains(&dropped));
        let store: Vec<_> = [first.store, second.store].into_iter().flatten().collect();
        let truncated = |change: &StoreChange| matches!(change, StoreChange::Truncate(Height(1)));
        assert_eq!(store.iter().filter(|change| truncated(change)).count(), 1);
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
