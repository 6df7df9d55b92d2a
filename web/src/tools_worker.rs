//! The tools worker: what a person asks for beside the node. It works with keys, codes and files,
//! which would hold up the page, and needs no open election. It is started when it is first wanted.

mod keepers;
mod verify;

use blockvote_core::{
    audit::{complaint::Complaint, receipt::ReceiptFile},
    crypto::{
        key::SecretKey,
        passphrase_lock,
        secret::{Passphrase, SecretBytes},
    },
    custody::{
        keyfile::KeyFile,
        organiser::{Organiser, Publishing},
    },
    election::{
        definition::Election,
        short_address::{ShortAddress, ShortAddressError},
    },
};
use blockvote_words::Words;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use crate::{
    messages::{
        BUILD, CastByKey, CodeRow, FromTools, OrganiserFile, Right, Secret, ToNode, ToTools,
        WriteReceipt,
    },
    store::Store,
    worker::{self, breathe, encode, monotonic_ms, now, post, secret_bytes},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;

/// Runs the worker.
pub fn run() {
    worker::report_panics(FromTools::Fatal);
    worker::listen(hear);
    post(&FromTools::Ready { build: BUILD.to_owned() });
}

fn hear(message: ToTools) {
    match message {
        ToTools::Hello => {}
        ToTools::VerifyFile { file, complaint } => {
            let complaint = complaint.map(|text| Complaint::read(&text)).transpose();
            match (file.dyn_into(), complaint) {
                (Ok(file), Ok(complaint)) => spawn_local(verify::file(file, complaint)),
                (_, Err(error)) => answer(Err(error.words())),
                (Err(_), _) => answer(Err("that is not a file".into())),
            }
        }
        ToTools::Publish { draft, passphrase } => spawn_local(async move {
            let publishing = Publishing::new(*draft, secret(), secret());
            answer(match publishing {
                Ok(publishing) => publish(publishing, passphrase.as_ref()).await,
                Err(error) => Err(error.words()),
            });
        }),
        ToTools::Codes(file) => answer(organiser(&file).map(|organiser| {
            let row = |(voter, code): (Vec<String>, blockvote_core::custody::voting_code::Code)| {
                CodeRow { voter, code: code.to_string().into() }
            };
            FromTools::Codes(organiser.codes().map(row).collect())
        })),
        ToTools::ReadOrganiser(file) => answer(organiser(&file).map(|organiser| {
            let id = organiser.election.id().to_string();
            FromTools::Organiser(id, Box::new(organiser.to_draft()))
        })),
        ToTools::Organise(act, file) => {
            let secret = organiser(&file).map(|organiser| Secret::new(organiser.key()));
            answer(secret.and_then(|secret| for_node(&ToNode::Organise(act, secret))));
        }
        ToTools::NewKey(passphrase) => {
            let salt = secret_bytes();
            let lock = passphrase.as_ref().map(|passphrase| (passphrase, &salt));
            let file = KeyFile::new(&SecretKey::new(*secret().bytes()), lock);
            answer(file.map_err(|error| error.words()).and_then(|file| key(&file)));
        }
        ToTools::ReadKey(text) => {
            let file = KeyFile::read(text.as_str()).map_err(|error| error.words());
            answer(file.and_then(|file| key(&file)));
        }
        ToTools::Cast(vote) => answer(Ok(cast(vote).unwrap_or_else(FromTools::KeyRefused))),
        ToTools::ReadReceipt(text) => answer(
            ReceiptFile::read(&text)
                .map(|file| FromTools::ReceiptRead {
                    election: file.receipt.vote.election.to_string(),
                    vote_id: file.receipt.vote_id.to_string(),
                    vote: hex::encode(file.receipt.vote.encode()),
                    acknowledged: borsh::to_vec(&file.acknowledged)
                        .map(hex::encode)
                        .unwrap_or_default(),
                })
                .map_err(|error| error.words()),
        ),
        ToTools::WriteReceipt(receipt) => answer(write_receipt(receipt)),
        ToTools::LookForKeepers(relays) => keepers::look(relays),
        ToTools::AskKeepers { relays, election, keepers } => {
            if let Ok(election) = election.parse() {
                keepers::hold(relays, election, keepers);
            }
        }
        ToTools::FindElection { relays, address } => match address.parse() {
            Ok(address) => keepers::find(relays, address),
            Err(error) => answer(Err(ShortAddressError::words(&error))),
        },
        ToTools::ShortAddress(election) => {
            let address = election.parse().ok().and_then(|id| ShortAddress::of(&id).ok());
            if let Some(address) = address {
                post(&FromTools::ShortAddress(address.to_string()));
            }
        }
    }
}

fn answer(result: Result<FromTools, String>) {
    post(&result.unwrap_or_else(FromTools::Failed));
}

/// Has the page hand this on.
fn for_node(message: &ToNode) -> Result<FromTools, String> {
    let encoded = encode(message).map_err(|_| "the message has no form".to_owned());
    encoded.map(FromTools::ForNode)
}

fn cast(vote: CastByKey) -> Result<FromTools, String> {
    let CastByKey { file, passphrase, selections, change } = vote;
    let file = KeyFile::read(file.as_str()).map_err(|error| error.words())?;
    let key = file.open(passphrase.as_ref()).map_err(|error| error.words())?;
    let right = Right::Key { public: key.public().to_text(), secret: Some(Secret::new(&key)) };
    for_node(&ToNode::Cast { right, selections, change })
}

fn write_receipt(receipt: JsValue) -> Result<FromTools, String> {
    let WriteReceipt { receipt, acknowledged, complaint, election } =
        serde_wasm_bindgen::from_value(receipt).map_err(|error| error.to_string())?;
    let election = Election::decode(&election).map_err(|error| error.words())?;
    let id = receipt.vote_id.to_string();
    if complaint {
        let name = format!("complaint-{}.json", id.get(..8).unwrap_or("vote"));
        let complaint = Complaint::new(receipt.vote, acknowledged, &election.title);
        return Ok(FromTools::Save(name, complaint.to_text()));
    }
    let name = format!("receipt-{}.json", id.get(..8).unwrap_or("vote"));
    let mut file = ReceiptFile::new(receipt, &election);
    file.acknowledged = acknowledged;
    Ok(FromTools::Save(name, file.to_text()))
}

fn key(file: &KeyFile) -> Result<FromTools, String> {
    let public = file.public().map_err(|error| error.words())?.to_text();
    Ok(FromTools::Key { file: file.to_text(), public, locked: file.is_locked() })
}

/// Reads an organiser's file, unlocked where it is locked.
fn organiser(file: &OrganiserFile) -> Result<Organiser, String> {
    let text = if passphrase_lock::is_locked(file.text.as_str()) {
        let Some(passphrase) = &file.passphrase else {
            return Err("the organiser's file is locked: type its passphrase".into());
        };
        passphrase_lock::unlock(file.text.as_str(), passphrase).map_err(|error| error.words())?
    } else {
        file.text.clone()
    };
    Organiser::read(text.as_str()).map_err(|error| error.words())
}

/// Random bytes that nobody else may know.
fn secret() -> SecretBytes {
    SecretBytes::new(secret_bytes())
}

async fn publish(
    mut publishing: Publishing,
    passphrase: Option<&Passphrase>,
) -> Result<FromTools, String> {
    let mut slice = monotonic_ms();
    while publishing.step() {
        if monotonic_ms() - slice > SLICE_MS {
            let (made, all) = publishing.progress();
            post(&FromTools::Publishing(made, all));
            breathe().await;
            slice = monotonic_ms();
        }
    }
    let (organiser, context) = publishing.finish(now()).map_err(|error| error.words())?;
    let text = organiser.to_text();
    let organiser = match passphrase {
        None => text,
        Some(passphrase) => {
            passphrase_lock::lock(text.as_str().as_bytes(), passphrase, &secret_bytes())
                .map_err(|error| error.words())?
                .into()
        }
    };
    let id = context.id();
    let kept = async { Store::open(&id).await?.put_context(&context).await };
    kept.await.map_err(|error| {
        format!("this browser refuses to keep the election ({error}): leave the private window, or allow storage")
    })?;
    Ok(FromTools::Published { id: id.to_string(), organiser })
}
