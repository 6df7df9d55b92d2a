//! Elections with a voter roll: what a peer, a file or an organiser can try, and what comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use blockvote_core::{
    archive::{ArchiveReader, ArchiveWriter, Record},
    ballot::Ballot,
    block::Block,
    chain::Chain,
    code::Code,
    difficulty::demand,
    election::{ChainParameters, Counting, Credentials, Election, Eligibility, Setup},
    evidence::{Closing, DoubleVote, Evidence, EvidenceBook, Seal},
    hash::{BlockHash, ElectionId},
    header::{HEADER_VERSION, Header, Height},
    key::SecretKey,
    message::{Hello, Message, PROTOCOL_VERSION},
    node::{
        CastError, Event, Input, LinkId, Node, Outcome as Sealing, Output, Peer, SealError,
        Signatures,
        join::{Join, Progress, Step},
    },
    pow::{self, NonceSearch, Search},
    relay_frame::PeerId,
    roll::Roll,
    time::Timestamp,
    verify::{Outcome, Report, Verifier},
    vote::{Authorization, TokenId, Vote, verify_signatures},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const CLOSES: Timestamp = Timestamp(1_800_000_600_000);
const AFTER: Timestamp = Timestamp(1_800_000_700_000);
const PEER: Peer = Peer { link: LinkId(0), id: PeerId(1) };
const OTHER: Peer = Peer { link: LinkId(0), id: PeerId(2) };

fn voter(number: u32) -> SecretKey {
    Code::derive(&[5; 32], number).secret_key()
}

fn organiser() -> SecretKey {
    SecretKey::new([6; 32])
}

fn setup_with(counting: Counting, voters: u32) -> Setup {
    let roll = Roll::collect((0..voters).map(|number| voter(number).public())).unwrap();
    let (root, size) = (roll.root(), roll.size());
    let election = Election {
        eligibility: Eligibility::Roll { root, size, credentials: Credentials::Codes },
        counting,
        closes: Some(CLOSES),
        organiser: Some(organiser().public()),
        parameters: ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 },
        ..Election::demo()
    };
    Setup::new(election, Some(roll)).unwrap()
}

fn setup() -> Setup {
    setup_with(Counting::FirstCounts, 6)
}

fn vote(setup: &Setup, number: u32, sequence: u8, choice: u16) -> Vote {
    let key = voter(number);
    let token = setup.roll().unwrap().token_of(&key.public()).unwrap();
    Vote::signed(setup.id(), token, sequence, Ballot::Choices(vec![choice]), &key)
}

fn block(chain: &Chain, votes: Vec<Vote>) -> Block {
    let parent = chain.tip().header();
    let timestamp = parent.timestamp.max(Timestamp(NOW.0 - 60_000)).plus_ms(10_000);
    let demanded = demand(&chain.election().parameters, parent, timestamp);
    let mut header = Header {
        version: HEADER_VERSION,
        height: parent.height.next(),
        previous: chain.tip().hash(),
        votes_root: Block::votes_root(&votes),
        timestamp,
        difficulty: demanded.difficulty,
        easing: demanded.easing,
        nonce: 0,
    };
    pow::mine(&mut header);
    Block { header, votes }
}

/// What the node says, when it has been told which signatures hold.
fn drain(node: &mut Node) -> Vec<Output> {
    let mut outputs = Vec::new();
    while let Some(output) = node.poll_output() {
        match output {
            Output::Verify(Signatures { id, list }) => {
                let verdict = verify_signatures(&list);
                node.handle(NOW, Input::Verified { id, verdict });
            }
            output => outputs.push(output),
        }
    }
    outputs
}

fn node(setup: &Setup) -> Node {
    let mut node = Node::new(setup.clone(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0)));
    drain(&mut node);
    node
}

/// Puts a block on the node's chain.
fn extend(node: &mut Node, votes: Vec<Vote>) {
    let next = block(node.chain(), votes);
    node.handle(NOW, Input::Blocks(vec![next]));
}

fn hear(node: &mut Node, from: Peer, message: &Message) -> Vec<Output> {
    node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
    drain(node)
}

fn rejected(outputs: &[Output]) -> Option<String> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::PeerRejected { reason, .. }) => Some(reason.clone()),
        _ => None,
    })
}

