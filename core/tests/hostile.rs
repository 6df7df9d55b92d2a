//! One honest node among peers that lie, forge, stall and repeat: nothing changes that should not,
//! and an honest peer is asked in their place.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use blockvote_core::{
    ballot::Ballot,
    block::Block,
    chain::Chain,
    difficulty::{Difficulty, Work, demand},
    election::{ChainParameters, Election, Setup},
    evidence::EvidenceBook,
    hash::{BlockHash, ElectionId},
    header::{HEADER_VERSION, Header, Height},
    message::{Hello, MAX_MESSAGE_BYTES, Message, PROTOCOL_VERSION},
    node::{CastError, Event, Input, LinkId, Node, Output, Peer},
    pending::{MAX_PENDING_VOTES, ShortId},
    pow,
    relay_frame::PeerId,
    time::Timestamp,
    vote::{TokenId, Vote},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const LIAR: Peer = Peer { link: LinkId(0), id: PeerId(1) };
const HONEST: Peer = Peer { link: LinkId(0), id: PeerId(2) };

fn election() -> Election {
    let parameters = ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 };
    Election { parameters, ..Election::plain() }
}

fn setup() -> Setup {
    Setup::open(election()).unwrap()
}

fn node() -> Node {
    let mut node = Node::new(setup(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0)));
    drain(&mut node);
    node
}

fn drain(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

fn vote(token: u64, text: &str) -> Vote {
    Vote::open(election().id(), TokenId(token), Ballot::Text(text.into()))
}

/// A block on the tip; `change` makes it hostile before it is mined.
fn block(chain: &Chain, votes: Vec<Vote>, change: impl FnOnce(&mut Header)) -> Block {
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
    change(&mut header);
    pow::mine(&mut header);
    Block { header, votes }
}

fn chain_of(blocks: u64) -> Chain {
    let mut chain = Chain::new(setup());
    for token in 0..blocks {
        let next = block(&chain, vec![vote(token, "Yes")], |_| ());
        let checked = next.check(chain.setup()).unwrap();
        chain.insert(checked, NOW.plus_ms(1_000_000_000)).unwrap();
    }
    chain
}

fn hear(node: &mut Node, from: Peer, message: &Message) -> Vec<Output> {
    node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
    drain(node)
}

fn hello(tip: BlockHash, height: u32, work: u128) -> Message {
    let (height, work) = (Height(height), Work(work));
    Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip,
        height,
        work,
        pending: 0,
        sealed: None,
        evidence: EvidenceBook::default().digest(),
        wants_reply: false,
    })
}

fn rejected(outputs: &[Output]) -> Option<String> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::PeerRejected { reason, .. }) => Some(reason.clone()),
        _ => None,
    })
}

fn sent_to(outputs: &[Output], to: Peer) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(peer, bytes) if *peer == to => Some(Message::decode(bytes).unwrap()),
            _ => None,
        })
        .collect()
}

/// Announces a header and serves its block when asked; returns all outputs.
fn serve(node: &mut Node, block: &Block) -> Vec<Output> {
    let votes = block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect();
    let header = block.header.clone();
    let mut outputs = hear(node, LIAR, &Message::NewBlock { header, votes });
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
        let found = rejected(&outputs).unwrap_or_default();
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
    assert!(rejected(&outputs).unwrap().contains("the token 1 already voted in block 2"));
    assert_eq!((node.chain().height(), node.chain().votes()), (Height(2), 1));
}

