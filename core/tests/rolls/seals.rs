//! Closings and seals: what they bind, and for whom.

use blockvote_core::{
    chain::{
        difficulty::Work,
        fork_choice::Weight,
        header::Height,
        statements::{
            Closing, DoubleVote, LeftOut, Seal, Sealed, Sealing, Statement, StatementBook,
        },
        tree::Chain,
    },
    crypto::{
        hash::{BlockHash, ElectionId, ShortId, VoteId, VoteSetRoot},
        key::SecretKey,
    },
    election::{
        ballot::Ballot,
        definition::{Counting, Election},
        election_context::ElectionContext,
        vote::Vote,
    },
    node::{CastError, Input, Missing, SealError},
    testkit::{
        NOW, block, block_on,
        nodes::{
            HONEST, LIAR, drain, drain_verified, hear, hear_verified, no_votes, rejected, sent,
        },
        rolls::{
            AFTER, CLOSES, context, context_with, extend, node, organiser, seal_of, sealed_of,
            vote, voter,
        },
    },
    time::Timestamp,
    wire::message::{Hello, Message, PROTOCOL_VERSION, ShortBlock},
};
use blockvote_words::Words;

#[test]
fn a_seal_that_binds_nobody_costs_nobody_a_long_chain() {
    let context = context_with(Counting::LastCounts, 20);
    let mut node = node(&context);
    let late = Timestamp(NOW.0 + (1 << 34));
    let mut chain = Chain::new(context.clone());
    let mut blocks = Vec::new();
    for number in 0..1_100_u32 {
        let parent = chain.tip().header().clone();
        let votes = vec![vote(&context, number % 20, (number / 20) as u8, 0)];
        let next = block_on(context.election(), &parent, votes, |_| ());
        chain.insert(next.clone().check(&context).unwrap(), late).unwrap();
        blocks.push(next);
    }
    node.handle(late, Input::Blocks(blocks));
    let tip = node.chain().tip().hash();
    assert_eq!(tip, chain.tip().hash());
    // One block on the first one, sealed with a count that it does not have.
    let mut short = Chain::new(context.clone());
    let lure = block(&short, vec![vote(&context, 0, 0, 1)], |_| ());
    short.insert(lure.clone().check(&context).unwrap(), late).unwrap();
    let mut tally = short.tally().clone();
    tally.ballots += 1;
    let seal = Seal::sign(Sealed { tally: tally.hash(), ..sealed_of(&short) }, &organiser());
    node.handle(late, Input::Blocks(vec![lure]));
    node.handle(late, Input::Statements(vec![Statement::Seal(seal.clone())]));
    assert_eq!(*node.ballot_box().sealing(), Sealing::Refuted(seal));
    assert_eq!(node.chain().tip().hash(), tip, "the chain is back");
}

#[test]
fn the_sealed_count_is_the_result_whatever_comes_after_it() {
    let context = context_with(Counting::LastCounts, 6);
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    let seal = seal_of(node.chain());
    // Somebody who did not know of the seal goes on.
    extend(&mut node, vec![vote(&context, 0, 1, 1), vote(&context, 1, 0, 1)]);
    node.handle(AFTER, Input::Statements(vec![Statement::Seal(seal)]));
    assert_eq!(
        (node.ballot_box().counted().count("Yes"), node.ballot_box().counted().ballots),
        (1, 1)
    );
    assert_eq!(node.chain().tally().ballots, 2);
    let voter = |number| vote(&context, number, 0, 0).token;
    assert_eq!(node.ballot_box().counting_vote(voter(0)), Some(vote(&context, 0, 0, 0).id()));
    assert_eq!(node.ballot_box().counting_vote(voter(1)), None);
}

#[test]
fn a_node_that_is_behind_does_not_seal() {
    let context = context();
    let mut other = node(&context);
    let mut node = node(&context);
    hear(
        &mut node,
        LIAR,
        &Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            tip: BlockHash([1; 32]),
            height: Height(9),
            weight: Weight { voters: 6, votes: 6, work: Work(1 << 40) },
            set: no_votes(),
            sealed: None,
            statements: node_digest(),
            wants_reply: false,
        }),
    );
    assert_eq!(node.seal(AFTER, Vec::new(), &organiser(), false), Err(Missing::Behind.into()));
    // A peer that says that its chain, which is no better than this one, is sealed.
    let said = Hello {
        version: PROTOCOL_VERSION,
        tip: other.chain().tip().hash(),
        height: Height(1),
        weight: other.chain().weight(),
        set: no_votes(),
        sealed: Some(other.chain().tip().hash()),
        statements: node_digest(),
        wants_reply: false,
    };
    hear(&mut other, LIAR, &Message::Hello(said));
    assert_eq!(other.seal(AFTER, Vec::new(), &organiser(), false), Err(Missing::Seal.into()));
    // A liar cannot hold the seal up for ever.
    assert_eq!(node.seal(AFTER, Vec::new(), &organiser(), true), Ok(()));
}

fn node_digest() -> [u8; 32] {
    StatementBook::default().digest()
}

