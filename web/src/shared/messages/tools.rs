//! What the page says to the tools worker.

use blockvote_core::{
    crypto::{
        key::PublicKey,
        secret::{Passphrase, SecretText},
    },
    custody::organiser::{Draft, DraftField},
    election::keepers::Keeper,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::{Act, bytes};
use crate::shared::{
    asking::{Question, asks},
    views::VerifyView,
};

/// Page to tools worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToTools {
    /// A question.
    Ask(ToolsAsk),
    /// Something to do that has no answer.
    Order(ToolsOrder),
    /// A `MessagePort` at whose other end the node worker answers; nothing when that is gone.
    Node(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
}

/// What has no answer: what comes of it is seen in [`ToolsEvent`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToolsOrder {
    /// Be there: a screen opened that will want a tool, perhaps when the relay is away.
    Hello,
    /// Say which keepers are on these relays, now and as they come.
    LookForKeepers(Vec<String>),
    /// Ask keepers to hold an election, until they have it.
    AskKeepers {
        /// Addresses of relays, `ws://…/ws`.
        relays: Vec<String>,
        /// 64 hexadecimal digits.
        election: String,
        /// The keepers' keys.
        keepers: Vec<PublicKey>,
    },
    /// Find an election by its short address, until there is one.
    FindElection {
        /// Addresses of relays, `ws://…/ws`.
        relays: Vec<String>,
        /// A short address, as it is written.
        address: String,
    },
}

/// What happens by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToolsEvent {
    /// The keepers that answered.
    Keepers(Vec<FoundKeeper>),
    /// What keepers have under the short address that was looked up.
    FoundElections {
        /// Ids of elections that have it: computed again here.
        ids: Vec<String>,
        /// How many keepers answered.
        answered: usize,
    },
}

/// Argon2 takes some seconds on a slow phone, a vote of many waits for the node.
const LONG: u32 = 50_000;

asks! {
    /// Questions for the tools worker.
    ToolsAsk:
    /// Verify an audit file from the disk.
    VerifyFile -> VerifyView, VerifyView, LONG;
    /// What keeps a draft from becoming an election now: the fields, and what to do about each.
    CheckDraft -> Vec<(DraftField, String)>, (), LONG;
    /// The election as voters would see it: its encoded definition.
    PreviewDraft -> Previewed, (), LONG;
    /// Make the roll of a draft and keep the election in this browser; says how many keys of how
    /// many are made.
    Publish -> Published, (u32, u32), LONG;
    /// Make the voting codes of an organiser's file again.
    Codes -> Vec<CodeRow>, (), LONG;
    /// Read an organiser's file: its election's id, and a draft of the same election.
    ReadOrganiser -> (String, Draft), (), LONG;
    /// Have the node worker do this with the key of an organiser's file.
    HaveOrganise -> (), (), LONG;
    /// Make a key of the voter's own, locked where there is a passphrase.
    NewKey -> SavedKey, (), LONG;
    /// Read a key file.
    ReadKey -> SavedKey, (), LONG;
    /// Have the node worker cast a vote with the key of a key file; the vote's id.
    CastByKey -> String, (), LONG;
    /// Read a receipt.
    ReadReceipt -> ReceiptRead, (), LONG;
    /// Write the receipt of a vote that the node worker knows, or a complaint, to a file.
    SaveReceipt -> TextFile, (), LONG;
    /// Compute the short address of an election.
    ShortAddressOf -> String, (), LONG;
}

/// [`ToolsAsk::VerifyFile`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyFile {
    /// The file.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub file: JsValue,
    /// The text of a complaint that is judged by it.
    pub complaint: Option<String>,
}

/// [`ToolsAsk::CheckDraft`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckDraft(pub Box<Draft>);

/// [`ToolsAsk::PreviewDraft`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviewDraft(pub Box<Draft>);

/// An encoded definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Previewed(#[serde(with = "bytes")] pub Vec<u8>);

/// [`ToolsAsk::Publish`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publish {
    /// The draft.
    pub draft: Box<Draft>,
    /// Locks the organiser's file, where there is one.
    pub passphrase: Option<Passphrase>,
}

/// An election that was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Its id.
    pub id: String,
    /// The organiser's file, locked where that was wished.
    pub organiser: SecretText,
}

/// [`ToolsAsk::Codes`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Codes(pub OrganiserFile);

/// [`ToolsAsk::ReadOrganiser`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadOrganiser(pub OrganiserFile);

/// [`ToolsAsk::HaveOrganise`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaveOrganise(pub Act, pub OrganiserFile);

/// [`ToolsAsk::NewKey`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewKey(pub Option<Passphrase>);

/// [`ToolsAsk::ReadKey`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadKey(pub SecretText);

/// A key that was made or read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedKey {
    /// The key file's text.
    pub file: SecretText,
    /// The public half, as it is handed on.
    pub public: String,
    /// Whether it is locked.
    pub locked: bool,
}

/// [`ToolsAsk::CastByKey`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CastByKey {
    /// The key file's text.
    pub file: SecretText,
    /// Its passphrase, as typed.
    pub passphrase: Option<Passphrase>,
    /// As in [`super::Cast`].
    pub selections: Vec<String>,
    /// As in [`super::Cast`].
    pub change: bool,
}

/// [`ToolsAsk::ReadReceipt`]: the file's text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadReceipt(pub String);

/// A receipt that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptRead {
    /// Election of the vote.
    pub election: String,
    /// Id of the vote.
    pub vote_id: String,
    /// The vote's bytes in hexadecimal.
    pub vote: String,
    /// What keepers signed for it: the encoded list, in hexadecimal.
    pub acknowledged: String,
}

/// [`ToolsAsk::SaveReceipt`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SaveReceipt {
    /// The vote's id, in hexadecimal.
    pub id: String,
    /// Whether a complaint is wanted.
    pub complaint: bool,
}

/// A file for the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// [`ToolsAsk::ShortAddressOf`]: 64 hexadecimal digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShortAddressOf(pub String);

/// A keeper that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundKeeper {
    /// Its name and key.
    pub keeper: Keeper,
    /// Why it refuses to keep the election that it was asked to.
    pub refused: Option<String>,
}

/// An organiser's file, and the passphrase where it is locked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganiserFile {
    /// Its text.
    pub text: SecretText,
    /// As typed.
    pub passphrase: Option<Passphrase>,
}

/// A voting code and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeRow {
    /// The organiser's line for the voter; may be empty.
    pub voter: Vec<String>,
    /// The code.
    pub code: SecretText,
}
