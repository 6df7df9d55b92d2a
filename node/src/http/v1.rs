//! `/api/v1`: what the seed did not offer.

#![allow(unused_qualifications, reason = "utoipa's macro writes one")]

use std::convert::Infallible;

use axum::{
    Json,
    body::{Body as ResponseBody, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use blockvote_core::{
    audit::{archive::ArchiveWriter, receipt::Receipt},
    chain::{
        difficulty::{Difficulty, Work},
        header::Height,
        statements::{Statement, StatementError},
    },
    crypto::{
        hash::{BlockHash, ElectionId, VoteId},
        key::PublicKey,
    },
    election::{definition::Election, tally::Tally, token::TokenId, vote::Vote},
    node::{Input, Node},
};
use borsh::BorshDeserialize;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App,
    error::{ApiError, Body, ErrorBody, Params, Part},
    json::{BlockJson, VoteJson},
    seed::{open_vote, read_vote},
};
use crate::daemon::LinkState;

/// Blocks in one page.
const MAX_PAGE: u32 = 100;
/// Pending votes in one answer.
const MAX_VOTES: usize = 1000;
/// Blocks taken from the node at a time while exporting.
const EXPORT_BATCH: u32 = 64;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(election))
        .routes(routes!(status))
        .routes(routes!(peers))
        .routes(routes!(votes, cast))
        .routes(routes!(receipt))
        .routes(routes!(blocks))
        .routes(routes!(block))
        .routes(routes!(tally))
        .routes(routes!(roll))
        .routes(routes!(token))
        .routes(routes!(evidence, add_evidence))
        .routes(routes!(export))
}

/// The election's definition.
#[utoipa::path(get, path = "/election", tag = "v1",
    responses((status = 200, description = "`id` and `definition`", body = ElectionJson)))]
async fn election(State(app): State<App>) -> Result<Json<ElectionJson>, ApiError> {
    let answer = app.handle.call(|node, _| ElectionJson {
        id: node.chain().id(),
        definition: node.chain().election().clone(),
    });
    Ok(Json(answer.await?))
}

#[derive(Serialize, ToSchema)]
struct ElectionJson {
    #[schema(value_type = String)]
    id: ElectionId,
    #[schema(value_type = Object)]
    definition: Election,
}

#[derive(Serialize, ToSchema)]
struct StatusJson {
    #[schema(value_type = String)]
    election: ElectionId,
    height: u32,
    #[schema(value_type = String)]
    tip: BlockHash,
    /// Expected number of hashes behind the chain, as decimal text.
    #[schema(value_type = String)]
    work: Work,
    votes: u64,
    /// Voters whose vote counts.
    voters: u64,
    pending: u64,
    /// When votes are not taken any more: the election's own time or the organiser's closing.
    closes: Option<u64>,
    /// `unsealed`, `awaited` (the sealed block is not here yet), `sealed`, `refuted` (its count is
    /// not the chain's), `contested` (two seals).
    #[schema(value_type = String)]
    seal: &'static str,
    /// Height of the last block that counts, where the result is sealed.
    sealed_height: Option<u32>,
    /// Tokens with a proven double vote.
    double_votes: u64,
    peers: u64,
    relays: Vec<RelayJson>,
    /// Height that is being downloaded to, if any.
    syncing_to: Option<u32>,
    mining: bool,
    mining_threads: usize,
    hashes: u64,
    /// What a block made now would have to meet.
    #[schema(value_type = u64)]
    difficulty: Difficulty,
}

#[derive(Serialize, ToSchema)]
struct RelayJson {
    url: String,
    connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Where this node stands.
#[utoipa::path(get, path = "/status", tag = "v1",
    responses((status = 200, description = "The state", body = StatusJson)))]
async fn status(State(app): State<App>) -> Result<Json<StatusJson>, ApiError> {
    let relays: Vec<_> = app
        .handle
        .link_states()
        .into_iter()
        .map(|(url, state)| match state {
            LinkState::Up => RelayJson { url, connected: true, problem: None },
            LinkState::Down(why) => RelayJson { url, connected: false, problem: Some(why) },
        })
        .collect();
    let (mining_threads, hashes) = (app.handle.miner.threads(), app.handle.miner.hashes());
    let answer = app.handle.call(move |node, now| StatusJson {
        election: node.chain().id(),
        height: node.chain().height().0,
        tip: node.chain().tip().hash(),
        work: node.chain().work(),
        votes: node.chain().votes() as u64,
        voters: node.ballot_box().counted().ballots,
        closes: node.ballot_box().closes().map(|closes| closes.0),
        seal: node.ballot_box().sealing().word(),
        sealed_height: node.ballot_box().sealed_height().map(|height| height.0),
        double_votes: node.statements().double_votes().len() as u64,
        pending: node.pending().len() as u64,
        peers: node.peers().len() as u64,
        relays,
        syncing_to: node.sync().target().map(|height| height.0),
        mining: node.is_mining(),
        mining_threads,
        hashes,
        difficulty: node.ballot_box().current_difficulty(now),
    });
    Ok(Json(answer.await?))
}

