//! One honest node among peers that lie, forge, stall and repeat: nothing changes that should not,
//! and an honest peer is asked in their place.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]
use blockvote_core::{
    chain::{
        block::Block,
        difficulty::Difficulty,
        header::Height,
        pow::{self, NonceSearch, Search},
        tree::Chain,
    },
    crypto::hash::{BlockHash, ElectionId, ShortId},
    election::{
        ballot::Ballot, definition::Election, election_context::ElectionContext, token::TokenId,
        vote::Vote,
    },
    node::{CastError, Event, Input, Node, Output, pool::MAX_PENDING_VOTES},
    testkit::{nodes::*, *},
    time::Timestamp,
    wire::message::{MAX_MESSAGE_BYTES, Message, ShortBlock},
};
use blockvote_words::Words;

/// Announces a header and serves its block when asked; returns all outputs.
fn serve(node: &mut Node, block: &Block) -> Vec<Output> {
    let votes = block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect();
    let header = block.header.clone();
    let mut outputs = hear(node, LIAR, &Message::NewBlock(ShortBlock { header, votes }));
    if sent_to(&outputs, LIAR).iter().any(|message| matches!(message, Message::GetBlocks(_))) {
        outputs.extend(hear(node, LIAR, &Message::Blocks(vec![block.clone()])));
    }
    outputs
}

#[test]
fn an_honest_block_is_taken_so_the_others_fail_for_their_own_reason() {
    let mut node = node();
    let honest = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    let outputs = serve(&mut node, &honest);
    assert_eq!(rejected(&outputs), None);
    assert_eq!(node.chain().tally().count("Yes"), 1);
}

#[test]
fn a_forged_block_is_refused_and_its_sender_not_heard_again() {
    type Forge = fn(&Chain) -> Block;
    let forgeries: [(&str, Forge); 8] = [
        ("proof of work", |chain| {
            let mut forged = block(chain, vec![vote(1, "Yes")], |_| ());
            while pow::is_proven(&forged.header) {
                forged.header.nonce += 1;
            }
            forged
        }),
        ("proof of work", |chain| {
            block(chain, vec![vote(1, "Yes")], |header| header.difficulty = Difficulty(1))
        }),
        ("difficulty", |chain| {
            block(chain, vec![vote(1, "Yes")], |header| header.difficulty.0 += 1)
        }),
        ("number must be one higher", |chain| {
            block(chain, vec![vote(1, "Yes")], |header| header.height.0 += 1)
        }),
        ("version 9", |chain| block(chain, vec![vote(1, "Yes")], |header| header.version = 9)),
        ("other votes than", |chain| {
            let mut forged = block(chain, vec![vote(1, "Yes")], |_| ());
            forged.votes = vec![vote(1, "No")];
            forged
        }),
        ("votes twice in this block", |chain| {
            block(chain, vec![vote(1, "Yes"), vote(1, "No")], |_| ())
        }),
        ("for election", |chain| {
            let stranger = Vote { election: ElectionId([9; 32]), ..vote(1, "Yes") };
            block(chain, vec![stranger], |_| ())
        }),
    ];
    for (reason, forge) in forgeries {
        let mut node = node();
        let tip = node.chain().tip().hash();
        let forged = forge(node.chain());
        let outputs = serve(&mut node, &forged);
        let found = rejected(&outputs).map(|reason| reason.words()).unwrap_or_default();
        assert!(found.contains(reason), "expected {reason:?}, found {found:?}");
        assert_eq!(node.chain().tip().hash(), tip, "{reason}");
        assert_eq!(node.chain().votes(), 0, "{reason}");
        let persisted = outputs.iter().any(|output| matches!(output, Output::Persist(_)));
        assert!(!persisted, "{reason}: something was stored");
        assert!(
            hear(&mut node, LIAR, &hello(tip, 99, 1 << 90)).is_empty(),
            "{reason}: heard again"
        );
    }
}

#[test]
fn a_block_that_uses_a_token_again_is_refused() {
    let mut node = node();
    let first = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    serve(&mut node, &first);
    let second = block(node.chain(), vec![vote(2, "Yes"), vote(1, "No")], |_| ());
    let outputs = serve(&mut node, &second);
    assert!(rejected(&outputs).unwrap().words().contains("the token 1 already voted in block 2"));
    assert_eq!((node.chain().height(), node.chain().votes()), (Height(2), 1));
}

