//! Which clients are in which rooms, and the queues to them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::body::Bytes;
use blockvote_frames::{frame::PeerId, ids::ElectionId};
use rand::seq::index;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    metrics::Metrics,
    refusals::{Close, Dropped},
};

/// Below this a queue counts as short: it is not the one that fills the memory.
const SHORT_QUEUE: usize = 64 << 10;

/// Counts the bytes of a frame as long as it is in any queue: once, however many clients get it.
#[derive(Debug)]
pub struct Waiting {
    bytes: i64,
    metrics: Arc<Metrics>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.metrics.queued_bytes.dec_by(self.bytes);
    }
}

/// A frame that waits to be sent to clients, and when it arrived.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The frame, encoded once and shared by all clients that get it.
    pub bytes: Bytes,
    /// When its sender's frame arrived.
    pub at: Instant,
    waiting: Arc<Waiting>,
}

impl Queued {
    /// A frame that is about to be queued.
    pub fn new(bytes: impl Into<Bytes>, at: Instant, metrics: &Arc<Metrics>) -> Self {
        let bytes = bytes.into();
        let waiting = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        metrics.queued_bytes.inc_by(waiting);
        let waiting = Waiting { bytes: waiting, metrics: Arc::clone(metrics) };
        Self { bytes, at, waiting: Arc::new(waiting) }
    }

    /// The frame, and the value that counts it until it was sent.
    pub fn take(self) -> (Bytes, Arc<Waiting>) {
        (self.bytes, self.waiting)
    }
}

/// The sending side of a connection.
#[derive(Debug)]
pub struct Client {
    /// Its name.
    pub id: PeerId,
    queue: mpsc::Sender<Queued>,
    queued: AtomicUsize,
    max_bytes: usize,
    max_in_all: usize,
    metrics: Arc<Metrics>,
    /// Cancelled when the connection must end.
    pub ended: CancellationToken,
    why: OnceLock<Close>,
}

impl Client {
    /// A client with an empty queue, and the receiving end for the connection.
    pub fn new(
        id: PeerId,
        config: &Config,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, mpsc::Receiver<Queued>) {
        let (queue, drain) = mpsc::channel(config.queue_frames);
        let client = Self {
            id,
            queue,
            queued: AtomicUsize::new(0),
            max_bytes: config.queue_bytes,
            max_in_all: config.queue_bytes_in_all,
            metrics,
            ended: CancellationToken::new(),
            why: OnceLock::new(),
        };
        (Arc::new(client), drain)
    }

    /// Queues a frame that is for this client alone.
    pub fn push(&self, frame: impl Into<Bytes>, at: Instant) {
        let frame = Queued::new(frame, at, &self.metrics);
        let length = frame.bytes.len() as u64;
        if self.queue(frame) {
            self.metrics.delivered(1, length);
        }
    }

    /// Queues a frame that another peer sent to this client alone, unless its queue is half full:
    /// peers ask again for what did not arrive, and no client may be closed because of what one
    /// peer sends to it.
    pub fn push_of_peer(&self, frame: impl Into<Bytes>, at: Instant) {
        let frame = frame.into();
        let queued = self.queued.load(Ordering::Relaxed);
        let after = queued + frame.len();
        if queued > 0 && after > self.max_bytes / 2
            || after > SHORT_QUEUE && self.in_all() > self.max_in_all
            || self.queue.capacity() < self.queue.max_capacity() / 2
        {
            self.metrics.dropped(Dropped::Busy);
        } else {
            self.push(frame, at);
        }
    }

    /// Bytes that wait for all clients.
    fn in_all(&self) -> usize {
        usize::try_from(self.metrics.queued_bytes.get()).unwrap_or(0)
    }

    /// Queues a frame, which the caller counts; ends the connection if it does not fit.
    fn queue(&self, frame: Queued) -> bool {
        if self.ended.is_cancelled() {
            return false;
        }
        let bytes = frame.bytes.len();
        let before = self.queued.fetch_add(bytes, Ordering::Relaxed);
        let reason = if before > SHORT_QUEUE && self.in_all() > self.max_in_all {
            Dropped::Memory
        } else if before + bytes > self.max_bytes || self.queue.try_send(frame).is_err() {
            Dropped::QueueFull
        } else {
            return true;
        };
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.metrics.dropped(reason);
        self.end(Close::Slow);
        false
    }

