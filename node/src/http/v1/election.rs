//! The definition.

use axum::{Json, extract::State};
use blockvote_core::{crypto::hash::ElectionId, election::definition::Election};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{App, error::ApiError};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(election))
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
