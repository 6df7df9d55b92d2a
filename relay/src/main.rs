//! `blockvote-relay`: the relay as a program.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use blockvote_relay::{Config, Relay, serve};
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

/// Forwards votes and chains between browser tabs and native nodes, and serves the page.
#[derive(Parser)]
#[command(name = "blockvote-relay", version)]
struct Arguments {
    /// Address and port to listen on.
    #[arg(
        long,
        default_value = "127.0.0.1:8080",
        env = "BLOCKVOTE_RELAY_LISTEN",
        value_parser = address
    )]
    listen: SocketAddr,
    /// A further origin from which pages may connect, such as `https://vote.example.org`.
    #[arg(long = "allow-origin", value_name = "ORIGIN", value_parser = origin)]
    allow_origins: Vec<String>,
    /// Connections in all.
    #[arg(long, default_value_t = Config::default().max_connections)]
    max_connections: usize,
    /// Connections from one address; for IPv6, from one /64 network.
    #[arg(long, default_value_t = Config::default().max_per_address)]
    max_per_address: usize,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and a port such as 127.0.0.1:8080".into())
}

fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ']));
    is_origin.then(|| text.to_owned()).ok_or_else(|| {
        "expected a scheme and a host without a path, such as https://vote.example.org".into()
    })
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let listen = arguments.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot listen on {listen}; is another program using it? Choose another with --listen"
        )
    })?;
    let address = listener.local_addr().context("the listening address")?;
    let relay = Relay::new(Config {
        allowed_origins: arguments.allow_origins,
        max_connections: arguments.max_connections,
        max_per_address: arguments.max_per_address,
        ..Config::default()
    });
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
    // Scripts and tests wait for this line.
    println!("relay listening on http://{address}");
    serve(relay, listener).await;
    Ok(())
}
