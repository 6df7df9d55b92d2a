//! Containers that strangers fill and that end up the same on every node.

use std::collections::BTreeMap;

/// The entries with the lowest keys, at most `MOST`. Nodes that saw the same entries keep the same
/// ones, in whatever order they arrived.
#[derive(Clone, Debug)]
pub struct Lowest<K, V, const MOST: usize> {
    entries: BTreeMap<K, V>,
}

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added<V> {
    /// It adds nothing: its key is known, or is above the keys that are kept.
    Known,
    /// It is kept.
    New,
    /// It is kept, and it pushed this one out.
    Replaced(V),
}

impl<V> Added<V> {
    /// The same, with the replaced value mapped by `say`.
    pub fn map<T>(self, say: impl FnOnce(V) -> T) -> Added<T> {
        match self {
            Self::Known => Added::Known,
            Self::New => Added::New,
            Self::Replaced(value) => Added::Replaced(say(value)),
        }
    }
}

impl<K, V, const MOST: usize> Default for Lowest<K, V, MOST> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<K: Ord, V, const MOST: usize> Lowest<K, V, MOST> {
    /// Whether an entry with this key would add nothing.
    pub fn knows(&self, key: &K) -> bool {
        let full = self.entries.len() >= MOST;
        let above = || self.entries.last_key_value().is_none_or(|(last, _)| last < key);
        self.entries.contains_key(key) || (full && above())
    }

    /// Keeps an entry, if its key is among the lowest.
    pub fn add(&mut self, key: K, value: V) -> Added<V> {
        if self.knows(&key) {
            return Added::Known;
        }
        self.entries.insert(key, value);
        let over = self.entries.len() > MOST;
        let last = over.then(|| self.entries.pop_last()).flatten();
        last.map_or(Added::New, |(_, value)| Added::Replaced(value))
    }

    /// The entry with this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// All entries, the lowest key first.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.entries.values()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_does_not_depend_on_the_order(keys in vec(0_u8..20, 0..40)) {
            let fill = |keys: &[u8]| {
                let mut lowest = Lowest::<u8, u8, 5>::default();
                for key in keys {
                    let known = lowest.knows(key);
                    prop_assert_eq!(lowest.add(*key, *key) == Added::Known, known);
                }
                Ok(lowest.values().copied().collect::<Vec<_>>())
            };
            let reversed: Vec<u8> = keys.iter().rev().copied().collect();
            let kept = fill(&keys)?;
            prop_assert_eq!(&kept, &fill(&reversed)?);
            let all: std::collections::BTreeSet<u8> = keys.into_iter().collect();
            prop_assert_eq!(kept, all.into_iter().take(5).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_highest_makes_room_and_is_named() {
        let mut lowest = Lowest::<u8, char, 2>::default();
        assert_eq!(lowest.add(5, 'e'), Added::New);
        assert_eq!(lowest.add(7, 'g'), Added::New);
        assert_eq!(lowest.add(9, 'i'), Added::Known);
        assert_eq!(lowest.add(5, 'x'), Added::Known);
        assert_eq!(lowest.add(1, 'a'), Added::Replaced('g'));
        assert_eq!(lowest.get(&5), Some(&'e'));
    }
}
