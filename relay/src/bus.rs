//! What joins several relays to one.
//!
//! A bus carries frames at most once and promises nothing. What it loses, peers find out by
//! comparing; whoever notices a loss says [`Heard::Missed`] or [`Heard::Lost`], and clients are told to compare.

pub mod in_process;
pub mod nats;

use std::{fmt::Debug, sync::Arc};

use axum::body::Bytes;
use blockvote_frames::{frame::PeerId, ids::ElectionId};

use crate::names::RelayId;

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
    /// Frames may have been missed.
    Missed,
    /// A frame of this relay did not get out to there.
    Lost(Subject),
    /// The bus is there, or away.
    Up(bool),
}

/// Takes what a relay hears. It does not wait.
pub type Ear = Arc<dyn Fn(Heard) + Send + Sync>;

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