#[derive(Serialize, ToSchema)]
struct PeerJson {
    relay: usize,
    id: String,
    height: Option<u32>,
    #[schema(value_type = Option<String>)]
    work: Option<Work>,
}

/// Peers heard of, and what they claim.
#[utoipa::path(get, path = "/peers", tag = "v1",
    responses((status = 200, description = "Peers", body = Vec<PeerJson>)))]
async fn peers(State(app): State<App>) -> Result<Json<Vec<PeerJson>>, ApiError> {
    let answer = app.handle.call(|node, _| {
        let peers = node.peers().iter().map(|(peer, claim)| PeerJson {
            relay: peer.link.0 as usize,
            id: peer.id.to_string(),
            height: claim.map(|claim| claim.height.0),
            work: claim.map(|claim| claim.work),
        });
        peers.collect()
    });
    Ok(Json(answer.await?))
}

/// Votes that wait for a block, oldest first, at most 1,000.
#[utoipa::path(get, path = "/votes", tag = "v1",
    responses((status = 200, description = "Pending votes", body = Vec<VoteJson>)))]
async fn votes(State(app): State<App>) -> Result<Json<Vec<VoteJson>>, ApiError> {
    let answer = app.handle.call(|node, _| {
        let election = node.chain().election();
        let votes = node.pending().iter().take(MAX_VOTES);
        let votes = votes.map(|vote| VoteJson::new(vote, election));
        votes.collect()
    });
    Ok(Json(answer.await?))
}

#[derive(Serialize, ToSchema)]
struct CastJson {
    /// What the receipt is asked for with.
    #[schema(value_type = String)]
    vote_id: VoteId,
}

/// Cast a vote: `token_id` with `selection` or a list of `selections` in an open election, or
/// `vote`, the canonical bytes of a signed vote in hexadecimal.
#[utoipa::path(post, path = "/votes", tag = "v1", request_body = VoteJson, responses(
    (status = 201, description = "It is stored here and waits for a block", body = CastJson),
    (status = 400, description = "A field is missing or wrong", body = ErrorBody),
    (status = 409, description = "The token voted already, or the election is not open", body = ErrorBody)))]
async fn cast(
    State(app): State<App>,
    Body(body): Body,
) -> Result<(StatusCode, Json<CastJson>), ApiError> {
    let cast = if let Some(bytes) = body.get("vote") {
        let vote: Vote = read_hex(bytes, "vote")?;
        app.handle.call(move |node, now| node.cast(now, vote)).await?
    } else {
        let (token, selections) = read_votes(&body)?;
        let cast = move |node: &mut Node, now| {
            open_vote(node, token, &selections).and_then(|vote| node.cast(now, vote))
        };
        app.handle.call(cast).await?
    };
    Ok((StatusCode::CREATED, Json(CastJson { vote_id: cast? })))
}

fn read_votes(body: &Value) -> Result<(TokenId, Vec<String>), ApiError> {
    let Some(selections) = body.get("selections") else {
        let (token, selection) = read_vote(body, "token_id")?;
        return Ok((token, vec![selection]));
    };
    let wrong = || ApiError::bad("the field selections must be a list of texts");
    let selections = serde_json::from_value(selections.clone()).map_err(|_| wrong())?;
    let with_one = json!({"token_id": body.get("token_id"), "selection": ""});
    Ok((read_vote(&with_one, "token_id")?.0, selections))
}

/// Canonical bytes in hexadecimal.
fn read_hex<T: BorshDeserialize>(value: &Value, name: &str) -> Result<T, ApiError> {
    let bytes = value.as_str().and_then(|digits| hex::decode(digits).ok());
    bytes.and_then(|bytes| borsh::from_slice(&bytes).ok()).ok_or_else(|| {
        ApiError::bad(format!(
            "the field {name} does not hold the bytes of a {name} in hexadecimal; see docs/format.md"
        ))
    })
}

#[derive(Serialize, ToSchema)]
struct TokenJson {
    token_id: u64,
}

/// The token of a public key on the voter roll.
#[utoipa::path(get, path = "/roll/{key}", tag = "v1",
    params(("key" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 200, description = "The token", body = TokenJson),
              (status = 404, description = "The key is not on the roll", body = ErrorBody)))]
