//! What the page is shown of the node.

use blockvote_core::{
    chain::{
        header::Height,
        kept_block::KeptBlock,
        statements::{Seal, Sealing},
    },
    crypto::hash::VoteId,
    election::{keepers::Keeper, vote::Vote},
    node::{LinkId, Node, peers::Claim},
};
use blockvote_words::{
    Words,
    message::{Message, say},
};

use super::state::{MAX_RECEIPTS, State};
use crate::shared::{
    messages::{BUILD, millis},
    store::Own,
    views::{
        BlockSummary, BlockView, BuiltView, DoubleVoteView, KeeperView, ListsView, MAX_VOTES_SHOWN,
        MiningStatus, ReceiptState, ReceiptView, SealView, Status,
    },
    worker::now,
};

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Where the node stands.
pub fn status(inner: &State) -> Status {
    let (node, chain) = (&inner.node, inner.node.chain());
    let tabs = node.peers().iter().filter(|(peer, _)| peer.link == LinkId::OWN_TABS).count();
    let (have_seal, keepers_have_seal) = have_seal(node);
    Status {
        relays: inner.relays.iter().map(|relay| relay.status.clone()).collect(),
        peers: small(node.peers().len() - tabs),
        tabs: small(tabs),
        highest_peer: node.peers().highest().map(|height| height.0),
        syncing_to: node.sync().target().map(|height| height.0),
        ahead: node.ahead().map(millis),
        sure: node.is_sure(),
        height: chain.height().0,
        tip: chain.tip().hash().to_string(),
        votes: chain.votes() as u64,
        voters: node.ballot_box().counted().ballots,
        closes: node.ballot_box().closes().map(millis),
        closed_early: node.statements().closing().is_some(),
        seal: seal(node),
        double_votes: double_votes(node),
        double_vote_count: small(node.statements().double_votes().len()),
        pending: small(node.pending().len()),
        work: chain.work().to_string(),
        side_blocks: small(chain.side_blocks().count()),
        mining: MiningStatus {
            on: node.is_mining(),
            active: inner.miners.is_active(),
            workers: inner.wish.workers,
            rate: inner.miners.rate(),
            difficulty: node.ballot_box().current_difficulty(now()).0,
            found: inner.found,
            elsewhere: inner.mines_elsewhere(),
        },
        storage: inner.storage.clone(),
        persisted: inner.persisted,
        keepers: keepers(node),
        late: small(node.ballot_box().late().len()),
        lists: lists(node),
        have_seal,
        keepers_have_seal,
        missing: node.missing().iter().map(Words::words).collect(),
        keepers_here: node.keepers_here().map(|keeper| keeper.name.clone()).collect(),
        rejected: inner.rejected.0,
        last_rejection: inner.rejected.1.clone(),
        build: BUILD.to_owned(),
    }
}

fn lists(node: &Node) -> Option<ListsView> {
    let lists = node.lists()?;
    let here = node.ballot_box();
    let built = here.rebuilding().map(|built| {
        let (chain, (made, all)) = (built.chain(), built.progress());
        BuiltView {
            progress: (small(made), small(all)),
            left_out: small(built.left_out().len()),
            waiting: small(here.waiting().len()),
            votes: chain.votes() as u64,
            tally: chain.tally().clone(),
        }
    });
    Some(ListsView {
        counted: here.to_be_sealed().tally().hash().to_string(),
        unlisted: if lists.whole > 0 { small(node.unlisted().len()) } else { 0 },
        whole: small(lists.whole),
        unshown: node.unshown(),
        partly: lists.partly.iter().map(|it| (it.0.name.clone(), it.1, it.2)).collect(),
        built,
    })
}

fn keepers(node: &Node) -> Vec<KeeperView> {
    let view = |keeper: &Keeper| KeeperView {
        name: keeper.name.clone(),
        lists: node.statements().closing_lists_of(&keeper.key).iter().map(|it| it.votes).collect(),
        compared: node.compared_with(&keeper.key).map(|it| (millis(it.at), small(it.lacked))),
    };
    node.chain().election().keepers.iter().map(view).collect()
}

