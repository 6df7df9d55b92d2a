//! Frames between a client and a relay. The relay reads only this layer, not the payloads.
//!
//! One binary WebSocket message is one frame. Every frame except the server's `Welcome` names a
//! room. A payload is opaque and runs to the end of the frame.

use crate::ids::ElectionId;

/// Name of the WebSocket subprotocol: the version of this layer.
pub const SUBPROTOCOL: &str = "blockvote.1";
/// Bytes of one encoded message: a block of 1 MiB and a small margin.
pub const MAX_MESSAGE_BYTES: usize = (1 << 20) + (64 << 10);
/// Bytes of one frame: the largest message plus the longest frame header.
pub const MAX_FRAME_BYTES: usize = MAX_MESSAGE_BYTES + 64;
/// The most peers that one `Sample` frame can bring.
pub const MAX_SAMPLE: u8 = 16;

/// A connection's name on one relay, drawn at random by the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl std::fmt::Display for PeerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame<'a> {
    /// 0: enter the room of an election.
    Join(ElectionId),
    /// 1: leave it.
    Leave(ElectionId),
    /// 2: send to everybody else in the room.
    Broadcast(ElectionId, &'a [u8]),
    /// 3: send to one peer in the room.
    Send(ElectionId, PeerId, &'a [u8]),
    /// 4: ask for a few peers of the room, drawn at random.
    Sample(ElectionId, u8),
}

/// What a relay sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame<'a> {
    /// 0: the first frame: the client's own name.
    Welcome(PeerId),
    /// 1: the room was entered; the number of others in it.
    Joined(ElectionId, u32),
    /// 2: peers of the room.
    Peers(ElectionId, Vec<PeerId>),
    /// 3: a broadcast.
    Broadcast(ElectionId, PeerId, &'a [u8]),
    /// 4: a message for this client alone.
    Direct(ElectionId, PeerId, &'a [u8]),
    /// 5: the peer that a message was for is not in the room.
    Gone(ElectionId, PeerId),
}

/// A frame that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Too long.
    #[error("a frame of {0} bytes; at most {MAX_FRAME_BYTES} are allowed")]
    TooLong(usize),
    /// Ends too early, or goes on after its end.
    #[error("a frame of kind {kind} with {bytes} bytes, which is not the length of that kind")]
    Length {
        /// First byte.
        kind: u8,
        /// Length of the frame.
        bytes: usize,
    },
    /// There is no such kind.
    #[error("a frame of the unknown kind {0}")]
    Kind(u8),
    /// It has no bytes.
    #[error("an empty frame")]
    Empty,
}

/// Takes fixed-size fields off the front of a frame.
struct Fields<'a> {
    kind: u8,
    bytes: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn open(frame: &'a [u8]) -> Result<Self, FrameError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(frame.len()));
        }
        let (kind, rest) = frame.split_first().ok_or(FrameError::Empty)?;
        Ok(Self { kind: *kind, bytes: frame.len(), rest })
    }

    fn length(&self) -> FrameError {
        FrameError::Length { kind: self.kind, bytes: self.bytes }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.length())?;
        self.rest = rest;
        Ok(*field)
    }

    fn room(&mut self) -> Result<ElectionId, FrameError> {
        self.take().map(ElectionId)
    }

    fn peer(&mut self) -> Result<PeerId, FrameError> {
        self.take().map(|bytes| PeerId(u64::from_le_bytes(bytes)))
    }

    fn payload(self) -> &'a [u8] {
        self.rest
    }

    fn end<T>(self, frame: T) -> Result<T, FrameError> {
        if self.rest.is_empty() { Ok(frame) } else { Err(self.length()) }
    }
}

fn join(kind: u8, room: Option<&ElectionId>, fields: &[&[u8]]) -> Vec<u8> {
    let room = room.map_or(&[][..], |room| &room.0);
    let mut frame = vec![kind];
    frame.extend_from_slice(room);
    for field in fields {
        frame.extend_from_slice(field);
    }
    frame
}

