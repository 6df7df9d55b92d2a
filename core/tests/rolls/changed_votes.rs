//! Changed votes, and opening hours.

use blockvote_core::{
    chain::{
        header::Height,
        pow::{NonceSearch, Search},
        tree::Chain,
    },
    election::definition::Counting,
    node::{CastError, Input, Output},
    testkit::{
        NOW, block,
        nodes::drain_verified,
        rolls::{CLOSES, context, context_with, extend, node, organiser, vote},
    },
};

#[test]
fn the_last_vote_counts_where_the_election_says_so_and_a_reorganisation_takes_it_back() {
    let context = context_with(Counting::LastCounts, 6);
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0), vote(&context, 1, 0, 1)]);
    assert_eq!((node.chain().tally().count("Yes"), node.chain().tally().count("No")), (1, 1));
    extend(&mut node, vec![vote(&context, 0, 1, 2)]);
    extend(&mut node, vec![vote(&context, 0, 2, 1)]);
    let tally = node.chain().tally().clone();
    assert_eq!((tally.count("Yes"), tally.count("No"), tally.count("Blank")), (0, 2, 0));
    assert_eq!((tally.ballots, node.chain().votes()), (2, 4));
    assert_eq!(node.chain().tally_at(Height(2)).count("Yes"), 1);
    // A branch with more voters, without the changes.
    let mut rival = Chain::new(context.clone());
    for votes in [
        vec![vote(&context, 0, 0, 0)],
        vec![vote(&context, 2, 0, 0)],
        vec![vote(&context, 3, 0, 0)],
        vec![vote(&context, 4, 0, 0)],
        vec![vote(&context, 5, 0, 0)],
    ] {
        let next = block(&rival, votes, |_| ()).check(&context).unwrap();
        rival.insert(next, NOW).unwrap();
    }
    let blocks = (2..=6).map(|h| rival.block_at(Height(h)).unwrap().to_block()).collect();
    node.handle(NOW, Input::Blocks(blocks));
    node.handle(NOW.plus_ms(120_000), Input::Tick);
    assert_eq!(node.chain().tip().hash(), rival.tip().hash());
    assert_eq!(node.chain().tally().count("Yes"), 5);
    // The votes of the abandoned blocks are pending again, and none was cast twice.
    let waiting: Vec<_> = node.pending().iter().map(|vote| vote.sequence).collect();
    assert_eq!(waiting.len(), 3);
    assert_eq!(node.statements().double_votes().len(), 0);
    let mut votes: Vec<_> = node.pending().iter().map(|vote| vote.vote().clone()).collect();
    let last = votes.split_off(2);
    extend(&mut node, votes);
    extend(&mut node, last);
    assert_eq!((node.chain().tally().count("Yes"), node.chain().tally().count("No")), (4, 2));
    let again = node.cast(NOW, vote(&context, 0, 1, 0)).unwrap_err();
    assert!(matches!(again, CastError::AlreadyVoted { sequence: 1, .. }), "{again:?}");
}

#[test]
fn votes_taken_before_the_closing_still_get_into_a_block() {
    let context = context();
    for early in [true, false] {
        let mut node = node(&context);
        node.set_mining(NOW, true);
        node.cast(NOW, vote(&context, 0, 0, 0)).unwrap();
        drain_verified(&mut node);
        let now = if early { NOW.plus_ms(10) } else { CLOSES.plus_ms(5_000) };
        if early {
            node.close(now, &organiser()).unwrap();
        }
        assert!(matches!(node.cast(now, vote(&context, 1, 0, 0)), Err(CastError::Closed(_))));
        node.handle(now.plus_ms(6_000), Input::Tick);
        let job = drain_verified(&mut node).into_iter().rev().find_map(|output| match output {
            Output::Mine(job) => job,
            _ => None,
        });
        let job = job.unwrap();
        let nonce = Search::new(&job.header).run(0, 1 << 30).unwrap();
        node.handle(now.plus_ms(6_000), Input::Mined { job: job.id, nonce });
        assert_eq!((node.chain().votes(), node.pending().len()), (1, 0));
    }
}
