//! One WebSocket: reading, throttling, forwarding, writing.
//!
//! Invariant: however the connection ends, the client leaves every room and its queue is freed.

use std::{collections::HashSet, error::Error as _, sync::Arc};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use blockvote_frames::{
    frame::{ClientFrame, ServerFrame},
    ids::ElectionId,
};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, sleep, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{Error as WsError, error::ProtocolError};

use crate::{
    addresses::{CountedAddress, cost_of_broadcast},
    refusals::{Close, Dropped, Throttled},
    relay::Relay,
    rooms::{Client, Queued},
    throttle::Bucket,
};

/// Frames written before a flush: sixteen in one write cost a tenth of sixteen writes.
const BATCH: usize = 64;

/// Runs a connection to its end.
pub async fn run(relay: Arc<Relay>, socket: WebSocket, address: Arc<CountedAddress>) {
    let config = &relay.config;
    let id = relay.mesh.name.draw_peer();
    let (client, mut drain) = Client::new(id, config, Arc::clone(&relay.metrics));
    relay.metrics.connections.inc();
    let (mut sink, stream) = socket.split();
    client.push(ServerFrame::Welcome(id).encode(), Instant::now());

    let mut rooms = HashSet::new();
    let (heard, silence) = watch::channel(Instant::now());
    let mut ended = {
        let reading = Reading { relay: &relay, client: &client, address: &address };
        tokio::select! {
            ended = reading.run(&mut rooms, stream, &heard) => ended,
            ended = write(&relay, &client, &mut sink, &mut drain, &silence) => ended,
            () = client.ended.cancelled() => client.why(),
            () = moment_to_move(&relay) => Some(Close::Restart),
        }
    };
    for room in &rooms {
        relay.leave(*room, id);
        address.leave_room(room);
    }
    if ended == Some(Close::Restart) && flush(&relay, &client, &mut sink, &mut drain).await.is_err()
    {
        ended = Some(Close::Slow);
    }
    let ended = ended.unwrap_or(Close::Client);
    if let Some((code, words)) = ended.told() {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(words) };
        // A peer that does not read cannot be told; it is dropped.
        let _ = timeout(config.write_timeout / 10, sink.send(Message::Close(Some(frame)))).await;
    }
    // Nothing is queued for it any more: it is in no room.
    drain.close();
    while let Ok(frame) = drain.try_recv() {
        client.drained(frame.bytes.len());
    }
    relay.metrics.closed(ended);
    relay.metrics.connections.dec();
}

/// A random moment within the draining time, so that not all clients go to the next relay at once.
async fn moment_to_move(relay: &Relay) {
    relay.stop.cancelled().await;
    let spread = relay.config.drain_spread.mul_f64(rand::random_range(0.0..1.0));
    sleep(relay.config.drain_delay + spread).await;
}

/// Sends what is waiting.
async fn flush(
    relay: &Relay,
    client: &Client,
    sink: &mut SplitSink<WebSocket, Message>,
    drain: &mut mpsc::Receiver<Queued>,
) -> anyhow::Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(frame) = drain.try_recv() {
        batch.push(frame);
        while batch.len() < BATCH
            && let Ok(frame) = drain.try_recv()
        {
            batch.push(frame);
        }
        timeout(relay.config.write_timeout, send_all(relay, client, sink, &mut batch)).await??;
    }
    Ok(())
}

struct Reading<'a> {
    relay: &'a Relay,
    client: &'a Arc<Client>,
    address: &'a CountedAddress,
}

