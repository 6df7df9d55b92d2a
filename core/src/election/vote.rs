//! A vote: who (a token) chose what (a ballot) in which election, and by what right.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{
        encoding::{encode, hash_of},
        hash::{ElectionId, Tag, VoteId},
        key::{PublicKey, SecretKey, Signature, Signed, verify_all},
    },
    election::{
        ballot::{Ballot, BallotError},
        definition::Counting,
        election_context::ElectionContext,
        token::{MAX_SEQUENCE, TokenId},
    },
};

/// By what right the token is used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authorization {
    /// The election is open: the token belongs to the first who uses it.
    Open,
    /// A signature by the token's key on the voter roll, over the tag and the vote's id.
    Signed(Signature),
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Vote {
    /// The election.
    pub election: ElectionId,
    /// The right that is used.
    pub token: TokenId,
    /// 0, and one more each time the voter changes the vote, if the last vote counts.
    pub sequence: u8,
    /// What was chosen.
    pub ballot: Ballot,
    /// By what right. Not part of the id.
    pub authorization: Authorization,
}

/// A vote that keeps every rule that does not depend on the chain, its signature included, in the
/// election that it names. Only a check can make one: [`Vote::check`], [`check_all`], or the check
/// of a block, which may come from this node's own store, where it was checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedVote {
    vote: Vote,
    id: VoteId,
}

impl CheckedVote {
    /// A vote of a block that was checked, whose id is known.
    pub(crate) fn of_checked_block(vote: Vote, id: VoteId) -> Self {
        Self { vote, id }
    }

    /// Its id, computed when it was checked.
    pub fn id(&self) -> VoteId {
        self.id
    }

    /// The vote.
    pub fn vote(&self) -> &Vote {
        &self.vote
    }

    /// The vote alone.
    pub fn into_vote(self) -> Vote {
        self.vote
    }
}

impl std::ops::Deref for CheckedVote {
    type Target = Vote;

    fn deref(&self) -> &Vote {
        &self.vote
    }
}

/// Why a vote is not valid in an election, whatever is in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoteError {
    /// The vote belongs to another election.
    OtherElection(ElectionId),
    /// The election has no such token.
    NoSuchToken {
        /// The token.
        token: TokenId,
        /// Lowest token.
        lowest: u64,
        /// Highest token.
        highest: u64,
    },
    /// A vote cannot be changed in this election, or not that often.
    Sequence {
        /// What it has.
        found: u8,
        /// What is allowed.
        highest: u8,
    },
    /// The ballot is not allowed.
    Ballot(BallotError),
    /// The vote has no signature, but the election has a roll.
    Unsigned(TokenId),
    /// The vote has a signature, but the election has no roll.
    NeedlesslySigned,
    /// Another key signed it, or something else was signed.
    Signature(TokenId),
}

impl From<BallotError> for VoteError {
    fn from(error: BallotError) -> Self {
        Self::Ballot(error)
    }
}

impl Vote {
    /// A vote in an open election.
    pub fn open(election: ElectionId, token: TokenId, ballot: Ballot) -> Self {
        Self { election, token, sequence: 0, ballot, authorization: Authorization::Open }
    }

    /// A vote signed by the token's voter.
    pub fn signed(
        election: ElectionId,
        token: TokenId,
        sequence: u8,
        ballot: Ballot,
        key: &SecretKey,
    ) -> Self {
        let authorization = Authorization::Open;
        let mut vote = Self { election, token, sequence, ballot, authorization };
        vote.authorization = Authorization::Signed(key.sign(&vote.signing_message()));
        vote
    }

    /// SHA-256 of the tagged encoding without the authorization.
    pub fn id(&self) -> VoteId {
        let said = (&self.election, &self.token, &self.sequence, &self.ballot);
        VoteId(hash_of(Tag::VOTE, &said))
    }

    /// What the voter signs: the tag and the id, which binds election, token, sequence and ballot.
    pub fn signing_message(&self) -> [u8; 48] {
        message(&self.id())
    }

