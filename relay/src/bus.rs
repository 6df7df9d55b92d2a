//! What joins several relays to one.
//!
//! A bus carries frames at most once and promises nothing. What it loses, peers find out by
//! comparing; whoever notices a loss says [`Heard::Missed`] or [`Heard::Lost`], and clients are told to compare.

pub mod in_process;
pub mod nats;

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::body::Bytes;
use blockvote_frames::{frame::PeerId, ids::ElectionId};
use tokio::sync::mpsc;

use crate::relay_ids::RelayId;

/// What waits to be heard: what does not fit is missed, and said to be.
const HEARD: usize = 8_192;

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
    /// Frames may have been missed, or that the bus went or came back.
    Missed,
    /// A frame of this relay did not get out to there.
    Lost(Subject),
    /// The bus is there, or away.
    Up(bool),
}

/// What a relay hears, in order.
#[derive(Debug)]
pub struct Hearing {
    queue: mpsc::Receiver<Heard>,
    missed: Arc<AtomicBool>,
}

/// The bus's side of it.
#[derive(Clone, Debug)]
pub struct Ear {
    queue: mpsc::Sender<Heard>,
    missed: Arc<AtomicBool>,
}

/// An ear, and what it hears.
pub fn ear() -> (Ear, Hearing) {
    let (sender, queue) = mpsc::channel(HEARD);
    let missed = Arc::<AtomicBool>::default();
    (Ear { queue: sender, missed: Arc::clone(&missed) }, Hearing { queue, missed })
}

impl Ear {
    /// Says something, without waiting.
    pub fn hear(&self, heard: Heard) {
        if self.queue.try_send(heard).is_err() {
            self.missed.store(true, Ordering::Relaxed);
        }
    }
}

impl Hearing {
    /// The next thing that is heard; nothing when the bus is gone for good.
    pub async fn next(&mut self) -> Option<Heard> {
        // It is set only while the queue is full, so there is a next time.
        if self.missed.swap(false, Ordering::Relaxed) {
            return Some(Heard::Missed);
        }
        self.queue.recv().await
    }
}

/// A connection to the bus. None of its methods waits.
pub trait Bus: Debug + Send + Sync {
    /// Sends a frame to other relays, never back to this one. Says whether it is on its way;
    /// if not, it is lost.
    fn send(&self, to: Subject, frame: Bytes) -> bool;
    /// Hears a room from now on. What is for this relay and its peers is always heard.
    fn listen(&self, room: ElectionId);
    /// Hears a room no more.
    fn unlisten(&self, room: ElectionId);
    /// Whether frames go through now.
    fn is_up(&self) -> bool;
    /// Bytes that a frame may have.
    fn max_frame_bytes(&self) -> usize;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_said_to_be_missed_once() {
        let (ear, mut hearing) = ear();
        for _ in 0..=HEARD {
            ear.hear(Heard::Up(true));
        }
        assert!(matches!(hearing.next().await, Some(Heard::Missed)));
        for _ in 0..HEARD {
            assert!(matches!(hearing.next().await, Some(Heard::Up(true))));
        }
        drop(ear);
        assert!(hearing.next().await.is_none());
    }
}