fn sent(outputs: &[Output]) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(_, bytes) | Output::Broadcast(_, bytes) => {
                Some(Message::decode(bytes).unwrap())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn blocks_checked_together_get_the_verdicts_that_each_gets_alone() {
    let setup = setup_with(Counting::LastCounts, 6);
    let mut chain = Chain::new(setup.clone());
    let mut good = Vec::new();
    for sequence in 0..5 {
        let votes = (0..6).map(|number| vote(&setup, number, sequence, 1)).collect();
        let next = block(&chain, votes);
        chain.insert(next.clone().check(&setup).unwrap(), NOW).unwrap();
        good.push(next);
    }
    let heights = |blocks: &[Block]| {
        let checked = Block::check_together(blocks.to_vec(), &setup);
        let (good, wrong): (Vec<_>, Vec<_>) = checked.into_iter().partition(Result::is_ok);
        assert!(wrong.len() <= 1);
        (good.len(), wrong.into_iter().find_map(Result::err))
    };
    assert_eq!(heights(&good), (5, None));
    assert_eq!(heights(&[]), (0, None));
    for offender in 0..5 {
        for index in [0, 3, 5] {
            for change in 0..3 {
                let mut blocks = good.clone();
                let block = &mut blocks[offender];
                match change {
                    // Another voter's signature, one rule before it, and both in one chain.
                    0 => {
                        block.votes[index].authorization =
                            block.votes[(index + 1) % 6].authorization;
                    }
                    1 => block.votes[index].token = TokenId(7),
                    _ => {
                        block.votes[index].authorization =
                            block.votes[(index + 1) % 6].authorization;
                        blocks[4].votes[0].sequence = 100;
                    }
                }
                for block in &mut blocks {
                    block.header.votes_root = Block::votes_root(&block.votes);
                    pow::mine(&mut block.header);
                }
                let alone = blocks.iter().position(|block| block.clone().check(&setup).is_err());
                let error = blocks[alone.unwrap()].clone().check(&setup).unwrap_err();
                assert_eq!(alone, Some(offender));
                assert_eq!(heights(&blocks), (offender, Some(error)));
            }
        }
    }
}

#[test]
fn a_vote_that_its_voter_did_not_sign_is_rejected_in_votes_and_in_blocks() {
    let setup = setup();
    let good = vote(&setup, 0, 0, 1);
    let mut tampered = vec![
        Vote { ballot: Ballot::Choices(vec![0]), ..good.clone() },
        Vote { token: vote(&setup, 1, 0, 1).token, ..good.clone() },
        Vote::signed(setup.id(), good.token, 0, Ballot::Choices(vec![0]), &voter(1)),
        Vote::open(setup.id(), good.token, Ballot::Choices(vec![0])),
        Vote { token: TokenId(7), ..good.clone() },
        Vote { sequence: 1, ..good.clone() },
    ];
    // Signed for an election that differs in nothing but its title.
    let mut elsewhere = good.clone();
    elsewhere.election = ElectionId([1; 32]);
    tampered.push(elsewhere);
    for wrong in tampered {
        let mut node = node(&setup);
        let votes = vec![vote(&setup, 2, 0, 0), wrong.clone()];
        let outputs = hear(&mut node, PEER, &Message::Votes(votes.clone()));
        assert!(rejected(&outputs).is_some(), "{wrong:?}");
        assert_eq!(node.pending().len(), 0, "nothing of the message is taken");
        assert!(node.cast(NOW, wrong.clone()).is_err());
        let before = node.chain().tip().hash();
        extend(&mut node, votes);
        assert_eq!(node.chain().tip().hash(), before, "{wrong:?}");
    }
    let mut node = node(&setup);
    assert_eq!(rejected(&hear(&mut node, PEER, &Message::Votes(vec![good.clone()]))), None);
    // The same vote again, heard or in a block, is nothing new and no offence.
    assert_eq!(rejected(&hear(&mut node, PEER, &Message::Votes(vec![good.clone()]))), None);
    assert_eq!(node.pending().len(), 1);
    extend(&mut node, vec![good.clone()]);
    assert_eq!(node.chain().votes(), 1);
    let again = hear(&mut node, PEER, &Message::Votes(vec![good.clone()]));
    assert_eq!((rejected(&again), node.pending().len()), (None, 0), "a replay changes nothing");
    let before = node.chain().tip().hash();
    extend(&mut node, vec![good]);
    assert_eq!(node.chain().tip().hash(), before);
    assert_eq!(node.evidence().all().count(), 0);
}

#[test]
fn the_last_vote_counts_where_the_election_says_so_and_a_reorganisation_takes_it_back() {
    let setup = setup_with(Counting::LastCounts, 6);
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0), vote(&setup, 1, 0, 1)]);
    assert_eq!((node.chain().tally().count("Yes"), node.chain().tally().count("No")), (1, 1));
    // Out of order: number 2 comes before number 1, and stays what counts.
    extend(&mut node, vec![vote(&setup, 0, 2, 1)]);
    extend(&mut node, vec![vote(&setup, 0, 1, 2)]);
    let tally = node.chain().tally().clone();
    assert_eq!((tally.count("Yes"), tally.count("No"), tally.count("Blank")), (0, 2, 0));
    assert_eq!((tally.ballots, node.chain().votes()), (2, 4));
    assert_eq!(node.chain().tally_at(Height(2)).count("Yes"), 1);
    // A heavier branch without the changes.
    let mut rival = Chain::new(setup.clone());
    for votes in [
        vec![vote(&setup, 0, 0, 0)],
        vec![vote(&setup, 2, 0, 0)],
        vec![vote(&setup, 3, 0, 0)],
        vec![vote(&setup, 4, 0, 0)],
        vec![vote(&setup, 5, 0, 0)],
    ] {
        let next = block(&rival, votes).check(&setup).unwrap();
        rival.insert(next, NOW).unwrap();
    }
    let blocks = (2..=6).map(|h| rival.block_at(Height(h)).unwrap().to_block()).collect();
    node.handle(NOW, Input::Blocks(blocks));
    assert_eq!(node.chain().tip().hash(), rival.tip().hash());
    assert_eq!(node.chain().tally().count("Yes"), 5);
    // The votes of the abandoned blocks wait again, and none was cast twice.
    let waiting: Vec<_> = node.pending().iter().map(|(_, vote)| vote.sequence).collect();
    assert_eq!(waiting.len(), 3);
    assert_eq!(node.evidence().double_votes().len(), 0);
    let votes: Vec<_> = node.pending().iter().map(|(_, vote)| vote.clone()).collect();
    extend(&mut node, votes);
    assert_eq!((node.chain().tally().count("Yes"), node.chain().tally().count("No")), (4, 2));
    let again = node.cast(NOW, vote(&setup, 0, 1, 0)).unwrap_err();
    assert!(matches!(again, CastError::AlreadyVoted { sequence: 1, .. }), "{again}");
}

