//! Why a vote is not taken, a result not sealed, a peer not heard.

use blockvote_core::{
    node::{CastError, Missing, Offence, Rejection, SealError},
    wire::keepers_room::Refusal,
};

use crate::{Words, chain::changed, counted};

impl Words for CastError {
    fn words(&self) -> String {
        match self {
            Self::Vote(error) => error.words(),
            Self::Selection(error) => format!("the selection {}", error.words()),
            Self::NotOpen(time) => format!("the election opens at {time}"),
            Self::Closed(time) => format!("the election closed at {time}"),
            Self::Sealed => "the result is sealed: votes are not taken any more".into(),
            Self::AlreadyVoted { token, sequence, .. } => {
                format!("token {token} has already voted{}", changed(*sequence))
            }
            Self::NoVoteBefore { token, .. } => format!(
                "the vote of token {token} that this one changes is not recorded here yet; try again when it is in a block"
            ),
            Self::TooSoon { token, earliest } => format!(
                "token {token} changed its vote a moment ago; the next change is taken from {earliest} on"
            ),
            Self::Full => "too many votes wait for a block; try again in a minute".into(),
        }
    }
}

impl Words for Missing {
    fn words(&self) -> String {
        match self {
            Self::Behind => {
                "this node is still fetching the chain: what it holds is not all there is".into()
            }
            Self::Seal => {
                "a peer says that the result is sealed already, and its seal has not come here"
                    .into()
            }
            Self::Unsure(peers) => format!(
                "whether others have more is not known: {} {} here",
                counted(*peers as u64, "peer"),
                if *peers == 1 { "is" } else { "are" }
            ),
            Self::Uncompared(keeper) => {
                format!("what {keeper} has was not compared with what is here yet")
            }
            Self::Lack(lack) => lack.words(),
            Self::Unshown { keeper, shown, listed } => format!(
                "{keeper} has shown {shown} of the {} on its closing list",
                counted((*listed).into(), "vote")
            ),
        }
    }
}

impl Words for SealError {
    fn words(&self) -> String {
        match self {
            Self::NotClosed => {
                "the election is not closed yet: close it first, or wait for its closing time"
                    .into()
            }
            Self::TooEarly(until) => format!(
                "voting has only just closed, and votes may still be on their way: seal from {until} on"
            ),
            Self::Missing(missing) => missing.words(),
            Self::AlreadySealed => {
                "the election is sealed already; another seal would contradict it".into()
            }
            Self::Building { made, all } => format!(
                "the chain is still being built again without the votes that are left out: {made} of {all} blocks are made"
            ),
            Self::Unnamed(votes) => format!(
                "{} would neither be counted nor named as left out: look again, then seal",
                counted(*votes as u64, "vote")
            ),
            Self::NoList(keeper) => format!(
                "{keeper} has not shown its whole closing list: votes that it had in time could be among those that are left out"
            ),
            Self::Listed(votes) => format!(
                "a keeper has shown that it had {} of those left out in time: count all votes, then leave out again",
                counted(*votes as u64, "vote")
            ),
            Self::Changed => {
                "the chain changed since votes were left out: count all votes, then leave out again"
                    .into()
            }
            Self::Statement(error) => error.words(),
        }
    }
}

impl Words for Refusal {
    fn words(&self) -> String {
        match self {
            Self::NotNamed => "the election does not name this keeper",
            Self::Full => "it has no room left",
            Self::TooBig => "the election could take more room than it gives to one",
            Self::NotAllowed => "it holds only elections of certain organisers",
            Self::Unbounded => {
                "anybody could fill it: the election has neither a voter roll nor a highest token"
            }
            Self::NotFound => "it could not fetch the election",
            Self::NotStored => "it could not write the election to its disk",
        }
        .into()
    }
}

impl Words for Rejection {
    fn words(&self) -> String {
        match self {
            Self::Message(error) => error.words(),
            Self::Block(error) => error.words(),
            Self::Vote(error) => error.words(),
            Self::Statement(error) => error.words(),
            Self::Keeper(error) => format!("an acknowledgement: {}", error.words()),
            Self::Comparison(what) => format!("reconciliation: {what}"),
            Self::Often(error) => error.words(),
        }
    }
}

impl Words for Offence {
    fn words(&self) -> String {
        match self {
            Self::EmptyClaim => "claimed work that its headers do not have, again and again".into(),
            Self::Unasked => "sent answers that nobody asked for, again and again".into(),
            Self::Orphan => "announced blocks that stand on nothing, again and again".into(),
            Self::Worthless => "handed out blocks that are worth nothing, again and again".into(),
            Self::OverBudget => "asked for or sent far too much".into(),
        }
    }
}
