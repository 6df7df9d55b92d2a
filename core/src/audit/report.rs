//! The report of a verification, as data: which check, how far it got, what is wrong. The page and
//! the command line put it into words.
//!
//! A new check is a row in the table of [`Check`], which says what it looks at. The compiler then
//! asks what it says when it passes, and for its words.

use crate::{
    audit::complaint::{ComplaintError, Upheld},
    chain::{
        ancestry::LinkError,
        block::BlockError,
        header::Height,
        statements::{StatementError, StatementKind},
    },
    crypto::hash::{BlockHash, ElectionId, VoteId},
    election::{
        definition::ElectionError, election_context::ContextError, roll::RollError, tally::Tally,
        token::TokenId, vote::VoteError,
    },
    time::Timestamp,
};

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One block after the other: if a block fails, all blocks before it passed.
    Block,
    /// The whole election.
    Whole,
}

/// The table of checks: each check and what it looks at.
macro_rules! checks {
    ($($(#[$doc:meta])* $check:ident: $unit:ident,)+) => {
        /// What is checked, in the order of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Check {
            $($(#[$doc])* $check,)+
        }

        impl Check {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$check,)+];

            /// What it looks at.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$check => Unit::$unit,)+
                }
            }
        }
    };
}

checks! {
    /// Everything is there, and can be read.
    File: Whole,
    /// The keys of the voter roll.
    Roll: Whole,
    /// Blocks follow each other.
    Links: Block,
    /// Proofs of work.
    Proofs: Block,
    /// Votes are those that the proofs cover.
    Covered: Block,
    /// Votes are allowed by the election.
    Allowed: Block,
    /// Signatures of the voters.
    Signatures: Block,
    /// No token votes twice with the same number.
    Once: Block,
    /// Proofs of double votes.
    DoubleVotes: Whole,
    /// The closing by the organiser.
    Closing: Whole,
    /// The seal of the organiser.
    Seal: Whole,
    /// The closing lists of keepers.
    Keepers: Whole,
    /// The count.
    Count: Whole,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was checked is right.
    Passed(Passed),
    /// This is wrong.
    Failed(Failure),
    /// No rule is broken, but what was found still speaks against the result.
    Warned(Warning),
    /// It does not apply here.
    Skipped(Skipped),
    /// An earlier failure made it pointless to go on. If it is a check of blocks, it passed for
    /// this many blocks before the failure.
    NotReached {
        /// Blocks, the first included; `None` if no block came after it, or if the check is not one
        /// of blocks.
        blocks: Option<u32>,
    },
}

/// What a check found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Definition, roll, statements and blocks, to the end.
    Whole,
    /// This many keys, which the election commits to.
    Keys(u32),
    /// This many blocks, the first included.
    Blocks(u32),
    /// This many proofs of work: one for each block but the first, which has none.
    Proofs(u32),
    /// This many votes.
    Votes(u64),
    /// This many tokens, each used once.
    UsedOnce(u64),
    /// This many voters, and this many of their votes replaced by a later one.
    Replaced {
        /// Voters.
        voters: u64,
        /// Votes that a later one replaced.
        replaced: u64,
    },
    /// These tokens voted twice.
    DoubleVotes(Vec<TokenId>),
    /// The organiser closed at this time.
    Closed(Timestamp),
    /// The organiser sealed this block and its count.
    Sealed {
        /// The block.
        height: Height,
        /// Blocks after it, which are not counted.
        after: u32,
        /// Why the seal leaves votes out, and how many for each reason.
        left_out: Vec<(String, u64)>,
    },
    /// Keepers signed their closing lists.
    ClosingLists {
        /// The names of those who signed one.
        signed: Vec<String>,
        /// The names of those who signed two that differ: their signature is worth nothing.
        twice: Vec<String>,
        /// The names of those whose closing list is not here.
        missing: Vec<String>,
    },
    /// The tally counts the votes of this many voters.
    Counted {
        /// Votes.
        votes: u64,
        /// Voters.
        voters: u64,
    },
}

