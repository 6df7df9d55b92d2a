//! `blockvote receipt`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use blockvote_core::{
    hash::ElectionId,
    receipt::{Receipt, ReceiptFile},
};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::{ask::At, private};
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
struct StatusAnswer {
    election: ElectionId,
}

#[derive(Deserialize)]
struct LatestAnswer {
    vote_id: Option<String>,
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
    let text = private::read(path)?;
    let file = ReceiptFile::read(&text).with_context(|| path.display().to_string())?;
    let receipt = &file.receipt;
    let mut words = vec![
        format!("The receipt holds by itself: “{}” in “{}”.", file.selection, file.title),
        format!("vote id {}", receipt.vote_id),
    ];
    let status: StatusAnswer = at.get("/api/v1/status").await?;
    if status.election != receipt.vote.election {
        words.push(format!(
            "{} holds another election ({}); this vote is for {}.",
            at.node,
            status.election.short(),
            receipt.vote.election.short()
        ));
        return Ok((false, "other_election", words));
    }
    let latest: LatestAnswer = at.get(&format!("/api/v1/tokens/{}", receipt.vote.token)).await?;
    if latest.double_vote {
        words
            .push("A double vote of this token is proven: somebody else may have its code.".into());
    }
    let held: Option<Receipt> = at.get(&format!("/api/v1/receipts/{}", receipt.vote_id)).await.ok();
    let Some(held) = held else {
        let other = latest.vote_id.is_some();
        let what = if other {
            "The chain of this node holds another vote with this token, and not this one."
        } else {
            "This node does not hold the vote. Open the receipt in a browser, which casts it again."
        };
        words.push(what.into());
        return Ok((false, if other { "lost" } else { "unknown" }, words));
    };
    held.check().context("the node's inclusion proof")?;
    let replaced = latest.vote_id.is_some_and(|id| id != receipt.vote_id.to_string());
    match held.inclusion {
        None => {
            words.push("The vote waits for a block at this node.".into());
            Ok((false, "pending", words))
        }
        Some(inclusion) => {
            words.push(format!(
                "It is in block {}, {} deep; the inclusion proof was checked.",
                inclusion.header.height, inclusion.confirmations
            ));
            if replaced {
                words.push("A later vote of this voter replaced it: that one counts.".into());
                return Ok((false, "replaced", words));
            }
            words.push("It counts.".into());
            Ok((true, "counts", words))
        }
    }
}