#[test]
fn a_double_vote_is_proven_where_the_halves_meet_and_told_to_who_asks() {
    let setup = setup();
    let (one, two) = (vote(&setup, 0, 0, 0), vote(&setup, 0, 0, 1));
    let mut node = node(&setup);
    node.cast(NOW, one.clone()).unwrap();
    drain(&mut node);
    let outputs = hear(&mut node, PEER, &Message::Votes(vec![two.clone()]));
    assert_eq!(rejected(&outputs), None, "the messenger is not to blame");
    let proof = Evidence::DoubleVote(Box::new(DoubleVote::of(&one, &two).unwrap()));
    assert_eq!(sent(&outputs), [Message::Evidence(vec![proof.clone()])]);
    assert_eq!(node.pending().len(), 1);
    assert!(node.evidence().double_vote_of(one.token).is_some());
    // Another node learns it by comparing digests, checks it, and passes it on.
    let mut other = self::node(&setup);
    let hello = |digest, wants_reply| {
        Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            tip: node.chain().tip().hash(),
            height: Height(1),
            work: node.chain().work(),
            pending: 0,
            sealed: None,
            evidence: digest,
            wants_reply,
        })
    };
    let question = sent(&hear(&mut other, PEER, &hello(node.evidence().digest(), false)));
    assert!(
        matches!(&question[..], [Message::GetEvidence(known)] if known.is_empty()),
        "{question:?}"
    );
    let answer = sent(&hear(&mut node, OTHER, &question[0]));
    let outputs = hear(&mut other, PEER, &answer[0]);
    assert_eq!(rejected(&outputs), None);
    assert_eq!(other.evidence().digest(), node.evidence().digest());
    // What is known is not passed on again.
    assert!(sent(&hear(&mut other, PEER, &answer[0])).is_empty());
}

#[test]
fn a_double_vote_is_proven_even_when_both_halves_come_together_or_from_the_user() {
    let setup = setup();
    let (one, two) = (vote(&setup, 0, 0, 0), vote(&setup, 0, 0, 1));
    let mut node = node(&setup);
    hear(&mut node, PEER, &Message::Votes(vec![one.clone(), two.clone()]));
    assert_eq!((node.pending().len(), node.evidence().double_votes().len()), (1, 1));
    let mut node = self::node(&setup);
    node.cast(NOW, one.clone()).unwrap();
    assert!(matches!(node.cast(NOW, two.clone()), Err(CastError::AlreadyVoted { .. })));
    assert_eq!(node.evidence().double_votes().len(), 1);
    // Closed doors keep votes out, not the proof.
    let mut node = self::node(&setup);
    let bytes = Message::Votes(vec![one, two]).encode();
    node.handle(AFTER, Input::Message { from: PEER, broadcast: true, bytes });
    assert_eq!((node.pending().len(), node.evidence().double_votes().len()), (0, 1));
}

