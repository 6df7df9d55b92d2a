//! The routes of the Python system that this project comes from, with its answers.

use axum::{Json, extract::State, http::StatusCode};
use blockvote_core::{
    crypto::hash::VoteId,
    election::{
        token::TokenId,
        vote::{CheckedVote, Vote},
    },
    node::{CastError, Node},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App,
    error::{ApiError, Body, ErrorBody},
    json::{BlockJson, VoteJson, chain_blocks, chain_json},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(vote))
        .routes(routes!(token_id))
        .routes(routes!(view_vote))
        .routes(routes!(store, store_posted))
        .routes(routes!(chain))
        .routes(routes!(register))
        .routes(routes!(sync))
}

/// An answer in words.
#[derive(Serialize, ToSchema)]
struct Message {
    message: String,
    /// Registered nodes that could not be asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_asked: Vec<String>,
}

/// The fields of a vote; if something is wrong, one sentence says what.
pub fn read_vote(body: &Value, token_name: &str) -> Result<(TokenId, String), ApiError> {
    let field = |name: &str, expected: &str| {
        body.get(name).filter(|value| !value.is_null()).ok_or_else(|| {
            ApiError::bad(format!("the field {name} is missing; expected {expected}"))
        })
    };
    let token = field(token_name, "a whole number")?;
    let token = token.as_u64().filter(|token| *token <= TokenId::MAX.0).ok_or_else(|| {
        ApiError::bad(format!(
            "the field {token_name} is {token}; expected a whole number from 0 to {}",
            TokenId::MAX
        ))
    })?;
    let selection = field("selection", "a text")?;
    let selection = selection.as_str().ok_or_else(|| {
        ApiError::bad(format!("the field selection is {selection}; expected a text"))
    })?;
    Ok((TokenId(token), selection.to_owned()))
}

/// A vote of an open election, in words. If there is a voter roll, the node says that it must be
/// signed.
pub fn open_vote(node: &Node, token: TokenId, selections: &[String]) -> Result<Vote, CastError> {
    let ballot = node.chain().election().ballot(selections)?;
    Ok(Vote::open(node.chain().id(), token, ballot))
}

/// In the seed's words.
fn already_voted(token: TokenId) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, format!("the token_id {token} already voted"))
}

/// Cast a vote.
#[utoipa::path(post, path = "/vote", tag = "seed", request_body = VoteJson, responses(
    (status = 201, description = "It will be in the next block", body = Message),
    (status = 400, description = "A field is missing or wrong", body = ErrorBody),
    (status = 409, description = "The token voted already", body = ErrorBody)))]
async fn vote(
    State(app): State<App>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Message>), ApiError> {
    let (token, selection) = read_vote(&body, "token_id")?;
    let (elsewhere, not_asked) = app.registered.pending_elsewhere(token).await;
    if elsewhere {
        return Err(already_voted(token).not_asked(not_asked));
    }
    let block = app
        .handle
        .call(move |node, now| {
            open_vote(node, token, &[selection])
                .and_then(|vote| node.cast(now, vote))
                .map(|_| node.chain().height().next())
        })
        .await?
        .map_err(|error| match error {
            CastError::AlreadyVoted { token, .. } => already_voted(token),
            error => ApiError::from(error),
        })
        .map_err(|error| error.not_asked(not_asked.clone()))?;
    let message = format!("the token_id {token} vote will be added to Block {block}");
    Ok((StatusCode::CREATED, Json(Message { message, not_asked })))
}

/// The pending tokens of this node.
#[utoipa::path(get, path = "/token_id", tag = "seed",
    responses((status = 200, description = "Each pending token, with 1", body = BTreeMap<String, u64>)))]
async fn token_id(State(app): State<App>) -> Result<Json<BTreeMap<u64, u64>>, ApiError> {
    let tokens = app
        .handle
        .call(|node, _| node.pending().iter().map(|vote| (vote.token.0, 1)).collect())
        .await?;
    Ok(Json(tokens))
}

/// The tally of the chain.
#[utoipa::path(get, path = "/view_vote", tag = "seed",
    responses((status = 200, description = "Votes by selection", body = BTreeMap<String, u64>)))]
async fn view_vote(State(app): State<App>) -> Result<Json<BTreeMap<String, u64>>, ApiError> {
    Ok(Json(app.handle.call(|node, _| node.ballot_box().counted().selections.clone()).await?))
}

/// Take over a longer chain, then forge the pending votes.
#[utoipa::path(get, path = "/store", tag = "seed", operation_id = "store",
    responses((status = 200, description = "The new block, or that nothing is pending", body = BlockJson)))]
