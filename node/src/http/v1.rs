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
    archive::ArchiveWriter,
    difficulty::{Difficulty, Work},
    election::Election,
    hash::{BlockHash, ElectionId, VoteId},
    header::Height,
    receipt::Receipt,
    tally::Tally,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App,
    error::{ApiError, Body, ErrorBody, Params, Part},
    json::{BlockJson, VoteJson},
    seed::read_vote,
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
    pending: u64,
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
        pending: node.pending().len() as u64,
        peers: node.peers().len() as u64,
        relays,
        syncing_to: node.sync().target().map(|height| height.0),
        mining: node.is_mining(),
        mining_threads,
        hashes,
        difficulty: node.current_difficulty(now),
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
        let votes = node.pending().iter().take(MAX_VOTES).map(|(_, vote)| VoteJson {
            selection: vote.ballot.selection(election),
            token_id: vote.token.0,
        });
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

/// Cast a vote.
#[utoipa::path(post, path = "/votes", tag = "v1", request_body = VoteJson, responses(
    (status = 201, description = "It is stored here and waits for a block", body = CastJson),
    (status = 400, description = "A field is missing or wrong", body = ErrorBody),
    (status = 409, description = "The token voted already, or the election is not open", body = ErrorBody)))]
async fn cast(
    State(app): State<App>,
    Body(body): Body,
) -> Result<(StatusCode, Json<CastJson>), ApiError> {
    let (token, selection) = read_vote(&body, "token_id")?;
    let cast = app.handle.call(move |node, now| node.cast(now, token, &selection));
    let vote_id = cast.await??;
    Ok((StatusCode::CREATED, Json(CastJson { vote_id })))
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
    let receipt = app.handle.call(move |node, _| node.receipt(&id)).await?;
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
        blocks.map(|block| BlockJson::new(block, node.chain().election())).collect()
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
            (block.map(|block| BlockJson::new(block, chain.election())), chain.height())
        })
        .await?;
    block.map(Json).ok_or_else(|| {
        let error = format!("there is no block {height}; the chain has blocks 1 to {tip}");
        ApiError::new(StatusCode::NOT_FOUND, error)
    })
}

/// The tally of the chain.
#[utoipa::path(get, path = "/tally", tag = "v1",
    responses((status = 200, description = "Votes by selection", body = BTreeMap<String, u64>)))]
async fn tally(State(app): State<App>) -> Result<Json<Tally>, ApiError> {
    Ok(Json(app.handle.call(|node, _| node.chain().tally().clone()).await?))
}

/// The whole chain as one file, for `blockvote verify`.
#[utoipa::path(get, path = "/export", tag = "v1",
    responses((status = 200, description = "A chain file", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn export(State(app): State<App>) -> Result<Response, ApiError> {
    let (election, tip) = app
        .handle
        .call(|node, _| (node.chain().election().clone(), node.chain().tip().hash()))
        .await?;
    let (writer, head) = ArchiveWriter::new(&election);
    let name = format!("attachment; filename=\"{}.blockvote\"", &election.id().to_string()[..8]);
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
