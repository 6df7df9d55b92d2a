//! Audit files, receipts and chains of the seed.

use blockvote_core::audit::{
    archive::{ARCHIVE_VERSION, ArchiveError, Damage, RecordKind},
    python_chain::SeedError,
    receipt::{ReceiptError, ReceiptFileError},
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
