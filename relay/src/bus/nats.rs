//! The bus over NATS.
//!
//! Subjects, each with the configured prefix: `room.<election>` for what everybody in a room gets,
//! `peer.<relay>.<name>` for one peer, `relay.<relay>` for one relay. Only rooms with peers are
//! subscribed. NATS delivers at most once. Every reconnection and every overflow of incoming frames
//! is reported as [`Heard::Missed`], a frame that did not get out as [`Heard::Lost`].

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use async_nats::{Client, ConnectOptions, Event, Subscriber};
use axum::body::Bytes;
use blockvote_frames::{frame::PeerId, ids::ElectionId};
use futures_util::StreamExt;
use tokio::{
    sync::{Notify, OnceCell, mpsc},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::{Bus, Ear, Heard, Hearing, Subject, ear};
use crate::relay_ids::RelayId;

/// The most frames, and the most bytes, that may wait for the bus: what does not fit is lost, and
/// that is reported.
const QUEUE_FRAMES: usize = 8_192;
const QUEUE_BYTES: usize = 64 << 20;
/// Further frames in the client, each up to 1.1 MiB.
const CLIENT_FRAMES: usize = 64;
/// Frames of one subject that may wait for this relay.
const HEARD_FRAMES: usize = 8_192;
/// If the bus does not take a frame within this time, it counts as away for this frame.
const SEND_WITHIN: Duration = Duration::from_secs(1);
/// A bus that is silent for three of these is given up: frozen counts as away.
const PING_EVERY: Duration = Duration::from_secs(2);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The longest wait between two tries to connect again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Shared {
    prefix: String,
    up: AtomicBool,
    queued: AtomicUsize,
    wanted: Mutex<HashSet<ElectionId>>,
    changed: Notify,
    client: OnceCell<Client>,
}

/// A relay's connection to NATS.
#[derive(Debug)]
pub struct Nats {
    shared: Arc<Shared>,
    out: mpsc::Sender<(Subject, Bytes)>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Nats {
    /// Connects, now or as soon as there is a server: until then the bus is away. Returns the
    /// connection and what it hears.
    ///
    /// # Errors
    /// If the text is not an address.
    pub async fn connect(
        address: &str,
        prefix: &str,
        name: RelayId,
    ) -> anyhow::Result<(Self, Hearing)> {
        let (ear, hearing) = ear();
        let shared = Arc::new(Shared {
            prefix: prefix.to_owned(),
            up: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            wanted: Mutex::default(),
            changed: Notify::new(),
            client: OnceCell::new(),
        });
        let (events, events_ear) = (Arc::clone(&shared), ear.clone());
        let client = ConnectOptions::new()
            .name(format!("blockvote-relay {name}"))
            .no_echo()
            .retry_on_initial_connect()
            .max_reconnects(None)
            .ping_interval(PING_EVERY)
            .connection_timeout(CONNECT_WITHIN)
            .client_capacity(CLIENT_FRAMES)
            .subscription_capacity(HEARD_FRAMES)
            .reconnect_delay_callback(|tries| {
                let wait = Duration::from_millis(100 << tries.min(5));
                wait.min(LONGEST_WAIT).mul_f64(rand::random_range(0.5..1.0))
            })
            .event_callback(move |event| {
                let (shared, ear) = (Arc::clone(&events), events_ear.clone());
                async move { shared.on_event(&event, &ear) }
            })
            .connect(address)
            .await
            .with_context(|| format!("{address} is no address of a NATS server"))?;
        let _ = shared.client.set(client.clone());
        let (out, queue) = mpsc::channel(QUEUE_FRAMES);
        let publisher = publish(Arc::clone(&shared), client.clone(), queue, ear.clone());
        let listener = subscribe(Arc::clone(&shared), client, name, ear);
        let tasks = [tokio::spawn(publisher), tokio::spawn(listener)].map(AbortOnDropHandle::new);
        Ok((Self { shared, out, _tasks: tasks }, hearing))
    }
}

impl Shared {
    fn on_event(&self, event: &Event, ear: &Ear) {
        match event {
            Event::Connected => {
                self.up.store(true, Ordering::Relaxed);
                tracing::info!("the bus is there");
                ear.hear(Heard::Up(true));
                ear.hear(Heard::Missed);
            }
            Event::Disconnected | Event::Closed => {
                self.up.store(false, Ordering::Relaxed);
                tracing::warn!("the bus is away: this relay goes on by itself");
                ear.hear(Heard::Up(false));
            }
            Event::SlowConsumer(_) => ear.hear(Heard::Missed),
            Event::ServerError(_) | Event::ClientError(_) => tracing::warn!(%event, "bus"),
            Event::LameDuckMode | Event::Draining => tracing::info!(%event, "bus"),
        }
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, HashSet<ElectionId>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subject(&self, to: Subject) -> String {
        let prefix = &self.prefix;
        match to {
            Subject::Room(room) => format!("{prefix}.room.{room}"),
            Subject::Peer(peer) => format!("{prefix}.peer.{}.{peer}", RelayId::of(peer)),
            Subject::Relay(relay) => format!("{prefix}.relay.{relay}"),
        }
    }
}

impl Bus for Nats {
    fn send(&self, to: Subject, frame: Bytes) -> bool {
        let bytes = frame.len();
        if !self.is_up() || bytes > self.max_frame_bytes() {
            return false;
        }
        let queued = &self.shared.queued;
        if queued.fetch_add(bytes, Ordering::Relaxed) + bytes <= QUEUE_BYTES
            && self.out.try_send((to, frame)).is_ok()
        {
            return true;
        }
        queued.fetch_sub(bytes, Ordering::Relaxed);
        false
    }

    fn listen(&self, room: ElectionId) {
        self.shared.wanted().insert(room);
        self.shared.changed.notify_one();
    }

    fn unlisten(&self, room: ElectionId) {
        self.shared.wanted().remove(&room);
        self.shared.changed.notify_one();
    }

    fn is_up(&self) -> bool {
        self.shared.up.load(Ordering::Relaxed)
    }

    fn max_frame_bytes(&self) -> usize {
        // Not known before there was a server.
        let said = self.shared.client.get().map(Client::max_payload);
        said.filter(|bytes| *bytes > 0).unwrap_or(usize::MAX)
    }
}

/// Passes the queue to the client, which writes many frames at once.
async fn publish(
    shared: Arc<Shared>,
    client: Client,
    mut queue: mpsc::Receiver<(Subject, Bytes)>,
    ear: Ear,
) {
    while let Some((to, frame)) = queue.recv().await {
        let bytes = frame.len();
        let sent = timeout(SEND_WITHIN, client.publish(shared.subject(to), frame)).await;
        shared.queued.fetch_sub(bytes, Ordering::Relaxed);
        // While the bus is away, its return is the signal instead.
        if !matches!(sent, Ok(Ok(()))) && shared.up.load(Ordering::Relaxed) {
            ear.hear(Heard::Lost(to));
        }
    }
}

/// Keeps the subscriptions up to date with the wanted rooms.
async fn subscribe(shared: Arc<Shared>, client: Client, name: RelayId, ear: Ear) {
    let own =
        [format!("{}.peer.{name}.*", shared.prefix), format!("{}.relay.{name}", shared.prefix)];
    let mut always = Vec::new();
    for subject in own {
        match client.subscribe(subject).await {
            Ok(subscriber) => always.push(hear(subscriber, ear.clone())),
            // Only a client that has ended refuses.
            Err(error) => return tracing::error!(%error, "cannot subscribe on the bus"),
        }
    }
    let mut rooms: HashMap<ElectionId, AbortOnDropHandle<()>> = HashMap::new();
    loop {
        let new: Vec<_> = {
            let wanted = shared.wanted();
            rooms.retain(|room, _| wanted.contains(room));
            wanted.iter().filter(|room| !rooms.contains_key(room)).copied().collect()
        };
        for room in new {
            match client.subscribe(shared.subject(Subject::Room(room))).await {
                Ok(subscriber) => rooms.insert(room, hear(subscriber, ear.clone())),
                Err(error) => return tracing::error!(%error, "cannot subscribe on the bus"),
            };
        }
        shared.changed.notified().await;
    }
}

fn hear(mut subscriber: Subscriber, ear: Ear) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(message) = subscriber.next().await {
            if let Some(subject) = parse(&message.subject) {
                ear.hear(Heard::Frame(subject, message.payload));
            }
        }
    }))
}

/// What a subject's last parts name.
fn parse(subject: &str) -> Option<Subject> {
    let mut parts = subject.rsplit('.');
    let name = parts.next()?;
    match parts.next()? {
        "room" => name.parse().ok().map(Subject::Room),
        "relay" => {
            let number = u32::from_str_radix(name, 16).ok()?;
            Some(Subject::Relay(RelayId::from_bytes(number.to_le_bytes())))
        }
        _ => u64::from_str_radix(name, 16).ok().map(|name| Subject::Peer(PeerId(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_name_what_they_carry() {
        let shared = Shared {
            prefix: "blockvote".into(),
            up: AtomicBool::new(true),
            queued: AtomicUsize::new(0),
            wanted: Mutex::default(),
            changed: Notify::new(),
            client: OnceCell::new(),
        };
        let relay = RelayId::draw();
        for subject in [
            Subject::Room(ElectionId([7; 32])),
            Subject::Peer(relay.draw_peer()),
            Subject::Relay(relay),
        ] {
            assert_eq!(parse(&shared.subject(subject)), Some(subject));
        }
        assert_eq!(parse("elsewhere"), None);
    }
}
