//! Several relays that act as one: who is in a room on other relays.
//!
//! Relays tell each other how many peers they have in a room, every [`PRESENCE_EVERY`] and when the
//! first arrives or the last leaves. A question for random peers is divided by those numbers; each
//! other relay answers its share directly to the peer that asked.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use blockvote_frames::ids::ElectionId;
use rand::seq::index;
use tokio::time::Instant;

use crate::{
    bus::{Bus, Subject},
    relay_frames::RelayFrame,
    relay_ids::RelayId,
};

/// How often a relay says how many peers it has in each of its rooms.
pub const PRESENCE_EVERY: Duration = Duration::from_secs(5);
/// What was not repeated within this time is not valid any more.
const PRESENCE_FOR: Duration = Duration::from_secs(16);
/// Other relays that are counted in one room.
const MAX_RELAYS: usize = 64;

/// What another relay said of a room.
#[derive(Debug)]
struct Presence {
    peers: u32,
    at: Instant,
}

impl Presence {
    fn is_of_late(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < PRESENCE_FOR
    }
}

/// This relay and the others.
#[derive(Debug)]
pub struct Mesh {
    /// This relay's name.
    pub name: RelayId,
    bus: Arc<dyn Bus>,
    /// Only for rooms that have peers here.
    elsewhere: Mutex<HashMap<ElectionId, HashMap<RelayId, Presence>>>,
    /// Rooms in which a frame did not reach the other relays.
    lost: Mutex<HashSet<ElectionId>>,
    /// When the clients of a room were last told that there are peers elsewhere.
    told: Mutex<HashMap<ElectionId, Instant>>,
}

impl Mesh {
    /// A relay alone until it hears others.
    pub fn new(name: RelayId, bus: Arc<dyn Bus>) -> Self {
        Self {
            name,
            bus,
            elsewhere: Mutex::default(),
            lost: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Sends a frame to other relays; returns whether it was accepted for sending.
    pub fn send(&self, to: Subject, frame: Bytes) -> bool {
        self.bus.send(to, frame)
    }

    /// Whether other relays are heard, or there are none to hear.
    pub fn is_up(&self) -> bool {
        self.bus.is_up()
    }

    /// Bytes that a frame between relays may have.
    pub fn max_frame_bytes(&self) -> usize {
        self.bus.max_frame_bytes()
    }

    fn elsewhere(&self) -> MutexGuard<'_, HashMap<ElectionId, HashMap<RelayId, Presence>>> {
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

    fn lost(&self) -> MutexGuard<'_, HashSet<ElectionId>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame for a room did not reach the other relays.
    pub fn set_lost(&self, room: ElectionId) {
        self.lost().insert(room);
    }

    /// Whether frames for a room were lost since the last call.
    pub fn take_lost(&self, room: &ElectionId) -> bool {
        self.lost().remove(room)
    }

    /// Whether to tell a room's clients of peers elsewhere: not each time that one arrives and
    /// leaves.
    pub fn may_tell(&self, room: ElectionId, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = told.get(&room);
        let may = last.is_none_or(|last| now.saturating_duration_since(*last) >= PRESENCE_EVERY);
        if may {
            told.insert(room, now);
        }
        may
    }

    /// Tells other relays how many peers are in a room here; returns whether that was accepted for
    /// sending.
    pub fn say(&self, room: ElectionId, peers: usize, wants_reply: bool, lost: bool) -> bool {
        let peers = u32::try_from(peers).unwrap_or(u32::MAX);
        let frame = RelayFrame::Presence { relay: self.name, peers, wants_reply, lost };
        self.send(Subject::Room(room), frame.encode().into())
    }

    /// Peers of a room on other relays.
    pub fn peers_elsewhere(&self, room: &ElectionId) -> usize {
        let elsewhere = self.elsewhere();
        elsewhere.get(room).map_or(0, |relays| relays.values().map(|p| p.peers as usize).sum())
    }

    /// Whether another relay has peers in a room.
    pub fn is_in(&self, room: &ElectionId, relay: RelayId) -> bool {
        self.elsewhere().get(room).is_some_and(|relays| relays.contains_key(&relay))
    }

    /// Divides a question for `count` peers: how many from here, and how many from each other
    /// relay.
    pub fn shares(
        &self,
        room: &ElectionId,
        here: usize,
        count: usize,
    ) -> (usize, Vec<(RelayId, u8)>) {
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

    /// Another relay said how many peers it has in a room.
    pub fn heard_presence(&self, room: ElectionId, relay: RelayId, peers: u32, now: Instant) {
        let mut elsewhere = self.elsewhere();
        let relays = elsewhere.entry(room).or_default();
        relays.retain(|_, presence| presence.is_of_late(now));
        if peers == 0 {
            relays.remove(&relay);
        } else if relays.len() < MAX_RELAYS || relays.contains_key(&relay) {
            relays.insert(relay, Presence { peers, at: now });
        }
    }

    /// The bus is away: nobody there can be reached, and samples are only of peers here.
    pub fn forget_all(&self) {
        self.elsewhere().clear();
    }

    /// Forgets what was not repeated in time.
    pub fn forget_silent(&self, now: Instant) {
        self.elsewhere().retain(|_, relays| {
            relays.retain(|_, presence| presence.is_of_late(now));
            !relays.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::in_process::Hub;

    const ROOM: ElectionId = ElectionId([1; 32]);

    fn mesh() -> Mesh {
        let name = RelayId::draw();
        Mesh::new(name, Arc::<Hub>::default().join(name).0)
    }

    fn relay(number: u8) -> RelayId {
        RelayId::from_bytes([number; 4])
    }

    #[test]
    fn what_other_relays_said_counts_until_it_is_old() {
        let (mesh, now) = (mesh(), Instant::now());
        mesh.heard_presence(ROOM, relay(1), 3, now);
        mesh.heard_presence(ROOM, relay(2), 4, now);
        assert_eq!(mesh.peers_elsewhere(&ROOM), 7);
        mesh.heard_presence(ROOM, relay(2), 0, now);
        assert!(mesh.is_in(&ROOM, relay(1)) && !mesh.is_in(&ROOM, relay(2)));
        mesh.forget_silent(now + PRESENCE_FOR);
        assert_eq!(mesh.peers_elsewhere(&ROOM), 0);
    }

    #[test]
    fn relays_of_a_room_have_a_bound() {
        let (mesh, now) = (mesh(), Instant::now());
        for number in 0..=u8::MAX {
            mesh.heard_presence(ROOM, relay(number), 1, now);
        }
        assert_eq!(mesh.peers_elsewhere(&ROOM), MAX_RELAYS);
    }

    #[test]
    fn a_question_is_shared_out_by_numbers_and_never_for_more_than_there_are() {
        let (mesh, now) = (mesh(), Instant::now());
        mesh.heard_presence(ROOM, relay(1), 2, now);
        assert_eq!(mesh.shares(&ROOM, 1, 6), (1, vec![(relay(1), 2)]));
        let (own, others) = mesh.shares(&ROOM, 100, 6);
        let others: u8 = others.iter().map(|(_, share)| share).sum();
        assert_eq!(own + usize::from(others), 6);
    }

    #[test]
    fn a_loss_is_said_once() {
        let mesh = mesh();
        mesh.set_lost(ROOM);
        assert!(mesh.take_lost(&ROOM) && !mesh.take_lost(&ROOM));
    }
}