/// Peers that claim to have the sealed block, and keepers that do.
fn have_seal(node: &Node) -> (u32, Vec<String>) {
    let Some((seal, _)) = node.ballot_box().sealing().sealed() else { return (0, Vec::new()) };
    let tip = seal.sealed.tip;
    let others = node.peers().iter().filter(|(peer, _)| peer.link != LinkId::OWN_TABS);
    let has = |claim: &Claim| claim.sealed == Some(tip);
    let keepers = node.keepers_with_seal(tip).map(|keeper| keeper.name.clone()).collect();
    (small(others.filter(|(_, claim)| claim.is_some_and(has)).count()), keepers)
}

fn left_out(seal: &Seal) -> Vec<(String, u32)> {
    let reasons = seal.sealed.reasons().into_iter().take(MAX_VOTES_SHOWN);
    reasons.map(|(reason, votes)| (reason, u32::try_from(votes).unwrap_or(u32::MAX))).collect()
}

fn seal(node: &Node) -> SealView {
    match node.ballot_box().sealing() {
        Sealing::Unsealed => SealView::Unsealed,
        Sealing::Awaited(_) => SealView::Awaited,
        Sealing::Sealed { seal, .. } => SealView::Sealed {
            height: seal.sealed.height.0,
            tip: seal.sealed.tip.to_string(),
            id: seal.id().to_string(),
            left_out: left_out(seal),
        },
        Sealing::Refuted(_) => SealView::Refuted,
        Sealing::Contested(one, other) => {
            SealView::Contested(one.sealed.height.0, other.sealed.height.0)
        }
    }
}

/// Whether a vote counts, in words.
fn standing(node: &Node, vote: &Vote) -> Message {
    let id = vote.id();
    if node.ballot_box().counting_vote(vote.token) == Some(id) {
        say::counts()
    } else if node.chain().place_of(&id).is_some() {
        say::counts_not()
    } else {
        say::not_in_chain()
    }
}

fn double_votes(node: &Node) -> Vec<DoubleVoteView> {
    let election = node.chain().election();
    let words = |vote: &Vote| (vote.ballot.words(&election.question()), standing(node, vote));
    node.statements()
        .double_votes()
        .take(MAX_VOTES_SHOWN)
        .map(|double| DoubleVoteView {
            token: double.token().0,
            ballots: [words(&double.first), words(&double.second)],
        })
        .collect()
}

/// The votes followed in this browser, newest first.
pub fn own_receipts(inner: &mut State) -> Vec<ReceiptView> {
    let own: Vec<_> = inner.own.iter().rev().take(MAX_RECEIPTS).cloned().collect();
    own.into_iter().map(|(id, own)| own_receipt(inner, &id, &own)).collect()
}

fn own_receipt(inner: &mut State, id: &VoteId, own: &Own) -> ReceiptView {
    let state = state(inner, id, &own.vote);
    view(inner, id, &own.vote, state, Some(own))
}

