//! Announced blocks: put together, fetched, or left.

use blockvote_core::{
    chain::{block::Block, header::Height, tree::MAX_SIDE_BLOCKS},
    crypto::hash::{BlockHash, ElectionId, ShortId},
    election::vote::Vote,
    node::{Input, Offence},
    testkit::{
        NOW, block, chain_of,
        nodes::{HONEST, LIAR, announce, drain, hear, node, rejected, sent_to},
        vote,
    },
    wire::message::{Message, ShortBlock},
};

#[test]
fn who_holds_all_votes_of_a_block_fetches_nothing_and_who_lacks_some_asks_for_those() {
    let votes: Vec<_> = (1..=20).map(|token| vote(token, "Yes")).collect();
    let made = block(node().chain(), votes.clone(), |_| ());
    let hash = made.header.hash();

    let mut all = node();
    hear(&mut all, HONEST, &Message::Votes(votes.clone()));
    assert_eq!(announce(&mut all, &made, HONEST), []);
    assert_eq!(all.chain().tip().hash(), hash);

    let mut some = node();
    let lacks = |index: &usize| [3, 17].contains(index);
    let held = votes.iter().enumerate().filter(|(index, _)| !lacks(index));
    hear(&mut some, HONEST, &Message::Votes(held.map(|(_, vote)| vote.clone()).collect()));
    let asked = announce(&mut some, &made, HONEST);
    assert_eq!(asked, [Message::GetBlockVotes(hash, vec![3, 17])]);
    // Another node answers such a question.
    let answer = sent_to(&hear(&mut all, LIAR, &asked[0]), LIAR);
    assert_eq!(answer, [Message::BlockVotes(hash, vec![votes[3].clone(), votes[17].clone()])]);
    assert_eq!(rejected(&hear(&mut some, HONEST, &answer[0])), None);
    assert_eq!(some.chain().tip().hash(), hash);

    let mut none = node();
    assert_eq!(announce(&mut none, &made, HONEST), [Message::GetBlocks(vec![hash])]);
}

#[test]
fn other_votes_than_those_asked_for_lead_to_the_whole_block() {
    let votes: Vec<_> = (1..=3).map(|token| vote(token, "Yes")).collect();
    let made = block(node().chain(), votes.clone(), |_| ());
    let hash = made.header.hash();
    let mut node = node();
    hear(&mut node, HONEST, &Message::Votes(votes[..2].to_vec()));
    announce(&mut node, &made, LIAR);
    let wrong = Message::BlockVotes(hash, vec![vote(3, "No")]);
    let outputs = hear(&mut node, LIAR, &wrong);
    assert_eq!(sent_to(&outputs, LIAR), [Message::GetBlocks(vec![hash])]);
    let lie = Block { votes: vec![vote(3, "No")], ..made.clone() };
    assert!(rejected(&hear(&mut node, LIAR, &Message::Blocks(vec![lie]))).is_some());
    assert_eq!(node.chain().height(), Height(1));
    // The same block can be had from another peer.
    announce(&mut node, &made, HONEST);
    hear(&mut node, HONEST, &Message::BlockVotes(hash, vec![votes[2].clone()]));
    assert_eq!(node.chain().tip().hash(), hash);
}

#[test]
fn who_withholds_a_block_once_does_not_hold_up_the_next() {
    let mut node = node();
    let withheld = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    announce(&mut node, &withheld, LIAR);
    node.handle(NOW.plus_ms(30_000), Input::Tick);
    drain(&mut node);
    // The block is announced again, and while it is waited for, an honest block arrives.
    let again = block(node.chain(), vec![vote(2, "Yes")], |_| ());
    assert!(!announce(&mut node, &again, LIAR).is_empty());
    let honest = block(node.chain(), vec![vote(3, "Yes")], |_| ());
    let asked = announce(&mut node, &honest, HONEST);
    assert_eq!(asked, [Message::GetBlocks(vec![honest.header.hash()])]);
    hear(&mut node, HONEST, &Message::Blocks(vec![honest.clone()]));
    assert_eq!(node.chain().tip().hash(), honest.header.hash());
}

#[test]
fn blocks_on_nothing_without_end_cost_the_connection() {
    let mut node = node();
    let dropped = (0..60).find_map(|number| {
        let orphan = block(node.chain(), vec![vote(1, "Yes")], |header| {
            header.previous = BlockHash([number; 32]);
        });
        let votes = vec![ShortId([0; 8])];
        rejected(&hear(
            &mut node,
            LIAR,
            &Message::NewBlock(ShortBlock { header: orphan.header, votes }),
        ))
    });
    assert_eq!(dropped, Some(Offence::Orphan.into()));
}

