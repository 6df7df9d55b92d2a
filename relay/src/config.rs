//! Every limit of the relay, with its reason.

use std::time::Duration;

use blockvote_core::relay_frame::MAX_FRAME_BYTES;

/// What the relay allows. The defaults are meant for the open internet.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origins besides the relay's own from which pages may connect, such as
    /// `https://vote.example.org`.
    pub allowed_origins: Vec<String>,
    /// Connections in all: about 20 KiB each when idle.
    pub max_connections: usize,
    /// Connections from one address (IPv6: from one /64). A school sits behind one address.
    pub max_per_address: usize,
    /// Rooms that one connection may be in.
    pub max_rooms: usize,
    /// Bytes of one frame; fixed by the protocol, lower in tests.
    pub max_frame_bytes: usize,
    /// Frames that wait for one connection before it counts as too slow.
    pub queue_frames: usize,
    /// Bytes that wait for one connection before it counts as too slow.
    pub queue_bytes: usize,
    /// Frames a second that one connection may send for long; reading pauses above it.
    pub frames_per_second: f64,
    /// Frames that one connection may send at once.
    pub frames_burst: f64,
    /// Bytes a second that one connection may send for long; reading pauses above it.
    pub bytes_per_second: f64,
    /// Bytes that one connection may send at once: several full frames, or sync would crawl.
    pub bytes_burst: f64,
    /// Time for the header of a request.
    pub header_timeout: Duration,
    /// How often a ping asks whether the other side is still there.
    pub ping_interval: Duration,
    /// A connection that is silent for this long, pongs included, is closed.
    pub idle_timeout: Duration,
    /// A write that does not go out within this time ends the connection.
    pub write_timeout: Duration,
    /// Time for connections to end when the relay stops.
    pub drain_timeout: Duration,
    /// Frames remembered so that a repeated broadcast goes out once.
    pub duplicate_frames: usize,
    /// How long they are remembered.
    pub duplicate_for: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            max_connections: 20_000,
            max_per_address: 1_000,
            max_rooms: 16,
            max_frame_bytes: MAX_FRAME_BYTES,
            queue_frames: 4_096,
            queue_bytes: 4 * MAX_FRAME_BYTES,
            frames_per_second: 200.0,
            frames_burst: 2_000.0,
            bytes_per_second: f64::from(4 << 20),
            bytes_burst: f64::from(16 << 20),
            header_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(50),
            write_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
            duplicate_frames: 65_536,
            duplicate_for: Duration::from_secs(15),
        }
    }
}
