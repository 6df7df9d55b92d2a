//! Blocks, unchecked and checked.
//!
//! Invariant: a [`CheckedBlock`] can only be made by [`Block::check`] and the similar functions
//! here, or opened from a [`KeptBlock`] that was packed from one. So the proof of work, the votes
//! root and every vote of a [`CheckedBlock`] are valid for its election. What depends on the blocks
//! before it belongs to [`crate::chain::tree`].

use std::{collections::HashSet, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    chain::{
        difficulty::Difficulty,
        header::{HEADER_VERSION, Header, Height},
        pow,
    },
    crypto::{
        hash::{BlockHash, VoteId, VotesRoot},
        merkle::{self, InclusionProof},
    },
    election::{
        definition::Election,
        election_context::ElectionContext,
        token::TokenId,
        vote::{CheckedVote, Vote, VoteError, check_all_but_signatures, check_ids},
    },
    time::Timestamp,
};

/// Bytes of a block's encoding: limited by the frames of the wire and by what a phone can load in
/// good time.
pub const MAX_BLOCK_BYTES: usize = 1 << 20;

/// Votes of a block: a vote has at least 42 bytes.
pub const MAX_VOTES_IN_BLOCK: u32 = 25_000;

/// A block that was not verified yet.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The votes, in the order of the Merkle tree.
    pub votes: Vec<Vote>,
}

/// Why a block is not valid, whatever comes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// It follows a rule of a later build.
    Version {
        /// Its height.
        height: Height,
        /// Its version.
        version: u16,
    },
    /// It has no votes, so it decides nothing.
    Empty(Height),
    /// It is too big for a frame.
    TooBig {
        /// Its height.
        height: Height,
        /// Its size.
        bytes: usize,
    },
    /// The hash is above the target.
    Proof(Height),
    /// The votes are not those that the proof covers.
    VotesRoot(Height),
    /// A vote breaks a rule.
    Vote {
        /// Height of the block.
        height: Height,
        /// Number in the block, counted from 1.
        number: usize,
        /// Its token.
        token: TokenId,
        /// What is wrong with it.
        error: VoteError,
    },
    /// The same token and sequence number are in one block twice.
    RepeatedToken {
        /// Height of the block.
        height: Height,
        /// Number of the second vote, counted from 1.
        number: usize,
        /// The token.
        token: TokenId,
        /// The sequence number of both.
        sequence: u8,
    },
    /// Its time is before opening, or not exact everywhere.
    Time {
        /// Height of the block.
        height: Height,
        /// Its time.
        timestamp: Timestamp,
    },
}

impl BlockError {
    /// Whether it says that the votes are not those of the header. That can happen if two votes
    /// share a short id.
    pub(crate) fn is_other_votes(&self) -> bool {
        match self {
            Self::Empty(_) | Self::TooBig { .. } | Self::VotesRoot(_) => true,
            Self::Version { .. }
            | Self::Proof(_)
            | Self::Vote { .. }
            | Self::RepeatedToken { .. }
            | Self::Time { .. } => false,
        }
    }
}

/// A block whose own contents are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedBlock {
    pub(super) header: Header,
    pub(super) hash: BlockHash,
    pub(super) votes: Arc<[Vote]>,
    pub(super) ids: Arc<[VoteId]>,
    pub(super) encoded_len: usize,
}

impl Block {
    /// The first block of an election's chain: no votes, no proof of work, derived from the
    /// definition.
    pub fn genesis(election: &Election) -> CheckedBlock {
        let header = Header {
            height: Height::FIRST,
            previous: BlockHash(election.id().0),
            votes_root: VotesRoot(merkle::root(&[])),
            timestamp: election.created,
            difficulty: Difficulty(election.parameters.starting_difficulty),
            voters: 0,
            votes: 0,
            nonce: 0,
            version: HEADER_VERSION,
            easing: 0,
        };
        let encoded_len = encoded_len(&header, &[]);
        CheckedBlock { hash: header.hash(), header, votes: [].into(), ids: [].into(), encoded_len }
    }

