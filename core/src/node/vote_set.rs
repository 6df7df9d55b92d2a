//! All votes that a node has, in the chain and pending: peers compare these sets, so that a branch
//! that loses does not take its votes with it.
//!
//! The digest is updated vote by vote. The sorted ids are made when they are first compared, and
//! kept until something changes.

use std::cell::OnceCell;

use super::reconcile::ComparedIds;
use crate::{
    crypto::hash::{Tag, VoteId, tagged},
    wire::message::VotesDigest,
};

/// The set: its digest, and its sorted ids.
#[derive(Default)]
pub(super) struct VoteSet {
    votes: u32,
    /// The sum of the ids, as numbers of 256 bits, lowest limb first. It does not depend on the
    /// order.
    sum: [u64; 4],
    compared: OnceCell<Option<ComparedIds>>,
}

impl VoteSet {
    /// The set of these ids, each of which occurs once.
    pub fn of(ids: &mut dyn Iterator<Item = VoteId>) -> Self {
        let mut set = Self::default();
        ids.for_each(|id| set.insert(&id));
        set
    }

    /// Adds a vote that is not in it.
    pub fn insert(&mut self, id: &VoteId) {
        self.votes = self.votes.saturating_add(1);
        self.add(limbs(id), false);
    }

    /// Removes a vote that is in it: adds the number that makes its id 2^256.
    pub fn remove(&mut self, id: &VoteId) {
        self.votes = self.votes.saturating_sub(1);
        self.add(limbs(id).map(|limb| !limb), true);
    }

    fn add(&mut self, number: impl Iterator<Item = u64>, mut carry: bool) {
        self.compared.take();
        for (limb, added) in self.sum.iter_mut().zip(number) {
            let (sum, over) = limb.overflowing_add(added);
            let (sum, over_too) = sum.overflowing_add(carry.into());
            (*limb, carry) = (sum, over || over_too);
        }
    }

    /// What a greeting says about it.
    pub fn digest(&self) -> VotesDigest {
        let mut sum = [0; 32];
        for (bytes, limb) in sum.chunks_exact_mut(8).zip(self.sum) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
        VotesDigest { votes: self.votes, fingerprint: tagged(Tag::VOTES, &sum) }
    }

    /// The ids, ready to be compared; `ids` are those of the set.
    pub fn compared(&self, ids: &mut dyn Iterator<Item = VoteId>) -> Option<&ComparedIds> {
        self.compared.get_or_init(|| ComparedIds::new(ids).ok()).as_ref()
    }
}

fn limbs(id: &VoteId) -> impl Iterator<Item = u64> {
    id.0.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> VoteId {
        VoteId([number; 32])
    }

    #[test]
    fn the_digest_is_that_of_the_set_however_it_came_about() {
        let ids = [id(0xff), id(1), id(0xfe), id(0x80)];
        let one = VoteSet::of(&mut ids.into_iter());
        let mut other = VoteSet::of(&mut ids.into_iter().rev());
        assert_eq!(one.digest(), other.digest());
        other.insert(&id(7));
        assert_ne!(one.digest(), other.digest());
        other.remove(&id(7));
        assert_eq!(one.digest(), other.digest());
        for id in &ids {
            other.remove(id);
        }
        assert_eq!(other.digest(), VoteSet::default().digest());
    }

    #[test]
    fn what_is_compared_changes_with_the_votes() {
        let question = |set: &VoteSet, ids: &[VoteId]| {
            set.compared(&mut ids.iter().copied()).unwrap().question()
        };
        let mut set = VoteSet::default();
        let empty = question(&set, &[]);
        set.insert(&id(1));
        assert_ne!(question(&set, &[id(1)]), empty);
        set.remove(&id(1));
        assert_eq!(question(&set, &[]), empty);
    }
}