async fn store(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let (_, not_asked) = app.registered.take_over(&app.handle).await;
    let mut tip = app.handle.tip();
    let waiting =
        app.handle.call(|node, _| node.pending().iter().next().map(CheckedVote::id)).await?;
    let Some(waiting) = waiting else {
        let message = "No block was forged: no vote is pending".to_owned();
        return Ok(Json(json!({"message": message, "not_asked": not_asked})));
    };
    let forging = Forging::begin(&app);
    let forged = loop {
        tip.borrow_and_update();
        match app.handle.call(move |node, now| progress(node, now, &waiting)).await? {
            Progress::Forged(block) => break block,
            Progress::Lost => {
                let error =
                    "the oldest pending vote lost its token to a vote in another block; ask again";
                return Err(ApiError::new(StatusCode::CONFLICT, error).not_asked(not_asked));
            }
            Progress::Closed => {
                let error = "no block was forged: the election is not open";
                return Err(ApiError::new(StatusCode::CONFLICT, error).not_asked(not_asked));
            }
            Progress::Wait => tip.changed().await.map_err(|_| crate::daemon::Stopped)?,
        }
    };
    drop(forging);
    let mut answer = serde_json::to_value(*forged).unwrap_or_default();
    answer["message"] = "New Block Forged".into();
    if !not_asked.is_empty() {
        answer["not_asked"] = not_asked.into();
    }
    Ok(Json(answer))
}

/// The same.
#[utoipa::path(post, path = "/store", tag = "seed", operation_id = "store_posted",
    responses((status = 200, description = "The new block, or that nothing is pending", body = BlockJson)))]
async fn store_posted(state: State<App>) -> Result<Json<Value>, ApiError> {
    store(state).await
}

/// A request that waits for a block. The last one to end withdraws the job, even if its client went
/// away; a request that began meanwhile keeps it.
struct Forging {
    app: App,
}

impl Forging {
    fn begin(app: &App) -> Self {
        app.forging.fetch_add(1, Ordering::SeqCst);
        Self { app: app.clone() }
    }
}

impl Drop for Forging {
    fn drop(&mut self) {
        self.app.forging.fetch_sub(1, Ordering::SeqCst);
        let (handle, forging) = (self.app.handle.clone(), Arc::clone(&self.app.forging));
        tokio::spawn(async move {
            let withdraw = move |node: &mut Node, now| {
                if forging.load(Ordering::SeqCst) == 0 {
                    node.stop_mine_once(now);
                }
            };
            handle.call(withdraw).await
        });
    }
}

enum Progress {
    Forged(Box<BlockJson>),
    Lost,
    Closed,
    Wait,
}

fn progress(node: &mut Node, now: blockvote_core::time::Timestamp, vote: &VoteId) -> Progress {
    let chain = node.chain();
    if let Some(block) = chain.place_of(vote).and_then(|place| chain.block_at(place.height)) {
        return Progress::Forged(Box::new(BlockJson::new(&block.open(), chain.election())));
    }
    if !node.pending().contains(vote) {
        return Progress::Lost;
    }
    if node.ballot_box().block_time(now).is_none() {
        return Progress::Closed;
    }
    node.mine_once(now);
    Progress::Wait
}

/// The whole chain.
#[utoipa::path(get, path = "/chain", tag = "seed",
    responses((status = 200, description = "`chain`, `length`, `election`", body = Vec<BlockJson>)))]
async fn chain(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let blocks = app.handle.call(|node, _| chain_blocks(node.chain())).await?;
    let chain = chain_json(&blocks);
    Ok(Json(json!({"length": chain.len(), "chain": chain, "election": blocks.0})))
}

/// Nodes to register.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body, which is read by hand for its error sentences")]
struct Nodes {
    /// Addresses such as `http://127.0.0.1:5001`.
    nodes: Vec<String>,
}

/// Register nodes and take over the best of their chains.
#[utoipa::path(post, path = "/nodes/register", tag = "seed", request_body = Nodes, responses(
    (status = 201, description = "`message`, `total_nodes`", body = Message),
    (status = 400, description = "A field is missing or wrong", body = ErrorBody)))]
async fn register(
    State(app): State<App>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let expected = "expected a list of addresses such as [\"http://127.0.0.1:5001\"]";
    let nodes = body.get("nodes");
    let nodes =
        nodes.ok_or_else(|| ApiError::bad(format!("the field nodes is missing; {expected}")))?;
    let addresses: Vec<String> = serde_json::from_value(nodes.clone())
        .map_err(|_| ApiError::bad(format!("the field nodes is {nodes}; {expected}")))?;
    app.registered.add(&addresses).map_err(|error| ApiError::bad(format!("{error:#}")))?;
    let (_, not_asked) = app.registered.take_over(&app.handle).await;
    let mut answer =
        json!({"message": "New nodes have been added", "total_nodes": app.registered.list()});
    if !not_asked.is_empty() {
        answer["not_asked"] = not_asked.into();
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Take over a longer chain from the registered nodes.
#[utoipa::path(get, path = "/sync", tag = "seed",
    responses((status = 200, description = "`message` and `new_chain` or `chain`", body = Vec<BlockJson>)))]
async fn sync(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let (replaced, not_asked) = app.registered.take_over(&app.handle).await;
    let chain = chain_json(&app.handle.call(|node, _| chain_blocks(node.chain())).await?);
    let mut answer = if replaced {
        json!({"message": "Our chain was replaced", "new_chain": chain})
    } else {
        json!({"message": "Our chain is authoritative", "chain": chain})
    };
    if !not_asked.is_empty() {
        answer["not_asked"] = not_asked.into();
    }
    Ok(Json(answer))
}
