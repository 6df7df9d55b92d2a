//! The frames that wait to be sent to each relay, and the state of the connections.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use blockvote_core::{node::LinkId, wire::frame::ClientFrame};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The most frames, and the most bytes, that may wait for a relay before its connection is given up
/// and made again.
const LINK_QUEUE: usize = 4096;
const LINK_QUEUE_BYTES: usize = 32 << 20;

/// State of the connection to a relay, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not connected, or not any more; the last problem.
    Down(String),
    /// In the room.
    Up,
}

/// The receiving end of the queue to a relay.
pub struct Outgoing {
    frames: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    overflowed: CancellationToken,
}

/// Makes a queue to a relay, for any number of rooms.
pub fn queue() -> (Queue, Outgoing) {
    let (sender, frames) = mpsc::channel(LINK_QUEUE);
    let waiting = Arc::<AtomicUsize>::default();
    let overflowed = CancellationToken::new();
    let outgoing =
        Outgoing { frames, waiting: Arc::clone(&waiting), overflowed: overflowed.clone() };
    (Queue { sender, waiting, overflowed }, outgoing)
}

impl Outgoing {
    /// The next frame, or `None` if the connection is given up.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        tokio::select! {
            () = self.overflowed.cancelled() => None,
            frame = self.frames.recv() => frame,
        }
    }

    /// A frame that is already waiting.
    pub fn ready(&mut self) -> Option<Vec<u8>> {
        self.frames.try_recv().ok()
    }

    /// Reports that this many bytes were sent.
    pub fn sent(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The sending end, and the bytes that wait in the queue.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    /// Something did not fit: the connection is given up.
    overflowed: CancellationToken,
}

#[derive(Default)]
struct Books {
    senders: HashMap<LinkId, Queue>,
    states: HashMap<LinkId, (String, LinkState)>,
}

/// Queues and states of the relays, by link.
#[derive(Clone, Default)]
pub struct Links {
    books: Arc<Mutex<Books>>,
}

impl Links {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, what is sent to a relay goes into this queue.
    pub fn attach(&self, link: LinkId, queue: Queue) {
        self.books().senders.insert(link, queue);
    }

    /// Removes a relay's queue.
    pub fn detach(&self, link: LinkId) {
        self.books().senders.remove(&link);
    }

    /// Notes the state of a relay.
    pub fn set_state(&self, link: LinkId, url: &str, state: LinkState) {
        self.books().states.insert(link, (url.to_owned(), state));
    }

    /// Relays and their states, in the order of the command line.
    pub fn states(&self) -> Vec<(String, LinkState)> {
        let books = self.books();
        let mut states: Vec<_> = books.states.iter().collect();
        states.sort_by_key(|(link, _)| **link);
        states.into_iter().map(|(_, state)| state.clone()).collect()
    }

    /// Bytes that wait to be sent to a relay.
    pub fn backlog(&self, link: LinkId) -> usize {
        let books = self.books();
        books.senders.get(&link).map_or(0, |queue| queue.waiting.load(Ordering::Relaxed))
    }

    /// Queues a frame for a relay. If it does not fit, the connection is given up and made again,
    /// and peers compare what they have.
    pub fn send(&self, link: LinkId, frame: &ClientFrame<'_>) {
        let mut books = self.books();
        let Some(queue) = books.senders.get(&link) else { return };
        let frame = frame.encode();
        let bytes = frame.len();
        let before = queue.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > LINK_QUEUE_BYTES || queue.sender.try_send(frame).is_err() {
            queue.overflowed.cancel();
            books.senders.remove(&link);
        }
    }
}
