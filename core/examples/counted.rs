//! Parts whose instructions `cargo xtask bench --check` counts: one name for each part, nothing else.
//!
//! Counted is what happens inside the function `part`; what it needs is made before.

#![allow(clippy::unwrap_used, reason = "an example breaks off loudly")]

use std::hint::black_box;

use blockvote_core::{
    audit::{archive::Record, verify::Verifier},
    chain::{
        block::Block,
        difficulty::Difficulty,
        header::Header,
        pow::{FourSearch, NonceSearch, Search},
        tree::Chain,
    },
    crypto::key::SecretKey,
    custody::voting_code::Code,
    election::{definition::Election, roll::Roll},
    node::{Input, LinkId, Node, Peer},
    testkit::{
        Maker,
        nodes::{OWN, mine},
    },
    time::Timestamp,
    wire::{frame::PeerId, message::Message},
};

const NOW: Timestamp = Timestamp(1_900_000_000_000);

/// Counted: callgrind switches itself on at the entry and off at the end.
#[inline(never)]
fn part<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn unfindable() -> Header {
    let mut header = Block::genesis(&Election::plain()).header().clone();
    header.difficulty = Difficulty(u64::MAX);
    header
}

fn blocks(maker: &Maker, count: u64, votes: u64) -> Vec<Block> {
    let mut parent = Block::genesis(maker.context.election()).header().clone();
    (0..count)
        .map(|number| {
            let block = maker.block(&parent, number * votes, votes);
            parent = block.header.clone();
            block
        })
        .collect()
}

/// From the bytes of blocks to the count.
fn verify(maker: &Maker, count: u64, votes: u64) {
    let encoded = |block| borsh::to_vec(&block).unwrap();
    let bytes: Vec<_> = blocks(maker, count, votes).into_iter().map(encoded).collect();
    let mut verifier = Verifier::new(NOW);
    verifier.push(Record::Election(Box::new(maker.context.election().clone())));
    for page in maker.context.roll().into_iter().flat_map(Roll::all_pages) {
        verifier.push(Record::RollPage(page));
    }
    part(|| {
        for bytes in &bytes {
            assert!(verifier.push(Record::Block(borsh::from_slice(bytes).unwrap())));
        }
        verifier.push(Record::End { blocks: u32::try_from(count).unwrap() });
    });
    assert_eq!(verifier.votes(), count * votes);
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "10,000 tries for a nonce" => {
            let mut search = Search::new(&unfindable());
            part(|| assert_eq!(search.run(0, 10_000), None));
        }
        "10,000 tries for a nonce, four at a time" => {
            let mut search = FourSearch::new(&unfindable());
            part(|| assert_eq!(search.run(0, 10_000), None));
        }
        "verify 4 blocks of 500 open votes" => verify(&Maker::open(), 4, 500),
        "verify 200 blocks of 5 open votes" => verify(&Maker::open(), 200, 5),
        "verify a block of 512 signed votes" => verify(&Maker::signed(512), 1, 512),
        "insert 200 blocks of 5 votes into a chain" => {
            let maker = Maker::open();
            let check = |block: Block| block.check(&maker.context).unwrap();
            let checked: Vec<_> = blocks(&maker, 200, 5).into_iter().map(check).collect();
            let mut chain = Chain::new(maker.context.clone());
            part(|| {
                for block in checked {
                    chain.insert(block, NOW).unwrap();
                }
            });
        }
        "take 4,096 votes from a peer" => {
            let maker = Maker::open();
            let mut node = Node::new(maker.context.clone(), 1);
            node.handle(NOW, Input::LinkUp(LinkId(0), OWN));
            let bytes = Message::Votes((0..4_096).map(|n| maker.vote(n)).collect()).encode();
            let from = Peer { link: LinkId(0), id: PeerId(1) };
            part(|| node.handle(NOW, Input::Message { from, broadcast: true, bytes }));
            assert_eq!(node.pending().len(), 4_096);
        }
        "take in an own block of 512 signed votes" => {
            let maker = Maker::signed(512);
            let mut node = Node::new(maker.context.clone(), 1);
            node.handle(NOW, Input::Votes((0..512).map(|n| maker.vote(n)).collect()));
            node.set_mining(NOW, true);
            let mined = mine(&mut node);
            part(|| node.handle(NOW, mined));
            assert_eq!(node.chain().votes(), 512);
        }
        "collect a roll of 2,000 keys" => {
            let keys: Vec<_> = (0..2_000)
                .map(|number| Code::derive(&[1; 32], number).secret_key())
                .map(|key: SecretKey| key.public())
                .collect();
            part(|| Roll::collect(keys).unwrap());
        }
        "prove a vote in a block of 4,096" => {
            let maker = Maker::open();
            let block = blocks(&maker, 1, 4_096).remove(0).check(&maker.context).unwrap();
            part(|| block.prove(1_234).unwrap());
        }
        other => panic!("there is no part {other:?}"),
    }
}
