//! `blockvote election seal --relay`: as on the page. A node of this command's own compares what it has with
//! keepers and peers, builds the chain again where votes of it are left out, writes the audit file, and hands
//! the result out until somebody else has it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::archive::ArchiveWriter,
    chain::{
        rebuilding::Rebuilding,
        statements::{LeftOut, Seal, Statement},
    },
    crypto::hash::{BlockHash, VoteId},
    custody::organiser::Organiser,
    election::{keepers::Keeper, tally::Tally},
    node::{Node, SealError},
    time::Timestamp,
};
use blockvote_words::{InWords, Words, counted, standing::list};
use serde_json::json;
use tokio::time::Instant;

use super::{ask_keepers::REACHED_WITHIN, close_and_seal::record_text};
use crate::{
    commands::{
        ask_node,
        own_node::{OwnNode, unreached},
        secret_files,
    },
    daemon::LinkState,
    output::say,
};

/// How long nothing may change before what is still missing is said.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Where no keeper has the result, so many peers must.
const PEERS_WITH_RESULT: usize = 2;

/// How to seal.
pub struct How {
    /// Relays to follow.
    pub relays: Vec<String>,
    /// Where the audit file goes.
    pub out: PathBuf,
    /// Why votes that wait are left out.
    pub leave_out: Option<String>,
    /// Why votes of the chain are left out that no keeper had in time.
    pub leave_out_late: Option<String>,
    /// Although keepers may have more.
    pub without_keepers: bool,
    /// Although peers may have more.
    pub despite_syncing: bool,
    /// Print JSON.
    pub json: bool,
}

/// How far it is: it is waited for as long as this changes.
#[derive(PartialEq)]
struct Progress {
    votes: usize,
    peers: usize,
    shown: u32,
    waiting: usize,
    missing: Result<Option<String>, String>,
}

impl How {
    /// What is to be waited for before anything is left out or sealed; an error ends it.
    fn missing(&self, node: &Node, now: Timestamp) -> Result<Option<String>, SealError> {
        let here = node.ballot_box();
        match here.may_seal(now) {
            // Perhaps the organiser's closing comes yet.
            Err(SealError::NotClosed) => return Ok(Some(SealError::NotClosed.words())),
            may => may?,
        }
        let compared = |keeper: &Keeper| node.compared_with(&keeper.key);
        let named = &node.chain().election().keepers;
        if !self.despite_syncing {
            if node.is_behind() {
                return Ok(Some(SealError::Behind.words()));
            }
            if !node.is_sure() {
                return Ok(Some(format!(
                    "{} here, and whether others have more is not known",
                    match node.peers().len() {
                        1 => "1 peer is".to_owned(),
                        peers => format!("{peers} peers are"),
                    }
                )));
            }
        }
        if !self.without_keepers {
            if let Some(keeper) = named.iter().find(|keeper| compared(keeper).is_none()) {
                return Ok(Some(format!(
                    "what {} has was not compared with what is here",
                    keeper.name
                )));
            }
            if let Some(lack) = node.keepers_lack() {
                return Ok(Some(lack.words()));
            }
            let partly = node.lists().unwrap_or_default().partly;
            if let Some((keeper, shown, listed)) = partly.first() {
                let (keeper, shown, listed) = (keeper.name.clone(), *shown, *listed);
                return Ok(Some(SealError::Unshown { keeper, shown, listed }.words()));
            }
        }
        if self.leave_out_late.is_some() && node.lists().unwrap_or_default().whole == 0 {
            return Ok(Some(SealError::NoList.words()));
        }
        let waiting = here.pending().len();
        if waiting > 0 && self.leave_out.is_none() {
            return Ok(Some(waits(waiting)));
        }
        Ok(None)
    }

    fn progress(&self, node: &Node, now: Timestamp) -> Progress {
        let partly = node.lists().unwrap_or_default().partly;
        Progress {
            votes: node.chain().votes(),
            peers: node.peers().len(),
            shown: partly.iter().map(|(_, shown, _)| shown).sum(),
            waiting: node.pending().len(),
            missing: self.missing(node, now).map_err(|error| error.words()),
        }
    }

    /// What to do where something is still missing.
    fn advice(&self) -> &'static str {
        match (self.without_keepers, self.despite_syncing) {
            (false, false) => {
                "try again later, or give --without-keepers if keepers are gone, --despite-syncing if peers lie"
            }
            (true, false) => "try again later, or give --despite-syncing if peers lie",
            (_, true) => "try again later",
        }
    }
}

