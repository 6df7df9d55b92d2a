//! `blockvote receipt`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    audit::receipt::{Receipt, ReceiptFile},
    crypto::hash::{ElectionId, VoteId},
    election::definition::Election,
};
use blockvote_words::InWords;
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::{ask_node::At, secret_files};
use crate::output::say;

#[derive(Subcommand)]
pub enum Command {
    /// Check a receipt by itself and against a node's chain; ends with 0 when the vote counts.
    Check {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        at: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Deserialize)]
struct ElectionAnswer {
    id: ElectionId,
    definition: Election,
}

#[derive(Deserialize)]
struct TokenAnswer {
    vote_id: Option<VoteId>,
    counts: Option<VoteId>,
    double_vote: bool,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Check { file, at, json } = command;
    let (counts, state, words) = check(&file, &at).await?;
    if json {
        say!("{}", json!({"counts": counts, "state": state, "words": words}));
    } else {
        for line in words {
            say!("{line}");
        }
    }
    Ok(if counts { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(path: &Path, at: &At) -> anyhow::Result<(bool, &'static str, Vec<String>)> {
    let text = secret_files::read(path, "a Blockvote receipt")?;
    let file = ReceiptFile::read(&text).in_words().with_context(|| path.display().to_string())?;
    let receipt = &file.receipt;
    let election: ElectionAnswer = at.get("/api/v1/election").await?;
    let id = election.definition.id();
    ensure!(id == election.id, "the node's election is not the one of its id");
    if id != receipt.vote.election {
        let words = format!(
            "{} holds another election ({}); this vote is for {}.",
            at.node,
            id.short(),
            receipt.vote.election.short()
        );
        return Ok((false, "other_election", vec![words]));
    }
    // What the file says in words is for people; what counts is the vote.
    let chosen = receipt.vote.ballot.words(&election.definition.question());
    ensure!(
        chosen == file.selection && election.definition.title == file.title,
        "the receipt was changed: it says {:?}, but its vote is {chosen:?} in {:?}",
        file.selection,
        election.definition.title
    );
    let mut words = vec![
        format!("The receipt holds by itself: “{chosen}” in “{}”.", file.title),
        format!("vote id {}", receipt.vote_id),
    ];
    let token: TokenAnswer = at.get(&format!("/api/v1/tokens/{}", receipt.vote.token)).await?;
    if token.double_vote {
        let what = "A double vote of this token is proven: somebody else may have its code or key.";
        words.push(what.into());
    }
    let held: Option<Receipt> = at.find(&format!("/api/v1/receipts/{}", receipt.vote_id)).await?;
    let Some(held) = held else {
        let other = token.vote_id.is_some();
        let what = if other {
            "The chain of this node holds another vote with this token, and not this one."
        } else {
            "This node does not hold the vote. Open the receipt in a browser, which casts it again."
        };
        words.push(what.into());
        return Ok((false, if other { "lost" } else { "unknown" }, words));
    };
    held.check().in_words().context("the node's inclusion proof")?;
    ensure!(held.vote_id == receipt.vote_id, "the node answered with another vote");
    let Some(inclusion) = held.inclusion else {
        words.push("The vote waits for a block at this node.".into());
        return Ok((false, "pending", words));
    };
    words.push(format!(
        "It is in block {}, {} deep; the inclusion proof was checked.",
        inclusion.header.height, inclusion.confirmations
    ));
    match token.counts {
        Some(counts) if counts == receipt.vote_id => {
            words.push("It counts.".into());
            Ok((true, "counts", words))
        }
        Some(_) => {
            words.push("Another vote of this voter counts instead.".into());
            Ok((false, "replaced", words))
        }
        None => {
            words.push("It is in a block after the sealed one, so it does not count.".into());
            Ok((false, "after_seal", words))
        }
    }
}
