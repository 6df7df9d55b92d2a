//! The bus, which joins several relays.
//!
//! A bus carries frames at most once and promises nothing. If it loses frames, peers find out by
//! comparing. A part that notices a loss reports [`Heard::Missed`] or [`Heard::Lost`], and clients
//! are told to compare.

pub mod in_process;
pub mod nats;

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Bytes;
use blockvote_frames::{frame::PeerId, ids::ElectionId};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::relay_ids::RelayId;

/// The most frames, and the most bytes, that may wait to be heard: what does not fit is missed, and
/// that is reported.
const HEARD_FRAMES: usize = 8_192;
const HEARD_BYTES: usize = 64 << 20;
/// The time between two reports of missed frames: clients compare after each.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// To every relay with peers in this room.
    Room(ElectionId),
    /// To the relay that this peer is on.
    Peer(PeerId),
    /// To one relay.
    Relay(RelayId),
}

/// What a relay hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A frame.
    Frame(Subject, Bytes),
    /// Frames, or reports of the bus itself, may have been missed.
    Missed,
    /// A frame of this relay did not get through to this subject.
    Lost(Subject),
    /// Whether the bus is there.
    Up(bool),
}

/// What waits between the bus and its relay.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    missed: AtomicBool,
}

/// What a relay hears, in order.
#[derive(Debug)]
pub struct Hearing {
    queue: mpsc::Receiver<Heard>,
    waiting: Arc<Waiting>,
    /// When it was last reported that something was missed.
    said: Option<Instant>,
}

/// The bus's side of a [`Hearing`].
#[derive(Clone, Debug)]
pub struct Ear {
    queue: mpsc::Sender<Heard>,
    waiting: Arc<Waiting>,
}

/// An ear, and the hearing that belongs to it.
pub fn ear() -> (Ear, Hearing) {
    let (sender, queue) = mpsc::channel(HEARD_FRAMES);
    let waiting = Arc::<Waiting>::default();
    let hearing = Hearing { queue, waiting: Arc::clone(&waiting), said: None };
    (Ear { queue: sender, waiting }, hearing)
}

impl Heard {
    fn bytes(&self) -> usize {
        match self {
            Self::Frame(_, frame) => frame.len(),
            Self::Missed | Self::Lost(_) | Self::Up(_) => 0,
        }
    }
}

impl Ear {
    /// Passes on what was heard, without waiting.
    pub fn hear(&self, heard: Heard) {
        let bytes = heard.bytes();
        let before = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes <= HEARD_BYTES && self.queue.try_send(heard).is_ok() {
            return;
        }
        self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.waiting.missed.store(true, Ordering::SeqCst);
        // Wakes a reader that emptied the queue in the meantime. If the queue is full, the reader
        // finds out when it reads on.
        let _ = self.queue.try_send(Heard::Missed);
    }
}

impl Hearing {
    /// The next thing that is heard; `None` if the bus is gone for good.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            let now = Instant::now();
            let due = self.said.map_or(now, |said| said + SAID_EVERY);
            let missed = self.waiting.missed.load(Ordering::SeqCst);
            if missed && now >= due {
                self.waiting.missed.store(false, Ordering::SeqCst);
                self.said = Some(now);
                return Some(Heard::Missed);
            }
            let heard = if missed {
                let Ok(heard) = timeout_at(due, self.queue.recv()).await else { continue };
                heard
            } else {
                self.queue.recv().await
            };
            let bytes = heard.as_ref().map_or(0, Heard::bytes);
            self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            match heard {
                Some(Heard::Missed) => self.waiting.missed.store(true, Ordering::SeqCst),
                heard => return heard,
            }
        }
    }
}

/// A connection to the bus. None of its methods waits.
pub trait Bus: Debug + Send + Sync {
    /// Sends a frame to other relays, never back to this one. Returns whether it was accepted for
    /// sending; if not, it is lost.
    fn send(&self, to: Subject, frame: Bytes) -> bool;
    /// Hears a room from now on. Frames for this relay and its peers are always heard.
    fn listen(&self, room: ElectionId);
    /// Stops hearing a room.
    fn unlisten(&self, room: ElectionId);
    /// Whether frames go through now.
    fn is_up(&self) -> bool;
    /// Bytes that a frame may have.
    fn max_frame_bytes(&self) -> usize;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Heard {
        Heard::Frame(Subject::Peer(PeerId(1)), vec![0; bytes].into())
    }

    /// Everything that is heard until the ear is gone.
    async fn all((ear, mut hearing): (Ear, Hearing)) -> Vec<Heard> {
        drop(ear);
        let mut all = Vec::new();
        while let Some(heard) = hearing.next().await {
            all.push(heard);
        }
        all
    }

    fn missed(heard: &[Heard]) -> usize {
        heard.iter().filter(|heard| matches!(heard, Heard::Missed)).count()
    }

    #[tokio::test]
    async fn what_does_not_fit_is_said_to_be_missed_once() {
        let (ear, hearing) = ear();
        for _ in 0..HEARD_FRAMES + 5 {
            ear.hear(frame(1));
        }
        let heard = all((ear, hearing)).await;
        assert_eq!((missed(&heard), heard.len()), (1, HEARD_FRAMES + 1));
    }

    #[tokio::test]
    async fn bytes_have_a_bound_too_and_make_room_again() {
        let (ear, mut hearing) = ear();
        for _ in 0..65 {
            ear.hear(frame(1 << 20));
        }
        assert!(matches!(hearing.next().await, Some(Heard::Missed)));
        assert!(matches!(hearing.next().await, Some(Heard::Frame(..))));
        ear.hear(frame(1 << 20));
        let heard = all((ear, hearing)).await;
        let frames = heard.iter().filter(|heard| matches!(heard, Heard::Frame(..))).count();
        assert_eq!(frames, 64);
    }

    #[tokio::test(start_paused = true)]
    async fn losses_close_together_are_said_once_a_second() {
        let (ear, mut hearing) = ear();
        ear.hear(Heard::Missed);
        assert!(matches!(hearing.next().await, Some(Heard::Missed)));
        let begun = Instant::now();
        ear.hear(Heard::Missed);
        ear.hear(Heard::Up(true));
        assert!(matches!(hearing.next().await, Some(Heard::Up(true))));
        assert!(matches!(hearing.next().await, Some(Heard::Missed)));
        assert!(begun.elapsed() >= SAID_EVERY);
    }
}
