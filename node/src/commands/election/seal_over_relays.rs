//! `blockvote election seal --relay`: the same as on the page. The command runs its own node, which
//! compares what it has with keepers and peers, rebuilds the chain if votes of it are left out,
//! writes the audit file, and hands out the result until somebody else has it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};
use blockvote_core::{
    audit::archive::{ArchiveWriter, Record},
    chain::{
        rebuilding::Rebuilding,
        statements::{LeftOut, Seal, Statement},
    },
    crypto::hash::BlockHash,
    custody::organiser::Organiser,
    election::{election_context::ElectionContext, keepers::Keeper, tally::Tally},
    node::{Missing, Node, SealError},
    time::Timestamp,
    wire::message::VotesDigest,
};
use blockvote_words::{InWords, Words, counted, standing::list};
use serde_json::json;
use tokio::time::Instant;

use super::{
    ask_keepers::REACHED_WITHIN,
    close_and_seal::{LEAVE_OUT, record_text, still_waiting},
};
use crate::{
    audit_file::Records,
    commands::{
        ask_node,
        own_node::{OwnNode, unreached},
        secret_files,
        take_in::take_in,
    },
    daemon::{LinkState, Stopped},
    output::say,
};

/// How long nothing may change before a seal: peers had time to say what they have. Without keepers
/// a sample of peers arrives every 20 seconds.
const SETTLED: Duration = Duration::from_secs(5);
const SETTLED_WITHOUT_KEEPERS: Duration = Duration::from_secs(25);
/// How long nothing may change before the command ends because something is missing, or goes on
/// without it if that was wished. Three samples of peers, which are meaningful if nobody hands
/// anything out, take a minute.
const PATIENCE: Duration = Duration::from_secs(75);
/// The longest wait of all: blocks can be a minute apart.
const AT_MOST: Duration = Duration::from_mins(15);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often it waits once more if something comes in between.
const TRIES: usize = 20;
/// Without keepers this many peers must have the result, or all if there are fewer, for the time
/// between two samples.
const PEERS_WITH_RESULT: usize = 3;
const HELD_FOR: Duration = Duration::from_secs(20);

/// How to seal.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct How {
    /// Relays to follow.
    pub relays: Vec<String>,
    /// Where the audit file goes.
    pub out: PathBuf,
    /// Why pending votes are left out.
    pub leave_out: Option<String>,
    /// Why votes of the chain that no keeper had in time are left out.
    pub leave_out_late: Option<String>,
    /// Whether those votes are counted.
    pub count_late: bool,
    /// Whether to seal although keepers may have more.
    pub without_keepers: bool,
    /// Whether to seal although peers may have more.
    pub despite_syncing: bool,
    /// Print JSON.
    pub json: bool,
}

/// What the command waits for.
#[derive(Clone, Debug, PartialEq)]
enum Need {
    /// Nobody else is there.
    Peers,
    /// The closing, or the end of the two minutes after it.
    Time(SealError),
    /// What others have.
    Missing(Missing),
    /// The whole closing list of this keeper; whether another keeper's list is here.
    List(String, bool),
    /// A block for this many votes.
    Block(usize),
}

impl Need {
    fn words(&self) -> String {
        match self {
            Self::Peers => "nobody else is in the election's room on these relays".into(),
            Self::Time(SealError::NotClosed) => {
                "no closing has been heard of here: close the election first, or wait for its closing time".into()
            }
            Self::Time(error) => error.words(),
            Self::Missing(missing) => missing.words(),
            Self::List(keeper, _) => SealError::NoList(keeper.clone()).words(),
            Self::Block(votes) => still_waiting(*votes),
        }
    }

    /// Whether the options allow going on without it.
    fn is_waived(&self, how: &How) -> bool {
        match self {
            Self::Missing(missing) if missing.is_of_keepers() => how.without_keepers,
            Self::Missing(_) => how.despite_syncing,
            Self::List(_, another) => *another && how.without_keepers,
            Self::Block(_) => how.leave_out.is_some(),
            Self::Peers | Self::Time(_) => false,
        }
    }

