//! A vote: who (a token) chose what (a ballot) in which election, and by what right.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    ballot::{Ballot, BallotError},
    election::{Election, Eligibility},
    hash::{ElectionId, Tag, VoteId, tagged},
};

/// A voter's right to one vote: a number, as in the seed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct TokenId(pub u64);

impl TokenId {
    /// The largest number that JSON and JavaScript carry exactly: 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// By what right the token is used. Signatures of a voter roll become a further variant.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authorization {
    /// The election is open: the first to use a token has it.
    Open,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Vote {
    /// The election.
    pub election: ElectionId,
    /// The right that is used up.
    pub token: TokenId,
    /// What was chosen.
    pub ballot: Ballot,
    /// By what right. Not part of the id.
    pub authorization: Authorization,
}

/// Why a vote is not valid in an election, whatever the chain holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteError {
    /// The vote belongs elsewhere.
    #[error("the vote is for election {0}, not for this one")]
    OtherElection(ElectionId),
    /// The token is not one of this election's.
    #[error("the token {token} does not exist here: tokens go from {lowest} to {highest}")]
    NoSuchToken {
        /// The token.
        token: TokenId,
        /// Lowest token.
        lowest: u64,
        /// Highest token.
        highest: u64,
    },
    /// The ballot is not allowed.
    #[error("the selection {0}")]
    Ballot(#[from] BallotError),
}

impl Vote {
    /// SHA-256 of the tagged encoding without the authorization.
    pub fn id(&self) -> VoteId {
        let signed = borsh::to_vec(&(&self.election, &self.token, &self.ballot));
        VoteId(tagged(Tag::VOTE, &signed.unwrap_or_default()))
    }

    /// The canonical bytes: a leaf of the votes' Merkle tree.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Checks everything that does not depend on the chain.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self, election: &Election, id: ElectionId) -> Result<(), VoteError> {
        if self.election != id {
            return Err(VoteError::OtherElection(self.election));
        }
        let Eligibility::Open { highest_token } = election.eligibility;
        let (lowest, highest) = highest_token.map_or((0, TokenId::MAX.0), |highest| (1, highest));
        if !(lowest..=highest).contains(&self.token.0) {
            return Err(VoteError::NoSuchToken { token: self.token, lowest, highest });
        }
        self.ballot.check(election)?;
        match self.authorization {
            Authorization::Open => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_checked_against_its_election() {
        let demo = Election::demo();
        let vote = |token, election| Vote {
            election,
            token: TokenId(token),
            ballot: Ballot::Choices(vec![0]),
            authorization: Authorization::Open,
        };
        assert_eq!(vote(1, demo.id()).check(&demo, demo.id()), Ok(()));
        for token in [0, 501] {
            let error = vote(token, demo.id()).check(&demo, demo.id()).unwrap_err();
            assert!(error.to_string().contains("from 1 to 500"), "{error}");
        }
        assert!(matches!(
            vote(1, ElectionId([9; 32])).check(&demo, demo.id()),
            Err(VoteError::OtherElection(_))
        ));
        assert_ne!(vote(1, demo.id()).id(), vote(2, demo.id()).id());
    }
}
