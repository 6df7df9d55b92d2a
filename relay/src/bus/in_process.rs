//! The bus between relays in one process: a single relay by default, several in tests.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::body::Bytes;
use blockvote_frames::ids::ElectionId;

use super::{Bus, Ear, Heard, Hearing, Subject, ear};
use crate::relay_ids::RelayId;

struct Member {
    ear: Ear,
    rooms: HashSet<ElectionId>,
}

/// Where relays of one process meet.
#[derive(Default)]
pub struct Hub {
    members: Mutex<HashMap<RelayId, Member>>,
    away: AtomicBool,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// A relay's connection to the others, and what it hears of them.
    pub fn join(self: &Arc<Self>, name: RelayId) -> (Arc<dyn Bus>, Hearing) {
        let (ear, hearing) = ear();
        self.members().insert(name, Member { ear, rooms: HashSet::new() });
        (Arc::new(Connection { hub: Arc::clone(self), name }), hearing)
    }

    /// Takes the bus away from all, or brings it back.
    pub fn set_up(&self, up: bool) {
        self.away.store(!up, Ordering::Relaxed);
        for ear in self.ears(|_, _| true) {
            ear.hear(Heard::Up(up));
            if up {
                ear.hear(Heard::Missed);
            }
        }
    }

    fn members(&self) -> std::sync::MutexGuard<'_, HashMap<RelayId, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ears(&self, wanted: impl Fn(RelayId, &Member) -> bool) -> Vec<Ear> {
        let members = self.members();
        let wanted = members.iter().filter(|(name, member)| wanted(**name, member));
        wanted.map(|(_, member)| member.ear.clone()).collect()
    }
}

#[derive(Debug)]
struct Connection {
    hub: Arc<Hub>,
    name: RelayId,
}

impl Bus for Connection {
    fn send(&self, to: Subject, frame: Bytes) -> bool {
        if !self.is_up() {
            return false;
        }
        let ears = self.hub.ears(|name, member| {
            name != self.name
                && match &to {
                    Subject::Room(room) => member.rooms.contains(room),
                    Subject::Peer(peer) => name == RelayId::of(*peer),
                    Subject::Relay(relay) => name == *relay,
                }
        });
        for ear in ears {
            ear.hear(Heard::Frame(to, frame.clone()));
        }
        true
    }

    fn listen(&self, room: ElectionId) {
        if let Some(member) = self.hub.members().get_mut(&self.name) {
            member.rooms.insert(room);
        }
    }

    fn unlisten(&self, room: ElectionId) {
        if let Some(member) = self.hub.members().get_mut(&self.name) {
            member.rooms.remove(&room);
        }
    }

    fn is_up(&self) -> bool {
        !self.hub.away.load(Ordering::Relaxed)
    }

    fn max_frame_bytes(&self) -> usize {
        usize::MAX
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.hub.members().remove(&self.name);
    }
}