#[test]
fn votes_taken_before_the_closing_still_get_into_a_block() {
    let setup = setup();
    for early in [true, false] {
        let mut node = node(&setup);
        node.set_mining(NOW, true);
        node.cast(NOW, vote(&setup, 0, 0, 0)).unwrap();
        drain(&mut node);
        let now = if early { NOW.plus_ms(10) } else { CLOSES.plus_ms(5_000) };
        if early {
            node.close(now, &organiser()).unwrap();
        }
        assert!(matches!(node.cast(now, vote(&setup, 1, 0, 0)), Err(CastError::Closed(_))));
        node.handle(now.plus_ms(6_000), Input::Tick);
        let job = drain(&mut node).into_iter().rev().find_map(|output| match output {
            Output::Mine(job) => job,
            _ => None,
        });
        let job = job.unwrap();
        assert!(job.header.timestamp < CLOSES);
        let nonce = Search::new(&job.header).run(0, 1 << 30).unwrap();
        node.handle(now.plus_ms(6_000), Input::Mined { job: job.id, nonce });
        assert_eq!((node.chain().votes(), node.pending().len()), (1, 0));
    }
}

#[test]
fn a_seal_that_binds_nobody_costs_nobody_a_long_chain() {
    let setup = setup_with(Counting::LastCounts, 20);
    let mut node = node(&setup);
    let late = Timestamp(NOW.0 + (1 << 34));
    let mut chain = Chain::new(setup.clone());
    let mut blocks = Vec::new();
    for number in 0..1_100_u32 {
        let parent = chain.tip().header().clone();
        let votes = vec![vote(&setup, number % 20, (number / 20) as u8, 0)];
        let timestamp = parent.timestamp.max(Timestamp(NOW.0 - 20_000_000)).plus_ms(10_000);
        let demanded = demand(&setup.election().parameters, &parent, timestamp);
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
        let next = Block { header, votes };
        chain.insert(next.clone().check(&setup).unwrap(), late).unwrap();
        blocks.push(next);
    }
    node.handle(late, Input::Blocks(blocks));
    let tip = node.chain().tip().hash();
    assert_eq!(tip, chain.tip().hash());
    // One block on the first one, sealed with a count that it does not have.
    let mut short = Chain::new(setup.clone());
    let lure = block(&short, vec![vote(&setup, 0, 0, 1)]);
    short.insert(lure.clone().check(&setup).unwrap(), late).unwrap();
    let mut tally = short.tally().clone();
    tally.ballots += 1;
    let seal = Seal::sign(setup.id(), Height(2), short.tip().hash(), &tally, &organiser());
    node.handle(late, Input::Blocks(vec![lure]));
    node.handle(late, Input::Evidence(vec![Evidence::Seal(seal)]));
    assert_eq!(*node.outcome(), Sealing::Refuted(seal));
    assert_eq!(node.chain().tip().hash(), tip, "the chain is back");
}

#[test]
fn the_sealed_count_is_the_result_whatever_comes_after_it() {
    let setup = setup_with(Counting::LastCounts, 6);
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
    let (height, tip) = (node.chain().height(), node.chain().tip().hash());
    let seal = Seal::sign(setup.id(), height, tip, node.chain().tally(), &organiser());
    // Somebody who did not know of the seal goes on.
    extend(&mut node, vec![vote(&setup, 0, 1, 1), vote(&setup, 1, 0, 1)]);
    node.handle(AFTER, Input::Evidence(vec![Evidence::Seal(seal)]));
    assert_eq!((node.counted().count("Yes"), node.counted().ballots), (1, 1));
    assert_eq!(node.chain().tally().ballots, 2);
    let voter = |number| vote(&setup, number, 0, 0).token;
    assert_eq!(node.counting_vote(voter(0)), Some(vote(&setup, 0, 0, 0).id()));
    assert_eq!(node.counting_vote(voter(1)), None);
}

#[test]
fn a_node_that_is_behind_does_not_seal() {
    let setup = setup();
    let mut node = node(&setup);
    hear(
        &mut node,
        PEER,
        &Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            tip: BlockHash([1; 32]),
            height: Height(9),
            work: blockvote_core::difficulty::Work(1 << 40),
            pending: 0,
            sealed: None,
            evidence: node_digest(),
            wants_reply: false,
        }),
    );
    assert_eq!(node.seal(AFTER, &organiser(), false), Err(SealError::Behind));
    // A liar cannot hold it up for ever.
    assert_eq!(node.seal(AFTER, &organiser(), true), Ok(()));
}

fn node_digest() -> [u8; 32] {
    EvidenceBook::default().digest()
}

