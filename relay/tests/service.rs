//! The relay as a service: settings, readiness, draining, TLS, proxies, memory, descriptors.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "test code breaks off loudly")]

mod client;
mod program;

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use blockvote_frames::frame::{ClientFrame, SUBPROTOCOL, ServerFrame};
use blockvote_relay::Config;
use client::{Client, ROOM, SOON, metric, request, stalled, start, status_with, until};
use futures_util::{SinkExt, StreamExt};
use program::Program;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::ServerName,
    },
};
use tokio_tungstenite::{
    client_async, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_blockvote-relay");

fn relay(command: &mut Command) -> Program {
    Program::start(command.args(["--listen", "127.0.0.1:0"]))
}

/// Standard output and standard error of a program that must fail.
fn fails(arguments: &[&str]) -> (String, String) {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn wrong_settings_are_refused_with_their_name_and_their_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    fs::write(&file, "idle_timeout = \"soon\"\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, words) in [
        (&["--set", "idel_timeout=9"][..], "idel_timeout"),
        (&["--set", "idle_timeout"], "NAME=VALUE"),
        (&["--listen", "here"], "listen"),
        (&["--config", file], "idle_timeout"),
        (&["--config", "/nowhere/relay.toml"], "/nowhere/relay.toml"),
        (&["--bus", "nats://"], "bus"),
        (&["--bus", "http://127.0.0.1:4222"], "nats://127.0.0.1:4222"),
        (
            &["--set", "tls_certificate=/nowhere.pem", "--set", "tls_key=/nowhere.pem"],
            "nowhere.pem",
        ),
    ] {
        let (said, error) = fails(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
        assert_eq!(said, "", "{arguments:?}: it says that it listens and does not");
    }
}

#[tokio::test]
async fn at_sigterm_everything_queued_is_delivered_clients_are_told_and_it_ends_in_time() {
    let mut command = Command::new(PROGRAM);
    let mut program = relay(command.args(["--set", "drain_delay=1"]));
    let mut sender = Client::join(program.address).await;
    let mut reader = Client::join(program.address).await;
    for number in 0..100_u32 {
        sender.send(&ClientFrame::Broadcast(ROOM, &number.to_le_bytes())).await;
    }
    program.signal("TERM");
    let ready = async {
        while reqwest::get(format!("http://{}/readyz", program.address)).await.unwrap().status()
            != 503
        {}
    };
    timeout(SOON, ready).await.expect("it says that it is ready while it drains");
    for number in 0..100_u32 {
        let frame = reader.next().await;
        let Ok(ServerFrame::Broadcast(_, _, payload)) = ServerFrame::decode(&frame) else {
            panic!()
        };
        assert_eq!(payload, number.to_le_bytes());
    }
    assert_eq!(reader.close_code().await, CloseCode::Restart);
    assert_eq!(sender.close_code().await, CloseCode::Restart);
    let ended = tokio::task::spawn_blocking(move || program.child.wait().unwrap());
    assert!(timeout(SOON, ended).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn a_full_disk_for_logs_and_no_reader_of_its_output_do_not_end_it() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--set", "max_per_address=2"]).env("RUST_LOG", "debug").stderr(full);
    // Its standard output is closed once it listens.
    let program = relay(&mut command);
    let _one = Client::join(program.address).await;
    for _ in 0..20 {
        let _ = connect_async(request(program.address)).await;
    }
    // There is room again as soon as those connections are no longer counted.
    let again = async { while connect_async(request(program.address)).await.is_err() {} };
    timeout(SOON, again).await.expect("it does not accept any more");
}

#[tokio::test]
async fn out_of_descriptors_it_stays_up_and_accepts_again() {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 40; exec {PROGRAM} \"$@\""), "sh"]);
    let program = relay(&mut command);
    let mut first = Client::join(program.address).await;
    let mut others = Vec::new();
    for _ in 0..60 {
        others.push(TcpStream::connect(program.address).await.unwrap());
    }
    // Open connections go on.
    first.send(&ClientFrame::Sample(ROOM, 1)).await;
    first.next().await;
    drop(others);
    timeout(SOON, Client::join(program.address)).await.unwrap();
}

