//! Verification from the first block on, check by check, with the words that people read.
//!
//! The page and the command line show the same report. The rules are those of [`Chain`]: a report
//! only says which of them a chain kept, and for how many blocks and votes.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, BlockError},
    chain::{Chain, Inserted},
    election::Election,
    lineage::LinkError,
    tally::Tally,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One line for each check, in order.
    pub lines: Vec<Line>,
    /// The verdict in one sentence.
    pub verdict: String,
    /// Whether every check passed or was skipped.
    pub passed: bool,
    /// Blocks verified, the first included.
    pub blocks: u32,
    /// Votes verified.
    pub votes: u64,
    /// Hash of the last block, in hexadecimal, where the format has one.
    pub tip: String,
    /// The count, of what was verified.
    pub tally: Tally,
}

const CHECKS: [&str; 5] = [
    "blocks follow each other",
    "proofs of work",
    "votes are those that the proofs cover",
    "votes are allowed by the election",
    "no token votes twice",
];

/// Which check an error belongs to: an index into `CHECKS`.
fn failed_check(error: &LinkError) -> usize {
    match error {
        LinkError::UnknownParent(_)
        | LinkError::InvalidParent(_)
        | LinkError::Height { .. }
        | LinkError::Old { .. }
        | LinkError::Ahead { .. }
        | LinkError::Block(BlockError::Version { .. } | BlockError::Hours { .. }) => 0,
        LinkError::Difficulty { .. } | LinkError::Block(BlockError::Proof(_)) => 1,
        LinkError::Block(
            BlockError::VotesRoot(_) | BlockError::Empty(_) | BlockError::TooBig { .. },
        ) => 2,
        LinkError::Block(BlockError::Vote { .. }) => 3,
        LinkError::UsedToken { .. } | LinkError::Block(BlockError::RepeatedToken { .. }) => 4,
    }
}

/// Verifies the chain of one election, block by block.
pub struct Verifier {
    chain: Chain,
    now: Timestamp,
    failure: Option<LinkError>,
}

impl Verifier {
    /// Begins at the first block, which the definition gives. `now` is the clock of whoever
    /// verifies.
    pub fn new(election: Election, now: Timestamp) -> Self {
        Self { chain: Chain::new(election), now, failure: None }
    }

    /// Verifies the next block. After a failure further blocks are passed over.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub fn push(&mut self, block: Block) -> Result<(), LinkError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = self.check(block);
        if let Err(error) = &result {
            self.failure = Some(error.clone());
        }
        result
    }

    fn check(&mut self, block: Block) -> Result<(), LinkError> {
        let height = block.header.height;
        if block.header.previous != self.chain.tip().hash() {
            return Err(LinkError::UnknownParent(height));
        }
        let checked = block.check(self.chain.election(), self.chain.id())?;
        match self.chain.insert(checked, self.now)? {
            Inserted::Switched(_) => Ok(()),
            Inserted::Known | Inserted::Beside => Err(LinkError::UnknownParent(height)),
        }
    }

    /// Blocks verified, the first included.
    pub fn blocks(&self) -> u32 {
        self.chain.height().0
    }

    /// Votes verified.
    pub fn votes(&self) -> u64 {
        self.chain.votes() as u64
    }

    /// The verified chain.
    pub fn into_chain(self) -> Chain {
        self.chain
    }

    /// The report on what was verified so far.
    pub fn report(&self) -> Report {
        let (blocks, votes) = (self.blocks(), self.votes());
        let failed = self.failure.as_ref().map(failed_check);
        let counted = [
            format!("{blocks} of {blocks}"),
            format!("{} of {} (the first block has none)", blocks - 1, blocks - 1),
            format!("{votes} of {votes}"),
            format!("{votes} of {votes}"),
            format!("{votes} tokens, each used once"),
        ];
        let mut lines: Vec<_> = CHECKS
            .iter()
            .zip(counted)
            .enumerate()
            .map(|(index, (check, n))| match (&self.failure, failed) {
                (None, _) => Line::new(check, Outcome::Pass, n),
                (Some(error), Some(at)) if at == index => {
                    Line::new(check, Outcome::Fail, error.to_string())
                }
                _ => Line::new(
                    check,
                    Outcome::NotReached,
                    format!("held for the {blocks} blocks before"),
                ),
            })
            .collect();
        lines.push(Line::new("signatures", Outcome::Skipped, "this election has no voter roll"));
        let tally = self.chain.tally().clone();
        let passed = self.failure.is_none();
        let verdict = match &self.failure {
            None => format!("Verified: {blocks} blocks and {votes} votes keep every rule."),
            Some(error) => format!("Not valid: {error}."),
        };
        let tip = self.chain.tip().hash().to_string();
        Report { lines, verdict, passed, blocks, votes, tip, tally }
    }
}
