//! `blockvote election`: what an organiser does. Secrets stay in the organiser's file, which no
//! other machine needs.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::{
        archive::{ArchiveReader, ArchiveWriter, Record},
        verify::Verifier,
    },
    chain::{
        header::Height,
        statements::{Closing, Seal, Statement},
    },
    crypto::{hash::BlockHash, locked},
    custody::{
        organiser::{Draft, Organiser, Publishing, Who},
        voters,
    },
    election::{
        ballot::BallotRules,
        context::ElectionContext,
        definition::{ChainParameters, Counting, Credentials, Election, Eligibility},
        roll::RollBuilder,
    },
    time::Timestamp,
};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ask::{self, At},
    private,
};
use crate::{clock, output::say, records::Records};

#[derive(Subcommand)]
pub enum Command {
    /// Write a definition file, or an organiser's file for an election with a voter roll.
    New(Box<New>),
    /// Show an election and its id.
    Show {
        /// A definition, a published election, or an organiser's file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the voting codes, or write them to a CSV for a mail merge.
    Codes {
        #[command(flatten)]
        organiser: OrganiserFile,
        /// Where to write the CSV; nothing there is overwritten.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Address of your relay, for the link of each voter.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        relay: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the file that nodes and voters need: the election and its voter roll, no secrets.
    Publish {
        #[command(flatten)]
        organiser: OrganiserFile,
        /// Where to write it; nothing there is overwritten.
        #[arg(long, short, default_value = "election.blockvote")]
        out: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Close the election now: votes are not taken any more.
    Close {
        #[command(flatten)]
        organiser: OrganiserFile,
        #[command(flatten)]
        at: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Verify a node's chain and seal the result; only after closing, and only once.
    Seal {
        #[command(flatten)]
        organiser: OrganiserFile,
        #[command(flatten)]
        at: At,
        /// Seal although votes still wait for a block.
        #[arg(long)]
        despite_pending: bool,
        /// Seal although the node is fetching a chain that a peer claims to be longer.
        #[arg(long)]
        despite_syncing: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the audit file of a node.
    Export(ask::Export),
}

#[derive(Args)]
pub struct OrganiserFile {
    /// The organiser's file, as `blockvote election new` or the page writes it.
    #[arg(long = "organiser", value_name = "FILE", default_value = "election.organiser.json")]
    file: PathBuf,
}

impl OrganiserFile {
    fn open(&self) -> anyhow::Result<Organiser> {
        let shown = self.file.display().to_string();
        let mut text = private::read_secret(&self.file)?;
        if locked::is_locked(text.as_str()) {
            let passphrase = private::passphrase("BLOCKVOTE_PASSPHRASE")?;
            text = locked::unlock(text.as_str(), &passphrase).with_context(|| shown.clone())?;
        }
        Organiser::read(text.as_str()).with_context(|| shown)
    }
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct New {
    /// The question, on one line.
    #[arg(long)]
    title: String,
    /// More about it.
    #[arg(long, default_value = "")]
    description: String,
    /// A choice; may be given several times. Without any, voters write free text.
    #[arg(long = "choice", value_name = "TEXT")]
    choices: Vec<String>,
    /// Fewest choices on a ballot.
    #[arg(long, value_name = "N", default_value_t = 1)]
    least: u16,
    /// Most choices on a ballot; more than 1 is an approval vote.
    #[arg(long, value_name = "N", default_value_t = 1)]
    most: u16,
    /// Allow blank ballots.
    #[arg(long)]
    blank: bool,
    /// Allow words of the voter's own as one choice.
    #[arg(long)]
    write_in: bool,
    /// Let voters change their vote: the last one counts. Needs a voter roll.
    #[arg(long)]
    last_counts: bool,
    /// Open election: tokens are the numbers 1 to N. Without it, any number.
    #[arg(long, value_name = "N", group = "who")]
    highest_token: Option<u64>,
    /// Voter roll with this many voting codes.
    #[arg(long, value_name = "N", group = "who")]
    codes: Option<u32>,
    /// Voter roll with a voting code for each line of this CSV, which has no heading. Names stay in the
    /// organiser's file.
    #[arg(long, value_name = "FILE", group = "who")]
    names: Option<PathBuf>,
    /// Voter roll of the voters' own public keys: a CSV with one key in each line.
    #[arg(long, value_name = "FILE", group = "who")]
    keys: Option<PathBuf>,
    /// Opens this many minutes from now; at once where it is left out.
    #[arg(long, value_name = "MINUTES")]
    opens_in: Option<u64>,
    /// Closes this many minutes from now; where it is left out, when the organiser closes it.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    closes_in: Option<u64>,
    /// Expected number of hashes for the first block.
    #[arg(long, default_value_t = ChainParameters::default().starting_difficulty)]
    starting_difficulty: u64,
    /// Milliseconds between blocks under load.
    #[arg(long, default_value_t = ChainParameters::default().spacing_ms)]
    spacing_ms: u64,
    /// Where to write the definition of an open election; nothing there is overwritten.
    #[arg(long, short, default_value = "election.json")]
    out: PathBuf,
    /// Where to write the organiser's private file. An open election gets one, and with it a key
    /// that can close and seal it, only where this is given.
    #[arg(long, value_name = "FILE")]
    organiser: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An election as a file gives it.
pub struct Published {
    /// Definition and roll.
    pub context: ElectionContext,
    /// The file, where it is an archive: it may hold blocks and statements too.
    pub archive: Option<PathBuf>,
}

impl Published {
    /// Reads a definition in JSON, or a published or exported file.
    ///
    /// # Errors
    /// In words: what is wrong with the file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let mut head = vec![0; 16];
        let read = file.read(&mut head).with_context(|| format!("cannot read {shown}"))?;
        if ArchiveReader::recognises(&head[..read]) {
            return Self::of_archive(path).with_context(|| shown.to_string());
        }
        let bytes = private::read_bytes(path)?;
        let wrong =
            || format!("{shown} is no election definition; `blockvote election new` writes one");
        let text = String::from_utf8(bytes).with_context(wrong)?;
        if let Ok(organiser) = Organiser::read(&text) {
            let context = organiser.context().with_context(|| shown.to_string())?;
            return Ok(Self { context, archive: None });
        }
        let election: Election = serde_json::from_str(&text).with_context(wrong)?;
        election.validate().with_context(|| shown.to_string())?;
        ensure!(
            !election.has_roll(),
            "{shown} holds no voter roll: take the file that `blockvote election publish` writes"
        );
        Ok(Self { context: ElectionContext::open(election)?, archive: None })
    }

    /// Reads all of it, so that a file that was cut is refused before anything is done with it.
    fn of_archive(path: &Path) -> anyhow::Result<Self> {
        let (mut election, mut roll) = (None, None);
        for record in Records::open(path)? {
            match record? {
                Record::Election(found) => {
                    if let Eligibility::Roll { root, size, .. } = found.eligibility {
                        roll = Some(RollBuilder::new(root, size));
                    }
                    election = Some(*found);
                }
                Record::RollPage(page) => {
                    let roll = roll.as_mut().context("keys without a voter roll")?;
                    let next: Option<u32> = roll.missing().next();
                    ensure!(
                        next == Some(page.index),
                        "the pages of the voter roll are not in order"
                    );
                    roll.add(page)?;
                }
                Record::Block(_) | Record::Statement(_) | Record::End { .. } => {}
            }
        }
        let election = election.context("the file holds no election")?;
        let roll = roll.map(RollBuilder::finish).transpose()?.flatten();
        Ok(Self { context: ElectionContext::new(election, roll)?, archive: Some(path.to_owned()) })
    }
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(new) => create(*new),
        Command::Show { file, json } => {
            let published = Published::read(&file)?;
            show(published.context.election(), json)
        }
        Command::Codes { organiser, csv, relay, json } => {
            codes(&organiser.open()?, csv.as_deref(), &relay, json)
        }
        Command::Publish { organiser, out, json } => {
            publish(&organiser.open()?, &organiser.file, &out, json)
        }
        Command::Close { organiser, at, json } => close(&organiser.open()?, &at, json).await,
        Command::Seal { organiser, at, despite_pending, despite_syncing, json } => {
            let record = organiser.file.with_extension("seal");
            let despite = (despite_pending, despite_syncing);
            seal(&organiser.open()?, &record, &at, despite, json).await
        }
        Command::Export(export) => ask::export(export).await,
    }
}

fn csv_text(path: &Path) -> anyhow::Result<String> {
    let bytes = private::read_bytes(path)?;
    // Read once to name the first line that cannot stand, whatever encoding it is in.
    voters::read(&bytes).with_context(|| path.display().to_string())?;
    String::from_utf8(bytes).with_context(|| path.display().to_string())
}

fn create(new: New) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let after = |minutes: u64| Timestamp(now.0.saturating_add(minutes.saturating_mul(60_000)));
    let who = match (&new.codes, &new.names, &new.keys) {
        (Some(count), _, _) => Who::Codes { count: *count, voters: String::new() },
        (_, Some(names), _) => Who::Codes { count: 0, voters: csv_text(names)? },
        (_, _, Some(keys)) => Who::OwnKeys { voters: csv_text(keys)? },
        _ => Who::Anyone { highest_token: new.highest_token },
    };
    let open = matches!(who, Who::Anyone { .. });
    let draft = Draft {
        title: new.title,
        description: new.description,
        choices: new.choices,
        ballot_rules: BallotRules {
            least: new.least,
            most: new.most,
            blank: new.blank,
            write_in: new.write_in,
        },
        counting: if new.last_counts { Counting::LastCounts } else { Counting::FirstCounts },
        opens: new.opens_in.map(after),
        closes: new.closes_in.map(after),
        who,
        parameters: ChainParameters {
            starting_difficulty: new.starting_difficulty,
            spacing_ms: new.spacing_ms,
        },
    };
    let publishing = Publishing::new(draft, private::secret(), private::secret())?;
    let (mut organiser, context) = publishing.finish(now)?;
    if context.election().choices.len() == 1 && !new.blank && !new.write_in {
        eprintln!("note: there is one choice only; give others with --choice, or allow --blank");
    }
    if open && new.organiser.is_none() {
        organiser.election.organiser = None;
    }
    if open {
        let mut text = serde_json::to_string_pretty(&organiser.election)?;
        text.push('\n');
        private::write_new(&new.out, &text, false, "--out")?;
        let shown = new.out.display();
        eprintln!("wrote {shown}; start a node with --election {shown}");
    }
    if !open || new.organiser.is_some() {
        let path = new.organiser.unwrap_or_else(|| "election.organiser.json".into());
        private::write_new(&path, organiser.to_text().as_str(), true, "--organiser")?;
        let shown = path.display();
        let makes = if organiser.codes().next().is_some() {
            "closes, seals and makes the codes"
        } else {
            "closes and seals"
        };
        eprintln!("wrote {shown}, which is private: it holds what {makes}");
        if !open {
            eprintln!("next: blockvote election publish --organiser {shown}");
        }
        return show(context.election(), new.json);
    }
    show(&organiser.election, new.json)
}

/// The link of a voter: the code stands behind the `#`, which browsers send to no server.
fn link(relay: &str, election: &Election, code: &str) -> String {
    format!("{}/e/{}/vote#code={code}", relay.trim_end_matches('/'), election.id())
}

fn codes(
    organiser: &Organiser,
    csv: Option<&Path>,
    relay: &str,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let election = &organiser.election;
    let rows: Vec<_> = organiser
        .codes()
        .map(|(row, code)| (row, code.to_string()))
        .map(|(row, code)| (row, link(relay, election, &code), code))
        .collect();
    ensure!(!rows.is_empty(), "this election has no voting codes");
    if let Some(path) = csv {
        // As many columns as the longest line has; a mail merge wants their names.
        let width = rows.iter().map(|(row, ..)| row.len()).max().unwrap_or(0);
        let mut head: Vec<_> = (1..=width).map(|column| format!("voter {column}")).collect();
        head.extend(["code".to_owned(), "link".to_owned()]);
        let lines = rows.iter().map(|(row, link, code)| {
            let mut line: Vec<_> = row.iter().map(|field| voters::for_spreadsheet(field)).collect();
            line.resize(width, String::new());
            line.extend([code.clone(), link.clone()]);
            line
        });
        let lines = std::iter::once(head).chain(lines);
        private::write_new(path, &voters::write(lines), true, "--csv")?;
        let answer = json!({"file": path.display().to_string(), "codes": rows.len()});
        if json {
            say!("{answer}");
        } else {
            let line = if width > 0 { "the voter's line, " } else { "" };
            say!("Wrote {} codes to {}: {line}the code, the link.", rows.len(), path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if json {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(voter, link, code)| json!({"voter": voter, "code": code, "link": link}))
            .collect();
        say!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        for (row, _, code) in rows {
            say!("{code}  {}", row.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn publish(organiser: &Organiser, file: &Path, out: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let context = organiser.context()?;
    let (writer, mut bytes) = ArchiveWriter::new(&context);
    bytes.extend(writer.finish());
    let shown = out.display();
    let mut options = std::fs::OpenOptions::new();
    let published = options.write(true).create_new(true).open(out);
    let mut published = published.with_context(|| {
        format!("cannot write {shown}; nothing is overwritten: choose another file with --out")
    })?;
    std::io::Write::write_all(&mut published, &bytes)
        .with_context(|| format!("cannot write {shown}"))?;
    if json {
        say!("{}", json!({"file": shown.to_string(), "id": context.id()}));
    } else {
        say!("Wrote {shown}: the election and its voter roll, nothing private.");
        say!("start a node   blockvote node --mine --election {shown} --relay ws://<relay>/ws");
        say!("voters open    http://<relay>/e/{}/vote", context.id());
        if organiser.codes().next().is_some() {
            say!(
                "their codes    blockvote election codes --organiser {} --csv codes.csv --relay http://<relay>",
                file.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Status {
    election: blockvote_core::crypto::hash::ElectionId,
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

async fn close(organiser: &Organiser, at: &At, json: bool) -> anyhow::Result<ExitCode> {
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

async fn seal(
    organiser: &Organiser,
    record: &Path,
    at: &At,
    (despite_pending, despite_syncing): (bool, bool),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let status = status(organiser, at).await?;
    if record.exists() {
        // Signed once already: the same seal is handed in, never another one.
        let text = private::read(record)?;
        let seal = hex::decode(text.trim()).ok().and_then(|bytes| borsh::from_slice(&bytes).ok());
        let seal: Statement = seal.with_context(|| format!("{} is no seal", record.display()))?;
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
    ensure!(
        status.seal == "unsealed",
        "the election is sealed already; another seal would contradict it"
    );
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
    let mut response = at.export().await?;
    let (mut reader, mut verifier) = (ArchiveReader::new(), Verifier::new(clock::now()));
    while let Some(chunk) = response.chunk().await? {
        reader.push(&chunk);
        while let Some(record) = reader.next_record()? {
            if !verifier.push(record) {
                bail!("the node's chain does not verify: {}", verifier.report().verdict);
            }
        }
    }
    reader.finish()?;
    let report = verifier.report();
    ensure!(report.passed && report.sealed.is_none(), "{}", report.verdict);
    let tip: BlockHash = report.tip.parse()?;
    let id = organiser.election.id();
    ensure!(report.election == id.to_string(), "the node sent another election");
    let seal = Seal::sign(id, Height(report.blocks), tip, &report.tally, organiser.key());
    let seal = Statement::Seal(seal);
    let text = hex::encode(borsh::to_vec(&seal)?) + "\n";
    private::write_new(record, &text, true, "--organiser")?;
    let answer = hand_in(at, &seal).await?;
    let word = answer.get("seal").and_then(Value::as_str).unwrap_or_default();
    ensure!(word == "sealed", "the node's chain changed meanwhile: its seal is {word}");
    if json {
        say!("{}", json!({"block": report.blocks, "tip": report.tip, "tally": report.tally}));
    } else {
        say!("{}", report.verdict);
        ask::print_tally(&report.tally, &organiser.election.choices);
        say!("Sealed: block {} and its count are the result.", report.blocks);
        say!("Hand out the audit file: blockvote election export --out result.blockvote");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(election: &Election, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let shown = json!({"id": election.id(), "definition": election});
        say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", election.title);
    say!("  id       {}", election.id());
    let choices = election.choices.join(", ");
    say!("  choices  {}", if choices.is_empty() { "free text" } else { &choices });
    let rules = election.ballot_rules;
    if (rules.least, rules.most) != (1, 1) {
        say!("  ballot   {} to {} choices", rules.least, rules.most);
    }
    if rules.blank {
        say!("           blank ballots are allowed");
    }
    if rules.write_in {
        say!("           own words are allowed as one choice");
    }
    match &election.eligibility {
        Eligibility::Open { highest_token: Some(highest) } => say!("  tokens   1 to {highest}"),
        Eligibility::Open { highest_token: None } => say!("  tokens   any number"),
        Eligibility::Roll { size, credentials, .. } => {
            let what = match credentials {
                Credentials::Codes => "voting codes that the organiser made",
                Credentials::OwnKeys => "keys that the voters made",
            };
            say!("  voters   {size}, with {what}");
        }
    }
    say!(
        "  counts   {}",
        match election.counting {
            Counting::FirstCounts => "the first vote of a voter",
            Counting::LastCounts => "the last vote of a voter",
        }
    );
    if let Some(opens) = election.opens {
        say!("  opens    {opens}");
    }
    if let Some(closes) = election.closes {
        say!("  closes   {closes}");
    }
    say!("  page     /e/{}/vote behind your relay's address", election.id());
    Ok(ExitCode::SUCCESS)
}
