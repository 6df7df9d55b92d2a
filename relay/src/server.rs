//! Accepting connections, routing requests, and an orderly stop.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Extension, Router,
    extract::{State, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use blockvote_frames::frame::SUBPROTOCOL;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;
use tower::Service;

use crate::{
    addresses::{Addresses, Counted},
    config::ANY_ORIGIN,
    connection,
    metered_socket::Metered,
    page,
    refusals::Refused,
    relay::Relay,
    throttle::Bucket,
    tls::Certificate,
};

fn router(relay: &Arc<Relay>) -> Router {
    let router = Router::new()
        .route("/ws", get(upgrade))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready));
    let router = if relay.config.metrics_listen.is_none() {
        router.route("/metrics", get(metrics))
    } else {
        router
    };
    #[cfg(feature = "echo")]
    let router = router.route("/echo", get(crate::echo::upgrade));
    router.fallback(page::serve).with_state(Arc::clone(relay))
}

/// Accepts connections until `relay.stop` is cancelled and for a while after that, then lets them
/// end. With a certificate it speaks TLS only.
///
/// # Errors
/// If TLS is wanted and cannot be set up.
pub async fn serve(
    relay: Arc<Relay>,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
) -> anyhow::Result<()> {
    let config = &relay.config;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose().context("TLS")?;
    if let Some(certificate) = certificate {
        relay.tasks.spawn(keep_certificate(Arc::clone(&relay), certificate));
    }
    relay.tasks.spawn(Arc::clone(&relay).keep_presence());
    let hearing = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&relay).keep_hearing()));
    accept(&relay, &listener, tls).await;
    drop(listener);
    relay.tasks.close();
    // The clients that are told last still have the whole time-out.
    let within = config.drain_spread + config.drain_timeout;
    if timeout(within, relay.tasks.wait()).await.is_err() {
        tracing::warn!(open = relay.tasks.len(), "some connections did not end in time");
    }
    drop(hearing);
    Ok(())
}

async fn accept(relay: &Arc<Relay>, listener: &TcpListener, tls: Option<TlsAcceptor>) {
    let addresses = Addresses::new(&relay.config, Arc::clone(&relay.metrics));
    let app = router(relay);
    let mut stopping = pin!(async {
        relay.stop.cancelled().await;
        sleep(relay.config.drain_delay).await;
    });
    loop {
        let accepted = tokio::select! {
            () = &mut stopping => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, from)) => match addresses.enter(from.ip()) {
                Ok(counted) => {
                    let taken = Accepted {
                        relay: Arc::clone(relay),
                        app: app.clone(),
                        counted: Arc::new(counted),
                        from,
                    };
                    relay.tasks.spawn(taken.run(tcp, tls.clone()));
                }
                Err(refusal) => relay.metrics.refused(refusal),
            },
            Err(error) => {
                // Out of file descriptors or the like: open connections go on, new ones wait.
                relay.metrics.refused(Refused::Accept);
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Checks the certificate's files now and then, and at SIGHUP.
async fn keep_certificate(relay: Arc<Relay>, certificate: Arc<Certificate>) {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    let mut ticks = tokio::time::interval(relay.config.tls_reload.max(Duration::from_millis(100)));
    loop {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = relay.stop.cancelled() => return,
            _ = hung_up => {}
            _ = ticks.tick() => {}
        }
        match certificate.reload() {
            Ok(true) => tracing::info!("the certificate changed: new connections get the new one"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old certificate stays in use");
            }
        }
    }
}

/// A connection that was counted.
struct Accepted {
    relay: Arc<Relay>,
    app: Router,
    counted: Arc<Counted>,
    from: SocketAddr,
}

impl Accepted {
    async fn run(self, tcp: TcpStream, tls: Option<TlsAcceptor>) {
        let config = &self.relay.config;
        let _ = tcp.set_nodelay(true);
        let bytes = Bucket::new(config.bytes_per_second, config.bytes_burst, Instant::now());
        let socket = Metered::new(tcp, bytes, Arc::clone(&self.relay.metrics));
        let Some(tls) = tls else {
            return self.http(socket).await;
        };
        match timeout(config.handshake_timeout, tls.accept(socket)).await {
            Ok(Ok(socket)) => self.http(socket).await,
            Ok(Err(error)) => {
                self.relay.metrics.refused(Refused::Tls);
                tracing::debug!(from = %self.from, %error, "TLS handshake");
            }
            Err(_) => self.relay.metrics.refused(Refused::Tls),
        }
    }

    async fn http(self, socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { relay, app, counted, from } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Arc::clone(&counted));
            app.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(relay.config.header_timeout)
            .max_buf_size(16 << 10)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let mut deadline = pin!(sleep(relay.config.http_timeout));
        // A client that connects during draining may ask whether the relay is ready, and gets an
        // answer.
        let mut stopping = relay.stop.is_cancelled();
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        relay.metrics.refused(Refused::Http);
                        tracing::debug!(%from, %error, "http connection");
                    }
                    break;
                }
                () = &mut deadline => {
                    relay.metrics.refused(Refused::Http);
                    break;
                }
                () = relay.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn ready(State(relay): State<Arc<Relay>>) -> Response {
    match relay.not_ready() {
        None => "ready\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

async fn metrics(State(relay): State<Arc<Relay>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    relay.metrics.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
    ([(header::CONTENT_TYPE, kind)], relay.metrics.text())
}

/// Serves the figures on a separate address, until the relay stops.
///
/// # Errors
/// If it cannot listen on the address.
pub async fn serve_metrics(relay: Arc<Relay>, listen: SocketAddr) -> anyhow::Result<()> {
    let taken = || format!("cannot listen on {listen} for /metrics; choose another metrics_listen");
    let listener = TcpListener::bind(listen).await.with_context(taken)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Arc::clone(&relay));
    let draining = Arc::clone(&relay);
    let drained = async move {
        draining.stop.cancelled().await;
        sleep(draining.config.drain_delay + draining.config.drain_spread).await;
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(drained);
    relay.tasks.spawn(serving.into_future());
    Ok(())
}

/// Whether a page from this origin may connect: programs send no origin, the relay's own page has
/// the relay's own host, others must be allowed by name.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same = origin.split_once("://").is_some_and(|(_, name)| Some(name) == host);
    same || allowed.iter().any(|allowed| allowed == origin || allowed == ANY_ORIGIN)
}

async fn upgrade(
    State(relay): State<Arc<Relay>>,
    Extension(counted): Extension<Arc<Counted>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin_allowed(&headers, &relay.config.allowed_origins) {
        relay.metrics.refused(Refused::Origin);
        let why = "pages from this origin may not connect: start the relay with --allow-origin\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        relay.metrics.refused(Refused::Subprotocol);
        let why = format!("this relay speaks the WebSocket subprotocol {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    // All of them in order make one list; a proxy adds its own line or extends the line before.
    let forwarded: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    let address = match counted.address(Some(&forwarded.join(","))) {
        Ok(address) => address,
        Err(refusal) => {
            relay.metrics.refused(refusal);
            let why = "too many connections from your address\n";
            return (StatusCode::TOO_MANY_REQUESTS, why).into_response();
        }
    };
    let max = relay.config.max_frame_bytes;
    let task = relay.tasks.token();
    upgrade
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(max + (64 << 10))
        .max_message_size(max)
        .max_frame_size(max)
        .on_upgrade(move |socket| async move {
            connection::run(relay, socket, address).await;
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
