//! Answers to peers' questions, from what this node has. They read and change nothing.
//! [`Message::rules`] and the budgets of [`super::peers`] decide whether a question is answered at
//! all.

use std::collections::{BTreeSet, HashSet};

use super::{
    ballot_box::BallotBox,
    pages::{PAGE_BYTES, pages},
};
use crate::{
    chain::{block::CheckedBlock, header::Height},
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::vote::Vote,
    wire::message::{
        Hello, MAX_BLOCKS_ASKED, MAX_HEADERS, MAX_STATEMENTS_SENT, MAX_VOTES, MAX_VOTES_ANNOUNCED,
        MAX_VOTES_ASKED, Message, PROTOCOL_VERSION, ShortBlock,
    },
};

/// Messages of votes in one answer: as many as fit into a relay's queue together with other
/// messages.
pub(super) const MAX_PAGES: usize = MAX_VOTES_ASKED / MAX_VOTES;

/// What this node says of itself.
pub(super) fn hello(ballot_box: &BallotBox, wants_reply: bool) -> Message {
    let chain = ballot_box.chain();
    Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: chain.tip().hash(),
        height: chain.height(),
        weight: chain.weight(),
        set: ballot_box.digest(),
        sealed: chain.anchor().filter(|_| chain.is_anchored()),
        statements: ballot_box.statements().digest(),
        wants_reply,
    })
}

/// What this node says of its tip.
pub(super) fn new_block(ballot_box: &BallotBox) -> Message {
    Message::NewBlock(short(ballot_box.chain().tip()))
}

fn short(block: &CheckedBlock) -> ShortBlock {
    let votes = block.vote_ids().iter().map(ShortId::from).collect();
    ShortBlock { header: block.header().clone(), votes }
}

/// The definition.
pub(super) fn election(ballot_box: &BallotBox) -> Message {
    Message::Election(Box::new(ballot_box.chain().election().clone()))
}

/// A page of the voter roll, if there is one with this number.
pub(super) fn roll_page(ballot_box: &BallotBox, index: u32) -> Option<Message> {
    let page = ballot_box.chain().context().roll()?.page(index)?;
    Some(Message::RollPage(page))
}

/// Headers after the first hash that is in the chain. If no hash is, there is no next block: the
/// answer is empty, so that nobody waits.
pub(super) fn headers(ballot_box: &BallotBox, locator: &[BlockHash]) -> Message {
    let chain = ballot_box.chain();
    let mut headers = Vec::new();
    let mut height = chain.meeting_point(locator).map_or(Height(0), Height::next);
    while let Some(block) = chain.block_at(height) {
        if headers.len() == MAX_HEADERS {
            break;
        }
        headers.push(block.header().clone());
        height = height.next();
    }
    Message::Headers(headers)
}

/// Hashes up to the first repeated one.
fn once(hashes: &[BlockHash]) -> impl Iterator<Item = &BlockHash> {
    let mut seen = BTreeSet::new();
    hashes.iter().take(MAX_BLOCKS_ASKED).take_while(move |hash| seen.insert(**hash))
}

/// Blocks up to the first that is not here, as many as fit.
pub(super) fn blocks(ballot_box: &BallotBox, hashes: &[BlockHash]) -> Message {
    let mut blocks = Vec::new();
    let mut bytes = 0;
    for hash in once(hashes) {
        let block = ballot_box.chain().block(hash).filter(|block| block.vote_count() > 0);
        let Some(block) = block else { break };
        bytes += block.encoded_len();
        if bytes > PAGE_BYTES && !blocks.is_empty() {
            break;
        }
        blocks.push(block.to_block());
    }
    Message::Blocks(blocks)
}

/// Blocks without their votes, up to the first that is not here, as many as fit; with the number of
/// their votes.
pub(super) fn short_blocks(ballot_box: &BallotBox, hashes: &[BlockHash]) -> (Message, usize) {
    let (mut blocks, mut votes) = (Vec::new(), 0);
    for hash in once(hashes) {
        let block = ballot_box.chain().block(hash).filter(|block| block.vote_count() > 0);
        let Some(block) = block else { break };
        votes += block.vote_count();
        if votes > MAX_VOTES_ANNOUNCED && !blocks.is_empty() {
            break;
        }
        blocks.push(short(&block.open()));
    }
    (Message::ShortBlocks(blocks), votes)
}

/// Votes of one block, up to the first that it does not have, as many as fit.
pub(super) fn block_votes(ballot_box: &BallotBox, hash: BlockHash, wanted: &[u32]) -> Message {
    let mut bytes = 0;
    let mut votes = Vec::new();
    if let Some(block) = ballot_box.chain().block(&hash) {
        for vote in wanted.iter().map_while(|index| block.vote(*index)) {
            bytes += borsh::object_length(&vote).unwrap_or(PAGE_BYTES);
            if bytes > PAGE_BYTES {
                break;
            }
            votes.push(vote);
        }
    }
    Message::BlockVotes(hash, votes)
}