#[test]
fn statements_that_prove_nothing_are_rejected() {
    let setup = setup();
    let (one, two) = (vote(&setup, 0, 0, 0), vote(&setup, 0, 0, 1));
    let double = DoubleVote::of(&one, &two).unwrap();
    let swapped = DoubleVote { first: double.second.clone(), second: double.first.clone() };
    let changed = Vote { ballot: Ballot::Choices(vec![2]), ..two.clone() };
    let forged = DoubleVote::of(&one, &changed).unwrap();
    let twice = DoubleVote { first: one.clone(), second: one.clone() };
    let strangers = DoubleVote { first: one, second: vote(&setup, 1, 0, 1) };
    let genesis = Block::genesis(setup.election()).hash();
    let tally = Chain::new(setup.clone()).tally().clone();
    let seal = |key: &SecretKey| Seal::sign(setup.id(), Height(1), genesis, &tally, key);
    let mut moved = seal(&organiser());
    moved.tip = BlockHash([1; 32]);
    let foreign = Seal::sign(ElectionId([3; 32]), Height(1), genesis, &tally, &organiser());
    let mut early = Closing::sign(setup.id(), NOW, &organiser());
    early.at = Timestamp(1);
    let wrong = [
        (Evidence::DoubleVote(Box::new(swapped)), "not a double vote"),
        (Evidence::DoubleVote(Box::new(twice)), "not a double vote"),
        (Evidence::DoubleVote(Box::new(strangers)), "not a double vote"),
        (Evidence::DoubleVote(Box::new(forged)), "signature"),
        (Evidence::Seal(seal(&voter(0))), "not signed by the organiser"),
        (Evidence::Seal(moved), "not signed by the organiser"),
        (Evidence::Seal(foreign), "for election"),
        (Evidence::Closing(early), "not signed by the organiser"),
        (Evidence::Closing(Closing::sign(setup.id(), NOW, &voter(1))), "not signed by"),
    ];
    for (evidence, reason) in wrong {
        let mut node = node(&setup);
        let outputs = hear(&mut node, PEER, &Message::Evidence(vec![evidence]));
        let found = rejected(&outputs).unwrap();
        assert!(found.contains(reason), "expected {reason:?}: {found}");
        assert_eq!(node.evidence().digest(), EvidenceBook::default().digest());
        assert_eq!(*node.outcome(), Sealing::Unsealed);
    }
    // Nothing of the kind exists in an open election.
    let open = Setup::open(Election::demo()).unwrap();
    assert!(Evidence::DoubleVote(Box::new(double)).check(&open).is_err());
    assert!(Evidence::Seal(seal(&organiser())).check(&open).is_err());
}

#[test]
fn the_organiser_closes_early_and_seals_once_and_nobody_else_can() {
    let setup = setup();
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
    assert_eq!(node.seal(NOW, &organiser(), false), Err(SealError::NotClosed));
    assert!(node.close(NOW, &voter(0)).is_err());
    assert_eq!(node.closes(), Some(CLOSES));
    node.close(NOW.plus_ms(5), &organiser()).unwrap();
    assert_eq!(node.closes(), Some(NOW.plus_ms(5)));
    assert!(node.cast(NOW, vote(&setup, 1, 0, 0)).is_ok());
    let late = node.cast(NOW.plus_ms(5), vote(&setup, 2, 0, 0)).unwrap_err();
    assert!(matches!(late, CastError::Closed(at) if at == NOW.plus_ms(5)));
    assert!(matches!(node.seal(AFTER, &voter(0), false), Err(SealError::Evidence(_))));
    node.seal(AFTER, &organiser(), false).unwrap();
    assert!(matches!(node.outcome(), Sealing::Sealed { tally, .. } if tally.count("Yes") == 1));
    assert_eq!(node.seal(AFTER, &organiser(), false), Err(SealError::AlreadySealed));
    // A clock that is an hour behind does not open it again.
    let back = Timestamp(NOW.0 - 3_600_000);
    assert_eq!(node.cast(back, vote(&setup, 2, 0, 0)), Err(CastError::Sealed));
}

#[test]
fn a_sealed_block_outlasts_more_work_until_a_second_seal_contests_it() {
    let setup = setup();
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
    let sealed = node.chain().tip().hash();
    let mut heavier = Chain::new(setup.clone());
    for number in [1, 2, 3] {
        let next = block(&heavier, vec![vote(&setup, number, 0, 1)]).check(&setup).unwrap();
        heavier.insert(next, NOW).unwrap();
    }
    let blocks: Vec<_> = (2..=4).map(|h| heavier.block_at(Height(h)).unwrap().to_block()).collect();
    node.seal(AFTER, &organiser(), false).unwrap();
    drain(&mut node);
    node.handle(AFTER, Input::Blocks(blocks.clone()));
    assert_eq!(node.chain().tip().hash(), sealed, "more work does not undo a sealed block");

    // A node that holds the heavier chain gives it up for the sealed one.
    let mut other = self::node(&setup);
    other.handle(AFTER, Input::Blocks(blocks));
    let seal = node.evidence().all().next().unwrap();
    let outputs = hear(&mut other, PEER, &Message::Evidence(vec![seal]));
    assert_eq!(rejected(&outputs), None);
    assert!(matches!(other.outcome(), Sealing::Awaited(_)));
    let tip = node.chain().tip();
    let hello = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: tip.hash(),
        height: Height(2),
        work: node.chain().work(),
        pending: 0,
        sealed: Some(sealed),
        evidence: node.evidence().digest(),
        wants_reply: false,
    });
    let asked = sent(&hear(&mut other, PEER, &hello));
    assert!(asked.iter().any(|m| matches!(m, Message::GetHeaders(_))), "{asked:?}");
    hear(&mut other, PEER, &Message::Headers(vec![tip.header().clone()]));
    hear(&mut other, PEER, &Message::Blocks(vec![tip.to_block()]));
    assert_eq!(other.chain().tip().hash(), sealed);
    assert!(matches!(other.outcome(), Sealing::Sealed { .. }));

    // The organiser also sealed the other chain: nothing is final, work decides again.
    let tally = heavier.tally().clone();
    let second = Seal::sign(setup.id(), Height(4), heavier.tip().hash(), &tally, &organiser());
    for node in [&mut node, &mut other] {
        node.handle(AFTER, Input::Evidence(vec![Evidence::Seal(second)]));
        assert!(matches!(node.outcome(), Sealing::Contested(..)));
        assert_eq!(node.chain().tip().hash(), heavier.tip().hash());
    }
}

