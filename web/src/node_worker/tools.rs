//! What the worker does for people beside the node: work with keys, codes and files that would hold
//! up the page, and needs no open election.

use blockvote_core::{
    key::SecretKey,
    keyfile::KeyFile,
    locked,
    organiser::{Organiser, Publishing},
    receipt::ReceiptFile,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

use super::{now, secret_bytes, store::Store, verify};
use crate::{
    messages::{CodeRow, FromNode, OrganiserFile, ToNode},
    worker::{breathe, monotonic_ms, post},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;

/// Does what is asked if it is a tool's work; hands the message back otherwise.
pub fn take(message: ToNode) -> Option<ToNode> {
    match message {
        ToNode::VerifyFile(file) => match file.dyn_into() {
            Ok(file) => spawn_local(verify::file(file)),
            Err(_) => failed("that is not a file"),
        },
        ToNode::Publish { draft, passphrase } => spawn_local(async move {
            let publishing = Publishing::new(*draft, secret_bytes(), secret_bytes());
            let result = match publishing {
                Ok(publishing) => publish(publishing, &passphrase).await,
                Err(error) => Err(error.to_string()),
            };
            match result {
                Ok(published) => post(&published),
                Err(error) => failed(&error),
            }
        }),
        ToNode::Codes(file) => answer(organiser(&file).map(|organiser| {
            let row = |(voter, code): (Vec<String>, blockvote_core::code::Code)| CodeRow {
                voter,
                code: code.to_string(),
            };
            FromNode::Codes(organiser.codes().map(row).collect())
        })),
        ToNode::ReadOrganiser(file) => answer(organiser(&file).map(|organiser| {
            let id = organiser.election.id().to_string();
            FromNode::Organiser(id, Box::new(organiser.to_draft()))
        })),
        ToNode::NewKey(passphrase) => {
            let salt = secret_bytes();
            let lock = (!passphrase.is_empty()).then_some((passphrase.as_str(), &salt));
            let file = KeyFile::new(&SecretKey::new(secret_bytes()), lock);
            answer(file.map_err(|error| error.to_string()).and_then(|file| key(&file)));
        }
        ToNode::ReadKey(text) => {
            let file = KeyFile::read(&text).map_err(|error| error.to_string());
            answer(file.and_then(|file| key(&file)));
        }
        ToNode::ReadReceipt(text) => answer(
            ReceiptFile::read(&text)
                .map(|file| FromNode::ReceiptRead {
                    election: file.receipt.vote.election.to_string(),
                    vote_id: file.receipt.vote_id.to_string(),
                    vote: hex::encode(file.receipt.vote.encode()),
                })
                .map_err(|error| error.to_string()),
        ),
        other => return Some(other),
    }
    None
}

fn failed(why: &str) {
    post(&FromNode::ToolFailed(why.to_owned()));
}

fn answer(result: Result<FromNode, String>) {
    match result {
        Ok(message) => post(&message),
        Err(why) => failed(&why),
    }
}

fn key(file: &KeyFile) -> Result<FromNode, String> {
    let public = file.public().map_err(|error| error.to_string())?.to_text();
    Ok(FromNode::Key { file: file.to_text(), public, locked: file.is_locked() })
}

/// Reads an organiser's file, unlocked where it is locked.
pub fn organiser(file: &OrganiserFile) -> Result<Organiser, String> {
    let text = if locked::is_locked(&file.text) {
        if file.passphrase.is_empty() {
            return Err("the organiser's file is locked: type its passphrase".into());
        }
        let bytes = locked::unlock(&file.text, &file.passphrase);
        String::from_utf8(bytes.map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?
    } else {
        file.text.clone()
    };
    Organiser::read(&text).map_err(|error| error.to_string())
}

async fn publish(mut publishing: Publishing, passphrase: &str) -> Result<FromNode, String> {
    let mut slice = monotonic_ms();
    while publishing.step() {
        if monotonic_ms() - slice > SLICE_MS {
            let (made, all) = publishing.progress();
            post(&FromNode::Publishing(made, all));
            breathe().await;
            slice = monotonic_ms();
        }
    }
    let (organiser, setup) = publishing.finish(now()).map_err(|error| error.to_string())?;
    let text = organiser.to_text();
    let organiser = if passphrase.is_empty() {
        text
    } else {
        locked::lock(text.as_bytes(), passphrase, &secret_bytes())
            .map_err(|error| error.to_string())?
    };
    let id = setup.id();
    let kept = async { Store::open(&id).await?.put_setup(&setup).await };
    kept.await.map_err(|error| {
        format!("this browser refuses to keep the election ({error}): leave the private window, or allow storage")
    })?;
    Ok(FromNode::Published { id: id.to_string(), organiser })
}
