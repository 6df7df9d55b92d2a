//! `blockvote election`

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use blockvote_core::{
    election::{ChainParameters, Election, Eligibility},
    time::Timestamp,
};
use clap::{Args, Subcommand};

use crate::clock;

#[derive(Subcommand)]
pub enum Command {
    /// Write a definition file.
    New(New),
    /// Show a definition file and its id.
    Show {
        /// The file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
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
    /// Tokens are the numbers 1 to N. Without it, any number.
    #[arg(long, value_name = "N")]
    highest_token: Option<u64>,
    /// Opens this many minutes from now; at once where it is left out.
    #[arg(long, value_name = "MINUTES")]
    opens_in: Option<u64>,
    /// Closes this many minutes from now; never where it is left out.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    closes_in: Option<u64>,
    /// Expected number of hashes for the first block.
    #[arg(long, default_value_t = ChainParameters::default().starting_difficulty)]
    starting_difficulty: u64,
    /// Milliseconds between blocks under load.
    #[arg(long, default_value_t = ChainParameters::default().spacing_ms)]
    spacing_ms: u64,
    /// Where to write it; nothing there is overwritten.
    #[arg(long, short, default_value = "election.json")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Reads and validates a definition file.
pub fn read(file: &Path) -> anyhow::Result<Election> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let election: Election = serde_json::from_str(&text).with_context(|| {
        format!("{shown} is no election definition; `blockvote election new` writes one")
    })?;
    election.validate().with_context(|| shown.to_string())?;
    Ok(election)
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(new) => create(new),
        Command::Show { file, json } => {
            let election = read(&file)?;
            show(&election, json)
        }
    }
}

fn create(new: New) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let after = |minutes: u64| Timestamp(now.0.saturating_add(minutes.saturating_mul(60_000)));
    let election = Election {
        title: new.title,
        description: new.description,
        choices: new.choices,
        eligibility: Eligibility::Open { highest_token: new.highest_token },
        opens: new.opens_in.map(after),
        closes: new.closes_in.map(after),
        created: now,
        parameters: ChainParameters {
            starting_difficulty: new.starting_difficulty,
            spacing_ms: new.spacing_ms,
        },
        ..Election::plain()
    };
    election.validate()?;
    let mut text = serde_json::to_string_pretty(&election)?;
    text.push('\n');
    let shown = new.out.display();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&new.out)
        .with_context(|| format!("cannot write {shown}; choose another file with --out"))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
    eprintln!("wrote {shown}; start a node with --election {shown}");
    show(&election, new.json)
}

fn show(election: &Election, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let shown = serde_json::json!({"id": election.id(), "definition": election});
        crate::output::say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    crate::output::say!("{}", election.title);
    crate::output::say!("  id       {}", election.id());
    let choices = election.choices.join(", ");
    crate::output::say!("  choices  {}", if choices.is_empty() { "free text" } else { &choices });
    if let Some(highest) = election.electorate() {
        crate::output::say!("  tokens   1 to {highest}");
    } else {
        crate::output::say!("  tokens   any number");
    }
    if let Some(opens) = election.opens {
        crate::output::say!("  opens    {opens}");
    }
    if let Some(closes) = election.closes {
        crate::output::say!("  closes   {closes}");
    }
    crate::output::say!("  page     /e/{}/vote behind your relay's address", election.id());
    Ok(ExitCode::SUCCESS)
}
