//! A relay in this process, and its clients over real sockets.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use blockvote_frames::{
    frame::{ClientFrame, PeerId, SUBPROTOCOL, ServerFrame},
    ids::ElectionId,
};
use blockvote_relay::{Config, Relay, serve, tls::Certificate};
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

pub const ROOM: ElectionId = ElectionId([1; 32]);
pub const SOON: Duration = Duration::from_secs(20);

pub struct Running {
    pub address: SocketAddr,
    pub relay: Arc<Relay>,
    pub task: JoinHandle<()>,
}

pub async fn start(config: Config) -> Running {
    run(Relay::new(config)).await
}

pub async fn run(relay: Arc<Relay>) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = Certificate::of(&relay.config).unwrap();
    let serving = serve(Arc::clone(&relay), listener, certificate);
    let task = tokio::spawn(async move { serving.await.unwrap() });
    Running { address, relay, task }
}

pub fn request(address: SocketAddr) -> ClientRequestBuilder {
    let uri = format!("ws://{address}/ws").parse().unwrap();
    ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL)
}

pub struct Client<S> {
    pub socket: WebSocketStream<S>,
    pub id: PeerId,
}

impl Client<MaybeTlsStream<TcpStream>> {
    pub async fn join(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(request(address)).await.unwrap();
        Self::enter(socket).await
    }
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    pub async fn enter(socket: WebSocketStream<S>) -> Self {
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

    pub async fn send(&mut self, frame: &ClientFrame<'_>) {
        self.socket.send(Message::Binary(frame.encode().into())).await.unwrap();
    }

    pub async fn next(&mut self) -> Vec<u8> {
        loop {
            match timeout(SOON, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Binary(frame) => return frame.to_vec(),
                Message::Close(why) => panic!("closed: {why:?}"),
                _ => {}
            }
        }
    }

    /// Reads on to the close frame.
    pub async fn close_code(&mut self) -> CloseCode {
        loop {
            match timeout(SOON, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code,
                Some(Ok(_)) => {}
                other => panic!("ended without a close frame: {other:?}"),
            }
        }
    }

    /// Reads until the connection is gone, however it ends.
    pub async fn end(&mut self) {
        while let Some(Ok(_)) = timeout(SOON, self.socket.next()).await.unwrap() {}
    }
}

pub fn metric(relay: &Relay, line: &str) -> u64 {
    let text = relay.metrics.text();
    let found = text.lines().find_map(|found| found.strip_prefix(line));
    found.map_or(0, |value| value.trim().parse().unwrap())
}

/// Waits until a figure of the relay is at least this high: the figure is the relay's own sign that
/// something happened.
pub async fn until(relay: &Relay, line: &str, at_least: u64) {
    let reached = async {
        while metric(relay, line) < at_least {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{line} stays below {at_least}"));
}

/// A client whose receive buffer is small and that reads nothing.
pub async fn stalled(address: SocketAddr) -> Client<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let (socket, _) = client_async(request(address), stream).await.unwrap();
    Client::enter(socket).await
}

/// A WebSocket handshake by hand, so that what follows can break the rules.
pub async fn raw(address: SocketAddr) -> TcpStream {
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

/// Everything that arrives until the connection ends.
pub async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset after the last bytes is an end, too.
    let _ = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("it never ended");
    bytes
}

pub fn closes_with(bytes: &[u8], code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    bytes.windows(4).any(|window| window[0] == 0x88 && window[2] == high && window[3] == low)
}

/// The status of a handshake with further header fields.
pub async fn status(address: SocketAddr, fields: &str) -> String {
    status_with(address, fields).await.1
}

/// The same, and the connection, which ends when it is dropped.
pub async fn status_with(address: SocketAddr, fields: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{fields}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.unwrap();
    (stream, String::from_utf8_lossy(&line[9..]).into_owned())
}