#[test]
fn a_seal_over_another_count_or_height_binds_nobody() {
    let setup = setup();
    let wrong_count = |chain: &Chain| {
        let mut tally = chain.tally().clone();
        tally.ballots += 1;
        Seal::sign(setup.id(), chain.height(), chain.tip().hash(), &tally, &organiser())
    };
    let wrong_height = |chain: &Chain| {
        Seal::sign(setup.id(), Height(9), chain.tip().hash(), chain.tally(), &organiser())
    };
    for make in [&wrong_count as &dyn Fn(&Chain) -> Seal, &wrong_height] {
        let mut node = node(&setup);
        extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
        let seal = make(node.chain());
        node.handle(AFTER, Input::Evidence(vec![Evidence::Seal(seal)]));
        assert_eq!(*node.outcome(), Sealing::Refuted(seal));
        assert_eq!(node.chain().anchor(), None);
    }
}

#[test]
fn what_was_proven_and_sealed_is_there_after_a_restart() {
    let setup = setup();
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
    hear(&mut node, PEER, &Message::Votes(vec![vote(&setup, 0, 0, 1)]));
    node.seal(AFTER, &organiser(), false).unwrap();
    let evidence: Vec<_> = node.evidence().all().collect();
    let blocks = [node.chain().tip().to_block()];
    let mut again = Node::new(setup.clone(), 1);
    let checked = || blocks.iter().map(|block| block.clone().check(&setup));
    again.restore(AFTER, checked(), [], evidence.clone()).unwrap();
    assert_eq!(again.outcome(), node.outcome());
    assert_eq!(again.evidence().digest(), node.evidence().digest());
    // A store that somebody wrote a forged seal into.
    let forged =
        Seal::sign(setup.id(), Height(1), BlockHash([0; 32]), node.chain().tally(), &voter(1));
    let mut again = Node::new(setup.clone(), 1);
    again.restore(AFTER, checked(), [], [Evidence::Seal(forged)]).unwrap();
    assert_eq!(*again.outcome(), Sealing::Unsealed);
}

#[test]
fn a_stored_block_is_held_to_its_votes_root_and_with_signatures_to_those() {
    let setup = setup();
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0)]);
    let stored = node.chain().tip().to_block();
    let forge = |block: &mut Block| {
        let Authorization::Signed(signature) = &mut block.votes[0].authorization else { panic!() };
        signature.0[40] ^= 1;
    };
    let restore = |signatures, block: Block| {
        let checked =
            if signatures { block.check(&setup) } else { block.check_but_signatures(&setup) };
        Node::new(setup.clone(), 1).restore(AFTER, [checked], [], [])
    };
    assert!(restore(false, stored.clone()).is_ok() && restore(true, stored.clone()).is_ok());
    let mut changed = stored.clone();
    forge(&mut changed);
    assert!(restore(false, changed.clone()).is_err() && restore(true, changed.clone()).is_err());
    // Whoever mines it anew has made a folder of their own: only the signatures show it.
    changed.header.votes_root = Block::votes_root(&changed.votes);
    pow::mine(&mut changed.header);
    assert!(restore(false, changed.clone()).is_ok());
    assert!(restore(true, changed).is_err());
}

