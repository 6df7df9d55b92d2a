//! What keepers sign: acknowledgements of votes, and at closing the list of those votes.
//!
//! Each can be checked with the definition alone. An acknowledgement says that the vote could be in
//! a block when it arrived and that it is on the keeper's disk. The closing list fixes which votes
//! were acknowledged in time, so that nobody can be given an acknowledgement afterwards with an
//! earlier date.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{
        encoding::{encode, hash_of},
        hash::{ElectionId, Tag, VoteId, VoteSetRoot},
        key::{PublicKey, SecretKey, Signature, Signed},
        merkle::{self, InclusionProof, Tree},
    },
    election::{definition::Election, election_context::ElectionContext, keepers::Keeper},
    time::Timestamp,
};

/// The root over votes in ascending order of their ids: a Merkle tree whose leaves are the ids.
pub fn set_root(ids: &[VoteId]) -> VoteSetRoot {
    debug_assert!(ids.is_sorted(), "one set has one root");
    VoteSetRoot(merkle::root(&leaves(ids)))
}

/// A set of votes that can prove which votes are in it.
#[derive(Clone, Debug)]
pub struct ProvenSet {
    ids: Vec<VoteId>,
    tree: Tree,
}

impl ProvenSet {
    /// The set of these votes, which must be in ascending order of their ids.
    pub fn new(ids: Vec<VoteId>) -> Self {
        debug_assert!(ids.is_sorted(), "one set has one root");
        let tree = Tree::new(leaves(&ids));
        Self { ids, tree }
    }

    /// The votes.
    pub fn ids(&self) -> &[VoteId] {
        &self.ids
    }

    /// The proof that a vote is in it, if it is.
    pub fn prove(&self, id: &VoteId) -> Option<InclusionProof> {
        self.tree.prove(u32::try_from(self.ids.binary_search(id).ok()?).ok()?)
    }
}

fn leaves(ids: &[VoteId]) -> Vec<[u8; 32]> {
    ids.iter().map(|id| merkle::leaf(&id.0)).collect()
}

/// Why a keeper's acknowledgement or closing list proves nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeeperError {
    /// It is for another election.
    OtherElection(ElectionId),
    /// The definition names no keeper with this key.
    NotNamed(PublicKey),
    /// Somebody else signed it.
    Signature,
    /// Its time is not exact everywhere.
    Time(Timestamp),
}

/// The keeper that signed, if the definition names it and the signature is valid.
fn signer<'a>(
    context: &'a ElectionContext,
    election: ElectionId,
    key: PublicKey,
    message: &[u8],
    signature: &Signature,
) -> Result<&'a Keeper, KeeperError> {
    if election != context.id() {
        return Err(KeeperError::OtherElection(election));
    }
    let keeper = context.election().keeper(&key).ok_or(KeeperError::NotNamed(key))?;
    let holds = Signed { key: &key, message, signature }.holds();
    if holds { Ok(keeper) } else { Err(KeeperError::Signature) }
}

/// A keeper's signed word that it has a vote.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Acknowledgement {
    /// The election.
    pub election: ElectionId,
    /// The vote.
    pub vote: VoteId,
    /// When it arrived, by the keeper's clock.
    pub at: Timestamp,
    /// The keeper's key.
    pub keeper: PublicKey,
    /// The keeper's signature over the tag and all of the above but its key.
    pub signature: Signature,
}

impl Acknowledgement {
    fn message(election: ElectionId, vote: VoteId, at: Timestamp) -> Vec<u8> {
        let mut message = Tag::ACKNOWLEDGEMENT.0.to_vec();
        message.extend(encode(&(election, vote, at)));
        message
    }

    /// Signs that the keeper has a vote.
    pub fn sign(election: ElectionId, vote: VoteId, at: Timestamp, key: &SecretKey) -> Self {
        let signature = key.sign(&Self::message(election, vote, at));
        Self { election, vote, at, keeper: key.public(), signature }
    }

