//! Several relays that act as one, in one process and over a real NATS server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code breaks off loudly")]

mod client;
mod nats;

use std::{collections::HashSet, sync::Arc, time::Duration};

use blockvote_frames::{
    frame::{ClientFrame, MAX_FRAME_BYTES, PeerId, ServerFrame},
    ids::ElectionId,
};
use blockvote_relay::{
    Config, Relay,
    bus::{Heard, Subject, in_process::Hub},
};
use client::{Client, ROOM, Running, SOON, metric, run, until};
use nats::Nats;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, tungstenite::protocol::frame::coding::CloseCode};

type Tab = Client<MaybeTlsStream<TcpStream>>;

const ENOUGH: usize = MAX_FRAME_BYTES + 1024;

async fn on_nats(nats: &Nats) -> Running {
    let config = Config { bus: Some(nats.url()), ..Config::default() };
    let running = run(Relay::connect(config).await.unwrap()).await;
    until(&running.relay, "blockvote_relay_bus_up", 1).await;
    running
}

/// Waits until a relay counts this many others elsewhere.
async fn sees(running: &Running, elsewhere: usize) {
    let seen = async {
        while running.relay.mesh.peers_elsewhere(&ROOM) != elsewhere {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, seen).await.unwrap_or_else(|_| {
        panic!("it counts {}, not {elsewhere}", running.relay.mesh.peers_elsewhere(&ROOM))
    });
}

/// The next frame that is not a repeated "joined".
async fn next(tab: &mut Tab) -> Vec<u8> {
    loop {
        let frame = tab.next().await;
        if !matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(..))) {
            return frame;
        }
    }
}

/// Everything that one relay does, across three.
async fn three_relays_are_as_one(relays: [Running; 3]) {
    let [one, two, three] = &relays;
    let mut a = Client::join(one.address).await;
    let mut b = Client::join(two.address).await;
    let mut c = Client::join(three.address).await;
    let mut d = Client::join(three.address).await;
    for (running, elsewhere) in [(one, 3), (two, 3), (three, 2)] {
        sees(running, elsewhere).await;
    }
    // A broadcast reaches everybody once, however often it is sent and from wherever.
    a.send(&ClientFrame::Broadcast(ROOM, b"a vote")).await;
    for tab in [&mut b, &mut c, &mut d] {
        let frame = next(tab).await;
        assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, a.id, b"a vote")));
    }
    b.send(&ClientFrame::Broadcast(ROOM, b"a vote")).await;
    b.send(&ClientFrame::Broadcast(ROOM, b"end")).await;
    for tab in [&mut a, &mut c, &mut d] {
        let frame = next(tab).await;
        assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, b.id, b"end")));
    }
    // One peer is reached wherever it is, even with a full frame.
    let long = vec![7; MAX_FRAME_BYTES - 64];
    d.send(&ClientFrame::Send(ROOM, a.id, &long)).await;
    let frame = next(&mut a).await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Direct(ROOM, d.id, &long)));
    // A peer that is not there is gone: here, on another relay, on no relay.
    let elsewhere = two.relay.mesh.name.draw_peer();
    for missing in [one.relay.mesh.name.draw_peer(), elsewhere, PeerId(u64::MAX)] {
        a.send(&ClientFrame::Send(ROOM, missing, b"hello")).await;
        let frame = next(&mut a).await;
        assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Gone(ROOM, missing)));
    }
    // A sample has peers of all relays.
    a.send(&ClientFrame::Sample(ROOM, 8)).await;
    let mut found = HashSet::new();
    while found.len() < 3 {
        let frame = next(&mut a).await;
        let Ok(ServerFrame::Peers(_, peers)) = ServerFrame::decode(&frame) else { panic!() };
        found.extend(peers);
    }
    assert_eq!(found, HashSet::from([b.id, c.id, d.id]));
    // Peers that leave are not counted any more.
    drop((c, d));
    sees(one, 1).await;
}

#[tokio::test]
async fn three_relays_in_one_process_are_as_one() {
    let hub = Arc::<Hub>::default();
    let relay = || Relay::on_hub(Config::default(), &hub);
    let relays = [run(relay()).await, run(relay()).await, run(relay()).await];
    Box::pin(three_relays_are_as_one(relays)).await;
}

#[tokio::test]
async fn three_relays_over_nats_are_as_one() {
    let nats = Nats::start(ENOUGH);
    let relays = [on_nats(&nats).await, on_nats(&nats).await, on_nats(&nats).await];
    Box::pin(three_relays_are_as_one(relays)).await;
}

async fn ready(running: &Running) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}/readyz", running.address)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// However the bus is taken away, each relay goes on alone and says so; afterwards clients are told
/// to compare, and frames reach other relays again.
async fn goes_on_and_comes_back(
    nats: &mut Nats,
    away: impl FnOnce(&mut Nats),
    back: impl FnOnce(&mut Nats),
) {
    let (one, two) = (on_nats(nats).await, on_nats(nats).await);
    let mut a = Client::join(one.address).await;
    let mut b = Client::join(one.address).await;
    let mut c = Client::join(two.address).await;
    sees(&one, 1).await;
    sees(&two, 2).await;
    away(nats);
    for running in [&one, &two] {
        let gone = async {
            while running.relay.mesh.is_up() {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, gone).await.expect("the bus is never missed");
        assert_eq!(ready(running).await, (503, "the bus is away\n".to_owned()));
        assert_eq!(metric(&running.relay, "blockvote_relay_bus_up"), 0);
    }
    a.send(&ClientFrame::Broadcast(ROOM, b"alone")).await;
    let frame = next(&mut b).await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, a.id, b"alone")));
    until(&one.relay, "blockvote_relay_dropped_total{reason=\"bus\"}", 1).await;

    back(nats);
    for running in [&one, &two] {
        until(&running.relay, "blockvote_relay_bus_up", 1).await;
        assert_eq!(ready(running).await, (200, "ready\n".to_owned()));
    }
    // Frames may have been missed: a repeated "joined" says so.
    for tab in [&mut a, &mut b, &mut c] {
        let frame = tab.next().await;
        assert!(matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(ROOM, _))));
    }
    sees(&one, 1).await;
    a.send(&ClientFrame::Broadcast(ROOM, b"together")).await;
    let frame = next(&mut c).await;
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Broadcast(ROOM, a.id, b"together")));
}

