//! The voter roll, and what is known of a token.

use axum::{Json, extract::State, http::StatusCode};
use blockvote_core::{
    crypto::{hash::VoteId, key::PublicKey},
    election::token::TokenId,
    node::Node,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{
    App,
    error::{ApiError, ErrorBody, Part},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(roll)).routes(routes!(token))
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
    /// Whether this node is still fetching a chain, which may hold a later one.
    behind: bool,
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
            behind: node.is_fetching(),
            double_vote: node.statements().double_vote_of(TokenId(token_id)).is_some(),
        }
    });
    Ok(Json(answer.await?))
}
