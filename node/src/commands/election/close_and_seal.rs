//! `blockvote election close` and `seal`: what needs a node and the organiser's key.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    chain::{
        header::Height,
        statements::{Closing, Seal, Statement},
    },
    crypto::hash::ElectionId,
    custody::organiser::Organiser,
    node::SealError,
    time::Timestamp,
};
use blockvote_words::{Words, counted};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock,
    commands::{
        ask_node::{self, At},
        secret_files,
        verified_export::verified_export,
    },
    output::say,
};

#[derive(Deserialize)]
struct Status {
    election: ElectionId,
    pending: u64,
    closes: Option<u64>,
    seal: String,
    syncing_to: Option<u32>,
}

async fn status(organiser: &Organiser, at: &At) -> anyhow::Result<Status> {
    let status: Status = at.get("/api/v1/status").await?;
    let id = organiser.election.id();
    ensure!(
        status.election == id,
        "{} holds another election ({}) than the organiser's file ({})",
        at.node,
        status.election.short(),
        id.short()
    );
    Ok(status)
}

async fn hand_in(at: &At, statement: &Statement) -> anyhow::Result<Value> {
    let body = json!({"statement": hex::encode(borsh::to_vec(statement)?)});
    at.post("/api/v1/evidence", &body).await
}

pub async fn close(organiser: &Organiser, at: &At, json: bool) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let status = status(organiser, at).await?;
    if let Some(closes) = status.closes.filter(|closes| *closes <= now.0) {
        bail!("the election closed at {} already", Timestamp(closes));
    }
    let closing = Closing::sign(organiser.election.id(), now, organiser.key());
    hand_in(at, &Statement::Closing(closing)).await?;
    if json {
        say!("{}", json!({"closed": now.0}));
    } else {
        say!("Closed at {now}: nodes that hear of it take no votes any more.");
        say!("When no vote waits for a block any more: blockvote election seal");
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn seal(
    organiser: &Organiser,
    record: &Path,
    at: &At,
    (despite_pending, despite_syncing): (bool, bool),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let status = status(organiser, at).await?;
    if record.exists() {
        // Signed once already: the same seal is handed in, never another one.
        let text = secret_files::read(record, "a seal")?;
        let seal = hex::decode(text.trim()).ok().and_then(|bytes| borsh::from_slice(&bytes).ok());
        let seal: Statement =
            seal.with_context(|| format!("{} is not a seal", record.display()))?;
        let answer = hand_in(at, &seal).await?;
        if json {
            say!("{answer}");
        } else {
            say!(
                "{} holds the seal that was signed before; it was handed in again.",
                record.display()
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(status.seal == "unsealed", "{}", SealError::AlreadySealed.words());
    ensure!(
        status.closes.is_some_and(|closes| closes <= clock::now().0),
        "the election is not closed yet: run `blockvote election close`, or wait for its closing time"
    );
    if let Some(target) = status.syncing_to.filter(|_| !despite_syncing) {
        bail!(
            "the node is still fetching the chain, up to block {target}: wait, or give --despite-syncing if a peer lies"
        );
    }
    ensure!(
        status.pending == 0 || despite_pending,
        "{} votes still wait for a block at this node and would not count; wait, or give --despite-pending",
        status.pending
    );
    // What is sealed is what this machine verified, not what the node says.
    let id = organiser.election.id();
    let report = verified_export(at, id, &mut |_, _| Ok(())).await?;
    ensure!(report.sealed.is_none(), "{}", SealError::AlreadySealed.words());
    let tip = report.tip.context("the node sent no election")?;
    let seal = Seal::sign(id, Height(report.blocks), tip, &report.tally, organiser.key());
    let seal = Statement::Seal(seal);
    let text = hex::encode(borsh::to_vec(&seal)?) + "\n";
    secret_files::write_new(record, &text, true, "--organiser")?;
    let answer = hand_in(at, &seal).await?;
    let word = answer.get("seal").and_then(Value::as_str).unwrap_or_default();
    ensure!(word == "sealed", "the node's chain changed meanwhile: its seal is {word}");
    if json {
        say!("{}", json!({"block": report.blocks, "tip": tip, "tally": report.tally}));
    } else {
        say!(
            "Verified the node's chain: {} and {} keep every rule.",
            counted(report.blocks.into(), "block"),
            counted(report.votes, "vote")
        );
        ask_node::print_tally(&report.tally, &organiser.election.choices);
        say!("Sealed: block {} and its count are the result.", report.blocks);
        say!("Hand out the audit file: blockvote election export --out result.blockvote");
    }
    Ok(ExitCode::SUCCESS)
}
