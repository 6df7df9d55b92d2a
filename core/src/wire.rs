//! What is sent: messages between peers, and the frames in which a relay carries them.
//!
//! Knows the form of messages, not what they lead to. Invariant: every list has a bound.

pub mod keepers_room;
pub mod message;

pub use blockvote_frames::frame;
