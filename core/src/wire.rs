//! What travels: messages between peers, and the frames in which a relay carries them.
//!
//! Knows what things look like, not what they lead to. Invariant: every list has a bound.

pub mod keepers_room;
pub mod message;

pub use blockvote_frames::frame;