    /// Reports that a queued frame left the queue.
    pub fn drained(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Ends the connection; the first reason is kept.
    pub fn end(&self, why: Close) {
        let _ = self.why.set(why);
        self.ended.cancel();
    }

    /// Why it ended, if the relay ended it.
    pub fn why(&self) -> Option<Close> {
        self.why.get().copied()
    }
}

/// The clients in a room. They are in a list, so that drawing a few costs the same whatever the
/// size of the room.
#[derive(Debug, Default)]
struct Members {
    clients: Vec<Arc<Client>>,
    at: HashMap<PeerId, usize>,
}

impl Members {
    fn insert(&mut self, client: &Arc<Client>) {
        if let Entry::Vacant(entry) = self.at.entry(client.id) {
            entry.insert(self.clients.len());
            self.clients.push(Arc::clone(client));
        }
    }

    fn remove(&mut self, id: PeerId) {
        let Some(at) = self.at.remove(&id) else { return };
        self.clients.swap_remove(at);
        if let Some(moved) = self.clients.get(at) {
            self.at.insert(moved.id, at);
        }
    }
}

type Room = RwLock<Members>;

/// All rooms. A room exists while somebody is in it.
#[derive(Debug)]
pub struct Rooms {
    metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<ElectionId, Arc<Room>>>,
}

impl Rooms {
    /// Starts without rooms.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, rooms: Mutex::default() }
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, HashMap<ElectionId, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, room: &ElectionId) -> Option<Arc<Room>> {
        self.rooms().get(room).cloned()
    }

    /// Lets a client in and returns how many others are there. If it is the first, `opened` is
    /// called while nobody else can enter or leave.
    pub fn join(&self, room: ElectionId, client: &Arc<Client>, opened: impl FnOnce()) -> usize {
        let mut rooms = self.rooms();
        if !rooms.contains_key(&room) {
            opened();
        }
        let members = rooms.entry(room).or_default();
        let mut members = members.write().unwrap_or_else(PoisonError::into_inner);
        members.insert(client);
        let others = members.clients.len() - 1;
        drop(members);
        self.metrics.rooms.set(i64::try_from(rooms.len()).unwrap_or(i64::MAX));
        others
    }

    /// Removes a client and returns whether it was the last. If so, `closed` is called while nobody
    /// else can enter or leave.
    pub fn leave(&self, room: &ElectionId, client: PeerId, closed: impl FnOnce()) -> bool {
        let mut rooms = self.rooms();
        let mut last = false;
        if let Some(members) = rooms.get(room) {
            let mut members = members.write().unwrap_or_else(PoisonError::into_inner);
            members.remove(client);
            last = members.clients.is_empty();
            drop(members);
            if last {
                rooms.remove(room);
                closed();
            }
        }
        self.metrics.rooms.set(i64::try_from(rooms.len()).unwrap_or(i64::MAX));
        last
    }

    /// The rooms with somebody in them, and how many clients each has.
    pub fn sizes(&self) -> Vec<(ElectionId, usize)> {
        let rooms: Vec<_> =
            self.rooms().iter().map(|(room, members)| (*room, Arc::clone(members))).collect();
        let size =
            |members: &Room| members.read().unwrap_or_else(PoisonError::into_inner).clients.len();
        rooms.iter().map(|(room, members)| (*room, size(members))).collect()
    }

    /// The clients in a room.
    pub fn members(&self, room: &ElectionId) -> Vec<Arc<Client>> {
        let Some(members) = self.get(room) else { return Vec::new() };
        members.read().unwrap_or_else(PoisonError::into_inner).clients.clone()
    }

    /// How many are in a room.
    pub fn size(&self, room: &ElectionId) -> usize {
        let members = self.get(room);
        members.map_or(0, |members| {
            members.read().unwrap_or_else(PoisonError::into_inner).clients.len()
        })
    }

    /// Queues a frame for everybody in the room except its sender: encoded once, shared by all.
    pub fn broadcast(&self, room: &ElectionId, from: PeerId, frame: &Queued) {
        let Some(members) = self.get(room) else {
            return;
        };
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        let others = members.clients.iter().filter(|client| client.id != from);
        let taken = others.filter(|client| client.queue(frame.clone())).count() as u64;
        self.metrics.delivered(taken, taken * frame.bytes.len() as u64);
    }

    /// A client of the room.
    pub fn find(&self, room: &ElectionId, id: PeerId) -> Option<Arc<Client>> {
        let members = self.get(room)?;
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        members.at.get(&id).and_then(|at| members.clients.get(*at)).cloned()
    }

    /// Up to `count` clients of the room except the one that asks, drawn at random.
    pub fn sample(&self, room: &ElectionId, asking: PeerId, count: usize) -> Vec<PeerId> {
        let Some(members) = self.get(room) else {
            return Vec::new();
        };
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        let drawn = (count + 1).min(members.clients.len());
        let drawn = index::sample(&mut rand::rng(), members.clients.len(), drawn);
        let others = drawn.into_iter().filter_map(|at| members.clients.get(at));
        others.map(|client| client.id).filter(|id| *id != asking).take(count).collect()
    }
}