    /// What can be done about it.
    fn advice(&self) -> String {
        match self {
            Self::Missing(missing) if missing.is_of_keepers() => {
                "try again later, or give --without-keepers".into()
            }
            Self::Missing(_) => "try again later, or give --despite-syncing if peers lie".into(),
            Self::Block(_) => format!("try again later, or {LEAVE_OUT}"),
            Self::Peers => "open the election's page, or start a node that has it".into(),
            Self::List(_, true) => "try again later, or give --without-keepers".into(),
            Self::Time(_) | Self::List(_, false) => "try again later".into(),
        }
    }

    /// How long nothing may change before waiting for it ends.
    fn patience(&self) -> Duration {
        match self {
            // It is known when that is over.
            Self::Time(SealError::TooEarly(_)) | Self::Block(_) => AT_MOST,
            Self::Time(_) | Self::Peers | Self::Missing(_) | Self::List(..) => PATIENCE,
        }
    }
}

impl How {
    /// What to wait for; an error ends the command.
    fn needs(&self, node: &Node, now: Timestamp) -> Result<Vec<Need>, SealError> {
        let mut needs = Vec::new();
        if node.peers().is_empty() {
            needs.push(Need::Peers);
        }
        match node.ballot_box().may_seal(now) {
            Ok(()) => {}
            Err(error @ (SealError::NotClosed | SealError::TooEarly(_))) => {
                needs.push(Need::Time(error));
            }
            Err(error) => return Err(error),
        }
        needs.extend(node.missing().into_iter().map(Need::Missing));
        if self.leave_out_late.is_some() {
            let another = node.lists().unwrap_or_default().whole > 0;
            let unshown = node.unshown().into_iter();
            needs.extend(unshown.map(|keeper| Need::List(keeper, another)));
        }
        match node.pending().len() {
            0 => {}
            votes => needs.push(Need::Block(votes)),
        }
        Ok(needs)
    }
}

/// What is here: as long as it changes, the command goes on waiting. What peers claim is not part
/// of it; otherwise they could keep the command waiting.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    tip: BlockHash,
    votes: VotesDigest,
    statements: [u8; 32],
    shown: u32,
}

impl Seen {
    fn of(node: &Node) -> Self {
        let partly = node.lists().unwrap_or_default().partly;
        Self {
            tip: node.chain().tip().hash(),
            votes: node.ballot_box().digest(),
            statements: node.statements().digest(),
            shown: partly.iter().map(|(_, shown, _)| shown).sum(),
        }
    }
}

/// Why nothing was signed.
enum NotSigned {
    /// Something is missing again, or arrived: wait once more.
    Wait(String),
    /// What was built does not match any more: build it again.
    Again(String),
    /// It cannot be signed.
    Failed(anyhow::Error),
}

impl From<SealError> for NotSigned {
    fn from(error: SealError) -> Self {
        let words = error.words();
        match error {
            SealError::Missing(_) => Self::Wait(words),
            SealError::Unnamed(_)
            | SealError::Changed
            | SealError::Building { .. }
            | SealError::Listed(_) => Self::Again(words),
            SealError::NotClosed
            | SealError::TooEarly(_)
            | SealError::AlreadySealed
            | SealError::NoList(_)
            | SealError::Statement(_) => Self::Failed(anyhow!(words)),
        }
    }
}

impl From<Stopped> for NotSigned {
    fn from(error: Stopped) -> Self {
        Self::Failed(error.into())
    }
}

/// What was sealed.
struct Done {
    tip: BlockHash,
    height: u32,
    tally: Tally,
    left_out: usize,
}

/// Who says that they have the result.
struct Held {
    keepers: Vec<String>,
    peers: usize,
}

