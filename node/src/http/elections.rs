//! All elections that this node has: a list, and the interface of each.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{StatusCode, Uri, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use blockvote_core::crypto::hash::ElectionId;
use serde::Serialize;
use tower::ServiceExt;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Host, error::ApiError, v1};
use crate::elections::Held;

/// Bytes of a request: a seal that leaves out 10,000 votes, in hexadecimal.
const MAX_SEAL: usize = 1 << 20;

pub fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(elections))
}

/// The interface of each election: the same routes after its id as after `/api/v1/` for the
/// election that the node was started with.
pub fn each() -> Router<Host> {
    Router::new().route("/api/v1/elections/{election}/{*rest}", axum::routing::any(one))
}

#[derive(Serialize, ToSchema)]
struct HeldJson {
    #[schema(value_type = String)]
    id: ElectionId,
    title: String,
    /// Whether it is the one that the node was started with.
    own: bool,
    height: u32,
    votes: u64,
    pending: u64,
    /// When votes are not taken any more.
    closes: Option<u64>,
    #[schema(value_type = String)]
    seal: &'static str,
    /// Votes that this node acknowledged, where it is a keeper of the election.
    acknowledged: Option<usize>,
    peers: u64,
}

/// The elections that this node holds.
#[utoipa::path(get, path = "/elections", tag = "v1",
    responses((status = 200, description = "Each of them, by id", body = Vec<HeldJson>)))]
async fn elections(State(host): State<Host>) -> Json<Vec<HeldJson>> {
    let own = host.own;
    let mut list = Vec::new();
    for (id, Held { handle, title }) in host.elections.all() {
        let shown = handle.call(move |node, _| HeldJson {
            id,
            title,
            own: own == Some(id),
            height: node.chain().height().0,
            votes: node.chain().votes() as u64,
            pending: node.pending().len() as u64,
            closes: node.ballot_box().closes().map(|closes| closes.0),
            seal: node.ballot_box().sealing().word(),
            acknowledged: node.acknowledged_here(),
            peers: node.peers().len() as u64,
        });
        // An election that is being removed is left out.
        list.extend(shown.await.ok());
    }
    Json(list)
}

async fn one(
    State(host): State<Host>,
    Path((election, rest)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let id: ElectionId =
        election.parse().map_err(|error| ApiError::bad(format!("the election's id: {error}")))?;
    let Some(Held { handle, .. }) = host.elections.get(&id) else {
        let error = format!("this node does not hold the election {id}; see /api/v1/elections");
        return Err(ApiError::new(StatusCode::NOT_FOUND, error));
    };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let path: PathAndQuery = format!("/{rest}{query}").parse().map_err(|_| {
        ApiError::bad(format!("{rest:?} is not an address of this interface; see /docs"))
    })?;
    // A fresh request: the path parameters of the outer address do not belong to the inner one.
    let (parts, body) = request.into_parts();
    let mut inner = Request::new(body);
    *inner.method_mut() = parts.method;
    *inner.uri_mut() = Uri::from(path);
    *inner.headers_mut() = parts.headers;
    let (routes, _) = v1::routes().split_for_parts();
    let router = routes
        .fallback(super::error::not_found)
        .method_not_allowed_fallback(super::error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_SEAL))
        .with_state(host.app(handle));
    Ok(router.oneshot(inner).await.into_response())
}
