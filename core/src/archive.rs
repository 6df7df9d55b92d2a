//! A chain as one file: definition, blocks, and an end that shows that nothing is missing.
//!
//! ```text
//! 16 bytes  "blockvote chain\n"
//!  2 bytes  version, little-endian: 1
//! records:  kind (1 byte), length (4 bytes, little-endian), that many bytes
//!           1 = election, first and once; 2 = block, oldest first, without the genesis;
//!           3 = end: number of blocks (4 bytes), SHA-256 of all bytes before this record
//! ```
//!
//! Written and read piece by piece, so that neither side holds the file in memory. The checksum
//! finds accidents; forgery is found by verifying the blocks.

use sha2::{Digest, Sha256};

use crate::{
    block::{Block, MAX_BLOCK_BYTES},
    election::{Election, ElectionError},
};

/// First bytes of the file.
pub const MAGIC: &[u8; 16] = b"blockvote chain\n";
/// Version that this build writes and reads.
pub const ARCHIVE_VERSION: u16 = 1;

const ELECTION: u8 = 1;
const BLOCK: u8 = 2;
const END: u8 = 3;
const END_BYTES: usize = 36;

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Another kind of file.
    #[error("this is not a Blockvote chain file: it does not begin with \"blockvote chain\"")]
    Magic,
    /// Written by a later build.
    #[error(
        "the file has format version {0}; this build reads version {ARCHIVE_VERSION}: use a newer blockvote"
    )]
    Version(u16),
    /// Cut off.
    #[error("the file ends early, after {0} complete blocks: it was cut off, get it again")]
    Truncated(u32),
    /// A record that cannot stand here.
    #[error("after {blocks} complete blocks the file is damaged: {what}")]
    Damaged {
        /// Blocks read before.
        blocks: u32,
        /// What is wrong.
        what: String,
    },
    /// The definition is not valid.
    #[error(transparent)]
    Election(#[from] ElectionError),
}

/// What a file holds, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The definition.
    Election(Election),
    /// A block that nobody verified.
    Block(Block),
    /// The end; the checksum holds.
    End {
        /// Number of blocks without the genesis.
        blocks: u32,
    },
}

/// Writes a file in pieces.
pub struct ArchiveWriter {
    hasher: Sha256,
    blocks: u32,
}

impl ArchiveWriter {
    /// Begins a file; returns the writer and the first bytes.
    pub fn new(election: &Election) -> (Self, Vec<u8>) {
        let mut writer = Self { hasher: Sha256::new(), blocks: 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&ARCHIVE_VERSION.to_le_bytes());
        writer.hasher.update(&bytes);
        bytes.extend(writer.record(ELECTION, &election.encode()));
        (writer, bytes)
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        // Bodies are elections, blocks of at most 1 MiB, and the end.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(body);
        self.hasher.update(&bytes);
        bytes
    }

    /// The bytes of the next block.
    pub fn block(&mut self, block: &Block) -> Vec<u8> {
        self.blocks += 1;
        self.record(BLOCK, &borsh::to_vec(block).unwrap_or_default())
    }

    /// The bytes of the end.
    pub fn finish(mut self) -> Vec<u8> {
        let mut body = self.blocks.to_le_bytes().to_vec();
        body.extend_from_slice(&self.hasher.clone().finalize());
        self.record(END, &body)
    }
}

/// Reads a file in pieces: [`ArchiveReader::push`] bytes, then take records until there is none.
#[derive(Default)]
pub struct ArchiveReader {
    buffer: Vec<u8>,
    hasher: Sha256,
    started: bool,
    has_election: bool,
    ended: bool,
    blocks: u32,
}

impl ArchiveReader {
    /// A reader at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether bytes begin as a file of ours does.
    pub fn recognises(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Hands in the next bytes of the file. Hand in no more than about a megabyte at a time.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count);
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.hasher.update(&taken);
        taken
    }

    fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { blocks: self.blocks, what: what.into() }
    }

    /// The next complete record, or nothing when more bytes are needed.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn next_record(&mut self) -> Result<Option<Record>, ArchiveError> {
        if !self.started {
            let seen = self.buffer.len().min(MAGIC.len());
            if self.buffer[..seen] != MAGIC[..seen] {
                return Err(ArchiveError::Magic);
            }
            if self.buffer.len() < MAGIC.len() + 2 {
                return Ok(None);
            }
            let head = self.take(MAGIC.len() + 2);
            let version = u16::from_le_bytes([head[16], head[17]]);
            if version != ARCHIVE_VERSION {
                return Err(ArchiveError::Version(version));
            }
            self.started = true;
        }
        let Some(([kind, length @ ..], _)) = self.buffer.split_first_chunk::<5>() else {
            return Ok(None);
        };
        let (kind, length) = (*kind, u32::from_le_bytes(*length) as usize);
        if self.ended {
            return Err(self.damaged("there are bytes after its end"));
        }
        if length > MAX_BLOCK_BYTES {
            return Err(self.damaged(format!("it announces a record of {length} bytes")));
        }
        if self.buffer.len() < 5 + length {
            return Ok(None);
        }
        let checksum = self.hasher.clone();
        let record = self.take(5 + length);
        let body = &record[5..];
        match kind {
            ELECTION if !self.has_election => {
                self.has_election = true;
                Ok(Some(Record::Election(Election::decode(body)?)))
            }
            BLOCK if self.has_election => {
                let block = borsh::from_slice(body)
                    .map_err(|error| self.damaged(format!("the next block: {error}")))?;
                self.blocks += 1;
                Ok(Some(Record::Block(block)))
            }
            END if self.has_election && length == END_BYTES => {
                let blocks = self.blocks;
                if body[..4] != blocks.to_le_bytes() {
                    return Err(self.damaged("it holds another number of blocks than it says"));
                }
                if body[4..] != checksum.finalize()[..] {
                    return Err(self.damaged("its checksum does not hold"));
                }
                self.ended = true;
                Ok(Some(Record::End { blocks }))
            }
            ELECTION | BLOCK | END => Err(self.damaged("its parts are in the wrong order")),
            kind => Err(self.damaged(format!("it holds a record of the unknown kind {kind}"))),
        }
    }

    /// To be called when the file's bytes are used up.
    ///
    /// # Errors
    /// [`ArchiveError::Truncated`] when the end was not reached.
    pub fn finish(&self) -> Result<(), ArchiveError> {
        if !self.started && !self.buffer.is_empty() && !MAGIC.starts_with(&self.buffer) {
            return Err(ArchiveError::Magic);
        }
        if !self.buffer.is_empty() && self.ended {
            return Err(self.damaged("there are bytes after its end"));
        }
        if self.ended { Ok(()) } else { Err(ArchiveError::Truncated(self.blocks)) }
    }
}
