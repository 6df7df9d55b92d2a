//! Which peers make room for which, and what is remembered of peers that left.

use blockvote_core::{
    crypto::hash::BlockHash,
    node::{Input, LinkId, Peer},
    testkit::{
        NOW, block, chain_of,
        nodes::{HONEST, LIAR, announce, drain, greet, hear, hello, node, rejected},
        vote,
    },
    wire::{
        frame::PeerId,
        message::{Message, ShortBlock},
    },
};

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
fn who_was_drawn_is_not_pushed_out_by_a_crowd_that_comes_by_itself() {
    let mut node = node();
    // It spoke first, and was drawn later.
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
fn to_go_and_come_back_does_not_wipe_a_score() {
    let mut node = node();
    let orphan = |number: u64| {
        let mut far = block(&chain_of(3), vec![vote(number, "Yes")], |_| ());
        far.header.previous = BlockHash([9; 32]);
        blockvote_core::chain::pow::mine(&mut far.header);
        Message::NewBlock(ShortBlock { header: far.header, votes: Vec::new() })
    };
    let mut dropped = false;
    for number in 0..60 {
        dropped |= rejected(&hear(&mut node, LIAR, &orphan(number))).is_some();
        node.handle(NOW, Input::Gone(LIAR));
        drain(&mut node);
    }
    assert!(dropped, "2 points for each of 60");
    // Being pushed out has the same effect.
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
