//! Being a keeper: which votes arrived in time, and the list of them at closing.
//!
//! Takes ids and the time; returns what must be stored and what the keeper signs. Invariants:
//! nothing is acknowledged before it is stored, which the order of outputs ensures; once the
//! closing list is signed nothing is added to it.

use std::collections::BTreeMap;

use super::{ballot_box::GRACE_MS, interface::StoreChange};
use crate::{
    chain::acknowledgements::{Acknowledged, Acknowledgement, ClosingList, ProvenSet},
    crypto::{
        hash::{ElectionId, VoteId},
        key::{PublicKey, SecretKey},
    },
    time::Timestamp,
    wire::{
        frame::PeerId,
        message::{Challenge, Presence},
    },
};

/// What a keeper has of one election.
pub(super) struct Keeping {
    election: ElectionId,
    key: SecretKey,
    /// The votes that arrived in time, and when. As many as there can be in the election.
    acknowledged: BTreeMap<VoteId, Timestamp>,
    /// Its closing list.
    list: List,
    /// Whether it was here when the election closed: what it has then is all that it acknowledged.
    was_here: bool,
}

/// The closing list of a keeper.
enum List {
    /// It is not signed yet.
    Open,
    /// It was signed, over this set.
    Signed(ProvenSet),
    /// A list that does not follow from this store was signed with the key: the store that led to
    /// it was lost. Signing another list would make the keeper's signature worthless.
    Elsewhere,
}

impl Keeping {
    /// Begins, or continues from the content of a store. `open` says whether the election is not
    /// closed yet.
    pub fn new(
        election: ElectionId,
        key: SecretKey,
        acknowledged: BTreeMap<VoteId, Timestamp>,
        open: bool,
    ) -> Self {
        // A keeper that has acknowledged nothing and starts after closing has nothing to list: its
        // store may have been lost.
        let was_here = open || !acknowledged.is_empty();
        Self { election, key, acknowledged, list: List::Open, was_here }
    }

    /// The key's public half.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// A closing list of this key is known: from now on nothing is acknowledged and no other list
    /// is signed.
    pub fn knows_list(&mut self, list: &ClosingList) {
        if matches!(self.list, List::Open) {
            let set = self.set();
            let same = ClosingList::sign(self.election, set.ids(), &self.key) == *list;
            self.list = if same { List::Signed(set) } else { List::Elsewhere };
        }
    }

    fn set(&self) -> ProvenSet {
        ProvenSet::new(self.acknowledged.keys().copied().collect())
    }

    /// Votes are being stored, and the election is open: they are acknowledged from now on.
    pub fn take(&mut self, now: Timestamp, id: VoteId) -> Option<StoreChange> {
        let open = matches!(self.list, List::Open);
        if !open || self.acknowledged.contains_key(&id) {
            return None;
        }
        self.acknowledged.insert(id, now);
        Some(StoreChange::PutAcknowledged(id, now))
    }

    /// Whether the closing list is to be signed now.
    pub fn is_list_due(&self, now: Timestamp, closes: Option<Timestamp>) -> bool {
        let due = closes.is_some_and(|closes| now >= closes.plus_ms(GRACE_MS));
        due && self.was_here && matches!(self.list, List::Open)
    }

    /// Signs the closing list.
    pub fn list(&mut self) -> ClosingList {
        let set = self.set();
        let list = ClosingList::sign(self.election, set.ids(), &self.key);
        self.list = List::Signed(set);
        list
    }

    /// Acknowledges those of these votes that arrived in time.
    pub fn acknowledge(&self, ids: &[VoteId]) -> Vec<Acknowledged> {
        let signed = |id: &VoteId| {
            let at = *self.acknowledged.get(id)?;
            let acknowledgement = Acknowledgement::sign(self.election, *id, at, &self.key);
            let listed = match &self.list {
                List::Signed(set) => set.prove(id),
                List::Open | List::Elsewhere => None,
            };
            Some(Acknowledged { acknowledgement, listed })
        };
        ids.iter().filter_map(signed).collect()
    }