/// What speaks against a result although no rule is broken. It cannot be made a rule: a keeper can
/// lie, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// These keepers list more votes than an honest list can have: only votes that were sealed, and
    /// those that are the other half of a proven double vote.
    LongLists {
        /// Name, and how many votes are on the list.
        keepers: Vec<(String, u32)>,
        /// How many votes can be on an honest list.
        sealed: u32,
    },
}

/// Why a check does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The end was not reached.
    NoEnd,
    /// The election is open: it has no voter roll.
    NoRoll,
    /// The same, so votes have no signature.
    NoSignatures,
    /// There is only the first block, which follows from the definition.
    NoBlock,
    /// There is no vote.
    NoVote,
    /// No double vote is known here.
    NoDoubleVote,
    /// An open election has no double votes.
    NoDoubleVoteInOpen,
    /// The organiser did not close it early.
    NotClosed,
    /// The organiser has not sealed the result.
    NotSealed,
    /// Nobody can seal it.
    NoOrganiser,
    /// The definition names no keeper.
    NoKeepers,
    /// No keeper's closing list is here.
    NoClosingList,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be read to its end. The reason comes from the reader of the file.
    Unreadable(String),
    /// There is no election.
    NoElection,
    /// The definition breaks a rule.
    Election(ElectionError),
    /// There are keys, but the election has no voter roll.
    KeysWithoutRoll,
    /// This page, counted from 1, is not the next one of the voter roll.
    PageOrder(u64),
    /// This page, counted from 1, is not valid.
    Page(u64, RollError),
    /// Pages of the voter roll are missing.
    PagesMissing,
    /// The voter roll is not valid, or does not fit the election.
    Roll(ContextError),
    /// A block or something in it breaks a rule.
    Block(LinkError),
    /// A statement proves nothing; a double vote is named by its token.
    Statement(StatementKind, Option<TokenId>, StatementError),
    /// The same statement is there twice.
    StatementTwice(StatementKind, Option<TokenId>),
    /// There are two closings: nodes keep only the earliest.
    TwoClosings,
    /// The seal states another height than its block has.
    SealHeight {
        /// What it says.
        said: Height,
        /// What the block has.
        found: Height,
    },
    /// The seal is over another set of votes than its block has.
    SealSet(Height),
    /// The seal lists this vote as left out, but it is in its set.
    SealNames(VoteId),
    /// The seal is over another count than its block has.
    SealCount(Height),
    /// The seal is over a block that is not in this chain.
    SealElsewhere(Height, BlockHash),
    /// The organiser signed two seals that differ, over these blocks.
    Contested(Height, Height),
}

impl Failure {
    /// The check that failed.
    pub fn check(&self) -> Check {
        match self {
            Self::Unreadable(_) | Self::NoElection | Self::Election(_) => Check::File,
            Self::KeysWithoutRoll
            | Self::PageOrder(_)
            | Self::Page(..)
            | Self::PagesMissing
            | Self::Roll(_) => Check::Roll,
            Self::Block(error) => check_of(error),
            Self::Statement(kind, ..) | Self::StatementTwice(kind, _) => match kind {
                StatementKind::DoubleVote => Check::DoubleVotes,
                StatementKind::Closing => Check::Closing,
                StatementKind::Seal => Check::Seal,
                StatementKind::ClosingList => Check::Keepers,
            },
            Self::TwoClosings => Check::Closing,
            Self::SealHeight { .. }
            | Self::SealSet(_)
            | Self::SealNames(_)
            | Self::SealCount(_)
            | Self::SealElsewhere(..)
            | Self::Contested(..) => Check::Seal,
        }
    }
}