/// Writes a certificate for localhost to the two files; returns it, and a connector that trusts it.
fn certificate(folder: &std::path::Path) -> (Vec<u8>, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session would not check the certificate.
    config.resumption = Resumption::disabled();
    (made.cert.der().to_vec(), TlsConnector::from(Arc::new(config)))
}

#[tokio::test]
async fn it_speaks_tls_and_takes_a_new_certificate_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (_, trusting) = certificate(folder.path());
    let config = Config {
        tls_certificate: Some(folder.path().join("chain.pem")),
        tls_key: Some(folder.path().join("key.pem")),
        tls_reload: Duration::from_millis(100),
        handshake_timeout: Duration::from_secs(1),
        ..Config::default()
    };
    let running = start(config).await;
    let connect = async |connector: &TlsConnector| {
        let tcp = TcpStream::connect(running.address).await.unwrap();
        connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await
    };
    let tls = connect(&trusting).await.unwrap();
    let (socket, _) = client_async(request(running.address), tls).await.unwrap();
    let mut client = Client::enter(socket).await;
    // A client that does not speak TLS, or says nothing, is disconnected.
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, plain.read_to_end(&mut rest)).await.expect("it waits for ever").unwrap();
    until(&running.relay, "blockvote_relay_refused_total{reason=\"tls\"}", 1).await;
    // Nonsense in the files leaves the old certificate in use; a new one is taken.
    fs::write(folder.path().join("key.pem"), "nonsense").unwrap();
    connect(&trusting).await.unwrap();
    let (_, new) = certificate(folder.path());
    let taken = async { while connect(&new).await.is_err() {} };
    timeout(SOON, taken).await.expect("the new certificate is never used");
    assert!(connect(&trusting).await.is_err());
    // The connection from before goes on.
    client.send(&ClientFrame::Sample(ROOM, 1)).await;
    client.next().await;
}

#[tokio::test]
async fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
    let ours = format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n");
    let from = |address: &str| format!("{ours}X-Forwarded-For: {address}\r\n");
    let limits = Config { max_per_address: 1, ..Config::default() };
    // From a stranger the header has no effect: all clients come from one address.
    let running = start(limits.clone()).await;
    let (_held, first) = status_with(running.address, &from("192.0.2.1")).await;
    assert_eq!(first, "101");
    let refused = TcpStream::connect(running.address).await.unwrap();
    drop(refused);
    until(&running.relay, "blockvote_relay_refused_total{reason=\"address\"}", 1).await;

    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let running = start(Config { trusted_proxies, ..limits }).await;
    let (_one, first) = status_with(running.address, &from("192.0.2.1")).await;
    // What the client wrote itself comes before what the proxy added.
    let (_two, same) = status_with(running.address, &from("203.0.113.9, 192.0.2.1")).await;
    let (_three, other) = status_with(running.address, &from("192.0.2.2")).await;
    assert_eq!([first, same, other], ["101", "429", "101"]);
}

#[tokio::test]
async fn rooms_of_an_address_and_the_time_to_enter_one_are_bounded() {
    let config = Config {
        max_rooms_per_address: 2,
        handshake_timeout: Duration::from_millis(300),
        ..Config::default()
    };
    let running = start(config).await;
    let mut one = Client::join(running.address).await;
    let mut two = Client::join(running.address).await;
    let room = |number: u8| ClientFrame::Join(blockvote_frames::ids::ElectionId([number; 32]));
    one.send(&room(7)).await;
    one.next().await;
    two.send(&room(8)).await;
    assert_eq!(two.close_code().await, CloseCode::Policy);
    let (mut nowhere, _) = connect_async(request(running.address)).await.unwrap();
    let closed = async {
        loop {
            if let Some(Ok(Message::Close(Some(frame)))) = nowhere.next().await {
                return frame.code;
            }
        }
    };
    assert_eq!(timeout(SOON, closed).await.unwrap(), CloseCode::Policy);
    assert_eq!(metric(&running.relay, "blockvote_relay_closed_total{reason=\"no_room\"}"), 1);
    assert_eq!(metric(&running.relay, "blockvote_relay_closed_total{reason=\"rooms\"}"), 1);
}