#[test]
fn a_block_from_the_future_waits_and_nobody_is_punished_for_a_wrong_clock() {
    let mut node = node();
    let early = block(node.chain(), vec![vote(1, "Yes")], |header| {
        header.timestamp = NOW.plus_ms(121_000);
    });
    // Mined honestly by a clock that is ahead: the difficulty fits its time.
    let demanded =
        demand(&election().parameters, node.chain().tip().header(), early.header.timestamp);
    let early = block(node.chain(), vec![vote(1, "Yes")], |header| {
        header.timestamp = NOW.plus_ms(121_000);
        (header.difficulty, header.easing) = (demanded.difficulty, demanded.easing);
    });
    let outputs = serve(&mut node, &early);
    assert_eq!(rejected(&outputs), None);
    assert_eq!(node.chain().height(), Height(1));
    let later = NOW.plus_ms(10_000);
    let bytes = Message::NewBlock { header: early.header.clone(), votes: vec![ShortId([0; 8])] };
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
    assert!(rejected(&outputs).unwrap().contains("U+202E"));
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
    let mut node = Node::new(Setup::open(hours).unwrap(), 1);
    let id = node.chain().id();
    let vote = |words: &str| Vote::open(id, TokenId(1), Ballot::Text(words.into()));
    let early = Timestamp(NOW.0 - 20);
    assert!(matches!(node.cast(early, vote("Yes")), Err(CastError::NotOpen(_))));
    let late = NOW.plus_ms(10);
    assert!(matches!(node.cast(late, vote("Yes")), Err(CastError::Closed(_))));
    assert!(node.cast(NOW, vote("Yes")).is_ok());
    assert!(matches!(node.cast(NOW, vote("No")), Err(CastError::AlreadyVoted { .. })));
}