/// Votes, at most [`MAX_PAGES`] messages.
pub(super) fn vote_pages(votes: &mut dyn Iterator<Item = &Vote>) -> Vec<Message> {
    pages(votes, MAX_VOTES, MAX_PAGES).into_iter().map(Message::Votes).collect()
}

/// Votes by their ids, pending or in the chain.
pub(super) fn votes(ballot_box: &BallotBox, ids: &[VoteId]) -> Vec<Message> {
    let unique: BTreeSet<_> = ids.iter().collect();
    let votes: Vec<_> = unique.into_iter().filter_map(|id| ballot_box.vote(id)).collect();
    vote_pages(&mut votes.iter())
}

/// The statements that a peer lacks, as many as fit into a message; `None` if it lacks none.
pub(super) fn statements(ballot_box: &BallotBox, known: &[ShortId]) -> Option<Message> {
    let known: HashSet<_> = known.iter().collect();
    let all = ballot_box.statements().all();
    let lacking: Vec<_> = all
        .filter(|statement| !known.contains(&statement.short_id()))
        .take(MAX_STATEMENTS_SENT)
        .collect();
    let page = pages(&mut lacking.iter(), MAX_STATEMENTS_SENT, 1).pop()?;
    Some(Message::Statements(page))
}

/// Those of these votes that are here; `None` if none is.
pub(super) fn held(ballot_box: &BallotBox, mut ids: Vec<VoteId>) -> Option<Message> {
    ids.retain(|id| ballot_box.contains(id));
    (!ids.is_empty()).then_some(Message::Held(ids))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW, block, chain_of, context, vote};

    /// What a node has after this many blocks of one vote each, with pending votes of the tokens 50
    /// to 52.
    fn here(blocks: u64) -> BallotBox {
        let mut here = BallotBox::new(context());
        for token in 0..blocks {
            let next = block(here.chain(), vec![vote(token, "Yes")], |_| ());
            let _ = here.take_block(NOW, next.check(&context()).unwrap()).unwrap();
        }
        for token in 50..53 {
            let _ = here.cast(NOW, vote(token, "Yes"));
        }
        here
    }

    #[test]
    fn headers_follow_the_meeting_point_and_strangers_get_none() {
        let here = here(4);
        let genesis = here.chain().block_at(Height(1)).unwrap().hash();
        let sent = |locator: &[BlockHash]| match headers(&here, locator) {
            Message::Headers(headers) => headers.iter().map(|h| h.height.0).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(sent(&[genesis]), [2, 3, 4, 5]);
        assert_eq!(sent(&[here.chain().tip().hash()]), [0; 0]);
        assert_eq!(sent(&[BlockHash([9; 32])]), [0; 0]);
        assert_eq!(sent(&chain_of(2).locator()), [4, 5]);
    }

    #[test]
    fn blocks_are_sent_up_to_the_first_that_is_not_here() {
        let here = here(3);
        let hash = |height| here.chain().block_at(Height(height)).unwrap().hash();
        let sent = |hashes: &[BlockHash]| match blocks(&here, hashes) {
            Message::Blocks(blocks) => blocks.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(sent(&[hash(2), hash(3), BlockHash([9; 32]), hash(4)]), 2);
        assert_eq!(sent(&[hash(2), hash(2), hash(3)]), 1, "nothing twice");
        assert_eq!(sent(&[hash(1)]), 0, "everybody has the first one");
        let votes = block_votes(&here, hash(2), &[0, 1]);
        assert_eq!(votes, Message::BlockVotes(hash(2), vec![vote(0, "Yes")]));
    }

    #[test]
    fn votes_are_sent_once_and_only_what_is_here_is_said_to_be() {
        let here = here(1);
        let (pending, counted, other) = (vote(50, "Yes"), vote(0, "Yes"), vote(70, "Yes"));
        let twice = [pending.id(), pending.id()];
        assert_eq!(votes(&here, &twice), [Message::Votes(vec![pending.clone()])]);
        let in_chain = votes(&here, &[counted.id(), other.id()]);
        assert_eq!(in_chain, [Message::Votes(vec![counted.clone()])]);
        let ids = [&pending, &counted, &other].map(Vote::id);
        let said = Message::Held(vec![pending.id(), counted.id()]);
        assert_eq!(held(&here, ids.to_vec()), Some(said));
        assert_eq!(held(&here, vec![other.id()]), None);
        assert_eq!(statements(&here, &[]), None);
        assert_eq!(roll_page(&here, 0), None);
    }
}
