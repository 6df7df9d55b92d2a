//! The tools worker: what a person asks for beside the node. It works with keys, codes and files,
//! which would hold up the page, and needs no open election. It is started when it is first wanted.

mod keepers;
mod node;
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
        voting_code::Code,
    },
    election::{definition::Election, short_address::ShortAddress},
};
use blockvote_words::{
    Words,
    custody::advice,
    message::{Message, say},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

use crate::shared::{
    asking::{Asker, Reply},
    messages::{
        Act, BUILD, Cast, CastByKey, CheckDraft, CodeRow, Codes, FromWorker, HaveOrganise, NewKey,
        Organise, OrganiserFile, PreviewDraft, Previewed, Publish, Published, ReadKey,
        ReadOrganiser, ReadReceipt, ReceiptParts, ReceiptRead, Right, SaveReceipt, SavedKey,
        Secret, ShortAddressOf, TextFile, ToTools, ToolsAsk, ToolsEvent, ToolsOrder, VerifyFile,
        WriteReceipt,
    },
    store::Store,
    worker::{self, breathe, monotonic_ms, now, secret_bytes},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;

/// Runs the worker.
pub fn run() {
    worker::report_panics(FromWorker::<ToolsEvent>::Fatal);
    worker::listen(|message| match message {
        ToTools::Ask(question) => answer(question, &worker::starter()),
        ToTools::Order(order) => obey(order),
        ToTools::Node(port) => node::reach(port.dyn_into().ok()),
    });
    worker::post(&FromWorker::<ToolsEvent>::Ready { build: BUILD.to_owned() });
}

/// Tells the page what happens.
fn tell(event: ToolsEvent) {
    worker::post(&FromWorker::Event(event));
}

fn obey(order: ToolsOrder) {
    match order {
        ToolsOrder::Hello => {}
        ToolsOrder::LookForKeepers(relays) => keepers::look(relays),
        ToolsOrder::AskKeepers { relays, election, keepers } => {
            if let Ok(election) = election.parse() {
                keepers::hold(relays, election, keepers);
            }
        }
        ToolsOrder::FindElection { relays, address } => {
            if let Ok(address) = address.parse() {
                keepers::find(relays, address);
            }
        }
    }
}

fn answer(question: ToolsAsk, asker: &Asker) {
    match question {
        ToolsAsk::VerifyFile(number, wanted) => verify_file(wanted, asker.reply(number)),
        ToolsAsk::CheckDraft(number, CheckDraft(draft)) => {
            let problems = draft.problems(now()).into_iter();
            let advised = problems.map(|problem| (problem.field(), advice(&problem)));
            asker.reply::<CheckDraft>(number).end(Ok(advised.collect()));
        }
        ToolsAsk::PreviewDraft(number, PreviewDraft(draft)) => {
            asker.reply::<PreviewDraft>(number).end(Ok(Previewed(draft.preview(now()).encode())));
        }
        ToolsAsk::Publish(number, wanted) => {
            spawn_local(publish(wanted, asker.reply(number)));
        }
        ToolsAsk::Codes(number, Codes(file)) => {
            asker.reply::<Codes>(number).end(organiser(&file).map(|organiser| codes(&organiser)));
        }
        ToolsAsk::ReadOrganiser(number, ReadOrganiser(file)) => {
            let read = organiser(&file);
            asker.reply::<ReadOrganiser>(number).end(
                read.map(|organiser| (organiser.election.id().to_string(), organiser.to_draft())),
            );
        }
        ToolsAsk::HaveOrganise(number, HaveOrganise(act, file)) => {
            spawn_local(have_organise(act, file, asker.reply(number)));
        }
        ToolsAsk::NewKey(number, NewKey(passphrase)) => {
            asker.reply::<NewKey>(number).end(new_key(passphrase.as_ref()));
        }
        ToolsAsk::ReadKey(number, ReadKey(text)) => {
            let file = KeyFile::read(text.as_str()).map_err(|error| say::as_said(error.words()));
            asker.reply::<ReadKey>(number).end(file.and_then(|file| saved_key(&file)));
        }
        ToolsAsk::CastByKey(number, vote) => spawn_local(cast(vote, asker.reply(number))),
        ToolsAsk::ReadReceipt(number, ReadReceipt(text)) => {
            asker.reply::<ReadReceipt>(number).end(read_receipt(&text));
        }
        ToolsAsk::SaveReceipt(number, wanted) => {
            spawn_local(save_receipt(wanted, asker.reply(number)));
        }
        ToolsAsk::ShortAddressOf(number, ShortAddressOf(election)) => {
            let address = election.parse().ok().and_then(|id| ShortAddress::of(&id).ok());
            asker
                .reply::<ShortAddressOf>(number)
                .end(address.map(|address| address.to_string()).ok_or_else(say::no_short_address));
        }
    }
}

fn verify_file(wanted: VerifyFile, reply: Reply<VerifyFile>) {
    let complaint = wanted.complaint.map(|text| Complaint::read(&text)).transpose();
    match (wanted.file.dyn_into(), complaint) {
        (Ok(file), Ok(complaint)) => spawn_local(verify::file(file, complaint, reply)),
        (_, Err(error)) => reply.end(Err(say::as_said(error.words()))),
        (Err(_), _) => reply.end(Err(say::not_a_file())),
    }
}

fn codes(organiser: &Organiser) -> Vec<CodeRow> {
    let row = |(voter, code): (Vec<String>, Code)| CodeRow { voter, code: code.to_string().into() };
    organiser.codes().map(row).collect()
}

async fn have_organise(act: Act, file: OrganiserFile, reply: Reply<HaveOrganise>) {
    let done = match organiser(&file) {
        Ok(organiser) => node::ask(Organise(act, Secret::new(organiser.key()))).await,
        Err(why) => Err(why),
    };
    reply.end(done);
}

async fn cast(vote: CastByKey, reply: Reply<CastByKey>) {
    let CastByKey { file, passphrase, selections, change } = vote;
    let opened = KeyFile::read(file.as_str()).and_then(|file| file.open(passphrase.as_ref()));
    let done = match opened {
        Ok(key) => {
            let (public, secret) = (key.public().to_text(), Some(Secret::new(&key)));
            node::ask(Cast { right: Right::Key { public, secret }, selections, change }).await
        }
        Err(error) => Err(say::as_said(error.words())),
    };
    reply.end(done);
}

fn read_receipt(text: &str) -> Result<ReceiptRead, Message> {
    let file = ReceiptFile::read(text).map_err(|error| say::as_said(error.words()))?;
    Ok(ReceiptRead {
        election: file.receipt.vote.election.to_string(),
        vote_id: file.receipt.vote_id.to_string(),
        vote: hex::encode(file.receipt.vote.encode()),
        acknowledged: borsh::to_vec(&file.acknowledged).map(hex::encode).unwrap_or_default(),
    })
}

async fn save_receipt(wanted: SaveReceipt, reply: Reply<SaveReceipt>) {
    let parts = node::ask(ReceiptParts { id: wanted.id }).await;
    reply.end(parts.and_then(|parts| write_receipt(parts, wanted.complaint)));
}

fn write_receipt(parts: WriteReceipt, complaint: bool) -> Result<TextFile, Message> {
    let WriteReceipt { receipt, acknowledged, election } = parts;
    let election = Election::decode(&election).map_err(|error| say::as_said(error.words()))?;
    let id = receipt.vote_id.to_string();
    let named = |kind: &str| format!("{kind}-{}.json", id.get(..8).unwrap_or("vote"));
    if complaint {
        let complaint = Complaint::new(receipt.vote, acknowledged, &election.title);
        return Ok(TextFile { name: named("complaint"), text: complaint.to_text() });
    }
    let mut file = ReceiptFile::new(receipt, &election);
    file.acknowledged = acknowledged;
    Ok(TextFile { name: named("receipt"), text: file.to_text() })
}

fn new_key(passphrase: Option<&Passphrase>) -> Result<SavedKey, Message> {
    let salt = secret_bytes();
    let lock = passphrase.map(|passphrase| (passphrase, &salt));
    let file = KeyFile::new(&SecretKey::new(*secret().bytes()), lock);
    saved_key(&file.map_err(|error| say::as_said(error.words()))?)
}

fn saved_key(file: &KeyFile) -> Result<SavedKey, Message> {
    let public = file.public().map_err(|error| say::as_said(error.words()))?.to_text();
    Ok(SavedKey { file: file.to_text(), public, locked: file.is_locked() })
}

/// Reads an organiser's file, unlocked where it is locked.
fn organiser(file: &OrganiserFile) -> Result<Organiser, Message> {
    let text = if passphrase_lock::is_locked(file.text.as_str()) {
        let Some(passphrase) = &file.passphrase else {
            return Err(say::organiser_locked());
        };
        passphrase_lock::unlock(file.text.as_str(), passphrase)
            .map_err(|error| say::as_said(error.words()))?
    } else {
        file.text.clone()
    };
    Organiser::read(text.as_str()).map_err(|error| say::as_said(error.words()))
}

/// Random bytes that nobody else may know.
fn secret() -> SecretBytes {
    SecretBytes::new(secret_bytes())
}

async fn publish(wanted: Publish, reply: Reply<Publish>) {
    let Publish { draft, passphrase } = wanted;
    let done = match Publishing::new(*draft, secret(), secret()) {
        Ok(publishing) => make(publishing, passphrase.as_ref(), &reply).await,
        Err(error) => Err(say::as_said(error.words())),
    };
    reply.end(done);
}

/// Makes the keys, and keeps the election in this browser.
async fn make(
    mut publishing: Publishing,
    passphrase: Option<&Passphrase>,
    reply: &Reply<Publish>,
) -> Result<Published, Message> {
    let mut slice = monotonic_ms();
    while publishing.step() {
        if monotonic_ms() - slice > SLICE_MS {
            reply.progress(&publishing.progress());
            breathe().await;
            slice = monotonic_ms();
        }
    }
    let (organiser, context) =
        publishing.finish(now()).map_err(|error| say::as_said(error.words()))?;
    let text = organiser.to_text();
    let organiser = match passphrase {
        None => text,
        Some(passphrase) => {
            passphrase_lock::lock(text.as_str().as_bytes(), passphrase, &secret_bytes())
                .map_err(|error| say::as_said(error.words()))?
                .into()
        }
    };
    let id = context.id();
    let kept = async { Store::open(&id).await?.put_context(&context).await };
    kept.await.map_err(|error| say::election_not_kept(error.to_string()))?;
    Ok(Published { id: id.to_string(), organiser })
}
