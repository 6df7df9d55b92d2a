//! `/api/v1`: what the seed did not offer. Each module has the routes of one subject.

#![allow(unused_qualifications, reason = "utoipa's macro writes one")]

mod blocks;
mod election;
mod export;
mod statements;
mod status;
mod tokens;
mod votes;

use borsh::BorshDeserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use super::{App, error::ApiError};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(election::routes())
        .merge(status::routes())
        .merge(votes::routes())
        .merge(blocks::routes())
        .merge(tokens::routes())
        .merge(statements::routes())
        .merge(export::routes())
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