#[tokio::test]
async fn when_a_frame_did_not_get_out_the_peers_of_other_relays_are_told_to_compare() {
    let nats = Nats::start(ENOUGH);
    let (one, two) = (on_nats(&nats).await, on_nats(&nats).await);
    let _a = Client::join(one.address).await;
    let mut b = Client::join(two.address).await;
    sees(&two, 1).await;
    let before = metric(&two.relay, "blockvote_relay_resyncs_total");
    one.relay.heard(Heard::Lost(Subject::Room(ROOM)));
    until(&two.relay, "blockvote_relay_resyncs_total", before + 1).await;
    let told = async {
        loop {
            let frame = b.next().await;
            if matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(ROOM, _))) {
                break;
            }
        }
    };
    timeout(SOON, told).await.unwrap();
}

#[tokio::test]
async fn a_bus_that_is_killed_is_done_without_and_comes_back() {
    let mut nats = Nats::start(ENOUGH);
    goes_on_and_comes_back(&mut nats, Nats::kill, Nats::run).await;
}

#[tokio::test]
async fn a_bus_that_freezes_is_done_without_and_comes_back() {
    let mut nats = Nats::start(ENOUGH);
    goes_on_and_comes_back(&mut nats, |nats| nats.signal("STOP"), |nats| nats.signal("CONT")).await;
}

#[tokio::test]
async fn a_relay_starts_without_its_bus_and_is_not_ready_until_it_is_there() {
    let mut nats = Nats::start(ENOUGH);
    nats.kill();
    let config = Config { bus: Some(nats.url()), ..Config::default() };
    let running = run(Relay::connect(config).await.unwrap()).await;
    assert_eq!(ready(&running).await.0, 503);
    let _tab = Client::join(running.address).await;
    nats.run();
    until(&running.relay, "blockvote_relay_bus_up", 1).await;
    assert_eq!(ready(&running).await.0, 200);
}

#[tokio::test]
async fn only_rooms_with_peers_are_subscribed() {
    let nats = Nats::start(ENOUGH);
    let running = on_nats(&nats).await;
    let subscribed = async |room: ElectionId| {
        let url = format!("http://{}/connz?subs=1", nats.monitor);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        text.contains(&format!("blockvote.room.{room}"))
    };
    let wait = async |room, wanted: bool| {
        timeout(SOON, async { while subscribed(room).await != wanted {} }).await.unwrap();
    };
    let mut tab = Client::join(running.address).await;
    wait(ROOM, true).await;
    let other = ElectionId([2; 32]);
    assert!(!subscribed(other).await);
    tab.send(&ClientFrame::Join(other)).await;
    tab.send(&ClientFrame::Leave(ROOM)).await;
    wait(other, true).await;
    wait(ROOM, false).await;
    drop(tab);
    wait(other, false).await;
}

#[tokio::test]
async fn a_frame_that_the_bus_cannot_carry_is_refused_at_the_edge() {
    let nats = Nats::start(64 << 10);
    let running = on_nats(&nats).await;
    let mut tab = Client::join(running.address).await;
    tab.send(&ClientFrame::Broadcast(ROOM, &vec![0; 60 << 10])).await;
    tab.send(&ClientFrame::Broadcast(ROOM, &vec![0; 64 << 10])).await;
    assert_eq!(tab.close_code().await, CloseCode::Size);
    assert_eq!(metric(&running.relay, "blockvote_relay_closed_total{reason=\"too_big\"}"), 1);
}

#[tokio::test]
async fn garbage_on_the_bus_is_counted_and_changes_nothing() {
    let nats = Nats::start(ENOUGH);
    let running = on_nats(&nats).await;
    let mut tab = Client::join(running.address).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let name = running.relay.mesh.name;
    for subject in [
        format!("blockvote.room.{ROOM}"),
        format!("blockvote.peer.{name}.{}", tab.id),
        format!("blockvote.relay.{name}"),
    ] {
        for payload in [&b""[..], &[0x80], &[0x80, 0, 1], &[0x81, 9], &[3; 40], &[0xff; 9]] {
            client.publish(subject.clone(), payload.to_vec().into()).await.unwrap();
        }
    }
    client.flush().await.unwrap();
    // [3; 40] is a broadcast for another room than its subject's.
    until(&running.relay, "blockvote_relay_dropped_total{reason=\"bad_bus_frame\"}", 18).await;
    tab.send(&ClientFrame::Sample(ROOM, 1)).await;
    let frame = timeout(Duration::from_secs(5), tab.next()).await.unwrap();
    assert_eq!(ServerFrame::decode(&frame), Ok(ServerFrame::Peers(ROOM, vec![])));
}
