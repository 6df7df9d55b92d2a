//! Names of relays and of connections.
//!
//! A connection's name tells which relay it is on, so that a frame for one peer goes to one relay.

use blockvote_frames::frame::PeerId;

/// Bits of a peer's name that are its relay's. Among ten relays two share them once in 20,000
/// starts; a frame that goes to the wrong relay because of that is answered by "gone".
const RELAY_BITS: u32 = 20;
const SHIFT: u32 = u64::BITS - RELAY_BITS;

/// A running relay's name, drawn at random at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(u32);

impl RelayId {
    /// A name for this process.
    pub fn draw() -> Self {
        Self(rand::random::<u32>() >> (u32::BITS - RELAY_BITS))
    }

    /// The relay that gave a peer its name.
    pub fn of(peer: PeerId) -> Self {
        // 20 bits are left.
        Self(u32::try_from(peer.0 >> SHIFT).unwrap_or(u32::MAX))
    }

    /// A name for a connection: 44 random bits, so that among 20,000 connections two share one in
    /// one of 90,000 cases.
    pub fn draw_peer(self) -> PeerId {
        PeerId(u64::from(self.0) << SHIFT | rand::random::<u64>() >> RELAY_BITS)
    }

    /// The four bytes that identify it between relays.
    pub fn bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// The relay that those bytes identify.
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(bytes))
    }
}

impl std::fmt::Display for RelayId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:05x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_name_tells_its_relay() {
        for _ in 0..1000 {
            let relay = RelayId::draw();
            assert_eq!(RelayId::of(relay.draw_peer()), relay);
            assert_eq!(RelayId::from_bytes(relay.bytes()), relay);
            assert_eq!(relay.to_string().len(), 5);
        }
    }
}
