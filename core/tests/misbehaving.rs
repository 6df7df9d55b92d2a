//! Peers that send well-formed messages and mean harm with them: too many, too slow, too often, for
//! nothing. Budgets, standing and places are kept for those that do their part.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use blockvote_core::{
    block::{Block, KeptBlock},
    chain::{Chain, MAX_SIDE_BLOCKS, MAX_SIDE_BYTES},
    evidence::EvidenceBook,
    hash::{BlockHash, VoteId},
    header::Height,
    message::{Hello, Message, PROTOCOL_VERSION},
    node::{Input, LinkId, Node, Output, Peer},
    pending::ShortId,
    relay_frame::PeerId,
};
use world::*;

#[test]
fn who_asks_for_megabytes_again_and_again_gets_no_more_than_its_share() {
    let mut node = node();
    // A chain with one big block.
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let hash = big.header.hash();
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let mut sent = 0;
    for _ in 0..60 {
        for output in hear(&mut node, LIAR, &Message::GetBlocks(vec![hash; 256])) {
            if let Output::Send(_, bytes) = output {
                sent += bytes.len();
            }
        }
    }
    assert!((6 << 20..12 << 20).contains(&sent), "{sent} bytes");
    // Another peer is served all the same, and this one again after a while.
    let outputs = hear(&mut node, HONEST, &Message::GetBlocks(vec![hash]));
    assert!(
        matches!(&sent_to(&outputs, HONEST)[..], [Message::Blocks(blocks)] if blocks.len() == 1)
    );
    let bytes = Message::GetBlocks(vec![hash]).encode();
    let later = NOW.plus_ms(5_000);
    node.handle(later, Input::Message { from: LIAR, broadcast: false, bytes });
    let outputs = drain(&mut node);
    assert!(matches!(&sent_to(&outputs, LIAR)[..], [Message::Blocks(blocks)] if blocks.len() == 1));
}

#[test]
fn who_never_stops_asking_for_too_much_is_dropped() {
    let mut node = node();
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let ask = Message::GetBlocks(vec![big.header.hash()]);
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let dropped = (0..200).find_map(|_| rejected(&hear(&mut node, LIAR, &ask)));
    assert!(dropped.unwrap().contains("far too much"));
    assert_eq!(rejected(&hear(&mut node, HONEST, &ask)), None);
}

/// Announces a block; returns what is sent to its announcer.
fn announce(node: &mut Node, block: &Block, from: Peer) -> Vec<Message> {
    let votes = block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect();
    let header = block.header.clone();
    let outputs = hear(node, from, &Message::NewBlock { header, votes });
    assert_eq!(rejected(&outputs), None);
    sent_to(&outputs, from)
}

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
    // The same block is had from somebody else.
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
    // Again, and while it is waited for, an honest block comes.
    let again = block(node.chain(), vec![vote(2, "Yes")], |_| ());
    assert!(!announce(&mut node, &again, LIAR).is_empty());
    let honest = block(node.chain(), vec![vote(3, "Yes")], |_| ());
    let asked = announce(&mut node, &honest, HONEST);
    assert_eq!(asked, [Message::GetBlocks(vec![honest.header.hash()])]);
    hear(&mut node, HONEST, &Message::Blocks(vec![honest.clone()]));
    assert_eq!(node.chain().tip().hash(), honest.header.hash());
}

/// The relay names a peer, which is greeted.
fn greet(node: &mut Node) {
    node.handle(NOW, Input::Peers(LinkId(0), vec![HONEST.id]));
    drain(node);
}

/// Carries messages between two nodes until both are silent; returns how many bytes went.
fn talk(a: &mut Node, b: &mut Node, mut for_b: Vec<Message>) -> usize {
    let mut bytes = 0;
    let mut for_a: Vec<Message> = Vec::new();
    for _ in 0..1_000 {
        for message in std::mem::take(&mut for_b) {
            bytes += message.encode().len();
            for_a.extend(sent_to(&hear(b, HONEST, &message), HONEST));
        }
        for message in std::mem::take(&mut for_a) {
            bytes += message.encode().len();
            for_b.extend(sent_to(&hear(a, HONEST, &message), HONEST));
        }
        if for_b.is_empty() {
            return bytes;
        }
    }
    panic!("they never stop");
}

