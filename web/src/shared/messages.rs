//! What the page and its workers say to each other.
//!
//! Headers and votes travel as their canonical bytes; everything else is what people read. The
//! first message of a worker is its `Ready`: what is posted before that is lost.

mod bytes;
mod miner;
mod node;
mod tools;
mod verifier;

use blockvote_core::time::Timestamp;
use blockvote_words::message::Message;
pub use miner::{FromMiner, ToMiner};
pub use node::{
    Act, BlockAt, Blocks, Cast, CheckRight, Export, Exported, Find, LeaveOut, MiningWish, NodeAsk,
    NodeEvent, NodeOrder, Organise, ReceiptParts, Right, Secret, ToNode, VerifyChain, Watch,
    WishedSeal, WriteReceipt,
};
use serde::{Deserialize, Serialize};
pub use tools::{
    CastByKey, CheckDraft, CodeRow, Codes, FoundKeeper, HaveOrganise, NewKey, OrganiserFile,
    PreviewDraft, Previewed, Publish, Published, ReadKey, ReadOrganiser, ReadReceipt, ReceiptRead,
    SaveReceipt, SavedKey, ShortAddressOf, TextFile, ToTools, ToolsAsk, ToolsEvent, ToolsOrder,
    VerifyFile,
};
pub use verifier::{FromVerifier, ToVerifier};
use wasm_bindgen::JsValue;

/// Changes with every build of the sources: page and workers compare it.
pub const BUILD: &str = match option_env!("BLOCKVOTE_BUILD") {
    Some(build) => build,
    None => "development",
};

/// A worker to whoever started it, or to whoever asks through a port.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromWorker<Event> {
    /// The worker runs; messages are heard from now on.
    Ready {
        /// [`BUILD`] of the worker.
        build: String,
    },
    /// What happens by itself.
    Event(Event),
    /// What is said of the question of this number.
    Reply(u32, Replied),
    /// The worker broke and has to be started again.
    Fatal(String),
}

/// What is said of a question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Replied {
    /// The answer.
    Answer(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
    /// How far the answer is.
    Progress(#[serde(with = "serde_wasm_bindgen::preserve")] JsValue),
    /// It could not be done, and why.
    Refused(Message),
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
