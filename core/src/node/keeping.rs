//! Being a keeper: which votes came in time, and the list of them at closing.
//!
//! Takes ids and the time; answers with what is to be stored and with what it signs. Invariants: nothing is
//! acknowledged that is not stored first, which the order of outputs sees to; once the closing list is
//! signed nothing is added to it.

use std::collections::BTreeMap;

use super::{ballot_box::GRACE_MS, interface::StoreChange};
use crate::{
    chain::acknowledgements::{Acknowledged, Acknowledgement, ClosingList, ProvenSet},
    crypto::{
        hash::{ElectionId, VoteId},
        key::SecretKey,
    },
    time::Timestamp,
    wire::message::{Challenge, Presence},
};

/// What a keeper has of one election.
pub(super) struct Keeping {
    election: ElectionId,
    key: SecretKey,
    /// The votes that came in time, and when. As many as can be in the election.
    acknowledged: BTreeMap<VoteId, Timestamp>,
    /// What its closing list is over, once it was signed.
    listed: Option<ProvenSet>,
}

impl Keeping {
    /// Begins, or goes on with what the store held. `listed` says whether the closing list was signed.
    pub fn new(
        election: ElectionId,
        key: SecretKey,
        acknowledged: BTreeMap<VoteId, Timestamp>,
        listed: bool,
    ) -> Self {
        let mut keeping = Self { election, key, acknowledged, listed: None };
        if listed {
            keeping.listed = Some(keeping.set());
        }
        keeping
    }

    fn set(&self) -> ProvenSet {
        ProvenSet::new(self.acknowledged.keys().copied().collect())
    }

    /// Votes are being stored, and the election is open: they are acknowledged from now on.
    pub fn take(&mut self, now: Timestamp, id: VoteId) -> Option<StoreChange> {
        if self.listed.is_some() || self.acknowledged.contains_key(&id) {
            return None;
        }
        self.acknowledged.insert(id, now);
        Some(StoreChange::PutAcknowledged(id, now))
    }

    /// Whether the closing list is to be signed now.
    pub fn is_list_due(&self, now: Timestamp, closes: Option<Timestamp>) -> bool {
        let due = closes.is_some_and(|closes| now >= closes.plus_ms(GRACE_MS));
        due && self.listed.is_none()
    }

    /// Signs the closing list.
    pub fn list(&mut self) -> ClosingList {
        let set = self.set();
        let list = ClosingList::sign(self.election, set.ids(), &self.key);
        self.listed = Some(set);
        list
    }

    /// Acknowledges those of these votes that came in time.
    pub fn acknowledge(&self, ids: &[VoteId]) -> Vec<Acknowledged> {
        let signed = |id: &VoteId| {
            let at = *self.acknowledged.get(id)?;
            let acknowledgement = Acknowledgement::sign(self.election, *id, at, &self.key);
            let listed = self.listed.as_ref().and_then(|listed| listed.prove(id));
            Some(Acknowledged { acknowledgement, listed })
        };
        ids.iter().filter_map(signed).collect()
    }

    /// Answers a roll-call.
    pub fn presence(&self, challenge: &Challenge) -> Presence {
        Presence::sign(self.election, challenge, &self.key)
    }

    /// How many votes came in time.
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
        Keeping::new(context_kept().id(), keeper(0), BTreeMap::new(), false)
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
        let mut again = Keeping::new(context_kept().id(), keeper(0), held.clone(), true);
        assert!(again.take(NOW, id(2)).is_none());
        assert!(again.acknowledge(&[id(1)])[0].listed.is_some());
        // The crash came before the list was stored.
        let mut before = Keeping::new(context_kept().id(), keeper(0), held, false);
        assert_eq!(before.list(), list);
    }
}