#[test]
fn pending_votes_are_compared_by_their_difference() {
    let (mut a, mut b) = (node(), node());
    for from in (0..6_000).step_by(1_000) {
        let votes: Vec<_> = (from..from + 1_000).map(|token| vote(token, "Yes")).collect();
        for node in [&mut a, &mut b] {
            hear(node, LIAR, &Message::Votes(votes.clone()));
        }
    }
    hear(&mut a, LIAR, &Message::Votes((10_000..10_005).map(|n| vote(n, "a")).collect()));
    hear(&mut b, LIAR, &Message::Votes((20_000..20_007).map(|n| vote(n, "b")).collect()));
    let greeting = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: b.chain().tip().hash(),
        height: Height(1),
        work: b.chain().work(),
        pending: 6_007,
        sealed: None,
        evidence: EvidenceBook::default().digest(),
        wants_reply: false,
    });
    // An answer to no greeting begins nothing.
    assert_eq!(sent_to(&hear(&mut a, HONEST, &greeting), HONEST), []);
    greet(&mut a);
    let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
    assert!(matches!(begun[..], [Message::Reconcile(_)]), "{begun:?}");
    let bytes = talk(&mut a, &mut b, begun);
    assert_eq!((a.pending().len(), b.pending().len()), (6_012, 6_012));
    // The ids alone would be 48,000 bytes, the votes 300,000.
    assert!(bytes < 24_000, "{bytes} bytes");
}

#[test]
fn one_side_that_lacks_everything_gets_everything() {
    for (here, there) in [(0, 9_000), (9_000, 0)] {
        let (mut a, mut b) = (node(), node());
        for (node, count) in [(&mut a, here), (&mut b, there)] {
            for from in (0..count).step_by(3_000) {
                let votes = (from..from + 3_000).map(|token| vote(token, "Yes")).collect();
                hear(node, LIAR, &Message::Votes(votes));
            }
        }
        let mut greeting = hello(a.chain().tip().hash(), 1, a.chain().work().0);
        if let Message::Hello(hello) = &mut greeting {
            hello.pending = u32::try_from(there).unwrap();
        }
        greet(&mut a);
        let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
        talk(&mut a, &mut b, begun);
        assert_eq!((a.pending().len(), b.pending().len()), (9_000, 9_000), "{here} and {there}");
    }
}

#[test]
fn a_broken_comparison_is_refused_and_an_answer_to_no_question_ignored() {
    let mut node = node();
    assert!(sent_to(&hear(&mut node, HONEST, &Message::Reconciled(vec![0x61])), HONEST).is_empty());
    let outputs = hear(&mut node, LIAR, &Message::Reconcile(vec![0x61, 0, 33, 1]));
    assert!(rejected(&outputs).unwrap().contains("reconciliation"));
}

