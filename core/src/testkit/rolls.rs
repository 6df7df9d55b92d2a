//! A small election with a voter roll and an organiser, for tests of who may do what.

use super::{NOW, block, nodes, with_roll};
use crate::{
    crypto::key::SecretKey,
    custody::voting_code::Code,
    election::{
        ballot::Ballot,
        definition::{ChainParameters, Counting, Election},
        election_context::ElectionContext,
        vote::Vote,
    },
    node::{Input, Node},
    time::Timestamp,
};

/// When it closes.
pub const CLOSES: Timestamp = Timestamp(NOW.0 + 600_000);
/// A time so long after that that no vote is on its way any more.
pub const AFTER: Timestamp = Timestamp(NOW.0 + 800_000);

/// The key of a voter, counted from 0.
pub fn voter(number: u32) -> SecretKey {
    Code::derive(&[5; 32], number).secret_key()
}

/// The key of the organiser.
pub fn organiser() -> SecretKey {
    SecretKey::new([6; 32])
}

/// The election with so many voters.
pub fn context_with(counting: Counting, voters: u32) -> ElectionContext {
    let keys: Vec<_> = (0..voters).map(voter).collect();
    let base = Election {
        counting,
        closes: Some(CLOSES),
        parameters: ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 },
        ..Election::demo()
    };
    with_roll(base, &keys, &organiser())
}

/// The election with six voters, where the first vote counts.
pub fn context() -> ElectionContext {
    context_with(Counting::FirstCounts, 6)
}

/// The vote of a voter.
pub fn vote(context: &ElectionContext, number: u32, sequence: u8, choice: u16) -> Vote {
    let key = voter(number);
    let token = context.roll().unwrap().token_of(&key.public()).unwrap();
    Vote::signed(context.id(), token, sequence, Ballot::Choices(vec![choice]), &key)
}

/// A connected node that knows nothing yet.
pub fn node(context: &ElectionContext) -> Node {
    nodes::node_of(context)
}

/// Puts a block on the node's chain.
pub fn extend(node: &mut Node, votes: Vec<Vote>) {
    let next = block(node.chain(), votes, |_| ());
    node.handle(NOW, Input::Blocks(vec![next]));
}
