//! `blockvote election close` and `seal`: the parts that need a node and the organiser's key.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::{archive::Record, report::Report},
    chain::{
        acknowledgements::{keepers_lack, set_root},
        header::Height,
        statements::{Closing, LeftOut, ORGANISER, Seal, Sealed, Statement, check_reason},
    },
    crypto::{
        hash::{ElectionId, VoteId},
        key::PublicKey,
    },
    custody::organiser::Organiser,
    election::{keepers::Keeper, vote::Vote},
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

/// The most pending votes that a node lists at once.
const MOST_WAITING: usize = 1000;

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

pub async fn close(
    organiser: &Organiser,
    file: &Path,
    at: &At,
    json: bool,
) -> anyhow::Result<ExitCode> {
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
        say!(
            "In two minutes, when what was cast in time has arrived: blockvote election seal --organiser {}",
            file.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// How to seal.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct How {
    /// Why pending votes are left out.
    pub leave_out: Option<String>,
    /// Whether votes that are on no keeper's closing list count.
    pub count_late: bool,
    /// Whether to seal although a closing list is missing.
    pub without_keepers: bool,
    /// Whether to seal although the node fetches a chain.
    pub despite_syncing: bool,
    /// Print JSON.
    pub json: bool,
}

/// The sentence about votes that are in no block yet.
pub fn still_waiting(votes: usize) -> String {
    let words = match votes {
        1 => "1 vote still waits".to_owned(),
        votes => format!("{votes} votes still wait"),
    };
    format!("{words} for a block and would not count")
}

/// What can be done about them.
pub const LEAVE_OUT: &str = "leave them out with --leave-out and a reason that everybody can read";

/// The text of the record of a signed seal.
pub fn record_text(seal: &Statement) -> anyhow::Result<String> {
    Ok(hex::encode(borsh::to_vec(seal)?) + "\n")
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
    /// All votes in it, in ascending order.
    ids: Vec<VoteId>,
    /// Votes that a proven double vote kept out of it: an honest keeper may have acknowledged them.
    kept_out: usize,
    /// When voting closed, by the definition or by the organiser's statement.
    closes: Option<Timestamp>,
    /// How many votes keepers acknowledged, by their closing lists.
    keepers: BTreeMap<PublicKey, u32>,
}

/// Verifies the node's chain here: what is sealed must not depend on what a node says.
async fn look(organiser: &Organiser, at: &At) -> anyhow::Result<Seen> {
    let election = &organiser.election;
    let (mut ids, mut listed, mut closing) = (Vec::new(), BTreeMap::new(), None);
    let mut doubles = Vec::new();
    let report = verified_export(at, election.id(), &mut |record, _| {
        match record {
            Record::Block(block) => ids.extend(block.votes.iter().map(Vote::id)),
            Record::Statement(Statement::ClosingList(list)) => {
                // If there are two, they contradict each other; the longer one asks for more.
                let votes = listed.entry(list.keeper).or_insert(0);
                *votes = list.votes.max(*votes);
            }
            Record::Statement(Statement::Closing(closed)) => closing = Some(closed.at),
            Record::Statement(Statement::DoubleVote(double)) => {
                doubles.extend([double.first.id(), double.second.id()]);
            }
            Record::Statement(Statement::Seal(_))
            | Record::Election(_)
            | Record::RollPage(_)
            | Record::End { .. } => {}
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
    let closes = election.closes.into_iter().chain(closing).min();
    let kept_out = doubles.iter().filter(|id| ids.binary_search(id).is_err()).count();
    Ok(Seen { report, sealed, ids, kept_out, closes, keepers: listed })
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
        // It was signed already: the same seal is handed in, never another one.
        let text = secret_files::read(record, "a seal")?;
        let seal = hex::decode(text.trim()).ok().and_then(|bytes| borsh::from_slice(&bytes).ok());
        let seal: Statement =
            seal.with_context(|| format!("{} is not a seal", record.display()))?;
        let answer = hand_in(at, &seal).await?;
        let word = answer.get("seal").and_then(Value::as_str).unwrap_or_default();
        ensure!(
            word == "sealed",
            "{} was handed in again, and at this node its seal is {word}",
            record.display()
        );
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
    if let Some(target) = status.syncing_to.filter(|_| !how.despite_syncing) {
        bail!(
            "the node is still fetching the chain, up to block {target}: wait, or give --despite-syncing if a peer lies"
        );
    }
    let Seen { report, mut sealed, ids, kept_out, closes, keepers } = look(organiser, at).await?;
    let now = clock::now();
    let closes = closes.filter(|closes| *closes <= now).context(
        "the election is not closed yet: run `blockvote election close`, or wait for its closing time",
    )?;
    let until = closes.plus_ms(GRACE_MS);
    ensure!(now >= until, "{}", SealError::TooEarly(until).words());
    ensure!(report.sealed.is_none(), "{}", SealError::AlreadySealed.words());
    // Asked for after the chain: a vote that got into a block meanwhile is in both, and is not left
    // out.
    let waiting: Vec<Waiting> = at.get("/votes").await?;
    ensure!(
        waiting.len() < MOST_WAITING,
        "{MOST_WAITING} votes or more still wait for a block at this node: let them be mined first"
    );
    let waiting: BTreeSet<_> = waiting.iter().map(|vote| vote.vote_id).collect();
    let waiting = waiting.into_iter().filter(|id| ids.binary_search(id).is_err());
    let votes: Vec<_> = waiting.collect();
    let here = u32::try_from(ids.len() + votes.len() + kept_out).unwrap_or(u32::MAX);
    let named = &organiser.election.keepers;
    let lack = keepers_lack(named, &|key| keepers.get(key).copied(), here);
    if let Some(lack) = lack.filter(|_| !how.without_keepers) {
        bail!("{}: wait until the node has heard of them, or give --without-keepers", lack.words());
    }
    // Only the sizes of lists are compared here: if there are more votes than on all lists
    // together, some are on none.
    let listed = keepers.values().map(|votes| *votes as usize).sum::<usize>();
    let late = ids.len().saturating_sub(listed);
    ensure!(
        keepers.is_empty() || late == 0 || how.count_late,
        "on no keeper's closing list: at least {} in the chain. Count what is there with --count-late, or seal with --relay and leave it out with --leave-out-late",
        counted(late as u64, "vote")
    );
    if let Some(reason) = how.leave_out.filter(|_| !votes.is_empty()) {
        sealed.left_out = vec![LeftOut { reason, votes }];
    } else {
        ensure!(
            votes.is_empty(),
            "{}: wait until they are in one, or {LEAVE_OUT}",
            still_waiting(votes.len())
        );
    }
    let left_out = sealed.left_out().count() as u64;
    let seal = Seal::sign(sealed, organiser.key());
    let (tip, height) = (seal.sealed.tip, seal.sealed.height);
    let seal = Statement::Seal(seal);
    secret_files::write_new(record, &record_text(&seal)?, true, "--organiser")?;
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
        for Keeper { name, key } in named {
            if let Some(votes) = keepers.get(key) {
                say!("{name} acknowledged {}.", counted((*votes).into(), "vote"));
            } else {
                say!("Without a closing list of {name}.");
            }
        }
        say!("Sealed: the votes up to block {height} and their count are the result.");
        say!(
            "Hand out the audit file: blockvote election export --election {} --out result.blockvote",
            organiser.election.id()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A pending vote, as the node lists it.
#[derive(Deserialize)]
struct Waiting {
    vote_id: VoteId,
}
