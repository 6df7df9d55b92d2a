//! Every trap that a public relay meets, byte by byte.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod client;

use std::time::Duration;

use blockvote_core::relay_frame::{ClientFrame, SUBPROTOCOL};
use blockvote_relay::Config;
use client::{Client, ROOM, SOON, closes_with, metric, raw, rest, start, status};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

#[tokio::test]
async fn an_oversize_frame_is_refused_with_1009_before_it_is_read() {
    let running = start(Config { max_frame_bytes: 1 << 16, ..Config::default() }).await;
    let mut client = Client::join(running.address).await;
    client.send(&ClientFrame::Broadcast(ROOM, &vec![0; 1 << 16])).await;
    assert_eq!(client.close_code().await, CloseCode::Size);
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
