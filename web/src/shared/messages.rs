//! What the page and its workers say to each other.
//!
//! Headers and votes travel as their canonical bytes; everything else is what people read. The
//! first message of a worker is its `Ready`: what is posted before that is lost.

mod tools;

use blockvote_core::{
    audit::standing::Standing,
    crypto::{
        key::SecretKey,
        secret::{SecretBytes, SecretText},
    },
    election::{keepers::Keeper, tally::Tally},
    time::Timestamp,
};
use blockvote_words::report::WordedReport;
use serde::{Deserialize, Serialize};
pub use tools::{CastByKey, CodeRow, FoundKeeper, FromTools, OrganiserFile, ToTools, WriteReceipt};
use wasm_bindgen::JsValue;

/// Changes with every build of the sources: page and workers compare it.
pub const BUILD: &str = match option_env!("BLOCKVOTE_BUILD") {
    Some(build) => build,
    None => "development",
};

/// Page to node worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToNode {
    /// Hold this election. Sent once.
    Open {
        /// 64 hexadecimal digits.
        election: String,
        /// Addresses of relays, `ws://…/ws`.
        relays: Vec<String>,
        /// Whether to mine, and with how many workers.
        mining: MiningWish,
    },
    /// Cast a vote.
    Cast {
        /// By what right.
        right: Right,
        /// Choices, or words of the voter's own; none for a blank ballot.
        selections: Vec<String>,
        /// Whether an earlier vote of this voter is to be replaced.
        change: bool,
    },
    /// What can be done with this right?
    CheckRight(Right),
    /// Mine, or rest.
    Mining(MiningWish),
    /// Send summaries of this many blocks from this height downwards.
    Blocks {
        /// Height of the first.
        from: u32,
        /// How many.
        count: u32,
    },
    /// Send everything about a block.
    Block(u32),
    /// Verify everything from the first block on.
    Verify,
    /// Follow a vote that was cast elsewhere.
    Watch {
        /// Its bytes in hexadecimal.
        vote: String,
        /// What keepers signed for it, as its receipt holds it: the encoded list, in hexadecimal.
        acknowledged: String,
    },
    /// Send the receipt of a vote; or, where it was left out, what a complaint is made of.
    Receipt {
        /// The vote's id, in hexadecimal.
        id: String,
        /// Whether a complaint is wanted.
        complaint: bool,
    },
    /// Close or seal, with the organiser's key.
    Organise(Act, Secret),
    /// Look up a vote by its id, in hexadecimal.
    Find(String),
    /// Have keepers prove which votes they had in time, or end that.
    LookAtLists(bool),
    /// Build the chain again without the votes that no keeper had in time, or give that up.
    LeaveOut {
        /// Build it, or give it up.
        on: bool,
        /// Although a keeper did not show its whole closing list.
        anyway: bool,
    },
    /// Send the whole chain as a file.
    Export,
    /// The network came back, or the tab came to the front: connect at once.
    Awake,
    /// Follow these relays from now on, `ws://…/ws`.
    Relays(Vec<String>),
    /// The browser's answer to the wish that storage be kept.
    Persisted(bool),
}

/// By what right a vote is cast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Right {
    /// An unused number, in an open election.
    Token(u64),
    /// A voting code as typed.
    Code(SecretText),
    /// A key of the voter's own.
    Key {
        /// Its public half, `bvk1…`.
        public: String,
        /// What a vote is signed with; not needed to ask what can be done.
        secret: Option<Secret>,
    },
}

/// A time as it crosses between workers and page: milliseconds since 1970, as JavaScript has them.
pub fn millis(time: Timestamp) -> f64 {
    time.0 as f64
}

/// The time of so many milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are whole milliseconds below 2^53"
)]
pub fn timestamp(millis: f64) -> Timestamp {
    Timestamp(millis as u64)
}

/// A secret key on its way from the tools worker to the node worker: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Secret(SecretText);

impl Secret {
    /// Of a key.
    pub fn new(key: &SecretKey) -> Self {
        Self(key.to_bytes().to_hex())
    }

    /// The key.
    pub fn key(&self) -> Option<SecretKey> {
        let bytes = SecretBytes::from_hex(self.0.as_str())?;
        Some(SecretKey::new(*bytes.bytes()))
    }
}

