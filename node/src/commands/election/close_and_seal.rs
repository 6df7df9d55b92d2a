//! `blockvote election close` and `seal`: what needs a node and the organiser's key.

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::{archive::Record, report::Report},
    chain::{
        acknowledgements::set_root,
        header::Height,
        statements::{Closing, LeftOut, ORGANISER, Seal, Sealed, Statement, check_reason},
    },
    crypto::hash::{ElectionId, VoteId},
    custody::organiser::Organiser,
    election::vote::Vote,
    node::{SealError, ballot_box::GRACE_MS},
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
    closes: Option<u64>,
    seal: String,
    syncing_to: Option<u32>,
}

async fn status(organiser: &Organiser, at: &At) -> anyhow::Result<Status> {
    let status: Status = at.get("/status").await?;
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
    at.post("/evidence", &body).await
}

pub async fn close(organiser: &Organiser, at: &At, json: bool) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let at = &at.about(organiser.election.id());
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
        say!("In two minutes, when what was cast in time has arrived: blockvote election seal");
    }
    Ok(ExitCode::SUCCESS)
}

/// How to seal.
pub struct How {
    /// Why votes that wait are left out.
    pub leave_out: Option<String>,
    /// Although a closing list is missing.
    pub without_keepers: bool,
    /// Although the node fetches a chain.
    pub despite_syncing: bool,
    /// Print JSON.
    pub json: bool,
}

/// The reason for leaving votes out.
pub fn reason(text: &str) -> Result<String, String> {
    check_reason(text).map_err(|error| format!("the reason {}", error.words()))?;
    Ok(text.to_owned())
}

/// What this machine verified of a node's chain, and what a seal over it says.
struct Seen {
    report: Report,
    sealed: Sealed,
    /// Names of keepers whose closing list is not there.
    unlisted: Vec<String>,
}

/// Verifies the node's chain here: what is sealed is not what a node says.
async fn look(organiser: &Organiser, at: &At) -> anyhow::Result<Seen> {
    let election = &organiser.election;
    let (mut ids, mut listed) = (Vec::new(), BTreeSet::new());
    let report = verified_export(at, election.id(), &mut |record, _| {
        match record {
            Record::Block(block) => ids.extend(block.votes.iter().map(Vote::id)),
            Record::Statement(Statement::ClosingList(list)) => {
                listed.insert(list.keeper);
            }
            _ => {}
        }
        Ok(())
    })
    .await?;
    ids.sort_unstable();
    let sealed = Sealed {
        election: election.id(),
        trustee: ORGANISER,
        height: Height(report.blocks),
        tip: report.tip.context("the node sent no election")?,
        tally: report.tally.hash(),
        set: set_root(&ids),
        left_out: Vec::new(),
    };
    let unlisted = election.keepers.iter().filter(|keeper| !listed.contains(&keeper.key));
    let unlisted = unlisted.map(|keeper| keeper.name.clone()).collect();
    Ok(Seen { report, sealed, unlisted })
}

pub async fn seal(
    organiser: &Organiser,
    record: &Path,
    at: &At,
    how: How,
) -> anyhow::Result<ExitCode> {
    let at = &at.about(organiser.election.id());
    let status = status(organiser, at).await?;
    if record.exists() {
        // Signed once already: the same seal is handed in, never another one.
        let text = secret_files::read(record, "a seal")?;
        let seal = hex::decode(text.trim()).ok().and_then(|bytes| borsh::from_slice(&bytes).ok());
        let seal: Statement =
            seal.with_context(|| format!("{} is not a seal", record.display()))?;
        let answer = hand_in(at, &seal).await?;
        if how.json {
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
    let closes = status.closes.map(Timestamp).filter(|closes| *closes <= clock::now());
    let closes = closes.context(
        "the election is not closed yet: run `blockvote election close`, or wait for its closing time",
    )?;
    let until = closes.plus_ms(GRACE_MS);
    ensure!(clock::now() >= until, "{}", SealError::TooEarly(until).words());
    if let Some(target) = status.syncing_to.filter(|_| !how.despite_syncing) {
        bail!(
            "the node is still fetching the chain, up to block {target}: wait, or give --despite-syncing if a peer lies"
        );
    }
    let waiting: Vec<Waiting> = at.get("/votes").await?;
    let Seen { report, mut sealed, unlisted } = look(organiser, at).await?;
    ensure!(report.sealed.is_none(), "{}", SealError::AlreadySealed.words());
    ensure!(
        unlisted.is_empty() || how.without_keepers,
        "no closing list of {} is here yet, so votes that only they have could be missing: wait until the node has heard of them, or give --without-keepers",
        unlisted.join(" and ")
    );
    let votes = sorted_ids(&waiting);
    if let Some(reason) = how.leave_out.filter(|_| !votes.is_empty()) {
        sealed.left_out = vec![LeftOut { reason, votes }];
    } else {
        ensure!(
            votes.is_empty(),
            "{} still wait for a block at this node and would not count: wait until they are in one, or leave them out with --leave-out and a reason that everybody can read",
            counted(votes.len() as u64, "vote")
        );
    }
    let left_out = sealed.left_out().count() as u64;
    let seal = Seal::sign(sealed, organiser.key());
    let (tip, height) = (seal.sealed.tip, seal.sealed.height);
    let seal = Statement::Seal(seal);
    let text = hex::encode(borsh::to_vec(&seal)?) + "\n";
    secret_files::write_new(record, &text, true, "--organiser")?;
    let answer = hand_in(at, &seal).await?;
    let word = answer.get("seal").and_then(Value::as_str).unwrap_or_default();
    ensure!(word == "sealed", "the node's chain changed meanwhile: its seal is {word}");
    if how.json {
        let tally = &report.tally;
        say!("{}", json!({"block": height, "tip": tip, "tally": tally, "left_out": left_out}));
    } else {
        say!(
            "Verified the node's chain: {} and {} keep every rule.",
            counted(report.blocks.into(), "block"),
            counted(report.votes, "vote")
        );
        ask_node::print_tally(&report.tally, &organiser.election.choices);
        if left_out > 0 {
            say!("Left out, with the reason in the seal: {}.", counted(left_out, "vote"));
        }
        if !unlisted.is_empty() {
            say!("Without a closing list of {}.", unlisted.join(" and "));
        }
        say!("Sealed: the votes up to block {height} and their count are the result.");
        say!("Hand out the audit file: blockvote election export --out result.blockvote");
    }
    Ok(ExitCode::SUCCESS)
}

/// A vote that waits, as the node lists it.
#[derive(Deserialize)]
struct Waiting {
    vote_id: VoteId,
}

fn sorted_ids(waiting: &[Waiting]) -> Vec<VoteId> {
    let ids: BTreeSet<_> = waiting.iter().map(|vote| vote.vote_id).collect();
    ids.into_iter().collect()
}