#[test]
fn statements_that_prove_nothing_are_rejected() {
    let context = context();
    let (one, two) = (vote(&context, 0, 0, 0), vote(&context, 0, 0, 1));
    let double = DoubleVote::of(&one, &two).unwrap();
    let swapped = DoubleVote { first: double.second.clone(), second: double.first.clone() };
    let changed = Vote { ballot: Ballot::Choices(vec![2]), ..two.clone() };
    let forged = DoubleVote::of(&one, &changed).unwrap();
    let twice = DoubleVote { first: one.clone(), second: one.clone() };
    let strangers = DoubleVote { first: one, second: vote(&context, 1, 0, 1) };
    let here = sealed_of(&Chain::new(context.clone()));
    let seal = |key: &SecretKey| Seal::sign(here.clone(), key);
    let mut moved = seal(&organiser());
    moved.sealed.tip = BlockHash([1; 32]);
    let elsewhere = Sealed { election: ElectionId([3; 32]), ..here.clone() };
    let foreign = Seal::sign(elsewhere, &organiser());
    let second = Seal::sign(Sealed { trustee: 2, ..here.clone() }, &organiser());
    let left_out = |reason: &str, votes: Vec<VoteId>| {
        let left_out = vec![LeftOut { reason: reason.into(), votes }];
        Statement::Seal(Seal::sign(Sealed { left_out, ..here.clone() }, &organiser()))
    };
    let (low, high) = (VoteId([1; 32]), VoteId([2; 32]));
    let mut early = Closing::sign(context.id(), NOW, &organiser());
    early.at = Timestamp(1);
    let wrong = [
        (Statement::DoubleVote(Box::new(swapped)), "not a double vote"),
        (Statement::DoubleVote(Box::new(twice)), "not a double vote"),
        (Statement::DoubleVote(Box::new(strangers)), "not a double vote"),
        (Statement::DoubleVote(Box::new(forged)), "signature"),
        (Statement::Seal(seal(&voter(0))), "not signed by the organiser"),
        (Statement::Seal(moved), "not signed by the organiser"),
        (Statement::Seal(foreign), "for election"),
        (Statement::Seal(second), "trustee 2"),
        (left_out("", vec![low]), "reason"),
        (left_out("late\nvotes", vec![low]), "reason"),
        (left_out("late", vec![]), "group 1"),
        (left_out("late", vec![high, low]), "group 1"),
        (left_out("late", vec![low, low]), "twice"),
        (Statement::Closing(early), "not signed by the organiser"),
        (Statement::Closing(Closing::sign(context.id(), NOW, &voter(1))), "not signed by"),
    ];
    for (statements, reason) in wrong {
        let mut node = node(&context);
        let outputs = hear_verified(&mut node, LIAR, &Message::Statements(vec![statements]));
        let found = rejected(&outputs).unwrap();
        assert!(found.words().contains(reason), "expected {reason:?}: {found:?}");
        assert_eq!(node.statements().digest(), StatementBook::default().digest());
        assert_eq!(*node.ballot_box().sealing(), Sealing::Unsealed);
    }
    // None of this exists in an open election.
    let open = ElectionContext::open(Election::demo()).unwrap();
    assert!(Statement::DoubleVote(Box::new(double)).check(&open).is_err());
    assert!(Statement::Seal(seal(&organiser())).check(&open).is_err());
}

#[test]
fn the_organiser_closes_early_and_seals_once_and_nobody_else_can() {
    let context = context();
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    assert_eq!(node.seal(NOW, Vec::new(), &organiser(), false), Err(SealError::NotClosed));
    assert!(node.close(NOW, &voter(0)).is_err());
    assert_eq!(node.ballot_box().closes(), Some(CLOSES));
    node.close(NOW.plus_ms(5), &organiser()).unwrap();
    assert_eq!(node.ballot_box().closes(), Some(NOW.plus_ms(5)));
    assert!(node.cast(NOW, vote(&context, 1, 0, 0)).is_ok());
    let late = node.cast(NOW.plus_ms(5), vote(&context, 2, 0, 0)).unwrap_err();
    assert!(matches!(late, CastError::Closed(at) if at == NOW.plus_ms(5)));
    // Every pending vote is named, or counted.
    let waits = vec![LeftOut {
        reason: "no block came any more".into(),
        votes: node.ballot_box().not_to_be_sealed(),
    }];
    assert_eq!(node.seal(AFTER, Vec::new(), &organiser(), false), Err(SealError::Unnamed(1)));
    let strangers = node.seal(AFTER, waits.clone(), &voter(0), false);
    assert!(matches!(strangers, Err(SealError::Statement(_))));
    node.seal(AFTER, waits, &organiser(), false).unwrap();
    assert!(
        matches!(node.ballot_box().sealing(), Sealing::Sealed { tally, .. } if tally.count("Yes") == 1)
    );
    assert_eq!(node.seal(AFTER, Vec::new(), &organiser(), false), Err(SealError::AlreadySealed));
    // A clock that is an hour behind does not open it again.
    let back = Timestamp(NOW.0 - 3_600_000);
    assert_eq!(node.cast(back, vote(&context, 2, 0, 0)), Err(CastError::Sealed));
}

