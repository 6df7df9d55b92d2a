//! What goes into a node and what comes out.

use crate::{
    chain::{
        acknowledgements::{KeeperError, Lack},
        ancestry::LinkError,
        block::{Block, CheckedBlock},
        header::{Header, Height},
        kept_block::KeptBlock,
        statements::{Statement, StatementError},
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::{
        ballot::BallotError,
        token::TokenId,
        vote::{Vote, VoteError, VoteSignature},
    },
    time::Timestamp,
    wire::{frame::PeerId, message::MessageError},
};

/// A connection to a relay, numbered by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

impl LinkId {
    /// Nodes of the same user: other tabs of one browser. They are peers like any other, except
    /// that their having a vote does not show that it is safe anywhere else.
    pub const OWN_TABS: Self = Self(u32::MAX);
}

/// A peer, as this node reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// The connection.
    pub link: LinkId,
    /// Its name there.
    pub id: PeerId,
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// A relay let this node into the election's room, under this name.
    LinkUp(LinkId, PeerId),
    /// A relay is gone.
    LinkDown(LinkId),
    /// A relay named peers of the room.
    Peers(LinkId, Vec<PeerId>),
    /// A relay said that a peer is not in the room.
    Gone(Peer),
    /// A peer sent a message.
    Message {
        /// Who.
        from: Peer,
        /// Whether everybody in the room got it.
        broadcast: bool,
        /// The encoded [`Message`].
        bytes: Vec<u8>,
    },
    /// A miner found a nonce for a job.
    Mined {
        /// [`Job::id`].
        job: u64,
        /// The nonce.
        nonce: u64,
    },
    /// The verdict of [`verify_signatures`](crate::election::vote::verify_signatures) on what
    /// [`Output::Verify`] asked.
    Verified {
        /// [`Signatures::id`].
        id: u64,
        /// The index of the first that is not valid, if there is one.
        verdict: Result<(), usize>,
    },
    /// Blocks from elsewhere, oldest first: from a store, a file, or a node asked over HTTP.
    Blocks(Vec<Block>),
    /// The same, checked already: outside the node, on all processors.
    CheckedBlocks(Vec<CheckedBlock>),
    /// Votes from elsewhere, such as another tab's store.
    Votes(Vec<Vote>),
    /// Signed statements from elsewhere.
    Statements(Vec<Statement>),
    /// Time passed.
    Tick,
}

/// A header whose nonce is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Rises with each job; a result for an old job is still taken while its parent is the tip.
    pub id: u64,
    /// Everything but the nonce.
    pub header: Header,
}

/// Signatures of a page of blocks, to be verified wherever there is time.
#[derive(Clone, Debug)]
pub struct Signatures {
    /// Identifies them in the answer.
    pub id: u64,
    /// The signatures, in order.
    pub list: Vec<VoteSignature>,
}

/// A change of the store. The chain on disk is the blocks by height and the pending votes by id.
#[derive(Clone, Debug)]
pub enum StoreChange {
    /// Remove all blocks above this height.
    Truncate(Height),
    /// Put the next block.
    Append(KeptBlock),
    /// Put a pending vote.
    PutPending(VoteId, Vote),
    /// Remove a pending vote.
    DropPending(VoteId),
    /// Keep a signed statement, by its short id.
    PutStatement(Statement),
    /// Forget a signed statement that another one replaced.
    DropStatement(ShortId),
    /// Acknowledge a vote from now on, with this time of arrival. Only a keeper does.
    PutAcknowledged(VoteId, Timestamp),
}

/// Something people may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The chain has a new tip.
    NewTip {
        /// Its height.
        height: Height,
        /// Its hash.
        hash: BlockHash,
        /// Blocks that were abandoned for it.
        abandoned: usize,
    },
    /// The pending votes changed.
    PendingChanged,
    /// A pending vote lost its vote slot to another vote in the chain.
    VoteLost(VoteId),
    /// A vote fell out of the chain in a reorganisation, and is pending again.
    VoteDropped(VoteId),
    /// A double vote, a closing or a seal was taken in.
    StatementsChanged,
    /// A peer has a block whose time is too far ahead of this clock, which may be slow. Reported
    /// once, until no such block is known any more.
    BlockAhead(Timestamp),
    /// Peers, the download, or what peers have changed.
    NetworkChanged,
    /// A keeper acknowledged a vote that is followed here.
    Acknowledged(VoteId),
    /// A peer broke the rules and is banned.
    PeerRejected {
        /// Who.
        peer: Peer,
        /// Why.
        reason: Rejection,
    },
}

