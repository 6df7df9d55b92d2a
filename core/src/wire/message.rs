//! What peers say to each other, inside a relay's frames. `docs/protocol.md` draws every byte.

pub use blockvote_frames::frame::MAX_MESSAGE_BYTES;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    chain::{
        block::{Block, MAX_BLOCK_BYTES},
        difficulty::Work,
        header::{Header, Height},
        statements::{MAX_DOUBLE_VOTES, Statement},
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::{definition::Election, roll::RollPage, vote::Vote},
};

/// Version of the messages below; peers with another one ignore each other.
pub const PROTOCOL_VERSION: u16 = 3;
/// Headers in one answer: 200 kB.
pub const MAX_HEADERS: usize = 2000;
/// Blocks asked for at once.
pub const MAX_BLOCKS_ASKED: usize = 256;
/// Votes in one message.
pub const MAX_VOTES: usize = 4096;
/// Hashes in a locator: 8 and then one for each doubling of 2^32 blocks.
pub const MAX_LOCATOR: usize = 64;
/// Votes of one announced block that are asked for; who lacks more asks for the block.
pub const MAX_BLOCK_VOTES: usize = 8192;
/// Votes of an announced block: a vote has 42 bytes at least, and a block 1 MiB at most.
pub const MAX_VOTES_ANNOUNCED: usize = 25_000;
/// Bytes of one message of set reconciliation: room for some 2,000 ids.
pub const MAX_RECONCILE_BYTES: usize = 64 << 10;
/// Vote ids in one question whether a peer holds them.
pub const MAX_HELD: usize = 256;

/// Statements in one message: their signatures cost the receiver some 60 ms at most.
pub const MAX_STATEMENTS_SENT: usize = 512;
/// Statements that a node knows: double votes, a closing, two seals.
pub const MAX_STATEMENTS_KNOWN: usize = MAX_DOUBLE_VOTES + 3;

// The relay's crate knows no blocks: that one fits is shown here.
const _: () = assert!(MAX_BLOCK_BYTES + (64 << 10) == MAX_MESSAGE_BYTES);

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`].
    pub version: u16,
    /// Hash of its newest block.
    pub tip: BlockHash,
    /// Height of its newest block.
    pub height: Height,
    /// Work of its chain. Believed only once its headers showed it.
    pub work: Work,
    /// Number of votes that wait there.
    pub pending: u32,
    /// The sealed block that its chain holds.
    pub sealed: Option<BlockHash>,
    /// Hash of the signed statements that it keeps ([`crate::chain::statements::StatementBook::digest`]).
    pub evidence: [u8; 32],
    /// Whether a hello in return is asked for.
    pub wants_reply: bool,
}

/// A message. Borsh writes the variant as one byte, counted from 0 in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// Who I am.
    Hello(Hello),
    /// Send me the definition of this room's election.
    GetElection,
    /// The definition; its id shows that it is the right one.
    Election(Box<Election>),
    /// Send headers after the first of these hashes that stands in your chain.
    GetHeaders(Vec<BlockHash>),
    /// Consecutive headers, oldest first.
    Headers(Vec<Header>),
    /// Send these blocks.
    GetBlocks(Vec<BlockHash>),
    /// The blocks asked for, in that order, as many as fit.
    Blocks(Vec<Block>),
    /// Votes, new or asked for.
    Votes(Vec<Vote>),
    /// A new tip: its header, and the beginnings of its votes' ids in order.
    NewBlock {
        /// The header.
        header: Header,
        /// One for each vote.
        votes: Vec<ShortId>,
    },
    /// Let us compare our pending votes: a message of the negentropy protocol, answered by
    /// [`Message::Reconciled`].
    Reconcile(Vec<u8>),
    /// Send these pending votes.
    GetVotes(Vec<ShortId>),
    /// Do you hold these votes, pending or in your chain?
    AskHeld(Vec<VoteId>),
    /// These I hold.
    Held(Vec<VoteId>),
    /// Send this page of the voter roll, counted from 0.
    GetRollPage(u32),
    /// A page of the voter roll; it proves itself.
    RollPage(RollPage),
    /// I know these statements. Send those that I lack.
    GetStatements(Vec<ShortId>),
    /// Signed statements: double votes, a closing, seals. Each proves itself.
    Statements(Vec<Statement>),
    /// The answer to [`Message::Reconcile`], of the same protocol.
    Reconciled(Vec<u8>),
    /// Send these votes of a block that you announced, counted from 0, in ascending order.
    GetBlockVotes(BlockHash, Vec<u32>),
    /// The votes asked for, in that order.
    BlockVotes(BlockHash, Vec<Vote>),
}

/// A message that breaks the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Too long.
    #[error("a message of {0} bytes; at most {MAX_MESSAGE_BYTES} are allowed")]
    TooLong(usize),
    /// Not an encoding of a message.
    #[error("bytes that are no message: {0}")]
    Malformed(String),
    /// A list above its bound.
    #[error("a list of {found} {what}; at most {max} are allowed")]
    TooMany {
        /// What is listed.
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries allowed.
        max: usize,
    },
}

impl Message {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads a message and checks the bounds of its lists.
    ///
    /// # Errors
    /// What breaks the format: no honest peer of this version sends it.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let message: Self =
            borsh::from_slice(bytes).map_err(|error| MessageError::Malformed(error.to_string()))?;
        let (what, found, max) = match &message {
            Self::Headers(list) => ("headers", list.len(), MAX_HEADERS),
            Self::GetHeaders(list) => ("hashes", list.len(), MAX_LOCATOR),
            Self::GetBlocks(list) => ("hashes", list.len(), MAX_BLOCKS_ASKED),
            Self::Blocks(list) => ("blocks", list.len(), MAX_BLOCKS_ASKED),
            Self::Votes(list) => ("votes", list.len(), MAX_VOTES),
            Self::AskHeld(list) | Self::Held(list) => ("vote ids", list.len(), MAX_HELD),
            Self::NewBlock { votes, .. } => ("votes", votes.len(), MAX_VOTES_ANNOUNCED),
            Self::Reconcile(bytes) | Self::Reconciled(bytes) => {
                ("bytes", bytes.len(), MAX_RECONCILE_BYTES)
            }
            Self::GetBlockVotes(_, list) => ("votes", list.len(), MAX_BLOCK_VOTES),
            Self::BlockVotes(_, list) => ("votes", list.len(), MAX_BLOCK_VOTES),
            Self::RollPage(page) => ("keys", page.keys.len(), crate::election::roll::PAGE_KEYS),
            Self::GetStatements(list) => ("statements", list.len(), MAX_STATEMENTS_KNOWN),
            Self::Statements(list) => ("statements", list.len(), MAX_STATEMENTS_SENT),
            _ => return Ok(message),
        };
        if found > max {
            return Err(MessageError::TooMany { what, found, max });
        }
        Ok(message)
    }
}