#[tokio::test]
async fn stalled_readers_hold_no_more_than_the_queues_in_all_may() {
    let config = Config {
        queue_bytes: 2 << 20,
        max_frame_bytes: 1 << 20,
        queue_bytes_in_all: 8 << 20,
        bytes_burst: 1e12,
        bytes_per_second: 1e12,
        broadcast_bytes_burst: 1e12,
        write_timeout: SOON,
        ..Config::default()
    };
    let running = start(config).await;
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(stalled(running.address).await);
    }
    let mut sender = Client::join(running.address).await;
    let mut reader = Client::join(running.address).await;
    let mut payload = vec![7; 512 << 10];
    let mut most = 0;
    // A frame for each client alone: a frame for many is in memory only once.
    for (number, stalled) in (0_u8..).zip(&readers) {
        payload[0] = number;
        // The system's own buffers take some of it.
        for _ in 0..12 {
            sender.send(&ClientFrame::Send(ROOM, stalled.id, &payload)).await;
        }
        sender.send(&ClientFrame::Send(ROOM, reader.id, &[number])).await;
        let frame = reader.next().await;
        let Ok(ServerFrame::Direct(_, _, got)) = ServerFrame::decode(&frame) else { panic!() };
        assert_eq!(got, [number], "an honest reader misses nothing");
        most = most.max(metric(&running.relay, "blockvote_relay_queued_bytes"));
    }
    // A short queue may always take one more frame.
    assert!((8 << 20..(9 << 20) + 102 * (64 << 10)).contains(&most), "{most} bytes were queued");
    until(&running.relay, "blockvote_relay_dropped_total{reason=\"busy\"}", 80).await;
    // A broadcast, and the clients whose queue is not short are closed.
    sender.send(&ClientFrame::Broadcast(ROOM, b"all")).await;
    until(&running.relay, "blockvote_relay_closed_total{reason=\"slow\"}", 4).await;
    until(&running.relay, "blockvote_relay_dropped_total{reason=\"memory\"}", 1).await;
    drop(readers);
}

#[tokio::test]
async fn after_much_coming_and_going_everything_is_as_before() {
    let mut command = Command::new(PROGRAM);
    let program = relay(command.args(["--set", "max_rooms_per_address=100000"]));
    let figures = async || {
        let url = format!("http://{}/metrics", program.address);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    };
    let tasks = |text: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix("blockvote_relay_tasks "));
        value.unwrap().parse::<usize>().unwrap()
    };
    let tasks_before = tasks(&figures().await);
    let before = program.open_descriptors();
    for round in 0..20_u8 {
        let mut clients = Vec::new();
        for number in 0..50_u8 {
            let (mut socket, _) = connect_async(request(program.address)).await.unwrap();
            let room = blockvote_frames::ids::ElectionId([round ^ number; 32]);
            socket.send(Message::Binary(ClientFrame::Join(room).encode().into())).await.unwrap();
            clients.push(socket);
        }
    }
    let empty = async {
        loop {
            let text = figures().await;
            let gauge = |name: &str| text.contains(&format!("blockvote_relay_{name} 0\n"));
            // The connection that asks for the figures is one, and there may be two for a moment.
            let idle = tasks(&text) <= tasks_before;
            if idle && gauge("connections") && gauge("rooms") && gauge("queued_bytes") {
                break;
            }
        }
    };
    timeout(SOON, empty).await.expect("something stays behind");
    // The client that asked for figures may still have one or two.
    assert!(program.open_descriptors() <= before + 4);
}

#[test]
fn the_whole_documented_file_is_printed() {
    let mut child =
        Command::new(PROGRAM).arg("--print-config").stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text, blockvote_relay::config::DOCUMENTED);
}

#[tokio::test]
async fn the_dashboard_asks_for_figures_that_there_are() {
    let running = start(Config::default()).await;
    let metrics = &running.relay.metrics;
    let figures = metrics.text();
    let dashboard = include_str!("../../deploy/grafana-relays.json");
    let mut asked = 0;
    for part in dashboard.split("blockvote_relay_").skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap();
        let name = part[..end].trim_end_matches("_total").trim_end_matches("_bucket");
        assert!(figures.contains(&format!("# TYPE blockvote_relay_{name} ")), "{name}");
        asked += 1;
    }
    assert!(asked > 15);
}