async fn roll(
    State(app): State<App>,
    Part(key): Part<String>,
) -> Result<Json<TokenJson>, ApiError> {
    let key: PublicKey = key.parse().map_err(|error| ApiError::bad(format!("the key: {error}")))?;
    let found = move |node: &mut Node, _| {
        let roll = node.chain().context().roll()?;
        Some(roll.token_of(&key))
    };
    match app.handle.call(found).await? {
        Some(Some(token)) => Ok(Json(TokenJson { token_id: token.0 })),
        Some(None) => {
            let error = "the key is not on the voter roll of this election";
            Err(ApiError::new(StatusCode::NOT_FOUND, error))
        }
        None => {
            let error = "this election is open: it has no voter roll";
            Err(ApiError::new(StatusCode::NOT_FOUND, error))
        }
    }
}

#[derive(Serialize, ToSchema)]
struct LatestJson {
    token_id: u64,
    /// The last vote, in the chain or waiting.
    #[schema(value_type = Option<String>)]
    vote_id: Option<VoteId>,
    /// The vote in the chain that counts now.
    #[schema(value_type = Option<String>)]
    counts: Option<VoteId>,
    /// Its sequence number.
    sequence: Option<u8>,
    /// Whether two ballots of this voter are proven.
    double_vote: bool,
}

/// The last vote of a token.
#[utoipa::path(get, path = "/tokens/{token}", tag = "v1",
    params(("token" = u64, Path, description = "A token")),
    responses((status = 200, description = "Its last vote, if any", body = LatestJson)))]
async fn token(
    State(app): State<App>,
    Part(token_id): Part<u64>,
) -> Result<Json<LatestJson>, ApiError> {
    let answer = app.handle.call(move |node, _| {
        let latest = node.ballot_box().latest_of(TokenId(token_id));
        LatestJson {
            token_id,
            vote_id: latest.as_ref().map(|(id, _)| *id),
            counts: node.ballot_box().counting_vote(TokenId(token_id)),
            sequence: latest.map(|(_, vote)| vote.sequence),
            double_vote: node.statements().double_vote_of(TokenId(token_id)).is_some(),
        }
    });
    Ok(Json(answer.await?))
}

/// The signed statements kept here: double votes, the closing, seals.
#[utoipa::path(get, path = "/evidence", tag = "v1",
    responses((status = 200, description = "`double_votes`, `closing`, `seals`, `seal`", body = Object)))]
async fn evidence(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let answer = app.handle.call(|node, _| {
        let book = node.statements();
        json!({
            "double_votes": book.double_votes().collect::<Vec<_>>(),
            "closing": book.closing(),
            "seals": book.seals().collect::<Vec<_>>(),
            "seal": node.ballot_box().sealing().word(),
        })
    });
    Ok(Json(answer.await?))
}

/// Hand in a signed statement: `statement`, its canonical bytes in hexadecimal.
#[utoipa::path(post, path = "/evidence", tag = "v1", request_body = Object, responses(
    (status = 201, description = "It holds and is kept, or was known", body = Object),
    (status = 400, description = "It proves nothing", body = ErrorBody)))]
async fn add_evidence(
    State(app): State<App>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let statement = body.get("statement").unwrap_or(&Value::Null);
    let statement: Statement = read_hex(statement, "statement")?;
    let take = move |node: &mut Node, now| {
        statement.check(node.chain().context())?;
        node.handle(now, Input::Statements(vec![statement]));
        Ok::<_, StatementError>(node.ballot_box().sealing().word())
    };
    let seal = app.handle.call(take).await?.map_err(|error| ApiError::bad(error.to_string()))?;
    Ok((StatusCode::CREATED, Json(json!({"seal": seal}))))
}

/// The receipt of a vote: where it stands, with the inclusion proof.
#[utoipa::path(get, path = "/receipts/{vote_id}", tag = "v1",
    params(("vote_id" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 200, description = "`vote_id`, `vote`, `inclusion`", body = Object),
              (status = 404, description = "No such vote here", body = ErrorBody)))]
