//! Audit files, receipts and chains of the seed.

use blockvote_core::{
    audit::{
        archive::{ARCHIVE_VERSION, ArchiveError, Damage, RecordKind},
        complaint::{ComplaintError, ComplaintFileError, Upheld},
        python_chain::SeedError,
        receipt::{ReceiptError, ReceiptFileError},
    },
    chain::acknowledgements::Worth,
    election::keepers::MAX_KEEPERS,
};

use crate::Words;

impl Words for ArchiveError {
    fn words(&self) -> String {
        match self {
            Self::Magic => {
                "this is not a Blockvote audit file: it does not begin with \"blockvote chain\""
                    .into()
            }
            Self::Version(found) => format!(
                "the file has format version {found}; this build reads version {ARCHIVE_VERSION}: use the blockvote that wrote it"
            ),
            Self::Truncated(blocks) => {
                format!("the file ends early{}: it was cut off, get it again", after(*blocks))
            }
            Self::Damaged { blocks, what } => {
                format!("the file is damaged{}: {}", after(*blocks), what.words())
            }
            Self::Election(error) => error.words(),
        }
    }
}

/// Where a file of so many blocks ends: the first block, which the definition gives, is not in it.
fn after(blocks: u32) -> String {
    if blocks == 0 { String::new() } else { format!(" after block {}", blocks + 1) }
}

impl Words for ReceiptError {
    fn words(&self) -> String {
        match self {
            Self::VoteId => "the vote id is not the hash of this vote".into(),
            Self::BlockHash => "the block hash is not the hash of this header".into(),
            Self::Proof => "the header's proof of work does not hold".into(),
            Self::Inclusion => {
                "the inclusion proof does not lead from the vote to the votes root of the header"
                    .into()
            }
        }
    }
}

impl Words for ReceiptFileError {
    fn words(&self) -> String {
        match self {
            Self::Format => "this is not a Blockvote receipt".into(),
            Self::Malformed => {
                "the receipt is damaged: a part of it is missing or was changed".into()
            }
            Self::Wrong(error) => format!("the receipt does not hold: {}", error.words()),
        }
    }
}

impl Words for ComplaintFileError {
    fn words(&self) -> String {
        match self {
            Self::Format => "this is not a Blockvote complaint".into(),
            Self::Malformed => {
                "the complaint is damaged: a part of it is missing or was changed".into()
            }
        }
    }
}

impl Words for Worth {
    fn words(&self) -> String {
        match self {
            Self::InTime => "the vote was there in time",
            Self::Late => "it is dated after the closing time",
            Self::NotListed => {
                "its closing list is here, and the complaint does not show that the vote is on it"
            }
            Self::Contradicted => {
                "the keeper signed two closing lists that differ, so its word counts for nothing"
            }
        }
        .into()
    }
}

impl Words for ComplaintError {
    fn words(&self) -> String {
        match self {
            Self::OtherElection(election) => {
                format!("it is about the election {election}, not about this one")
            }
            Self::Vote(error) => format!("its vote is not valid: {}", error.words()),
            Self::Acknowledgements(0) => "no keeper's acknowledgement is in it".into(),
            Self::Acknowledgements(found) => {
                format!("there are {found} acknowledgements in it; at most {MAX_KEEPERS} can be")
            }
            Self::Twice(keeper) => {
                format!("two acknowledgements of one keeper are in it ({})", keeper.to_text())
            }
            Self::OtherVote(vote) => {
                format!("an acknowledgement in it is for the vote {vote}, not for this one")
            }
            Self::Keeper(error) => error.words(),
            Self::Worthless { keeper, worth } => {
                format!("the acknowledgement of {keeper} proves nothing: {}", worth.words())
            }
            Self::NotSealed => "no seal holds here, so nothing is left out yet".into(),
            Self::Counted => "the sealed result holds this vote".into(),
            Self::OtherBallot(vote) => format!(
                "the sealed result holds another ballot of this voter with the same number, {vote}"
            ),
        }
    }
}

impl Words for Upheld {
    fn words(&self) -> String {
        let Self { vote, keeper, at, reason } = self;
        let reason = match reason {
            Some(reason) => format!("the reason given is {reason:?}"),
            None => "no reason is given".into(),
        };
        format!(
            "The complaint holds: {keeper} acknowledged the vote {vote} at {at}, and the sealed result does not hold it; {reason}."
        )
    }
}

impl Words for SeedError {
    fn words(&self) -> String {
        let what = match self {
            Self::Json => return "this is not JSON".into(),
            Self::NoChain => "it has no list named \"chain\"".to_owned(),
            Self::Empty => "its chain is empty".to_owned(),
            Self::Length { said, found } => {
                format!("it says length {said} but holds {found} blocks")
            }
        };
        format!("this is not a chain of the seed: {what}")
    }
}

impl Words for Damage {
    fn words(&self) -> String {
        match self {
            Self::Length(bytes) => format!("it announces a record of {bytes} bytes"),
            Self::Kind(kind) => format!("it holds a record of the unknown kind {kind}"),
            Self::Order => "its parts are in the wrong order".into(),
            Self::Unreadable(kind) => {
                let what = match kind {
                    RecordKind::RollPage => "page of the voter roll",
                    RecordKind::Block => "block",
                    RecordKind::Statement => "signed statement",
                };
                format!("the next {what} cannot be read")
            }
            Self::Statements => "it holds more signed statements than any node".into(),
            Self::Count => "it holds another number of blocks than it says".into(),
            Self::Checksum => "its checksum does not hold".into(),
            Self::AfterEnd => "there are bytes after its end".into(),
        }
    }
}
