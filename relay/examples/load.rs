//! Load on a relay over loopback: `cargo xtask load`.
//!
//! The relay runs as a separate process, so that its processor time and memory are measured alone;
//! the generator shares the machine with it. NATS's WebSocket is measured with the same numbers of
//! connections and rates in the same run. Bounded: at most 10,000 connections and a few minutes.
//!
//! `load [part]…`, parts: paced, burst, stalled, idle, churn, nats; without any: all of these. And
//! `hour`: an hour of clients that come and go, compressed.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a bench breaks off loudly"
)]

#[path = "../tests/program/mod.rs"]
mod program;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex as Lock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use blockvote_frames::{
    frame::{ClientFrame, SUBPROTOCOL, ServerFrame},
    ids::ElectionId,
};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use hdrhistogram::Histogram;
use program::Program;
use tokio::{net::TcpStream, sync::Mutex, task::JoinSet};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message},
};

const ROOM: ElectionId = ElectionId([7; 32]);
/// About the size of a vote.
const PAYLOAD: usize = 113;
const RATE: u64 = 30;
const SECONDS: u64 = 10;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What is under load.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Relay,
    Nats,
}

struct Server {
    kind: Kind,
    program: Program,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        if kind == Kind::Nats {
            let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let (client, address) = (free(), free());
            let settings = folder.path().join("nats.conf");
            let text = format!(
                "listen: \"{client}\"\nmax_connections: 20000\nwebsocket {{ host: \"127.0.0.1\", \
                 port: {}, no_tls: true }}\n",
                address.port()
            );
            fs::write(&settings, text).unwrap();
            let child = Command::new(root.join(".tools/nats/bin/nats-server"))
                .arg("--config")
                .arg(settings)
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            while std::net::TcpStream::connect(address).is_err() && Instant::now() < deadline {
                std::thread::yield_now();
            }
            let program = Program { child, address };
            return Self { kind, program, _folder: folder };
        }
        let mut command = Command::new(root.join("target/release/blockvote-relay"));
        command
            .args(["--listen", "127.0.0.1:0", "--max-per-address", "20000"])
            // All load comes from one address.
            .args(["--set", "broadcast_bytes_per_second=1000000000"])
            .args(["--set", "broadcast_bytes_burst=1000000000"])
            .args(["--set", "max_rooms_per_address=1000"])
            .env("RUST_LOG", "error");
        Self { kind, program: Program::start(&mut command), _folder: folder }
    }

    /// Processor time so far, in microseconds; the kernel counts hundredths of a second.
    fn cpu(&self) -> u64 {
        let stat = self.program.about("stat");
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10_000
    }

    async fn connect(&self) -> Socket {
        self.connect_to(ROOM).await
    }

    async fn connect_to(&self, room: ElectionId) -> Socket {
        let relay = self.kind == Kind::Relay;
        let uri = format!("ws://{}{}", self.program.address, if relay { "/ws" } else { "" });
        let mut request = ClientRequestBuilder::new(uri.parse().unwrap());
        if relay {
            request = request.with_sub_protocol(SUBPROTOCOL);
        }
        let mut socket = connect_async(request).await.unwrap().0;
        let hello = if relay {
            ClientFrame::Join(room).encode()
        } else {
            b"CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB room 1\r\nPING\r\n".to_vec()
        };
        socket.send(Message::Binary(hello.into())).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let frame = message.into_data();
            let joined = if relay {
                matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(..)))
            } else {
                frame.windows(4).any(|window| window == b"PONG")
            };
            if joined {
                break;
            }
        }
        socket
    }

    /// Opens many connections, some at a time.
    async fn connect_all(self: &Arc<Self>, count: usize) -> Vec<Socket> {
        let mut tasks = JoinSet::new();
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            if tasks.len() >= 200 {
                sockets.push(tasks.join_next().await.unwrap().unwrap());
            }
            let server = Arc::clone(self);
            tasks.spawn(async move { server.connect().await });
        }
        while let Some(socket) = tasks.join_next().await {
            sockets.push(socket.unwrap());
        }
        sockets
    }
}

/// Calls back with each payload of a stream of bytes; an incomplete payload stays in the stream.
fn payloads(kind: Kind, stream: &mut Vec<u8>, frame: &[u8], mut each: impl FnMut(&[u8])) {
    if kind == Kind::Relay {
        if let Ok(ServerFrame::Broadcast(_, _, payload)) = ServerFrame::decode(frame) {
            each(payload);
        }
        return;
    }
    stream.extend(frame);
    let mut at = 0;
    while let Some(end) = stream[at..].windows(2).position(|window| window == b"\r\n") {
        let line = &stream[at..at + end];
        let body = at + end + 2;
        let length = line
            .strip_prefix(b"MSG ")
            .and_then(|_| std::str::from_utf8(line).ok()?.rsplit(' ').next()?.parse().ok());
        let Some(length) = length.map(|length: usize| length) else {
            at = body;
            continue;
        };
        if stream.len() < body + length + 2 {
            break;
        }
        each(&stream[body..body + length]);
        at = body + length + 2;
    }
    stream.drain(..at);
}

