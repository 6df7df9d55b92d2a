//! Accepting connections, routing requests, stopping in order.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{State, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use blockvote_core::relay_frame::SUBPROTOCOL;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    addresses::{Addresses, Counted, Refusal},
    config::Config,
    connection,
    duplicates::Duplicates,
    metrics::{Metrics, Reason},
    page,
    rooms::Rooms,
};

/// What the connections share.
#[derive(Debug)]
pub struct Relay {
    /// Limits.
    pub config: Config,
    /// Figures.
    pub metrics: Metrics,
    /// Who is where.
    pub rooms: Rooms,
    /// What went out a moment ago.
    pub duplicates: Duplicates,
    /// Cancelled when the relay is to stop.
    pub stop: CancellationToken,
    tasks: TaskTracker,
}

impl Relay {
    /// A relay without connections.
    pub fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            metrics: Metrics::default(),
            rooms: Rooms::default(),
            duplicates: Duplicates::new(config.duplicate_frames, config.duplicate_for),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
        })
    }

    fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/ws", get(upgrade))
            .route("/healthz", get(async || "ok\n"))
            .route("/metrics", get(metrics))
            .fallback(page::serve)
            .with_state(Arc::clone(self))
    }
}

/// Accepts connections until `relay.stop` is cancelled, then lets them end within the drain
/// time-out.
pub async fn serve(relay: Arc<Relay>, listener: TcpListener) {
    let addresses = Addresses::new(relay.config.max_connections, relay.config.max_per_address);
    let app = relay.router();
    loop {
        let accepted = tokio::select! {
            () = relay.stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, from)) => match addresses.enter(from.ip()) {
                Ok(counted) => {
                    let http = http(Arc::clone(&relay), app.clone(), tcp, from, counted);
                    relay.tasks.spawn(http);
                }
                Err(Refusal::Full) => relay.metrics.refused(Reason("full")),
                Err(Refusal::Address) => relay.metrics.refused(Reason("address")),
            },
            Err(error) => {
                // Out of file descriptors or the like: what is open goes on, what is new waits.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    relay.tasks.close();
    if tokio::time::timeout(relay.config.drain_timeout, relay.tasks.wait()).await.is_err() {
        tracing::warn!(open = relay.tasks.len(), "some connections did not end in time");
    }
}

async fn http(
    relay: Arc<Relay>,
    app: Router,
    tcp: TcpStream,
    from: SocketAddr,
    counted: Arc<Counted>,
) {
    let _ = tcp.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&counted));
        app.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(relay.config.header_timeout)
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%from, %error, "http connection");
                }
                break;
            }
            () = relay.stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn metrics(State(relay): State<Arc<Relay>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], relay.metrics.text())
}

/// Whether a page from this origin may connect: programs send none, the relay's own page has the
/// relay's own host, others must be allowed by name.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same = origin.split_once("://").is_some_and(|(_, name)| Some(name) == host);
    same || allowed.iter().any(|allowed| allowed == origin)
}

async fn upgrade(
    State(relay): State<Arc<Relay>>,
    Extension(counted): Extension<Arc<Counted>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin_allowed(&headers, &relay.config.allowed_origins) {
        relay.metrics.refused(Reason("origin"));
        let why = "pages from this origin may not connect: start the relay with --allow-origin\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        relay.metrics.refused(Reason("subprotocol"));
        let why = format!("this relay speaks the WebSocket subprotocol {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let max = relay.config.max_frame_bytes;
    let task = relay.tasks.token();
    upgrade
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(max + (64 << 10))
        .max_message_size(max)
        .max_frame_size(max)
        .on_upgrade(move |socket| async move {
            connection::run(relay, socket).await;
            drop((task, counted));
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_programs_and_named_origins_may_connect() {
        let allowed = ["https://vote.example.org".to_owned()];
        let check = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "relay.example.org:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            origin_allowed(&headers, &allowed)
        };
        assert!(check(None));
        assert!(check(Some("https://relay.example.org:8080")));
        assert!(check(Some("https://vote.example.org")));
        assert!(!check(Some("https://evil.example.org")));
        assert!(!check(Some("https://relay.example.org:8081")));
        assert!(!check(Some("null")));
    }
}
