//! Two nodes that talk until neither has anything to say, and what that costs. It is measured
//! natively and in a browser's engine, so the clock comes from outside.

use super::{Maker, nodes};
use crate::{
    chain::{
        block::{Block, CheckedBlock},
        header::Header,
    },
    node::{Input, Node, Output, Signatures},
    time::Timestamp,
    wire::message::Message,
};

/// Later than any block that [`Maker`] makes.
const NOW: Timestamp = Timestamp(1_900_000_000_000);
/// Votes of a full block.
const FULL: u64 = 5_000;

/// What a talk cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Bytes that the two sent.
    pub bytes: usize,
    /// Milliseconds that each was busy: the one that began, and the other.
    pub busy_ms: [f64; 2],
    /// Signatures that were verified.
    pub signatures: usize,
}

/// Gives one node a message, then lets both answer each other.
fn talk(
    [one, other]: [&mut Node; 2],
    message: Message,
    clock: &dyn Fn() -> f64,
    mut said: impl FnMut(&Message),
) -> Cost {
    let mut cost = Cost::default();
    let mut heard = vec![message];
    while !heard.is_empty() {
        for (index, node) in [&mut *one, &mut *other].into_iter().enumerate() {
            let mut answers = Vec::new();
            for message in heard {
                let bytes = message.encode();
                cost.bytes += bytes.len();
                let start = clock();
                let from = nodes::HONEST;
                node.handle(NOW, Input::Message { from, broadcast: false, bytes });
                while let Some(output) = node.poll_output() {
                    if let Output::Verify(Signatures { id, list }) = &output {
                        cost.signatures += list.len();
                        node.handle(NOW, Input::Verified { id: *id, verdict: Ok(()) });
                    }
                    answers.extend(nodes::sent_to(&[output], nodes::HONEST));
                }
                cost.busy_ms[index] += clock() - start;
            }
            answers.iter().for_each(&mut said);
            heard = answers;
        }
    }
    cost
}

/// What it costs two nodes to find the difference if they have the same 100,000 votes in one chain,
/// and ten more each.
pub fn comparison(clock: &dyn Fn() -> f64) -> Cost {
    let maker = Maker::open();
    let fill = |extra: std::ops::Range<u64>| {
        let mut node = nodes::node_of(&maker.context);
        let mut parent = Block::genesis(maker.context.election()).header().clone();
        for from in (0..100_000).step_by(FULL as usize) {
            let block = maker.block(&parent, from, FULL);
            parent = block.header.clone();
            node.handle(NOW, Input::Blocks(vec![block]));
        }
        node.handle(NOW, Input::Votes(extra.map(|number| maker.vote(number)).collect()));
        nodes::drain(&mut node);
        node
    };
    let (mut one, mut other) = (fill(200_000..200_010), fill(300_000..300_010));
    nodes::greet(&mut one);
    let mut hello = nodes::hello_of(other.chain());
    if let Message::Hello(hello) = &mut hello {
        hello.set.votes = 100_010;
    }
    let cost = talk([&mut one, &mut other], hello, clock, |_| ());
    assert_eq!((one.pending().len(), other.pending().len()), (20, 20));
    cost
}

/// What it costs to fetch and follow a branch of 13 full blocks: the same votes as here in as many
/// blocks, plus one vote.
pub fn switch(clock: &dyn Fn() -> f64) -> Cost {
    const BLOCKS: u64 = 13;
    let maker = Maker::signed((BLOCKS * FULL + 1) as u32);
    let genesis = Block::genesis(maker.context.election()).header().clone();
    let filled = |mut blocks: Vec<CheckedBlock>, mut parent: Header| {
        for number in 0..BLOCKS {
            let block = maker.block(&parent, number * FULL, FULL);
            parent = block.header.clone();
            blocks.push(block.check_but_signatures(&maker.context).unwrap());
        }
        let mut node = nodes::node_of(&maker.context);
        node.handle(NOW, Input::CheckedBlocks(blocks));
        nodes::drain(&mut node);
        node
    };
    let mut ours = filled(Vec::new(), genesis.clone());
    let first = maker.block(&genesis, BLOCKS * FULL, 1);
    let parent = first.header.clone();
    let mut theirs = filled(vec![first.check(&maker.context).unwrap()], parent);
    nodes::greet(&mut ours);
    let hello = nodes::hello_of(theirs.chain());
    let mut whole = 0;
    let cost = talk([&mut ours, &mut theirs], hello, clock, |message| {
        if let Message::Blocks(blocks) = message {
            whole += blocks.len();
        }
    });
    assert_eq!(ours.chain().tip().hash(), theirs.chain().tip().hash(), "it switched");
    assert_eq!(whole, 1, "the block of the one vote");
    cost
}
