//! An audit file: definition, roll, blocks, signed statements, and an end record that shows that
//! nothing is missing. An election that was published but has no votes yet is such a file, too.
//!
//! ```text
//! 16 bytes  "blockvote chain\n"
//!  2 bytes  version, little-endian: 3
//! records:  kind (1 byte), length (4 bytes, little-endian), that many bytes
//!           1 = election, first and once; 4 = page of the voter roll, in order;
//!           5 = signed statement; 2 = block, oldest first, without the genesis;
//!           3 = end: number of blocks (4 bytes), SHA-256 of all bytes before this record
//! ```
//!
//! Statements come before the blocks, so that a reader who reaches the sealed block knows that its
//! count must be compared. The file is written and read piece by piece, so neither side needs the
//! whole file in memory. The checksum finds accidents. To find forgery, verify what is in the file.

use borsh::BorshDeserialize;
use sha2::{Digest, Sha256};

use crate::{
    chain::{
        block::{Block, MAX_BLOCK_BYTES},
        header::Height,
        statements::{MAX_STATEMENTS, Statement},
        tree::Chain,
    },
    crypto::encoding::encode,
    election::{
        definition::{Election, ElectionError},
        election_context::ElectionContext,
        roll::{Roll, RollPage},
    },
};

/// First bytes of the file.
pub const MAGIC: &[u8; 16] = b"blockvote chain\n";
/// Version that this build writes and reads.
pub const ARCHIVE_VERSION: u16 = 3;

const ELECTION: u8 = 1;
const BLOCK: u8 = 2;
const END: u8 = 3;
const ROLL_PAGE: u8 = 4;
const EVIDENCE: u8 = 5;
const END_BYTES: usize = 36;

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum ArchiveError {
    /// Another kind of file.
    Magic,
    /// Written by a later build.
    Version(u16),
    /// The file ends too early, after this many blocks.
    Truncated(u32),
    /// A record that is not allowed here.
    Damaged {
        /// Blocks read before.
        blocks: u32,
        /// What is wrong.
        what: Damage,
    },
    /// The definition is not valid.
    #[from]
    Election(ElectionError),
}

/// What is wrong with a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It announces a record of this many bytes.
    Length(usize),
    /// It has a record of an unknown kind.
    Kind(u8),
    /// Its parts are in the wrong order.
    Order,
    /// A record of this kind cannot be read.
    Unreadable(RecordKind),
    /// It has more signed statements than any node keeps.
    Statements,
    /// It has another number of blocks than it says.
    Count,
    /// Its checksum is wrong.
    Checksum,
    /// There are bytes after its end.
    AfterEnd,
}

/// A kind of record that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A page of the voter roll.
    RollPage,
    /// A block.
    Block,
    /// A signed statement.
    Statement,
}

/// What a file contains, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The definition.
    Election(Box<Election>),
    /// A page of the voter roll, not verified yet.
    RollPage(RollPage),
    /// A block, not verified yet.
    Block(Block),
    /// A statement, not verified yet.
    Statement(Statement),
    /// The end; the checksum is right.
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
    /// Begins a file; returns the writer and the first bytes, which contain the definition and the
    /// roll.
    pub fn new(context: &ElectionContext) -> (Self, Vec<u8>) {
        let mut writer = Self { hasher: Sha256::new(), blocks: 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&ARCHIVE_VERSION.to_le_bytes());
        writer.hasher.update(&bytes);
        bytes.extend(writer.record(ELECTION, &context.election().encode()));
        for page in context.roll().into_iter().flat_map(Roll::all_pages) {
            bytes.extend(writer.record(ROLL_PAGE, &encode(&page)));
        }
        (writer, bytes)
    }

    /// The bytes of a whole file with these statements and this chain.
    pub fn whole(chain: &Chain, statements: impl Iterator<Item = Statement>) -> Vec<u8> {
        let (mut writer, mut bytes) = Self::new(chain.context());
        for statement in statements {
            bytes.extend(writer.statement(&statement));
        }
        for height in 2..=chain.height().0 {
            if let Some(block) = chain.block_at(Height(height)) {
                bytes.extend(writer.block(&block.to_block()));
            }
        }
        bytes.extend(writer.finish());
        bytes
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        // A body is at most a block of 1 MiB.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(body);
        self.hasher.update(&bytes);
        bytes
    }

    /// The bytes of the next block.
    pub fn block(&mut self, block: &Block) -> Vec<u8> {
        self.blocks += 1;
        self.record(BLOCK, &encode(block))
    }

    /// The bytes of a signed statement; they come before all blocks.
    pub fn statement(&mut self, statement: &Statement) -> Vec<u8> {
        self.record(EVIDENCE, &encode(statement))
    }

    /// The bytes of the end.
    pub fn finish(mut self) -> Vec<u8> {
        let mut body = self.blocks.to_le_bytes().to_vec();
        body.extend_from_slice(&self.hasher.clone().finalize());
        self.record(END, &body)
    }
}