fn check_of(error: &LinkError) -> Check {
    match error {
        LinkError::UnknownParent(_)
        | LinkError::InvalidParent(_)
        | LinkError::Height { .. }
        | LinkError::Old { .. }
        | LinkError::Counts { .. }
        | LinkError::Ahead { .. }
        | LinkError::Block(BlockError::Version { .. } | BlockError::Time { .. }) => Check::Links,
        LinkError::Difficulty { .. } | LinkError::Block(BlockError::Proof(_)) => Check::Proofs,
        LinkError::Block(
            BlockError::VotesRoot(_) | BlockError::Empty(_) | BlockError::TooBig { .. },
        ) => Check::Covered,
        LinkError::Block(BlockError::Vote { error, .. }) => match error {
            VoteError::Signature(_) | VoteError::Unsigned(_) => Check::Signatures,
            VoteError::OtherElection(_)
            | VoteError::NoSuchToken { .. }
            | VoteError::Sequence { .. }
            | VoteError::Ballot(_)
            | VoteError::NeedlesslySigned => Check::Allowed,
        },
        LinkError::Slot { .. } | LinkError::Block(BlockError::RepeatedToken { .. }) => Check::Once,
    }
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The title, once it was read.
    pub title: String,
    /// The election's id, once it was read.
    pub election: Option<ElectionId>,
    /// How each check ended, in the order of [`Check::ALL`].
    pub checks: Vec<(Check, Outcome)>,
    /// Blocks verified, the first included.
    pub blocks: u32,
    /// Votes verified, including those that a later one replaced.
    pub votes: u64,
    /// Hash of the last block verified.
    pub tip: Option<BlockHash>,
    /// Height of the sealed block, if there is a valid seal.
    pub sealed: Option<Height>,
    /// Tokens whose voters signed two ballots.
    pub double_votes: Vec<TokenId>,
    /// The outcome of each complaint, in the order in which they were made.
    pub complaints: Vec<Result<Upheld, ComplaintError>>,
    /// The count of what was verified: up to the sealed block, if there is one.
    pub tally: Tally,
}

impl Report {
    /// The first thing that is wrong.
    pub fn failure(&self) -> Option<&Failure> {
        self.checks.iter().find_map(|(_, outcome)| match outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Passed(_)
            | Outcome::Warned(_)
            | Outcome::Skipped(_)
            | Outcome::NotReached { .. } => None,
        })
    }

    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        self.failure().is_none()
    }

    /// Whether something speaks against the result although no rule is broken: a check warned, or a
    /// complaint is upheld.
    pub fn disputed(&self) -> bool {
        let warned = self.checks.iter().any(|(_, outcome)| matches!(outcome, Outcome::Warned(_)));
        self.passed() && (warned || self.complaints.iter().any(Result::is_ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_belongs_to_the_check_that_it_breaks() {
        let (height, token) = (Height(2), TokenId(1));
        let vote = |error| {
            Failure::Block(LinkError::Block(BlockError::Vote { height, number: 1, token, error }))
        };
        let (kind, twice) = (StatementKind::Seal, StatementKind::DoubleVote);
        for (failure, check) in [
            (Failure::NoElection, Check::File),
            (Failure::PagesMissing, Check::Roll),
            (Failure::Block(LinkError::UnknownParent(height)), Check::Links),
            (Failure::Block(LinkError::Block(BlockError::Proof(height))), Check::Proofs),
            (Failure::Block(LinkError::Block(BlockError::VotesRoot(height))), Check::Covered),
            (vote(VoteError::NeedlesslySigned), Check::Allowed),
            (vote(VoteError::Signature(token)), Check::Signatures),
            (Failure::StatementTwice(twice, Some(token)), Check::DoubleVotes),
            (Failure::TwoClosings, Check::Closing),
            (Failure::Statement(kind, None, StatementError::NoOrganiser), Check::Seal),
            (Failure::Contested(height, height), Check::Seal),
        ] {
            assert_eq!(failure.check(), check, "{failure:?}");
        }
    }

    #[test]
    fn checks_of_votes_and_links_go_block_by_block() {
        let blocks = Check::ALL.iter().filter(|check| check.unit() == Unit::Block).count();
        assert_eq!((blocks, Check::ALL.len()), (6, 13));
    }
}
