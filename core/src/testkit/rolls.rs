//! A small election with a voter roll and an organiser, for tests of who may do what.

use super::{NOW, block, nodes, with_roll};
use crate::{
    chain::{
        statements::{Seal, Sealed},
        tree::Chain,
    },
    crypto::key::SecretKey,
    custody::voting_code::Code,
    election::{
        ballot::Ballot,
        definition::{ChainParameters, Counting, Election},
        election_context::ElectionContext,
        keepers::Keeper,
        vote::Vote,
    },
    node::{Input, Node},
    time::Timestamp,
};

/// When it closes.
pub const CLOSES: Timestamp = Timestamp(NOW.0 + 600_000);
/// A time so long after that that no vote can still arrive.
pub const AFTER: Timestamp = Timestamp(NOW.0 + 800_000);

/// The key of a voter, counted from 0.
pub fn voter(number: u32) -> SecretKey {
    Code::derive(&[5; 32], number).secret_key()
}

/// The key of the organiser.
pub fn organiser() -> SecretKey {
    SecretKey::new([6; 32])
}

/// The election with this many voters.
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

/// The key of a keeper, counted from 0.
pub fn keeper(number: u8) -> SecretKey {
    SecretKey::new([0x40 + number; 32])
}

/// The election with six voters, and two keepers.
pub fn context_kept() -> ElectionContext {
    let named = |number| Keeper { name: format!("Keeper {number}"), key: keeper(number).public() };
    let keepers = [0, 1].map(named).to_vec();
    let keys: Vec<_> = (0..6).map(voter).collect();
    let base = Election { keepers, ..context().election().clone() };
    with_roll(base, &keys, &organiser())
}

/// What a seal over the whole chain says.
pub fn sealed_of(chain: &Chain) -> Sealed {
    chain.sealed_at(chain.height()).unwrap()
}

/// The organiser's seal over the whole chain.
pub fn seal_of(chain: &Chain) -> Seal {
    Seal::sign(sealed_of(chain), &organiser())
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
