//! Comparing votes with a peer: the bytes sent grow with the difference, not with the sets.
//!
//! Range-based set reconciliation (A. Meyer, "Range-Based Set Reconciliation", 2023) by the
//! `negentropy` crate, whose messages are carried unchanged. An item is a vote's id with the
//! timestamp 0. The side that begins learns both differences, sends what the other lacks and asks
//! for what it lacks itself.
//!
//! Invariant: nothing is kept between messages, so a peer that stops in the middle leaves nothing
//! behind.

use negentropy::{Id, Negentropy, NegentropyStorageVector};

use crate::{crypto::hash::VoteId, sorted::sorted, wire::message::MAX_RECONCILE_BYTES};

/// The ids of votes, sorted for comparing.
pub(super) struct ComparedIds {
    storage: NegentropyStorageVector,
}

/// What the answer of a peer shows, each list in ascending order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The peer does not have these.
    pub lacking: Vec<VoteId>,
    /// Only the peer has these.
    pub wanted: Vec<VoteId>,
    /// What to ask next; `None` once everything is compared.
    pub next: Option<Vec<u8>>,
}

impl ComparedIds {
    /// Sorts the ids.
    ///
    /// # Errors
    /// If the crate refuses them. It does so only for a set that is sealed already, and this one is
    /// not.
    pub fn new(ids: &mut dyn Iterator<Item = VoteId>) -> Result<Self, negentropy::Error> {
        let mut storage = NegentropyStorageVector::new();
        for id in ids {
            storage.insert(0, Id::from_byte_array(id.0))?;
        }
        storage.seal()?;
        Ok(Self { storage })
    }

    fn session(&self) -> Result<Negentropy<'_, NegentropyStorageVector>, negentropy::Error> {
        Negentropy::borrowed(&self.storage, MAX_RECONCILE_BYTES as u64)
    }

    /// The question that begins a comparison.
    ///
    /// # Errors
    /// Those of the crate; its bounds are met.
    pub fn question(&self) -> Result<Vec<u8>, negentropy::Error> {
        self.session()?.initiate()
    }

    /// The answer to a peer's question.
    ///
    /// # Errors
    /// What is wrong with the question: no honest peer sends it.
    pub fn answer(&self, question: &[u8]) -> Result<Vec<u8>, negentropy::Error> {
        self.session()?.reconcile(question)
    }

    /// Reads a peer's answer.
    ///
    /// # Errors
    /// What is wrong with the answer: no honest peer sends it.
    pub fn difference(&self, answer: &[u8]) -> Result<Difference, negentropy::Error> {
        let mut session = self.session()?;
        session.set_initiator();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = session.reconcile_with_ids(answer, &mut have, &mut need)?;
        // The crate returns them in the order of a hash table. They are sorted, so that a node does
        // the same for the same input.
        let ids = |ids: Vec<Id>| sorted(ids.iter().map(|id| VoteId(id.to_bytes())).collect());
        Ok(Difference { lacking: ids(have), wanted: ids(need), next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u8]) -> Vec<VoteId> {
        numbers.iter().map(|number| VoteId([*number; 32])).collect()
    }

    fn set(numbers: &[u8]) -> ComparedIds {
        ComparedIds::new(&mut ids(numbers).into_iter()).unwrap()
    }

    #[test]
    fn whoever_asks_learns_both_differences() {
        let (asking, answering) = (set(&[1, 2, 3, 9]), set(&[2, 3, 4]));
        let answer = answering.answer(&asking.question().unwrap()).unwrap();
        let difference = Difference { lacking: ids(&[1, 9]), wanted: ids(&[4]), next: None };
        assert_eq!(asking.difference(&answer), Ok(difference));
    }

    #[test]
    fn equal_sets_need_one_round_and_bring_nothing() {
        let (asking, answering) = (set(&[1, 2]), set(&[2, 1]));
        let answer = answering.answer(&asking.question().unwrap()).unwrap();
        assert_eq!(asking.difference(&answer), Ok(Difference::default()));
    }

    #[test]
    fn bytes_that_are_no_comparison_are_an_error() {
        assert!(set(&[1]).answer(&[]).is_err());
        assert!(set(&[1]).difference(&[0xff; 40]).is_err());
    }
}