async fn receipt(
    State(app): State<App>,
    Part(vote_id): Part<String>,
) -> Result<Json<Receipt>, ApiError> {
    let id: VoteId =
        vote_id.parse().map_err(|error| ApiError::bad(format!("the vote id: {error}")))?;
    let receipt = app.handle.call(move |node, _| node.ballot_box().receipt(&id)).await?;
    receipt.map(Json).ok_or_else(|| {
        let error = "no vote with this id is pending or in the chain of this node";
        ApiError::new(StatusCode::NOT_FOUND, error)
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BlockPage {
    /// Height to begin at; 1 where it is left out.
    from: Option<u32>,
    /// Number of blocks; at most 100, which is also what leaving it out means.
    limit: Option<u32>,
}

/// Blocks by page, oldest first.
#[utoipa::path(get, path = "/blocks", tag = "v1", params(BlockPage),
    responses((status = 200, description = "Blocks", body = Vec<BlockJson>)))]
async fn blocks(
    State(app): State<App>,
    Params(page): Params<BlockPage>,
) -> Result<Json<Vec<BlockJson>>, ApiError> {
    let from = page.from.unwrap_or(1);
    let limit = page.limit.unwrap_or(MAX_PAGE);
    if from == 0 || !(1..=MAX_PAGE).contains(&limit) {
        let error =
            format!("from is {from} and limit {limit}; expected from 1 on, and 1 to {MAX_PAGE}");
        return Err(ApiError::bad(error));
    }
    let answer = app.handle.call(move |node, _| {
        let heights = from..from.saturating_add(limit);
        let blocks = heights.map_while(|height| node.chain().block_at(Height(height)));
        blocks.map(|block| BlockJson::new(&block.open(), node.chain().election())).collect()
    });
    Ok(Json(answer.await?))
}

/// One block.
#[utoipa::path(get, path = "/blocks/{height}", tag = "v1",
    params(("height" = u32, Path, description = "The first block has 1")),
    responses((status = 200, description = "The block", body = BlockJson),
              (status = 404, description = "No such block", body = ErrorBody)))]
async fn block(
    State(app): State<App>,
    Part(height): Part<u32>,
) -> Result<Json<BlockJson>, ApiError> {
    let (block, tip) = app
        .handle
        .call(move |node, _| {
            let chain = node.chain();
            let block = chain.block_at(Height(height));
            (block.map(|block| BlockJson::new(&block.open(), chain.election())), chain.height())
        })
        .await?;
    block.map(Json).ok_or_else(|| {
        let error = format!("there is no block {height}; the chain has blocks 1 to {tip}");
        ApiError::new(StatusCode::NOT_FOUND, error)
    })
}

/// The result as it counts: of the chain, up to the sealed block where there is one.
#[utoipa::path(get, path = "/tally", tag = "v1",
    responses((status = 200, description = "`selections`, `ballots`, `blank`", body = Object)))]
async fn tally(State(app): State<App>) -> Result<Json<Tally>, ApiError> {
    Ok(Json(app.handle.call(|node, _| node.ballot_box().counted().clone()).await?))
}

/// The audit file: definition, roll, signed statements and the whole chain, for `blockvote verify`.
#[utoipa::path(get, path = "/export", tag = "v1",
    responses((status = 200, description = "A chain file", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn export(State(app): State<App>) -> Result<Response, ApiError> {
    let (context, tip, statements) = app
        .handle
        .call(|node, _| {
            let statements: Vec<_> = node.statements().all().collect();
            (node.chain().context().clone(), node.chain().tip().hash(), statements)
        })
        .await?;
    let (mut writer, mut head) = ArchiveWriter::new(&context);
    for statement in &statements {
        head.extend(writer.statement(statement));
    }
    let name = format!("attachment; filename=\"{}.blockvote\"", &context.id().to_string()[..8]);
    // A batch of blocks at a time; a chain that switches meanwhile breaks the stream off, and a
    // file without its end is seen to be one.
    let begin = (Some((writer, Bytes::from(head))), Height(2), app);
    let pieces = stream::unfold(begin, move |(state, from, app)| async move {
        let (mut writer, ready) = state?;
        if !ready.is_empty() {
            return Some((Ok(ready), (Some((writer, Bytes::new())), from, app)));
        }
        let batch = app.handle.call(move |node, _| {
            let chain = node.chain();
            let last = chain.block(&tip).filter(|block| chain.is_main(block))?.header().height.0;
            let heights = from.0..=last.min(from.0.saturating_add(EXPORT_BATCH - 1));
            Some(heights.filter_map(|h| chain.block_at(Height(h)).cloned()).collect::<Vec<_>>())
        });
        match batch.await {
            Ok(Some(blocks)) if blocks.is_empty() => {
                let end = Bytes::from(writer.finish());
                Some((Ok(end), (None, from, app)))
            }
            Ok(Some(blocks)) => {
                let next = Height(from.0 + u32::try_from(blocks.len()).unwrap_or(0));
                let mut bytes = Vec::new();
                for block in blocks {
                    bytes.extend(writer.block(&block.to_block()));
                }
                Some((Ok(Bytes::from(bytes)), (Some((writer, Bytes::new())), next, app)))
            }
            _ => None,
        }
    });
    let body = ResponseBody::from_stream(futures_util::StreamExt::map(
        pieces,
        |piece: Result<Bytes, Infallible>| piece,
    ));
    let fields = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((fields, body).into_response())
}
