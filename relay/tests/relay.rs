//! The relay over real sockets: forwarding, and every trap that a public relay meets.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use blockvote_core::{
    hash::ElectionId,
    relay_frame::{ClientFrame, PeerId, SUBPROTOCOL, ServerFrame},
};
use blockvote_relay::{Config, Relay, serve};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{ClientRequestBuilder, Message, protocol::frame::coding::CloseCode},
};

const ROOM: ElectionId = ElectionId([1; 32]);
const SOON: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    relay: Arc<Relay>,
    task: JoinHandle<()>,
}

async fn start(config: Config) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = Relay::new(config);
    let task = tokio::spawn(serve(Arc::clone(&relay), listener));
    Running { address, relay, task }
}

fn request(address: SocketAddr) -> ClientRequestBuilder {
    let uri = format!("ws://{address}/ws").parse().unwrap();
    ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL)
}

struct Client<S> {
    socket: WebSocketStream<S>,
    id: PeerId,
}

impl Client<MaybeTlsStream<TcpStream>> {
    async fn join(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(request(address)).await.unwrap();
        Self::enter(socket).await
    }
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    async fn enter(socket: WebSocketStream<S>) -> Self {
        let mut client = Self { socket, id: PeerId(0) };
        let welcome = client.next().await;
        let ServerFrame::Welcome(id) = ServerFrame::decode(&welcome).unwrap() else {
            panic!("no welcome")
        };
        client.id = id;
        client.send(&ClientFrame::Join(ROOM)).await;
        let joined = client.next().await;
        assert!(matches!(ServerFrame::decode(&joined), Ok(ServerFrame::Joined(ROOM, _))));
        client
    }

    async fn send(&mut self, frame: &ClientFrame<'_>) {
        self.socket.send(Message::Binary(frame.encode().into())).await.unwrap();
    }

    async fn next(&mut self) -> Vec<u8> {
        loop {
            match timeout(SOON, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Binary(frame) => return frame.to_vec(),
                Message::Close(why) => panic!("closed: {why:?}"),
                _ => {}
            }
        }
    }

    /// Reads on to the close frame.
    async fn close_code(&mut self) -> CloseCode {
        loop {
            match timeout(SOON, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code,
                Some(Ok(_)) => {}
                other => panic!("ended without a close frame: {other:?}"),
            }
        }
    }

    /// Reads until the connection is gone, however it ends.
    async fn end(&mut self) {
        while let Some(Ok(_)) = timeout(SOON, self.socket.next()).await.unwrap() {}
    }
}

fn metric(relay: &Relay, line: &str) -> u64 {
    let text = relay.metrics.text();
    let found = text.lines().find_map(|found| found.strip_prefix(line));
    found.map_or(0, |value| value.trim().parse().unwrap())
}

/// Waits until a figure of the relay gets there: the event is the relay's own.
async fn until(relay: &Relay, line: &str, at_least: u64) {
    let reached = async {
        while metric(relay, line) < at_least {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{line} stays below {at_least}"));
}

#[tokio::test]
async fn frames_reach_everybody_else_in_the_room_and_nobody_outside() {
    let running = start(Config::default()).await;
    let mut a = Client::join(running.address).await;
    let mut b = Client::join(running.address).await;
    let (mut outsider, _) = connect_async(request(running.address)).await.unwrap();
    outsider.next().await.unwrap().unwrap();

    a.send(&ClientFrame::Broadcast(ROOM, b"a vote")).await;
    let frame = b.next().await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, a.id, b"a vote")));

    b.send(&ClientFrame::Send(ROOM, a.id, b"an answer")).await;
    let frame = a.next().await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Direct(ROOM, b.id, b"an answer")));

    a.send(&ClientFrame::Send(ROOM, PeerId(7), b"")).await;
    let frame = a.next().await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Gone(ROOM, PeerId(7))));

    a.send(&ClientFrame::Sample(ROOM, 8)).await;
    let frame = a.next().await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Peers(ROOM, vec![b.id])));

    // The outsider may not speak into the room either, and heard nothing of all this.
    let intruder = ClientFrame::Broadcast(ROOM, b"from outside").encode();
    outsider.send(Message::Binary(intruder.into())).await.unwrap();
    until(&running.relay, "blockvote_relay_dropped_total{reason=\"not_in_room\"}", 1).await;
    outsider.send(Message::Binary(ClientFrame::Join(ROOM).encode().into())).await.unwrap();
    let Some(Ok(Message::Binary(first))) = outsider.next().await else { panic!() };
    assert_eq!(ServerFrame::decode(&first), Ok(ServerFrame::Joined(ROOM, 2)));
    assert_eq!(metric(&running.relay, "blockvote_relay_rooms"), 1);

    drop(b);
    until(&running.relay, "blockvote_relay_closed_total{reason=\"client\"}", 1).await;
    a.send(&ClientFrame::Sample(ROOM, 8)).await;
    let frame = a.next().await;
    let Ok(ServerFrame::Peers(_, peers)) = ServerFrame::decode(&frame) else { panic!() };
    assert_eq!(peers.len(), 1);
}