#[test]
fn claims_without_work_behind_them_cost_the_connection_and_a_late_answer_does_not() {
    let theirs = chain_of(3);
    let mut node = node();
    let (headers, _) = page(&theirs, 2);
    let mut dropped = None;
    for round in 0..10_u128 {
        hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 9, (1 << 90) + round));
        dropped = dropped.or(rejected(&hear(&mut node, LIAR, &headers)));
        let lying = hear(&mut node, LIAR, &Message::Blocks(Vec::new()));
        dropped = dropped.or(rejected(&lying));
    }
    assert!(dropped.unwrap().contains("claimed work"));
    // An honest slow peer answers questions that were given up: once in a while, not always.
    let mut later = NOW;
    for _ in 0..20 {
        later = later.plus_ms(20_000);
        let bytes = headers.encode();
        node.handle(later, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn who_only_talks_does_not_push_out_who_brought_blocks() {
    let mut node = node();
    let honest = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    announce(&mut node, &honest, HONEST);
    hear(&mut node, HONEST, &Message::Blocks(vec![honest]));
    for name in 100..1_100 {
        let talker = Peer { link: LinkId(0), id: PeerId(name) };
        hear(&mut node, talker, &hello(BlockHash([7; 32]), 1, 0));
    }
    assert!(node.peers().iter().any(|(peer, _)| peer == HONEST));
}

#[test]
fn a_question_to_everybody_is_answered_by_nobody() {
    let mut node = node();
    let ask = Message::GetHeaders(node.chain().locator()).encode();
    node.handle(NOW, Input::Message { from: LIAR, broadcast: true, bytes: ask.clone() });
    assert!(sent_to(&drain(&mut node), LIAR).is_empty());
    node.handle(NOW, Input::Message { from: HONEST, broadcast: false, bytes: ask });
    assert_eq!(sent_to(&drain(&mut node), HONEST).len(), 1);
}

#[test]
fn what_was_served_at_once_is_a_debt_that_time_pays() {
    let mut node = node();
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let ask = Message::GetBlocks(vec![big.header.hash()]).encode();
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let mut sent = 0;
    // A question each 100 ms for 10 s: 8 MiB at once, 2 MiB a second, and one answer too much.
    for step in 0..100 {
        let now = NOW.plus_ms(step * 100);
        node.handle(now, Input::Message { from: LIAR, broadcast: false, bytes: ask.clone() });
        for output in drain(&mut node) {
            if let Output::Send(_, bytes) = output {
                sent += bytes.len();
            }
        }
    }
    assert!((26 << 20..30 << 20).contains(&sent), "{sent} bytes");
}

#[test]
fn a_hello_of_another_version_does_not_wipe_what_is_known_of_a_peer() {
    let mut node = node();
    let mut dropped = false;
    for _ in 0..40 {
        dropped |= rejected(&hear(&mut node, LIAR, &Message::Blocks(Vec::new()))).is_some();
        let mut other = hello(BlockHash([7; 32]), 1, 0);
        if let Message::Hello(hello) = &mut other {
            hello.version = 0;
        }
        hear(&mut node, LIAR, &other);
    }
    assert!(dropped, "its score was wiped");
}

#[test]
fn late_answers_of_an_honest_peer_are_no_offence_however_often_it_was_given_up() {
    let theirs = chain_of(3);
    let mut node = node();
    let claim = hello(theirs.tip().hash(), 4, theirs.work().0);
    let mut owed = 0;
    for round in 0..40 {
        let now = NOW.plus_ms(round * 21_000);
        let bytes = claim.encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        let asked = |message: &Message| matches!(message, Message::GetHeaders(_));
        owed += sent_to(&drain(&mut node), HONEST).into_iter().filter(asked).count();
        node.handle(now.plus_ms(20_500), Input::Tick);
        drain(&mut node);
    }
    assert!(owed > 20);
    let now = NOW.plus_ms(41 * 21_000);
    for _ in 0..owed {
        let bytes = Message::Headers(Vec::new()).encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn blocks_on_nothing_without_end_cost_the_connection() {
    let mut node = node();
    let dropped = (0..60).find_map(|number| {
        let orphan = block(node.chain(), vec![vote(1, "Yes")], |header| {
            header.previous = BlockHash([number; 32]);
        });
        let votes = vec![ShortId([0; 8])];
        rejected(&hear(&mut node, LIAR, &Message::NewBlock { header: orphan.header, votes }))
    });
    assert!(dropped.unwrap().contains("stand on nothing"));
}

#[test]
fn who_drips_a_chain_out_block_by_block_loses_the_download() {
    let theirs = chain_of(20);
    let mut node = node();
    hear(&mut node, LIAR, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let (headers, _) = page(&theirs, 2);
    hear(&mut node, LIAR, &headers);
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let mut now = NOW;
    for height in 2..=4 {
        now = now.plus_ms(19_000);
        let drop = theirs.block_at(Height(height)).unwrap().to_block();
        let bytes = Message::Blocks(vec![drop]).encode();
        node.handle(now, Input::Message { from: LIAR, broadcast: false, bytes });
    }
    let outputs = drain(&mut node);
    assert!(matches!(sent_to(&outputs, HONEST)[..], [Message::GetHeaders(_)]));
}

/// The ids that a peer is asked for whether it holds them.
fn asked_held(outputs: &[Output]) -> BTreeMap<Peer, Vec<VoteId>> {
    let mut asked = BTreeMap::new();
    for output in outputs {
        if let Output::Send(peer, bytes) = output
            && let Message::AskHeld(ids) = Message::decode(bytes).unwrap()
        {
            asked.entry(*peer).or_insert_with(Vec::new).extend(ids);
        }
    }
    asked
}

#[test]
fn only_a_peer_that_was_asked_can_say_that_it_holds_a_vote_and_one_is_not_enough() {
    let mut node = node();
    for name in 1..=40 {
        let peer = Peer { link: LinkId(0), id: PeerId(name) };
        hear(&mut node, peer, &hello(BlockHash([7; 32]), 1, 0));
    }
    let cast = vote(1, "Yes");
    let id = node.cast(NOW, cast.clone()).unwrap();
    let asked = asked_held(&drain(&mut node));
    assert_eq!(asked.len(), 3);
    for name in 1..=40 {
        let peer = Peer { link: LinkId(0), id: PeerId(name) };
        if !asked.contains_key(&peer) {
            hear(&mut node, peer, &Message::Held(vec![id]));
        }
    }
    assert_eq!(node.holders(&id), 0, "nobody of them was asked");

    // One says that it holds it, and lies. The others get the vote itself, past any relay's filter
    // of repeated broadcasts.
    let (liar, others) = (*asked.keys().next().unwrap(), asked.keys().skip(1));
    hear(&mut node, liar, &Message::Held(vec![id]));
    assert_eq!(node.holders(&id), 1);
    node.handle(NOW.plus_ms(5_000), Input::Tick);
    let outputs = drain(&mut node);
    for other in others {
        assert!(sent_to(&outputs, *other).contains(&Message::Votes(vec![cast.clone()])));
        hear(&mut node, *other, &Message::Held(vec![id]));
    }
    assert_eq!(node.holders(&id), 3);
    node.handle(NOW.plus_ms(10_000), Input::Tick);
    assert!(asked_held(&drain(&mut node)).is_empty(), "enough hold it");
}

#[test]
fn who_was_drawn_is_not_pushed_out_by_a_crowd_that_comes_by_itself() {
    let mut node = node();
    // It spoke first, and was drawn after that.
    hear(&mut node, HONEST, &hello(BlockHash([7; 32]), 1, 0));
    greet(&mut node);
    hear(&mut node, HONEST, &hello(BlockHash([7; 32]), 1, 0));
    for name in 100..1_100 {
        let talker = Peer { link: LinkId(0), id: PeerId(name) };
        hear(&mut node, talker, &hello(BlockHash([7; 32]), 1, 0));
    }
    assert!(node.peers().iter().any(|(peer, _)| peer == HONEST));
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
fn blocks_beside_the_chain_are_bounded_in_number_and_bytes_and_the_best_stay() {
    let mut chain = chain_of(6);
    let late = NOW.plus_ms(1_000_000_000);
    let insert = |chain: &mut Chain, block: Block| {
        chain.insert(block.check(chain.setup()).unwrap(), late).unwrap();
    };
    // What stands beside the chain stands on something that is kept.
    let hangs_together = |chain: &Chain| {
        chain.side_blocks().all(|block| chain.block(&block.header().previous).is_some())
    };
    // A rival branch of four blocks, before the flood.
    let mut rival = Chain::new(setup());
    for token in 500..504 {
        let next = block(&rival, vec![vote(token, "No")], |_| ());
        insert(&mut chain, next.clone());
        insert(&mut rival, next);
    }
    let is_whole = |chain: &Chain| {
        (2..=5).all(|h| chain.block(&rival.block_at(Height(h)).unwrap().hash()).is_some())
    };
    let long = "x".repeat(150);
    for number in 0..60_u64 {
        let votes = (0..4_000).map(|token| vote(1_000 + number * 4_000 + token, &long)).collect();
        insert(&mut chain, block(&chain_of(0), votes, |_| ()));
        let bytes: usize = chain.side_blocks().map(KeptBlock::encoded_len).sum();
        assert!(bytes <= MAX_SIDE_BYTES, "{bytes}");
    }
    assert!(chain.side_blocks().count() > 20 && is_whole(&chain) && hangs_together(&chain));
    // Branches of two: when an end goes, what it stood on is an end.
    for number in 0..1_000 {
        let mut branch = Chain::new(setup());
        for token in [2 * number, 2 * number + 1] {
            let next = block(&branch, vec![vote(10_000 + token, "No")], |_| ());
            // The first may have gone at once, as the least of all; then the second stands on nothing.
            let _ = chain.insert(next.clone().check(chain.setup()).unwrap(), late);
            insert(&mut branch, next);
        }
        assert!(chain.side_blocks().count() <= MAX_SIDE_BLOCKS);
    }
    assert!(is_whole(&chain) && hangs_together(&chain));
    assert_eq!(chain.height(), Height(7));
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
    assert!(dropped.unwrap().contains("worth nothing"));
}

#[test]
fn when_those_asked_stay_silent_others_get_the_vote() {
    let mut node = node();
    let peer = |name| Peer { link: LinkId(0), id: PeerId(name) };
    for name in 1..=12 {
        hear(&mut node, peer(name), &hello(BlockHash([7; 32]), 1, 0));
    }
    let cast = vote(1, "Yes");
    node.cast(NOW, cast.clone()).unwrap();
    drain(&mut node);
    let mut reached = BTreeSet::new();
    for round in 1..=12 {
        node.handle(NOW.plus_ms(5_000 * round), Input::Tick);
        let outputs = drain(&mut node);
        let votes = Message::Votes(vec![cast.clone()]);
        reached.extend((1..=12).filter(|name| sent_to(&outputs, peer(*name)).contains(&votes)));
    }
    assert!(reached.len() > 8, "{reached:?}");
}

#[test]
fn who_asks_too_often_what_is_held_is_not_answered() {
    let mut node = node();
    let ids: Vec<_> = (0..256).map(|token| node.cast(NOW, vote(token, "Yes")).unwrap()).collect();
    drain(&mut node);
    let ask = Message::AskHeld(ids);
    let answers = (0..2_000).filter(|_| !sent_to(&hear(&mut node, LIAR, &ask), LIAR).is_empty());
    assert!(answers.count() < 1_100, "8 MiB at once");
}

#[test]
fn to_go_and_come_back_does_not_wipe_a_score() {
    let mut node = node();
    let orphan = |number: u64| {
        let mut far = block(&chain_of(3), vec![vote(number, "Yes")], |_| ());
        far.header.previous = BlockHash([9; 32]);
        blockvote_core::pow::mine(&mut far.header);
        Message::NewBlock { header: far.header, votes: Vec::new() }
    };
    let mut dropped = false;
    for number in 0..60 {
        dropped |= rejected(&hear(&mut node, LIAR, &orphan(number))).is_some();
        node.handle(NOW, Input::Gone(LIAR));
        drain(&mut node);
    }
    assert!(dropped, "2 points for each of 60");
    // So does to be pushed out.
    for number in 0..60 {
        dropped = rejected(&hear(&mut node, HONEST, &orphan(100 + number))).is_some();
        if dropped {
            return;
        }
        for name in 0..70 {
            let talker = Peer { link: LinkId(0), id: PeerId(1_000 + name) };
            hear(&mut node, talker, &hello(BlockHash([7; 32]), 1, 0));
        }
    }
    panic!("pushed out, and forgiven");
}

#[test]
fn used_tokens_of_an_open_election_cost_nothing_and_shut_no_voter_out() {
    let mut node = node();
    hear(&mut node, HONEST, &Message::Votes((0..4_096).map(|token| vote(token, "Yes")).collect()));
    for name in 100..120 {
        let waster = Peer { link: LinkId(0), id: PeerId(name) };
        let used = (0..4_096).map(|token| vote(token, "No")).collect();
        hear(&mut node, waster, &Message::Votes(used));
    }
    let cast = vote(5_000, "Yes");
    hear(&mut node, Peer { link: LinkId(0), id: PeerId(7) }, &Message::Votes(vec![cast.clone()]));
    assert!(node.pending().contains(&cast.id()));
}

#[test]
fn a_branch_that_repeats_votes_is_refused_while_it_is_fetched() {
    let mut node = node();
    let own = (2..=6).map(|h| chain_of(5).block_at(Height(h)).unwrap().to_block());
    let late = NOW.plus_ms(1 << 34);
    node.handle(late, Input::Blocks(own.collect()));
    drain(&mut node);
    // Its headers have more work than the chain; its blocks hold one vote over and over. Where the
    // branch is not yet better, nobody would look at that before it is.
    let mut parent = Block::genesis(&election()).header().clone();
    let blocks: Vec<_> = (0..8)
        .map(|_| {
            let next = block_on(&parent, vec![vote(100, "Yes")], |_| ());
            parent = next.header.clone();
            next
        })
        .collect();
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    let mut say = |message: &Message| {
        let bytes = message.encode();
        node.handle(late, Input::Message { from: LIAR, broadcast: false, bytes });
        drain(&mut node)
    };
    say(&hello(parent.hash(), 9, 1 << 40));
    say(&Message::Headers(headers));
    assert_eq!(rejected(&say(&Message::Blocks(blocks[..1].to_vec()))), None);
    let outputs = say(&Message::Blocks(blocks[1..2].to_vec()));
    assert!(rejected(&outputs).unwrap().contains("already voted in block 2"));
}

#[test]
fn with_much_waiting_to_go_out_nobody_is_served() {
    let mut node = node();
    let first = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    node.handle(NOW, Input::Blocks(vec![first.clone()]));
    drain(&mut node);
    let ask = Message::GetBlocks(vec![first.header.hash()]);
    node.set_backlog(LinkId(0), 3 << 20);
    let answer = sent_to(&hear(&mut node, HONEST, &ask), HONEST);
    assert_eq!(answer, [Message::Blocks(Vec::new())]);
    node.set_backlog(LinkId(0), 1 << 20);
    let answer = sent_to(&hear(&mut node, HONEST, &ask), HONEST);
    assert_eq!(answer, [Message::Blocks(vec![first])]);
}

#[test]
fn a_vote_that_was_mined_alone_is_asked_for_when_peers_come() {
    let mut node = node();
    let cast = vote(1, "Yes");
    let id = node.cast(NOW, cast.clone()).unwrap();
    let alone = block(node.chain(), vec![cast], |_| ());
    node.handle(NOW, Input::Blocks(vec![alone]));
    hear(&mut node, HONEST, &hello(BlockHash([7; 32]), 1, 0));
    node.handle(NOW.plus_ms(5_000), Input::Tick);
    assert_eq!(asked_held(&drain(&mut node)).get(&HONEST), Some(&vec![id]));
    hear(&mut node, HONEST, &Message::Held(vec![id]));
    assert_eq!(node.holders(&id), 1);
    node.handle(NOW.plus_ms(10_000), Input::Tick);
    assert!(asked_held(&drain(&mut node)).is_empty(), "the chain is what counts now");
}