#[test]
fn a_block_from_the_future_waits_and_nobody_is_punished_for_a_wrong_clock() {
    let mut node = node();
    let early = block(node.chain(), vec![vote(1, "Yes")], |header| {
        header.timestamp = NOW.plus_ms(121_000);
    });
    // Mined honestly with a clock that is ahead: the difficulty fits its time.
    let demanded =
        node.chain().tip().header().demand(early.header.timestamp, &election().parameters);
    let early = block(node.chain(), vec![vote(1, "Yes")], |header| {
        header.timestamp = NOW.plus_ms(121_000);
        (header.difficulty, header.easing) = (demanded.difficulty, demanded.easing);
    });
    let outputs = serve(&mut node, &early);
    assert_eq!(rejected(&outputs), None);
    assert_eq!(node.chain().height(), Height(1));
    let said = |outputs: &[Output]| {
        let said = |output: &&Output| matches!(output, Output::Event(Event::BlockAhead(_)));
        outputs.iter().filter(said).count()
    };
    assert_eq!((said(&outputs), node.ahead()), (1, Some(NOW.plus_ms(121_000))));
    assert_eq!(said(&serve(&mut node, &early)), 0, "once");
    // When it may be valid, its sender is asked again.
    let mut asked = |after: u64| {
        node.handle(NOW.plus_ms(after), Input::Tick);
        sent_to(&drain(&mut node), LIAR).len()
    };
    assert_eq!([asked(999), asked(1_000), asked(1_001)], [0, 1, 0]);
    assert_eq!(node.ahead(), None);
    let later = NOW.plus_ms(10_000);
    let bytes = Message::NewBlock(ShortBlock {
        header: early.header.clone(),
        votes: vec![ShortId([0; 8])],
    });
    node.handle(later, Input::Message { from: LIAR, broadcast: false, bytes: bytes.encode() });
    node.handle(
        later,
        Input::Message {
            from: LIAR,
            broadcast: false,
            bytes: Message::Blocks(vec![early]).encode(),
        },
    );
    assert_eq!(node.chain().height(), Height(2));
}

#[test]
fn a_claim_without_headers_behind_it_leads_nowhere() {
    let mut node = node();
    let outputs = hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 1_000_000, u128::MAX));
    assert!(matches!(sent_to(&outputs, LIAR)[..], [Message::GetHeaders(_)]));
    let outputs = hear(&mut node, LIAR, &Message::Headers(Vec::new()));
    assert!(sent_to(&outputs, LIAR).is_empty(), "it is not asked again for the same claim");
    assert_eq!(node.sync().target(), None);
}

#[test]
fn a_peer_that_stalls_is_left_for_one_that_answers() {
    let theirs = chain_of(5);
    let mut node = node();
    hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 1_000_000, u128::MAX));
    let outputs = hear(&mut node, HONEST, &hello(theirs.tip().hash(), 6, theirs.work().0));
    assert!(sent_to(&outputs, HONEST).is_empty(), "one download at a time");
    let later = NOW.plus_ms(60_000);
    node.handle(later, Input::Tick);
    let outputs = drain(&mut node);
    assert!(matches!(sent_to(&outputs, HONEST)[..], [Message::GetHeaders(_)]));
    let headers = (2..=6).map(|h| theirs.block_at(Height(h)).unwrap().header().clone()).collect();
    let bytes = Message::Headers(headers).encode();
    node.handle(later, Input::Message { from: HONEST, broadcast: false, bytes });
    let blocks = (2..=6).map(|h| theirs.block_at(Height(h)).unwrap().to_block()).collect();
    let bytes = Message::Blocks(blocks).encode();
    node.handle(later, Input::Message { from: HONEST, broadcast: false, bytes });
    assert_eq!(node.chain().tip().hash(), theirs.tip().hash());
    assert_eq!(node.chain().tally().count("Yes"), 5);
}

#[test]
fn garbage_and_oversize_messages_end_the_listening() {
    for bytes in [vec![], vec![200], vec![0; 40], vec![7; MAX_MESSAGE_BYTES + 1]] {
        let mut node = node();
        node.handle(NOW, Input::Message { from: LIAR, broadcast: true, bytes });
        assert!(rejected(&drain(&mut node)).is_some());
    }
}

#[test]
fn votes_that_no_honest_peer_sends_are_rejected_and_late_ones_ignored() {
    let mut node = node();
    hear(&mut node, HONEST, &Message::Votes(vec![vote(1, "Yes")]));
    assert_eq!(node.pending().len(), 1);
    let outputs = hear(&mut node, HONEST, &Message::Votes(vec![vote(1, "No"), vote(1, "Yes")]));
    assert_eq!(rejected(&outputs), None, "a second vote for a token is honest lag");
    assert_eq!(node.pending().len(), 1);
    let control = Vote { ballot: Ballot::Text("a\u{202e}b".into()), ..vote(2, "") };
    let outputs = hear(&mut node, LIAR, &Message::Votes(vec![vote(3, "Yes"), control]));
    assert!(rejected(&outputs).unwrap().words().contains("U+202E"));
    assert_eq!(node.pending().len(), 1, "nothing of the message is taken");
}

#[test]
fn a_flood_of_votes_stops_at_the_bound_and_says_so() {
    let mut node = node();
    let mut token = 0;
    for _ in 0..40 {
        let votes = (0..4000).map(|_| {
            token += 1;
            vote(token, "Yes")
        });
        hear(&mut node, LIAR, &Message::Votes(votes.collect()));
    }
    assert_eq!(node.pending().len(), MAX_PENDING_VOTES);
    assert_eq!(node.cast(NOW, vote(999_999, "Yes")), Err(CastError::Full));
}