/// Seals over relays. `record` is the file that the seal is written to before it is sent to
/// anybody; if it is there already, that seal is handed out again.
///
/// # Errors
/// In words: what is missing or cannot be done, or that nobody says yet that they have the result.
/// If there is no record, nothing was signed.
pub async fn seal(organiser: Organiser, record: &Path, how: How) -> anyhow::Result<ExitCode> {
    let (context, out) = (organiser.context().in_words()?, how.out.display());
    let election = context.election();
    ensure!(how.out != record, "{out} is where the signed seal goes: choose another --out");
    ensure!(
        how.leave_out_late.is_none() || !election.keepers.is_empty(),
        "the election names no keeper, so there is no closing list: --leave-out-late says nothing here"
    );
    let signed = if record.exists() { None } else { signed_in(&how.out, &context)? };
    if let Some(seal) = &signed {
        // An earlier run ended between writing the two files: this is the seal that was signed, and
        // no other one may be.
        secret_files::write_new(record, record_text(seal)?, true, "--organiser")?;
    }
    let again = record.exists();
    if again {
        ensure!(
            how.out.exists(),
            "{} holds the seal that was signed before, and no other one may be: give the audit file that was written with it with --out",
            record.display()
        );
    } else {
        ensure!(!how.out.exists(), "{out} is there already: choose another file with --out");
        let folder = how.out.parent().filter(|folder| !folder.as_os_str().is_empty());
        ensure!(folder.is_none_or(Path::is_dir), "the folder of {out} is missing");
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let own = OwnNode::start(context.clone(), how.relays.clone(), threads)?;
    let done = if again {
        hand_out_again(&own, &context, record, &how).await
    } else {
        seal_anew(&own, organiser, record, how).await
    };
    own.end().await;
    done
}

/// The organiser's seal over this election that an audit file has, if there is such a file.
fn signed_in(out: &Path, context: &ElectionContext) -> anyhow::Result<Option<Statement>> {
    if !out.exists() {
        return Ok(None);
    }
    for record in Records::open(out)? {
        // A file that is not an audit file is not overwritten, and says nothing.
        let Ok(record) = record else { return Ok(None) };
        match record {
            Record::Election(found) if found.id() != context.id() => return Ok(None),
            Record::Statement(seal @ Statement::Seal(_)) => {
                return Ok(Some(seal).filter(|seal| seal.check(context).is_ok()));
            }
            Record::Block(_) | Record::End { .. } => return Ok(None),
            Record::Election(_) | Record::RollPage(_) | Record::Statement(_) => {}
        }
    }
    Ok(None)
}

/// Hands out the result that was sealed before.
async fn hand_out_again(
    own: &OwnNode,
    context: &ElectionContext,
    record: &Path,
    how: &How,
) -> anyhow::Result<ExitCode> {
    let shown = how.out.display().to_string();
    let text = secret_files::read(record, "a seal")?;
    let (handle, context, path) = (own.handle.clone(), context.clone(), how.out.clone());
    let taken = tokio::task::spawn_blocking(move || take_in(&handle, &context, &path));
    taken.await.context("reading the audit file")?.with_context(|| shown.clone())?;
    let sealed = own.handle.call(|node, _| {
        let (seal, tally) = node.ballot_box().sealing().sealed()?;
        let left_out = seal.sealed.left_out().count();
        let Seal { sealed, .. } = seal;
        let done =
            Done { tip: sealed.tip, height: sealed.height.0, tally: tally.clone(), left_out };
        Some((done, record_text(&Statement::Seal(seal.clone()))))
    });
    let sealed = sealed.await?;
    let (done, same) = sealed.with_context(|| format!("{shown} holds no sealed result"))?;
    ensure!(same? == text, "{shown} holds another seal than {}", record.display());
    if !how.json {
        say!(
            "{} holds the seal that was signed before; {shown} is handed out again.",
            record.display()
        );
    }
    hand_out(own, &done, how).await
}

async fn seal_anew(
    own: &OwnNode,
    organiser: Organiser,
    record: &Path,
    how: How,
) -> anyhow::Result<ExitCode> {
    let (how, organiser) = (Arc::new(how), Arc::new(organiser));
    own.handle.call(|node, _| node.look_at_lists(true)).await?;
    let mut tries = 0;
    let done = loop {
        let seen = settle(own, &how).await?;
        let mut signed = leave_out(own, &how).await;
        if signed.is_ok() {
            let (with, of, to) = (how.clone(), organiser.clone(), record.to_owned());
            let sign = own.handle.call(move |node, now| sign(node, now, &of, &to, &with, seen));
            match sign.await? {
                Ok(done) => break done,
                Err(error) => signed = Err(error),
            }
        }
        tries += 1;
        let Err(error) = signed else { continue };
        let why = match error {
            NotSigned::Failed(error) => return Err(error),
            NotSigned::Wait(why) => why,
            NotSigned::Again(why) => {
                own.handle.call(|node, now| node.leave_out(now, &[], true)).await?.ok();
                why
            }
        };
        ensure!(tries < TRIES, "{why}: nothing was signed");
        eprintln!("waiting once more: {why}");
    };
    let sealed = own.handle.call(|node, _| node.ballot_box().sealing().sealed().is_some()).await?;
    ensure!(
        sealed,
        "the seal is signed, and the chain does not follow it here: keep {}, and hand it out with the same command once more",
        how.out.display()
    );
    if !how.json {
        say!("Sealed: the votes up to block {} and their count are the result.", done.height);
        ask_node::print_tally(&done.tally, &organiser.election.choices);
        if done.left_out > 0 {
            let votes = counted(done.left_out as u64, "vote");
            say!("Left out, with the reason in the seal: {votes}.");
        }
        say!("{} is the audit file.", how.out.display());
    }
    hand_out(own, &done, &how).await
}

/// Fails if no relay was reached in time; returns whether one is connected.
fn reached(own: &OwnNode, start: Instant) -> anyhow::Result<bool> {
    let states = own.handle.links.states();
    let up = states.iter().any(|(_, state)| matches!(state, LinkState::Up));
    if !up && start.elapsed() > REACHED_WITHIN {
        return Err(unreached(&own.handle.links));
    }
    Ok(up)
}

/// Waits until nothing is missing and nothing changes any more, and returns what is here then.
async fn settle(own: &OwnNode, how: &Arc<How>) -> anyhow::Result<Seen> {
    let start = Instant::now();
    // As long as a relay is connected.
    let mut up = start;
    let (mut changed, mut before, mut told) = (start, None, None);
    // Since when nothing is missing.
    let mut clear = None;
    loop {
        if reached(own, up)? {
            up = Instant::now();
        }
        let with = how.clone();
        let look = own.handle.call(move |node, now| {
            let without = node.chain().election().keepers.is_empty();
            Ok::<_, SealError>((Seen::of(node), with.needs(node, now)?, without))
        });
        let (seen, needs, without_keepers) = look.await?.in_words()?;
        if before.replace(seen) != Some(seen) {
            changed = Instant::now();
        }
        clear = if needs.is_empty() { clear.or(Some(Instant::now())) } else { None };
        let settled = if without_keepers { SETTLED_WITHOUT_KEEPERS } else { SETTLED };
        let quiet = changed.elapsed();
        let open = needs.iter().find(|need| !need.is_waived(how));
        if clear.is_some_and(|since| since.elapsed().min(quiet) >= settled)
            || (open.is_none() && quiet >= PATIENCE)
        {
            return Ok(seen);
        }
        let over = start.elapsed() >= AT_MOST;
        if let Some(need) = open.filter(|need| quiet >= need.patience() || over) {
            bail!("{}: {}", need.words(), need.advice());
        }
        ensure!(!over, "the election does not come to rest: try again later");
        let need = open.or(needs.first()).map(Need::words);
        if up.elapsed() < LOOK_EVERY && quiet > Duration::from_secs(2) && told != need {
            if let Some(words) = &need {
                eprintln!("waiting: {words}");
            }
            told = need;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Rebuilds the chain without those of its votes that no keeper had in time, if that is wished.
async fn leave_out(own: &OwnNode, how: &How) -> Result<(), NotSigned> {
    let late = own.handle.call(|node, _| node.unlisted()).await?;
    let lists = own.handle.call(|node, _| (node.lists().unwrap_or_default().whole, node.unshown()));
    let (whole, unshown) = lists.await?;
    let votes = counted(late.len() as u64, "vote");
    if how.leave_out_late.is_none() {
        if whole == 0 || late.is_empty() {
            return Ok(());
        }
        // They may have arrived after closing, or in time from voters who reached no keeper: people
        // must decide.
        return if how.count_late {
            eprintln!("on no keeper's closing list, and counted: {votes}");
            Ok(())
        } else {
            Err(NotSigned::Failed(anyhow!(
                "on no keeper's closing list: {votes} in the chain. Count what is there with --count-late, or leave it out with --leave-out-late and a reason that everybody can read"
            )))
        };
    }
    if late.is_empty() {
        return Err(NotSigned::Failed(anyhow!(
            "nothing can be left out: each vote of the chain is on a keeper's closing list, or a listed change stands on it"
        )));
    }
    let all = late.clone();
    let built = own.handle.call(move |node, _| {
        let built = node.ballot_box().rebuilding().filter(|it| it.is_done());
        built.is_some_and(|it| all.iter().all(|id| it.left_out().binary_search(id).is_ok()))
    });
    if built.await? {
        return Ok(());
    }
    for keeper in unshown {
        eprintln!("note: {}", SealError::NoList(keeper).words());
    }
    let anyway = how.without_keepers;
    let begun = own.handle.call(move |node, now| node.leave_out(now, &late, anyway));
    begun.await??;
    let (mut told, mut since) = (None, Instant::now());
    loop {
        let built = own.handle.call(|node, _| {
            let rebuilding = node.ballot_box().rebuilding();
            rebuilding.map(|it| (it.progress(), it.is_done()))
        });
        let Some((progress, done)) = built.await? else {
            return Err(SealError::Changed.into());
        };
        if told != Some(progress) {
            eprintln!("blocks built again: {} of {}", progress.0, progress.1);
            (told, since) = (Some(progress), Instant::now());
        }
        if done {
            return Ok(());
        }
        if since.elapsed() > AT_MOST {
            return Err(NotSigned::Failed(anyhow!(
                "no block was found in {} minutes: nothing was signed",
                AT_MOST.as_secs() / 60
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Signs the seal, writes the audit file and the seal, and only then takes it in, which hands it
/// out.
fn sign(
    node: &mut Node,
    now: Timestamp,
    organiser: &Organiser,
    record: &Path,
    how: &How,
    seen: Seen,
) -> Result<Done, NotSigned> {
    let needs = how.needs(node, now)?;
    if let Some(need) = needs.iter().find(|need| !need.is_waived(how)) {
        return Err(NotSigned::Wait(need.words()));
    }
    if Seen::of(node) != seen {
        return Err(NotSigned::Wait("something came in meanwhile".into()));
    }
    let here = node.ballot_box();
    let built = here.rebuilding().map(Rebuilding::left_out).unwrap_or_default().to_vec();
    let waiting = here.waiting();
    if !waiting.is_empty() && how.leave_out.is_none() {
        return Err(NotSigned::Again(still_waiting(waiting.len())));
    }
    let groups = [(&how.leave_out_late, built), (&how.leave_out, waiting)];
    let groups = groups.into_iter().filter(|(_, votes)| !votes.is_empty());
    let left_out =
        groups.filter_map(|(reason, votes)| Some(LeftOut { reason: reason.clone()?, votes }));
    let anyway = how.without_keepers || how.despite_syncing;
    let seal = node.sign_seal(now, left_out.collect(), organiser.key(), anyway);
    let seal = seal.map_err(|error| match error {
        SealError::Listed(_) if here.rebuilding().is_none() => NotSigned::Wait(
            "a keeper has shown that it had some of the waiting votes in time: they must get into a block".into(),
        ),
        error => error.into(),
    })?;
    let done = Done {
        tip: seal.sealed.tip,
        height: seal.sealed.height.0,
        tally: here.to_be_sealed().tally().clone(),
        left_out: seal.sealed.left_out().count(),
    };
    let statement = Statement::Seal(seal.clone());
    let statements = node.statements().all().chain([statement.clone()]);
    let file = ArchiveWriter::whole(here.to_be_sealed(), statements);
    secret_files::write_new(&how.out, file, false, "--out").map_err(NotSigned::Failed)?;
    let record_of =
        |path: &Path| secret_files::write_new(path, record_text(&statement)?, true, "--organiser");
    if let Err(error) = record_of(record) {
        // Nothing was handed out: act as if it had not been signed.
        fs::remove_file(&how.out).ok();
        return Err(NotSigned::Failed(error));
    }
    if let Err(error) = node.take_seal(now, seal) {
        fs::remove_file(record).ok();
        fs::remove_file(&how.out).ok();
        return Err(error.into());
    }
    Ok(done)
}

/// Runs until somebody else has the result, and reports who.
async fn hand_out(own: &OwnNode, done: &Done, how: &How) -> anyhow::Result<ExitCode> {
    let (held, named) = wait_until_held(own, done.tip).await?;
    let file = how.out.display().to_string();
    if how.json {
        let Done { tip, height, tally, left_out } = done;
        let Held { keepers, peers } = &held;
        let held_by = json!({"keepers": keepers, "peers": peers});
        say!(
            "{}",
            json!({"block": height, "tip": tip, "tally": tally, "left_out": left_out, "file": file, "held_by": held_by})
        );
    }
    ensure!(
        !held.keepers.is_empty() || held.peers > 0,
        "the seal is signed, and nobody says yet that they have the result: keep {file}, and hand it out with the same command once more"
    );
    if !how.json {
        let names = |names: &[String]| list(&names.iter().map(String::as_str).collect::<Vec<_>>());
        match held.keepers.len() {
            0 => say!(
                "{} that they have the result: keep {file}, and hand it to others.",
                if held.peers == 1 {
                    "1 peer says".into()
                } else {
                    format!("{} peers say", held.peers)
                }
            ),
            1 => say!("{} says that it has the result.", names(&held.keepers)),
            _ => say!("{} say that they have the result.", names(&held.keepers)),
        }
        let without = named.into_iter().map(|keeper| keeper.name);
        let without: Vec<_> = without.filter(|name| !held.keepers.contains(name)).collect();
        if !without.is_empty() {
            say!("Not heard of yet: that {} has it.", names(&without));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until all keepers say that they have the result, or a peer if there are no keepers; when
/// the time is over, returns who says so.
async fn wait_until_held(own: &OwnNode, tip: BlockHash) -> anyhow::Result<(Held, Vec<Keeper>)> {
    let start = Instant::now();
    let mut up = start;
    // This also greets keepers again.
    own.handle.call(|node, _| node.look_at_lists(true)).await?;
    loop {
        if reached(own, up)? {
            up = Instant::now();
        }
        let held = own.handle.call(move |node, _| {
            let keepers = node.keepers_with_seal(tip).map(|keeper| keeper.name.clone()).collect();
            let claims = node.peers().iter().filter_map(|(_, claim)| claim);
            let peers = claims.filter(|claim| claim.sealed == Some(tip)).count();
            let all = node.peers().len();
            (Held { keepers, peers }, node.chain().election().keepers.clone(), all)
        });
        let (held, named, all) = held.await?;
        let enough = if named.is_empty() {
            // A peer's claim is not proven: an honest one has time to fetch the blocks.
            held.peers >= all.clamp(1, PEERS_WITH_RESULT) && start.elapsed() >= HELD_FOR
        } else {
            held.keepers.len() == named.len()
        };
        if enough || start.elapsed() > PATIENCE {
            return Ok((held, named));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_is_passed_over() {
        let how = |without_keepers, despite_syncing, reason: Option<&str>| How {
            relays: Vec::new(),
            out: PathBuf::new(),
            leave_out: reason.map(Into::into),
            leave_out_late: None,
            count_late: false,
            without_keepers,
            despite_syncing,
            json: false,
        };
        let of_keepers = [
            Need::Missing(Missing::Uncompared("Club".into())),
            Need::Missing(Missing::Unshown { keeper: "Club".into(), shown: 1, listed: 2 }),
            Need::List("Club".into(), true),
        ];
        let of_peers = [Need::Missing(Missing::Behind), Need::Missing(Missing::Unsure(1))];
        let never = [
            Need::Peers,
            Need::Time(SealError::NotClosed),
            Need::Time(SealError::TooEarly(Timestamp(0))),
            Need::List("Club".into(), false),
        ];
        for (how, keepers, peers, blocks) in [
            (how(false, false, None), false, false, false),
            (how(true, false, None), true, false, false),
            (how(false, true, None), false, true, false),
            (how(true, true, Some("Late")), true, true, true),
        ] {
            assert!(of_keepers.iter().all(|need| need.is_waived(&how) == keepers));
            assert!(of_peers.iter().all(|need| need.is_waived(&how) == peers));
            assert_eq!(Need::Block(1).is_waived(&how), blocks);
            assert!(!never.iter().any(|need| need.is_waived(&how)));
        }
    }
}
