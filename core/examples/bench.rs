//! Native figures: `cargo run --release -p blockvote-core --example bench`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::time::Instant;

use blockvote_core::{
    ballot::Ballot,
    block::Block,
    chain::Chain,
    difficulty::{Difficulty, demand},
    election::{ChainParameters, Election},
    header::{HEADER_VERSION, Header},
    pow::{self, Search},
    time::Timestamp,
    verify::Verifier,
    vote::{Authorization, TokenId, Vote},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn main() {
    hash_rate();
    verification(200, 500);
    verification(20_000, 5);
}

fn hash_rate() {
    let mut header = Block::genesis(&Election::plain()).header().clone();
    header.difficulty = Difficulty(u64::MAX);
    let mut search = Search::new(&header);
    let (start, mut hashes) = (Instant::now(), 0);
    while start.elapsed().as_secs() < 3 {
        assert_eq!(search.run(hashes, 1 << 20), None);
        hashes += 1 << 20;
    }
    let rate = hashes as f64 / start.elapsed().as_secs_f64();
    println!("hash rate, native, one thread: {:.2} MH/s", rate / 1e6);
}

/// Verifies a chain of `blocks` blocks with `votes` votes each, from its bytes on.
fn verification(blocks: u64, votes: u64) {
    let parameters = ChainParameters { starting_difficulty: 1, spacing_ms: 10_000 };
    let election =
        Election { parameters, choices: vec!["A".into(), "B".into()], ..Election::plain() };
    let mut chain = Chain::new(election.clone());
    let mut bytes = Vec::new();
    for number in 0..blocks {
        let parent = chain.tip().header().clone();
        let timestamp = parent.timestamp.max(Timestamp(1_700_000_000_000)).plus_ms(10_000);
        let demanded = demand(&election.parameters, &parent, timestamp);
        let votes: Vec<_> = (0..votes)
            .map(|index| Vote {
                election: chain.id(),
                token: TokenId(number * votes + index),
                ballot: Ballot::Choices(vec![u16::from(index % 2 == 0)]),
                authorization: Authorization::Open,
            })
            .collect();
        let mut header = Header {
            version: HEADER_VERSION,
            height: parent.height.next(),
            previous: parent.hash(),
            votes_root: Block::votes_root(&votes),
            timestamp,
            difficulty: demanded.difficulty,
            easing: demanded.easing,
            nonce: 0,
        };
        pow::mine(&mut header);
        let block = Block { header, votes };
        bytes.push(borsh::to_vec(&block).unwrap());
        let checked = block.check(&election, chain.id()).unwrap();
        chain.insert(checked, NOW).unwrap();
    }
    let start = Instant::now();
    let mut verifier = Verifier::new(election, NOW);
    for bytes in &bytes {
        verifier.push(borsh::from_slice(bytes).unwrap()).unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    assert!(verifier.report().passed);
    println!(
        "verified, native, one thread, {votes} votes a block: {:.0} votes/s, {:.0} blocks/s",
        (blocks * votes) as f64 / took,
        blocks as f64 / took
    );
}