#[tokio::test]
async fn a_repeated_broadcast_goes_out_once_and_garbage_cannot_take_a_votes_place() {
    let running = start(Config::default()).await;
    let mut a = Client::join(running.address).await;
    let mut b = Client::join(running.address).await;
    let vote = b"the bytes of a vote, as everybody hashes them";
    let mut garbage = vote.to_vec();
    garbage.push(0);
    // First garbage that shares all the bytes of the vote, then the vote, then the vote again.
    for payload in [&garbage[..], &vote[..], &vote[..], b"end"] {
        a.send(&ClientFrame::Broadcast(ROOM, payload)).await;
    }
    for expected in [&garbage[..], &vote[..], b"end"] {
        let frame = b.next().await;
        assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, a.id, expected)));
    }
    assert_eq!(metric(&running.relay, "blockvote_relay_dropped_total{reason=\"duplicate\"}"), 1);
}

/// A client whose receive buffer is small and that reads nothing.
async fn stalled(address: SocketAddr) -> Client<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let (socket, _) = client_async(request(address), stream).await.unwrap();
    Client::enter(socket).await
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_the_others_miss_nothing() {
    let config = Config { queue_bytes: 1 << 20, bytes_burst: 1e12, ..Config::default() };
    let running = start(config).await;
    let mut slow = stalled(running.address).await;
    let mut sender = Client::join(running.address).await;
    let mut reader = Client::join(running.address).await;
    let mut payload = vec![7; 256 << 10];
    for number in 0..64_u8 {
        payload[0] = number;
        sender.send(&ClientFrame::Broadcast(ROOM, &payload)).await;
        let frame = reader.next().await;
        let Ok(ServerFrame::Broadcast(_, _, got)) = ServerFrame::decode(&frame) else { panic!() };
        assert_eq!((got[0], got.len()), (number, payload.len()));
    }
    until(&running.relay, "blockvote_relay_closed_total{reason=\"slow\"}", 1).await;
    slow.end().await;
}

#[tokio::test]
async fn a_reader_that_lags_is_told_with_a_code_and_never_loses_frames_in_silence() {
    let config = Config { queue_frames: 8, frames_burst: 1e6, ..Config::default() };
    let running = start(config).await;
    let mut lagging = Client::join(running.address).await;
    let mut sender = Client::join(running.address).await;
    let mut payload = vec![0; 64 << 10];
    let mut number = 0_u32;
    while metric(&running.relay, "blockvote_relay_closed_total{reason=\"slow\"}") == 0 {
        payload[..4].copy_from_slice(&number.to_le_bytes());
        sender.send(&ClientFrame::Broadcast(ROOM, &payload)).await;
        number += 1;
        assert!(number < 10_000, "the lag was never noticed");
    }
    let mut expected = 0_u32;
    loop {
        match timeout(SOON, lagging.socket.next()).await.unwrap() {
            Some(Ok(Message::Binary(frame))) => {
                let Ok(ServerFrame::Broadcast(_, _, got)) = ServerFrame::decode(&frame) else {
                    panic!()
                };
                assert_eq!(got[..4], expected.to_le_bytes(), "a frame is missing");
                expected += 1;
            }
            Some(Ok(Message::Close(Some(frame)))) => {
                assert_eq!(frame.code, CloseCode::Again);
                break;
            }
            Some(Ok(_)) => {}
            // The close frame did not fit into what the reader had left unread.
            Some(Err(_)) | None => break,
        }
    }
    assert!(expected < number);
}

#[tokio::test]
async fn an_oversize_frame_is_refused_with_1009_before_it_is_read() {
    let running = start(Config { max_frame_bytes: 1 << 16, ..Config::default() }).await;
    let mut client = Client::join(running.address).await;
    client.send(&ClientFrame::Broadcast(ROOM, &vec![0; 1 << 16])).await;
    assert_eq!(client.close_code().await, CloseCode::Size);
}

/// A WebSocket handshake by hand, so that what follows can break the rules.
async fn raw(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Everything that comes until the connection ends.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset after the last bytes is an end too.
    let _ = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("it never ended");
    bytes
}

fn closes_with(bytes: &[u8], code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    bytes.windows(4).any(|window| window[0] == 0x88 && window[2] == high && window[3] == low)
}

#[tokio::test]
async fn a_half_open_peer_is_closed_after_the_idle_time() {
    let config = Config {
        ping_interval: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(200),
        ..Config::default()
    };
    let running = start(config).await;
    // It never answers a ping.
    let bytes = rest(raw(running.address).await).await;
    assert!(bytes.contains(&0x89), "it was asked by a ping");
    assert!(closes_with(&bytes, 1001));
    // One that reads answers by itself, and stays.
    let mut alive = Client::join(running.address).await;
    let pings = async {
        let mut pings = 0;
        while pings < 10 {
            if let Message::Ping(_) = alive.socket.next().await.unwrap().unwrap() {
                pings += 1;
            }
        }
    };
    timeout(SOON, pings).await.unwrap();
    assert_eq!(metric(&running.relay, "blockvote_relay_closed_total{reason=\"idle\"}"), 1);
}

