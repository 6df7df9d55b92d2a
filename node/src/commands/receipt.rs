//! `blockvote receipt`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    audit::{
        archive::Record,
        complaint::{Complaint, Upheld},
        receipt::{Receipt, ReceiptFile},
        standing::{Standing, Witness},
    },
    chain::{acknowledgements::Acknowledged, statements::Statement},
    crypto::hash::{ElectionId, VoteId},
    election::definition::Election,
};
use blockvote_words::{
    InWords,
    standing::{Said, said},
};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::{ask_node::At, secret_files, verified_export::verified_export};
use crate::output::say;

#[derive(Subcommand)]
pub enum Command {
    /// Check a receipt by itself and against a node's chain; ends with 0 when the vote counts. What keepers
    /// acknowledged meanwhile is added to the receipt's file.
    Check {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        at: At,
        /// Where to write the complaint, if the vote was acknowledged by a keeper and is not counted.
        #[arg(long, value_name = "FILE")]
        complaint: Option<PathBuf>,
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
    let Command::Check { file, at, complaint, json } = command;
    let (counts, state, mut words) = check(&file, &at, complaint.as_deref()).await?;
    if complaint.is_some() && state != "left_out" {
        words.push(
            "No complaint is written: that takes a sealed result that lacks a vote which a keeper has on its closing list."
                .into(),
        );
    }
    if json {
        say!("{}", json!({"counts": counts, "state": state, "words": words}));
    } else {
        for line in words {
            say!("{line}");
        }
    }
    Ok(if counts { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(
    path: &Path,
    at: &At,
    complaint: Option<&Path>,
) -> anyhow::Result<(bool, &'static str, Vec<String>)> {
    let text = secret_files::read(path, "a Blockvote receipt")?;
    let file = ReceiptFile::read(&text).in_words().with_context(|| path.display().to_string())?;
    let receipt = &file.receipt;
    let at = &at.about(receipt.vote.election);
    let election: ElectionAnswer = at.get("/election").await?;
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
    // The words in the file are for people; the vote is what counts.
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
    let token: TokenAnswer = at.get(&format!("/tokens/{}", receipt.vote.token)).await?;
    if token.double_vote {
        let what = "A double vote of this token is proven: somebody else may have its code or key.";
        words.push(what.into());
    }
    let signed = acknowledged(&file, path, at).await?;
    for Acknowledged { acknowledgement, .. } in &signed {
        if let Some(keeper) = election.definition.keeper(&acknowledgement.keeper) {
            words.push(format!("{} acknowledged it at {}.", keeper.name, acknowledgement.at));
        }
    }
    // The node's word that there is a seal is not relied on: its chain is verified here.
    let (seal, outcome) = left_out(&file, &signed, at, complaint, &mut words).await?;
    if let Some(outcome) = outcome {
        return Ok(outcome);
    }
    let held: Option<Receipt> = at.find(&format!("/receipts/{}", receipt.vote_id)).await?;
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
    // Asked once more: its block may be younger than the first answer.
    let token: TokenAnswer = at.get(&format!("/tokens/{}", receipt.vote.token)).await?;
    let sealed = seal != Sealed::No;
    match token.counts {
        Some(counts) if counts == receipt.vote_id => {
            let so_far = "It counts so far: the result is not sealed.";
            words.push(if sealed { "It counts." } else { so_far }.into());
            Ok((true, "counts", words))
        }
        Some(_) => {
            words.push("Another vote of this voter counts instead.".into());
            Ok((false, "replaced", words))
        }
        None if sealed => {
            words.push("It is in a block after the sealed one, so it does not count.".into());
            if let Sealed::Without(reason) = seal {
                words.push(format!("The seal leaves it out, as “{reason}”."));
            }
            Ok((false, "after_seal", words))
        }
        None => {
            words.push("The node's chain changes at the moment: look again.".into());
            Ok((false, "pending", words))
        }
    }
}

/// What keepers signed for the vote: what the receipt has, and what is new at the node and valid by
/// itself. It is kept in the file, in case node and keeper are gone later.
async fn acknowledged(
    file: &ReceiptFile,
    path: &Path,
    at: &At,
) -> anyhow::Result<Vec<Acknowledged>> {
    let id = file.receipt.vote_id;
    let fresh: Vec<Acknowledged> = at.get(&format!("/acknowledgements/{id}")).await?;
    let mut signed = file.acknowledged.clone();
    for fresh in fresh.into_iter().filter(|it| it.acknowledgement.vote == id) {
        let known = signed
            .iter_mut()
            .find(|known| known.acknowledgement.keeper == fresh.acknowledgement.keeper);
        match known {
            None if fresh.acknowledgement.is_signed() => signed.push(fresh),
            // The same acknowledgement, with the proof that the vote is on the closing list.
            Some(known)
                if known.listed.is_none() && known.acknowledgement == fresh.acknowledgement =>
            {
                known.listed = fresh.listed;
            }
            _ => {}
        }
    }
    if signed != file.acknowledged {
        let mut file = file.clone();
        file.acknowledged.clone_from(&signed);
        if let Err(error) = secret_files::replace(path, &file.to_text()) {
            eprintln!("note: what keepers signed could not be kept in the receipt: {error:#}");
        }
    }
    Ok(signed)
}

/// Whether the result is sealed.
#[derive(PartialEq)]
enum Sealed {
    No,
    Yes,
    /// And the seal names this vote as left out, for this reason.
    Without(String),
}

/// Whether the result is sealed, verified here; and what to say if it lacks a vote that a keeper
/// acknowledged in time.
async fn left_out(
    file: &ReceiptFile,
    signed: &[Acknowledged],
    at: &At,
    complaint: Option<&Path>,
    words: &mut Vec<String>,
) -> anyhow::Result<(Sealed, Option<(bool, &'static str, Vec<String>)>)> {
    let receipt = &file.receipt;
    let claim = Complaint::new(receipt.vote.clone(), signed.to_vec(), &file.title);
    let (mut put, asked) = (false, claim.clone());
    let mut left_out = None;
    let report = verified_export(at, receipt.vote.election, &mut |record, verifier| {
        if !put {
            put = true;
            verifier.complain(vec![asked.clone()]);
        }
        if let Record::Statement(Statement::Seal(seal)) = record {
            let named = seal.sealed.left_out().find(|(id, _)| **id == receipt.vote_id);
            left_out = named.map(|(_, reason)| reason.to_owned()).or(left_out.take());
        }
        Ok(())
    })
    .await?;
    let sealed = match (report.sealed, left_out) {
        (None, _) => Sealed::No,
        (Some(_), None) => Sealed::Yes,
        (Some(_), Some(reason)) => Sealed::Without(reason),
    };
    let Some(Ok(Upheld { keeper, at, reason, .. })) = report.complaints.into_iter().next() else {
        return Ok((sealed, None));
    };
    let standing = Standing::LeftOut { witness: Witness { name: keeper, at }, reason };
    let Said { what, then } = said(&standing, &|at| at.to_string());
    words.extend([what, then]);
    match complaint {
        Some(path) => {
            secret_files::write_new(path, claim.to_text(), false, "--complaint")?;
            words.push(format!(
                "The complaint is in {}: blockvote verify AUDIT-FILE --complaint {}",
                path.display(),
                path.display()
            ));
        }
        None => words.push("Save it with --complaint FILE.".into()),
    }
    Ok((sealed, Some((false, "left_out", std::mem::take(words)))))
}
