//! Errors as JSON: a status and one sentence.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, Uri, request::Parts},
    response::{IntoResponse, Response},
};
use blockvote_core::node::CastError;
use blockvote_words::Words;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{daemon::Stopped, output::json_problem};

/// What went wrong, for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// One sentence.
    error: String,
    /// Registered nodes that could not be asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_asked: Vec<String>,
}

/// An answer that reports a problem.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

impl ApiError {
    /// An error with its status.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: ErrorBody { error: error.into(), not_asked: Vec::new() } }
    }

    /// Something about the request is wrong.
    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Adds the nodes that could not be asked.
    pub fn not_asked(mut self, nodes: Vec<String>) -> Self {
        self.body.not_asked = nodes;
        self
    }
}

impl From<Stopped> for ApiError {
    fn from(_: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping")
    }
}

impl From<CastError> for ApiError {
    fn from(error: CastError) -> Self {
        let status = match &error {
            CastError::Vote(_) | CastError::Selection(_) => StatusCode::BAD_REQUEST,
            CastError::NotOpen(_)
            | CastError::Closed(_)
            | CastError::Sealed
            | CastError::AlreadyVoted { .. }
            | CastError::NoVoteBefore { .. }
            | CastError::TooSoon { .. } => StatusCode::CONFLICT,
            CastError::Full => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.words())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// A JSON body, whatever its content type: pages from elsewhere are kept out by their origin.
pub struct Body(pub serde_json::Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            ApiError::new(rejection.status(), "the body is too big, or broke off")
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::bad(format!("the body is {}", json_problem(&error))))
    }
}

/// The one part of a path, or a 400 that says what was expected.
pub struct Part<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Part<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let part = Path::<T>::from_request_parts(parts, state).await;
        part.map(|Path(part)| Self(part)).map_err(|_| {
            let path = parts.uri.path();
            ApiError::bad(format!("{path} is not an address of this interface; see /docs"))
        })
    }
}

/// The query, or a 400 that says what was expected.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|_| {
            let query = parts.uri.query().unwrap_or_default();
            ApiError::bad(format!("the query {query:?} cannot be read; see /docs"))
        })
    }
}

pub async fn not_found(uri: Uri) -> ApiError {
    let path = uri.path();
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}; see /docs"))
}

/// What a node answers that only holds elections for others.
pub async fn keeps_only(uri: Uri) -> ApiError {
    let path = uri.path();
    let error = format!(
        "this node keeps elections for others and was started with none of its own, so there is nothing at {path}: see /api/v1/elections, and /api/v1/elections/ID/… for each; commands name one with --election; to verify one, `blockvote export --election ID` writes its audit file"
    );
    ApiError::new(StatusCode::NOT_FOUND, error)
}

pub async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method; see /docs")
}
