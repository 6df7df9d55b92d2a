//! Every trap that a public relay can meet, byte by byte.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod client;

use std::time::Duration;

use blockvote_frames::frame::{ClientFrame, SUBPROTOCOL};
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
    // One that reads answers pings without further code, and stays.
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

/// A masked frame: first byte, payload. The mask is zero, so the payload is unchanged.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    bytes.extend(payload);
    bytes
}

fn quick() -> Config {
    Config {
        ping_interval: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        ..Config::default()
    }
}

#[tokio::test]
async fn a_length_of_2_to_the_63_is_refused_before_anything_is_set_aside() {
    let running = start(Config::default()).await;
    let mut stream = raw(running.address).await;
    stream.write_all(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    let answer = rest(stream).await;
    // Longer than the WebSocket protocol allows, or too long here: either may be said.
    assert!(closes_with(&answer, 1009) || closes_with(&answer, 1002), "{answer:?}");
}

#[tokio::test]
async fn a_frame_that_trickles_in_is_cut_off_after_the_idle_time() {
    let running = start(quick()).await;
    let mut stream = raw(running.address).await;
    // The head of a frame of 100 bytes, and then a byte now and then: pongs cannot be sent in
    // between.
    stream.write_all(&[0x82, 0x80 | 0x64, 0, 0, 0, 0]).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if writing.write_all(&[0]).await.is_err() {
                break;
            }
        }
    });
    let mut bytes = Vec::new();
    let _ = timeout(SOON, reading.read_to_end(&mut bytes)).await.expect("it may trickle for ever");
    assert!(closes_with(&bytes, 1001), "{bytes:?}");
    timeout(SOON, trickle).await.unwrap().unwrap();
}

#[tokio::test]
async fn fragments_without_end_are_read_no_faster_than_bytes_may_come_and_end_at_the_idle_time() {
    let config = Config { bytes_per_second: 4096.0, bytes_burst: 4096.0, ..quick() };
    let running = start(config).await;
    let mut stream = raw(running.address).await;
    stream.write_all(&masked(0x02, b"")).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let bomb = tokio::spawn(async move {
        let empty = masked(0x00, b"").repeat(1_000);
        let mut sent = 0_u64;
        while writing.write_all(&empty).await.is_ok() && sent < 64 << 20 {
            sent += empty.len() as u64;
        }
    });
    let mut bytes = Vec::new();
    let _ = timeout(SOON, reading.read_to_end(&mut bytes)).await.expect("it goes on for ever");
    timeout(SOON, bomb).await.unwrap().unwrap();
    assert!(metric(&running.relay, "blockvote_relay_throttled_total{reason=\"bytes\"}") > 0);
    // What was in the socket's own buffers is not counted: it was never read.
    assert!(metric(&running.relay, "blockvote_relay_bytes_received_total") < 64 << 10);
}

#[tokio::test]
async fn a_flood_of_pings_is_held_back_like_frames() {
    let config = Config { frames_per_second: 100.0, frames_burst: 10.0, ..Config::default() };
    let running = start(config).await;
    let mut stream = raw(running.address).await;
    let mut join = masked(0x82, &ClientFrame::Join(ROOM).encode());
    join.extend(masked(0x89, b"are you there").repeat(40));
    stream.write_all(&join).await.unwrap();
    let mut pongs = 0;
    let mut bytes = Vec::<u8>::new();
    while pongs < 40 {
        let mut chunk = [0; 1024];
        let read = timeout(SOON, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "it was closed for it");
        bytes.extend(&chunk[..read]);
        pongs = bytes.windows(15).filter(|w| w[0] == 0x8a && &w[2..] == b"are you there").count();
    }
    assert!(metric(&running.relay, "blockvote_relay_throttled_total{reason=\"frames\"}") > 0);
}
