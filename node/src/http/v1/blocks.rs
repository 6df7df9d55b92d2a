//! Blocks and the result.

use axum::{Json, extract::State, http::StatusCode};
use blockvote_core::{chain::header::Height, election::tally::Tally};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{
    App,
    error::{ApiError, ErrorBody, Params, Part},
    json::BlockJson,
};

/// Blocks in one page.
const MAX_PAGE: u32 = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(blocks)).routes(routes!(block)).routes(routes!(tally))
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
