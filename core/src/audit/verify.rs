//! Verification from the first block on, check by check, with the words that people read.
//!
//! The page and the command line show the same report, of a file and of the living chain alike.
//! The rules are those of [`Block::check`], [`Ancestry`] and [`Ledger`]: a report only says which of
//! them a chain kept, and for how many blocks and votes. Nothing but the tokens that were used is
//! held, so a file of a million votes is verified as it is read.

use serde::{Deserialize, Serialize};

use crate::{
    audit::archive::Record,
    chain::{
        ancestry::{Ancestry, LinkError},
        block::{Block, BlockError, CheckedBlock, MAX_BLOCK_BYTES},
        ledger::{Ledger, Place},
        statements::{Seal, Statement},
        unverified::check_together,
    },
    crypto::hash::{BlockHash, SealId},
    election::{
        context::ElectionContext,
        definition::{Election, Eligibility},
        roll::{RollBuilder, RollPage},
        tally::Tally,
        token::TokenId,
        vote::VoteError,
    },
    time::Timestamp,
};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was counted holds.
    Pass,
    /// Something does not hold.
    Fail,
    /// It does not apply here.
    Skipped,
    /// An earlier failure made it pointless to go on.
    NotReached,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What was checked.
    pub check: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How many were checked, or why it failed or was skipped.
    pub detail: String,
}

impl Line {
    /// A line.
    pub fn new(check: &str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { check: check.into(), outcome, detail: detail.into() }
    }
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The question, where the format has one.
    pub title: String,
    /// The election's id, in hexadecimal, where the format has one.
    pub election: String,
    /// One line for each check, in order.
    pub lines: Vec<Line>,
    /// The verdict in one sentence.
    pub verdict: String,
    /// Whether every check passed or was skipped.
    pub passed: bool,
    /// Blocks verified, the first included.
    pub blocks: u32,
    /// Votes verified, those that a later one replaced among them.
    pub votes: u64,
    /// Hash of the last block, in hexadecimal, where the format has one.
    pub tip: String,
    /// Height of the sealed block, where there is a seal that holds.
    pub sealed: Option<u32>,
    /// Tokens whose voters signed two ballots.
    pub double_votes: Vec<u64>,
    /// The count, of what was verified: up to the sealed block, where there is one.
    pub tally: Tally,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    File,
    Roll,
    Links,
    Proofs,
    Covered,
    Allowed,
    Signatures,
    Once,
    DoubleVotes,
    Closing,
    Seal,
    Count,
}

const CHECKS: [(Check, &str); 12] = [
    (Check::File, "everything is there"),
    (Check::Roll, "voter roll"),
    (Check::Links, "blocks follow each other"),
    (Check::Proofs, "proofs of work"),
    (Check::Covered, "votes are those that the proofs cover"),
    (Check::Allowed, "votes are allowed by the election"),
    (Check::Signatures, "signatures of the voters"),
    (Check::Once, "no token votes twice"),
    (Check::DoubleVotes, "proofs of double votes"),
    (Check::Closing, "closing by the organiser"),
    (Check::Seal, "seal of the organiser"),
    (Check::Count, "the count"),
];

impl Check {
    fn of(error: &LinkError) -> Self {
        match error {
            LinkError::UnknownParent(_)
            | LinkError::InvalidParent(_)
            | LinkError::Height { .. }
            | LinkError::Old { .. }
            | LinkError::Ahead { .. }
            | LinkError::Block(BlockError::Version { .. } | BlockError::Hours { .. }) => {
                Self::Links
            }
            LinkError::Difficulty { .. } | LinkError::Block(BlockError::Proof(_)) => Self::Proofs,
            LinkError::Block(
                BlockError::VotesRoot(_) | BlockError::Empty(_) | BlockError::TooBig { .. },
            ) => Self::Covered,
            LinkError::Block(BlockError::Vote {
                error: VoteError::Signature(_) | VoteError::Unsigned(_),
                ..
            }) => Self::Signatures,
            LinkError::Block(BlockError::Vote { .. }) => Self::Allowed,
            LinkError::UsedToken { .. } | LinkError::Block(BlockError::RepeatedToken { .. }) => {
                Self::Once
            }
        }
    }
}

