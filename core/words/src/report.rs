//! The report of a verification in words: one line for each check, and a verdict.

use blockvote_core::{
    audit::{
        complaint::{ComplaintError, Upheld},
        python_chain::{SeedCheck, SeedFailure, SeedReport},
        report::{Check, Failure, Outcome, Passed, Report, Skipped, Warning},
    },
    chain::statements::StatementKind,
    election::{tally::Tally, token::TokenId},
};
use serde::{Deserialize, Serialize};

use crate::{Words, counted, standing::list};

/// How a check ended, as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Everything that was counted holds.
    Pass,
    /// It holds, and speaks against the result.
    Warn,
    /// Something does not hold.
    Fail,
    /// It does not apply here.
    Skipped,
    /// An earlier failure made it pointless to go on, or it is under way.
    NotReached,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What was checked.
    pub check: String,
    /// How it ended.
    pub outcome: Ended,
    /// How many were checked, or why it failed or was skipped.
    pub detail: String,
}

/// A report in words. `blockvote verify --json` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordedReport {
    /// The question, where the format has one.
    pub title: String,
    /// The election's id, in hexadecimal, where the format has one.
    pub election: String,
    /// One line for each check, in order, but what failed first.
    pub lines: Vec<Line>,
    /// The verdict in one sentence.
    pub verdict: String,
    /// Whether no check failed.
    pub passed: bool,
    /// Whether something speaks against the result though every rule is kept: a check warned, or a
    /// complaint holds.
    pub disputed: bool,
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
    /// What each complaint comes to, in the order in which they were put.
    pub complaints: Vec<Judged>,
    /// The count, of what was verified: up to the sealed block, where there is one.
    pub tally: Tally,
}

/// What a complaint comes to, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Whether it holds.
    pub holds: bool,
    /// In one sentence.
    pub words: String,
}

/// The name of a check.
fn name(check: Check) -> &'static str {
    match check {
        Check::File => "everything is there",
        Check::Roll => "voter roll",
        Check::Links => "blocks follow each other",
        Check::Proofs => "proofs of work",
        Check::Covered => "votes are those that the proofs cover",
        Check::Allowed => "votes are allowed by the election",
        Check::Signatures => "signatures of the voters",
        Check::Once => "no token votes twice",
        Check::DoubleVotes => "proofs of double votes",
        Check::Closing => "closing by the organiser",
        Check::Seal => "seal of the organiser",
        Check::Keepers => "closing lists of keepers",
        Check::Count => "the count",
    }
}

/// Reasons of a seal that are listed.
const MAX_REASONS: usize = 20;

