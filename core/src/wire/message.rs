//! What peers say to each other, inside a relay's frames. `docs/protocol.md` describes every byte.

pub use blockvote_frames::frame::MAX_MESSAGE_BYTES;
use blockvote_frames::frame::PeerId;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    chain::{
        acknowledgements::Acknowledged,
        block::{Block, MAX_BLOCK_BYTES, MAX_VOTES_IN_BLOCK},
        fork_choice::Weight,
        header::{Header, Height},
        statements::{MAX_STATEMENTS, Statement},
    },
    crypto::{
        encoding::encode,
        hash::{BlockHash, ElectionId, ShortId, Tag, VoteId},
        key::{PublicKey, SecretKey, Signature, Signed},
    },
    election::{definition::Election, roll::RollPage, vote::Vote},
};

/// Version of the messages below; peers with another one ignore each other.
pub const PROTOCOL_VERSION: u16 = 6;
/// Headers in one answer: 200 kB.
pub const MAX_HEADERS: usize = 2000;
/// Blocks asked for at once.
pub const MAX_BLOCKS_ASKED: usize = 256;
/// Votes in one message.
pub const MAX_VOTES: usize = 4096;
/// Votes asked for at once: as many as two messages can have.
pub const MAX_VOTES_ASKED: usize = 2 * MAX_VOTES;
/// Hashes in a locator: 8 and then one for each doubling up to 2^32 blocks.
pub const MAX_LOCATOR: usize = 64;
/// Votes of one announced block that are asked for; a node that lacks more asks for the whole
/// block.
pub const MAX_BLOCK_VOTES: usize = 8192;
/// Votes of an announced block.
pub const MAX_VOTES_ANNOUNCED: usize = MAX_VOTES_IN_BLOCK as usize;
/// Bytes of one message of set reconciliation: room for some 2,000 ids.
pub const MAX_RECONCILE_BYTES: usize = 64 << 10;
/// Vote ids in one question whether a peer has them.
pub const MAX_HELD: usize = 256;

/// Statements in one message: their signatures cost the receiver some 60 ms at most.
pub const MAX_STATEMENTS_SENT: usize = 512;
// The frames crate does not know blocks, so here is the proof that a block fits.
const _: () = assert!(MAX_BLOCK_BYTES + (64 << 10) == MAX_MESSAGE_BYTES);