    /// Merkle root over votes.
    pub fn votes_root<'a>(votes: impl IntoIterator<Item = &'a Vote>) -> VotesRoot {
        VotesRoot(merkle::root(&leaves(&mut votes.into_iter())))
    }

    /// Bytes of the encoding.
    pub fn encoded_len(&self) -> usize {
        encoded_len(&self.header, &self.votes)
    }

    /// Checks everything that the block itself can show: version, size, proof of work, votes root,
    /// opening time, each vote, and that no vote slot is used twice.
    ///
    /// # Errors
    /// The first rule that is broken. The cheapest rules are checked first.
    pub fn check(self, context: &ElectionContext) -> Result<CheckedBlock, BlockError> {
        self.check_with(context, &check_ids)
    }

    /// Checks a block of this node's own store. Its signatures were checked before it was stored.
    /// The votes root shows that its votes, signatures included, are still the same.
    ///
    /// # Errors
    /// The errors of [`Block::check`], except wrong signatures.
    pub fn check_but_signatures(
        self,
        context: &ElectionContext,
    ) -> Result<CheckedBlock, BlockError> {
        self.check_with(context, &check_all_but_signatures)
    }

    /// Puts a block together from votes that were checked before and votes that arrived for it, in
    /// the order of the gaps. Only the votes that arrived are checked, and they are checked last:
    /// no signature is verified twice or for a block that breaks another rule.
    ///
    /// # Errors
    /// The errors of [`Block::check`]. [`BlockError::is_other_votes`] recognises those that say
    /// that these are not the votes of this header.
    pub fn complete(
        header: Header,
        here: Vec<Option<CheckedVote>>,
        came: Vec<Vote>,
        context: &ElectionContext,
    ) -> Result<CheckedBlock, BlockError> {
        let mut came = came.into_iter();
        // An id stays with its vote. If nothing arrived for a gap, stop here, even if the header
        // covers just the votes that are left.
        let filled: Option<Vec<_>> = here
            .into_iter()
            .map(|vote| match vote {
                Some(vote) => Some((Some(vote.id()), vote.into_vote())),
                None => came.next().map(|vote| (None, vote)),
            })
            .collect();
        let filled = filled.ok_or(BlockError::VotesRoot(header.height))?;
        let (known, votes): (Vec<_>, Vec<_>) = filled.into_iter().unzip();
        Self { header, votes }
            .check_with(context, &|votes, context| check_unknown(votes, &known, context))
    }

    /// A block of votes that were checked before: no signature is verified again.
    ///
    /// # Errors
    /// The errors of [`Block::complete`].
    pub fn of_checked(
        header: Header,
        votes: Vec<CheckedVote>,
        context: &ElectionContext,
    ) -> Result<CheckedBlock, BlockError> {
        Self::complete(header, votes.into_iter().map(Some).collect(), Vec::new(), context)
    }

    fn check_with(
        self,
        context: &ElectionContext,
        check_votes: &CheckVotes<'_>,
    ) -> Result<CheckedBlock, BlockError> {
        let height = self.header.height;
        check_header(&self.header, context.election())?;
        if self.votes.is_empty() {
            return Err(BlockError::Empty(height));
        }
        let bytes = self.encoded_len();
        if bytes > MAX_BLOCK_BYTES {
            return Err(BlockError::TooBig { height, bytes });
        }
        if Self::votes_root(&self.votes) != self.header.votes_root {
            return Err(BlockError::VotesRoot(height));
        }
        let mut uses = HashSet::with_capacity(self.votes.len());
        for (number, vote) in (1..).zip(&self.votes) {
            let (token, sequence) = (vote.token, vote.sequence);
            if !uses.insert((token, sequence)) {
                return Err(BlockError::RepeatedToken { height, number, token, sequence });
            }
        }
        let ids = check_votes(&self.votes, context).map_err(|(index, error)| {
            let (number, token) = (index + 1, self.votes[index].token);
            BlockError::Vote { height, number, token, error }
        })?;
        let hash = self.header.hash();
        let (votes, ids) = (self.votes.into(), ids.into());
        Ok(CheckedBlock { header: self.header, hash, votes, ids, encoded_len: bytes })
    }
}