/// The first thing that does not hold.
#[derive(Clone, Debug)]
struct Failure {
    check: Check,
    what: String,
}

/// What goes on while the roll is read.
struct Walk {
    context: ElectionContext,
    ancestry: Ancestry,
    ledger: Ledger,
}

/// Verifies an election, record by record, in the order of an audit file.
pub struct Verifier {
    now: Timestamp,
    election: Option<Election>,
    roll: Option<RollBuilder>,
    walk: Option<Walk>,
    /// Seals, and the count at their block once it was reached.
    seals: Vec<(SealId, Seal)>,
    sealed: Option<Tally>,
    seal_problem: Option<String>,
    closed: Option<Timestamp>,
    doubles: Vec<TokenId>,
    failure: Option<Failure>,
    ended: bool,
    /// Blocks that are checked together when there are enough votes, or something else comes.
    waiting: Vec<Block>,
    /// Their votes, and one for each block.
    waiting_weight: usize,
    /// Their bytes: nothing of them is known to be valid.
    waiting_bytes: usize,
}

/// Votes whose signatures are verified together.
pub const TOGETHER: usize = 1024;

impl Verifier {
    /// Begins. `now` is the clock of whoever verifies.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            election: None,
            roll: None,
            walk: None,
            seals: Vec::new(),
            sealed: None,
            seal_problem: None,
            closed: None,
            doubles: Vec::new(),
            failure: None,
            ended: false,
            waiting: Vec::new(),
            waiting_weight: 0,
            waiting_bytes: 0,
        }
    }

    /// Verifies the next record; says whether to go on. A block may be looked at with later ones,
    /// at the latest when the record after the last block, or [`Verifier::broken`], comes.
    pub fn push(&mut self, record: Record) -> bool {
        if self.failure.is_none()
            && let Err(failure) = self.take(record)
        {
            self.failure = Some(failure);
        }
        self.failure.is_none()
    }

    /// Verifies a block that was checked in itself elsewhere, with [`Verifier::context`]. Blocks come
    /// either all here or all to [`Verifier::push`].
    pub fn push_checked(&mut self, block: Result<CheckedBlock, BlockError>) -> bool {
        if self.failure.is_none()
            && let Err(failure) = self.take_block(block)
        {
            self.failure = Some(failure);
        }
        self.failure.is_none()
    }

    /// What blocks are checked with; nothing when what stands before them is broken.
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
        let fail = |what: String| Failure { check: Check::File, what };
        election.validate().map_err(|error| fail(error.to_string()))?;
        if let Eligibility::Roll { root, size, .. } = election.eligibility {
            self.roll = Some(RollBuilder::new(root, size));
        }
        self.election = Some(election);
        Ok(())
    }

    fn take_page(&mut self, page: RollPage) -> Result<(), Failure> {
        let Some(roll) = &mut self.roll else {
            let what = "there are keys, but the election has no voter roll".into();
            return Err(Failure { check: Check::Roll, what });
        };
        let number = u64::from(page.index) + 1;
        if roll.missing().next() != Some(page.index) {
            let what = format!("page {number} is not the next page of the voter roll");
            return Err(Failure { check: Check::Roll, what });
        }
        roll.add(page).map_err(|error| Failure {
            check: Check::Roll,
            what: format!("page {number}: {error}"),
        })
    }

    /// The walk over the blocks, begun when the roll is complete.
    fn walk(&mut self) -> Result<&mut Walk, Failure> {
        if self.walk.is_none() {
            let fail = |what: String| Failure { check: Check::Roll, what };
            let election = self.election.clone();
            let election = election.ok_or_else(|| Failure {
                check: Check::File,
                what: "there is no election".into(),
            })?;
            let roll = self.roll.take().map(RollBuilder::finish).transpose();
            let roll = roll.map_err(|error| fail(error.to_string()))?.flatten();
            if election.has_roll() && roll.is_none() {
                return Err(fail("pages of the voter roll are missing".into()));
            }
            let ancestry = Ancestry::first(&election);
            let ledger = Ledger::forward_only(election.clone());
            let context =
                ElectionContext::new(election, roll).map_err(|error| fail(error.to_string()))?;
            self.walk = Some(Walk { context, ancestry, ledger });
        }
        self.walk.as_mut().ok_or_else(|| unreachable!("it was begun above"))
    }

    fn take_statement(&mut self, statement: &Statement) -> Result<(), Failure> {
        let context = self.walk()?.context.clone();
        self.check_statement(&context, statement)
    }

    fn check_statement(
        &mut self,
        context: &ElectionContext,
        statement: &Statement,
    ) -> Result<(), Failure> {
        let (check, name) = match statement {
            Statement::DoubleVote(double) => {
                (Check::DoubleVotes, format!("the proof against token {}", double.token()))
            }
            Statement::Closing(_) => (Check::Closing, "the closing".into()),
            Statement::Seal(_) => (Check::Seal, "the seal".into()),
        };
        statement
            .check(context)
            .map_err(|error| Failure { check, what: format!("{name}: {error}") })?;
        match statement {
            Statement::DoubleVote(double) => {
                if self.doubles.contains(&double.token()) {
                    let what = format!("{name} stands there twice");
                    return Err(Failure { check, what });
                }
                self.doubles.push(double.token());
            }
            Statement::Closing(closing) => {
                if self.closed.replace(closing.at).is_some() {
                    let what = "there are two closings: nodes keep the earliest alone".into();
                    return Err(Failure { check, what });
                }
            }
            Statement::Seal(seal) => {
                if self.seals.iter().any(|(id, _)| *id == seal.id()) {
                    let what = format!("{name} stands there twice");
                    return Err(Failure { check, what });
                }
                self.seals.push((seal.id(), *seal));
            }
        }
        Ok(())
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
        let result = block.map_err(LinkError::from).and_then(|checked| walk.block(&checked, now));
        let hash = result
            .map_err(|error| Failure { check: Check::of(&error), what: error.to_string() })?;
        self.compare_with_seal(hash);
        Ok(())
    }

    /// At the sealed block: compares height and count.
    fn compare_with_seal(&mut self, hash: BlockHash) {
        let Some((walk, (_, seal))) = self.walk.as_ref().zip(self.seals.first()) else {
            return;
        };
        if seal.tip != hash || self.sealed.is_some() || self.seal_problem.is_some() {
            return;
        }
        let tally = walk.ledger.tally().clone();
        if seal.height != walk.ancestry.height() {
            self.seal_problem = Some(format!(
                "the seal says block {}, but it is over block {}",
                seal.height,
                walk.ancestry.height()
            ));
        } else if seal.tally == tally.hash() {
            self.sealed = Some(tally);
        } else {
            self.seal_problem =
                Some(format!("the seal is over another count than that of block {}", seal.height));
        }
    }

    /// Blocks verified, the first included.
    pub fn blocks(&self) -> u32 {
        self.walk.as_ref().map_or(1, |walk| walk.ancestry.height().0)
    }

    /// Votes verified.
    pub fn votes(&self) -> u64 {
        self.walk.as_ref().map_or(0, |walk| walk.ledger.votes() as u64)
    }

    /// What the seals come to, at the end.
    fn seal_line(&self) -> (Outcome, String) {
        let organiser = self.election.as_ref().is_some_and(|election| election.organiser.is_some());
        match self.seals.as_slice() {
            [] if organiser => (Outcome::Skipped, "the organiser has not sealed the result".into()),
            [] => (
                Outcome::Skipped,
                "this election has no organiser's key, so nobody can seal it".into(),
            ),
            [(_, seal)] => {
                if let Some(problem) = &self.seal_problem {
                    return (Outcome::Fail, problem.clone());
                }
                if self.sealed.is_some() {
                    let after = self.blocks().saturating_sub(seal.height.0);
                    let also = match after {
                        0 => String::new(),
                        1 => "; 1 block after it does not count".into(),
                        n => format!("; {n} blocks after it do not count"),
                    };
                    return (
                        Outcome::Pass,
                        format!("over block {} and its count{also}", seal.height),
                    );
                }
                let what = format!(
                    "the seal is over block {} with the hash {}, which is not in this chain",
                    seal.height,
                    seal.tip.short()
                );
                (Outcome::Fail, what)
            }
            [(_, one), (_, other), ..] => {
                let what = format!(
                    "contested: the organiser signed two seals that differ, over block {} and over block {}",
                    one.height, other.height
                );
                (Outcome::Fail, what)
            }
        }
    }

    fn line(&self, check: Check) -> (Outcome, String) {
        let (blocks, votes) = (self.blocks(), self.votes());
        let election = self.election.as_ref();
        let pass = |detail: String| (Outcome::Pass, detail);
        let skip = |detail: &str| (Outcome::Skipped, detail.to_owned());
        // Nothing checked is nothing earned.
        let no_votes = || skip("there is no vote yet");
        match check {
            Check::File if self.ended => {
                pass("definition, roll, statements and blocks, to the end".into())
            }
            Check::File => skip("the end was not reached"),
            Check::Roll => match election.map(|election| &election.eligibility) {
                Some(Eligibility::Roll { size, .. }) => pass(format!(
                    "{} fit to vote, and the election commits to {}",
                    keys(*size),
                    if *size == 1 { "it" } else { "them" }
                )),
                _ => skip("this election is open: it has no voter roll"),
            },
            Check::Links | Check::Proofs if blocks == 1 => {
                skip("there is no block yet but the first, which the definition gives")
            }
            Check::Links => pass(format!("{blocks} of {blocks}")),
            Check::Covered | Check::Allowed | Check::Signatures | Check::Once | Check::Count
                if votes == 0 =>
            {
                no_votes()
            }
            Check::Proofs => {
                pass(format!("{} of {} (the first block has none)", blocks - 1, blocks - 1))
            }
            Check::Covered | Check::Allowed => pass(format!("{votes} of {votes}")),
            Check::Signatures => match election {
                Some(election) if election.has_roll() => pass(format!("{votes} of {votes}")),
                _ => skip("this election has no voter roll"),
            },
            Check::Once => {
                let voters = self.walk.as_ref().map_or(0, |walk| walk.ledger.tally().ballots);
                match (voters == votes, voters) {
                    (true, 1) => pass("1 token, used once".into()),
                    (true, _) => pass(format!("{votes} tokens, each used once")),
                    (false, _) => pass(format!(
                        "{voters} voters, {} later replaced",
                        votes_in_words(votes - voters)
                    )),
                }
            }
            Check::DoubleVotes => match self.doubles.len() {
                0 if election.is_some_and(Election::has_roll) => skip("none is known here"),
                0 => skip("an open election has none: the first use of a token counts"),
                n => {
                    let tokens: Vec<_> =
                        self.doubles.iter().take(20).map(ToString::to_string).collect();
                    let more = if n > 20 { ", …" } else { "" };
                    pass(format!(
                        "{n} proven, token {}{more}: two different ballots signed by one voter",
                        tokens.join(", ")
                    ))
                }
            },
            Check::Closing => match self.closed {
                Some(at) => pass(format!("signed, at {at}")),
                None => skip("the organiser did not close before the time"),
            },
            Check::Seal => self.seal_line(),
            Check::Count => pass(format!(
                "counted anew from {} of {}",
                votes_in_words(votes),
                voters_in_words(self.tally().ballots)
            )),
        }
    }

    fn tally(&self) -> Tally {
        let counted = self.sealed.clone();
        counted.unwrap_or_else(|| {
            self.walk.as_ref().map(|walk| walk.ledger.tally().clone()).unwrap_or_default()
        })
    }

    /// What was to be verified cannot be read to its end.
    pub fn broken(&mut self, why: impl Into<String>) {
        if self.failure.is_none() {
            let found = self.take_waiting().err();
            let unreadable = Failure { check: Check::File, what: why.into() };
            self.failure = Some(found.unwrap_or(unreadable));
        }
    }

    /// The report on what was verified so far.
    pub fn report(&self) -> Report {
        let mut failed = false;
        let (blocks, votes) = (self.blocks(), self.votes());
        let mut lines = Vec::new();
        let mut problem = None;
        for (check, name) in CHECKS {
            let line = match &self.failure {
                None => {
                    let (outcome, detail) = self.line(check);
                    if outcome == Outcome::Fail {
                        failed = true;
                        problem = Some(detail.clone());
                    }
                    Line::new(name, outcome, detail)
                }
                Some(failure) if failure.check == check => {
                    failed = true;
                    problem = Some(failure.what.clone());
                    Line::new(name, Outcome::Fail, failure.what.clone())
                }
                Some(_) => {
                    let of_blocks = !matches!(
                        check,
                        Check::File
                            | Check::Roll
                            | Check::DoubleVotes
                            | Check::Closing
                            | Check::Seal
                            | Check::Count
                    );
                    let detail = match blocks {
                        1 => "not reached".to_owned(),
                        n if of_blocks => format!("not reached; it held for the {n} blocks before"),
                        _ => "not reached".to_owned(),
                    };
                    Line::new(name, Outcome::NotReached, detail)
                }
            };
            lines.push(line);
        }
        let seal = self.seals.first().filter(|_| self.sealed.is_some() && self.seals.len() == 1);
        let counted = format!(
            "{blocks} {} and {}",
            if blocks == 1 { "block" } else { "blocks" },
            votes_in_words(votes)
        );
        let verdict = match (problem, seal) {
            (Some(problem), _) => format!("Not valid: {problem}."),
            (None, Some((_, seal))) => format!(
                "Verified and sealed: {counted} keep every rule, and the organiser's seal over block {} holds.",
                seal.height
            ),
            (None, None) => {
                format!("Verified: {counted} keep every rule. The result is not sealed.")
            }
        };
        let tip = self.walk.as_ref().map(|walk| walk.ancestry.tip());
        let first = self.election.as_ref().map(|election| Block::genesis(election).hash());
        Report {
            title: self
                .election
                .as_ref()
                .map(|election| election.title.clone())
                .unwrap_or_default(),
            election: self
                .election
                .as_ref()
                .map(|election| election.id().to_string())
                .unwrap_or_default(),
            lines,
            verdict,
            passed: !failed,
            blocks,
            votes,
            tip: tip.or(first).map(|hash| hash.to_string()).unwrap_or_default(),
            sealed: seal.map(|(_, seal)| seal.height.0),
            double_votes: self.doubles.iter().map(|token| token.0).collect(),
            tally: self.tally(),
        }
    }
}

impl Walk {
    fn block(&mut self, checked: &CheckedBlock, now: Timestamp) -> Result<BlockHash, LinkError> {
        let header = checked.header();
        self.ancestry.check_next(self.context.election(), header, now)?;
        let height = header.height;
        for (index, vote) in (0..).zip(checked.votes()) {
            self.ledger.add(vote, Place { height, index }).map_err(|earlier| {
                LinkError::UsedToken {
                    height,
                    number: index as usize + 1,
                    token: vote.token,
                    sequence: vote.sequence,
                    earlier: earlier.height,
                }
            })?;
        }
        self.ancestry.push(header, checked.hash());
        Ok(checked.hash())
    }
}

fn keys(number: u32) -> String {
    format!("{number} {}", if number == 1 { "key is" } else { "keys are" })
}

fn votes_in_words(number: u64) -> String {
    format!("{number} {}", if number == 1 { "vote" } else { "votes" })
}

fn voters_in_words(number: u64) -> String {
    format!("{number} {}", if number == 1 { "voter" } else { "voters" })
}
