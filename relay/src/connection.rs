//! One WebSocket: reading, throttling, forwarding, writing.
//!
//! Invariant: whatever ends the connection, the client leaves every room and its queue is freed.

use std::{collections::HashSet, error::Error as _, sync::Arc};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use blockvote_core::{
    hash::ElectionId,
    relay_frame::{ClientFrame, MAX_SAMPLE, PeerId, ServerFrame},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_tungstenite::tungstenite::{Error as WsError, error::ProtocolError};

use crate::{
    metrics::Reason,
    rooms::{Client, Close},
    server::Relay,
    throttle::Bucket,
};

/// Frames written before a flush: sixteen in one write cost a tenth of sixteen writes.
const BATCH: usize = 64;

/// Runs a connection to its end.
pub async fn run(relay: Arc<Relay>, socket: WebSocket) {
    let config = &relay.config;
    let id = PeerId(rand::random());
    let (client, drain) = Client::new(id, config.queue_frames, config.queue_bytes);
    relay.metrics.connections.inc();
    let (mut sink, stream) = socket.split();
    client.push(Bytes::from(ServerFrame::Welcome(id).encode()), &relay.metrics);

    let mut rooms = HashSet::new();
    let (heard, silence) = tokio::sync::watch::channel(Instant::now());
    let ended = tokio::select! {
        ended = read(&relay, &client, &mut rooms, stream, &heard) => ended,
        ended = write(&relay, &client, &mut sink, drain, &silence) => ended,
        () = client.ended.cancelled() => client.why(),
        () = relay.stop.cancelled() => Some(Close::RESTART),
    };
    for room in &rooms {
        relay.rooms.leave(room, id, &relay.metrics);
    }
    if let Some(close) = ended {
        let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from_static(close.words) };
        // A peer that does not read cannot be told; it is dropped.
        let _ = timeout(config.write_timeout / 10, sink.send(Message::Close(Some(frame)))).await;
    }
    relay.metrics.closed(ended.map_or(Reason("client"), |close| close.reason));
    relay.metrics.connections.dec();
}

/// Reads until the connection ends. Returns what the client is to be told.
async fn read(
    relay: &Relay,
    client: &Arc<Client>,
    rooms: &mut HashSet<ElectionId>,
    mut stream: SplitStream<WebSocket>,
    heard: &tokio::sync::watch::Sender<Instant>,
) -> Option<Close> {
    let config = &relay.config;
    let now = Instant::now();
    let mut frames = Bucket::new(config.frames_per_second, config.frames_burst, now);
    let mut bytes = Bucket::new(config.bytes_per_second, config.bytes_burst, now);
    while let Some(message) = stream.next().await {
        let now = Instant::now();
        heard.send_replace(now);
        let message = match message {
            Ok(message) => message,
            Err(error) => return close_for(&error),
        };
        let length = match &message {
            Message::Binary(frame) => frame.len(),
            Message::Ping(data) | Message::Pong(data) => data.len(),
            Message::Text(_) => return Some(Close::TEXT),
            // Reading on sends the answer to a close.
            Message::Close(_) => continue,
        };
        if let Message::Binary(frame) = message {
            relay.metrics.received.inc();
            if let Some(close) = forward(relay, client, rooms, &frame, now) {
                return Some(close);
            }
        }
        let pause = frames.take(1.0, now).max(bytes.take(length as f64, now));
        if let Some(pause) = pause {
            relay.metrics.throttled.inc();
            tokio::time::sleep(pause).await;
        }
    }
    None
}

fn close_for(error: &axum::Error) -> Option<Close> {
    match error.source()?.downcast_ref::<WsError>()? {
        WsError::Capacity(_) => Some(Close::SIZE),
        WsError::Utf8(_) => Some(Close::UTF8),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        WsError::Protocol(_) => Some(Close::PROTOCOL),
        _ => None,
    }
}

/// Does what a frame says.
fn forward(
    relay: &Relay,
    client: &Arc<Client>,
    rooms: &mut HashSet<ElectionId>,
    frame: &[u8],
    now: Instant,
) -> Option<Close> {
    let metrics = &relay.metrics;
    let Ok(frame) = ClientFrame::decode(frame) else {
        return Some(Close::FRAME);
    };
    let answer = |frame: ServerFrame<'_>| client.push(Bytes::from(frame.encode()), metrics);
    match frame {
        ClientFrame::Join(room) => {
            if !rooms.contains(&room) && rooms.len() >= relay.config.max_rooms {
                return Some(Close::ROOMS);
            }
            rooms.insert(room);
            let others = relay.rooms.join(room, client, metrics);
            answer(ServerFrame::Joined(room, others));
        }
        ClientFrame::Leave(room) => {
            if rooms.remove(&room) {
                relay.rooms.leave(&room, client.id, metrics);
            }
        }
        ClientFrame::Broadcast(room, _)
        | ClientFrame::Send(room, _, _)
        | ClientFrame::Sample(room, _)
            if !rooms.contains(&room) =>
        {
            metrics.dropped(Reason("not_in_room"));
        }
        ClientFrame::Broadcast(room, payload) => {
            if relay.duplicates.is_new(&room, payload, now) {
                let frame = ServerFrame::Broadcast(room, client.id, payload).encode();
                relay.rooms.broadcast(&room, client.id, &Bytes::from(frame), metrics);
            } else {
                metrics.dropped(Reason("duplicate"));
            }
        }
        ClientFrame::Send(room, to, payload) => match relay.rooms.find(&room, to) {
            Some(peer) => {
                let frame = ServerFrame::Direct(room, client.id, payload).encode();
                peer.push(Bytes::from(frame), metrics);
            }
            None => answer(ServerFrame::Gone(room, to)),
        },
        ClientFrame::Sample(room, count) => {
            let peers = relay.rooms.sample(&room, client.id, count.min(MAX_SAMPLE).into());
            answer(ServerFrame::Peers(room, peers));
        }
    }
    None
}

/// Drains the queue and keeps asking whether the other side is there.
async fn write(
    relay: &Relay,
    client: &Client,
    sink: &mut SplitSink<WebSocket, Message>,
    mut drain: mpsc::Receiver<Bytes>,
    heard: &tokio::sync::watch::Receiver<Instant>,
) -> Option<Close> {
    let config = &relay.config;
    let mut ping = tokio::time::interval(config.ping_interval);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.tick().await;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let sent = tokio::select! {
            count = drain.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return None;
                }
                let bytes: usize = batch.iter().map(Bytes::len).sum();
                let sent = timeout(config.write_timeout, send_all(sink, batch.drain(..))).await;
                client.drained(bytes);
                sent
            }
            now = ping.tick() => {
                if now.saturating_duration_since(*heard.borrow()) > config.idle_timeout {
                    return Some(Close::IDLE);
                }
                timeout(config.write_timeout, sink.send(Message::Ping(Bytes::new()))).await
            }
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return None,
            Err(_) => return Some(Close::SLOW),
        }
    }
}

async fn send_all(
    sink: &mut SplitSink<WebSocket, Message>,
    frames: impl Iterator<Item = Bytes>,
) -> Result<(), axum::Error> {
    for frame in frames {
        sink.feed(Message::Binary(frame)).await?;
    }
    sink.flush().await
}
