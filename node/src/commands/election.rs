//! `blockvote election`: what an organiser does. Secrets stay in the organiser's file, which no
//! other machine needs.

mod ask_keepers;
mod close_and_seal;
mod codes;
mod new;
mod publish;
mod published;
mod seal_over_relays;
mod show;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use blockvote_core::{crypto::passphrase_lock, custody::organiser::Organiser};
use blockvote_words::InWords;
use clap::{Args, Subcommand};

pub use self::published::Published;
use self::{close_and_seal::How, new::New};
use super::{
    ask_node::{self, At},
    secret_files,
};

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
        /// Address of your relay, for the link of each voter [default: this machine's,
        /// <http://127.0.0.1:8080>].
        #[arg(long, value_name = "URL", value_parser = codes::relay)]
        relay: Option<String>,
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
        /// A relay over which the keepers that the election names are asked to hold it, such as
        /// <ws://127.0.0.1:8080/ws>. May be given several times, and again later.
        #[arg(long = "relay", value_name = "URL")]
        relays: Vec<String>,
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
    /// Verify the chain of a node, or what relays lead to, and seal the result; only after closing, and only
    /// once.
    Seal {
        #[command(flatten)]
        organiser: OrganiserFile,
        #[command(flatten)]
        at: At,
        /// Ask no node, but follow this relay as a browser tab does, such as <ws://127.0.0.1:8080/ws>: votes
        /// are compared with all keepers and peers there. May be given several times.
        #[arg(long = "relay", value_name = "URL")]
        relays: Vec<String>,
        /// Where the audit file of the result goes, over relays; nothing there is overwritten.
        #[arg(long, default_value = "result.blockvote", requires = "relays")]
        out: PathBuf,
        /// Leave out the votes of the chain that are on no keeper's closing list, for this reason. The chain
        /// is built again without them.
        #[arg(long, value_name = "REASON", value_parser = close_and_seal::reason, requires = "relays")]
        leave_out_late: Option<String>,
        /// Count votes of the chain that are on no keeper's closing list.
        #[arg(long, conflicts_with = "leave_out_late")]
        count_late: bool,
        /// Leave out the votes that still wait for a block, for this reason. They are named in the seal
        /// with it, and anybody can read it.
        #[arg(long, value_name = "REASON", value_parser = close_and_seal::reason)]
        leave_out: Option<String>,
        /// Seal although a keeper that the election names may have more than is here, or is not.
        #[arg(long)]
        without_keepers: bool,
        /// Seal although peers claim more than is here, or none says enough to know.
        #[arg(long)]
        despite_syncing: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the audit file of a node.
    Export(ask_node::Export),
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
        let mut text = secret_files::read_secret(&self.file, "a Blockvote organiser's file")?;
        if passphrase_lock::is_locked(text.as_str()) {
            let passphrase = secret_files::passphrase("BLOCKVOTE_PASSPHRASE")?;
            text = passphrase_lock::unlock(text.as_str(), &passphrase)
                .in_words()
                .with_context(|| shown.clone())?;
        }
        Organiser::read(text.as_str()).in_words().with_context(|| shown)
    }
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New(new) => new::run(*new),
        Command::Show { file, json } => {
            let published = Published::read(&file)?;
            show::run(published.context.election(), json)
        }
        Command::Codes { organiser, csv, relay, json } => {
            codes::run(&organiser.open()?, csv.as_deref(), relay, json)
        }
        Command::Publish { organiser, out, relays, json } => {
            publish::run(&organiser.open()?, &organiser.file, &out, relays, json).await
        }
        Command::Close { organiser, at, json } => {
            close_and_seal::close(&organiser.open()?, &organiser.file, &at, json).await
        }
        Command::Seal {
            organiser,
            at,
            relays,
            out,
            leave_out_late,
            count_late,
            leave_out,
            without_keepers,
            despite_syncing,
            json,
        } => {
            let record = organiser.file.with_extension("seal");
            if !relays.is_empty() {
                // Not from the environment.
                let named =
                    |argument: String| argument == "--node" || argument.starts_with("--node=");
                ensure!(
                    !std::env::args().any(named),
                    "--relay asks no node: give it or --node, not both"
                );
                let how = seal_over_relays::How {
                    relays,
                    out,
                    leave_out,
                    leave_out_late,
                    count_late,
                    without_keepers,
                    despite_syncing,
                    json,
                };
                return seal_over_relays::seal(organiser.open()?, &record, how).await;
            }
            let how = How { leave_out, count_late, without_keepers, despite_syncing, json };
            close_and_seal::seal(&organiser.open()?, &record, &at, how).await
        }
        Command::Export(export) => ask_node::export(export).await,
    }
}
