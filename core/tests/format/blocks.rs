//! Headers, blocks, targets and inclusion proofs.

use blockvote_core::{
    chain::{
        block::Block,
        difficulty::Difficulty,
        header::{Added, Header},
        pow::{self, Target},
    },
    crypto::merkle,
    time::Timestamp,
};

use crate::{Vectors, check, elections, encoded, hex, votes};

/// The second block of the open election.
pub fn second() -> Block {
    let (election, votes) = (elections::open(), votes::three());
    let genesis = Block::genesis(&election);
    let (root, time) = (Block::votes_root(&votes), Timestamp(1_800_000_001_000));
    let added = Added::by(&votes);
    let mut header = Header::next(genesis.header(), root, added, time, &election.parameters);
    header.difficulty = Difficulty(65_536);
    pow::mine(&mut header);
    Block { header, votes }
}

pub fn vectors() -> Vectors {
    let (genesis, block) = (Block::genesis(&elections::open()), second());
    let leaves: Vec<_> = block.votes.iter().map(|vote| merkle::leaf(&vote.encode())).collect();
    let proof = merkle::prove(&leaves, 2).unwrap();
    let target = |difficulty| hex(Target::from(Difficulty(difficulty)).0);
    vec![
        ("genesis header", hex(genesis.header().encode())),
        ("genesis hash", genesis.hash().to_string()),
        ("header", hex(block.header.encode())),
        ("header hash", block.header.hash().to_string()),
        ("block", encoded(&block)),
        ("votes root", block.header.votes_root.to_string()),
        ("inclusion proof of the third vote", encoded(&proof)),
        ("target of difficulty 65536", target(65_536)),
        ("target of difficulty 73728", target(73_728)),
    ]
}

#[test]
fn a_block_is_as_documented() {
    check(vectors());
}
