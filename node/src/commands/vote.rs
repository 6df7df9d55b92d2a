//! `blockvote vote`: with a voting code, with one's own key, or with a number in an open election.
//! Whatever is signed is signed here; the node only gets the vote.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use blockvote_core::{
    audit::receipt::{Receipt, ReceiptFile},
    crypto::{
        hash::{ElectionId, VoteId},
        key::SecretKey,
    },
    custody::voting_code::Code,
    election::{
        definition::Election,
        next_vote::{Known, next_sequence},
        token::TokenId,
        vote::Vote,
    },
};
use blockvote_words::{
    InWords, Words,
    election::{Asked, next_vote},
};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ask_node::At, key, numbers::whole, secret_files};
use crate::output::say;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    right: Right,
    /// What you choose: one of the choices, or words of your own where they are allowed. May be
    /// given several times where several may be chosen.
    #[arg(long = "selection", value_name = "TEXT", required_unless_present = "blank")]
    selections: Vec<String>,
    /// Cast a blank ballot.
    #[arg(long, conflicts_with = "selections")]
    blank: bool,
    /// Change a vote that was cast before, where the last one counts.
    #[arg(long, conflicts_with = "token")]
    change: bool,
    /// Keep the receipt in this file; nothing there is overwritten.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// By what right: exactly one of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Right {
    /// Your voting code; `-` asks for it, so that it does not stand in the list of processes.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// The file with your own key, as `blockvote key new` writes it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Your token: an unused number, in an open election.
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<u64>(0..=TokenId::MAX.0))]
    token: Option<u64>,
}

#[derive(Deserialize)]
struct ElectionAnswer {
    id: ElectionId,
    definition: Election,
}

#[derive(Deserialize)]
struct RollAnswer {
    token_id: u64,
}

#[derive(Deserialize)]
struct LatestAnswer {
    sequence: Option<u8>,
    behind: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Some(path) = &arguments.receipt {
        ensure!(
            !path.exists(),
            "{} exists already; choose another file with --receipt",
            path.display()
        );
    }
    let election: ElectionAnswer = arguments.at.get("/api/v1/election").await?;
    let ElectionAnswer { id, definition } = election;
    ensure!(definition.id() == id, "the node's election is not the one of its id");
    let ballot = definition
        .ballot(&arguments.selections)
        .map_err(|error| anyhow::anyhow!("the selection {}", error.words()))?;
    let (vote, body) = match secret(&arguments.right)? {
        None => {
            ensure!(
                !definition.has_roll(),
                "this election has a voter roll: vote with your voting code (--code) or your own key (--key)"
            );
            let token = arguments.right.token.context("a code, a key or a token is needed")?;
            let vote = Vote::open(id, TokenId(token), ballot);
            let body = json!({"token_id": token, "selections": arguments.selections});
            (vote, body)
        }
        Some(key) => {
            ensure!(definition.has_roll(), "this election is open: vote in it with --token");
            let path = format!("/api/v1/roll/{}", key.public());
            let found: Option<RollAnswer> = arguments.at.find(&path).await?;
            let found = found.context(
                "this code or key is not on the voter roll of this election; it may belong to another one",
            )?;
            let token = TokenId(found.token_id);
            let latest: LatestAnswer = arguments.at.get(&format!("/api/v1/tokens/{token}")).await?;
            let known = Known { latest: latest.sequence, behind: latest.behind };
            let next = next_sequence(definition.counting, known, arguments.change);
            let words = |error| anyhow::anyhow!(next_vote(error, Asked::CommandLine));
            let sequence = next.map_err(words)?;
            if latest.behind {
                eprintln!(
                    "note: the node is still fetching the chain; if this voter voted before, two votes contradict each other"
                );
            }
            let vote = Vote::signed(id, token, sequence, ballot, &key);
            let body = json!({"vote": hex::encode(vote.encode())});
            (vote, body)
        }
    };
    let answer: Value = arguments.at.post("/api/v1/votes", &body).await?;
    let stored: Option<VoteId> =
        answer.get("vote_id").and_then(|id| serde_json::from_value(id.clone()).ok());
    ensure!(stored == Some(vote.id()), "the node stored another vote than was sent: {answer}");
    let receipt =
        ReceiptFile::new(Receipt { vote_id: vote.id(), vote, inclusion: None }, &definition);
    if let Some(path) = &arguments.receipt {
        // The vote is cast whatever becomes of the file.
        let id = receipt.receipt.vote_id;
        secret_files::write_new(path, &receipt.to_text(), true, "--receipt")
            .with_context(|| format!("the vote {id} was cast, but its receipt was not kept"))?;
    }
    if arguments.json {
        say!("{answer}");
    } else {
        say!("The vote is stored at {} and waits for a block.", arguments.at.node);
        say!("vote id {}", receipt.receipt.vote_id);
        match &arguments.receipt {
            Some(path) => say!("Check it with: blockvote receipt check {}", path.display()),
            None => {
                say!(
                    "No receipt was kept: with --receipt FILE you can check later that it counts."
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The key to sign with, where the right is one.
fn secret(right: &Right) -> anyhow::Result<Option<SecretKey>> {
    if let Some(file) = &right.key {
        return key::open(file).map(Some);
    }
    let Some(code) = &right.code else { return Ok(None) };
    let typed = if code == "-" {
        secret_files::ask("voting code", "BLOCKVOTE_CODE")?
    } else {
        code.clone().into()
    };
    Ok(Some(Code::parse(typed.as_str()).in_words()?.secret_key()))
}