#[test]
fn an_election_is_joined_by_its_link_alone_and_a_forged_page_leads_nowhere() {
    let setup = setup_with(Counting::FirstCounts, 3000);
    let served = node(&setup);
    let roll = setup.roll().unwrap();
    let mut join = Join::new(setup.id(), None);
    let Step::Ask(asked) = join.peers(NOW, [PEER, OTHER]) else { panic!() };
    assert_eq!(asked.len(), 2);
    // Another election is not the one of the link.
    let other = Message::Election(Box::new(Election::demo())).encode();
    assert!(matches!(join.message(NOW, PEER, &other), Step::Ask(asked) if asked.is_empty()));
    let election = Message::Election(Box::new(served.chain().election().clone())).encode();
    let Step::Ask(asked) = join.message(NOW, OTHER, &election) else { panic!() };
    assert_eq!(asked.len(), 3, "all three pages, of the peer that is left");
    assert_eq!(join.progress(), Progress::Roll { have: 0, of: 3 });
    let Step::Ask(_) = join.peers(NOW, [PEER]) else { panic!() };
    let mut forged = roll.page(0).unwrap();
    forged.keys[5] = SecretKey::new([1; 32]).public();
    let Step::Ask(asked) = join.message(NOW, OTHER, &Message::RollPage(forged).encode()) else {
        panic!()
    };
    assert!(asked.iter().all(|(peer, _)| *peer == PEER), "the forger is not asked again");
    assert_eq!(asked.len(), 3);
    // Silence is waited for, then asked again.
    assert!(matches!(join.step(NOW), Step::Ask(asked) if asked.is_empty()));
    assert!(matches!(join.step(NOW.plus_ms(9_000)), Step::Ask(asked) if asked.len() == 3));
    let page = |index| Message::RollPage(roll.page(index).unwrap()).encode();
    assert!(matches!(join.message(NOW, PEER, &page(2)), Step::Ask(_)));
    assert!(matches!(join.message(NOW, PEER, &page(0)), Step::Ask(_)));
    assert_eq!(join.progress(), Progress::Roll { have: 2, of: 3 });
    let Step::Done(joined) = join.message(NOW, PEER, &page(1)) else { panic!() };
    assert_eq!(joined, setup);
}

/// An audit file with votes, a changed vote, a double vote and a seal.
fn audit() -> (Setup, Vec<Evidence>, Vec<Block>, Vec<u8>) {
    let setup = setup_with(Counting::LastCounts, 6);
    let mut node = node(&setup);
    extend(&mut node, vec![vote(&setup, 0, 0, 0), vote(&setup, 1, 0, 1)]);
    extend(&mut node, vec![vote(&setup, 0, 1, 1), vote(&setup, 2, 0, 2)]);
    hear(&mut node, PEER, &Message::Votes(vec![vote(&setup, 2, 0, 0)]));
    node.seal(AFTER, &organiser(), false).unwrap();
    let evidence: Vec<_> = node.evidence().all().collect();
    assert_eq!(evidence.len(), 2);
    let blocks: Vec<_> =
        (2..=3).map(|h| node.chain().block_at(Height(h)).unwrap().to_block()).collect();
    let bytes = write(&setup, &evidence, &blocks);
    (setup, evidence, blocks, bytes)
}

fn write(setup: &Setup, evidence: &[Evidence], blocks: &[Block]) -> Vec<u8> {
    let (mut writer, mut bytes) = ArchiveWriter::new(setup);
    for evidence in evidence {
        bytes.extend(writer.evidence(evidence));
    }
    for block in blocks {
        bytes.extend(writer.block(block));
    }
    bytes.extend(writer.finish());
    bytes
}

/// What `blockvote verify` and the page do with a file.
fn verify(bytes: &[u8]) -> Result<Report, String> {
    let mut reader = ArchiveReader::new();
    let mut verifier = Verifier::new(AFTER);
    for piece in bytes.chunks(777) {
        reader.push(piece);
        while let Some(record) = reader.next_record().map_err(|error| error.to_string())? {
            if !verifier.push(record) {
                return Ok(verifier.report());
            }
        }
    }
    reader.finish().map_err(|error| error.to_string())?;
    Ok(verifier.report())
}

fn failed(bytes: &[u8]) -> String {
    let report = verify(bytes).unwrap();
    assert!(!report.passed, "{report:?}");
    report.verdict
}

#[test]
fn an_audit_file_passes_whole_and_says_what_was_checked() {
    let (_, _, _, bytes) = audit();
    let report = verify(&bytes).unwrap();
    assert!(report.passed, "{report:?}");
    assert_eq!((report.blocks, report.votes, report.sealed), (3, 4, Some(3)));
    assert_eq!((report.tally.ballots, report.tally.count("No")), (3, 2));
    assert_eq!(report.double_votes.len(), 1);
    let lines: Vec<_> = report
        .lines
        .iter()
        .map(|line| (line.check.as_str(), line.outcome, line.detail.as_str()))
        .collect();
    assert!(lines.iter().all(|(_, outcome, _)| *outcome != Outcome::Fail));
    let find = |name: &str| *lines.iter().find(|(check, ..)| *check == name).unwrap();
    assert!(find("voter roll").2.starts_with("6 keys are fit to vote"));
    assert_eq!(find("signatures of the voters").2, "4 of 4");
    assert_eq!(find("no token votes twice").2, "3 voters, 1 vote later replaced");
    assert_eq!(find("closing by the organiser").1, Outcome::Skipped);
    assert_eq!(find("seal of the organiser").1, Outcome::Pass);
    assert!(report.verdict.starts_with("Verified and sealed: 3 blocks and 4 votes"));
}