struct Load {
    server: Arc<Server>,
    sinks: Vec<Mutex<SplitSink<Socket, Message>>>,
    received: Arc<AtomicU64>,
    measuring: Arc<AtomicBool>,
    latencies: Arc<Lock<Histogram<u64>>>,
    start: Instant,
    next: u64,
}

impl Load {
    async fn start(kind: Kind, connections: usize) -> Self {
        let server = Arc::new(Server::start(kind));
        let received = Arc::new(AtomicU64::new(0));
        let measuring = Arc::new(AtomicBool::new(true));
        let latencies = Arc::new(Lock::new(Histogram::new(3).unwrap()));
        let start = Instant::now();
        let mut sinks = Vec::new();
        for socket in server.connect_all(connections).await {
            let (sink, mut frames) = socket.split();
            sinks.push(Mutex::new(sink));
            let (received, measuring) = (Arc::clone(&received), Arc::clone(&measuring));
            let latencies = Arc::clone(&latencies);
            tokio::spawn(async move {
                let mut stream = Vec::new();
                while let Some(Ok(message)) = frames.next().await {
                    // Pings are answered by reading on.
                    let Message::Binary(frame) = message else { continue };
                    payloads(kind, &mut stream, &frame, |payload| {
                        received.fetch_add(1, Ordering::Relaxed);
                        if measuring.load(Ordering::Relaxed) {
                            let sent = u64::from_le_bytes(payload[..8].try_into().unwrap());
                            let took = start.elapsed().as_micros() as u64 - sent;
                            latencies.lock().unwrap().record(took).unwrap();
                        }
                    });
                }
            });
        }
        Self { server, sinks, received, measuring, latencies, start, next: 0 }
    }

    async fn broadcast(&mut self) {
        let mut payload = vec![0; PAYLOAD];
        payload[..8].copy_from_slice(&(self.start.elapsed().as_micros() as u64).to_le_bytes());
        payload[8..16].copy_from_slice(&self.next.to_le_bytes());
        let frame = match self.server.kind {
            Kind::Relay => ClientFrame::Broadcast(ROOM, &payload).encode(),
            Kind::Nats => {
                let mut frame = format!("PUB room {PAYLOAD}\r\n").into_bytes();
                frame.extend(&payload);
                frame.extend(b"\r\n");
                frame
            }
        };
        let from = self.next as usize % self.sinks.len();
        self.next += 1;
        self.sinks[from].lock().await.send(Message::Binary(frame.into())).await.unwrap();
    }

    async fn arrived(&self, count: u64) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.received.load(Ordering::Relaxed) < count && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Votes at a steady rate. Returns the 99th percentile in microseconds.
    async fn paced(&mut self, what: &str) -> u64 {
        self.measuring.store(true, Ordering::Relaxed);
        self.latencies.lock().unwrap().reset();
        let before = self.received.load(Ordering::Relaxed);
        let (cpu, others) = (self.server.cpu(), self.sinks.len() as u64 - 1);
        let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
        for _ in 0..RATE * SECONDS {
            ticks.tick().await;
            self.broadcast().await;
        }
        let expected = RATE * SECONDS * others;
        self.arrived(before + expected).await;
        let delivered = self.received.load(Ordering::Relaxed) - before;
        let cpu = (self.server.cpu() - cpu) as f64 / delivered as f64;
        let latencies = self.latencies.lock().unwrap();
        let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
        println!(
            "{what}: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, {:.2} µs CPU a delivery, {delivered} of {expected} deliveries",
            at(0.5),
            at(0.99),
            at(0.999),
            cpu
        );
        latencies.value_at_quantile(0.99)
    }

    /// Votes as fast as possible, below the queue limit that closes slow readers.
    async fn burst(&mut self, what: &str) {
        self.measuring.store(false, Ordering::Relaxed);
        let others = self.sinks.len() as u64 - 1;
        let votes = 200_000 / others;
        let before = self.received.load(Ordering::Relaxed);
        let (cpu, start) = (self.server.cpu(), Instant::now());
        for _ in 0..votes {
            self.broadcast().await;
        }
        self.arrived(before + votes * others).await;
        let took = start.elapsed().as_secs_f64();
        let delivered = self.received.load(Ordering::Relaxed) - before;
        let cpu = (self.server.cpu() - cpu) as f64 / delivered as f64;
        println!(
            "{what}, burst of {votes} votes: {:.0} deliveries/s, {cpu:.2} µs CPU a delivery, {delivered} of {} deliveries",
            delivered as f64 / took,
            votes * others
        );
    }
}

