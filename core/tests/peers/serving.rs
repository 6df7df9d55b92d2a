//! What a peer may ask for, and how much of it.

use blockvote_core::{
    node::{Input, LinkId, Offence, Output, Peer},
    testkit::{
        NOW, block,
        nodes::{HONEST, LIAR, drain, hear, node, rejected, sent_to},
        vote,
    },
    wire::{frame::PeerId, message::Message},
};

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
    // Another peer is still served, and this one again after a while.
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
    assert_eq!(dropped, Some(Offence::OverBudget.into()));
    assert_eq!(rejected(&hear(&mut node, HONEST, &ask)), None);
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
    // A question every 100 ms for 10 s: 8 MiB at once, 2 MiB a second, and one answer too many.
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
