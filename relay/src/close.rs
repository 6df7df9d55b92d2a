//! Why the relay ends a connection.

use crate::metrics::Reason;

/// The WebSocket close code, words for the client, a label for the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455, section 7.4, and the registry behind it.
    pub code: u16,
    /// For the client's log.
    pub words: &'static str,
    /// For the metrics.
    pub reason: Reason,
}

const fn close(code: u16, reason: &'static str, words: &'static str) -> Close {
    Close { code, words, reason: Reason(reason) }
}

impl Close {
    /// Nothing was heard for too long.
    pub const IDLE: Self = close(1001, "idle", "nothing was heard from you for too long");
    /// Broken WebSocket.
    pub const PROTOCOL: Self = close(1002, "protocol", "that is not WebSocket");
    /// Text.
    pub const TEXT: Self = close(1003, "text", "frames are binary");
    /// Bad UTF-8.
    pub const UTF8: Self = close(1007, "utf8", "text must be UTF-8");
    /// Not a frame of this protocol.
    pub const FRAME: Self = close(1008, "bad_frame", "that is no frame of blockvote.1");
    /// Too many rooms.
    pub const ROOMS: Self =
        close(1008, "rooms", "you, or all from your address, are in too many rooms");
    /// No room in time.
    pub const NO_ROOM: Self = close(1008, "no_room", "you entered no room in time");
    /// Too long.
    pub const SIZE: Self = close(1009, "too_big", "the frame is too big");
    /// The relay stops.
    pub const RESTART: Self =
        close(1012, "restart", "the relay is restarting: connect again, or to another one");
    /// The queue is full.
    pub const SLOW: Self = close(
        1013,
        "slow",
        "you read too slowly and missed frames: connect again and compare tips",
    );
}
