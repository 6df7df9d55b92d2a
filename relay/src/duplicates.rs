//! Broadcasts that were sent a moment ago.
//!
//! Invariant: the key is the relay's own hash of the bytes that were forwarded. Nobody can use up
//! the key of a vote without sending exactly that vote.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use blockvote_frames::ids::ElectionId;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

type Key = [u8; 16];

/// Keys, and the same keys in the order in which they arrived.
type Seen = (HashSet<Key>, VecDeque<(Instant, Key)>);

/// Remembers the newest broadcasts for a while, up to a number.
#[derive(Debug)]
pub struct Duplicates {
    capacity: usize,
    keep: Duration,
    seen: Mutex<Seen>,
}

impl Duplicates {
    /// Remembers nothing yet.
    pub fn new(capacity: usize, keep: Duration) -> Self {
        Self { capacity, keep, seen: Mutex::default() }
    }

    /// Whether these bytes are new in the room; remembers them if so.
    pub fn is_new(&self, room: &ElectionId, payload: &[u8], now: Instant) -> bool {
        let digest: [u8; 32] =
            Sha256::new_with_prefix(room.0).chain_update(payload).finalize().into();
        let mut key = Key::default();
        key.copy_from_slice(&digest[..16]);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (keys, order) = &mut *seen;
        while let Some((at, old)) = order.front() {
            if order.len() < self.capacity && now.saturating_duration_since(*at) < self.keep {
                break;
            }
            keys.remove(old);
            order.pop_front();
        }
        let new = keys.insert(key);
        if new {
            order.push_back((now, key));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_in_the_same_room_are_duplicates_and_only_for_a_while() {
        let duplicates = Duplicates::new(3, Duration::from_secs(5));
        let (a, b, now) = (ElectionId([1; 32]), ElectionId([2; 32]), Instant::now());
        assert!(duplicates.is_new(&a, b"vote", now));
        assert!(!duplicates.is_new(&a, b"vote", now));
        assert!(duplicates.is_new(&a, b"vote and garbage", now));
        assert!(duplicates.is_new(&b, b"vote", now));
        assert!(duplicates.is_new(&a, b"vote", now + Duration::from_secs(5)));
    }

    #[test]
    fn the_number_remembered_is_bounded() {
        let duplicates = Duplicates::new(3, Duration::from_secs(5));
        let (room, now) = (ElectionId([1; 32]), Instant::now());
        for n in 0..100_u8 {
            assert!(duplicates.is_new(&room, &[n], now));
        }
        let seen = duplicates.seen.lock().unwrap();
        assert_eq!((seen.0.len(), seen.1.len()), (3, 3));
    }
}
