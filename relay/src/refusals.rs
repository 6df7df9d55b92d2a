//! Everything that the relay refuses: connections, frames, and what ends a connection. Each has a
//! label in the figures: fixed words that tie no address to a vote. A client that is told gets a
//! WebSocket close code or an HTTP status with words that say what to do.

/// An enum of reasons with their labels, all of which are in the figures from the start.
macro_rules! reasons {
    ($(#[$docs:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its label in the figures.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

reasons! {
    /// Why a connection does not become a WebSocket.
    Refused {
        /// The operating system gave no connection, for example for lack of file descriptors.
        Accept = "accept",
        /// Too many connections from this address.
        Address = "address",
        /// Too many connections in all.
        Full = "full",
        /// Broken HTTP, or the request took too long.
        Http = "http",
        /// A page from elsewhere that was not allowed.
        Origin = "origin",
        /// It speaks no version of the protocol that this relay speaks.
        Subprotocol = "subprotocol",
        /// No TLS, or the handshake took too long.
        Tls = "tls",
    }
}

reasons! {
    /// Why reading from a connection pauses.
    Throttled {
        /// It, or others from its address, broadcast too much.
        Broadcasts = "broadcasts",
        /// Too many bytes.
        Bytes = "bytes",
        /// Too many frames.
        Frames = "frames",
    }
}

reasons! {
    /// Why a frame is not forwarded.
    Dropped {
        /// Another relay sent bytes that are not a frame.
        BadBusFrame = "bad_bus_frame",
        /// The bus is away, or took no more frames.
        Bus = "bus",
        /// The peer that it is for reads too slowly; its sender asks again.
        Busy = "busy",
        /// It was sent a moment ago.
        Duplicate = "duplicate",
        /// Too many bytes wait for all clients together; the client is closed.
        Memory = "memory",
        /// Its sender is not in the room.
        NotInRoom = "not_in_room",
        /// Too much is waiting for this client, which is closed.
        QueueFull = "queue_full",
    }
}

reasons! {
    /// Why a connection ends.
    Close {
        /// The client ended it.
        Client = "client",
        /// Nothing was heard for too long.
        Idle = "idle",
        /// It broke the WebSocket protocol.
        Protocol = "protocol",
        /// It sent text.
        Text = "text",
        /// It sent bad UTF-8.
        Utf8 = "utf8",
        /// It sent bytes that are not a frame of this protocol.
        Frame = "bad_frame",
        /// Too many rooms.
        Rooms = "rooms",
        /// It entered no room in time.
        NoRoom = "no_room",
        /// It sent a frame that is too long.
        Size = "too_big",
        /// The relay stops.
        Restart = "restart",
        /// It reads too slowly: its queue is full, or a write took too long.
        Slow = "slow",
    }
}

impl Close {
    /// What the client is told: the WebSocket close code (RFC 6455, section 7.4, and its registry)
    /// and words for its log. `None` if it ended the connection itself.
    pub fn told(self) -> Option<(u16, &'static str)> {
        Some(match self {
            Self::Client => return None,
            Self::Idle => (1001, "nothing was heard from you for too long"),
            Self::Protocol => (1002, "that is not WebSocket"),
            Self::Text => (1003, "frames are binary"),
            Self::Utf8 => (1007, "text must be UTF-8"),
            Self::Frame => (1008, "that is no frame of blockvote.1"),
            Self::Rooms => (1008, "you, or all from your address, are in too many rooms"),
            Self::NoRoom => (1008, "you entered no room in time"),
            Self::Size => (1009, "the frame is too big"),
            Self::Restart => (1012, "the relay is restarting: connect again, or to another one"),
            Self::Slow => {
                (1013, "you read too slowly and missed frames: connect again and compare tips")
            }
        })
    }
}