#[tokio::test]
async fn a_header_that_trickles_in_is_cut_off() {
    let config = Config { header_timeout: Duration::from_millis(200), ..Config::default() };
    let running = start(config).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if writing.write_all(b"x").await.is_err() {
                break;
            }
        }
    });
    let mut bytes = Vec::new();
    let _ = timeout(SOON, reading.read_to_end(&mut bytes)).await.expect("it may trickle for ever");
    timeout(SOON, trickle).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_not_websocket_or_not_ours_is_closed_with_the_right_code() {
    let running = start(Config::default()).await;
    let cases: [(&str, &[u8], u16); 5] = [
        ("an unmasked frame", &[0x82, 0x01, 0x00], 1002),
        ("a frame of an unknown kind", &[0x82, 0x81, 0, 0, 0, 0, 9], 1008),
        ("text", &[0x81, 0x81, 0, 0, 0, 0, b'a'], 1003),
        ("text that is not UTF-8", &[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        ("a length of 2^62", &[0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
    ];
    for (name, bytes, code) in cases {
        let mut stream = raw(running.address).await;
        stream.write_all(bytes).await.unwrap();
        let answer = rest(stream).await;
        assert!(closes_with(&answer, code), "{name}: expected {code}, got {answer:?}");
    }
}

async fn status(address: SocketAddr, fields: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{fields}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.unwrap();
    String::from_utf8_lossy(&line[9..]).into_owned()
}

#[tokio::test]
async fn foreign_origins_and_other_subprotocols_do_not_get_in() {
    let running = start(Config::default()).await;
    let address = running.address;
    let ours = format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n");
    assert_eq!(status(address, &ours).await, "101");
    assert_eq!(status(address, &format!("{ours}Origin: http://{address}\r\n")).await, "101");
    assert_eq!(status(address, &format!("{ours}Origin: http://evil.example\r\n")).await, "403");
    assert_eq!(status(address, "Sec-WebSocket-Protocol: other\r\n").await, "400");
    assert_eq!(status(address, "").await, "400");
}

#[tokio::test]
async fn connections_over_the_limit_are_not_accepted_and_places_become_free_again() {
    let running = start(Config { max_per_address: 1, ..Config::default() }).await;
    let first = Client::join(running.address).await;
    let refused = connect_async(request(running.address)).await;
    assert!(refused.is_err());
    drop(first);
    until(&running.relay, "blockvote_relay_closed_total{reason=\"client\"}", 1).await;
    let again = async {
        while connect_async(request(running.address)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, again).await.unwrap();
}

#[tokio::test]
async fn a_flood_is_held_back_and_nobody_is_closed_for_it() {
    let config = Config { frames_per_second: 100.0, frames_burst: 10.0, ..Config::default() };
    let running = start(config).await;
    let mut flood = Client::join(running.address).await;
    let mut reader = Client::join(running.address).await;
    for number in 0..60_u8 {
        flood.send(&ClientFrame::Broadcast(ROOM, &[number])).await;
    }
    for number in 0..60_u8 {
        let frame = reader.next().await;
        let Ok(ServerFrame::Broadcast(_, _, payload)) = ServerFrame::decode(&frame) else {
            panic!()
        };
        assert_eq!(payload, [number]);
    }
    assert!(metric(&running.relay, "blockvote_relay_throttled_total") > 0);
}

#[tokio::test]
async fn a_stopping_relay_tells_its_clients_to_come_back_and_ends() {
    let running = start(Config::default()).await;
    let mut client = Client::join(running.address).await;
    let health = reqwest::get(format!("http://{}/healthz", running.address)).await.unwrap();
    assert_eq!(health.text().await.unwrap(), "ok\n");
    running.relay.stop.cancel();
    assert_eq!(client.close_code().await, CloseCode::Restart);
    timeout(SOON, running.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn figures_and_pages_are_served_under_a_strict_policy() {
    let running = start(Config::default()).await;
    let _client = Client::join(running.address).await;
    let get =
        async |path: &str| reqwest::get(format!("http://{}{path}", running.address)).await.unwrap();
    let text = get("/metrics").await.text().await.unwrap();
    assert!(text.contains("blockvote_relay_connections 1"), "{text}");
    assert_eq!(get("/missing.js").await.status(), 404);
    let page = get("/e/1234/vote").await;
    if page.status() == 404 {
        // Built without the page: said in words.
        assert!(page.text().await.unwrap().contains("built without the page"));
        return;
    }
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"));
    assert!(!policy.contains("'unsafe-eval'"));
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let etag = page.headers()["etag"].clone();
    let client = reqwest::Client::new();
    let again = client.get(format!("http://{}/", running.address)).header("if-none-match", etag);
    assert_eq!(again.send().await.unwrap().status(), 304);
}
