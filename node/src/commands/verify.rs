//! `blockvote verify`

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, anyhow, bail, ensure};
use blockvote_core::{
    audit::{
        archive::{ArchiveReader, Record},
        complaint::Complaint,
        python_chain,
        verify::{TOGETHER, Verifier},
    },
    chain::{block::Block, unverified_blocks::check_together},
    election::definition::Election,
};
use blockvote_words::{
    InWords, Words,
    report::{Ended, WordedReport},
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{ask_node, secret_files};
use crate::{
    clock,
    http::read_chain_json,
    output::{json_problem, problem},
    parallel::in_order,
};

/// Files and answers that are not streamed.
const MAX_JSON: usize = 256 << 20;
/// No rule is broken, but something still speaks against the result. 2 is for wrong arguments.
const DISPUTED: u8 = 3;
/// Bytes of a file whose blocks are verified together.
const VERIFIED_AT_ONCE: usize = 4 << 20;

#[derive(Args)]
pub struct Arguments {
    /// An audit file, a chain of the seed in JSON, or a node's address such as <http://127.0.0.1:5000>.
    source: String,
    /// A complaint that is judged by what is verified. May be given several times.
    #[arg(long = "complaint", value_name = "FILE")]
    complaints: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Bytes, from a file or from a node, piece by piece.
enum Source {
    File(File),
    Http(Box<reqwest::Response>),
}

impl Source {
    async fn open(text: &str) -> anyhow::Result<(Self, u64)> {
        if text.starts_with("https://") {
            bail!("https is not supported yet: download the file and give its path");
        }
        if text.starts_with("http://") {
            let response = ask_node::export_of(text).await?;
            let length = response.content_length().unwrap_or(0);
            return Ok((Self::Http(Box::new(response)), length));
        }
        let path = Path::new(text);
        let file = File::open(path).with_context(|| format!("cannot read {text}"))?;
        let about = file.metadata().with_context(|| format!("cannot read {text}"))?;
        ensure!(about.is_file(), "{text} is not a file");
        Ok((Self::File(file), about.len()))
    }

    async fn next(&mut self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::File(file) => {
                let mut piece = vec![0; 256 << 10];
                let read = file.read(&mut piece).context("the file cannot be read on")?;
                piece.truncate(read);
                Ok(piece)
            }
            Self::Http(response) => {
                Ok(ask_node::piece(response).await?.unwrap_or_default().to_vec())
            }
        }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let json = arguments.json;
    match verify(arguments).await {
        Err(error) if json => {
            let answer = serde_json::json!({"passed": false, "error": problem(&error)});
            crate::output::say!("{answer}");
            Ok(ExitCode::FAILURE)
        }
        other => other,
    }
}

async fn verify(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let complaints = arguments.complaints.iter().map(|path| complaint(path));
    let complaints = complaints.collect::<anyhow::Result<Vec<_>>>()?;
    let (mut source, length) = Source::open(&arguments.source).await?;
    let mut head = Vec::new();
    while head.len() < 16 {
        let piece = source.next().await?;
        if piece.is_empty() {
            break;
        }
        head.extend(piece);
    }
    ensure!(!head.is_empty(), "{} is empty", arguments.source);
    let bar = progress_bar(length);
    let result = if head.trim_ascii_start().starts_with(b"{") {
        ensure!(
            complaints.is_empty(),
            "a complaint is judged by an audit file, which holds the seal; {} is a chain in JSON",
            arguments.source
        );
        json_report(head, source, &bar).await
    } else {
        archive_report(head, source, complaints, &bar).await
    };
    bar.finish_and_clear();
    let report = result.with_context(|| arguments.source.clone())?;
    if arguments.json {
        crate::output::say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print_report(&report);
        crate::output::say!("took {:.2} s", start.elapsed().as_secs_f64());
    }
    let holds = report.passed && report.complaints.iter().all(|complaint| complaint.holds);
    Ok(match (holds, report.disputed) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(DISPUTED),
        (true, false) => ExitCode::SUCCESS,
    })
}

fn complaint(path: &Path) -> anyhow::Result<Complaint> {
    let text = secret_files::read(path, "a Blockvote complaint")?;
    Complaint::read(&text).in_words().with_context(|| path.display().to_string())
}

/// On standard error, and only if that is a terminal.
fn progress_bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = "{msg} [{wide_bar}] {bytes}/{total_bytes}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("#>-"));
    }
    bar.set_message("verifying");
    bar
}

