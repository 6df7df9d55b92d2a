//! `blockvote election new`.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    crypto::key::PublicKey,
    custody::{
        organiser::{Draft, Publishing, Who},
        voter_list,
    },
    election::{
        ballot::BallotRules,
        definition::{ChainParameters, Counting, MAX_CHOICES, MAX_STARTING_DIFFICULTY, SPACING_MS},
        keepers::{Keeper, check_name},
        roll::MAX_ROLL,
        token::TokenId,
    },
    time::Timestamp,
};
use blockvote_words::{InWords, Words};
use clap::Args;

use super::show;
use crate::{
    clock,
    commands::{numbers::whole, secret_files},
};

/// Choices on a ballot, a write-in among them.
const CHOSEN: RangeInclusive<u64> = 1..=MAX_CHOICES as u64 + 1;

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
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(CHOSEN))]
    least: u16,
    /// Most choices on a ballot; more than 1 is an approval vote.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(CHOSEN))]
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
    #[arg(long, value_name = "N", group = "who", value_parser = whole::<u64>(1..=TokenId::MAX.0))]
    highest_token: Option<u64>,
    /// Voter roll with this many voting codes.
    #[arg(long, value_name = "N", group = "who", value_parser = whole::<u32>(1..=MAX_ROLL.into()))]
    codes: Option<u32>,
    /// Voter roll with a voting code for each line of this CSV, which has no heading. Names stay in the
    /// organiser's file.
    #[arg(long, value_name = "FILE", group = "who")]
    names: Option<PathBuf>,
    /// Voter roll of the voters' own public keys: a CSV with one key in each line.
    #[arg(long, value_name = "FILE", group = "who")]
    keys: Option<PathBuf>,
    /// Opens this many minutes from now; at once where it is left out.
    #[arg(long, value_name = "MINUTES", value_parser = whole::<u64>(0..=u64::MAX))]
    opens_in: Option<u64>,
    /// Closes this many minutes from now; where it is left out, when the organiser closes it.
    #[arg(long, value_name = "MINUTES", value_parser = whole::<u64>(1..=u64::MAX))]
    closes_in: Option<u64>,
    /// Expected number of hashes for the first block [default: 65536, with a voter roll 1048576].
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=MAX_STARTING_DIFFICULTY))]
    starting_difficulty: Option<u64>,
    /// Milliseconds between blocks under load [default: 10000].
    #[arg(long, value_name = "N", value_parser = whole::<u64>(SPACING_MS))]
    spacing_ms: Option<u64>,
    /// A keeper that holds the election while everybody else is away, as `blockvote node --keep` prints
    /// it: its key, a colon, its name. May be given several times; the best is two, run by two people.
    #[arg(long = "keeper", value_name = "KEY:NAME", value_parser = keeper)]
    keepers: Vec<Keeper>,
    /// Where to write the definition of an open election; nothing there is overwritten
    /// [default: election.json].
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["codes", "names", "keys"])]
    out: Option<PathBuf>,
    /// Where to write the organiser's private file. An open election gets one, and with it a key
    /// that can close and seal it, only where this is given.
    #[arg(long, value_name = "FILE")]
    organiser: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn keeper(text: &str) -> Result<Keeper, String> {
    let (key, name) = text.split_once(':').ok_or(
        "expected a keeper's key, a colon and its name, as `blockvote node --keep` prints them",
    )?;
    let key = PublicKey::from_text(key.trim()).map_err(|error| error.words())?;
    let name = name.trim().to_owned();
    check_name(&name).map_err(|error| format!("the name {}", error.words()))?;
    Ok(Keeper { name, key })
}

fn csv_text(path: &Path) -> anyhow::Result<String> {
    let bytes = secret_files::read_bytes(path)?;
    // Read once more, to name the first line that cannot be used, whatever its encoding.
    voter_list::read(&bytes).in_words().with_context(|| path.display().to_string())?;
    String::from_utf8(bytes).ok().with_context(|| format!("{} is not text", path.display()))
}

pub fn run(new: New) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let after = |minutes: u64| Timestamp(now.0.saturating_add(minutes.saturating_mul(60_000)));
    let who = match (&new.codes, &new.names, &new.keys) {
        (Some(count), _, _) => Who::Codes { count: *count, voters: String::new() },
        (_, Some(names), _) => Who::Codes { count: 0, voters: csv_text(names)? },
        (_, _, Some(keys)) => Who::OwnKeys { voters: csv_text(keys)? },
        _ => Who::Anyone { highest_token: new.highest_token },
    };
    let open = matches!(who, Who::Anyone { .. });
    let mut draft = Draft {
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
        keepers: new.keepers,
        parameters: None,
    };
    let usual = draft.parameters();
    draft.parameters = Some(ChainParameters {
        starting_difficulty: new.starting_difficulty.unwrap_or(usual.starting_difficulty),
        spacing_ms: new.spacing_ms.unwrap_or(usual.spacing_ms),
    });
    let problems: Vec<_> = draft.problems(now).iter().map(Words::words).collect();
    ensure!(problems.is_empty(), "{}", problems.join("; and "));
    let publishing =
        Publishing::new(draft, secret_files::secret(), secret_files::secret()).in_words()?;
    let (mut organiser, context) = publishing.finish(now).in_words()?;
    if context.election().choices.len() == 1 && !new.blank && !new.write_in {
        eprintln!("note: there is one choice only; give others with --choice, or allow --blank");
    }
    if open {
        eprintln!(
            "note: anybody can vote, under any number; for voters of your choice give --codes, --names or --keys"
        );
    }
    if open && new.organiser.is_none() {
        organiser.election.organiser = None;
    }
    if open {
        let mut text = serde_json::to_string_pretty(&organiser.election)?;
        text.push('\n');
        let out = new.out.unwrap_or_else(|| "election.json".into());
        secret_files::write_new(&out, &text, false, "--out")?;
        let shown = out.display();
        eprintln!("wrote {shown}; start a node with --election {shown}");
    }
    if !open || new.organiser.is_some() {
        let path = new.organiser.unwrap_or_else(|| "election.organiser.json".into());
        secret_files::write_new(&path, organiser.to_text().as_str(), true, "--organiser")?;
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
        return show::run(context.election(), new.json);
    }
    show::run(&organiser.election, new.json)
}
