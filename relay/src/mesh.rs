//! Several relays as one: who is in a room on other relays, and what is heard from them.
//!
//! Relays tell each other how many peers they have in a room, every [`PRESENCE_EVERY`] and when the
//! first comes or the last goes. A question for random peers is shared out by those numbers; the
//! share of another relay is answered by that relay, straight to the peer that asked.
//!
//! Invariant: what came from the bus never goes back to it as it is, so there are no echoes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use blockvote_frames::{
    frame::{MAX_SAMPLE, PeerId, ServerFrame},
    ids::ElectionId,
};
use rand::seq::index;
use tokio::time::Instant;

use crate::{
    bus::{Bus, Heard, Subject},
    metrics::Reason,
    names::RelayId,
    rooms::{Client, Queued},
    server::Relay,
};

/// How often a relay says how many peers it has in each of its rooms.
pub const PRESENCE_EVERY: Duration = Duration::from_secs(5);
/// What was not repeated within this time is over.
const PRESENCE_FOR: Duration = Duration::from_secs(16);
/// Other relays that are counted in one room.
const MAX_RELAYS: usize = 64;
/// All presences go out within this time of each interval, in so many parts.
const PRESENCE_SPREAD: Duration = Duration::from_secs(2);
const PRESENCE_STEPS: u32 = 20;
/// Clients are told to compare at moments within this time, so that they do not all ask at once.
const RESYNC_SPREAD: Duration = Duration::from_secs(3);
/// Clients told at once.
const RESYNC_STEPS: u32 = 30;

/// First byte of what relays say to each other; frames for clients begin with other bytes.
const PRESENCE: u8 = 0x80;
const SAMPLE: u8 = 0x81;
/// "Tell me of yours."
const WANTS_REPLY: u8 = 1;
/// "I lost frames: compare."
const LOST: u8 = 2;

/// What another relay said of a room.
#[derive(Debug)]
struct Presence {
    peers: u32,
    at: Instant,
}

/// Rooms whose clients are to be told to compare, and whether a task tells them.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    rooms: HashSet<ElectionId>,
    telling: bool,
}

/// This relay among others.
#[derive(Debug)]
pub struct Mesh {
    /// This relay's name.
    pub name: RelayId,
    bus: Arc<dyn Bus>,
    /// Only of rooms that have peers here.
    elsewhere: Mutex<HashMap<ElectionId, HashMap<RelayId, Presence>>>,
    /// Rooms in which a frame did not reach the other relays.
    lost: Mutex<HashSet<ElectionId>>,
    /// When the clients of a room were last told that there are peers elsewhere.
    told: Mutex<HashMap<ElectionId, Instant>>,
}

