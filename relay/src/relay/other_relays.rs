//! What a relay hears from other relays, and what it tells them.
//!
//! Invariant: what came from the bus never goes back to it unchanged, so there are no echoes.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use blockvote_frames::{
    frame::{MAX_SAMPLE, PeerId, ServerFrame},
    ids::ElectionId,
};
use tokio::time::Instant;

use super::Relay;
use crate::{
    bus::{Heard, Subject},
    mesh::PRESENCE_EVERY,
    refusals::Dropped,
    relay_frames::RelayFrame,
    rooms::Queued,
};

/// All presences are sent within this time of each interval, in this many parts.
const PRESENCE_SPREAD: Duration = Duration::from_secs(2);
const PRESENCE_STEPS: u32 = 20;
/// Clients are told to compare at moments within this time, so that they do not all ask at once.
const RESYNC_SPREAD: Duration = Duration::from_secs(3);
/// Clients told at once.
const RESYNC_STEPS: u32 = 30;

/// Rooms whose clients must be told to compare, and whether a task is telling them.
#[derive(Debug, Default)]
pub(super) struct Missed {
    rooms: HashSet<ElectionId>,
    telling: bool,
}

impl Relay {
    fn missed(&self) -> std::sync::MutexGuard<'_, Missed> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears the bus for as long as there is one.
    pub(crate) async fn keep_hearing(self: Arc<Self>) {
        let hearing = self.hearing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut hearing) = hearing else { return };
        while let Some(heard) = hearing.next().await {
            self.heard(heard);
        }
    }

    /// Handles what other relays say.
    pub fn heard(self: &Arc<Self>, heard: Heard) {
        match heard {
            Heard::Up(up) => self.bus_is(up),
            Heard::Missed => {
                // What was missed may be that the bus went away or came back.
                let up = self.mesh.is_up();
                if self.metrics.bus_up.get() != i64::from(up) {
                    self.bus_is(up);
                }
                // It may also be that a frame of this relay did not get out.
                for (room, _) in self.rooms.sizes() {
                    self.mesh.set_lost(room);
                }
                let rooms = self.rooms.sizes();
                self.tell_to_compare(rooms.into_iter().map(|(room, _)| room));
            }
            // The next presence says it.
            Heard::Lost(to) => self.lost(to),
            Heard::Frame(subject, frame) => {
                self.metrics.bus_heard.inc();
                let taken = match subject {
                    Subject::Room(room) => self.heard_in_room(room, &frame),
                    Subject::Peer(peer) => self.heard_for_peer(peer, &frame),
                    Subject::Relay(_) => self.heard_question(&frame),
                };
                if taken.is_none() {
                    self.metrics.dropped(Dropped::BadBusFrame);
                }
            }
        }
    }

    /// The bus is there, or away.
    fn bus_is(&self, up: bool) {
        self.metrics.bus_up.set(i64::from(up));
        if !up {
            return self.mesh.forget_all();
        }
        for (room, _) in self.rooms.sizes() {
            self.say_presence(room, true, false);
        }
    }

    fn heard_in_room(self: &Arc<Self>, room: ElectionId, frame: &Bytes) -> Option<()> {
        let now = Instant::now();
        if let Some(RelayFrame::Presence { relay, peers, wants_reply, lost }) =
            RelayFrame::decode(frame)
        {
            if self.rooms.size(&room) > 0 {
                let alone = self.mesh.peers_elsewhere(&room) == 0;
                self.mesh.heard_presence(room, relay, peers, now);
                if wants_reply {
                    self.say_presence(room, false, false);
                }
                if alone && peers > 0 && self.mesh.may_tell(room, now) {
                    // A client that asked for a sample a moment ago was not told of anybody there,
                    // and heard nothing of this.
                    for client in self.rooms.members(&room) {
                        client.push(self.joined(room), now);
                    }
                }
                if lost {
                    self.tell_to_compare([room]);
                }
            }
            return Some(());
        }
        match ServerFrame::decode(frame) {
            Ok(ServerFrame::Broadcast(inside, from, payload)) if inside == room => {
                if self.duplicates.is_new(&room, payload, now) {
                    let frame = Queued::new(frame.clone(), now, &self.metrics);
                    self.rooms.broadcast(&room, from, &frame);
                } else {
                    self.metrics.dropped(Dropped::Duplicate);
                }
                Some(())
            }
            _ => None,
        }
    }

    fn heard_for_peer(&self, to: PeerId, frame: &Bytes) -> Option<()> {
        let (room, from) = match ServerFrame::decode(frame).ok()? {
            ServerFrame::Direct(room, from, _) => (room, Some(from)),
            ServerFrame::Gone(room, _) | ServerFrame::Peers(room, _) => (room, None),
            _ => return None,
        };
        match (self.rooms.find(&room, to), from) {
            (Some(peer), _) => peer.push_of_peer(frame.clone(), Instant::now()),
            (None, Some(from)) => {
                let gone = ServerFrame::Gone(room, to).encode();
                self.over_bus(Subject::Peer(from), gone.into());
            }
            (None, None) => {}
        }
        Some(())
    }

    fn heard_question(&self, frame: &[u8]) -> Option<()> {
        let Some(RelayFrame::Sample { count, asking, room }) = RelayFrame::decode(frame) else {
            return None;
        };
        let peers = self.rooms.sample(&room, asking, count.min(MAX_SAMPLE).into());
        let answer = ServerFrame::Peers(room, peers).encode();
        self.over_bus(Subject::Peer(asking), answer.into());
        Some(())
    }

    /// Tells other relays how many peers are in each room, until the relay stops.
    pub(crate) async fn keep_presence(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PRESENCE_EVERY);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if !self.mesh.is_up() {
                continue;
            }
            // In parts, so that many rooms do not fill the queue to the bus all at once.
            let rooms = self.rooms.sizes();
            for part in rooms.chunks(rooms.len().div_ceil(PRESENCE_STEPS as usize).max(1)) {
                for (room, _) in part {
                    let lost = self.mesh.take_lost(room);
                    self.say_presence(*room, false, lost);
                }
                tokio::time::sleep(PRESENCE_SPREAD / PRESENCE_STEPS).await;
            }
            self.mesh.forget_silent(Instant::now());
        }
    }

    /// Tells how many peers are in a room. Tells it again if meanwhile the first arrived or the
    /// last left, because this message may have arrived after the one about that.
    pub(super) fn say_presence(&self, room: ElectionId, wants_reply: bool, lost: bool) {
        loop {
            let peers = self.rooms.size(&room);
            // What could not be sent is repeated by the next presence; a loss must not be
            // forgotten.
            if !self.mesh.say(room, peers, wants_reply, lost) && lost {
                self.mesh.set_lost(room);
            }
            if (peers == 0) == (self.rooms.size(&room) == 0) {
                return;
            }
        }
    }

    /// Frames between relays were missed in these rooms. Clients are told by a repeated "joined",
    /// which makes them compare with a few peers: spread over a while, and only once for losses
    /// close together.
    fn tell_to_compare(self: &Arc<Self>, rooms: impl IntoIterator<Item = ElectionId>) {
        let mut missed = self.missed();
        missed.rooms.extend(rooms);
        // A task that is already telling them begins again at its end: those told first may have
        // missed more.
        if std::mem::replace(&mut missed.telling, true) {
            return;
        }
        drop(missed);
        let relay = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                let rooms = {
                    let mut missed = relay.missed();
                    missed.telling = !missed.rooms.is_empty();
                    std::mem::take(&mut missed.rooms)
                };
                if rooms.is_empty() {
                    return;
                }
                relay.metrics.resyncs.inc();
                if !relay.tell(rooms).await {
                    return;
                }
            }
        });
    }

    /// Tells the clients of rooms to compare, over a while; returns whether the relay goes on.
    async fn tell(&self, rooms: HashSet<ElectionId>) -> bool {
        let pause = RESYNC_SPREAD / RESYNC_STEPS;
        // Presences arrive first, so that samples work over the bus again.
        tokio::time::sleep(pause).await;
        let mut told = Vec::new();
        for room in rooms {
            told.extend(self.rooms.members(&room).into_iter().map(|client| (room, client)));
        }
        let step = told.len().div_ceil(RESYNC_STEPS as usize).max(1);
        for clients in told.chunks(step) {
            for (room, client) in clients {
                client.push(self.joined(*room), Instant::now());
            }
            if self.stop.is_cancelled() {
                return false;
            }
            tokio::time::sleep(pause).await;
        }
        true
    }
}