/// What only the organiser can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Close the election now.
    Close,
    /// Seal the result as this tab counts it.
    Seal {
        /// [`ListsView::counted`] as the organiser saw it: another count is not sealed.
        counted: String,
        /// How many votes they saw waiting: what is left out must be what was seen.
        pending: u32,
        /// Although others may have more.
        anyway: bool,
        /// Why the votes that wait for a block are left out; nothing where none is to be.
        leave_out: Option<String>,
        /// Why votes are left out of blocks that no keeper had in time; nothing where none is.
        unlisted: Option<String>,
    },
}

/// What can be done with a right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RightView {
    /// What was asked about.
    pub right: Right,
    /// The token behind it.
    pub token: Option<u64>,
    /// Why it is of no use here.
    pub problem: Option<String>,
    /// The vote that was cast with it and counts so far, in words.
    pub voted: Option<String>,
    /// Whether that vote can be replaced.
    pub may_change: bool,
    /// Why this tab cannot know yet whether it was used: no peer to compare with, or still fetching.
    pub unsure: Option<String>,
}

/// What the user wants of the miners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MiningWish {
    /// Whether to mine at all.
    pub on: bool,
    /// Number of workers.
    pub workers: u32,
}

/// Node worker to page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromNode {
    /// The worker runs; messages are heard from now on.
    Ready {
        /// [`BUILD`] of the worker.
        build: String,
    },
    /// No copy of the definition or the roll is here; peers are being asked.
    Searching(Search),
    /// The election is open.
    Opened(Box<ElectionView>),
    /// It cannot be opened.
    Failed(String),
    /// Where the node stands.
    Status(Box<Status>),
    /// The count.
    Tally(Tally),
    /// The votes cast in this browser, newest first.
    Receipts(Vec<ReceiptView>),
    /// The vote is stored here; its id.
    CastDone(String),
    /// The vote was not taken.
    CastRefused(String),
    /// What can be done with a right.
    Right(Box<RightView>),
    /// A receipt, for the tools worker to write: a [`WriteReceipt`].
    Receipt(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
    /// What was asked beside voting is done.
    ToolDone(String),
    /// It could not be done, and why.
    ToolFailed(String),
    /// Blocks, newest first.
    Blocks(Vec<BlockSummary>),
    /// One block.
    Block(Box<BlockView>),
    /// A verification goes on or is done.
    Verify(Box<VerifyView>),
    /// What became of a vote that was looked up.
    Found(Option<ReceiptView>),
    /// The chain as a file.
    Exported(#[serde(with = "bytes")] Vec<u8>),
    /// The worker broke and has to be started again.
    Fatal(String),
}

/// How the search for an election goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Pages of the voter roll that are here, and all, once the definition is.
    pub pages: Option<(u32, u32)>,
    /// When it began, in milliseconds since 1970.
    pub since: f64,
    /// Relays that are connected.
    pub relays: u32,
    /// Peers that are asked.
    pub peers: u32,
}

/// An election, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElectionView {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The question.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Empty means free text.
    pub choices: Vec<String>,
    /// Fewest choices on a ballot.
    pub least: u16,
    /// Most choices on a ballot.
    pub most: u16,
    /// Whether blank ballots are allowed.
    pub blank: bool,
    /// Whether one choice may be the voter's own words.
    pub write_in: bool,
    /// Whether a voter can change a vote.
    pub last_counts: bool,
    /// Who may vote.
    pub who: Who,
    /// The organiser's public key.
    pub organiser: Option<String>,
    /// Number of tokens, where it is known.
    pub electorate: Option<u64>,
    /// Milliseconds since 1970.
    pub opens: Option<f64>,
    /// Milliseconds since 1970.
    pub closes: Option<f64>,
    /// Milliseconds between blocks.
    pub spacing_ms: u64,
    /// The keepers.
    pub keepers: Vec<Keeper>,
}

/// Who may vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// Anybody with an unused number.
    Anyone,
    /// Whoever has a voting code.
    Codes,
    /// Voters with keys of their own.
    OwnKeys,
}

/// What the organiser's seals come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum SealView {
    /// There is none.
    #[default]
    Unsealed,
    /// There is one, over a block that is not here yet.
    Awaited,
    /// There is one that holds.
    Sealed {
        /// Height of the last block that counts.
        height: u32,
        /// Its hash.
        tip: String,
        /// The seal's id.
        id: String,
        /// Why votes are left out, and how many for each reason.
        left_out: Vec<(String, u32)>,
    },
    /// There is one over another count than the chain's.
    Refuted,
    /// There are two that differ, over blocks of these heights.
    Contested(u32, u32),
}