impl Mesh {
    /// Alone until others are heard.
    pub fn new(name: RelayId, bus: Arc<dyn Bus>) -> Self {
        Self {
            name,
            bus,
            elsewhere: Mutex::default(),
            lost: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Whether other relays are heard, or there are none to hear.
    pub fn is_up(&self) -> bool {
        self.bus.is_up()
    }

    /// Bytes that a frame between relays may have.
    pub fn max_frame_bytes(&self) -> usize {
        self.bus.max_frame_bytes()
    }

    fn elsewhere(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<ElectionId, HashMap<RelayId, Presence>>> {
        self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first peer entered a room here.
    pub fn opened(&self, room: ElectionId) {
        self.bus.listen(room);
    }

    /// The last peer left a room here.
    pub fn closed(&self, room: ElectionId) {
        self.bus.unlisten(room);
        self.elsewhere().remove(&room);
        self.lost().remove(&room);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&room);
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, HashSet<ElectionId>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to tell a room's clients of peers elsewhere: not each time that one comes and goes.
    fn may_tell(&self, room: ElectionId, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = told.get(&room);
        let may = last.is_none_or(|last| now.saturating_duration_since(*last) >= PRESENCE_EVERY);
        if may {
            told.insert(room, now);
        }
        may
    }

    /// Says how many peers are in a room; whether it is on its way.
    fn say(&self, room: ElectionId, peers: usize, flags: u8) -> bool {
        let peers = u32::try_from(peers).unwrap_or(u32::MAX).to_le_bytes();
        let mut frame = vec![PRESENCE, flags];
        frame.extend(self.name.bytes());
        frame.extend(peers);
        self.bus.send(Subject::Room(room), frame.into())
    }

    /// Peers of a room on other relays.
    pub fn peers_elsewhere(&self, room: &ElectionId) -> usize {
        let elsewhere = self.elsewhere();
        elsewhere.get(room).map_or(0, |relays| relays.values().map(|p| p.peers as usize).sum())
    }

    /// Whether another relay has peers in a room.
    fn is_in(&self, room: &ElectionId, relay: RelayId) -> bool {
        self.elsewhere().get(room).is_some_and(|relays| relays.contains_key(&relay))
    }

    /// Shares a question for `count` peers out: how many from here, and how many from where.
    fn shares(&self, room: &ElectionId, here: usize, count: usize) -> (usize, Vec<(RelayId, u8)>) {
        let mut ends = vec![(None, here)];
        if let Some(relays) = self.elsewhere().get(room) {
            for (relay, presence) in relays {
                let before = ends.last().map_or(0, |(_, end)| *end);
                ends.push((Some(*relay), before + presence.peers as usize));
            }
        }
        let all = ends.last().map_or(0, |(_, end)| *end);
        let (mut own, mut others) = (0, HashMap::new());
        for drawn in index::sample(&mut rand::rng(), all, count.min(all)) {
            match ends.iter().find(|(_, end)| drawn < *end) {
                Some((Some(relay), _)) => *others.entry(*relay).or_insert(0_u8) += 1,
                _ => own += 1,
            }
        }
        (own, others.into_iter().collect())
    }

    fn heard_presence(&self, room: ElectionId, relay: RelayId, peers: u32, now: Instant) {
        let mut elsewhere = self.elsewhere();
        let relays = elsewhere.entry(room).or_default();
        relays.retain(|_, presence| now.saturating_duration_since(presence.at) < PRESENCE_FOR);
        if peers == 0 {
            relays.remove(&relay);
        } else if relays.len() < MAX_RELAYS || relays.contains_key(&relay) {
            relays.insert(relay, Presence { peers, at: now });
        }
    }
}

impl Relay {
    fn missed(&self) -> std::sync::MutexGuard<'_, Missed> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame to other relays, and counts it.
    fn over_bus(&self, to: Subject, frame: Bytes) -> bool {
        let sent = self.mesh.bus.send(to, frame);
        if sent {
            self.metrics.bus_sent.inc();
        } else {
            self.metrics.dropped(Reason("bus"));
            self.lost(to);
        }
        sent
    }

    /// A frame did not reach other relays. What was for a room, its peers elsewhere have to compare
    /// for; what was for one peer or relay, it asks for again.
    fn lost(&self, to: Subject) {
        if let Subject::Room(room) = to
            && self.rooms.size(&room) > 0
        {
            self.mesh.lost().insert(room);
        }
    }

    /// Delivers a broadcast here and elsewhere, unless it went out a moment ago.
    pub fn broadcast(&self, room: ElectionId, from: PeerId, payload: &[u8], now: Instant) -> bool {
        if !self.duplicates.is_new(&room, payload, now) {
            self.metrics.dropped(Reason("duplicate"));
            return false;
        }
        let bytes = Bytes::from(ServerFrame::Broadcast(room, from, payload).encode());
        self.rooms.broadcast(&room, from, &Queued::new(bytes.clone(), now, &self.metrics));
        if self.mesh.peers_elsewhere(&room) > 0 || !self.mesh.is_up() {
            self.over_bus(Subject::Room(room), bytes);
        }
        true
    }

    /// Delivers a frame to one peer, here or elsewhere; says whether that peer is there.
    pub fn direct(
        &self,
        room: ElectionId,
        from: PeerId,
        to: PeerId,
        payload: &[u8],
        now: Instant,
    ) -> bool {
        let frame = || Bytes::from(ServerFrame::Direct(room, from, payload).encode());
        if let Some(peer) = self.rooms.find(&room, to) {
            peer.push_of_peer(frame(), now);
            return true;
        }
        self.mesh.is_up()
            && self.mesh.is_in(&room, RelayId::of(to))
            && self.over_bus(Subject::Peer(to), frame())
    }

    /// Peers of this relay for a peer that asked; what others contribute they send themselves.
    pub fn sample(&self, room: ElectionId, asking: PeerId, count: u8) -> Option<Vec<PeerId>> {
        let count = usize::from(count.min(MAX_SAMPLE));
        let here = self.rooms.size(&room).saturating_sub(1);
        let (own, others) = self.mesh.shares(&room, here, count);
        let mut asked = false;
        for (relay, share) in others {
            let mut frame = vec![SAMPLE, share];
            frame.extend(asking.0.to_le_bytes());
            frame.extend(room.0);
            asked |= self.over_bus(Subject::Relay(relay), frame.into());
        }
        // Nobody is an answer too, unless another relay gives one.
        (own > 0 || !asked).then(|| self.rooms.sample(&room, asking, own))
    }

    /// Takes what other relays say.
    pub fn heard(self: &Arc<Self>, heard: Heard) {
        match heard {
            Heard::Up(up) => {
                self.metrics.bus_up.set(i64::from(up));
                if !up {
                    // Nobody there can be reached: samples are of those here alone.
                    self.mesh.elsewhere().clear();
                }
                if up {
                    for (room, _) in self.rooms.sizes() {
                        self.say_presence(room, WANTS_REPLY);
                    }
                }
            }
            Heard::Missed => {
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
                    self.metrics.dropped(Reason("bad_bus_frame"));
                }
            }
        }
    }

    fn heard_in_room(self: &Arc<Self>, room: ElectionId, frame: &Bytes) -> Option<()> {
        let now = Instant::now();
        if let Some((&PRESENCE, rest)) = frame.split_first() {
            let (&flags, rest) = rest.split_first()?;
            let (relay, peers) = rest.split_first_chunk::<4>()?;
            let peers = u32::from_le_bytes(peers.try_into().ok()?);
            let here = self.rooms.size(&room);
            if here > 0 {
                let alone = self.mesh.peers_elsewhere(&room) == 0;
                self.mesh.heard_presence(room, RelayId::from_bytes(*relay), peers, now);
                if flags & WANTS_REPLY != 0 {
                    self.say_presence(room, 0);
                }
                if alone && peers > 0 && self.mesh.may_tell(room, now) {
                    // Who sampled a moment ago was told of nobody there, and heard nothing of it.
                    for client in self.rooms.members(&room) {
                        client.push(self.joined(room), now);
                    }
                }
                if flags & LOST != 0 {
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
                    self.metrics.dropped(Reason("duplicate"));
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
        let (&SAMPLE, rest) = frame.split_first()? else { return None };
        let (&count, rest) = rest.split_first()?;
        let (asking, room) = rest.split_first_chunk::<8>()?;
        let (asking, room) =
            (PeerId(u64::from_le_bytes(*asking)), ElectionId(room.try_into().ok()?));
        let peers = self.rooms.sample(&room, asking, count.min(MAX_SAMPLE).into());
        let answer = ServerFrame::Peers(room, peers).encode();
        self.over_bus(Subject::Peer(asking), answer.into());
        Some(())
    }

    /// Says how many peers are where, until the relay stops.
    pub async fn keep_presence(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PRESENCE_EVERY);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if !self.mesh.is_up() {
                continue;
            }
            // In parts, so that many rooms do not fill the way out all at once.
            let rooms = self.rooms.sizes();
            for part in rooms.chunks(rooms.len().div_ceil(PRESENCE_STEPS as usize).max(1)) {
                for (room, _) in part {
                    let lost = self.mesh.lost().remove(room);
                    self.say_presence(*room, if lost { LOST } else { 0 });
                }
                tokio::time::sleep(PRESENCE_SPREAD / PRESENCE_STEPS).await;
            }
            let now = Instant::now();
            self.mesh.elsewhere().retain(|_, relays| {
                relays.retain(|_, p| now.saturating_duration_since(p.at) < PRESENCE_FOR);
                !relays.is_empty()
            });
        }
    }

    /// Says how many peers are in a room; again if meanwhile the first came or the last went, as
    /// what is said of that may have been overtaken by this.
    fn say_presence(&self, room: ElectionId, flags: u8) {
        loop {
            let peers = self.rooms.size(&room);
            // What is not on its way, the next presence says again; a loss must not be forgotten.
            if !self.mesh.say(room, peers, flags) && flags & LOST != 0 {
                self.mesh.lost().insert(room);
            }
            if (peers == 0) == (self.rooms.size(&room) == 0) {
                return;
            }
        }
    }

    /// Lets a client into a room, and tells other relays when it is the first.
    pub fn enter(&self, room: ElectionId, client: &Arc<Client>) {
        if self.rooms.join(room, client, || self.mesh.opened(room)) == 0 {
            self.say_presence(room, WANTS_REPLY);
        }
    }

    /// Takes a client out of a room, and tells other relays when it was the last.
    pub fn leave(&self, room: ElectionId, client: PeerId) {
        if self.rooms.leave(&room, client, || self.mesh.closed(room)) {
            self.say_presence(room, 0);
        }
    }

    /// Frames between relays were missed in these rooms. Clients are told by a repeated "joined",
    /// which makes them compare with a few peers: spread over a while, and once for losses close
    /// together.
    fn tell_to_compare(self: &Arc<Self>, rooms: impl IntoIterator<Item = ElectionId>) {
        let mut missed = self.missed();
        missed.rooms.extend(rooms);
        // Whoever tells already begins once more at its end: those told first may have missed more.
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

    /// Tells the clients of rooms to compare, over a while; says whether the relay goes on.
    async fn tell(&self, rooms: HashSet<ElectionId>) -> bool {
        let pause = RESYNC_SPREAD / RESYNC_STEPS;
        // Presences come in first, so that samples reach over the bus again.
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

    /// The frame that says how many others are in a room, here and elsewhere.
    pub fn joined(&self, room: ElectionId) -> Bytes {
        let others = self.rooms.size(&room).saturating_sub(1) + self.mesh.peers_elsewhere(&room);
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        ServerFrame::Joined(room, others).encode().into()
    }
}
