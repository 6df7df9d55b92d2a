//! Signed statements. The interface calls them evidence.

use axum::{Json, extract::State, http::StatusCode};
use blockvote_core::{
    chain::statements::{Statement, StatementError},
    node::{Input, Node},
};
use blockvote_words::Words;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::read_hex;
use crate::http::{
    App,
    error::{ApiError, Body, ErrorBody},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(evidence, add_evidence))
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
            "closing_lists": book.closing_lists().collect::<Vec<_>>(),
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
    let seal = app.handle.call(take).await?.map_err(|error| ApiError::bad(error.words()))?;
    Ok((StatusCode::CREATED, Json(json!({"seal": seal}))))
}