    /// Whether the key that it names signed it. [`Self::check`] tells whether that key belongs to a
    /// keeper of the election.
    pub fn is_signed(&self) -> bool {
        let message = Self::message(self.election, self.vote, self.at);
        let holds = || Signed { key: &self.keeper, message: &message, signature: &self.signature };
        self.at <= Timestamp::MAX && holds().holds()
    }

    /// Checks that a keeper of this election signed it, and returns the keeper.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check<'a>(&self, context: &'a ElectionContext) -> Result<&'a Keeper, KeeperError> {
        if self.at > Timestamp::MAX {
            return Err(KeeperError::Time(self.at));
        }
        let message = Self::message(self.election, self.vote, self.at);
        signer(context, self.election, self.keeper, &message, &self.signature)
    }
}

/// The votes that a keeper acknowledged in time, as it signs them after closing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct ClosingList {
    /// The election.
    pub election: ElectionId,
    /// How many votes.
    pub votes: u32,
    /// The root over their ids.
    pub root: VoteSetRoot,
    /// The keeper's key.
    pub keeper: PublicKey,
    /// The keeper's signature over the tag and all of the above but its key.
    pub signature: Signature,
}

impl ClosingList {
    fn message(election: ElectionId, votes: u32, root: VoteSetRoot) -> Vec<u8> {
        let mut message = Tag::CLOSING_LIST.0.to_vec();
        message.extend(encode(&(election, votes, root)));
        message
    }

    /// Signs the list of these votes, which must be in ascending order of their ids.
    pub fn sign(election: ElectionId, ids: &[VoteId], key: &SecretKey) -> Self {
        let votes = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let root = set_root(ids);
        let signature = key.sign(&Self::message(election, votes, root));
        Self { election, votes, root, keeper: key.public(), signature }
    }

    /// Checks that a keeper of this election signed it, and returns the keeper.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check<'a>(&self, context: &'a ElectionContext) -> Result<&'a Keeper, KeeperError> {
        let message = Self::message(self.election, self.votes, self.root);
        signer(context, self.election, self.keeper, &message, &self.signature)
    }

    /// What distinguishes two lists of a keeper. Their signatures do not.
    pub fn contents(&self) -> [u8; 32] {
        hash_of(Tag::CLOSING_LIST, &(self.election, self.votes, self.root))
    }

    /// Whether a proof shows that a vote is in the list.
    pub fn holds(&self, vote: &VoteId, proof: &InclusionProof) -> bool {
        proof.leaves == self.votes && proof.verifies(&merkle::leaf(&vote.0), &self.root.0)
    }
}

/// A keeper that may have votes that are not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The keeper's name.
    pub keeper: String,
    /// How many it acknowledged in time; `None` while its closing list is not here.
    pub listed: Option<u32>,
    /// How many are here.
    pub here: u32,
}

/// The first keeper that may have votes that are not among these: its closing list is not known, or
/// is longer.
pub fn keepers_lack(
    keepers: &[Keeper],
    listed: &dyn Fn(&PublicKey) -> Option<u32>,
    here: u32,
) -> Option<Lack> {
    keepers.iter().find_map(|keeper| {
        let listed = listed(&keeper.key);
        let lacks = listed.is_none_or(|listed| listed > here);
        lacks.then(|| Lack { keeper: keeper.name.clone(), listed, here })
    })
}

/// An acknowledgement, and after the keeper signed its closing list, the proof that the vote is on
/// it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Acknowledged {
    /// What the keeper signed when the vote arrived.
    pub acknowledgement: Acknowledgement,
    /// The path to the root of its closing list.
    pub listed: Option<InclusionProof>,
}

/// What an acknowledgement is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// The keeper had the vote in time.
    InTime,
    /// Its time is after the closing time of the definition.
    Late,
    /// The keeper signed a closing list, and nothing here shows that the vote is on it.
    NotListed,
    /// The keeper signed two closing lists: its signature is worth nothing.
    Contradicted,
}

