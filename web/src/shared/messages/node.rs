//! What the page, and the tools worker through a port, say to the node worker.

use blockvote_core::{
    audit::receipt::Receipt,
    chain::acknowledgements::Acknowledged,
    crypto::{
        key::SecretKey,
        secret::{SecretBytes, SecretText},
    },
    election::tally::Tally,
};
use blockvote_words::message::Message;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::bytes;
use crate::shared::{
    asking::{Question, asks},
    views::{BlockSummary, BlockView, ReceiptView, RightView, Search, Status, VerifyView},
};

/// Page to node worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToNode {
    /// A question.
    Ask(NodeAsk),
    /// Something to do that has no answer.
    Order(NodeOrder),
    /// A `MessagePort` at whose other end the tools worker asks.
    Port(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
}

/// What has no answer: what comes of it is seen in [`NodeEvent`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NodeOrder {
    /// Hold this election. Sent once.
    Open {
        /// 64 hexadecimal digits.
        election: String,
        /// Addresses of relays, `ws://…/ws`.
        relays: Vec<String>,
        /// Whether to mine, and with how many workers.
        mining: MiningWish,
    },
    /// Mine, or rest.
    Mining(MiningWish),
    /// Have keepers prove which votes they had in time, or end that.
    LookAtLists(bool),
    /// The network came back, or the tab came to the front: connect at once.
    Awake,
    /// Follow these relays from now on, `ws://…/ws`.
    Relays(Vec<String>),
    /// The browser's answer to the wish that storage be kept.
    Persisted(bool),
}

/// What happens by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NodeEvent {
    /// No copy of the definition or the roll is here; peers are being asked.
    Searching(Search),
    /// The election is open: its encoded definition.
    Opened(#[serde(with = "bytes")] Vec<u8>),
    /// It cannot be opened.
    Failed(Message),
    /// Where the node stands.
    Status(Box<Status>),
    /// The count.
    Tally(Tally),
    /// The votes cast in this browser, newest first.
    Receipts(Vec<ReceiptView>),
}

/// A block that is asked for is made in milliseconds; a busy node first ends what it does.
const SOON: u32 = 20_000;
/// A file of everything takes as long as reading all of it.
const LONG: u32 = 50_000;

asks! {
    /// Questions for the node worker.
    NodeAsk:
    /// Cast a vote; answered with its id once it is stored.
    Cast -> String, (), SOON;
    /// What can be done with this right?
    CheckRight -> RightView, (), SOON;
    /// Follow a vote that was cast elsewhere.
    Watch -> (), (), SOON;
    /// What the receipt of a vote is made of.
    ReceiptParts -> WriteReceipt, (), SOON;
    /// Close or seal, with the organiser's key; answered once it is stored.
    Organise -> (), (), LONG;
    /// Look up a vote; nothing when it is not known here.
    Find -> Option<ReceiptView>, (), SOON;
    /// Build the chain again without the votes that no keeper had in time, or give that up.
    LeaveOut -> (), (), LONG;
    /// The whole chain as a file.
    Export -> Exported, (), LONG;
    /// Summaries of blocks, newest first.
    Blocks -> Vec<BlockSummary>, (), SOON;
    /// Everything about a block; nothing where there is none.
    BlockAt -> Option<BlockView>, (), SOON;
    /// Verify everything from the first block on.
    VerifyChain -> VerifyView, VerifyView, LONG;
}

/// [`NodeAsk::Cast`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cast {
    /// By what right.
    pub right: Right,
    /// Choices, or words of the voter's own; none for a blank ballot.
    pub selections: Vec<String>,
    /// Whether an earlier vote of this voter is to be replaced.
    pub change: bool,
}

/// [`NodeAsk::CheckRight`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRight(pub Right);

/// [`NodeAsk::Watch`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// The vote's bytes in hexadecimal.
    pub vote: String,
    /// What keepers signed for it, as its receipt has it: the encoded list, in hexadecimal.
    pub acknowledged: String,
}

/// [`NodeAsk::ReceiptParts`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptParts {
    /// The vote's id, in hexadecimal.
    pub id: String,
}

/// [`NodeAsk::Organise`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organise(pub Act, pub Secret);

/// [`NodeAsk::Find`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Find {
    /// The vote's id, in hexadecimal.
    pub id: String,
}

/// [`NodeAsk::LeaveOut`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaveOut {
    /// Build it, or give it up.
    pub on: bool,
    /// Although a keeper did not show its whole closing list.
    pub anyway: bool,
}

/// [`NodeAsk::Export`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export;

/// An audit file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exported(#[serde(with = "bytes")] pub Vec<u8>);

/// [`NodeAsk::Blocks`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blocks {
    /// Height of the first; the others are below it.
    pub from: u32,
    /// How many.
    pub count: u32,
}

/// [`NodeAsk::BlockAt`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockAt(pub u32);

/// [`NodeAsk::VerifyChain`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyChain;

/// What a receipt or a complaint is written from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// What keepers signed for it.
    pub acknowledged: Vec<Acknowledged>,
    /// The encoded definition of its election.
    #[serde(with = "bytes")]
    pub election: Vec<u8>,
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
    Seal(WishedSeal),
}

/// A seal as the organiser wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WishedSeal {
    /// [`ListsView::counted`](crate::shared::views::ListsView::counted) as the organiser saw it:
    /// another count is not sealed.
    pub counted: String,
    /// How many pending votes they saw: what is left out must be what was seen.
    pub pending: u32,
    /// Although others may have more.
    pub anyway: bool,
    /// Why pending votes are left out; `None` if there are none.
    pub leave_out: Option<String>,
    /// Why votes are left out of blocks that no keeper had in time; `None` if there are none.
    pub unlisted: Option<String>,
}

/// What the user wants of the miners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MiningWish {
    /// Whether to mine at all.
    pub on: bool,
    /// Number of workers.
    pub workers: u32,
}