    /// Answers a roll-call of this asker.
    pub fn presence(&self, challenge: &Challenge, asker: PeerId) -> Presence {
        Presence::sign(self.election, challenge, asker, &self.key)
    }

    /// How many votes arrived in time.
    pub fn len(&self) -> usize {
        self.acknowledged.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::acknowledgements::Worth,
        testkit::{
            NOW,
            rolls::{CLOSES, context_kept, keeper},
        },
    };

    fn id(number: u8) -> VoteId {
        VoteId([number; 32])
    }

    fn keeping() -> Keeping {
        Keeping::new(context_kept().id(), keeper(0), BTreeMap::new(), true)
    }

    #[test]
    fn what_is_acknowledged_is_stored_first_and_once_with_the_time_it_came() {
        let mut keeping = keeping();
        let stored = keeping.take(NOW, id(1));
        assert!(matches!(stored, Some(StoreChange::PutAcknowledged(vote, NOW)) if vote == id(1)));
        assert!(keeping.take(NOW.plus_ms(5), id(1)).is_none());
        let signed = keeping.acknowledge(&[id(1), id(2)]);
        assert_eq!(signed.len(), 1);
        assert_eq!(signed[0].acknowledgement.at, NOW);
        assert!(signed[0].acknowledgement.check(&context_kept()).is_ok());
    }

    #[test]
    fn the_list_is_signed_two_minutes_after_closing_and_nothing_is_added_to_it() {
        let mut keeping = keeping();
        for number in [3, 1, 2] {
            let _ = keeping.take(NOW, id(number));
        }
        let due = CLOSES.plus_ms(GRACE_MS);
        assert!(!keeping.is_list_due(Timestamp(due.0 - 1), Some(CLOSES)));
        assert!(!keeping.is_list_due(due, None));
        assert!(keeping.is_list_due(due, Some(CLOSES)));
        let list = keeping.list();
        assert!(!keeping.is_list_due(due, Some(CLOSES)));
        assert!(keeping.take(due, id(9)).is_none());
        let signed = keeping.acknowledge(&[id(2)]);
        let worth = signed[0].worth(context_kept().election(), &[list]);
        assert_eq!((list.votes, worth), (3, Worth::InTime));
    }

    #[test]
    fn a_restart_signs_no_other_list() {
        let mut keeping = keeping();
        let _ = keeping.take(NOW, id(1));
        let list = keeping.list();
        let held = keeping.acknowledged.clone();
        let mut again = Keeping::new(context_kept().id(), keeper(0), held.clone(), false);
        again.knows_list(&list);
        assert!(again.take(NOW, id(2)).is_none());
        assert!(again.acknowledge(&[id(1)])[0].listed.is_some());
        // The crash happened before the list was stored.
        let mut before = Keeping::new(context_kept().id(), keeper(0), held, false);
        assert_eq!(before.list(), list);
    }

    #[test]
    fn a_store_that_was_lost_makes_no_second_list() {
        let due = CLOSES.plus_ms(GRACE_MS);
        let mut full = keeping();
        let _ = full.take(NOW, id(1));
        let _ = full.take(NOW, id(2));
        let list = full.list();
        // From a backup, and the list arrives from peers.
        let mut restored =
            Keeping::new(context_kept().id(), keeper(0), [(id(1), NOW)].into(), false);
        restored.knows_list(&list);
        assert!(!restored.is_list_due(due, Some(CLOSES)));
        assert!(restored.acknowledge(&[id(1)])[0].listed.is_none());
        // From an empty store, when everything is over.
        let empty = Keeping::new(context_kept().id(), keeper(0), BTreeMap::new(), false);
        assert!(!empty.is_list_due(due, Some(CLOSES)));
    }
}
