//! What clients and relays say to each other.

use blockvote_core::wire::frame::{ClientFrame, PeerId, ServerFrame};

use crate::{Vectors, check, elections, hex};

pub fn vectors() -> Vectors {
    let (room, peer) = (elections::open().id(), PeerId(0x0102_0304_0506_0708));
    vec![
        ("client frame join", hex(ClientFrame::Join(room).encode())),
        ("client frame leave", hex(ClientFrame::Leave(room).encode())),
        ("client frame broadcast", hex(ClientFrame::Broadcast(room, b"payload").encode())),
        ("client frame send", hex(ClientFrame::Send(room, peer, b"payload").encode())),
        ("client frame sample", hex(ClientFrame::Sample(room, 6).encode())),
        ("server frame welcome", hex(ServerFrame::Welcome(peer).encode())),
        ("server frame joined", hex(ServerFrame::Joined(room, 5).encode())),
        ("server frame peers", hex(ServerFrame::Peers(room, vec![peer]).encode())),
        ("server frame broadcast", hex(ServerFrame::Broadcast(room, peer, b"payload").encode())),
        ("server frame direct", hex(ServerFrame::Direct(room, peer, b"payload").encode())),
        ("server frame gone", hex(ServerFrame::Gone(room, peer).encode())),
    ]
}

#[test]
fn a_frame_is_as_documented() {
    check(vectors());
}