/// How a block's votes are checked; returns their ids. Not generic: each version would contain its
/// own copy of all the other checks.
type CheckVotes<'a> =
    dyn Fn(&[Vote], &ElectionContext) -> Result<Vec<VoteId>, (usize, VoteError)> + 'a;

/// Checks the votes whose ids are not known from an earlier check; returns the ids of all.
fn check_unknown(
    votes: &[Vote],
    known: &[Option<VoteId>],
    context: &ElectionContext,
) -> Result<Vec<VoteId>, (usize, VoteError)> {
    let (mut places, mut unknown) = (Vec::new(), Vec::new());
    for (index, (vote, id)) in votes.iter().zip(known).enumerate() {
        if id.is_none() {
            places.push(index);
            unknown.push(vote.clone());
        } else if vote.election != context.id() {
            // A vote is checked against the election that it names.
            return Err((index, VoteError::OtherElection(vote.election)));
        }
    }
    let checked = check_ids(&unknown, context);
    let mut checked = checked.map_err(|(index, error)| (places[index], error))?.into_iter();
    Ok(known.iter().filter_map(|id| id.or_else(|| checked.next())).collect())
}

/// A block is encoded as its header and the list of its votes.
fn encoded_len(header: &Header, votes: &[Vote]) -> usize {
    borsh::object_length(&(header, votes)).unwrap_or(usize::MAX)
}

/// Checks what a header alone can show: version, opening time, proof of work. Closing is not a rule
/// for blocks: the seal decides what is counted, and it is easy to write a false time.
///
/// # Errors
/// The first rule that is broken.
pub fn check_header(header: &Header, election: &Election) -> Result<(), BlockError> {
    let height = header.height;
    if header.version != HEADER_VERSION {
        return Err(BlockError::Version { height, version: header.version });
    }
    let timestamp = header.timestamp;
    if timestamp > Timestamp::MAX || election.opens.is_some_and(|opens| timestamp < opens) {
        return Err(BlockError::Time { height, timestamp });
    }
    let cheap = header.required().0 < election.parameters.floor();
    if cheap || !pow::is_proven(header) {
        return Err(BlockError::Proof(height));
    }
    Ok(())
}

fn leaves(votes: &mut dyn Iterator<Item = &Vote>) -> Vec<[u8; 32]> {
    votes.map(|vote| merkle::leaf(&vote.encode())).collect()
}

impl CheckedBlock {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Hash of the header.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The votes, in the order of the Merkle tree.
    pub fn votes(&self) -> &[Vote] {
        &self.votes
    }

    /// The votes with the results of their checks.
    pub(crate) fn checked_votes(&self) -> impl Iterator<Item = CheckedVote> + '_ {
        let votes = self.votes.iter().zip(self.ids.iter());
        votes.map(|(vote, id)| CheckedVote::of_checked_block(vote.clone(), *id))
    }

    /// The ids of the votes, in the same order.
    pub fn vote_ids(&self) -> &[VoteId] {
        &self.ids
    }

    /// Bytes of the encoding.
    pub fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// The block in the form in which it is sent and stored.
    pub fn to_block(&self) -> Block {
        Block { header: self.header.clone(), votes: self.votes.to_vec() }
    }

    /// Proof that the vote at `index` is in this block.
    pub fn prove(&self, index: u32) -> Option<InclusionProof> {
        merkle::prove(&leaves(&mut self.votes.iter()), index)
    }
}