impl Reading<'_> {
    /// Reads until the connection ends. Returns what to tell the client.
    async fn run(
        &self,
        rooms: &mut HashSet<ElectionId>,
        mut stream: SplitStream<WebSocket>,
        heard: &watch::Sender<Instant>,
    ) -> Option<Close> {
        let config = &self.relay.config;
        let mut begun = Instant::now();
        let mut frames = Bucket::new(config.frames_per_second, config.frames_burst, begun);
        loop {
            let message = if rooms.is_empty() {
                match timeout_at(begun + config.handshake_timeout, stream.next()).await {
                    Ok(message) => message?,
                    Err(_) => return Some(Close::NoRoom),
                }
            } else {
                stream.next().await?
            };
            let now = Instant::now();
            heard.send_replace(now);
            match message {
                Ok(Message::Binary(frame)) => {
                    self.relay.metrics.received.inc();
                    if let Some(close) = self.forward(rooms, &frame, now, heard).await {
                        return Some(close);
                    }
                }
                Ok(Message::Text(_)) => return Some(Close::Text),
                // The answer to a ping or a close is sent by reading on.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => {}
                Err(error) => return close_for(&error),
            }
            if !rooms.is_empty() {
                begun = now;
            }
            if let Some(pause) = frames.take(1.0, now) {
                self.relay.metrics.throttled(Throttled::Frames);
                sleep(pause).await;
            }
        }
    }

    /// Does what a frame asks for.
    async fn forward(
        &self,
        rooms: &mut HashSet<ElectionId>,
        frame: &[u8],
        now: Instant,
        heard: &watch::Sender<Instant>,
    ) -> Option<Close> {
        let (relay, client) = (self.relay, self.client);
        let Ok(frame) = ClientFrame::decode(frame) else {
            return Some(Close::Frame);
        };
        let answer = |frame: ServerFrame<'_>| client.push(frame.encode(), now);
        match frame {
            ClientFrame::Join(room) => {
                if !rooms.contains(&room) {
                    if rooms.len() >= relay.config.max_rooms || !self.address.enter_room(room) {
                        return Some(Close::Rooms);
                    }
                    rooms.insert(room);
                    relay.enter(room, client);
                }
                client.push(relay.joined(room), now);
            }
            ClientFrame::Leave(room) => {
                if rooms.remove(&room) {
                    relay.leave(room, client.id);
                    self.address.leave_room(&room);
                }
            }
            ClientFrame::Broadcast(room, _)
            | ClientFrame::Send(room, _, _)
            | ClientFrame::Sample(room, _)
                if !rooms.contains(&room) =>
            {
                relay.metrics.dropped(Dropped::NotInRoom);
            }
            ClientFrame::Broadcast(_, payload) | ClientFrame::Send(_, _, payload)
                if payload.len() > relay.max_payload() =>
            {
                return Some(Close::Size);
            }
            ClientFrame::Broadcast(room, payload) => {
                let cost = cost_of_broadcast(payload.len(), relay.rooms.size(&room));
                // Before it is sent: many connections of one address have to take turns.
                while let Err(pause) = self.address.broadcast(cost, Instant::now()) {
                    relay.metrics.throttled(Throttled::Broadcasts);
                    sleep(pause).await;
                    // Its pongs are not read meanwhile.
                    heard.send_replace(Instant::now());
                }
                let now = Instant::now();
                if !relay.broadcast(room, client.id, payload, now) {
                    self.address.give_back(cost, now);
                }
            }
            ClientFrame::Send(room, to, payload) => {
                if !relay.direct(room, client.id, to, payload, now) {
                    answer(ServerFrame::Gone(room, to));
                }
            }
            ClientFrame::Sample(room, count) => {
                if let Some(peers) = relay.sample(room, client.id, count) {
                    answer(ServerFrame::Peers(room, peers));
                }
            }
        }
        None
    }
}

fn close_for(error: &axum::Error) -> Option<Close> {
    match error.source()?.downcast_ref::<WsError>()? {
        WsError::Capacity(_) => Some(Close::Size),
        WsError::Utf8(_) => Some(Close::Utf8),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        WsError::Protocol(_) => Some(Close::Protocol),
        _ => None,
    }
}

/// Empties the queue and keeps asking whether the other side is still there.
async fn write(
    relay: &Relay,
    client: &Client,
    sink: &mut SplitSink<WebSocket, Message>,
    drain: &mut mpsc::Receiver<Queued>,
    heard: &watch::Receiver<Instant>,
) -> Option<Close> {
    let config = &relay.config;
    // The first ping is sent after a random part of the interval: ten thousand clients that arrived
    // at once are not asked at once.
    let first = Instant::now() + config.ping_interval.mul_f64(rand::random_range(0.5..1.0));
    let mut ping = tokio::time::interval_at(first, config.ping_interval);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Allocated again for each round, so that an idle connection needs no memory for it.
        let mut batch = Vec::new();
        let sent = tokio::select! {
            count = drain.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return None;
                }
                timeout(config.write_timeout, send_all(relay, client, sink, &mut batch)).await
            }
            now = ping.tick() => {
                if now.saturating_duration_since(*heard.borrow()) > config.idle_timeout {
                    return Some(Close::Idle);
                }
                timeout(config.write_timeout, sink.send(Message::Ping(Bytes::new()))).await
            }
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return None,
            Err(_) => return Some(Close::Slow),
        }
    }
}

/// Counts frames as they leave the queue, even if writing them is cancelled.
struct Leaving<'a>(&'a Client, usize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.drained(self.1);
    }
}

/// Writes frames and flushes once.
async fn send_all(
    relay: &Relay,
    client: &Client,
    sink: &mut SplitSink<WebSocket, Message>,
    batch: &mut Vec<Queued>,
) -> Result<(), axum::Error> {
    let _leaving = Leaving(client, batch.iter().map(|frame| frame.bytes.len()).sum());
    let oldest = batch.first().map(|frame| frame.at);
    // What is written is in the socket's buffer: it counts until it has been sent.
    let mut writing = Vec::with_capacity(batch.len());
    for frame in batch.drain(..) {
        let (bytes, waiting) = frame.take();
        writing.push(waiting);
        sink.feed(Message::Binary(bytes)).await?;
    }
    sink.flush().await?;
    if let Some(at) = oldest {
        relay.metrics.waited(at.elapsed());
    }
    Ok(())
}
