//! Who is in which room, and the queues towards them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::body::Bytes;
use blockvote_core::{hash::ElectionId, relay_frame::PeerId};
use rand::seq::index;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, Reason};

/// Why the relay ends a connection: the WebSocket close code, words for the client, a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455, section 7.4, and the registry behind it.
    pub code: u16,
    /// For the client's log.
    pub words: &'static str,
    /// For the metrics.
    pub reason: Reason,
}

impl Close {
    /// The queue is full.
    pub const SLOW: Self = Self {
        code: 1013,
        words: "you read too slowly and missed frames: connect again and compare tips",
        reason: Reason("slow"),
    };
    /// Nothing was heard for too long.
    pub const IDLE: Self = Self {
        code: 1001,
        words: "nothing was heard from you for too long",
        reason: Reason("idle"),
    };
    /// The relay stops.
    pub const RESTART: Self = Self {
        code: 1012,
        words: "the relay is restarting: connect again",
        reason: Reason("restart"),
    };
    /// Not a frame of this protocol.
    pub const FRAME: Self =
        Self { code: 1008, words: "that is no frame of blockvote.1", reason: Reason("bad_frame") };
    /// Text.
    pub const TEXT: Self = Self { code: 1003, words: "frames are binary", reason: Reason("text") };
    /// Too long.
    pub const SIZE: Self =
        Self { code: 1009, words: "the frame is too big", reason: Reason("too_big") };
    /// Broken WebSocket.
    pub const PROTOCOL: Self =
        Self { code: 1002, words: "that is not WebSocket", reason: Reason("protocol") };
    /// Bad UTF-8.
    pub const UTF8: Self = Self { code: 1007, words: "text must be UTF-8", reason: Reason("utf8") };
    /// Too many rooms.
    pub const ROOMS: Self =
        Self { code: 1008, words: "you are in too many rooms", reason: Reason("rooms") };
}

/// The sending side of a connection.
#[derive(Debug)]
pub struct Client {
    /// Its name.
    pub id: PeerId,
    queue: mpsc::Sender<Bytes>,
    queued: AtomicUsize,
    max_bytes: usize,
    /// Cancelled when the connection is to end.
    pub ended: CancellationToken,
    why: OnceLock<Close>,
}

impl Client {
    /// A client with an empty queue, and the end that the connection drains.
    pub fn new(id: PeerId, frames: usize, max_bytes: usize) -> (Arc<Self>, mpsc::Receiver<Bytes>) {
        let (queue, drain) = mpsc::channel(frames);
        let client = Self {
            id,
            queue,
            queued: AtomicUsize::new(0),
            max_bytes,
            ended: CancellationToken::new(),
            why: OnceLock::new(),
        };
        (Arc::new(client), drain)
    }

    /// Queues a frame; ends the connection when it does not fit.
    pub fn push(&self, frame: Bytes, metrics: &Metrics) {
        if self.ended.is_cancelled() {
            return;
        }
        let bytes = frame.len();
        let before = self.queued.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.max_bytes || self.queue.try_send(frame).is_err() {
            metrics.dropped(Reason("queue_full"));
            self.end(Close::SLOW);
            return;
        }
        metrics.delivered.inc();
        metrics.delivered_bytes.inc_by(bytes as u64);
    }

    /// Says that a queued frame left the queue.
    pub fn drained(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Ends the connection; the first reason stands.
    pub fn end(&self, why: Close) {
        let _ = self.why.set(why);
        self.ended.cancel();
    }

    /// Why it ended, if the relay ended it.
    pub fn why(&self) -> Option<Close> {
        self.why.get().copied()
    }
}

/// Who is in a room: in a list, so that drawing a few costs a few, whatever the size of the room.
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
#[derive(Debug, Default)]
pub struct Rooms {
    rooms: Mutex<HashMap<ElectionId, Arc<Room>>>,
}

impl Rooms {
    fn get(&self, room: &ElectionId) -> Option<Arc<Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(room).cloned()
    }

    /// Lets a client in and returns how many others are there.
    pub fn join(&self, room: ElectionId, client: &Arc<Client>, metrics: &Metrics) -> u32 {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let members = rooms.entry(room).or_default();
        let mut members = members.write().unwrap_or_else(PoisonError::into_inner);
        members.insert(client);
        let others = members.clients.len() - 1;
        drop(members);
        metrics.rooms.set(i64::try_from(rooms.len()).unwrap_or(i64::MAX));
        u32::try_from(others).unwrap_or(u32::MAX)
    }

    /// Takes a client out.
    pub fn leave(&self, room: &ElectionId, client: PeerId, metrics: &Metrics) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = rooms.get(room) {
            let mut members = members.write().unwrap_or_else(PoisonError::into_inner);
            members.remove(client);
            let empty = members.clients.is_empty();
            drop(members);
            if empty {
                rooms.remove(room);
            }
        }
        metrics.rooms.set(i64::try_from(rooms.len()).unwrap_or(i64::MAX));
    }

    /// Queues a frame for everybody else in the room: encoded once, shared by all.
    pub fn broadcast(&self, room: &ElectionId, from: PeerId, frame: &Bytes, metrics: &Metrics) {
        let Some(members) = self.get(room) else {
            return;
        };
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        for client in members.clients.iter().filter(|client| client.id != from) {
            client.push(frame.clone(), metrics);
        }
    }

    /// A client of the room.
    pub fn find(&self, room: &ElectionId, id: PeerId) -> Option<Arc<Client>> {
        let members = self.get(room)?;
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        members.at.get(&id).and_then(|at| members.clients.get(*at)).cloned()
    }

    /// Up to `count` others of the room, drawn at random.
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
