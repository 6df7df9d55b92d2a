//! The HTTP interface: the seed's routes and `/api/v1`.

mod elections;
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
use blockvote_core::crypto::hash::ElectionId;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    daemon::Handle,
    elections::{Elections, Held},
    registered_nodes::Registered,
};
pub use json::read_chain_json;

/// Bytes of a request: votes and lists of nodes are short.
const MAX_REQUEST: usize = 64 << 10;

/// What the handlers of one election share.
#[derive(Clone)]
pub struct App {
    /// The node.
    pub handle: Handle,
    /// Requests that wait for a block to be mined.
    pub forging: Arc<AtomicUsize>,
    /// Nodes registered over HTTP.
    pub registered: Arc<Registered>,
}

/// What this program serves.
#[derive(Clone)]
pub struct Host {
    /// All elections.
    pub elections: Elections,
    /// The election that it was started with, which the seed's routes are for.
    pub own: Option<ElectionId>,
    /// Host names, besides addresses and `localhost`, by which this node may be called.
    pub allowed_hosts: Arc<[String]>,
    forging: Arc<AtomicUsize>,
    registered: Arc<Registered>,
}

impl Host {
    /// Serves these elections.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(
        elections: Elections,
        own: Option<ElectionId>,
        allowed_hosts: Vec<String>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            elections,
            own,
            allowed_hosts: allowed_hosts.into(),
            forging: Arc::default(),
            registered: Arc::new(Registered::new()?),
        })
    }

    fn app(&self, handle: Handle) -> App {
        App { handle, forging: self.forging.clone(), registered: self.registered.clone() }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Blockvote node",
    description = "A full node of one election, or of many. What stands under /api/v1 is there for each of them under /api/v1/elections/ID as well. Hashes are 64 hexadecimal digits, times are milliseconds since 1970, work is decimal text. Errors are `{\"error\": \"…\"}`.",
    license(name = "MIT")
))]
struct Description;

/// The routes of the election that the node was started with.
fn own_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(python_routes::routes()).nest("/api/v1", v1::routes())
}

/// All routes.
pub fn router(host: Host) -> Router {
    let (list, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .nest("/api/v1", elections::routes())
        .split_for_parts();
    let (own, of_own) = own_routes().split_for_parts();
    description.merge(of_own);
    let browse = SwaggerUi::new("/docs")
        .url("/api/openapi.json", description)
        .config(Config::default().validator_url("none"));
    let held = host.own.and_then(|id| host.elections.get(&id));
    let mut routes: Router = list.merge(elections::each()).with_state(host.clone());
    routes = match held {
        Some(Held { handle, .. }) => {
            routes.merge(own.with_state(host.app(handle))).fallback(error::not_found)
        }
        None => routes.fallback(error::keeps_only),
    };
    routes
        .route("/", get(async || Redirect::to("/docs/")))
        .merge(browse)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(middleware::from_fn_with_state(host.allowed_hosts, guard::own_host_and_origin))
}

/// Binds the address, so that a port in use is noticed before anything else is started.
///
/// # Errors
/// The problem, with what to do about it.
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
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    host: Host,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let grace = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        }
    };
    let server = axum::serve(listener, router(host)).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        ended = server => ended.context("the HTTP interface"),
        () = grace => Ok(()),
    }
}