fn waits(votes: usize) -> String {
    let words = match votes {
        1 => "1 vote still waits".to_owned(),
        votes => format!("{votes} votes still wait"),
    };
    format!(
        "{words} for a block and would not count: wait until they are in one, or leave them out with --leave-out and a reason that everybody can read"
    )
}

/// What was sealed.
struct Done {
    tip: BlockHash,
    height: u32,
    tally: Tally,
    left_out: usize,
}

/// Seals over relays. `record` is where the seal goes before anybody is sent it.
///
/// # Errors
/// In words: what is missing, or cannot be done; nothing was signed then, unless the record says so.
pub async fn seal(organiser: Organiser, record: &Path, how: How) -> anyhow::Result<ExitCode> {
    let out = how.out.display().to_string();
    let again = format!(
        "hand it out again with `blockvote node --memory --election {out} --relay {}`",
        how.relays.first().map_or("", String::as_str)
    );
    ensure!(
        !record.exists(),
        "{} holds the seal that was signed before, and no other one may be signed: {again}",
        record.display()
    );
    ensure!(!how.out.exists(), "{out} is there already: choose another file with --out");
    let context = organiser.context().in_words()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let own = OwnNode::start(context, how.relays.clone(), threads)?;
    let done = run(&own, organiser, record, Arc::new(how), &again).await;
    own.end().await;
    done
}

