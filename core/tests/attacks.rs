//! Attacks on the rules of the chain that succeeded once, each as it was done: unlimited hash
//! power, arbitrary times, one stolen code. `docs/threat-model.md` says what each rule costs.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use blockvote_core::{
    chain::{
        ancestry::LinkError,
        block::Block,
        counted_votes::SlotError,
        header::{Added, Header},
        tree::{Chain, Inserted},
    },
    election::{
        definition::{ChainParameters, Counting, Election},
        election_context::ElectionContext,
        vote::Vote,
    },
    node::CastError,
    testkit::{
        NOW, block_at,
        rolls::{CLOSES, context, context_with, extend, node, organiser, vote, voter},
        with_roll,
    },
    time::Timestamp,
};

/// Long after closing, so that no time is ahead of the clock.
const LATER: Timestamp = Timestamp(CLOSES.0 + 100_000_000);

fn insert(chain: &mut Chain, block: Block) -> Result<Inserted, LinkError> {
    let checked = block.check(chain.context()).unwrap();
    chain.insert(checked, LATER)
}

/// Blocks on a parent, one vote in each, all made at one time.
fn branch(
    context: &ElectionContext,
    parent: &Header,
    votes: Vec<Vote>,
    at: Timestamp,
) -> Vec<Block> {
    let mut parent = parent.clone();
    votes
        .into_iter()
        .map(|vote| {
            let next = block_at(context.election(), &parent, at, vec![vote], |_| ());
            parent = next.header.clone();
            next
        })
        .collect()
}

#[test]
fn blocks_dated_just_before_closing_do_not_end_the_voting() {
    let context = context();
    let mut chain = Chain::new(context.clone());
    let genesis = chain.tip().header().clone();
    let last = Timestamp(CLOSES.0 - 1);
    let votes = (0..3).map(|number| vote(&context, number, 0, 1)).collect();
    for block in branch(&context, &genesis, votes, last) {
        insert(&mut chain, block).unwrap();
    }
    // Voters who come after it, in time or while votes can still arrive, are in the chain, too.
    for (number, at) in [(3, last), (4, CLOSES), (5, CLOSES.plus_ms(60_000))] {
        let votes = vec![vote(&context, number, 0, 0)];
        let next = block_at(context.election(), chain.tip().header(), at, votes, |_| ());
        insert(&mut chain, next).unwrap();
    }
    assert_eq!(chain.tally().ballots, 6);
}

#[test]
fn a_chain_without_one_voter_is_not_better_whatever_its_work() {
    let context = context();
    let mut chain = Chain::new(context.clone());
    let genesis = chain.tip().header().clone();
    let votes = |numbers: std::ops::Range<u32>| -> Vec<Vote> {
        numbers.map(|number| vote(&context, number, 0, 1)).collect()
    };
    let honest = block_at(context.election(), &genesis, NOW, votes(0..4), |_| ());
    let tip = honest.header.hash();
    insert(&mut chain, honest).unwrap();
    // The victim is number 3. The attacker has every public vote and unlimited hash power.
    for block in branch(&context, &genesis, votes(0..3), NOW) {
        insert(&mut chain, block).unwrap();
    }
    assert!(chain.side_blocks().count() == 3, "three blocks of work against one");
    assert_eq!(chain.tip().hash(), tip);
}

#[test]
fn the_thief_of_a_code_cannot_lock_its_owner_out_with_the_last_number() {
    let context = context_with(Counting::LastCounts, 3);
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    let last = node.cast(NOW, vote(&context, 0, 99, 1));
    assert!(matches!(last, Err(CastError::NoVoteBefore { sequence: 99, .. })), "{last:?}");
    // All numbers at once: the first change is taken, the second has to wait.
    node.cast(NOW, vote(&context, 0, 1, 1)).unwrap();
    for sequence in 2..100 {
        let refused = node.cast(NOW, vote(&context, 0, sequence, 1));
        assert!(matches!(refused, Err(CastError::NoVoteBefore { .. })), "{sequence}: {refused:?}");
    }
    // Not even in blocks of the attacker's own.
    let mut chain = Chain::new(context.clone());
    let genesis = chain.tip().header().clone();
    let votes = [0, 1, 2].map(|sequence| vote(&context, 0, sequence, 1)).to_vec();
    let made = branch(&context, &genesis, votes, NOW);
    insert(&mut chain, made[0].clone()).unwrap();
    insert(&mut chain, made[1].clone()).unwrap();
    let soon = insert(&mut chain, made[2].clone()).unwrap_err();
    let error = SlotError::TooSoon(NOW.plus_ms(60_000));
    assert!(matches!(&soon, LinkError::Slot { error: found, .. } if *found == error), "{soon:?}");
}

#[test]
fn the_difficulty_falls_only_as_time_passes() {
    let parameters = ChainParameters { starting_difficulty: 1 << 8, spacing_ms: 10_000 };
    let election = Election { parameters, ..context().election().clone() };
    let context = with_roll(election, &(0..6).map(voter).collect::<Vec<_>>(), &organiser());
    let mut chain = Chain::new(context.clone());
    let mut parent = chain.tip().header().clone();
    for number in 0..3 {
        let votes = vec![vote(&context, number, 0, 1)];
        let block = block_at(context.election(), &parent, NOW, votes, |_| ());
        parent = block.header.clone();
        insert(&mut chain, block).unwrap();
    }
    // Forward in time, which halves it, and back again, as often as you like: a block that goes
    // back is refused.
    let forward = vec![vote(&context, 3, 0, 1)];
    let forward = block_at(context.election(), &parent, NOW.plus_ms(50_000), forward, |_| ());
    parent = forward.header.clone();
    insert(&mut chain, forward).unwrap();
    let back = vec![vote(&context, 4, 0, 1)];
    let back = block_at(context.election(), &parent, NOW, back, |_| ());
    let refused = insert(&mut chain, back).unwrap_err();
    assert!(matches!(refused, LinkError::Old { .. }), "{refused:?}");
}

#[test]
fn a_low_starting_difficulty_rises_under_load() {
    for starting_difficulty in 1..8 {
        let parameters = ChainParameters { starting_difficulty, spacing_ms: 10_000 };
        let election = Election { parameters, ..context().election().clone() };
        let mut header = Block::genesis(&election).header().clone();
        let root = header.votes_root;
        for _ in 0..40 {
            let added = Added { voters: 0, votes: 1 };
            header = Header::next(&header, root, added, header.timestamp, &parameters);
        }
        assert!(header.difficulty.0 > 40, "{starting_difficulty}: {}", header.difficulty.0);
    }
}
