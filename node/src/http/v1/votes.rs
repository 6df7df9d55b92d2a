//! Pending votes, casting one, and receipts.

use axum::{Json, extract::State, http::StatusCode};
use blockvote_core::{
    audit::receipt::Receipt,
    chain::acknowledgements::Acknowledged,
    crypto::hash::VoteId,
    election::{token::TokenId, vote::Vote},
    node::Node,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::read_hex;
use crate::http::{
    App,
    error::{ApiError, Body, ErrorBody, Part},
    json::VoteJson,
    python_routes::{open_vote, read_vote},
};

/// Pending votes in one answer.
const MAX_VOTES: usize = 1000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(votes, cast))
        .routes(routes!(receipt))
        .routes(routes!(acknowledgements))
}

/// A vote that waits for a block.
#[derive(Serialize, ToSchema)]
struct PendingJson {
    #[schema(value_type = String)]
    vote_id: VoteId,
    #[serde(flatten)]
    vote: VoteJson,
}

/// Votes that wait for a block, oldest first, at most 1,000.
#[utoipa::path(get, path = "/votes", tag = "v1",
    responses((status = 200, description = "Pending votes", body = Vec<PendingJson>)))]
async fn votes(State(app): State<App>) -> Result<Json<Vec<PendingJson>>, ApiError> {
    let answer = app.handle.call(|node, _| {
        let election = node.chain().election();
        let votes = node.pending().iter().take(MAX_VOTES);
        let votes = votes
            .map(|vote| PendingJson { vote_id: vote.id(), vote: VoteJson::new(vote, election) });
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

/// What keepers signed for a vote: this node, if it is one, and others, for a vote that was cast here.
#[utoipa::path(get, path = "/acknowledgements/{vote_id}", tag = "v1",
    params(("vote_id" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 200, description = "A list of `acknowledgement` and `listed`; empty where there is none", body = Object)))]
async fn acknowledgements(
    State(app): State<App>,
    Part(vote_id): Part<String>,
) -> Result<Json<Vec<Acknowledged>>, ApiError> {
    let id: VoteId =
        vote_id.parse().map_err(|error| ApiError::bad(format!("the vote id: {error}")))?;
    let signed = app.handle.call(move |node, _| {
        node.signed_here(&id).into_iter().chain(node.acknowledgements(&id)).collect()
    });
    Ok(Json(signed.await?))
}