impl Acknowledged {
    /// What it is worth if `lists` are all known closing lists of its keeper. An early closing does
    /// not make it worthless: a keeper acknowledges votes until it hears of the closing.
    pub fn worth(&self, election: &Election, lists: &[ClosingList]) -> Worth {
        let Acknowledgement { vote, at, .. } = &self.acknowledgement;
        let late = election.closes.is_some_and(|closes| *at >= closes);
        match lists {
            [_, _, ..] => Worth::Contradicted,
            _ if late => Worth::Late,
            [] => Worth::InTime,
            [list] => match &self.listed {
                Some(proof) if list.holds(vote, proof) => Worth::InTime,
                Some(_) | None => Worth::NotListed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{
        NOW,
        rolls::{CLOSES, context, context_kept, keeper},
    };

    fn id(number: u8) -> VoteId {
        VoteId([number; 32])
    }

    fn acknowledged(vote: VoteId, at: Timestamp, ids: &[VoteId]) -> Acknowledged {
        let election = context_kept().id();
        let acknowledgement = Acknowledgement::sign(election, vote, at, &keeper(0));
        Acknowledged { acknowledgement, listed: ProvenSet::new(ids.to_vec()).prove(&vote) }
    }

    #[test]
    fn an_acknowledgement_is_one_of_a_named_keeper_for_this_election_and_vote() {
        let context = context_kept();
        let good = Acknowledgement::sign(context.id(), id(1), NOW, &keeper(0));
        assert_eq!(good.check(&context).map(|keeper| keeper.name.as_str()), Ok("Keeper 0"));
        let stranger = Acknowledgement::sign(context.id(), id(1), NOW, &keeper(7));
        let not_named = Err(KeeperError::NotNamed(keeper(7).public()));
        assert_eq!(stranger.check(&context), not_named);
        let far = Timestamp(1 << 53);
        let dated = Acknowledgement::sign(context.id(), id(1), far, &keeper(0));
        assert_eq!(dated.check(&context), Err(KeeperError::Time(far)));
        let foreign = Acknowledgement::sign(self::context().id(), id(1), NOW, &keeper(0));
        assert!(matches!(foreign.check(&context), Err(KeeperError::OtherElection(_))));
        for forged in [
            Acknowledgement { vote: id(2), ..good },
            Acknowledgement { at: NOW.plus_ms(1), ..good },
            Acknowledgement { keeper: keeper(1).public(), ..good },
        ] {
            assert_eq!(forged.check(&context), Err(KeeperError::Signature));
        }
    }

    #[test]
    fn a_date_alone_is_worth_nothing_once_the_list_is_signed() {
        let context = context_kept();
        let election = context.election();
        let ids = [id(1), id(3), id(5)];
        let list = ClosingList::sign(context.id(), &ids, &keeper(0));
        let listed = acknowledged(id(3), NOW, &ids);
        let back_dated = acknowledged(id(4), NOW, &ids);
        assert_eq!(listed.worth(election, &[]), Worth::InTime);
        assert_eq!(listed.worth(election, &[list]), Worth::InTime);
        assert_eq!(back_dated.worth(election, &[]), Worth::InTime, "nothing says otherwise yet");
        assert_eq!(back_dated.worth(election, &[list]), Worth::NotListed);
        let stolen = Acknowledged { listed: listed.listed.clone(), ..back_dated };
        assert_eq!(stolen.worth(election, &[list]), Worth::NotListed);
        assert_eq!(acknowledged(id(3), CLOSES, &ids).worth(election, &[list]), Worth::Late);
        let other = ClosingList::sign(context.id(), &ids[..1], &keeper(0));
        assert_ne!(list.contents(), other.contents());
        assert_eq!(listed.worth(election, &[list, other]), Worth::Contradicted);
    }

    #[test]
    fn a_list_cannot_be_stretched_around_a_proof() {
        let ids = [id(1), id(3), id(5)];
        let mut list = ClosingList::sign(context_kept().id(), &ids, &keeper(0));
        let proof = ProvenSet::new(ids.to_vec()).prove(&id(3)).unwrap();
        assert!(list.holds(&id(3), &proof));
        list.votes += 1;
        assert!(!list.holds(&id(3), &proof));
        assert_eq!(list.check(&context_kept()), Err(KeeperError::Signature));
    }
}
