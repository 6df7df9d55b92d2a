//! `blockvote vote`: with a voting code, with one's own key, or with a number in an open election.
//!
//! Everything that is signed is signed here, and binds the voter: two ballots with one sequence
//! number are a proof against the voter. So nothing is signed because the node says so. The voter
//! names the election, the chain of the node is verified here, and the node must show, with its
//! signature, a vote that it says is pending. One thing cannot be noticed here: that a node hands
//! out an earlier chain. Only the receipt of the last vote shows that.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail, ensure};
use blockvote_core::{
    audit::{
        archive::Record,
        receipt::{Receipt, ReceiptFile},
    },
    chain::{acknowledgements::Acknowledged, counted_votes::wait_before, statements::Statement},
    crypto::{
        hash::{ElectionId, VoteId},
        key::SecretKey,
    },
    custody::voting_code::Code,
    election::{
        definition::Election,
        election_context::ElectionContext,
        next_vote::{Known, next_sequence},
        opening_hours::Hours,
        token::TokenId,
        vote::Vote,
    },
    node::CastError,
    time::Timestamp,
};
use blockvote_words::{
    InWords, Words, counted,
    election::{Asked, next_vote},
};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ask_node::{At, Refused, election_named},
    key,
    numbers::whole,
    secret_files,
    verified_export::verified_export,
};
use crate::{clock, output::say};