#[test]
fn a_sealed_block_outlasts_more_work_until_a_second_seal_contests_it() {
    let context = context();
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    let sealed = node.chain().tip().hash();
    let mut heavier = Chain::new(context.clone());
    for number in [1, 2, 3] {
        let next =
            block(&heavier, vec![vote(&context, number, 0, 1)], |_| ()).check(&context).unwrap();
        heavier.insert(next, NOW).unwrap();
    }
    let blocks: Vec<_> = (2..=4).map(|h| heavier.block_at(Height(h)).unwrap().to_block()).collect();
    node.seal(AFTER, Vec::new(), &organiser(), false).unwrap();
    drain_verified(&mut node);
    node.handle(AFTER, Input::Blocks(blocks.clone()));
    assert_eq!(node.chain().tip().hash(), sealed, "more work does not undo a sealed block");

    // A node that has the heavier chain gives it up for the sealed one.
    let mut other = self::node(&context);
    other.handle(AFTER, Input::Blocks(blocks));
    let seal = node.statements().all().next().unwrap();
    let outputs = hear_verified(&mut other, LIAR, &Message::Statements(vec![seal]));
    assert_eq!(rejected(&outputs), None);
    assert!(matches!(other.ballot_box().sealing(), Sealing::Awaited(_)));
    let tip = node.chain().tip();
    let hello = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: tip.hash(),
        height: Height(2),
        weight: node.chain().weight(),
        set: no_votes(),
        sealed: Some(sealed),
        statements: node.statements().digest(),
        wants_reply: false,
    });
    let asked = sent(&hear_verified(&mut other, LIAR, &hello));
    assert!(asked.iter().any(|m| matches!(m, Message::GetHeaders(_))), "{asked:?}");
    hear_verified(&mut other, LIAR, &Message::Headers(vec![tip.header().clone()]));
    let votes = vec![ShortId::from(&tip.vote_ids()[0])];
    let short = ShortBlock { header: tip.header().clone(), votes };
    hear_verified(&mut other, LIAR, &Message::ShortBlocks(vec![short]));
    hear_verified(&mut other, LIAR, &Message::Blocks(vec![tip.to_block()]));
    assert_eq!(other.chain().tip().hash(), sealed);
    assert!(matches!(other.ballot_box().sealing(), Sealing::Sealed { .. }));

    // The organiser also sealed the other chain: nothing is final, and fork choice decides again.
    let second = seal_of(&heavier);
    for node in [&mut node, &mut other] {
        node.handle(AFTER, Input::Statements(vec![Statement::Seal(second.clone())]));
        assert!(matches!(node.ballot_box().sealing(), Sealing::Contested(..)));
        assert_eq!(node.chain().tip().hash(), heavier.tip().hash());
    }
}

#[test]
fn a_seal_over_another_count_or_height_binds_nobody() {
    let context = context();
    let wrong_count = |chain: &Chain| {
        let mut tally = chain.tally().clone();
        tally.ballots += 1;
        Seal::sign(Sealed { tally: tally.hash(), ..sealed_of(chain) }, &organiser())
    };
    let wrong_height =
        |chain: &Chain| Seal::sign(Sealed { height: Height(9), ..sealed_of(chain) }, &organiser());
    let wrong_set = |chain: &Chain| {
        Seal::sign(Sealed { set: VoteSetRoot([9; 32]), ..sealed_of(chain) }, &organiser())
    };
    for make in [&wrong_count as &dyn Fn(&Chain) -> Seal, &wrong_height, &wrong_set] {
        let mut node = node(&context);
        extend(&mut node, vec![vote(&context, 0, 0, 0)]);
        let seal = make(node.chain());
        node.handle(AFTER, Input::Statements(vec![Statement::Seal(seal.clone())]));
        assert_eq!(*node.ballot_box().sealing(), Sealing::Refuted(seal));
        assert_eq!(node.chain().anchor(), None);
    }
}

#[test]
fn a_tip_that_a_seal_brings_is_told_where_the_seal_was_heard() {
    let context = context();
    let mut node = node(&context);
    let rivals: Vec<_> = (0..2)
        .map(|number| block(node.chain(), vec![vote(&context, number, 0, 0)], |_| ()))
        .collect();
    node.handle(NOW, Input::Blocks(rivals.clone()));
    let tip = node.chain().tip().hash();
    let beside = rivals.iter().find(|block| block.header.hash() != tip).unwrap();
    let hash = beside.header.hash();
    let mut chain = Chain::new(context.clone());
    chain.insert(beside.clone().check(&context).unwrap(), NOW).unwrap();
    let seal = seal_of(&chain);
    drain(&mut node);
    let bytes = Message::Statements(vec![Statement::Seal(seal)]).encode();
    node.handle(AFTER, Input::Message { from: HONEST, broadcast: true, bytes });
    assert_eq!(node.chain().tip().hash(), hash);
    let told = sent(&drain(&mut node));
    let new_block = |message: &Message| matches!(message, Message::NewBlock(ShortBlock { header, .. }) if header.hash() == hash);
    assert!(told.iter().any(new_block), "{told:?}");
}