impl Words for Passed {
    fn words(&self) -> String {
        match self {
            Self::Whole => "definition, roll, statements and blocks, to the end".into(),
            Self::Keys(size) => format!(
                "{size} {} fit to vote, and the election commits to {}",
                if *size == 1 { "key is" } else { "keys are" },
                if *size == 1 { "it" } else { "them" }
            ),
            Self::Blocks(blocks) => format!("{blocks} of {blocks}"),
            Self::Proofs(proofs) => format!("{proofs} of {proofs} (the first block has none)"),
            Self::Votes(votes) => format!("{votes} of {votes}"),
            Self::UsedOnce(1) => "1 token, used once".into(),
            Self::UsedOnce(tokens) => format!("{tokens} tokens, each used once"),
            Self::Replaced { voters, replaced } => {
                let (voters, replaced) = (counted(*voters, "voter"), counted(*replaced, "vote"));
                format!("{voters}, {replaced} later replaced")
            }
            Self::DoubleVotes(tokens) => {
                let shown: Vec<_> = tokens.iter().take(20).map(TokenId::to_string).collect();
                let more = if tokens.len() > 20 { ", …" } else { "" };
                format!(
                    "{} proven, token {}{more}: two different ballots signed by one voter",
                    tokens.len(),
                    shown.join(", ")
                )
            }
            Self::Closed(at) => format!("signed, at {at}"),
            Self::ClosingLists { signed, twice, missing } => {
                let one = (!signed.is_empty()).then(|| format!("signed by {}", names(signed)));
                let two = (!twice.is_empty()).then(|| {
                    format!(
                        "{} signed two that differ, so what it acknowledged counts for nothing",
                        names(twice)
                    )
                });
                let none = (!missing.is_empty())
                    .then(|| format!("that of {} is not here", names(missing)));
                one.into_iter().chain(two).chain(none).collect::<Vec<_>>().join("; ")
            }
            Self::Sealed { height, after, left_out } => {
                let also = match after {
                    0 => None,
                    1 => Some("1 block after it does not count".to_owned()),
                    blocks => Some(format!("{blocks} blocks after it do not count")),
                };
                let left = |(reason, votes): &(String, u64)| {
                    format!("left out, as “{reason}”: {}", counted(*votes, "vote"))
                };
                let more = left_out.len().saturating_sub(MAX_REASONS);
                let more =
                    (more > 0).then(|| format!("and for {}", counted(more as u64, "more reason")));
                let over = format!("over block {height}, its votes and their count");
                let left_out = left_out.iter().take(MAX_REASONS).map(left);
                let parts = std::iter::once(over).chain(also).chain(left_out).chain(more);
                parts.collect::<Vec<_>>().join("; ")
            }
            Self::Counted { votes, voters } => format!(
                "counted again from {} of {}",
                counted(*votes, "vote"),
                counted(*voters, "voter")
            ),
        }
    }
}