/// Acknowledgements that are enough: with two, one may be wrong.
const ENOUGH_KEEPERS: usize = 2;
/// How long to wait for them.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(100);

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    right: Right,
    /// The election that you vote in: its id, your link, or the file that was published. Needed with a code
    /// or a key, unless --replaces says it: what you sign binds you.
    #[arg(long, value_name = "ID, LINK or FILE")]
    election: Option<String>,
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
    /// The same, with the receipt of the vote that is changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "election"])]
    replaces: Option<PathBuf>,
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
struct LatestAnswer {
    vote_id: Option<VoteId>,
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
    let named = arguments.election.as_deref().map(election_named).transpose()?;
    let (at, context, vote, body) = match secret(&arguments.right)? {
        None => open_vote(&arguments, named).await?,
        Some(key) => signed_vote(&arguments, named, &key).await?,
    };
    let (vote_id, definition) = (vote.id(), context.election());
    let mut receipt = ReceiptFile::new(Receipt { vote_id, vote, inclusion: None }, definition);
    if let Some(path) = &arguments.receipt {
        // Before it is sent: if the answer is lost, the vote can still be handed in again.
        secret_files::write_new(path, receipt.to_text(), true, "--receipt")?;
    }
    let answer = match at.post("/votes", &body).await {
        Ok(answer) => answer,
        Err(error) => {
            let refused = error.is::<Refused>();
            let Some(path) = &arguments.receipt else { return Err(error) };
            if refused && !definition.has_roll() {
                // The receipt of a vote that was not taken, and that anybody could cast.
                let _ = std::fs::remove_file(path);
                return Err(error);
            }
            // A node can refuse a signed vote and hand it in later: together with another choice
            // elsewhere that would be a double vote.
            let what = if refused {
                "the node refuses the vote, which is signed"
            } else {
                "whether the vote was taken is not known"
            };
            return Err(error.context(format!(
                "{what}; {} keeps it: open it in a browser, which casts it again, and choose nothing else elsewhere",
                path.display()
            )));
        }
    };
    let stored: Option<VoteId> =
        answer.get("vote_id").and_then(|id| serde_json::from_value(id.clone()).ok());
    ensure!(stored == Some(vote_id), "the node stored another vote than was sent: {answer}");
    receipt.acknowledged = acknowledged(&at, &context, vote_id).await;
    if let Some(path) = &arguments.receipt.as_ref().filter(|_| !receipt.acknowledged.is_empty()) {
        secret_files::replace(path, &receipt.to_text()).with_context(|| {
            format!("the vote {vote_id} was cast, but what keepers signed was not kept")
        })?;
    }
    if arguments.json {
        say!("{answer}");
    } else {
        say!("The vote is stored at {} and waits for a block.", arguments.at.node);
        say!("vote id {vote_id}");
        for Acknowledged { acknowledgement, .. } in &receipt.acknowledged {
            if let Some(keeper) = definition.keeper(&acknowledgement.keeper) {
                say!("{} acknowledged it at {}.", keeper.name, acknowledgement.at);
            }
        }
        if receipt.acknowledged.len() < definition.keepers.len().min(ENOUGH_KEEPERS) {
            say!("Not every keeper has acknowledged it yet: look again with receipt check.");
        }
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

/// What keepers of the election signed for a vote, if they do so soon: the node asks each of them,
/// and invalid acknowledgements are ignored.
async fn acknowledged(at: &At, context: &ElectionContext, vote: VoteId) -> Vec<Acknowledged> {
    let wanted = context.election().keepers.len().min(ENOUGH_KEEPERS);
    let until = Instant::now() + ACKNOWLEDGED_WITHIN;
    let mut signed = Vec::new();
    while signed.len() < wanted && Instant::now() < until {
        let path = format!("/acknowledgements/{vote}");
        let all: Vec<Acknowledged> = at.get(&path).await.unwrap_or_default();
        let holds = |it: &Acknowledged| {
            it.acknowledgement.vote == vote && it.acknowledgement.check(context).is_ok()
        };
        signed = all.into_iter().filter(holds).collect();
        if signed.len() < wanted {
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
    signed
}

fn ballot_problem(error: &impl Words) -> anyhow::Error {
    anyhow!("the selection {}", error.words())
}

/// A vote of an open election: there is nothing to sign.
async fn open_vote(
    arguments: &Arguments,
    named: Option<ElectionId>,
) -> anyhow::Result<(At, ElectionContext, Vote, Value)> {
    let at = named.map_or_else(|| arguments.at.own(), |named| arguments.at.about(named));
    let ElectionAnswer { id, definition } = at.get("/election").await?;
    ensure!(definition.id() == id, "the node's election is not the one of its id");
    ensure!(
        named.is_none_or(|named| named == id),
        "{} holds another election ({}) than the one that you name",
        arguments.at.node,
        id.short()
    );
    ensure!(
        !definition.has_roll(),
        "this election has a voter roll: vote with your voting code (--code) or your own key (--key)"
    );
    let ballot =
        definition.ballot(&arguments.selections).map_err(|error| ballot_problem(&error))?;
    let token = arguments.right.token.context("a code, a key or a token is needed")?;
    let vote = Vote::open(id, TokenId(token), ballot);
    let body = json!({"token_id": token, "selections": arguments.selections});
    Ok((at, ElectionContext::open(definition).in_words()?, vote, body))
}

/// A signed vote, after checking everything that it could contradict.
async fn signed_vote(
    arguments: &Arguments,
    named: Option<ElectionId>,
    key: &SecretKey,
) -> anyhow::Result<(At, ElectionContext, Vote, Value)> {
    let replaced = arguments.replaces.as_deref().map(read_receipt).transpose()?;
    let id = named.or_else(|| replaced.as_ref().map(|vote| vote.election)).context(
        "what you sign binds you: name the election with --election (its id, your link, or the file that was published), or the vote that you change with --replaces",
    )?;
    let at = arguments.at.about(id);
    let (mut found, mut latest): (Option<(ElectionContext, TokenId)>, Option<Vote>) = (None, None);
    let (mut made, mut closed) = (Timestamp(0), None);
    let report = verified_export(&at, id, &mut |record, verifier| {
        // By then the whole roll is here.
        if found.is_none() && matches!(record, Record::Block(_) | Record::End { .. }) {
            found = verifier.context().map(|context| of_key(context, key)).transpose()?;
        }
        if let Record::Block(block) = record {
            let token = found.as_ref().map(|(_, token)| *token);
            for vote in block.votes.iter().filter(|vote| Some(vote.token) == token) {
                // Each comes after the one before it, or the chain does not verify.
                latest = Some(vote.clone());
                made = block.header.timestamp;
            }
        } else if let Record::Statement(Statement::Closing(closing)) = record {
            closed = Some(closing.at);
        }
        Ok(())
    })
    .await?;
    let (context, token) = found.context("the node sent no election")?;
    let definition = context.election().clone();
    let now = clock::now();
    let closes = definition.closes.into_iter().chain(closed).min();
    let refused = match Hours::at(now, definition.opens, closes, report.sealed.is_some()) {
        Hours::Open(_) => None,
        Hours::Early(opens) => Some(CastError::NotOpen(opens)),
        Hours::Closed(closes) => Some(CastError::Closed(closes)),
        Hours::Sealed => Some(CastError::Sealed),
    };
    if let Some(refused) = refused {
        bail!(refused.words());
    }
    eprintln!("election \"{}\" {id}", definition.title);
    eprintln!(
        "the node's chain is verified: {}, {}",
        counted(report.blocks.into(), "block"),
        counted(report.votes, "vote")
    );
    let ballot =
        definition.ballot(&arguments.selections).map_err(|error| ballot_problem(&error))?;

    let claim: LatestAnswer = at.get(&format!("/tokens/{token}")).await?;
    let here = latest.as_ref().map(|vote| vote.sequence);
    if claim.sequence > here {
        // The node says that it is pending: it has to show the vote.
        let waiting = shown(&at, &claim, &context, token).await?;
        latest = Some(waiting);
    }
    match &latest {
        None => eprintln!("it has no vote of your token {token}"),
        Some(vote) => eprintln!(
            "it has this vote of your token {token}: {:?}{}",
            vote.ballot.words(&definition.question()),
            if here == Some(vote.sequence) { ", in a block" } else { ", which waits for a block" }
        ),
    }
    if let Some(replaced) = &replaced {
        ensure!(
            replaced.token == token,
            "the vote of the receipt was cast with another code or key"
        );
        let last = latest.as_ref();
        ensure!(
            Some(replaced.sequence) <= last.map(|vote| vote.sequence),
            "the node does not have the vote of your receipt: wait until it is in sync, or ask another one"
        );
        ensure!(
            Some(replaced.id()) == last.map(Vote::id),
            "the last vote of your token is another one than that of your receipt: somebody else may have your code or key; to change it all the same, give --election and --change"
        );
    }
    let latest = latest.map(|vote| vote.sequence);
    let known = Known { latest, behind: claim.behind };
    let change = arguments.change || replaced.is_some();
    let next = next_sequence(definition.counting, known, change);
    let sequence = next.map_err(|error| anyhow!(next_vote(error, Asked::CommandLine)))?;
    let earliest = made.plus_ms(wait_before(sequence));
    if sequence > 1 && (here < latest || now < earliest) {
        let refused = if here < latest {
            CastError::NoVoteBefore { token, sequence }
        } else {
            CastError::TooSoon { token, earliest }
        };
        bail!(refused.words());
    }
    if claim.behind {
        eprintln!(
            "note: the node is still fetching the chain; if this voter voted before, two votes contradict each other"
        );
    }
    let vote = Vote::signed(id, token, sequence, ballot, key);
    let body = json!({"vote": hex::encode(vote.encode())});
    Ok((at, context, vote, body))
}

/// The token of a key, from the voter roll itself.
fn of_key(context: ElectionContext, key: &SecretKey) -> anyhow::Result<(ElectionContext, TokenId)> {
    let roll = context.roll().context("this election is open: vote in it with --token")?;
    let token = roll.token_of(&key.public()).context(
        "this code or key is not on the voter roll of this election; it may belong to another one",
    )?;
    Ok((context, token))
}

/// The vote that the node says is pending, if it is one that this token's voter signed.
async fn shown(
    at: &At,
    claim: &LatestAnswer,
    context: &ElectionContext,
    token: TokenId,
) -> anyhow::Result<Vote> {
    let vote_id = claim.vote_id.context("the node answers, but is it a Blockvote node?")?;
    let receipt: Option<Receipt> = at.find(&format!("/receipts/{vote_id}")).await?;
    let vote = receipt.map(|receipt| receipt.vote).filter(|vote| {
        vote.token == token && Some(vote.sequence) == claim.sequence && vote.check(context).is_ok()
    });
    vote.context("the node says that you voted already, and cannot show a vote that you signed: ask another one")
}

fn read_receipt(path: &std::path::Path) -> anyhow::Result<Vote> {
    let text = secret_files::read(path, "a Blockvote receipt")?;
    let file = ReceiptFile::read(&text).in_words().with_context(|| path.display().to_string())?;
    Ok(file.receipt.vote)
}

/// The key to sign with, if the voter signs.
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