#[test]
fn every_flipped_byte_and_every_cut_of_an_audit_file_is_found() {
    let (_, _, _, bytes) = audit();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let found = verify(&changed).map_or(true, |report| !report.passed);
            assert!(found, "byte {at} of {} flipped by {flip}", bytes.len());
        }
    }
    for at in (0..bytes.len()).step_by(13) {
        let error = verify(&bytes[..at]).unwrap_err();
        assert!(error.contains("cut off") || error.contains("not a Blockvote"), "{error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(verify(&longer).unwrap_err().contains("after its end"));
}

#[test]
fn forgeries_with_a_fresh_checksum_are_found_by_what_is_in_the_file() {
    let (setup, evidence, blocks, _) = audit();
    // A block removed, or all: the seal misses its block.
    assert!(failed(&write(&setup, &evidence, &blocks[..1])).contains("not in this chain"));
    assert!(failed(&write(&setup, &evidence, &[])).contains("not in this chain"));
    assert!(failed(&write(&setup, &evidence, &blocks[1..])).contains("does not follow"));
    let swapped = [blocks[1].clone(), blocks[0].clone()];
    assert!(failed(&write(&setup, &evidence, &swapped)).contains("does not follow"));
    // A vote removed from its block.
    let mut fewer = blocks.clone();
    fewer[1].votes.pop();
    assert!(failed(&write(&setup, &evidence, &fewer)).contains("block 3 holds other votes"));
    // A vote changed and the block mined again: only its voter could.
    let mut chain = Chain::new(setup.clone());
    let mut votes = blocks[0].votes.clone();
    votes[0].ballot = Ballot::Choices(vec![2]);
    let forged = block(&chain, votes);
    assert!(failed(&write(&setup, &[], &[forged])).contains("the signature is not"));
    // Somebody else's seal; two seals of the organiser; a seal over another count.
    let first = blocks[0].clone().check(&setup).unwrap();
    chain.insert(first, AFTER).unwrap();
    let seal = |key: &SecretKey, tally| {
        Evidence::Seal(Seal::sign(setup.id(), Height(2), blocks[0].header.hash(), tally, key))
    };
    let foreign = seal(&voter(0), chain.tally());
    assert!(failed(&write(&setup, &[foreign], &blocks)).contains("not signed by the organiser"));
    let second = seal(&organiser(), chain.tally());
    let both = [evidence[1].clone(), second.clone()];
    assert!(failed(&write(&setup, &both, &blocks)).contains("contested"));
    let mut wrong = chain.tally().clone();
    wrong.ballots += 1;
    let lie = seal(&organiser(), &wrong);
    assert!(failed(&write(&setup, &[lie], &blocks)).contains("another count"));
    // A seal below the newest block says what does not count.
    let report = verify(&write(&setup, &[second], &blocks)).unwrap();
    assert!(report.passed && report.tally == *chain.tally());
    let line = report.lines.iter().find(|line| line.check.starts_with("seal")).unwrap();
    assert!(line.detail.contains("1 block after it does not count"), "{}", line.detail);
    // The roll of another election, and none.
    let other = setup_with(Counting::LastCounts, 5);
    let bytes = write(&other, &[], &[]);
    let (_, head) = ArchiveWriter::new(&setup);
    let election_only = |setup: &Setup| {
        let length = u32::from_le_bytes(head[19..23].try_into().unwrap()) as usize;
        let (_, head) = ArchiveWriter::new(setup);
        head[..23 + length].to_vec()
    };
    let grafted = [&election_only(&setup)[..], &bytes[election_only(&other).len()..]].concat();
    assert!(failed(&grafted).contains("page 1: these are not the keys"));
}

#[test]
fn a_record_of_gigabytes_is_refused_at_its_announcement() {
    let (setup, ..) = audit();
    let (_, mut bytes) = ArchiveWriter::new(&setup);
    bytes.push(2);
    bytes.extend(u32::MAX.to_le_bytes());
    assert!(verify(&bytes).unwrap_err().contains("announces a record of 4294967295 bytes"));
    // Records of nothing but one kind do not pile up either.
    let mut reader = ArchiveReader::new();
    let (mut writer, head) = ArchiveWriter::new(&setup);
    reader.push(&head);
    let closing = Evidence::Closing(Closing::sign(setup.id(), NOW, &organiser()));
    let mut refused = false;
    for _ in 0..11_000 {
        reader.push(&writer.evidence(&closing));
        refused |= std::iter::from_fn(|| reader.next_record().transpose())
            .any(|record: Result<Record, _>| record.is_err());
        if refused {
            break;
        }
    }
    assert!(refused);
}
