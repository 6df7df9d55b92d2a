//! The elections that this program has, by id.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use blockvote_core::crypto::hash::ElectionId;

use crate::{
    daemon::Handle,
    relays::{Relays, Room},
};

/// One of these elections.
#[derive(Clone)]
pub struct Held {
    /// Its node.
    pub handle: Handle,
    /// Its title.
    pub title: String,
}

/// All elections. Each is in its own room on each relay.
#[derive(Clone)]
pub struct Elections {
    held: Arc<RwLock<BTreeMap<ElectionId, Held>>>,
    relays: Relays,
}

impl Elections {
    /// No elections yet.
    pub fn new(relays: Relays) -> Self {
        Self { held: Arc::default(), relays }
    }

    /// Adds an election, and enters its room.
    pub fn insert(&self, id: ElectionId, held: Held) {
        self.relays.enter(id, &Room::of(held.handle.clone()));
        self.held.write().unwrap_or_else(PoisonError::into_inner).insert(id, held);
    }

    /// Removes an election, and leaves its room.
    pub fn remove(&self, id: &ElectionId) -> Option<Held> {
        self.relays.leave(id);
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The one with this id.
    pub fn get(&self, id: &ElectionId) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All, by id.
    pub fn all(&self) -> Vec<(ElectionId, Held)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(id, held)| (*id, held.clone())).collect()
    }
}
