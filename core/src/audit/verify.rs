//! Verification from the first block on.
//!
//! The page and the command line show the same [`Report`], for a file as well as for the running
//! chain. The rules are those of [`Block::check`], [`Ancestry`] and [`CountedVotes`]: a report only
//! says which of them a chain kept, and for how many blocks and votes. Only the used tokens are
//! kept in memory, so a file of a million votes is verified while it is read.

use crate::{
    audit::{
        archive::Record,
        complaint::{Complaint, ComplaintError, Upheld},
        report::{Check, Failure, Outcome, Passed, Report, Skipped, Unit, Warning},
    },
    chain::{
        acknowledgements::set_root,
        ancestry::{Ancestry, LinkError},
        block::{Block, BlockError, CheckedBlock, MAX_BLOCK_BYTES},
        counted_votes::{CountedVotes, Place, Slot},
        lowest_keys::Added,
        statements::{Seal, Statement, StatementBook, StatementKind},
        unverified_blocks::check_together,
    },
    crypto::hash::{BlockHash, VoteId},
    election::{
        definition::{Election, Eligibility},
        election_context::ElectionContext,
        keepers::Keeper,
        roll::{RollBuilder, RollPage},
        tally::Tally,
        token::TokenId,
    },
    sorted::sorted,
    time::Timestamp,
};

/// The walk over the blocks, which begins when the roll is complete.
struct Walk {
    context: ElectionContext,
    ancestry: Ancestry,
    counted_votes: CountedVotes,
}

/// A complaint, and what the sealed set has in its vote slot.
struct Asked {
    complaint: Complaint,
    in_set: Option<VoteId>,
}

/// A valid seal, and what its block contains.
struct SealedHere {
    seal: Seal,
    tally: Tally,
    /// Votes in its set, and those that a proven double vote kept out of it: an honest keeper
    /// acknowledged no others.
    votes: u32,
}

/// Verifies an election, record by record, in the order of an audit file.
pub struct Verifier {
    now: Timestamp,
    election: Option<Election>,
    roll: Option<RollBuilder>,
    walk: Option<Walk>,
    /// The statements that are in it.
    statements: StatementBook,
    /// The votes so far, until the sealed block was reached.
    ids: Vec<VoteId>,
    /// The valid seal, and what it is over.
    sealed: Option<SealedHere>,
    seal_problem: Option<Failure>,
    doubles: Vec<TokenId>,
    complaints: Vec<Asked>,
    failure: Option<Failure>,
    ended: bool,
    /// Blocks that are checked together as soon as there are enough votes, or something else comes.
    waiting: Vec<Block>,
    /// Their votes, plus one for each block.
    waiting_weight: usize,
    /// Their bytes: they are not known to be valid yet.
    waiting_bytes: usize,
}

/// Votes whose signatures are verified together.
pub const TOGETHER: usize = 1024;