fn names(names: &[String]) -> String {
    list(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

impl Words for Warning {
    fn words(&self) -> String {
        let Self::LongLists { keepers, sealed } = self;
        let longer = keepers.iter().map(|(name, listed)| {
            let missing = listed.saturating_sub(*sealed);
            format!(
                "that of {name} holds {}, and {sealed} were sealed: at least {} that it acknowledged {} not counted, unless its list is false",
                counted((*listed).into(), "vote"),
                counted(missing.into(), "vote"),
                if missing == 1 { "is" } else { "are" }
            )
        });
        longer.collect::<Vec<_>>().join("; ")
    }
}

impl Words for Skipped {
    fn words(&self) -> String {
        match self {
            Self::NoEnd => "the end was not reached",
            Self::NoRoll => "this election is open: it has no voter roll",
            Self::NoSignatures => "this election has no voter roll",
            Self::NoBlock => "there is no block yet but the first, which the definition gives",
            Self::NoVote => "there is no vote yet",
            Self::NoDoubleVote => "none is known here",
            Self::NoDoubleVoteInOpen => {
                "an open election has none: the first use of a token counts"
            }
            Self::NotClosed => "the organiser did not close it early",
            Self::NotSealed => "the organiser has not sealed the result",
            Self::NoKeepers => "this election names no keeper",
            Self::NoClosingList => "none is here",
            Self::NoOrganiser => "this election has no organiser's key, so nobody can seal it",
        }
        .into()
    }
}

fn statement(kind: StatementKind, token: Option<TokenId>) -> String {
    match token {
        Some(token) => format!("the proof against token {token}"),
        None => format!("the {}", kind.words()),
    }
}

impl Words for Failure {
    fn words(&self) -> String {
        match self {
            Self::Unreadable(why) => why.clone(),
            Self::NoElection => "there is no election".into(),
            Self::Election(error) => error.words(),
            Self::KeysWithoutRoll => "there are keys, but the election has no voter roll".into(),
            Self::PageOrder(page) => {
                format!("page {page} is not the next page of the voter roll")
            }
            Self::Page(page, error) => format!("page {page}: {}", error.words()),
            Self::PagesMissing => "pages of the voter roll are missing".into(),
            Self::Roll(error) => error.words(),
            Self::Block(error) => error.words(),
            Self::Statement(kind, Some(token), error) => {
                format!("{}: {}", statement(*kind, Some(*token)), error.words())
            }
            // The error says of what it speaks.
            Self::Statement(_, None, error) => error.words(),
            Self::StatementTwice(kind, token) => {
                format!("{} is there twice", statement(*kind, *token))
            }
            Self::TwoClosings => "there are two closings: nodes keep the earliest alone".into(),
            Self::SealHeight { said, found } => {
                format!("the seal says block {said}, but it is over block {found}")
            }
            Self::SealSet(height) => {
                format!("the seal is over another set of votes than that of block {height}")
            }
            Self::SealNames(vote) => {
                format!("the seal names the vote {vote} as left out, and it is in its set")
            }
            Self::SealCount(height) => {
                format!("the seal is over another count than that of block {height}")
            }
            Self::SealElsewhere(height, hash) => format!(
                "the seal is over block {height} with the hash {}, which is not in this chain",
                hash.short()
            ),
            Self::Contested(one, other) => format!(
                "contested: the organiser signed two seals that differ, over block {one} and over block {other}"
            ),
        }
    }
}

fn judged(complaint: &Result<Upheld, ComplaintError>) -> Judged {
    let words = match complaint {
        Ok(upheld) => upheld.words(),
        Err(error) => format!("The complaint does not hold: {}.", error.words()),
    };
    Judged { holds: complaint.is_ok(), words }
}

fn line(check: &str, outcome: &Outcome) -> Line {
    let (outcome, detail) = match outcome {
        Outcome::Passed(passed) => (Ended::Pass, passed.words()),
        Outcome::Warned(warning) => (Ended::Warn, warning.words()),
        Outcome::Failed(failure) => (Ended::Fail, failure.words()),
        Outcome::Skipped(skipped) => (Ended::Skipped, skipped.words()),
        Outcome::NotReached { blocks: None } => {
            (Ended::NotReached, "another check failed first".to_owned())
        }
        Outcome::NotReached { blocks: Some(blocks) } => {
            (Ended::NotReached, format!("held for the {blocks} blocks before"))
        }
    };
    Line { check: check.into(), outcome, detail }
}

/// In their order, but what failed is read first.
fn failed_first(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(|line| line.outcome != Ended::Fail);
    lines
}

impl From<&Report> for WordedReport {
    fn from(report: &Report) -> Self {
        let counted = format!(
            "{} and {}",
            counted(report.blocks.into(), "block"),
            counted(report.votes, "vote")
        );
        let mut verdict = match (report.failure(), report.sealed) {
            (Some(failure), _) => format!("Not valid: {}.", failure.words()),
            (None, Some(height)) => format!(
                "Verified and sealed: {counted} keep every rule, and the organiser's seal over block {height} holds."
            ),
            (None, None) => {
                format!("Verified: {counted} keep every rule. The result is not sealed.")
            }
        };
        if report.disputed() {
            let warned = |(_, outcome): &&(Check, Outcome)| matches!(outcome, Outcome::Warned(_));
            let warned = report.checks.iter().filter(warned).map(|(check, _)| name(*check));
            let complaint = report.complaints.iter().any(Result::is_ok);
            let complaint = complaint.then_some("a complaint that holds");
            let against: Vec<_> = warned.chain(complaint).collect();
            let against = list(&against);
            verdict = format!("{verdict} Yet this speaks against the result: {against}.");
        }
        Self {
            title: report.title.clone(),
            election: report.election.map(|id| id.to_string()).unwrap_or_default(),
            lines: failed_first(report.checks.iter().map(|(check, how)| line(name(*check), how))),
            verdict,
            passed: report.passed(),
            disputed: report.disputed(),
            blocks: report.blocks,
            votes: report.votes,
            tip: report.tip.map(|hash| hash.to_string()).unwrap_or_default(),
            sealed: report.sealed.map(|height| height.0),
            double_votes: report.double_votes.iter().map(|token| token.0).collect(),
            complaints: report.complaints.iter().map(judged).collect(),
            tally: report.tally.clone(),
        }
    }
}

impl Words for SeedFailure {
    fn words(&self) -> String {
        match self {
            Self::NoIndex(block) => format!("block {block} has no index"),
            Self::Index { block, index } => format!(
                "block {block} has the index {index}: blocks were swapped, added or left out"
            ),
            Self::NoProof(block) => format!("block {block} has no proof"),
            Self::Hash(block) => {
                let before = block - 1;
                format!("block {before} was changed: block {block} holds another hash of it")
            }
            Self::Proof { block, proof } => {
                format!("block {block}: the proof {proof} does not hold")
            }
            Self::NoVotes(block) => format!("block {block} has no list of votes"),
            Self::Vote { block, vote } => {
                format!("block {block} holds a vote without token_id or selection: {vote}")
            }
            Self::UsedToken { block, token, earlier } => {
                format!("block {block}: the token_id {token} already voted in block {earlier}")
            }
        }
    }
}

fn seed_line(report: &SeedReport, check: SeedCheck) -> Line {
    let SeedReport { all, blocks, votes, failure, .. } = report;
    let (linked, links) = (blocks.saturating_sub(1), all.saturating_sub(1));
    let (name, counted) = match check {
        SeedCheck::Indexes => ("indexes count from 1", format!("{blocks} of {all}")),
        SeedCheck::Hashes => {
            ("blocks hold the hash of the block before", format!("{linked} of {links}"))
        }
        SeedCheck::Proofs => ("proofs", format!("{linked} of {links} (the first block has none)")),
        SeedCheck::Once => ("no token votes twice", format!("{votes} tokens, each used once")),
        SeedCheck::LastVotes => {
            let why = "the seed's proof does not cover them: a change there cannot be found from this file";
            let check = "votes of the last block".into();
            return Line { check, outcome: Ended::Skipped, detail: why.into() };
        }
    };
    let (outcome, detail) = match failure {
        None => (Ended::Pass, counted),
        Some(failure) if failure.check() == check => (Ended::Fail, failure.words()),
        Some(_) => (Ended::NotReached, format!("held for the {blocks} blocks before")),
    };
    Line { check: name.into(), outcome, detail }
}

impl From<&SeedReport> for WordedReport {
    fn from(report: &SeedReport) -> Self {
        let (blocks, votes) = (report.blocks, report.votes);
        let verdict = match &report.failure {
            None => format!(
                "Verified by the seed's rules: {blocks} blocks and {votes} votes; the last block's votes are covered by no proof."
            ),
            Some(failure) => format!("Not valid: {}.", failure.words()),
        };
        Self {
            lines: failed_first(SeedCheck::ALL.iter().map(|check| seed_line(report, *check))),
            verdict,
            passed: report.failure.is_none(),
            blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
            votes,
            tip: report.tip.clone(),
            tally: report.tally.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use blockvote_core::chain::statements::StatementError;

    use super::*;

    #[test]
    fn a_statement_is_named_once() {
        let (kind, token) = (StatementKind::Closing, TokenId(7));
        let closing = Failure::Statement(kind, None, StatementError::Signature(kind));
        assert_eq!(closing.words(), "the closing is not signed by the organiser of this election");
        let kind = StatementKind::DoubleVote;
        let double = Failure::Statement(kind, Some(token), StatementError::NotDouble);
        assert_eq!(
            double.words(),
            "the proof against token 7: the two votes are not a double vote"
        );
    }

    #[test]
    fn one_is_not_said_as_many() {
        let words = |voters, replaced| Passed::Replaced { voters, replaced }.words();
        assert_eq!(words(1, 1), "1 voter, 1 vote later replaced");
        assert_eq!(words(3, 2), "3 voters, 2 votes later replaced");
    }
}