/// What no honest peer does, or does so often.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum Rejection {
    /// It sent bytes that break the format.
    #[from]
    Message(MessageError),
    /// It sent a block or header that breaks a rule.
    #[from]
    Block(LinkError),
    /// It sent a vote that is not valid.
    #[from]
    Vote(VoteError),
    /// It sent a statement that proves nothing.
    #[from]
    Statement(StatementError),
    /// It sent an acknowledgement that no keeper of this election signed.
    #[from]
    Keeper(KeeperError),
    /// It sent a comparison of votes that cannot be read.
    Comparison(String),
    /// It did often what an honest peer does rarely.
    #[from]
    Often(Offence),
}

/// What an honest peer does rarely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Its headers did not add up to the work that it claimed.
    EmptyClaim,
    /// It sent an answer that was not asked for. A slow peer's late answer is one, too.
    Unasked,
    /// It announced a block whose parent is not known here. After a partition there are many.
    Orphan,
    /// It handed out a block that has less work than all side blocks that are kept.
    Worthless,
    /// It asks for more than its budget, or sends more that leads to nothing.
    OverBudget,
}

/// What the driver must do, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Store this, all of it or nothing.
    Persist(Vec<StoreChange>),
    /// Send to everybody in the room.
    Broadcast(LinkId, Vec<u8>),
    /// Send to one peer.
    Send(Peer, Vec<u8>),
    /// Ask the relay for this many random peers.
    Sample(LinkId, u8),
    /// Look for a nonce for this header; `None` means rest.
    Mine(Option<Job>),
    /// Verify these and answer with [`Input::Verified`], soon: the download they belong to waits
    /// for it. There is at most one such question at a time.
    Verify(Signatures),
    /// Report this to the user.
    Event(Event),
}

/// Why a vote is not taken.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum CastError {
    /// The vote itself is not valid here.
    #[from]
    Vote(VoteError),
    /// The selection is not allowed.
    #[from]
    Selection(BallotError),
    /// Too early.
    NotOpen(Timestamp),
    /// Too late.
    Closed(Timestamp),
    /// The result is sealed.
    Sealed,
    /// The token is used in the chain or by a pending vote.
    AlreadyVoted {
        /// The token.
        token: TokenId,
        /// The sequence number of both votes.
        sequence: u8,
        /// The vote that has it.
        by: VoteId,
    },
    /// A change of a vote that this node does not have, or that is not in a block yet.
    NoVoteBefore {
        /// The token.
        token: TokenId,
        /// The sequence number of the change.
        sequence: u8,
    },
    /// A further change too soon after the one before.
    TooSoon {
        /// The token.
        token: TokenId,
        /// When it would be taken.
        earliest: Timestamp,
    },
    /// There are as many pending votes as the bounds allow.
    Full,
}

/// Something that the organiser should wait for before sealing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Peers have more than this node: a seal made now would leave that out.
    Behind,
    /// A peer says that its chain is sealed, and no seal is here: a second seal would contest it.
    Seal,
    /// Nobody has said enough to know whether there is more; this many peers are here.
    Unsure(usize),
    /// The votes of this keeper were not compared with those here, or it had more a moment ago.
    Uncompared(String),
    /// A keeper may have votes that are not here.
    Lack(Lack),
    /// A keeper did not show its whole closing list.
    Unshown {
        /// Its name.
        keeper: String,
        /// How many votes it showed.
        shown: u32,
        /// How many are on it.
        listed: u32,
    },
}

impl Missing {
    /// Whether it is known that something is missing. Otherwise it is only unknown whether nothing
    /// is.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Behind | Self::Seal | Self::Lack(_) | Self::Unshown { .. } => true,
            Self::Unsure(_) | Self::Uncompared(_) => false,
        }
    }

    /// Whether it is about a keeper, not about peers.
    pub fn is_of_keepers(&self) -> bool {
        match self {
            Self::Uncompared(_) | Self::Lack(_) | Self::Unshown { .. } => true,
            Self::Behind | Self::Seal | Self::Unsure(_) => false,
        }
    }
}

/// Why a result cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum SealError {
    /// There is no closing time in the past.
    NotClosed,
    /// Votes that were cast in time may still arrive, until this time.
    TooEarly(Timestamp),
    /// Others have more than is here, or may have.
    #[from]
    Missing(Missing),
    /// There is a seal already.
    AlreadySealed,
    /// The chain is still being rebuilt without the votes that are left out.
    Building {
        /// How many blocks are made.
        made: usize,
        /// How many there will be.
        all: usize,
    },
    /// This many votes that are here would neither be counted nor named as left out.
    Unnamed(usize),
    /// This keeper did not show its whole closing list, so it is not known which votes it had in
    /// time.
    NoList(String),
    /// This many of the votes that are left out are on a keeper's closing list.
    Listed(usize),
    /// The chain that was rebuilt without some votes does not match what is here any more.
    Changed,
    /// The key is not the organiser's, or there is no organiser.
    #[from]
    Statement(StatementError),
}