/// Headers and blocks of another chain, as one peer would serve them.
fn page(chain: &Chain, from: u32) -> (Message, Message) {
    let blocks: Vec<_> =
        (from..=chain.height().0).map(|h| chain.block_at(Height(h)).unwrap().to_block()).collect();
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    (Message::Headers(headers), Message::Blocks(blocks))
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
    // Its own chain is nearly as long, so the other stays beside it almost to the end.
    let mut own = Chain::new(setup());
    for token in 0..1_250 {
        let next = block(&own, vec![vote(10_000 + token, "No")], |_| ());
        let checked = next.check(own.setup()).unwrap();
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
    let mut search = pow::Search::new(&job.header);
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
    let mut node = Node::new(setup(), 1);
    node.restore(Timestamp(1_000), blocks, [], []).unwrap();
    assert_eq!(node.chain().tip().hash(), chain.tip().hash());
}

#[test]
fn who_asks_for_megabytes_again_and_again_gets_no_more_than_its_share() {
    let mut node = node();
    // A chain with one big block.
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let hash = big.header.hash();
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let mut sent = 0;
    for _ in 0..60 {
        for output in hear(&mut node, LIAR, &Message::GetBlocks(vec![hash; 256])) {
            if let Output::Send(_, bytes) = output {
                sent += bytes.len();
            }
        }
    }
    assert!((6 << 20..12 << 20).contains(&sent), "{sent} bytes");
    // Another peer is served all the same, and this one again after a while.
    let outputs = hear(&mut node, HONEST, &Message::GetBlocks(vec![hash]));
    assert!(
        matches!(&sent_to(&outputs, HONEST)[..], [Message::Blocks(blocks)] if blocks.len() == 1)
    );
    let bytes = Message::GetBlocks(vec![hash]).encode();
    let later = NOW.plus_ms(5_000);
    node.handle(later, Input::Message { from: LIAR, broadcast: false, bytes });
    let outputs = drain(&mut node);
    assert!(matches!(&sent_to(&outputs, LIAR)[..], [Message::Blocks(blocks)] if blocks.len() == 1));
}

#[test]
fn who_never_stops_asking_for_too_much_is_dropped() {
    let mut node = node();
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let ask = Message::GetBlocks(vec![big.header.hash()]);
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let dropped = (0..200).find_map(|_| rejected(&hear(&mut node, LIAR, &ask)));
    assert!(dropped.unwrap().contains("far too much"));
    assert_eq!(rejected(&hear(&mut node, HONEST, &ask)), None);
}

/// Announces a block; returns what is sent to its announcer.
fn announce(node: &mut Node, block: &Block, from: Peer) -> Vec<Message> {
    let votes = block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect();
    let header = block.header.clone();
    let outputs = hear(node, from, &Message::NewBlock { header, votes });
    assert_eq!(rejected(&outputs), None);
    sent_to(&outputs, from)
}

#[test]
fn who_holds_all_votes_of_a_block_fetches_nothing_and_who_lacks_some_asks_for_those() {
    let votes: Vec<_> = (1..=20).map(|token| vote(token, "Yes")).collect();
    let made = block(node().chain(), votes.clone(), |_| ());
    let hash = made.header.hash();

    let mut all = node();
    hear(&mut all, HONEST, &Message::Votes(votes.clone()));
    assert_eq!(announce(&mut all, &made, HONEST), []);
    assert_eq!(all.chain().tip().hash(), hash);

    let mut some = node();
    let lacks = |index: &usize| [3, 17].contains(index);
    let held = votes.iter().enumerate().filter(|(index, _)| !lacks(index));
    hear(&mut some, HONEST, &Message::Votes(held.map(|(_, vote)| vote.clone()).collect()));
    let asked = announce(&mut some, &made, HONEST);
    assert_eq!(asked, [Message::GetBlockVotes(hash, vec![3, 17])]);
    // Another node answers such a question.
    let answer = sent_to(&hear(&mut all, LIAR, &asked[0]), LIAR);
    assert_eq!(answer, [Message::BlockVotes(hash, vec![votes[3].clone(), votes[17].clone()])]);
    assert_eq!(rejected(&hear(&mut some, HONEST, &answer[0])), None);
    assert_eq!(some.chain().tip().hash(), hash);

    let mut none = node();
    assert_eq!(announce(&mut none, &made, HONEST), [Message::GetBlocks(vec![hash])]);
}

#[test]
fn other_votes_than_those_asked_for_lead_to_the_whole_block() {
    let votes: Vec<_> = (1..=3).map(|token| vote(token, "Yes")).collect();
    let made = block(node().chain(), votes.clone(), |_| ());
    let hash = made.header.hash();
    let mut node = node();
    hear(&mut node, HONEST, &Message::Votes(votes[..2].to_vec()));
    announce(&mut node, &made, LIAR);
    let wrong = Message::BlockVotes(hash, vec![vote(3, "No")]);
    let outputs = hear(&mut node, LIAR, &wrong);
    assert_eq!(sent_to(&outputs, LIAR), [Message::GetBlocks(vec![hash])]);
    let lie = Block { votes: vec![vote(3, "No")], ..made.clone() };
    assert!(rejected(&hear(&mut node, LIAR, &Message::Blocks(vec![lie]))).is_some());
    assert_eq!(node.chain().height(), Height(1));
    // The same block is had from somebody else.
    announce(&mut node, &made, HONEST);
    hear(&mut node, HONEST, &Message::BlockVotes(hash, vec![votes[2].clone()]));
    assert_eq!(node.chain().tip().hash(), hash);
}

#[test]
fn who_withholds_a_block_once_does_not_hold_up_the_next() {
    let mut node = node();
    let withheld = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    announce(&mut node, &withheld, LIAR);
    node.handle(NOW.plus_ms(30_000), Input::Tick);
    drain(&mut node);
    // Again, and while it is waited for, an honest block comes.
    let again = block(node.chain(), vec![vote(2, "Yes")], |_| ());
    assert!(!announce(&mut node, &again, LIAR).is_empty());
    let honest = block(node.chain(), vec![vote(3, "Yes")], |_| ());
    let asked = announce(&mut node, &honest, HONEST);
    assert_eq!(asked, [Message::GetBlocks(vec![honest.header.hash()])]);
    hear(&mut node, HONEST, &Message::Blocks(vec![honest.clone()]));
    assert_eq!(node.chain().tip().hash(), honest.header.hash());
}

/// The relay names a peer, which is greeted.
fn greet(node: &mut Node) {
    node.handle(NOW, Input::Peers(LinkId(0), vec![HONEST.id]));
    drain(node);
}

/// Carries messages between two nodes until both are silent; returns how many bytes went.
fn talk(a: &mut Node, b: &mut Node, mut for_b: Vec<Message>) -> usize {
    let mut bytes = 0;
    let mut for_a: Vec<Message> = Vec::new();
    for _ in 0..1_000 {
        for message in std::mem::take(&mut for_b) {
            bytes += message.encode().len();
            for_a.extend(sent_to(&hear(b, HONEST, &message), HONEST));
        }
        for message in std::mem::take(&mut for_a) {
            bytes += message.encode().len();
            for_b.extend(sent_to(&hear(a, HONEST, &message), HONEST));
        }
        if for_b.is_empty() {
            return bytes;
        }
    }
    panic!("they never stop");
}

#[test]
fn pending_votes_are_compared_by_their_difference() {
    let (mut a, mut b) = (node(), node());
    for from in (0..6_000).step_by(1_000) {
        let votes: Vec<_> = (from..from + 1_000).map(|token| vote(token, "Yes")).collect();
        for node in [&mut a, &mut b] {
            hear(node, LIAR, &Message::Votes(votes.clone()));
        }
    }
    hear(&mut a, LIAR, &Message::Votes((10_000..10_005).map(|n| vote(n, "a")).collect()));
    hear(&mut b, LIAR, &Message::Votes((20_000..20_007).map(|n| vote(n, "b")).collect()));
    let greeting = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: b.chain().tip().hash(),
        height: Height(1),
        work: b.chain().work(),
        pending: 6_007,
        sealed: None,
        evidence: EvidenceBook::default().digest(),
        wants_reply: false,
    });
    // An answer to no greeting begins nothing.
    assert_eq!(sent_to(&hear(&mut a, HONEST, &greeting), HONEST), []);
    greet(&mut a);
    let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
    assert!(matches!(begun[..], [Message::Reconcile(_)]), "{begun:?}");
    let bytes = talk(&mut a, &mut b, begun);
    assert_eq!((a.pending().len(), b.pending().len()), (6_012, 6_012));
    // The ids alone would be 48,000 bytes, the votes 300,000.
    assert!(bytes < 24_000, "{bytes} bytes");
}