    /// The canonical bytes: a leaf of the votes' Merkle tree.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Checks everything that does not depend on the chain.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, context: &ElectionContext) -> Result<CheckedVote, VoteError> {
        self.clone().into_checked(context)
    }

    /// The same, for a caller that does not need the unchecked vote any more.
    ///
    /// # Errors
    /// The errors of [`Vote::check`].
    pub fn into_checked(self, context: &ElectionContext) -> Result<CheckedVote, VoteError> {
        let ids = check_ids(std::slice::from_ref(&self), context).map_err(|(_, error)| error)?;
        let id = ids.first().copied().unwrap_or_else(|| self.id());
        Ok(CheckedVote { id, vote: self })
    }

    /// What is to be verified of a vote that keeps all other rules; `None` in an open election.
    pub(crate) fn signature(&self, id: VoteId, context: &ElectionContext) -> Option<VoteSignature> {
        let roll = context.roll()?;
        let (key, signature) = match (self.authorization, roll.key(self.token)) {
            (Authorization::Signed(signature), Some(key)) => (*key, signature),
            // Refused earlier. If not, no signature with an s as large as this is valid.
            _ => (PublicKey([0; 32]), Signature([0xff; 64])),
        };
        Some(VoteSignature { key, vote: id, signature })
    }

    /// Checks everything except the signature.
    fn check_unsigned(&self, context: &ElectionContext) -> Result<(), VoteError> {
        let election = context.election();
        if self.election != context.id() {
            return Err(VoteError::OtherElection(self.election));
        }
        let tokens = election.tokens();
        if !tokens.contains(&self.token.0) {
            let (lowest, highest) = (*tokens.start(), *tokens.end());
            return Err(VoteError::NoSuchToken { token: self.token, lowest, highest });
        }
        let highest = match election.counting {
            Counting::FirstCounts => 0,
            Counting::LastCounts => MAX_SEQUENCE,
        };
        if self.sequence > highest {
            return Err(VoteError::Sequence { found: self.sequence, highest });
        }
        self.ballot.check(&election.question())?;
        match (self.authorization, context.roll()) {
            (Authorization::Open, None) | (Authorization::Signed(_), Some(_)) => Ok(()),
            (Authorization::Open, Some(_)) => Err(VoteError::Unsigned(self.token)),
            (Authorization::Signed(_), None) => Err(VoteError::NeedlesslySigned),
        }
    }
}

fn message(id: &VoteId) -> [u8; 48] {
    let mut message = [0; 48];
    message[..16].copy_from_slice(&Tag::SIGN_VOTE.0);
    message[16..].copy_from_slice(&id.0);
    message
}

/// A vote's signature with what it is verified against. It is apart from the vote, so that it can
/// be verified elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VoteSignature {
    /// The voter's key.
    key: PublicKey,
    /// The vote that is signed.
    vote: VoteId,
    /// The signature.
    signature: Signature,
}

/// Verifies signatures in batches. The result is the same as from verifying one after the other.
///
/// # Errors
/// The index of the first signature that is not valid.
pub fn verify_signatures(signatures: &[VoteSignature]) -> Result<(), usize> {
    let messages: Vec<_> = signatures.iter().map(|signed| message(&signed.vote)).collect();
    let signed: Vec<_> = signatures
        .iter()
        .zip(&messages)
        .map(|(VoteSignature { key, signature, .. }, message)| Signed { key, message, signature })
        .collect();
    verify_all(&signed)
}

/// Checks votes together, their signatures in batches.
///
/// # Errors
/// The index of a vote that is not valid, and why: the first vote with a wrong signature, unless
/// another rule is broken. The other rules are checked first because that is cheaper.
pub fn check_all(
    votes: Vec<Vote>,
    context: &ElectionContext,
) -> Result<Vec<CheckedVote>, (usize, VoteError)> {
    let ids = check_ids(&votes, context)?;
    Ok(votes.into_iter().zip(ids).map(|(vote, id)| CheckedVote { vote, id }).collect())
}

/// Checks votes as [`check_all`] does; returns their ids.
///
/// # Errors
/// The errors of [`check_all`].
pub(crate) fn check_ids(
    votes: &[Vote],
    context: &ElectionContext,
) -> Result<Vec<VoteId>, (usize, VoteError)> {
    let ids = check_all_but_signatures(votes, context)?;
    let signatures: Vec<_> =
        votes.iter().zip(&ids).filter_map(|(vote, id)| vote.signature(*id, context)).collect();
    verify_signatures(&signatures)
        .map_err(|index| (index, VoteError::Signature(votes[index].token)))?;
    Ok(ids)
}