#[test]
fn a_vote_outside_the_opening_hours_is_not_taken() {
    let hours = Election {
        opens: Some(Timestamp(NOW.0 - 10)),
        closes: Some(Timestamp(NOW.0 + 10)),
        ..election()
    };
    let mut node = Node::new(ElectionContext::open(hours).unwrap(), 1);
    let id = node.chain().id();
    let vote = |words: &str| Vote::open(id, TokenId(1), Ballot::Text(words.into()));
    let early = Timestamp(NOW.0 - 20);
    assert!(matches!(node.cast(early, vote("Yes")), Err(CastError::NotOpen(_))));
    let late = NOW.plus_ms(10);
    assert!(matches!(node.cast(late, vote("Yes")), Err(CastError::Closed(_))));
    assert!(node.cast(NOW, vote("Yes")).is_ok());
    assert!(matches!(node.cast(NOW, vote("No")), Err(CastError::AlreadyVoted { .. })));
}

#[test]
fn a_download_is_announced_once_at_its_end() {
    let theirs = chain_of(12);
    let mut node = node();
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 13, theirs.work().0));
    let (headers, blocks) = page(&theirs, 2);
    let mut outputs = hear(&mut node, HONEST, &headers);
    outputs.extend(hear(&mut node, HONEST, &blocks));
    assert_eq!(node.chain().tip().hash(), theirs.tip().hash());
    let announced = outputs.iter().filter(|output| matches!(output, Output::Broadcast(..)));
    assert_eq!(announced.count(), 1);
}

#[test]
fn a_page_of_headers_that_comes_twice_is_no_offence() {
    let theirs = chain_of(5);
    let mut node = node();
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 6, theirs.work().0));
    let (headers, blocks) = page(&theirs, 2);
    for message in [&headers, &headers, &blocks, &headers, &blocks] {
        assert_eq!(rejected(&hear(&mut node, HONEST, message)), None);
    }
    assert_eq!(node.chain().tip().hash(), theirs.tip().hash());
}

#[test]
fn a_branch_longer_than_the_bound_beside_the_chain_can_be_adopted() {
    let theirs = chain_of(1_300);
    let mut node = node();
    // Its own chain is nearly as long, so the other stays a side branch almost to the end.
    let mut own = Chain::new(context());
    for token in 0..1_250 {
        let next = block(&own, vec![vote(10_000 + token, "No")], |_| ());
        let checked = next.check(own.context()).unwrap();
        own.insert(checked, NOW.plus_ms(1_000_000_000)).unwrap();
    }
    let blocks = (2..=1_251).map(|h| own.block_at(Height(h)).unwrap().to_block()).collect();
    node.handle(NOW.plus_ms(1 << 34), Input::Blocks(blocks));
    drain(&mut node);
    assert_eq!(node.chain().height(), Height(1_251));
    let late = NOW.plus_ms(1 << 34);
    let mut say = |message: &Message| {
        let bytes = message.encode();
        node.handle(late, Input::Message { from: HONEST, broadcast: false, bytes });
        let outputs = drain(&mut node);
        assert_eq!(rejected(&outputs), None);
    };
    say(&hello(theirs.tip().hash(), 1_301, theirs.work().0));
    let (headers, _) = page(&theirs, 2);
    say(&headers);
    for from in (2..=1_301_u32).step_by(100) {
        let blocks = (from..(from + 100).min(1_302))
            .map(|h| theirs.block_at(Height(h)).unwrap().to_block())
            .collect();
        say(&Message::Blocks(blocks));
    }
    assert_eq!(node.chain().tip().hash(), theirs.tip().hash());
}

#[test]
fn a_second_nonce_for_one_job_makes_no_rival_block() {
    let mut node = node();
    node.cast(NOW, vote(1, "Yes")).unwrap();
    node.set_mining(NOW, true);
    let job = drain(&mut node).into_iter().find_map(|output| match output {
        Output::Mine(job) => job,
        _ => None,
    });
    let job = job.unwrap();
    let mut search = Search::new(&job.header);
    let first = search.run(0, 1 << 20).unwrap();
    let second = search.run(first + 1, 1 << 20).unwrap();
    node.handle(NOW, Input::Mined { job: job.id, nonce: first });
    let tip = node.chain().tip().hash();
    node.handle(NOW, Input::Mined { job: job.id, nonce: second });
    assert_eq!(node.chain().tip().hash(), tip);
    assert_eq!(node.chain().side_blocks().count(), 0);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_a_stored_chain_invalid() {
    let chain = chain_of(3);
    let blocks: Vec<_> = (2..=4).map(|h| chain.block_at(Height(h)).unwrap().to_block()).collect();
    let mut node = Node::new(context(), 1);
    node.restore(Timestamp(1_000), blocks.into_iter().map(|block| block.check(&context())), [], [])
        .unwrap();
    assert_eq!(node.chain().tip().hash(), chain.tip().hash());
}