#[test]
fn one_side_that_lacks_everything_gets_everything() {
    for (here, there) in [(0, 9_000), (9_000, 0)] {
        let (mut a, mut b) = (node(), node());
        for (node, count) in [(&mut a, here), (&mut b, there)] {
            for from in (0..count).step_by(3_000) {
                let votes = (from..from + 3_000).map(|token| vote(token, "Yes")).collect();
                hear(node, LIAR, &Message::Votes(votes));
            }
        }
        let mut greeting = hello(a.chain().tip().hash(), 1, a.chain().work().0);
        if let Message::Hello(hello) = &mut greeting {
            hello.pending = u32::try_from(there).unwrap();
        }
        greet(&mut a);
        let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
        talk(&mut a, &mut b, begun);
        assert_eq!((a.pending().len(), b.pending().len()), (9_000, 9_000), "{here} and {there}");
    }
}

#[test]
fn a_broken_comparison_is_refused_and_an_answer_to_no_question_ignored() {
    let mut node = node();
    assert!(sent_to(&hear(&mut node, HONEST, &Message::Reconciled(vec![0x61])), HONEST).is_empty());
    let outputs = hear(&mut node, LIAR, &Message::Reconcile(vec![0x61, 0, 33, 1]));
    assert!(rejected(&outputs).unwrap().contains("reconciliation"));
}

