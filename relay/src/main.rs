//! `blockvote-relay`: the relay as a program.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use blockvote_relay::{
    Config, Relay,
    config::{DOCUMENTED, LogFormat},
    serve,
    server::serve_metrics,
    tls::Certificate,
};
use clap::Parser;
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

/// Connections that may wait to be accepted: thousands come at once when another relay ends.
const BACKLOG: u32 = 4_096;

/// Forwards votes and chains between browser tabs and native nodes, and serves the page.
///
/// Every setting can stand in a file, in the environment (`BLOCKVOTE_RELAY_IDLE_TIMEOUT=90`) or
/// behind --set (`--set idle_timeout=90`); --print-config shows them all, with their defaults.
#[derive(Parser)]
#[command(name = "blockvote-relay", version)]
struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A further origin from which pages may connect, such as `https://vote.example.org`; several
    /// with commas.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// The bus that joins several relays to one, such as `nats://127.0.0.1:4222`.
    #[arg(long, value_name = "URL")]
    bus: Option<String>,
    /// Connections in all.
    #[arg(long, value_name = "NUMBER")]
    max_connections: Option<String>,
    /// Connections from one address; for IPv6, from one /64 network.
    #[arg(long, value_name = "NUMBER")]
    max_per_address: Option<String>,
    /// A file with settings.
    #[arg(long, value_name = "FILE", env = "BLOCKVOTE_RELAY_CONFIG")]
    config: Option<PathBuf>,
    /// Any setting, as NAME=VALUE.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Print a file with every setting and its default, and end.
    #[arg(long)]
    print_config: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected NAME=VALUE, such as idle_timeout=90".into())
}

impl Arguments {
    fn flags(&self) -> Vec<(String, String)> {
        let origins = (!self.allow_origin.is_empty()).then(|| self.allow_origin.join(","));
        let named = [
            ("listen", self.listen.clone()),
            ("allowed_origins", origins),
            ("bus", self.bus.clone()),
            ("max_connections", self.max_connections.clone()),
            ("max_per_address", self.max_per_address.clone()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        named.chain(self.settings.clone()).collect()
    }
}

/// Log lines go to standard error. A log that cannot be written, on a full disk, is no reason to
/// stop.
fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        let _ = std::io::stdout().write_all(DOCUMENTED.as_bytes());
        return ExitCode::SUCCESS;
    }
    let config = Config::load(arguments.config.as_deref(), &arguments.flags());
    let result = config.map_err(anyhow::Error::from).and_then(|config| {
        log(config.log_format);
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start")?
            .block_on(run(config))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bind(config: &Config) -> std::io::Result<TcpListener> {
    let listen = config.listen;
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let certificate = Certificate::of(&config)?;
    let listener = bind(&config).with_context(|| {
        format!(
            "cannot listen on {}; is another program using it? Choose another with --listen",
            config.listen
        )
    })?;
    let address = listener.local_addr().context("the listening address")?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let metrics_listen = config.metrics_listen;
    let relay = Relay::connect(config).await?;
    if let Some(listen) = metrics_listen {
        serve_metrics(relay.clone(), listen).await?;
    }
    let mut terminate = signal(SignalKind::terminate()).context("the signal SIGTERM")?;
    let stop = relay.stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: telling clients to connect again");
        stop.cancel();
    });
    // Scripts and tests wait for this line. It is fine if nobody reads it.
    let _ = writeln!(std::io::stdout(), "relay listening on {scheme}://{address}");
    serve(relay, listener, certificate).await
}
