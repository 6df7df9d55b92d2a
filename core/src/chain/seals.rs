//! The seals that a node keeps. Seals over the same set of votes and the same tally agree, whatever
//! block they name. Two different results contradict each other.
//!
//! Invariant: there are at most [`MAX_RESULTS`] results, with at most [`MAX_EACH`] seals each, and
//! the seal that is valid here is among them: a seal over a block that nobody has must not push it
//! out.

use std::collections::BTreeMap;

use crate::{
    chain::{lowest_keys::Added, statements::Seal},
    crypto::hash::{SealId, TallyHash, VoteSetRoot},
};

/// Two results that differ prove all there is to prove.
pub const MAX_RESULTS: usize = 2;
/// Seals over one result: signing more of them gains nothing.
pub const MAX_EACH: usize = 4;

type Result = (VoteSetRoot, TallyHash);

/// The seals, by what they are over.
#[derive(Clone, Debug, Default)]
pub(super) struct Seals {
    results: BTreeMap<Result, BTreeMap<SealId, Seal>>,
    holds: Option<SealId>,
}

impl Seals {
    /// Which seal this one would push out; `None` if there is room.
    ///
    /// # Errors
    /// If the seal adds nothing.
    fn goes_for(&self, seal: &Seal) -> std::result::Result<Option<(Result, SealId)>, ()> {
        let (result, id) = (seal.result(), seal.id());
        if let Some(group) = self.results.get(&result) {
            if group.contains_key(&id) {
                return Err(());
            }
            if group.len() < MAX_EACH {
                return Ok(None);
            }
            let last = group.keys().rev().find(|last| Some(**last) != self.holds);
            return last.filter(|last| **last > id).map(|last| Some((result, *last))).ok_or(());
        }
        if self.results.len() < MAX_RESULTS {
            return Ok(None);
        }
        let last = self.results.last_key_value().filter(|(last, _)| **last > result);
        let last = last.and_then(|(last, group)| Some((*last, *group.keys().next()?)));
        last.map(Some).ok_or(())
    }

    /// Whether a seal would add nothing.
    pub fn knows(&self, seal: &Seal) -> bool {
        self.goes_for(seal).is_err()
    }

    /// Keeps a seal if there is room for it.
    pub fn add(&mut self, seal: &Seal) -> Added<Seal> {
        let Ok(goes) = self.goes_for(seal) else { return Added::Known };
        let mut gone = None;
        if let Some((result, id)) = goes {
            if result == seal.result() {
                gone = self.results.get_mut(&result).and_then(|group| group.remove(&id));
            } else {
                gone = self.results.remove(&result).and_then(|mut group| group.remove(&id));
            }
        }
        self.results.entry(seal.result()).or_default().insert(seal.id(), seal.clone());
        gone.map_or(Added::New, Added::Replaced)
    }

    /// Records which seal is valid here.
    pub fn holds(&mut self, seal: SealId) {
        self.holds = Some(seal);
    }

    /// All of them, by result and id.
    pub fn all(&self) -> impl Iterator<Item = &Seal> {
        self.results.values().flat_map(BTreeMap::values)
    }

    /// The seals of each result, the lowest id first. Different results contradict each other.
    pub fn results(&self) -> Vec<Vec<&Seal>> {
        self.results.values().map(|group| group.values().collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{statements::Sealed, tree::Chain},
        crypto::hash::BlockHash,
        testkit::rolls::{context, organiser, sealed_of},
    };

    fn seal(set: u8, tip: u8) -> Seal {
        let (set, tip) = (VoteSetRoot([set; 32]), BlockHash([tip; 32]));
        Seal::sign(Sealed { tip, set, ..sealed_of(&Chain::new(context())) }, &organiser())
    }

    #[test]
    fn the_one_that_holds_stays_however_many_are_signed_over_its_result() {
        let good = seal(1, 0);
        let mut seals = Seals::default();
        let _ = seals.add(&good);
        seals.holds(good.id());
        for tip in 1..60 {
            let _ = seals.add(&seal(1, tip));
        }
        let kept = seals.results();
        assert_eq!((kept.len(), kept[0].len()), (1, MAX_EACH));
        assert!(seals.knows(&good) && seals.all().any(|kept| *kept == good));
    }

    #[test]
    fn two_results_are_kept_and_no_third() {
        let mut seals = Seals::default();
        assert_eq!(seals.add(&seal(3, 0)), Added::New);
        assert_eq!(seals.add(&seal(2, 0)), Added::New);
        assert_eq!(seals.add(&seal(4, 0)), Added::Known);
        assert_eq!(seals.add(&seal(1, 0)), Added::Replaced(seal(3, 0)));
        assert_eq!(seals.results().len(), MAX_RESULTS);
    }
}
