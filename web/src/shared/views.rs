//! What the page shows of the node: made by the node worker, only read by the page.

use blockvote_core::{audit::standing::Standing, election::tally::Tally};
use blockvote_words::{message::Message, report::WordedReport};
use serde::{Deserialize, Serialize};

use super::messages::Right;

/// What can be done with a right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RightView {
    /// What was asked about.
    pub right: Right,
    /// The token behind it.
    pub token: Option<u64>,
    /// Why it is of no use here.
    pub problem: Option<Message>,
    /// The vote that was cast with it and counts so far, in words.
    pub voted: Option<String>,
    /// Whether that vote can be replaced.
    pub may_change: bool,
    /// Why this tab cannot know yet whether it was used: no peer to compare with, or still fetching.
    pub unsure: Option<Message>,
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
    pub ballots: [(String, Message); 2],
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
    Memory(Message),
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
    pub fields: Vec<(Message, String)>,
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