/// The votes of a node, in its chain and pending: equal if the sets are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VotesDigest {
    /// How many.
    pub votes: u32,
    /// Hash of the sum of their ids, taken as numbers of 256 bits.
    pub fingerprint: [u8; 32],
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`].
    pub version: u16,
    /// Hash of its newest block.
    pub tip: BlockHash,
    /// Height of its newest block.
    pub height: Height,
    /// Weight of its chain. It is believed only after its headers showed it.
    pub weight: Weight,
    /// All votes that it has.
    pub set: VotesDigest,
    /// The sealed block that its chain has.
    pub sealed: Option<BlockHash>,
    /// Hash of the signed statements that it keeps
    /// ([`crate::chain::statements::StatementBook::digest`]).
    pub statements: [u8; 32],
    /// Whether a hello is wanted in return.
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
    /// Send headers after the first of these hashes that is in your chain.
    GetHeaders(Vec<BlockHash>),
    /// Consecutive headers, oldest first.
    Headers(Vec<Header>),
    /// Send these blocks.
    GetBlocks(Vec<BlockHash>),
    /// The blocks asked for, in that order, as many as fit.
    Blocks(Vec<Block>),
    /// Votes, new or asked for.
    Votes(Vec<Vote>),
    /// A new tip.
    NewBlock(ShortBlock),
    /// Let us compare our votes: a message of the negentropy protocol, answered by
    /// [`Message::Reconciled`].
    Reconcile(Vec<u8>),
    /// Send these votes.
    GetVotes(Vec<VoteId>),
    /// Do you have these votes, pending or in your chain?
    AskHeld(Vec<VoteId>),
    /// I have these.
    Held(Vec<VoteId>),
    /// Send this page of the voter roll, counted from 0.
    GetRollPage(u32),
    /// A page of the voter roll; it can be checked by itself.
    RollPage(RollPage),
    /// I know these statements. Send those that I lack.
    GetStatements(Vec<ShortId>),
    /// Signed statements: double votes, a closing, seals, closing lists. Each can be checked by
    /// itself.
    Statements(Vec<Statement>),
    /// The answer to [`Message::Reconcile`], in the same protocol.
    Reconciled(Vec<u8>),
    /// Send these votes of a block that you announced, counted from 0, in ascending order.
    GetBlockVotes(BlockHash, Vec<u32>),
    /// The votes asked for, in that order.
    BlockVotes(BlockHash, Vec<Vote>),
    /// Keepers of this election, show that you are here: sign this.
    RollCall(Challenge),
    /// I am a keeper, and this election is here.
    Present(Presence),
    /// Keeper, acknowledge these votes.
    GetAcknowledged(Vec<VoteId>),
    /// Those that are here and arrived in time.
    Acknowledged(Vec<Acknowledged>),
    /// Send these blocks, without their votes.
    GetShortBlocks(Vec<BlockHash>),
    /// The blocks asked for, in that order, as many as fit.
    ShortBlocks(Vec<ShortBlock>),
}

/// A block for a peer that may have its votes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ShortBlock {
    /// Its header.
    pub header: Header,
    /// The beginnings of its votes' ids, in the order of its votes.
    pub votes: Vec<ShortId>,
}

/// What a keeper is asked to sign; drawn anew for each roll-call.
pub type Challenge = [u8; 32];

/// A keeper's answer to a roll-call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Presence {
    /// The keeper's key.
    pub keeper: PublicKey,
    /// The keeper's signature over the tag, the election, the challenge and the asker's name.
    pub signature: Signature,
}

impl Presence {
    fn message(election: ElectionId, challenge: &Challenge, asker: PeerId) -> Vec<u8> {
        // The asker is included, so that nobody can pass the answer on as their own.
        [&Tag::ROLL_CALL.0[..], &election.0, challenge, &asker.0.to_le_bytes()].concat()
    }

    /// Answers a roll-call of the peer that the relay calls by this name.
    pub fn sign(
        election: ElectionId,
        challenge: &Challenge,
        asker: PeerId,
        key: &SecretKey,
    ) -> Self {
        let signature = key.sign(&Self::message(election, challenge, asker));
        Self { keeper: key.public(), signature }
    }

    /// Whether the keeper signed this challenge for this asker.
    pub fn answers(&self, election: ElectionId, challenge: &Challenge, asker: PeerId) -> bool {
        let message = Self::message(election, challenge, asker);
        let Self { keeper: key, signature } = self;
        Signed { key, message: &message, signature }.holds()
    }
}

/// A message that breaks the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// The message is too long.
    TooLong(usize),
    /// Not an encoding of a message.
    Malformed(String),
    /// A list has more entries than its bound.
    TooMany {
        /// What is listed.
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries allowed.
        max: usize,
    },
}

/// What a message is for its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Says something of its sender, to one peer.
    Greeting,
    /// Useful to everybody in the room: the only class that may be broadcast. A question to
    /// everybody would be answered by everybody.
    Announcement,
    /// Asks for something.
    Question {
        /// What answering costs, besides the bytes that are sent.
        cost: Cost,
        /// What a peer gets that asked for too much, so that it tries another one. If there is a
        /// refusal, the answer is [`Expected::Counted`]; if there is none, the asker notices by
        /// itself.
        refusal: Option<Message>,
    },
    /// Answers a question.
    Answer(Expected),
}

impl Class {
    /// Whether it may be sent to everybody in the room at once.
    pub fn may_be_broadcast(&self) -> bool {
        match self {
            Self::Announcement => true,
            Self::Greeting | Self::Question { .. } | Self::Answer(_) => false,
        }
    }
}

/// What it costs to answer a question, besides the bytes that are sent, which a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A look-up and a short answer: a peer that took little is answered even if others used up the
    /// budget for answers.
    Short,
    /// A look-up for each thing that is asked for.
    Looks,
    /// A walk over all votes, which has its own budget.
    Walk,
}

/// Who knows that an answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Questions to each peer are counted: an answer without a question is an offence.
    Counted,
    /// The asker knows what was asked of which peer, and ignores everything else.
    ByAsker,
}

/// A list in a message and its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// What is listed.
    pub what: &'static str,
    /// Entries.
    pub found: usize,
    /// Entries allowed.
    pub max: usize,
}

/// Everything that must be stated for a kind of message before it may come from a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What it is.
    pub class: Class,
    /// Its list, if it has one; the rest of a message is of a fixed size, or a definition, whose
    /// parts have their own bounds.
    pub list: Option<List>,
}

impl Message {
    /// The one table of messages. `docs/protocol.md` has it in words.
    #[expect(clippy::match_same_arms, reason = "a table has a row for each message")]
    pub fn rules(&self) -> Rules {
        let question = |refusal| Class::Question { cost: Cost::Looks, refusal };
        let short = Class::Question { cost: Cost::Short, refusal: None };
        let (class, list) = match self {
            Self::Hello(_) => (Class::Greeting, None),
            Self::GetElection => (short, None),
            Self::Election(_) => (Class::Answer(Expected::ByAsker), None),
            Self::GetHeaders(list) => (
                question(Some(Self::Headers(Vec::new()))),
                Some(("hashes", list.len(), MAX_LOCATOR)),
            ),
            Self::Headers(list) => {
                (Class::Answer(Expected::Counted), Some(("headers", list.len(), MAX_HEADERS)))
            }
            Self::GetBlocks(list) => (
                question(Some(Self::Blocks(Vec::new()))),
                Some(("hashes", list.len(), MAX_BLOCKS_ASKED)),
            ),
            Self::Blocks(list) => {
                (Class::Answer(Expected::Counted), Some(("blocks", list.len(), MAX_BLOCKS_ASKED)))
            }
            Self::Votes(list) => (Class::Announcement, Some(("votes", list.len(), MAX_VOTES))),
            Self::NewBlock(block) => {
                (Class::Announcement, Some(("votes", block.votes.len(), MAX_VOTES_ANNOUNCED)))
            }
            Self::Reconcile(bytes) => (
                Class::Question { cost: Cost::Walk, refusal: None },
                Some(("bytes", bytes.len(), MAX_RECONCILE_BYTES)),
            ),
            Self::GetVotes(list) => {
                (question(None), Some(("vote ids", list.len(), MAX_VOTES_ASKED)))
            }
            Self::AskHeld(list) => (short, Some(("vote ids", list.len(), MAX_HELD))),
            Self::Held(list) => {
                (Class::Answer(Expected::ByAsker), Some(("vote ids", list.len(), MAX_HELD)))
            }
            Self::GetRollPage(_) => (question(None), None),
            Self::RollPage(page) => (
                Class::Answer(Expected::ByAsker),
                Some(("keys", page.keys.len(), crate::election::roll::PAGE_KEYS)),
            ),
            Self::GetStatements(list) => {
                (question(None), Some(("statements", list.len(), MAX_STATEMENTS)))
            }
            Self::Statements(list) => {
                (Class::Announcement, Some(("statements", list.len(), MAX_STATEMENTS_SENT)))
            }
            Self::Reconciled(bytes) => (
                Class::Answer(Expected::ByAsker),
                Some(("bytes", bytes.len(), MAX_RECONCILE_BYTES)),
            ),
            Self::GetBlockVotes(hash, list) => (
                question(Some(Self::BlockVotes(*hash, Vec::new()))),
                Some(("votes", list.len(), MAX_BLOCK_VOTES)),
            ),
            Self::BlockVotes(_, list) => {
                (Class::Answer(Expected::Counted), Some(("votes", list.len(), MAX_BLOCK_VOTES)))
            }
            // Only keepers answer, and few are named.
            Self::RollCall(_) => (Class::Announcement, None),
            Self::Present(_) => (Class::Answer(Expected::ByAsker), None),
            Self::GetAcknowledged(list) => (short, Some(("vote ids", list.len(), MAX_HELD))),
            Self::Acknowledged(list) => {
                (Class::Answer(Expected::ByAsker), Some(("acknowledgements", list.len(), MAX_HELD)))
            }
            Self::GetShortBlocks(list) => (
                question(Some(Self::ShortBlocks(Vec::new()))),
                Some(("hashes", list.len(), MAX_BLOCKS_ASKED)),
            ),
            // One block has at most this many, and several are sent only if together they have no
            // more.
            Self::ShortBlocks(list) => {
                let ids = list.iter().map(|block| block.votes.len()).sum();
                (Class::Answer(Expected::Counted), Some(("short ids", ids, MAX_VOTES_ANNOUNCED)))
            }
        };
        let list = list.map(|(what, found, max)| List { what, found, max });
        Rules { class, list }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message and checks the bounds of its lists.
    ///
    /// # Errors
    /// What breaks the format: no honest peer of this version sends such bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let message: Self =
            borsh::from_slice(bytes).map_err(|error| MessageError::Malformed(error.to_string()))?;
        let Some(List { what, found, max }) = message.rules().list else {
            return Ok(message);
        };
        if found > max {
            return Err(MessageError::TooMany { what, found, max });
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Make = Box<dyn Fn(usize) -> Message>;

    /// For each kind of message that strangers can make long: a list at its bound, and one above
    /// it.
    #[test]
    fn a_list_above_its_bound_is_refused_and_one_at_it_is_not() {
        let id = VoteId([7; 32]);
        let (hash, short) = (BlockHash([7; 32]), ShortId([7; 8]));
        let kinds: [(usize, Make); 8] = [
            (MAX_LOCATOR, Box::new(move |n| Message::GetHeaders(vec![hash; n]))),
            (MAX_BLOCKS_ASKED, Box::new(move |n| Message::GetBlocks(vec![hash; n]))),
            (MAX_BLOCKS_ASKED, Box::new(move |n| Message::GetShortBlocks(vec![hash; n]))),
            (MAX_HELD, Box::new(move |n| Message::AskHeld(vec![id; n]))),
            (MAX_VOTES_ASKED, Box::new(move |n| Message::GetVotes(vec![id; n]))),
            (MAX_BLOCK_VOTES, Box::new(move |n| Message::GetBlockVotes(hash, vec![0; n]))),
            (MAX_STATEMENTS, Box::new(move |n| Message::GetStatements(vec![short; n]))),
            (MAX_RECONCILE_BYTES, Box::new(|n| Message::Reconcile(vec![0; n]))),
        ];
        for (max, make) in kinds {
            assert_eq!(Message::decode(&make(max).encode()), Ok(make(max)));
            let refused = Message::decode(&make(max + 1).encode());
            let above =
                |error| matches!(error, MessageError::TooMany { found, .. } if found == max + 1);
            assert!(refused.clone().is_err_and(above), "{refused:?}");
        }
    }

    #[test]
    fn a_refusal_answers_its_question_and_asks_for_nothing() {
        let hash = BlockHash([7; 32]);
        for question in [
            Message::GetHeaders(vec![hash]),
            Message::GetBlocks(vec![hash]),
            Message::GetBlockVotes(hash, vec![1]),
        ] {
            let Class::Question { refusal: Some(refusal), .. } = question.rules().class else {
                panic!("{question:?} leaves its sender waiting");
            };
            assert_eq!(refusal.rules().class, Class::Answer(Expected::Counted));
            assert_eq!(refusal.rules().list.map(|list| list.found), Some(0));
        }
    }
}