#[test]
fn claims_without_work_behind_them_cost_the_connection_and_a_late_answer_does_not() {
    let theirs = chain_of(3);
    let mut node = node();
    let (headers, _) = page(&theirs, 2);
    let mut dropped = None;
    for round in 0..10_u128 {
        hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 9, (1 << 90) + round));
        dropped = dropped.or(rejected(&hear(&mut node, LIAR, &headers)));
        let lying = hear(&mut node, LIAR, &Message::Blocks(Vec::new()));
        dropped = dropped.or(rejected(&lying));
    }
    assert!(dropped.unwrap().contains("claimed work"));
    // An honest slow peer answers questions that were given up: once in a while, not always.
    let mut later = NOW;
    for _ in 0..20 {
        later = later.plus_ms(20_000);
        let bytes = headers.encode();
        node.handle(later, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn who_only_talks_does_not_push_out_who_brought_blocks() {
    let mut node = node();
    let honest = block(node.chain(), vec![vote(1, "Yes")], |_| ());
    announce(&mut node, &honest, HONEST);
    hear(&mut node, HONEST, &Message::Blocks(vec![honest]));
    for name in 100..1_100 {
        let talker = Peer { link: LinkId(0), id: PeerId(name) };
        hear(&mut node, talker, &hello(BlockHash([7; 32]), 1, 0));
    }
    assert!(node.peers().iter().any(|(peer, _)| peer == HONEST));
}

#[test]
fn a_question_to_everybody_is_answered_by_nobody() {
    let mut node = node();
    let ask = Message::GetHeaders(node.chain().locator()).encode();
    node.handle(NOW, Input::Message { from: LIAR, broadcast: true, bytes: ask.clone() });
    assert!(sent_to(&drain(&mut node), LIAR).is_empty());
    node.handle(NOW, Input::Message { from: HONEST, broadcast: false, bytes: ask });
    assert_eq!(sent_to(&drain(&mut node), HONEST).len(), 1);
}

#[test]
fn what_was_served_at_once_is_a_debt_that_time_pays() {
    let mut node = node();
    let votes = (0..10_000).map(|token| vote(token, "a selection of some length")).collect();
    let big = block(node.chain(), votes, |_| ());
    let ask = Message::GetBlocks(vec![big.header.hash()]).encode();
    node.handle(NOW, Input::Blocks(vec![big]));
    drain(&mut node);
    let mut sent = 0;
    // A question each 100 ms for 10 s: 8 MiB at once, 2 MiB a second, and one answer too much.
    for step in 0..100 {
        let now = NOW.plus_ms(step * 100);
        node.handle(now, Input::Message { from: LIAR, broadcast: false, bytes: ask.clone() });
        for output in drain(&mut node) {
            if let Output::Send(_, bytes) = output {
                sent += bytes.len();
            }
        }
    }
    assert!((26 << 20..30 << 20).contains(&sent), "{sent} bytes");
}

#[test]
fn a_hello_of_another_version_does_not_wipe_what_is_known_of_a_peer() {
    let mut node = node();
    let mut dropped = false;
    for _ in 0..40 {
        dropped |= rejected(&hear(&mut node, LIAR, &Message::Blocks(Vec::new()))).is_some();
        let mut other = hello(BlockHash([7; 32]), 1, 0);
        if let Message::Hello(hello) = &mut other {
            hello.version = 0;
        }
        hear(&mut node, LIAR, &other);
    }
    assert!(dropped, "its score was wiped");
}

#[test]
fn late_answers_of_an_honest_peer_are_no_offence_however_often_it_was_given_up() {
    let theirs = chain_of(3);
    let mut node = node();
    let claim = hello(theirs.tip().hash(), 4, theirs.work().0);
    let mut owed = 0;
    for round in 0..40 {
        let now = NOW.plus_ms(round * 21_000);
        let bytes = claim.encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        let asked = |message: &Message| matches!(message, Message::GetHeaders(_));
        owed += sent_to(&drain(&mut node), HONEST).into_iter().filter(asked).count();
        node.handle(now.plus_ms(20_500), Input::Tick);
        drain(&mut node);
    }
    assert!(owed > 20);
    let now = NOW.plus_ms(41 * 21_000);
    for _ in 0..owed {
        let bytes = Message::Headers(Vec::new()).encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn blocks_on_nothing_without_end_cost_the_connection() {
    let mut node = node();
    let dropped = (0..60).find_map(|number| {
        let orphan = block(node.chain(), vec![vote(1, "Yes")], |header| {
            header.previous = BlockHash([number; 32]);
        });
        let votes = vec![ShortId([0; 8])];
        rejected(&hear(&mut node, LIAR, &Message::NewBlock { header: orphan.header, votes }))
    });
    assert!(dropped.unwrap().contains("stand on nothing"));
}

#[test]
fn who_drips_a_chain_out_block_by_block_loses_the_download() {
    let theirs = chain_of(20);
    let mut node = node();
    hear(&mut node, LIAR, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let (headers, _) = page(&theirs, 2);
    hear(&mut node, LIAR, &headers);
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let mut now = NOW;
    for height in 2..=4 {
        now = now.plus_ms(19_000);
        let drop = theirs.block_at(Height(height)).unwrap().to_block();
        let bytes = Message::Blocks(vec![drop]).encode();
        node.handle(now, Input::Message { from: LIAR, broadcast: false, bytes });
    }
    let outputs = drain(&mut node);
    assert!(matches!(sent_to(&outputs, HONEST)[..], [Message::GetHeaders(_)]));
}