impl Verifier {
    /// Begins. `now` is the clock of the computer that verifies.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            election: None,
            roll: None,
            walk: None,
            statements: StatementBook::default(),
            ids: Vec::new(),
            sealed: None,
            seal_problem: None,
            doubles: Vec::new(),
            complaints: Vec::new(),
            failure: None,
            ended: false,
            waiting: Vec::new(),
            waiting_weight: 0,
            waiting_bytes: 0,
        }
    }

    /// Verifies the next record; returns whether to go on. A block may be checked later, together
    /// with the next ones. It is checked at the latest when the record after the last block comes,
    /// or [`Verifier::broken`] is called.
    pub fn push(&mut self, record: Record) -> bool {
        if self.failure.is_none()
            && let Err(failure) = self.take(record)
        {
            self.failure = Some(failure);
        }
        self.failure.is_none()
    }

    /// Takes a block whose own contents were checked elsewhere with [`Verifier::context`]. Pass
    /// either all blocks here or all to [`Verifier::push`].
    pub fn push_checked(&mut self, block: Result<CheckedBlock, BlockError>) -> bool {
        if self.failure.is_none()
            && let Err(failure) = self.take_block(block)
        {
            self.failure = Some(failure);
        }
        self.failure.is_none()
    }

    /// What blocks are checked with; `None` if something before them is broken.
    pub fn context(&mut self) -> Option<ElectionContext> {
        match self.walk() {
            Ok(walk) => Some(walk.context.clone()),
            Err(failure) => {
                self.failure.get_or_insert(failure);
                None
            }
        }
    }

    fn take(&mut self, record: Record) -> Result<(), Failure> {
        if !matches!(record, Record::Block(_)) {
            self.take_waiting()?;
        }
        match record {
            Record::Election(election) => self.take_election(*election),
            Record::RollPage(page) => self.take_page(page),
            Record::Statement(statement) => self.take_statement(&statement),
            Record::Block(block) => {
                self.waiting_weight += block.votes.len() + 1;
                self.waiting_bytes += block.encoded_len();
                self.waiting.push(block);
                let few = self.waiting_weight < TOGETHER && self.waiting_bytes < MAX_BLOCK_BYTES;
                if few { Ok(()) } else { self.take_waiting() }
            }
            Record::End { .. } => {
                self.ended = true;
                let hash = self.walk()?.ancestry.tip();
                // An election without votes is sealed over its first block.
                self.compare_with_seal(hash);
                Ok(())
            }
        }
    }

    fn take_election(&mut self, election: Election) -> Result<(), Failure> {
        election.validate().map_err(Failure::Election)?;
        if let Eligibility::Roll { root, size, .. } = election.eligibility {
            self.roll = Some(RollBuilder::new(root, size));
        }
        self.election = Some(election);
        Ok(())
    }

    fn take_page(&mut self, page: RollPage) -> Result<(), Failure> {
        let roll = self.roll.as_mut().ok_or(Failure::KeysWithoutRoll)?;
        let number = u64::from(page.index) + 1;
        if roll.missing().next() != Some(page.index) {
            return Err(Failure::PageOrder(number));
        }
        roll.add(page).map_err(|error| Failure::Page(number, error))
    }

    /// The walk over the blocks. It begins when the roll is complete.
    fn walk(&mut self) -> Result<&mut Walk, Failure> {
        if self.walk.is_none() {
            let election = self.election.clone().ok_or(Failure::NoElection)?;
            let roll = self.roll.take().map(RollBuilder::finish).transpose();
            let roll = roll.map_err(|error| Failure::Roll(error.into()))?.flatten();
            if election.has_roll() && roll.is_none() {
                return Err(Failure::PagesMissing);
            }
            let ancestry = Ancestry::first(&election);
            let counted_votes = CountedVotes::forward_only(election.clone());
            let context = ElectionContext::new(election, roll).map_err(Failure::Roll)?;
            self.walk = Some(Walk { context, ancestry, counted_votes });
        }
        self.walk.as_mut().ok_or_else(|| unreachable!("it was begun above"))
    }

    fn take_statement(&mut self, statement: &Statement) -> Result<(), Failure> {
        let (kind, token) = match statement {
            Statement::DoubleVote(double) => (statement.kind(), Some(double.token())),
            Statement::Closing(_) | Statement::Seal(_) | Statement::ClosingList(_) => {
                (statement.kind(), None)
            }
        };
        let checked = statement.check(&self.walk()?.context);
        checked.map_err(|error| Failure::Statement(kind, token, error))?;
        if kind == StatementKind::Closing && self.statements.closing().is_some() {
            return Err(Failure::TwoClosings);
        }
        // A node writes the statements that it keeps, each once.
        match self.statements.add(statement) {
            Added::New => {}
            Added::Known | Added::Replaced(_) => return Err(Failure::StatementTwice(kind, token)),
        }
        self.doubles.extend(token);
        Ok(())
    }

    /// The seals that bind if they are valid: those over the only result.
    fn seals(&self) -> Vec<&Seal> {
        let mut results = self.statements.sealed_results();
        if results.len() == 1 { results.pop().unwrap_or_default() } else { Vec::new() }
    }

    /// The seal that is valid.
    fn seal(&self) -> Option<&Seal> {
        self.sealed.as_ref().map(|sealed| &sealed.seal)
    }

    fn take_waiting(&mut self) -> Result<(), Failure> {
        let blocks = std::mem::take(&mut self.waiting);
        (self.waiting_weight, self.waiting_bytes) = (0, 0);
        if blocks.is_empty() {
            return Ok(());
        }
        let context = self.walk()?.context.clone();
        check_together(blocks, &context).into_iter().try_for_each(|block| self.take_block(block))
    }

    fn take_block(&mut self, block: Result<CheckedBlock, BlockError>) -> Result<(), Failure> {
        let now = self.now;
        let first = self.walk()?.ancestry.tip();
        self.compare_with_seal(first);
        let walk = self.walk()?;
        let checked = block.map_err(LinkError::from).map_err(Failure::Block)?;
        let hash = walk.block(&checked, now).map_err(Failure::Block)?;
        let slots: Vec<_> =
            checked.votes().iter().map(|vote| (vote.token, vote.sequence)).collect();
        self.note_votes(checked.vote_ids(), &slots);
        self.compare_with_seal(hash);
        Ok(())
    }

    /// At the sealed block: compares height, set and count.
    fn compare_with_seal(&mut self, hash: BlockHash) {
        let Some(walk) = self.walk.as_ref().filter(|_| self.sealed.is_none()) else { return };
        let here: Vec<_> = self.seals().into_iter().filter(|it| it.sealed.tip == hash).collect();
        if here.is_empty() {
            return;
        }
        let (tally, found) = (walk.counted_votes.tally(), walk.ancestry.height());
        let ids = sorted(self.ids.clone());
        let set = set_root(&ids);
        let problem = |seal: &Seal| {
            let said = &seal.sealed;
            let both = said.left_out().find(|(id, _)| ids.binary_search(id).is_ok());
            if said.height != found {
                Some(Failure::SealHeight { said: said.height, found })
            } else if said.set != set {
                Some(Failure::SealSet(said.height))
            } else if said.tally != tally.hash() {
                Some(Failure::SealCount(said.height))
            } else {
                both.map(|(id, _)| Failure::SealNames(*id))
            }
        };
        let doubles = self.statements.double_votes();
        let doubles = doubles.flat_map(|double| [double.first.id(), double.second.id()]);
        let kept_out = doubles.filter(|id| ids.binary_search(id).is_err()).count();
        let judged: Vec<_> = here.into_iter().map(|seal| (seal.clone(), problem(seal))).collect();
        let holds = judged.iter().find(|(_, problem)| problem.is_none());
        self.sealed = holds.map(|(seal, _)| SealedHere {
            seal: seal.clone(),
            tally: tally.clone(),
            votes: u32::try_from(ids.len() + kept_out).unwrap_or(u32::MAX),
        });
        let problem = judged.into_iter().find_map(|(_, problem)| problem);
        self.seal_problem = self.seal_problem.take().or(problem);
        if self.sealed.is_some() {
            self.ids = Vec::new();
        }
    }

    /// Takes in complaints. Each is judged when everything was read. Call this before the first
    /// block.
    pub fn complain(&mut self, complaints: Vec<Complaint>) {
        let asked = |complaint| Asked { complaint, in_set: None };
        self.complaints.extend(complaints.into_iter().map(asked));
    }

    /// Notes the votes of a block while the sealed block is not reached.
    fn note_votes(&mut self, ids: &[VoteId], slots: &[Slot]) {
        if self.sealed.is_some() {
            return;
        }
        if !self.seals().is_empty() {
            self.ids.extend(ids);
        }
        for asked in &mut self.complaints {
            let place = slots.iter().position(|slot| *slot == asked.complaint.slot());
            asked.in_set = asked.in_set.or(place.and_then(|place| ids.get(place).copied()));
        }
    }

    /// Judges a complaint.
    fn judge(&self, asked: &Asked) -> Result<Upheld, ComplaintError> {
        let complaint = &asked.complaint;
        let walk = self.walk.as_ref().ok_or(ComplaintError::NotSealed)?;
        let (keeper, at) = complaint.check(&walk.context, &self.statements)?;
        let sealed = self.seal().filter(|_| self.failure.is_none());
        let seal = sealed.ok_or(ComplaintError::NotSealed)?;
        let vote = complaint.vote.id();
        match asked.in_set {
            Some(id) if id == vote => Err(ComplaintError::Counted),
            Some(id) => Err(ComplaintError::OtherBallot(id)),
            None => {
                let left_out = seal.sealed.left_out().find(|(id, _)| **id == vote);
                let reason = left_out.map(|(_, reason)| reason.to_owned());
                Ok(Upheld { vote, keeper, at, reason })
            }
        }
    }

    /// Blocks verified, the first included.
    pub fn blocks(&self) -> u32 {
        self.walk.as_ref().map_or(1, |walk| walk.ancestry.height().0)
    }

    /// Votes verified.
    pub fn votes(&self) -> u64 {
        self.walk.as_ref().map_or(0, |walk| walk.counted_votes.votes() as u64)
    }

    /// What the seals mean, at the end.
    fn of_seals(&self) -> Outcome {
        let organiser = self.election.as_ref().is_some_and(|election| election.organiser.is_some());
        let results = self.statements.sealed_results();
        let first: Vec<_> = results.iter().filter_map(|seals| seals.first()).collect();
        match first.as_slice() {
            [] if organiser => Outcome::Skipped(Skipped::NotSealed),
            [] => Outcome::Skipped(Skipped::NoOrganiser),
            [first] => match (self.seal(), &self.seal_problem) {
                (Some(seal), _) => {
                    let height = seal.sealed.height;
                    let after = self.blocks().saturating_sub(height.0);
                    let left_out = seal.sealed.reasons();
                    Outcome::Passed(Passed::Sealed { height, after, left_out })
                }
                (None, Some(problem)) => Outcome::Failed(problem.clone()),
                (None, None) => {
                    Outcome::Failed(Failure::SealElsewhere(first.sealed.height, first.sealed.tip))
                }
            },
            [one, other, ..] => {
                Outcome::Failed(Failure::Contested(one.sealed.height, other.sealed.height))
            }
        }
    }

    /// What the closing lists of keepers mean.
    fn of_keepers(&self) -> Outcome {
        let keepers = self.election.as_ref().map_or(&[][..], |election| &election.keepers);
        if keepers.is_empty() {
            return Outcome::Skipped(Skipped::NoKeepers);
        }
        let sealed = self.sealed.as_ref().map(|sealed| sealed.votes);
        let (mut signed, mut twice, mut longer) = (Vec::new(), Vec::new(), Vec::new());
        let mut missing = Vec::new();
        for Keeper { name, key, .. } in keepers {
            match self.statements.closing_lists_of(key).as_slice() {
                [] => missing.push(name.clone()),
                [list] if sealed.is_some_and(|sealed| list.votes > sealed) => {
                    longer.push((name.clone(), list.votes));
                }
                [_] => signed.push(name.clone()),
                [_, _, ..] => twice.push(name.clone()),
            }
        }
        match sealed {
            Some(sealed) if !longer.is_empty() => {
                Outcome::Warned(Warning::LongLists { keepers: longer, sealed })
            }
            _ if signed.is_empty() && twice.is_empty() => Outcome::Skipped(Skipped::NoClosingList),
            _ => Outcome::Passed(Passed::ClosingLists { signed, twice, missing }),
        }
    }

    /// How a check ends if nothing failed.
    fn outcome(&self, check: Check) -> Outcome {
        let (blocks, votes) = (self.blocks(), self.votes());
        let voters = self.tally().ballots;
        let election = self.election.as_ref();
        let has_roll = election.is_some_and(Election::has_roll);
        let outcome = match check {
            Check::File if self.ended => Ok(Passed::Whole),
            Check::File => Err(Skipped::NoEnd),
            Check::Roll => match election.map(|election| &election.eligibility) {
                Some(Eligibility::Roll { size, .. }) => Ok(Passed::Keys(*size)),
                Some(Eligibility::Open { .. }) | None => Err(Skipped::NoRoll),
            },
            // If nothing was checked, nothing passes.
            Check::Links | Check::Proofs if blocks == 1 => Err(Skipped::NoBlock),
            Check::Covered | Check::Allowed | Check::Signatures | Check::Once | Check::Count
                if votes == 0 =>
            {
                Err(Skipped::NoVote)
            }
            Check::Links => Ok(Passed::Blocks(blocks)),
            Check::Proofs => Ok(Passed::Proofs(blocks - 1)),
            Check::Signatures if !has_roll => Err(Skipped::NoSignatures),
            Check::Covered | Check::Allowed | Check::Signatures => Ok(Passed::Votes(votes)),
            Check::Once => {
                let voters =
                    self.walk.as_ref().map_or(0, |walk| walk.counted_votes.tally().ballots);
                match votes.saturating_sub(voters) {
                    0 => Ok(Passed::UsedOnce(votes)),
                    replaced => Ok(Passed::Replaced { voters, replaced }),
                }
            }
            Check::DoubleVotes if !self.doubles.is_empty() => {
                Ok(Passed::DoubleVotes(self.doubles.clone()))
            }
            Check::DoubleVotes if has_roll => Err(Skipped::NoDoubleVote),
            Check::DoubleVotes => Err(Skipped::NoDoubleVoteInOpen),
            Check::Closing => {
                let closing = self.statements.closing();
                closing.map(|it| Passed::Closed(it.at)).ok_or(Skipped::NotClosed)
            }
            Check::Keepers => return self.of_keepers(),
            Check::Seal => return self.of_seals(),
            Check::Count => Ok(Passed::Counted { votes, voters }),
        };
        outcome.map_or_else(Outcome::Skipped, Outcome::Passed)
    }

    fn tally(&self) -> Tally {
        let counted = self.sealed.as_ref().map(|sealed| sealed.tally.clone());
        counted.unwrap_or_else(|| {
            self.walk.as_ref().map(|walk| walk.counted_votes.tally().clone()).unwrap_or_default()
        })
    }

    /// What was to be verified cannot be read to its end; `why` gives the reason in words.
    pub fn broken(&mut self, why: impl Into<String>) {
        if self.failure.is_none() {
            let found = self.take_waiting().err();
            self.failure = Some(found.unwrap_or_else(|| Failure::Unreadable(why.into())));
        }
    }

    /// The report on what was verified so far.
    pub fn report(&self) -> Report {
        let blocks = self.blocks();
        let outcome = |check: Check| match &self.failure {
            None => self.outcome(check),
            Some(failure) if failure.check() == check => Outcome::Failed(failure.clone()),
            Some(_) => {
                let held = check.unit() == Unit::Block && blocks > 1;
                Outcome::NotReached { blocks: held.then_some(blocks) }
            }
        };
        let seal = self.seal();
        let election = self.election.as_ref();
        let tip = self.walk.as_ref().map(|walk| walk.ancestry.tip());
        Report {
            title: election.map(|election| election.title.clone()).unwrap_or_default(),
            election: election.map(Election::id),
            checks: Check::ALL.iter().map(|check| (*check, outcome(*check))).collect(),
            blocks,
            votes: self.votes(),
            tip: tip.or_else(|| election.map(|election| Block::genesis(election).hash())),
            sealed: seal.map(|seal| seal.sealed.height),
            complaints: self.complaints.iter().map(|asked| self.judge(asked)).collect(),
            double_votes: self.doubles.clone(),
            tally: self.tally(),
        }
    }
}

impl Walk {
    fn block(&mut self, checked: &CheckedBlock, now: Timestamp) -> Result<BlockHash, LinkError> {
        let header = checked.header();
        self.ancestry.check_block(self.context.election(), checked, now)?;
        let (height, time) = (header.height, header.timestamp);
        for (index, vote) in (0..).zip(checked.votes()) {
            let added = self.counted_votes.add(vote, Place { height, index }, time);
            added.map_err(|error| LinkError::slot(height, index, vote, error))?;
        }
        self.ancestry.push(header, checked.hash());
        Ok(checked.hash())
    }
}
