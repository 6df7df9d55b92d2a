//! `blockvote`: the native node and the command line.

mod audit_file;
mod clock;
mod commands;
mod daemon;
mod elections;
mod http;
mod keeper;
mod miner;
mod output;
mod parallel;
mod registered_nodes;
mod relays;
mod store;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Votes in a chain that everyone who votes holds and verifies.
#[derive(Parser)]
#[command(name = "blockvote", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node: hold the chain, follow relays, answer over HTTP.
    Node(commands::node::Arguments),
    /// Verify a chain: a file, or the address of a node. Ends with 0 when every rule is kept, with 1 when one is
    /// not or a complaint does not hold, with 3 when something speaks against the result all the same.
    Verify(commands::verify::Arguments),
    /// Cast a vote at a node.
    Vote(commands::vote::Arguments),
    /// Show the count of a node.
    Tally(commands::ask_node::Tally),
    /// Write the audit file of a node: election, voter roll, chain, signed statements.
    Export(commands::ask_node::Export),
    /// Hold elections: make, publish, close, seal.
    #[command(subcommand)]
    Election(commands::election::Command),
    /// Check receipts.
    #[command(subcommand)]
    Receipt(commands::receipt::Command),
    /// Make and show a voter's own key.
    #[command(subcommand)]
    Key(commands::key::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Other commands print themselves what they have to say.
    let usual = if matches!(arguments.command, Command::Node(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arguments.command)));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", output::problem(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Node(arguments) => commands::node::run(arguments).await,
        Command::Verify(arguments) => commands::verify::run(arguments).await,
        Command::Vote(arguments) => commands::vote::run(arguments).await,
        Command::Tally(arguments) => commands::ask_node::tally(arguments).await,
        Command::Export(arguments) => commands::ask_node::export(arguments).await,
        Command::Election(command) => commands::election::run(command).await,
        Command::Receipt(command) => commands::receipt::run(command).await,
        Command::Key(command) => commands::key::run(command),
    }
}