async fn run(
    own: &OwnNode,
    organiser: Organiser,
    record: &Path,
    how: Arc<How>,
    again: &str,
) -> anyhow::Result<ExitCode> {
    wait_until_ready(own, &how).await?;
    leave_out(own, &how).await?;
    let (named, choices) = (organiser.election.keepers.clone(), organiser.election.choices.clone());
    let (with, to) = (how.clone(), record.to_owned());
    let sealed = own.handle.call(move |node, now| sign(node, now, &organiser, &to, &with));
    let done = sealed.await??;
    if !how.json {
        say!(
            "Signed the seal over block {}; {} is the audit file.",
            done.height,
            how.out.display()
        );
        ask_node::print_tally(&done.tally, &choices);
        if done.left_out > 0 {
            say!(
                "Left out, with the reason in the seal: {}.",
                counted(done.left_out as u64, "vote")
            );
        }
    }
    let have = wait_until_held(own, done.tip).await?;
    if how.json {
        let Done { tip, height, tally, left_out } = &done;
        let file = how.out.display().to_string();
        say!(
            "{}",
            json!({"block": height, "tip": tip, "tally": tally, "left_out": left_out, "file": file, "held_by": have})
        );
    }
    match have {
        Some(have) if !how.json => {
            say!("Sealed: {have} the result.");
            let without = named.iter().filter(|keeper| !have.contains(&keeper.name));
            let without: Vec<_> = without.map(|keeper| keeper.name.as_str()).collect();
            if !without.is_empty() {
                say!("Not heard of yet: that {} has it.", list(&without));
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(_) => Ok(ExitCode::SUCCESS),
        None => bail!("the seal is signed, and nobody says yet that they have the result: {again}"),
    }
}

/// Waits until nothing is missing, as long as something goes on.
async fn wait_until_ready(own: &OwnNode, how: &Arc<How>) -> anyhow::Result<()> {
    own.handle.call(|node, _| node.look_at_lists(true)).await?;
    let (start, mut changed, mut before) = (Instant::now(), Instant::now(), None);
    let mut told = None;
    loop {
        let up = own.handle.links.states().iter().any(|(_, state)| matches!(state, LinkState::Up));
        if !up && start.elapsed() > REACHED_WITHIN {
            return Err(unreached(&own.handle.links));
        }
        let with = how.clone();
        let progress = own.handle.call(move |node, now| with.progress(node, now)).await?;
        match &progress.missing {
            Err(why) => bail!("{why}"),
            Ok(None) => return Ok(()),
            Ok(Some(missing)) => {
                if changed.elapsed() > PATIENCE {
                    bail!("{missing}: {}", how.advice());
                }
                if up && start.elapsed() > Duration::from_secs(2) && told.as_ref() != Some(missing)
                {
                    eprintln!("waiting: {missing}");
                    told = Some(missing.clone());
                }
            }
        }
        if before.as_ref() != Some(&progress) {
            changed = Instant::now();
            before = Some(progress);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Has the chain built again without the votes of it that no keeper had in time, where that is wished.
async fn leave_out(own: &OwnNode, how: &How) -> anyhow::Result<()> {
    if how.leave_out_late.is_none() {
        return Ok(());
    }
    let begun = own.handle.call(|node, now| {
        let chain = node.chain();
        let late = node.lists().unwrap_or_default().unlisted.into_iter();
        let late: Vec<VoteId> = late.filter(|id| chain.place_of(id).is_some()).collect();
        node.leave_out(now, &late).map(|()| late.len())
    });
    let late = begun.await?.in_words()?;
    ensure!(
        late > 0,
        "every vote in the chain is on a keeper's closing list: seal without --leave-out-late"
    );
    eprintln!("on no keeper's closing list: {} in the chain", counted(late as u64, "vote"));
    let mut told = None;
    loop {
        let progress = own.handle.call(|node, _| {
            let rebuilding = node.ballot_box().rebuilding();
            rebuilding.map(|it| (it.progress(), it.is_done()))
        });
        let (progress, done) =
            progress.await?.context("a seal was heard of meanwhile: nothing was signed")?;
        if told != Some(progress) {
            eprintln!("blocks built again: {} of {}", progress.0, progress.1);
            told = Some(progress);
        }
        if done {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Signs the seal, writes it and the audit file, and only then takes it in, by which it is sent.
fn sign(
    node: &mut Node,
    now: Timestamp,
    organiser: &Organiser,
    record: &Path,
    how: &How,
) -> anyhow::Result<Done> {
    if let Some(missing) = how.missing(node, now).in_words()? {
        bail!("{missing}: look again");
    }
    let here = node.ballot_box();
    let built = here.rebuilding().map(Rebuilding::left_out).unwrap_or_default().to_vec();
    let others = here.not_to_be_sealed().into_iter();
    let others: Vec<_> = others.filter(|id| built.binary_search(id).is_err()).collect();
    ensure!(others.is_empty() || how.leave_out.is_some(), "{}", waits(others.len()));
    let groups = [(&how.leave_out_late, built), (&how.leave_out, others)];
    let groups = groups.into_iter().filter(|(_, votes)| !votes.is_empty());
    let left_out =
        groups.filter_map(|(reason, votes)| Some(LeftOut { reason: reason.clone()?, votes }));
    let left_out: Vec<_> = left_out.collect();
    let anyway = how.without_keepers || how.despite_syncing;
    let seal = node.sign_seal(now, left_out.clone(), organiser.key(), anyway).in_words()?;
    let done = Done {
        tip: seal.sealed.tip,
        height: seal.sealed.height.0,
        tally: node.ballot_box().to_be_sealed().tally().clone(),
        left_out: seal.sealed.left_out().count(),
    };
    write(node, &seal, record, &how.out)?;
    node.seal(now, left_out, organiser.key(), anyway).in_words()?;
    Ok(done)
}

fn write(node: &Node, seal: &Seal, record: &Path, out: &Path) -> anyhow::Result<()> {
    let seal = Statement::Seal(seal.clone());
    let statements = node.statements().all().chain([seal.clone()]);
    let file = ArchiveWriter::whole(node.ballot_box().to_be_sealed(), statements);
    std::fs::write(out, file).with_context(|| format!("cannot write {}", out.display()))?;
    secret_files::write_new(record, &record_text(&seal)?, true, "--organiser")
}

/// Waits until a keeper or a few peers say that they have the result, and says who.
async fn wait_until_held(own: &OwnNode, tip: BlockHash) -> anyhow::Result<Option<String>> {
    let start = Instant::now();
    loop {
        let held = own.handle.call(move |node, _| {
            let keepers: Vec<_> =
                node.keepers_with_seal(tip).map(|keeper| keeper.name.clone()).collect();
            let all = node.chain().election().keepers.len();
            let peers = node.peers().iter().filter_map(|(_, claim)| claim);
            (keepers, all, peers.filter(|claim| claim.sealed == Some(tip)).count())
        });
        let (keepers, all, peers) = held.await?;
        let late = start.elapsed() > PATIENCE;
        if !keepers.is_empty() && (keepers.len() == all || late) {
            let names: Vec<_> = keepers.iter().map(String::as_str).collect();
            let have = if names.len() == 1 { "says that it has" } else { "say that they have" };
            return Ok(Some(format!("{} {have}", list(&names))));
        }
        if peers >= PEERS_WITH_RESULT && (all == 0 || late) {
            return Ok(Some(format!("{peers} peers say that they have")));
        }
        if late {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
