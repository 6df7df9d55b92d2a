//! The HTTP interface: the seed's routes and `/api/v1`.

mod error;
mod guard;
mod json;
mod python_routes;
mod v1;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
};

use anyhow::Context;
use axum::{Router, extract::DefaultBodyLimit, middleware, response::Redirect, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{daemon::Handle, registered_nodes::Registered};
pub use json::read_chain_json;

/// Bytes of a request: votes and lists of nodes are short.
const MAX_REQUEST: usize = 64 << 10;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// The node.
    pub handle: Handle,
    /// Requests that wait for a block to be forged.
    pub forging: Arc<AtomicUsize>,
    /// Nodes registered over HTTP.
    pub registered: Arc<Registered>,
    /// Host names, besides addresses and `localhost`, under which this node may be asked.
    pub allowed_hosts: Arc<[String]>,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Blockvote node",
    description = "A full node of one election. Hashes are 64 hexadecimal digits, times are milliseconds since 1970, work is decimal text. Errors are `{\"error\": \"…\"}`.",
    license(name = "MIT")
))]
struct Description;

/// All routes.
pub fn router(app: App) -> Router {
    let (routes, description) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(python_routes::routes())
        .nest("/api/v1", v1::routes())
        .split_for_parts();
    let browse = SwaggerUi::new("/docs")
        .url("/api/openapi.json", description)
        .config(Config::default().validator_url("none"));
    routes
        .route("/", get(async || Redirect::to("/docs/")))
        .merge(browse)
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(middleware::from_fn_with_state(app.clone(), guard::own_host_and_origin))
        .with_state(app)
}

/// Binds the address, so that a port in use is found before anything else is started.
///
/// # Errors
/// With what to do about it.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; is another program using it? Choose another with --listen"
        )
    })
}

/// Serves until stopped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, app: App, stop: CancellationToken) -> anyhow::Result<()> {
    let grace = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        }
    };
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        ended = server => ended.context("the HTTP interface"),
        () = grace => Ok(()),
    }
}