/// Checks votes whose signatures were checked before; returns their ids.
///
/// # Errors
/// The index of the first vote that is not valid, and why.
pub(crate) fn check_all_but_signatures(
    votes: &[Vote],
    context: &ElectionContext,
) -> Result<Vec<VoteId>, (usize, VoteError)> {
    for (index, vote) in votes.iter().enumerate() {
        vote.check_unsigned(context).map_err(|error| (index, error))?;
    }
    Ok(votes.iter().map(Vote::id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::{
        definition::{Credentials, Election, Eligibility},
        roll::Roll,
    };

    #[test]
    fn a_vote_is_checked_against_its_election() {
        let demo = ElectionContext::open(Election::demo()).unwrap();
        let vote = |token, election| Vote::open(election, TokenId(token), Ballot::Choices(vec![0]));
        let checked = vote(1, demo.id()).check(&demo).unwrap();
        assert_eq!(checked.id(), vote(1, demo.id()).id());
        for token in [0, 501] {
            let error = vote(token, demo.id()).check(&demo).unwrap_err();
            let token = TokenId(token);
            assert_eq!(error, VoteError::NoSuchToken { token, lowest: 1, highest: 500 });
        }
        assert!(matches!(
            vote(1, ElectionId([9; 32])).check(&demo),
            Err(VoteError::OtherElection(_))
        ));
        assert_ne!(vote(1, demo.id()).id(), vote(2, demo.id()).id());
        let sequence = Vote { sequence: 1, ..vote(1, demo.id()) };
        assert_eq!(sequence.check(&demo), Err(VoteError::Sequence { found: 1, highest: 0 }));
    }

    #[test]
    fn only_the_voter_can_use_a_token_and_only_as_signed() {
        let secrets: Vec<_> = (0..3).map(|number| SecretKey::new([number; 32])).collect();
        let roll = Roll::collect(secrets.iter().map(SecretKey::public)).unwrap();
        let eligibility = Eligibility::Roll {
            root: roll.root(),
            size: roll.size(),
            credentials: Credentials::OwnKeys,
        };
        let election = Election {
            eligibility,
            counting: Counting::LastCounts,
            organiser: Some(SecretKey::new([9; 32]).public()),
            ..Election::demo()
        };
        let context = ElectionContext::new(election, Some(roll.clone())).unwrap();
        let mine = &secrets[0];
        let token = roll.token_of(&mine.public()).unwrap();
        let other = roll.token_of(&secrets[1].public()).unwrap();
        let good = Vote::signed(context.id(), token, 0, Ballot::Choices(vec![1]), mine);
        assert_eq!(good.check(&context).unwrap().into_vote(), good);
        let wrong = [
            Vote::signed(context.id(), token, 0, Ballot::Choices(vec![1]), &secrets[1]),
            Vote { ballot: Ballot::Choices(vec![0]), ..good.clone() },
            Vote { sequence: 1, ..good.clone() },
            Vote { token: other, ..good.clone() },
        ];
        for vote in wrong {
            assert_eq!(vote.check(&context), Err(VoteError::Signature(vote.token)));
        }
        let elsewhere = Vote { election: ElectionId([7; 32]), ..good.clone() };
        assert!(matches!(elsewhere.check(&context), Err(VoteError::OtherElection(_))));
        let outside = Vote::signed(context.id(), TokenId(4), 0, Ballot::Choices(vec![1]), mine);
        let error = outside.check(&context).unwrap_err();
        assert!(matches!(error, VoteError::NoSuchToken { lowest: 1, highest: 3, .. }));
        let unsigned = Vote::open(context.id(), token, Ballot::Choices(vec![1]));
        assert_eq!(unsigned.check(&context), Err(VoteError::Unsigned(token)));
        let often = Vote::signed(context.id(), token, 100, Ballot::Choices(vec![1]), mine);
        assert_eq!(often.check(&context), Err(VoteError::Sequence { found: 100, highest: 99 }));
        let demo = ElectionContext::open(Election::demo()).unwrap();
        let needless = Vote { election: demo.id(), token: TokenId(1), sequence: 0, ..good };
        assert_eq!(needless.check(&demo), Err(VoteError::NeedlesslySigned));
    }
}
