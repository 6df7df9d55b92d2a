//! What the page and the tools worker say to each other.

use blockvote_core::{
    audit::receipt::Receipt,
    chain::acknowledgements::Acknowledged,
    crypto::{
        key::PublicKey,
        secret::{Passphrase, SecretText},
    },
    custody::organiser::Draft,
    election::keepers::Keeper,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::{Act, VerifyView, bytes};

/// Page to tools worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToTools {
    /// Be there: a screen opened that will want a tool, perhaps when the relay is away.
    Hello,
    /// Verify an audit file from the disk.
    VerifyFile {
        /// The file.
        #[serde(with = "serde_wasm_bindgen::preserve")]
        file: JsValue,
        /// The text of a complaint that is judged by it.
        complaint: Option<String>,
    },
    /// Make the roll of a draft and keep the election in this browser.
    Publish {
        /// The draft.
        draft: Box<Draft>,
        /// Locks the organiser's file, where there is one.
        passphrase: Option<Passphrase>,
    },
    /// Make the voting codes of an organiser's file again.
    Codes(OrganiserFile),
    /// Read an organiser's file for duplicating or bringing it to this browser.
    ReadOrganiser(OrganiserFile),
    /// Have the node worker do this with the key of an organiser's file.
    Organise(Act, OrganiserFile),
    /// Make a key of the voter's own, locked where there is a passphrase.
    NewKey(Option<Passphrase>),
    /// Read a key file.
    ReadKey(SecretText),
    /// Have the node worker cast a vote with the key of a key file.
    Cast(CastByKey),
    /// Read a receipt.
    ReadReceipt(String),
    /// Write a receipt to a file: a [`WriteReceipt`].
    WriteReceipt(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
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
    /// Find an election by its short address.
    FindElection {
        /// Addresses of relays, `ws://…/ws`.
        relays: Vec<String>,
        /// As typed.
        address: String,
    },
    /// Compute the short address of an election: 64 hexadecimal digits.
    ShortAddress(String),
}

/// A keeper that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundKeeper {
    /// Its name and key.
    pub keeper: Keeper,
    /// Whether it says that it has the election that it was asked to hold.
    pub has_it: bool,
    /// Why it does not hold it.
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

/// A vote by a key of the voter's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CastByKey {
    /// The key file's text.
    pub file: SecretText,
    /// Its passphrase, as typed.
    pub passphrase: Option<Passphrase>,
    /// As in [`super::ToNode::Cast`].
    pub selections: Vec<String>,
    /// As in [`super::ToNode::Cast`].
    pub change: bool,
}

/// A receipt to be written to a file, by node worker and page to tools worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// What keepers signed for it.
    pub acknowledged: Vec<Acknowledged>,
    /// Whether it is to be written as a complaint.
    pub complaint: bool,
    /// The encoded definition of its election.
    #[serde(with = "bytes")]
    pub election: Vec<u8>,
}

/// A voting code and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeRow {
    /// The organiser's line for the voter; may be empty.
    pub voter: Vec<String>,
    /// The code.
    pub code: SecretText,
}

/// Tools worker to page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromTools {
    /// The worker runs.
    Ready {
        /// [`super::BUILD`] of the worker.
        build: String,
    },
    /// For the node worker, as it is: a [`super::ToNode`].
    ForNode(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
    /// The key that a vote was to be cast with cannot be used, and why.
    KeyRefused(String),
    /// Keys of a roll made so far, and in all.
    Publishing(u32, u32),
    /// The election is kept in this browser.
    Published {
        /// Its id.
        id: String,
        /// The organiser's file, locked where that was wished.
        organiser: SecretText,
    },
    /// Voting codes.
    Codes(Vec<CodeRow>),
    /// An organiser's file was read: its election's id, and a draft of the same election.
    Organiser(String, Box<Draft>),
    /// A key that was made or read.
    Key {
        /// The key file's text.
        file: SecretText,
        /// The public half, as it is handed on.
        public: String,
        /// Whether it is locked.
        locked: bool,
    },
    /// A receipt was read.
    ReceiptRead {
        /// Election of the vote.
        election: String,
        /// Id of the vote.
        vote_id: String,
        /// The vote's bytes in hexadecimal.
        vote: String,
        /// What keepers signed for it: the encoded list, in hexadecimal.
        acknowledged: String,
    },
    /// A file for the user: name and text.
    Save(String, String),
    /// The keepers that answered.
    Keepers(Vec<FoundKeeper>),
    /// What keepers have under the short address that was looked up.
    FoundElections {
        /// Ids of elections that have it: computed again here.
        ids: Vec<String>,
        /// How many keepers answered.
        answered: usize,
    },
    /// The short address that was asked for.
    ShortAddress(String),
    /// A verification goes on or is done.
    Verify(Box<VerifyView>),
    /// What was asked could not be done, and why.
    Failed(String),
    /// The worker broke and has to be started again.
    Fatal(String),
}