/// Where the node stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Each relay.
    pub relays: Vec<RelayStatus>,
    /// Peers heard of over relays.
    pub peers: u32,
    /// Other tabs of this browser, heard of directly.
    pub tabs: u32,
    /// Highest block that a peer claims.
    pub highest_peer: Option<u32>,
    /// Block that is being fetched up to.
    pub syncing_to: Option<u32>,
    /// The date of a block that another has, where it is too far ahead of this device's clock.
    pub ahead: Option<f64>,
    /// Whether there is some reason to believe that nobody has more: a peer handed out something good, or
    /// several samples of peers agreed.
    pub sure: bool,
    /// Newest block here.
    pub height: u32,
    /// Its hash.
    pub tip: String,
    /// Votes in the chain, all verified here.
    pub votes: u64,
    /// Voters whose vote counts.
    pub voters: u64,
    /// When votes are not taken any more: the election's own time or the organiser's closing.
    pub closes: Option<f64>,
    /// Whether the organiser closed before the time.
    pub closed_early: bool,
    /// What the organiser's seals come to.
    pub seal: SealView,
    /// Tokens with a proven double vote, at most [`MAX_VOTES_SHOWN`].
    pub double_votes: Vec<DoubleVoteView>,
    /// How many there are.
    pub double_vote_count: u32,
    /// Votes that wait for a block.
    pub pending: u32,
    /// Each keeper.
    pub keepers: Vec<KeeperView>,
    /// Votes that came after closing, of which no keeper showed that they were cast in time.
    pub late: u32,
    /// What keepers had in time, while somebody who seals looks at it.
    pub lists: Option<ListsView>,
    /// What whoever seals should wait for.
    pub missing: Vec<String>,
    /// Connections whose peers say that they have the sealed block. Other tabs of this browser may be among them.
    pub have_seal: u32,
    /// Keepers that say so.
    pub keepers_have_seal: Vec<String>,
    /// Names of the keepers that are here and have the election.
    pub keepers_here: Vec<String>,
    /// Expected number of hashes behind the chain.
    pub work: String,
    /// Blocks kept beside the chain.
    pub side_blocks: u32,
    /// Mining.
    pub mining: MiningStatus,
    /// Storage.
    pub storage: StorageStatus,
    /// Whether the browser promised not to clear it.
    pub persisted: Option<bool>,
    /// Peers that were rejected, with the reason of the last.
    pub rejected: u32,
    /// Reason of the last rejection.
    pub last_rejection: Option<String>,
    /// [`BUILD`] of the worker.
    pub build: String,
}

/// What is known of a keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeeperView {
    /// Its name.
    pub name: String,
    /// How many votes its closing lists hold that are here. More than one contradict each other.
    pub lists: Vec<u32>,
    /// When votes were last compared with it, and how many it had that were not here.
    pub compared: Option<(f64, u32)>,
}

/// Which votes are on keepers' closing lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListsView {
    /// Hash of the count that a seal made now would be over.
    pub counted: String,
    /// Votes in the chain that are on none.
    pub unlisted: u32,
    /// How many keepers showed their whole lists.
    pub whole: u32,
    /// The names of those that did not.
    pub unshown: Vec<String>,
    /// Of these, those that signed one: name, how many votes they showed, and of how many.
    pub partly: Vec<(String, u32, u32)>,
    /// The chain as it is built again without such votes.
    pub built: Option<BuiltView>,
}

/// A chain that is built again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuiltView {
    /// How many blocks are made, and of how many.
    pub progress: (u32, u32),
    /// How many votes are left out of it.
    pub left_out: u32,
    /// Votes that are here, and neither in it nor among those: they wait for a block, or came since.
    pub waiting: u32,
    /// Votes in it.
    pub votes: u64,
    /// Its count.
    pub tally: Tally,
}

/// A proven double vote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoubleVoteView {
    /// The token.
    pub token: u64,
    /// Both ballots in words, and whether each counts.
    pub ballots: [(String, String); 2],
}

/// A relay and the connection to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RelayStatus {
    /// Its address.
    pub url: String,
    /// Whether this node is in the room.
    pub connected: bool,
    /// What went wrong last.
    pub problem: Option<String>,
}

/// Mining, as wanted and as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MiningStatus {
    /// Whether the user wants it.
    pub on: bool,
    /// Whether miners hash now.
    pub active: bool,
    /// Workers wanted.
    pub workers: u32,
    /// Hashes a second, over the last seconds.
    pub rate: f64,
    /// Expected number of hashes for a block made now.
    pub difficulty: u64,
    /// Blocks found by this tab.
    pub found: u32,
    /// Whether another tab of this browser mines by default.
    pub elsewhere: bool,
}

