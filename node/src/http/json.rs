//! Blocks and chains as JSON: the seed's fields, and the further ones that are needed to verify
//! them.

use anyhow::{Context, anyhow, bail, ensure};
use blockvote_core::{
    chain::{
        block::{Block, CheckedBlock},
        difficulty::Difficulty,
        header::{Header, Height},
        kept_block::KeptBlock,
        tree::Chain,
    },
    crypto::{
        hash::{BlockHash, ElectionId, VotesRoot},
        key::Signature,
    },
    election::{
        ballot::BallotError,
        definition::Election,
        token::TokenId,
        vote::{Authorization, Vote},
    },
    time::Timestamp,
};
use blockvote_words::InWords;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::output::json_problem;

/// A vote, as in the seed, and what the seed did not have.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoteJson {
    /// What was chosen, in words.
    pub selection: String,
    /// The token.
    pub token_id: u64,
    /// What was chosen one by one, unless it is exactly one; none on a blank ballot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selections: Option<Vec<String>>,
    /// How often the voter changed the vote, unless it is the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sequence: u8,
    /// The voter's signature, 128 hexadecimal digits, where the election has a voter roll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub signature: Option<Signature>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(sequence: &u8) -> bool {
    *sequence == 0
}

impl VoteJson {
    /// A vote in JSON.
    pub fn new(vote: &Vote, election: &Election) -> Self {
        let selections: Vec<_> =
            vote.ballot.selections(&election.question()).into_iter().map(str::to_owned).collect();
        Self {
            selection: vote.ballot.words(&election.question()),
            token_id: vote.token.0,
            selections: (selections.len() != 1).then_some(selections),
            sequence: vote.sequence,
            signature: match vote.authorization {
                Authorization::Open => None,
                Authorization::Signed(signature) => Some(signature),
            },
        }
    }

    fn into_vote(self, election: &Election, id: ElectionId) -> Result<Vote, BallotError> {
        let selections = self.selections.unwrap_or_else(|| vec![self.selection]);
        Ok(Vote {
            election: id,
            token: TokenId(self.token_id),
            sequence: self.sequence,
            ballot: election.ballot(&selections)?,
            authorization: self.signature.map_or(Authorization::Open, Authorization::Signed),
        })
    }
}

/// A block, with the seed's names first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockJson {
    /// Height; the first block has 1.
    pub index: u32,
    /// Hash of the block before; the election's id in the first block.
    #[schema(value_type = String)]
    pub previous_hash: BlockHash,
    /// The nonce.
    pub proof: u64,
    /// Seconds since 1970.
    pub timestamp: f64,
    /// The votes.
    pub votes: Vec<VoteJson>,
    /// Hash of this block's header.
    #[schema(value_type = String)]
    pub hash: BlockHash,
    /// Version of the header.
    pub version: u16,
    /// Merkle root over the votes.
    #[schema(value_type = String)]
    pub votes_root: VotesRoot,
    /// Milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Difficulty carried from block to block.
    pub difficulty: u64,
    /// How often it is halved for this block.
    pub easing: u8,
    /// Distinct tokens up to and with this block.
    pub voters_in_all: u32,
    /// Votes up to and with this block.
    pub votes_in_all: u32,
}

impl BlockJson {
    /// A block in JSON.
    pub fn new(block: &CheckedBlock, election: &Election) -> Self {
        let header = block.header();
        Self {
            index: header.height.0,
            previous_hash: header.previous,
            proof: header.nonce,
            timestamp: header.timestamp.as_seconds(),
            votes: block.votes().iter().map(|vote| VoteJson::new(vote, election)).collect(),
            hash: block.hash(),
            version: header.version,
            votes_root: header.votes_root,
            timestamp_ms: header.timestamp.0,
            difficulty: header.difficulty.0,
            easing: header.easing,
            voters_in_all: header.voters,
            votes_in_all: header.votes,
        }
    }

    fn into_block(self, election: &Election) -> anyhow::Result<Block> {
        let id = election.id();
        let index = self.index;
        let votes = self.votes.into_iter().map(|vote| {
            let token = vote.token_id;
            vote.into_vote(election, id)
                .in_words()
                .with_context(|| format!("block {index}, token {token}: the selection"))
        });
        let header = Header {
            version: self.version,
            height: Height(index),
            previous: self.previous_hash,
            votes_root: self.votes_root,
            timestamp: Timestamp(self.timestamp_ms),
            difficulty: Difficulty(self.difficulty),
            easing: self.easing,
            voters: self.voters_in_all,
            votes: self.votes_in_all,
            nonce: self.proof,
        };
        ensure!(header.hash() == self.hash, "block {index}: its hash is not the one of its header");
        Ok(Block { header, votes: votes.collect::<anyhow::Result<_>>()? })
    }
}

/// All blocks of a chain; cheap, so that the node's thread does not wait while JSON is written.
pub fn chain_blocks(chain: &Chain) -> (Election, Vec<KeptBlock>) {
    let heights = (1..=chain.height().0).map(Height);
    let blocks = heights.filter_map(|height| chain.block_at(height).cloned()).collect();
    (chain.election().clone(), blocks)
}

/// The same in JSON.
pub fn chain_json((election, blocks): &(Election, Vec<KeptBlock>)) -> Vec<BlockJson> {
    blocks.iter().map(|block| BlockJson::new(&block.open(), election)).collect()
}

/// Reads what `GET /chain` of a node answered.
///
/// # Errors
/// What differs from the form that this node writes.
pub fn read_chain_json(value: Value) -> anyhow::Result<(Election, Vec<Block>)> {
    #[derive(Deserialize)]
    struct ChainJson {
        election: Election,
        chain: Vec<BlockJson>,
    }
    let ChainJson { election, chain } = serde_json::from_value(value).map_err(|error| {
        let why = json_problem(&error);
        anyhow!("this JSON is not a chain of a Blockvote node: {why}")
    })?;
    election.validate().in_words().context("the election")?;
    ensure!(
        !election.has_roll(),
        "this JSON does not hold the voter roll that its votes are checked with: verify the file that `blockvote export` writes"
    );
    let mut blocks = chain.into_iter();
    let Some(first) = blocks.next() else { bail!("the chain is empty") };
    let genesis = Block::genesis(&election);
    ensure!(first.hash == genesis.hash(), "the first block is not the one of this election");
    let blocks = blocks.map(|block| block.into_block(&election)).collect::<anyhow::Result<_>>()?;
    Ok((election, blocks))
}
