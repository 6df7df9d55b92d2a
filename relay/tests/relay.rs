//! The relay over real sockets: forwarding, queues, limits, stopping.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod client;

use blockvote_frames::frame::{ClientFrame, PeerId, ServerFrame};
use blockvote_relay::Config;
use client::{Client, ROOM, SOON, metric, request, stalled, start, until};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    time::{Duration, Instant, timeout},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

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

    // The outsider may not send into the room either, and heard nothing of all this.
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

#[tokio::test]
async fn a_slow_reader_is_closed_and_the_others_miss_nothing() {
    let config = Config {
        queue_bytes: 1 << 20,
        bytes_burst: 1e12,
        broadcast_bytes_burst: 1e12,
        ..Config::default()
    };
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
    let config = Config {
        queue_frames: 8,
        frames_burst: 1e6,
        broadcast_bytes_burst: 1e12,
        ..Config::default()
    };
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
            // The close frame did not fit into what the reader had not read yet.
            Some(Err(_)) | None => break,
        }
    }
    assert!(expected < number);
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
    assert!(metric(&running.relay, "blockvote_relay_throttled_total{reason=\"frames\"}") > 0);
}

#[tokio::test]
async fn one_address_broadcasts_no_more_than_its_share_over_all_its_connections() {
    let config = Config {
        broadcast_bytes_per_second: f64::from(2 << 20),
        broadcast_bytes_burst: 1024.0,
        ..Config::default()
    };
    let running = start(config).await;
    let mut reader = Client::join(running.address).await;
    let (mut one, mut two) =
        (Client::join(running.address).await, Client::join(running.address).await);
    let begun = Instant::now();
    for number in 0..4_u8 {
        one.send(&ClientFrame::Broadcast(ROOM, &vec![number; 128 << 10])).await;
        two.send(&ClientFrame::Broadcast(ROOM, &vec![10 + number; 128 << 10])).await;
    }
    for _ in 0..8 {
        reader.next().await;
    }
    // The last of them may be sent while the one before is being paid for: seven sixteenths of a
    // second.
    assert!(begun.elapsed() > Duration::from_millis(400), "{:?}", begun.elapsed());
    assert!(metric(&running.relay, "blockvote_relay_throttled_total{reason=\"broadcasts\"}") > 0);
}

#[tokio::test]
async fn nobody_is_closed_for_what_one_peer_sends_to_it_alone() {
    let config = Config { bytes_burst: 1e12, write_timeout: SOON * 10, ..Config::default() };
    let running = start(config).await;
    let reader = stalled(running.address).await;
    let mut sender = Client::join(running.address).await;
    for number in 0..40_u8 {
        sender.send(&ClientFrame::Send(ROOM, reader.id, &vec![number; 1 << 20])).await;
    }
    until(&running.relay, "blockvote_relay_dropped_total{reason=\"busy\"}", 30).await;
    assert_eq!(metric(&running.relay, "blockvote_relay_connections "), 2);
    assert!(metric(&running.relay, "blockvote_relay_queued_bytes ") <= 3 << 20);
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
        // Built without the page: the answer says so.
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