#[test]
fn an_announced_block_far_below_the_tip_is_not_fetched() {
    let mut node = node();
    let low = block(node.chain(), vec![vote(900, "Yes")], |_| ());
    let chain = chain_of(18);
    let blocks = (2..=19).map(|h| chain.block_at(Height(h)).unwrap().to_block());
    let near = block(&chain_of(8), vec![vote(901, "Yes")], |_| ());
    node.handle(NOW.plus_ms(1 << 34), Input::Blocks(blocks.collect()));
    drain(&mut node);
    assert_eq!(node.chain().height(), Height(19));
    assert_eq!(announce(&mut node, &low, LIAR), []);
    assert_eq!(announce(&mut node, &near, LIAR), [Message::GetBlocks(vec![near.header.hash()])]);
}

#[test]
fn who_hands_out_blocks_that_are_worth_nothing_again_and_again_is_dropped() {
    let mut node = node();
    let flood = (0..MAX_SIDE_BLOCKS as u64 + 8)
        .map(|number| block(&chain_of(1), vec![vote(1_000 + number, "No")], |_| ()));
    let blocks = (2..=6).map(|h| chain_of(5).block_at(Height(h)).unwrap().to_block());
    node.handle(NOW.plus_ms(1 << 34), Input::Blocks(blocks.chain(flood).collect()));
    drain(&mut node);
    assert_eq!(node.chain().side_blocks().count(), MAX_SIDE_BLOCKS);
    let worthless = block(&chain_of(0), vec![vote(9, "No")], |_| ());
    let mut dropped = None;
    for _ in 0..20 {
        if announce(&mut node, &worthless, LIAR).is_empty() {
            break;
        }
        let outputs = hear(&mut node, LIAR, &Message::Blocks(vec![worthless.clone()]));
        dropped = dropped.or(rejected(&outputs));
    }
    assert_eq!(dropped, Some(Offence::Worthless.into()));
}

#[test]
fn an_announcement_without_ids_leads_to_a_question_and_not_to_a_ban() {
    let mut node = node();
    let header = block(node.chain(), vec![vote(1, "Yes")], |_| ()).header;
    let outputs =
        hear(&mut node, LIAR, &Message::NewBlock(ShortBlock { header, votes: Vec::new() }));
    assert_eq!(rejected(&outputs), None);
    let asked = sent_to(&outputs, LIAR);
    assert!(asked.iter().any(|message| matches!(message, Message::GetBlocks(_))), "{asked:?}");
}

#[test]
fn votes_beyond_those_asked_for_are_not_looked_at() {
    let votes: Vec<_> = (1..=3).map(|token| vote(token, "Yes")).collect();
    let made = block(node().chain(), votes.clone(), |_| ());
    let hash = made.header.hash();
    let mut node = node();
    hear(&mut node, HONEST, &Message::Votes(votes[..2].to_vec()));
    announce(&mut node, &made, HONEST);
    // It would be refused wherever it was checked.
    let elsewhere = Vote { election: ElectionId([9; 32]), ..votes[0].clone() };
    let answer = Message::BlockVotes(hash, vec![votes[2].clone(), elsewhere]);
    assert_eq!(rejected(&hear(&mut node, HONEST, &answer)), None);
    assert_eq!(node.chain().tip().hash(), hash);
}

#[test]
fn a_gap_that_nothing_came_for_never_gives_one_votes_id_to_another() {
    let mut node = node();
    let [ours, other, theirs] = [1, 2, 3].map(|token| vote(token, "Yes"));
    node.handle(NOW, Input::Votes(vec![ours.clone(), other.clone()]));
    drain(&mut node);
    // The block has three votes; its announcement says four, one of which nobody has.
    let votes = vec![theirs.clone(), ours.clone(), other.clone()];
    let block = block(node.chain(), votes, |_| ());
    let short = |vote: &Vote| ShortId::from(&vote.id());
    let votes = vec![short(&theirs), ShortId([7; 8]), short(&ours), short(&other)];
    let (header, hash) = (block.header.clone(), block.header.hash());
    let asked = hear(&mut node, LIAR, &Message::NewBlock(ShortBlock { header, votes }));
    assert_eq!(sent_to(&asked, LIAR), [Message::GetBlockVotes(hash, vec![0, 1])]);
    let answer = hear(&mut node, LIAR, &Message::BlockVotes(hash, vec![theirs]));
    assert_eq!(sent_to(&answer, LIAR), [Message::GetBlocks(vec![hash])], "the whole block shows");
    hear(&mut node, LIAR, &Message::Blocks(vec![block]));
    assert_eq!(node.chain().tip().hash(), hash);
    for vote in [ours, other] {
        assert_eq!(node.ballot_box().receipt(&vote.id()).unwrap().vote, vote);
    }
}
