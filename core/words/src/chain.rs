//! Blocks and statements.

use blockvote_core::chain::{
    acknowledgements::{KeeperError, Lack},
    ancestry::LinkError,
    block::{BlockError, MAX_BLOCK_BYTES},
    counted_votes::SlotError,
    header::HEADER_VERSION,
    statements::{MAX_LEFT_OUT, ORGANISER, SealFault, StatementError, StatementKind},
};

use crate::{Words, counted};

impl Words for BlockError {
    fn words(&self) -> String {
        match self {
            Self::Version { height, version } => format!(
                "block {height} has version {version}; this build knows version {HEADER_VERSION}"
            ),
            Self::Empty(height) => format!("block {height} holds no votes"),
            Self::TooBig { height, bytes } => {
                format!("block {height} has {bytes} bytes; at most {MAX_BLOCK_BYTES} are allowed")
            }
            Self::Proof(height) => format!(
                "block {height} has no valid proof of work: its hash does not meet the difficulty it states"
            ),
            Self::VotesRoot(height) => {
                format!("block {height} holds other votes than its header commits to")
            }
            Self::Vote { height, number, token, error } => {
                format!("block {height}, vote {number} (token {token}): {}", error.words())
            }
            Self::RepeatedToken { height, number, token, sequence } => format!(
                "block {height}, vote {number}: the token {token} votes twice in this block{}",
                changed(*sequence)
            ),
            Self::Time { height, timestamp } => {
                format!("block {height} was made at {timestamp}, before the election opened")
            }
        }
    }
}

impl Words for LinkError {
    fn words(&self) -> String {
        match self {
            Self::UnknownParent(height) => {
                format!("block {height} does not follow any block that is known here")
            }
            Self::InvalidParent(height) => {
                format!("block {height} follows a block that was found invalid")
            }
            Self::Height { found, parent } => {
                format!("block {found} follows block {parent}; the number must be one higher")
            }
            Self::Difficulty { height, found, demanded } => format!(
                "block {height} states difficulty {} eased {} times; the rule demands {} eased {} times",
                found.difficulty.0, found.easing, demanded.difficulty.0, demanded.easing
            ),
            Self::Old { height, found, parent } => {
                format!("block {height} was made at {found}, before its parent at {parent}")
            }
            Self::Counts { height } => {
                format!(
                    "block {height} states other numbers of voters and votes than its votes give"
                )
            }
            Self::Ahead { height, found } => format!(
                "block {height} was made at {found}, more than two minutes ahead of this clock"
            ),
            Self::Slot { height, number, token, sequence, error } => {
                let why = match error {
                    SlotError::Used(earlier) => {
                        format!("already voted in block {}{}", earlier.height, changed(*sequence))
                    }
                    SlotError::NoVoteBefore => {
                        format!("changes a vote that is not there{}", changed(*sequence))
                    }
                    SlotError::TooSoon(earliest) => format!(
                        "changes its vote before {earliest}, the earliest time for that{}",
                        changed(*sequence)
                    ),
                };
                format!("block {height}, vote {number}: the token {token} {why}")
            }
            Self::Block(error) => error.words(),
        }
    }
}

impl Words for StatementError {
    fn words(&self) -> String {
        match self {
            Self::OtherElection { what, election } => {
                format!("the {} is for election {election}, not for this one", what.words())
            }
            Self::NoOrganiser => {
                "this election has no organiser's key, so nobody can close or seal it".into()
            }
            Self::Signature(what) => {
                format!("the {} is not signed by the organiser of this election", what.words())
            }
            Self::Seal(fault) => fault.words(),
            Self::Keeper(error) => format!("the closing list: {}", error.words()),
            Self::NotDouble => "the two votes are not a double vote".into(),
            Self::Open => {
                "an open election has no double votes: the first use of a token counts".into()
            }
            Self::Vote(error) => format!("one of the two votes is not valid: {}", error.words()),
        }
    }
}

impl Words for KeeperError {
    fn words(&self) -> String {
        match self {
            Self::OtherElection(election) => {
                format!("what the keeper signed is for election {election}, not for this one")
            }
            Self::NotNamed(key) => {
                format!("the election names no keeper with the key {}", key.to_text())
            }
            Self::Signature => "it is not signed by the keeper that it names".into(),
            Self::Time(at) => format!("it is dated at {} ms, which no clock shows", at.0),
        }
    }
}

impl Words for Lack {
    fn words(&self) -> String {
        let Self { keeper, listed, here } = self;
        match listed {
            None => format!("no closing list of {keeper} is here yet"),
            Some(listed) => format!(
                "{keeper} acknowledged {} in time, and only {here} are here",
                counted((*listed).into(), "vote")
            ),
        }
    }
}

impl Words for SealFault {
    fn words(&self) -> String {
        match self {
            Self::Trustee(found) => {
                format!(
                    "the seal is of trustee {found}; this election has the organiser alone, trustee {ORGANISER}"
                )
            }
            Self::Reason { group, error } => {
                format!("the reason for leaving out group {group} of votes {}", error.words())
            }
            Self::Group(group) => {
                format!("group {group} of the votes left out is empty or not in ascending order")
            }
            Self::Twice(vote) => format!("the seal leaves out the vote {vote} twice"),
            Self::TooMany(found) => format!(
                "the seal names {found} votes as left out; at most {MAX_LEFT_OUT} are allowed"
            ),
        }
    }
}

impl Words for StatementKind {
    fn words(&self) -> String {
        match self {
            Self::DoubleVote => "double vote".into(),
            Self::Closing => "closing".into(),
            Self::Seal => "seal".into(),
            Self::ClosingList => "closing list".into(),
        }
    }
}

/// Which change of a vote is meant.
pub(crate) fn changed(sequence: u8) -> String {
    if sequence == 0 { String::new() } else { format!(" with the sequence number {sequence}") }
}
