//! What the page is shown of the node.

use blockvote_core::{
    archive::ArchiveWriter, block::CheckedBlock, election::Election, hash::VoteId, header::Height,
    node::Node, time::Timestamp, vote::TokenId,
};

use super::{
    driver::{Inner, MAX_RECEIPTS},
    now,
};
use crate::messages::{
    BUILD, BlockSummary, BlockView, ElectionView, MAX_VOTES_SHOWN, MiningStatus, ReceiptState,
    ReceiptView, Status,
};

fn millis(time: Timestamp) -> f64 {
    time.0 as f64
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The election, for people.
pub fn election(election: &Election) -> ElectionView {
    ElectionView {
        id: election.id().to_string(),
        title: election.title.clone(),
        description: election.description.clone(),
        choices: election.choices.clone(),
        electorate: election.electorate(),
        opens: election.opens.map(millis),
        closes: election.closes.map(millis),
        floor_bits: election.parameters.floor().ilog2(),
        spacing_ms: election.parameters.spacing_ms,
    }
}

/// Where the node stands.
pub fn status(inner: &Inner) -> Status {
    let (node, chain) = (&inner.node, inner.node.chain());
    Status {
        relays: inner.relays.iter().map(|relay| relay.status.clone()).collect(),
        peers: small(node.peers().len()),
        highest_peer: node.peers().highest().map(|height| height.0),
        syncing_to: node.sync().target().map(|height| height.0),
        height: chain.height().0,
        tip: chain.tip().hash().to_string(),
        votes: chain.votes() as u64,
        pending: small(node.pending().len()),
        work: chain.work().to_string(),
        side_blocks: small(chain.side_blocks().count()),
        mining: MiningStatus {
            on: node.is_mining(),
            active: inner.miners.is_active(),
            workers: inner.wish.workers,
            rate: inner.miners.rate(),
            difficulty: node.current_difficulty(now()).0,
            found: inner.found,
            elsewhere: inner.mines_elsewhere(),
        },
        storage: inner.storage.clone(),
        persisted: inner.persisted,
        rejected: inner.rejected.0,
        last_rejection: inner.rejected.1.clone(),
        build: BUILD.to_owned(),
    }
}

/// The votes cast in this browser, newest first.
pub fn own_receipts(inner: &mut Inner) -> Vec<ReceiptView> {
    let own: Vec<_> = inner.own.iter().rev().take(MAX_RECEIPTS).cloned().collect();
    own.into_iter()
        .map(|(id, cast, vote)| {
            receipt(inner, &id, Some(cast)).unwrap_or_else(|| ReceiptView {
                vote_id: id.to_string(),
                token: vote.token.0,
                selection: vote.ballot.selection(inner.node.chain().election()),
                cast: Some(millis(cast)),
                holders: 0,
                state: unheld(&inner.node, vote.token),
            })
        })
        .collect()
}

/// Why a vote that was cast here is neither in the chain nor pending.
fn unheld(node: &Node, token: TokenId) -> ReceiptState {
    let other = node.chain().vote_of(token).or_else(|| node.pending().of_token(token));
    if other.is_some() { ReceiptState::Lost } else { ReceiptState::Unknown }
}

/// What became of a vote, its inclusion proof checked; nothing when it is not known here.
pub fn receipt(inner: &mut Inner, id: &VoteId, cast: Option<Timestamp>) -> Option<ReceiptView> {
    let chain = inner.node.chain();
    let (vote, state) = if let Some(place) = chain.place_of(id) {
        let block = chain.block_at(place.height)?;
        let vote = block.votes().get(place.index as usize)?.clone();
        let known = inner.proofs.get(id).filter(|(hash, _, _)| *hash == block.hash());
        let (path, problem) = if let Some((_, path, problem)) = known {
            (*path, problem.clone())
        } else {
            let receipt = inner.node.receipt(id)?;
            let problem = receipt.check().err().map(|error| error.to_string());
            let path = receipt.inclusion.map_or(0, |inclusion| small(inclusion.proof.path.len()));
            inner.proofs.insert(*id, (block.hash(), path, problem.clone()));
            (path, problem)
        };
        let state = ReceiptState::InBlock {
            height: place.height.0,
            hash: block.hash().to_string(),
            time: millis(block.header().timestamp),
            confirmations: chain.confirmations(place.height),
            path,
            problem,
        };
        (vote, state)
    } else {
        (inner.node.pending().get(id)?.clone(), ReceiptState::Pending)
    };
    Some(ReceiptView {
        vote_id: id.to_string(),
        token: vote.token.0,
        selection: vote.ballot.selection(inner.node.chain().election()),
        cast: cast.map(millis),
        holders: small(inner.node.holders(id)),
        state,
    })
}

fn summary(node: &Node, block: &CheckedBlock) -> BlockSummary {
    let header = block.header();
    let rivals = node.chain().side_blocks().filter(|side| side.header().height == header.height);
    BlockSummary {
        height: header.height.0,
        hash: block.hash().to_string(),
        time: millis(header.timestamp),
        votes: small(block.votes().len()),
        work: if header.height == Height::FIRST { 0.0 } else { header.work().0 as f64 },
        forks: rivals.map(|side| side.hash().to_string()).collect(),
    }
}

/// Blocks from a height downwards.
pub fn blocks(node: &Node, from: u32, count: u32) -> Vec<BlockSummary> {
    let from = from.min(node.chain().height().0);
    let heights = (1..=from).rev().take(count.min(200) as usize);
    heights
        .filter_map(|height| node.chain().block_at(Height(height)))
        .map(|block| summary(node, block))
        .collect()
}

/// Everything about a block.
pub fn block(node: &Node, height: u32) -> Option<BlockView> {
    let block = node.chain().block_at(Height(height))?;
    let header = block.header();
    let hash = block.hash().to_string();
    let election = node.chain().election();
    let fields = [
        ("Block", header.height.to_string()),
        ("Hash", hash.clone()),
        ("Block before", header.previous.to_string()),
        ("Votes root", header.votes_root.to_string()),
        ("Made at", header.timestamp.to_string()),
        ("Difficulty", header.difficulty.0.to_string()),
        ("Eased", format!("{} times", header.easing)),
        ("Nonce", header.nonce.to_string()),
        ("Version", header.version.to_string()),
    ];
    Some(BlockView {
        summary: summary(node, block),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        zeros: small(hash.bytes().take_while(|byte| *byte == b'0').count()),
        votes: block
            .votes()
            .iter()
            .take(MAX_VOTES_SHOWN)
            .map(|vote| (vote.token.0, vote.ballot.selection(election)))
            .collect(),
    })
}

/// The chain as a file.
pub fn archive(node: &Node) -> Vec<u8> {
    let chain = node.chain();
    let (mut writer, mut bytes) = ArchiveWriter::new(chain.election());
    for height in 2..=chain.height().0 {
        if let Some(block) = chain.block_at(Height(height)) {
            bytes.extend(writer.block(&block.to_block()));
        }
    }
    bytes.extend(writer.finish());
    bytes
}