async fn stalled() {
    let mut load = Load::start(Kind::Relay, 500).await;
    let without = load.paced("relay, 500 connections").await;
    // It reads nothing from here on.
    let _stalled = load.server.connect().await;
    let with = load.paced("relay, 500 connections and one stalled reader").await;
    let moved = (with as f64 / without as f64 - 1.0) * 100.0;
    println!("one stalled reader moves the others' p99 by {moved:.0} %");
}

async fn idle() {
    let server = Arc::new(Server::start(Kind::Relay));
    let before = server.program.memory();
    let sockets = server.connect_all(10_000).await;
    let each = (server.program.memory() - before) as f64 / sockets.len() as f64;
    println!("relay, {} idle connections in a room: {each:.1} KiB each", sockets.len());
}

async fn churn() {
    let server = Arc::new(Server::start(Kind::Relay));
    for round in 1..=3 {
        let start = Instant::now();
        let sockets = server.connect_all(10_000).await;
        let took = start.elapsed().as_secs_f64();
        println!(
            "relay, 10,000 connections at once, round {round}: all in the room after {took:.1} s, memory {} MiB",
            server.program.memory() >> 10
        );
        drop(sockets);
    }
}

/// One of the relay's figures.
async fn figure(server: &Server, name: &str) -> u64 {
    let url = format!("http://{}/metrics", server.program.address);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let name = format!("blockvote_relay_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

/// What a thousand tabs that stay for twenty seconds do in an hour, as fast as possible: 160,000
/// come, vote and leave, most without a word. Panics if anything is left behind.
async fn hour() {
    const ROUNDS: u64 = 32;
    const TABS: usize = 5_000;
    let server = Arc::new(Server::start(Kind::Relay));
    let (tasks, descriptors) = (figure(&server, "tasks").await, server.program.open_descriptors());
    let mut memory = 0;
    let start = Instant::now();
    for round in 0..ROUNDS {
        let mut tasks = JoinSet::new();
        for number in 0..TABS {
            if tasks.len() >= 200 {
                tasks.join_next().await.unwrap().unwrap();
            }
            let server = Arc::clone(&server);
            tasks.spawn(async move {
                let room = ElectionId([(number % 100) as u8; 32]);
                let mut socket = server.connect_to(room).await;
                let vote: Vec<_> = (0..PAYLOAD)
                    .map(|byte| (number as u64 * ROUNDS + round).to_le_bytes()[byte % 8])
                    .collect();
                let frame = ClientFrame::Broadcast(room, &vote).encode();
                socket.send(Message::Binary(frame.into())).await.unwrap();
                if number % 10 == 0 {
                    // A proper end; the others vanish like a closed laptop.
                    let _ = socket.close(None).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        if round + 1 == ROUNDS / 2 {
            // By then the duplicate filter is full.
            memory = server.program.memory();
        }
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut left = Vec::new();
    while Instant::now() < deadline {
        left.clear();
        for name in ["connections", "rooms", "queued_bytes"] {
            left.push((name, figure(&server, name).await, 0));
        }
        left.push(("tasks", figure(&server, "tasks").await, tasks + 1));
        left.push((
            "descriptors",
            server.program.open_descriptors() as u64,
            descriptors as u64 + 2,
        ));
        if left.iter().all(|(_, now, most)| now <= most) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let now = server.program.memory();
    println!(
        "relay, {} connections came and went in {:.0} s: {left:?} left; memory {} KiB after half of them, {now} KiB at the end",
        ROUNDS * TABS as u64,
        start.elapsed().as_secs_f64(),
        memory
    );
    assert!(left.iter().all(|(_, now, most)| now <= most), "something stays behind");
    assert!(now < memory + memory / 10, "memory grows");
}

#[tokio::main]
async fn main() {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let wants = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    for kind in [Kind::Relay, Kind::Nats] {
        let name = if kind == Kind::Relay { "relay" } else { "nats-server" };
        let (paced, burst) = match kind {
            Kind::Relay => (wants("paced"), wants("burst")),
            Kind::Nats => (wants("nats"), wants("nats")),
        };
        if !paced && !burst {
            continue;
        }
        for connections in [100, 1_000] {
            let what = format!("{name}, {connections} connections, {RATE} votes/s");
            let mut load = Load::start(kind, connections).await;
            if paced {
                load.paced(&what).await;
            }
            if burst {
                load.burst(&format!("{name}, {connections} connections")).await;
            }
        }
    }
    if wants("stalled") {
        stalled().await;
    }
    if wants("idle") {
        idle().await;
    }
    if wants("churn") {
        churn().await;
    }
    // Only if it is named: it is for `cargo xtask soak`.
    if parts.iter().any(|part| part == "hour") {
        hour().await;
    }
}
