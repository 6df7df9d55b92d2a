//! What relays say to each other on the bus, apart from frames for clients.

use blockvote_frames::{frame::PeerId, ids::ElectionId};

use crate::relay_ids::RelayId;

/// First byte of each; frames for clients begin with other bytes.
const PRESENCE: u8 = 0x80;
const SAMPLE: u8 = 0x81;
/// Flags of a presence.
const WANTS_REPLY: u8 = 1;
const LOST: u8 = 2;

/// A frame between relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayFrame {
    /// This many peers of the room are here.
    Presence {
        /// The relay that says it.
        relay: RelayId,
        /// How many.
        peers: u32,
        /// Whether it wants to be told in return how many peers are there.
        wants_reply: bool,
        /// Whether it lost frames for the room, so that clients there have to compare.
        lost: bool,
    },
    /// Send some of your peers to a peer of another relay.
    Sample {
        /// How many.
        count: u8,
        /// Who asked.
        asking: PeerId,
        /// The room.
        room: ElectionId,
    },
}

impl RelayFrame {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        match *self {
            Self::Presence { relay, peers, wants_reply, lost } => {
                let wants_reply = if wants_reply { WANTS_REPLY } else { 0 };
                let lost = if lost { LOST } else { 0 };
                frame.extend([PRESENCE, wants_reply | lost]);
                frame.extend(relay.bytes());
                frame.extend(peers.to_le_bytes());
            }
            Self::Sample { count, asking, room } => {
                frame.extend([SAMPLE, count]);
                frame.extend(asking.0.to_le_bytes());
                frame.extend(room.0);
            }
        }
        frame
    }

    /// Reads bytes; `None` if they are not such a frame.
    pub fn decode(frame: &[u8]) -> Option<Self> {
        let ([kind, number], rest) = frame.split_first_chunk::<2>()?;
        match *kind {
            PRESENCE => {
                let (relay, peers) = rest.split_first_chunk::<4>()?;
                Some(Self::Presence {
                    relay: RelayId::from_bytes(*relay),
                    peers: u32::from_le_bytes(peers.try_into().ok()?),
                    wants_reply: number & WANTS_REPLY != 0,
                    lost: number & LOST != 0,
                })
            }
            SAMPLE => {
                let (asking, room) = rest.split_first_chunk::<8>()?;
                let (asking, room) = (PeerId(u64::from_le_bytes(*asking)), room.try_into().ok()?);
                Some(Self::Sample { count: *number, asking, room: ElectionId(room) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let relay = RelayId::from_bytes([1, 2, 3, 4]);
        for (wants_reply, lost) in [(false, false), (true, false), (false, true), (true, true)] {
            let frame = RelayFrame::Presence { relay, peers: 70_000, wants_reply, lost };
            assert_eq!(RelayFrame::decode(&frame.encode()), Some(frame));
        }
        let (asking, room) = (PeerId(7), ElectionId([9; 32]));
        let frame = RelayFrame::Sample { count: 3, asking, room };
        assert_eq!(RelayFrame::decode(&frame.encode()), Some(frame));
    }

    #[test]
    fn what_is_cut_short_or_of_another_kind_is_none() {
        let room = ElectionId([9; 32]);
        let frame = RelayFrame::Sample { count: 3, asking: PeerId(7), room }.encode();
        assert!((0..frame.len()).all(|length| RelayFrame::decode(&frame[..length]).is_none()));
        assert_eq!(RelayFrame::decode(&[0x02; 60]), None);
    }
}