/// Reads a file in pieces: pass bytes to [`ArchiveReader::push`], then take records until there are
/// no more.
#[derive(Default)]
pub struct ArchiveReader {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were taken already.
    taken: usize,
    hasher: Sha256,
    started: bool,
    /// The kind of the last record; 0 before the first.
    last: u8,
    blocks: u32,
    statements: usize,
}

impl ArchiveReader {
    /// A reader at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns whether these bytes begin like an audit file.
    pub fn recognises(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Takes in the next bytes of the file. Pass no more than about a megabyte at a time.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.rest()[..count].to_vec();
        self.taken += count;
        self.hasher.update(&taken);
        taken
    }

    fn damaged(&self, what: Damage) -> ArchiveError {
        ArchiveError::Damaged { blocks: self.blocks, what }
    }

    fn read<T: BorshDeserialize>(&self, kind: RecordKind, body: &[u8]) -> Result<T, ArchiveError> {
        borsh::from_slice(body).map_err(|_| self.damaged(Damage::Unreadable(kind)))
    }

    /// The next complete record, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn next_record(&mut self) -> Result<Option<Record>, ArchiveError> {
        if !self.started {
            let seen = self.rest().len().min(MAGIC.len());
            if self.rest()[..seen] != MAGIC[..seen] {
                return Err(ArchiveError::Magic);
            }
            if self.rest().len() < MAGIC.len() + 2 {
                return Ok(None);
            }
            let head = self.take(MAGIC.len() + 2);
            let version = u16::from_le_bytes([head[16], head[17]]);
            if version != ARCHIVE_VERSION {
                return Err(ArchiveError::Version(version));
            }
            self.started = true;
        }
        if self.last == END && !self.rest().is_empty() {
            return Err(self.damaged(Damage::AfterEnd));
        }
        let Some(([kind, length @ ..], _)) = self.rest().split_first_chunk::<5>() else {
            return Ok(None);
        };
        let (kind, length) = (*kind, u32::from_le_bytes(*length) as usize);
        if length > MAX_BLOCK_BYTES {
            return Err(self.damaged(Damage::Length(length)));
        }
        if !(ELECTION..=EVIDENCE).contains(&kind) {
            return Err(self.damaged(Damage::Kind(kind)));
        }
        let before: &[u8] = match kind {
            ELECTION => &[0],
            ROLL_PAGE => &[ELECTION, ROLL_PAGE],
            EVIDENCE => &[ELECTION, ROLL_PAGE, EVIDENCE],
            _ => &[ELECTION, ROLL_PAGE, EVIDENCE, BLOCK],
        };
        if !before.contains(&self.last) || (kind == END && length != END_BYTES) {
            return Err(self.damaged(Damage::Order));
        }
        if self.rest().len() < 5 + length {
            return Ok(None);
        }
        let checksum = self.hasher.clone();
        let record = self.take(5 + length);
        let body = &record[5..];
        let record = match kind {
            ELECTION => Record::Election(Box::new(Election::decode(body)?)),
            ROLL_PAGE => Record::RollPage(self.read(RecordKind::RollPage, body)?),
            BLOCK => {
                let block = self.read(RecordKind::Block, body)?;
                self.blocks += 1;
                Record::Block(block)
            }
            EVIDENCE => {
                self.statements += 1;
                if self.statements > MAX_STATEMENTS {
                    return Err(self.damaged(Damage::Statements));
                }
                Record::Statement(self.read(RecordKind::Statement, body)?)
            }
            _ => {
                if body[..4] != self.blocks.to_le_bytes() {
                    return Err(self.damaged(Damage::Count));
                }
                if body[4..] != checksum.finalize()[..] {
                    return Err(self.damaged(Damage::Checksum));
                }
                Record::End { blocks: self.blocks }
            }
        };
        self.last = kind;
        Ok(Some(record))
    }

    /// Call this after the last bytes of the file.
    ///
    /// # Errors
    /// [`ArchiveError::Truncated`] if the end was not reached.
    pub fn finish(&self) -> Result<(), ArchiveError> {
        if !self.started && !self.rest().is_empty() && !MAGIC.starts_with(self.rest()) {
            return Err(ArchiveError::Magic);
        }
        if self.last != END {
            return Err(ArchiveError::Truncated(self.blocks));
        }
        if self.rest().is_empty() { Ok(()) } else { Err(self.damaged(Damage::AfterEnd)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::header::Height,
        testkit::{chain_of, context},
    };

    /// A file of an open election with three blocks of votes.
    fn file() -> Vec<u8> {
        let chain = chain_of(3);
        let (mut writer, mut bytes) = ArchiveWriter::new(&context());
        for height in 2..=4 {
            bytes.extend(writer.block(&chain.block_at(Height(height)).unwrap().to_block()));
        }
        bytes.extend(writer.finish());
        bytes
    }

    fn read(bytes: &[u8], piece: usize) -> Result<Vec<Record>, ArchiveError> {
        let (mut reader, mut records) = (ArchiveReader::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            reader.push(piece);
            while let Some(record) = reader.next_record()? {
                records.push(record);
            }
        }
        reader.finish().map(|()| records)
    }

    #[test]
    fn a_file_is_read_alike_in_pieces_of_any_size() {
        let file = file();
        let whole = read(&file, file.len()).unwrap();
        assert_eq!(whole.len(), 5);
        assert_eq!(whole.last(), Some(&Record::End { blocks: 3 }));
        assert!([1, 7, 100].into_iter().all(|piece| read(&file, piece) == Ok(whole.clone())));
        assert!(ArchiveReader::recognises(&file[..16]));
    }

    #[test]
    fn a_file_that_was_cut_says_how_much_there_is() {
        let file = file();
        assert_eq!(read(&file[..file.len() - 1], 64), Err(ArchiveError::Truncated(3)));
        assert_eq!(read(&file[..20], 64), Err(ArchiveError::Truncated(0)));
        assert_eq!(read(b"{}", 64), Err(ArchiveError::Magic));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_apart() {
        let damaged = |blocks, what| Err(ArchiveError::Damaged { blocks, what });
        let file = file();
        assert_eq!(read(&[&file[..], &[0]].concat(), 64), damaged(3, Damage::AfterEnd));
        let mut flipped = file.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(read(&flipped, 64), damaged(3, Damage::Checksum));
        let mut later = file.clone();
        later[16] += 1;
        assert_eq!(read(&later, 64), Err(ArchiveError::Version(ARCHIVE_VERSION + 1)));
        let head = ArchiveWriter::new(&context()).1;
        let then = |rest: &[u8]| read(&[&head[..], rest].concat(), 64);
        assert_eq!(then(&[9, 0, 0, 0, 0]), damaged(0, Damage::Kind(9)));
        assert_eq!(then(&[ELECTION, 0, 0, 0, 0]), damaged(0, Damage::Order));
        let announced = u32::MAX as usize;
        assert_eq!(then(&[BLOCK, 255, 255, 255, 255]), damaged(0, Damage::Length(announced)));
        let unreadable = then(&[BLOCK, 1, 0, 0, 0, 7]);
        assert_eq!(unreadable, damaged(0, Damage::Unreadable(RecordKind::Block)));
    }
}
