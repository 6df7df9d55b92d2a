//! The report of a verification, as data: which check, how far, what does not hold. The words for it are
//! made where people are.
//!
//! A new check is a row of the table of [`Check`], which says what it looks at; the compiler asks for how
//! it passes, and for its words.

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
    /// One block after the other: where something fails, it held for the blocks before.
    Block,
    /// The whole.
    Whole,
}

/// The table of checks: what each is, and what it looks at.
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
    /// No token votes twice.
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
    /// Everything that was counted holds.
    Passed(Passed),
    /// This does not hold.
    Failed(Failure),
    /// It holds, and what it found speaks against the result all the same.
    Warned(Warning),
    /// It does not apply here.
    Skipped(Skipped),
    /// An earlier failure made it pointless to go on. A check of blocks held for so many before it.
    NotReached {
        /// Blocks, the first included; nothing where there was none after it, or the check is not one of
        /// blocks.
        blocks: Option<u32>,
    },
}

/// What holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Definition, roll, statements and blocks, to the end.
    Whole,
    /// So many keys, to which the election commits.
    Keys(u32),
    /// So many blocks, the first included.
    Blocks(u32),
    /// So many proofs of work: of each block but the first, which has none.
    Proofs(u32),
    /// So many votes.
    Votes(u64),
    /// So many tokens, each used once.
    UsedOnce(u64),
    /// So many voters, of whose votes so many were replaced by a later one.
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
        /// Blocks after it, which do not count.
        after: u32,
        /// Why the seal leaves votes out, and how many for each reason.
        left_out: Vec<(String, u64)>,
    },
    /// Keepers signed their closing lists.
    ClosingLists {
        /// The names of those who signed one.
        signed: Vec<String>,
        /// The names of those who signed two that differ: their word counts for nothing.
        twice: Vec<String>,
        /// The names of those of whom none is here.
        missing: Vec<String>,
    },
    /// The count comes to the votes of so many voters.
    Counted {
        /// Votes.
        votes: u64,
        /// Voters.
        voters: u64,
    },
}

/// What speaks against a result in which every rule is kept. No rule can be made of it: a keeper, too, can
/// lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Keepers of these names list more votes than were sealed: so many, where so many were sealed, or are
    /// the other half of a proven double vote.
    LongLists {
        /// Name, and how many votes it lists.
        keepers: Vec<(String, u32)>,
        /// How many can be on an honest list.
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
    /// The same, so votes carry no signature.
    NoSignatures,
    /// There is no block but the first, which the definition gives.
    NoBlock,
    /// There is no vote.
    NoVote,
    /// No double vote is known here.
    NoDoubleVote,
    /// An open election has none.
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

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be read to its end; why is said by whoever reads.
    Unreadable(String),
    /// There is no election.
    NoElection,
    /// The definition breaks a rule.
    Election(ElectionError),
    /// There are keys, but the election has no voter roll.
    KeysWithoutRoll,
    /// This page, counted from 1, is not the next one of the voter roll.
    PageOrder(u64),
    /// This page, counted from 1, does not hold.
    Page(u64, RollError),
    /// Pages of the voter roll are missing.
    PagesMissing,
    /// The voter roll, or what it makes of the election, does not hold.
    Roll(ContextError),
    /// A block or what is in it breaks a rule.
    Block(LinkError),
    /// A statement proves nothing; a double vote is told by its token.
    Statement(StatementKind, Option<TokenId>, StatementError),
    /// The same statement is there twice.
    StatementTwice(StatementKind, Option<TokenId>),
    /// There are two closings: nodes keep the earliest alone.
    TwoClosings,
    /// The seal says another height than that of its block.
    SealHeight {
        /// What it says.
        said: Height,
        /// What the block has.
        found: Height,
    },
    /// The seal is over another set of votes than that of its block.
    SealSet(Height),
    /// The seal names this vote as left out, and it is in its set.
    SealNames(VoteId),
    /// The seal is over another count than that of its block.
    SealCount(Height),
    /// The seal is over a block that is not in this chain.
    SealElsewhere(Height, BlockHash),
    /// The organiser signed two seals that differ, over these blocks.
    Contested(Height, Height),
}

impl Failure {
    /// The check that it breaks.
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
    /// The question, once it was read.
    pub title: String,
    /// The election's id, once it was read.
    pub election: Option<ElectionId>,
    /// How each check ended, in the order of [`Check::ALL`].
    pub checks: Vec<(Check, Outcome)>,
    /// Blocks verified, the first included.
    pub blocks: u32,
    /// Votes verified, those that a later one replaced among them.
    pub votes: u64,
    /// Hash of the last block verified.
    pub tip: Option<BlockHash>,
    /// Height of the sealed block, where there is a seal that holds.
    pub sealed: Option<Height>,
    /// Tokens whose voters signed two ballots.
    pub double_votes: Vec<TokenId>,
    /// What each complaint comes to, in the order in which they were put.
    pub complaints: Vec<Result<Upheld, ComplaintError>>,
    /// The count, of what was verified: up to the sealed block, where there is one.
    pub tally: Tally,
}

impl Report {
    /// The first thing that does not hold.
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

    /// Whether something speaks against the result though every rule is kept: a check warned, or a
    /// complaint holds.
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