/// What became of a vote, its inclusion proof checked.
fn state(inner: &mut State, id: &VoteId, vote: &Vote) -> ReceiptState {
    let chain = inner.node.chain();
    let place = chain.place_of(id);
    let block = place.and_then(|place| chain.block_at(place.height));
    let (Some(place), Some(block)) = (place, block) else {
        if inner.node.pending().contains(id) {
            return ReceiptState::Pending;
        }
        // Neither in the chain nor waiting: another vote has its place, or nobody told this tab.
        let other = inner.node.ballot_box().of_use(vote.token, vote.sequence);
        return if other.is_some() { ReceiptState::Lost } else { ReceiptState::Unknown };
    };
    match inner.node.ballot_box().counting_vote(vote.token) {
        Some(counts) if counts == *id => {}
        Some(_) => return ReceiptState::Replaced { height: place.height.0 },
        None => return ReceiptState::AfterSeal { height: place.height.0 },
    }
    let known = inner.proofs.get(id).filter(|(hash, _, _)| *hash == block.hash());
    let (path, problem) = if let Some((_, path, problem)) = known {
        (*path, problem.clone())
    } else {
        let receipt = inner.node.ballot_box().receipt(id);
        let problem = receipt.as_ref().and_then(|receipt| receipt.check().err());
        let path = receipt.and_then(|receipt| receipt.inclusion);
        let path = path.map_or(0, |inclusion| small(inclusion.proof.path.len()));
        let problem = problem.map(|error| error.words());
        inner.proofs.insert(*id, (block.hash(), path, problem.clone()));
        (path, problem)
    };
    ReceiptState::InBlock {
        height: place.height.0,
        hash: block.hash().to_string(),
        time: millis(block.header().timestamp),
        confirmations: inner.node.chain().confirmations(place.height),
        path,
        problem,
    }
}

fn view(
    inner: &State,
    id: &VoteId,
    vote: &Vote,
    state: ReceiptState,
    own: Option<&Own>,
) -> ReceiptView {
    let node = &inner.node;
    let cast_here = |id: &VoteId| {
        let own = inner.own.iter().find(|(own, _)| own == id)?;
        own.1.cast_here.then_some(own.1.at)
    };
    ReceiptView {
        standing: node.standing(now(), id, vote, &cast_here),
        vote_id: id.to_string(),
        token: vote.token.0,
        selection: vote.ballot.words(&node.chain().election().question()),
        cast: own.filter(|own| own.cast_here).map(|own| millis(own.at)),
        holders: small(node.holders(id)),
        state,
        dropped: own.and_then(|own| own.dropped).map(|height| height.0),
        double_vote: node.statements().double_vote_of(vote.token).is_some(),
        bytes: hex::encode(vote.encode()),
    }
}

/// A vote that is looked up by its id; nothing when it is not known here.
pub fn receipt(inner: &mut State, id: &VoteId) -> Option<ReceiptView> {
    if let Some(own) = inner.own.iter().find(|(own, _)| own == id).map(|(_, own)| own.clone()) {
        return Some(own_receipt(inner, id, &own));
    }
    let vote = inner.node.ballot_box().receipt(id)?.vote;
    let state = state(inner, id, &vote);
    Some(view(inner, id, &vote, state, None))
}

fn summary(node: &Node, block: &KeptBlock) -> BlockSummary {
    let header = block.header();
    let rivals = node.chain().side_blocks().filter(|side| side.header().height == header.height);
    BlockSummary {
        height: header.height.0,
        hash: block.hash().to_string(),
        time: millis(header.timestamp),
        votes: small(block.vote_count()),
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
        (say::header_block(), header.height.to_string()),
        (say::header_hash(), hash.clone()),
        (say::header_before(), header.previous.to_string()),
        (say::header_root(), header.votes_root.to_string()),
        (say::header_made(), header.timestamp.to_string()),
        (say::header_difficulty(), header.difficulty.0.to_string()),
        (say::header_voters(), header.voters.to_string()),
        (say::header_votes(), header.votes.to_string()),
        (say::header_eased(), header.easing.to_string()),
        (say::header_nonce(), header.nonce.to_string()),
        (say::header_version(), header.version.to_string()),
    ];
    Some(BlockView {
        summary: summary(node, block),
        fields: fields.into_iter().collect(),
        zeros: small(hash.bytes().take_while(|byte| *byte == b'0').count()),
        votes: (0..small(block.vote_count().min(MAX_VOTES_SHOWN)))
            .filter_map(|index| block.vote(index))
            .map(|vote| (vote.token.0, vote.ballot.words(&election.question())))
            .collect(),
    })
}