impl<'a> ClientFrame<'a> {
    /// The encoded bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Join(room) => join(0, Some(room), &[]),
            Self::Leave(room) => join(1, Some(room), &[]),
            Self::Broadcast(room, payload) => join(2, Some(room), &[payload]),
            Self::Send(room, to, payload) => join(3, Some(room), &[&to.0.to_le_bytes(), payload]),
            Self::Sample(room, count) => join(4, Some(room), &[&[*count]]),
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Why the bytes are not a client's frame.
    pub fn decode(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::open(frame)?;
        match fields.kind {
            0 => fields.room().and_then(|room| fields.end(Self::Join(room))),
            1 => fields.room().and_then(|room| fields.end(Self::Leave(room))),
            2 => Ok(Self::Broadcast(fields.room()?, fields.payload())),
            3 => Ok(Self::Send(fields.room()?, fields.peer()?, fields.payload())),
            4 => {
                let (room, [count]) = (fields.room()?, fields.take()?);
                fields.end(Self::Sample(room, count))
            }
            kind => Err(FrameError::Kind(kind)),
        }
    }
}

impl<'a> ServerFrame<'a> {
    /// The encoded bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome(you) => join(0, None, &[&you.0.to_le_bytes()]),
            Self::Joined(room, others) => join(1, Some(room), &[&others.to_le_bytes()]),
            Self::Peers(room, peers) => {
                let ids: Vec<u8> = peers.iter().flat_map(|peer| peer.0.to_le_bytes()).collect();
                join(2, Some(room), &[&ids])
            }
            Self::Broadcast(room, from, payload) => {
                join(3, Some(room), &[&from.0.to_le_bytes(), payload])
            }
            Self::Direct(room, from, payload) => {
                join(4, Some(room), &[&from.0.to_le_bytes(), payload])
            }
            Self::Gone(room, peer) => join(5, Some(room), &[&peer.0.to_le_bytes()]),
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Why the bytes are not a relay's frame.
    pub fn decode(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::open(frame)?;
        match fields.kind {
            0 => fields.peer().and_then(|you| fields.end(Self::Welcome(you))),
            1 => {
                let (room, others) = (fields.room()?, u32::from_le_bytes(fields.take()?));
                fields.end(Self::Joined(room, others))
            }
            2 => {
                let room = fields.room()?;
                let mut peers = Vec::new();
                while !fields.rest.is_empty() && peers.len() < usize::from(MAX_SAMPLE) {
                    peers.push(fields.peer()?);
                }
                fields.end(Self::Peers(room, peers))
            }
            3 => Ok(Self::Broadcast(fields.room()?, fields.peer()?, fields.payload())),
            4 => Ok(Self::Direct(fields.room()?, fields.peer()?, fields.payload())),
            5 => {
                let (room, peer) = (fields.room()?, fields.peer()?);
                fields.end(Self::Gone(room, peer))
            }
            kind => Err(FrameError::Kind(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_read_back() {
        let (room, peer) = (ElectionId([3; 32]), PeerId(0x0102_0304_0506_0708));
        for frame in [
            ClientFrame::Join(room),
            ClientFrame::Leave(room),
            ClientFrame::Broadcast(room, b"votes"),
            ClientFrame::Send(room, peer, b""),
            ClientFrame::Sample(room, 8),
        ] {
            assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
        }
        for frame in [
            ServerFrame::Welcome(peer),
            ServerFrame::Joined(room, 7),
            ServerFrame::Peers(room, vec![peer, PeerId(1)]),
            ServerFrame::Broadcast(room, peer, b"votes"),
            ServerFrame::Direct(room, peer, b""),
            ServerFrame::Gone(room, peer),
        ] {
            assert_eq!(ServerFrame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn frames_of_another_shape_are_named() {
        assert_eq!(ClientFrame::decode(&[]), Err(FrameError::Empty));
        assert_eq!(ClientFrame::decode(&[9]), Err(FrameError::Kind(9)));
        assert_eq!(ClientFrame::decode(&[0; 34]), Err(FrameError::Length { kind: 0, bytes: 34 }));
        assert_eq!(
            ClientFrame::decode(&vec![2; MAX_FRAME_BYTES + 1]),
            Err(FrameError::TooLong(MAX_FRAME_BYTES + 1))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(frame) = ClientFrame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), &bytes[..]);
            }
            if let Ok(frame) = ServerFrame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), &bytes[..]);
            }
        }
    }
}