async fn archive_report(
    head: Vec<u8>,
    mut source: Source,
    complaints: Vec<Complaint>,
    bar: &ProgressBar,
) -> anyhow::Result<WordedReport> {
    let mut reader = ArchiveReader::new();
    let mut verifier = Verifier::new(clock::now());
    verifier.complain(complaints);
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    let mut piece = head;
    loop {
        reader.push(&piece);
        bytes += piece.len();
        bar.inc(piece.len() as u64);
        loop {
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => {
                    if verify_blocks(&mut verifier, &mut blocks, bar) {
                        verifier.broken(error.words());
                    }
                    return Ok(WordedReport::from(&verifier.report()));
                }
            };
            if let Record::Election(election) = &record {
                println_election(election);
            }
            let goes_on = match record {
                Record::Block(block) => {
                    blocks.push(block);
                    true
                }
                record => verify_blocks(&mut verifier, &mut blocks, bar) && verifier.push(record),
            };
            if !goes_on {
                return Ok(WordedReport::from(&verifier.report()));
            }
        }
        if bytes >= VERIFIED_AT_ONCE {
            bytes = 0;
            if !verify_blocks(&mut verifier, &mut blocks, bar) {
                return Ok(WordedReport::from(&verifier.report()));
            }
        }
        piece = source.next().await?;
        if piece.is_empty() {
            break;
        }
    }
    if !verify_blocks(&mut verifier, &mut blocks, bar) {
        return Ok(WordedReport::from(&verifier.report()));
    }
    if let Err(error) = reader.finish() {
        verifier.broken(error.words());
    }
    Ok(WordedReport::from(&verifier.report()))
}

/// Verifies the blocks read so far, the own contents of each on all processors; returns whether to
/// go on.
fn verify_blocks(verifier: &mut Verifier, blocks: &mut Vec<Block>, bar: &ProgressBar) -> bool {
    if blocks.is_empty() {
        return true;
    }
    let Some(context) = verifier.context() else {
        return false;
    };
    // Signatures of as many votes together as the page verifies.
    let mut left = std::mem::take(blocks).into_iter();
    let together = std::iter::from_fn(move || {
        let mut weight = 0;
        let mut part = Vec::new();
        while weight < TOGETHER
            && let Some(block) = left.next()
        {
            weight += block.votes.len() + 1;
            part.push(block);
        }
        (!part.is_empty()).then_some(part)
    });
    let check = |part| check_together(part, &context);
    in_order(together, check, |checked| {
        for block in checked.flatten() {
            if !verifier.push_checked(block) {
                return false;
            }
            bar.set_message(format!("block {}, {} votes", verifier.blocks(), verifier.votes()));
        }
        true
    })
}

fn println_election(election: &Election) {
    eprintln!("election \"{}\" {}", election.title, election.id());
}

async fn json_report(
    head: Vec<u8>,
    mut source: Source,
    bar: &ProgressBar,
) -> anyhow::Result<WordedReport> {
    let mut bytes = head;
    loop {
        let piece = source.next().await?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
        ensure!(
            bytes.len() <= MAX_JSON,
            "JSON of over {MAX_JSON} bytes: export the chain as a file instead"
        );
    }
    let text = String::from_utf8(bytes).ok().context("this is not JSON: it is not text")?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| anyhow!(json_problem(&error)))?;
    if let Some(format) = value.get("format").and_then(Value::as_str) {
        bail!(
            "this is a file of the kind \"{format}\", not a chain; receipts are read by \
             `blockvote receipt check`, organiser's files by `blockvote election`"
        );
    }
    if value.get("election").is_some() {
        let (election, blocks) = read_chain_json(value)?;
        println_election(&election);
        return Ok(json_blocks_report(election, blocks, bar));
    }
    let chain = python_chain::read(&text).in_words()?;
    eprintln!("a chain of the seed, verified by the seed's own rules");
    bar.set_length(chain.len() as u64);
    let report = python_chain::verify(&chain, |done| bar.set_position(done as u64));
    Ok(WordedReport::from(&report))
}

fn json_blocks_report(election: Election, blocks: Vec<Block>, bar: &ProgressBar) -> WordedReport {
    let mut verifier = Verifier::new(clock::now());
    bar.set_length(blocks.len() as u64);
    let end = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
    let blocks = blocks.into_iter().map(Record::Block);
    let records = std::iter::once(Record::Election(Box::new(election))).chain(blocks);
    for record in records.chain([Record::End { blocks: end }]) {
        if !verifier.push(record) {
            break;
        }
        bar.inc(1);
    }
    WordedReport::from(&verifier.report())
}

/// Word for word what the page shows.
fn print_report(report: &WordedReport) {
    for line in &report.lines {
        let word = match line.outcome {
            Ended::Pass => "PASS",
            Ended::Warn => "WARN",
            Ended::Fail => "FAIL",
            Ended::Skipped => "SKIPPED",
            Ended::NotReached => "NOT REACHED",
        };
        crate::output::say!("{word:<12} {}: {}", line.check, line.detail);
    }
    crate::output::say!("");
    if report.passed {
        // The report does not have the choices, so only choices that were made are shown.
        ask_node::print_tally(&report.tally, &[]);
        crate::output::say!("tip {}", report.tip);
        if let Some(height) = report.sealed {
            crate::output::say!("sealed at block {height}");
        }
        crate::output::say!("");
    }
    crate::output::say!("{}", report.verdict);
    for complaint in &report.complaints {
        crate::output::say!("{}", complaint.words);
    }
}