/// What becomes of the chain when the tab closes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum StorageStatus {
    /// This tab writes.
    Writing,
    /// Another tab of this browser writes; this one adds its own votes.
    #[default]
    Sharing,
    /// Nothing is kept; why.
    Memory(String),
}

/// A vote cast in this browser, or looked up, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// 64 hexadecimal digits.
    pub vote_id: String,
    /// The token.
    pub token: u64,
    /// What was chosen.
    pub selection: String,
    /// When it was cast here, in milliseconds since 1970.
    pub cast: Option<f64>,
    /// Peers that said that they hold it.
    pub holders: u32,
    /// How it stands, in the row that holds: what the receipt says.
    pub standing: Standing,
    /// Where it stands.
    pub state: ReceiptState,
    /// Block that a reorganisation dropped it from; it was cast again by itself.
    pub dropped: Option<u32>,
    /// Whether two ballots with this token are proven.
    pub double_vote: bool,
    /// The vote's bytes in hexadecimal, for the receipt's address.
    pub bytes: String,
}

/// Where a vote stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReceiptState {
    /// It waits for a block.
    Pending,
    /// It is in the chain.
    InBlock {
        /// Height.
        height: u32,
        /// Hash.
        hash: String,
        /// Milliseconds since 1970.
        time: f64,
        /// Blocks from that one to the tip.
        confirmations: u32,
        /// Number of hashes in the inclusion proof.
        path: u32,
        /// What is wrong with the proof, checked by this tab; nothing when it holds.
        problem: Option<String>,
    },
    /// It is in the chain, but a later vote of the same voter counts instead.
    Replaced {
        /// Height of its block.
        height: u32,
    },
    /// It is in the chain, but in a block after the sealed one.
    AfterSeal {
        /// Height of its block.
        height: u32,
    },
    /// Another vote with the same token is in the chain, or waits for a block.
    Lost,
    /// This tab holds neither it nor another vote with its token.
    Unknown,
}

/// A block in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockSummary {
    /// Height.
    pub height: u32,
    /// Hash.
    pub hash: String,
    /// Milliseconds since 1970.
    pub time: f64,
    /// Number of votes.
    pub votes: u32,
    /// Expected number of hashes.
    pub work: f64,
    /// Hashes of blocks of the same height that lost.
    pub forks: Vec<String>,
}

/// Everything about a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockView {
    /// The list's part.
    pub summary: BlockSummary,
    /// Header fields with their names.
    pub fields: Vec<(String, String)>,
    /// Leading hexadecimal zeros of the hash.
    pub zeros: u32,
    /// Token and selection, at most [`MAX_VOTES_SHOWN`].
    pub votes: Vec<(u64, String)>,
}

/// Votes of one block that the page is sent: a table of thousands helps nobody.
pub const MAX_VOTES_SHOWN: usize = 200;

/// A verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyView {
    /// What is known so far.
    pub report: WordedReport,
    /// Name of the file; nothing for the living chain.
    pub file: Option<String>,
    /// Blocks, or bytes of the file, so far.
    pub progress: f64,
    /// Blocks, or bytes of the file, in all.
    pub total: f64,
    /// Whether it is over.
    pub done: bool,
    /// Milliseconds so far.
    pub took_ms: f64,
}

/// Node worker to miner worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToMiner {
    /// Look for this nonce.
    Job {
        /// Answers carry it.
        id: u64,
        /// The encoded header.
        #[serde(with = "bytes")]
        header: Vec<u8>,
        /// First nonce of this worker: each has a range of its own.
        start: u64,
    },
    /// Stop looking.
    Rest,
}

/// Miner worker to node worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromMiner {
    /// The worker runs.
    Ready,
    /// A nonce that meets the target.
    Found {
        /// The job's id.
        id: u64,
        /// The nonce.
        nonce: u64,
    },
    /// Hashes since the last such message.
    Hashes(u32),
}

/// Node or tools worker to verifier worker: encoded signatures, answered in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ToVerifier(#[serde(with = "bytes")] pub Vec<u8>);

/// Verifier worker to whichever asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromVerifier {
    /// The worker runs.
    Ready {
        /// [`BUILD`] of the worker.
        build: String,
    },
    /// The index of the first signature that does not hold, if there is one.
    Verified(Option<usize>),
    /// A worker of another build: it knows another form.
    Unreadable,
}

/// `Vec<u8>` as a `Uint8Array` instead of an array of numbers.
mod bytes {
    use serde::{
        Deserializer, Serializer,
        de::{Error, SeqAccess, Visitor},
    };

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
