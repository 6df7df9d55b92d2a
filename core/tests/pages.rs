//! Pages of a download whose signatures are verified outside the node: what is fetched meanwhile,
//! and what happens if peers leave or lie.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code breaks off loudly")]

use blockvote_core::{
    chain::{
        ancestry::LinkError,
        block::Block,
        header::Height,
        pow,
        tree::{Chain, MAX_SIDE_BLOCKS},
    },
    crypto::hash::BlockHash,
    election::vote::verify_signatures,
    node::{Event, Input, LinkId, Node, Output, Peer, Signatures},
    testkit::{
        Maker, NOW,
        nodes::{OWN, drain, hear, hello_of, rejected},
    },
    wire::{
        frame::PeerId,
        message::{MAX_HEADERS, Message},
    },
};
const PEER: Peer = Peer { link: LinkId(0), id: PeerId(1) };
const OTHER: Peer = Peer { link: LinkId(0), id: PeerId(2) };
const VOTERS: u32 = 3;

fn maker() -> Maker {
    Maker::signed(VOTERS)
}

/// The next block with a vote of every voter. The vote at `offender` has another vote's signature.
fn block(maker: &Maker, chain: &Chain, offender: Option<usize>) -> Block {
    let parent = chain.tip().header();
    let made = u64::from(parent.height.0 - 1) * u64::from(VOTERS);
    let mut block = maker.block(parent, made, VOTERS.into());
    if let Some(index) = offender {
        let other = (index + 1) % block.votes.len();
        block.votes[index].authorization = block.votes[other].authorization;
        block.header.votes_root = Block::votes_root(&block.votes);
        pow::mine(&mut block.header);
    }
    block
}

/// A chain of this many blocks above the first, and those blocks.
fn chain(blocks: usize) -> (Chain, Vec<Block>) {
    let maker = maker();
    let mut chain = Chain::new(maker.context.clone());
    let mut all = Vec::new();
    for _ in 0..blocks {
        let next = block(&maker, &chain, None);
        chain.insert(next.clone().check(chain.context()).unwrap(), NOW).unwrap();
        all.push(next);
    }
    (chain, all)
}

/// The blocks asked for.
fn asked(outputs: &[Output]) -> Option<Vec<BlockHash>> {
    outputs.iter().find_map(|output| match output {
        Output::Send(_, bytes) => match Message::decode(bytes).unwrap() {
            Message::GetBlocks(hashes) => Some(hashes),
            _ => None,
        },
        _ => None,
    })
}

fn to_verify(outputs: &[Output]) -> Option<Signatures> {
    outputs.iter().find_map(|output| match output {
        Output::Verify(signatures) => Some(signatures.clone()),
        _ => None,
    })
}

fn verify(node: &mut Node, signatures: &Signatures) -> Vec<Output> {
    let verdict = verify_signatures(&signatures.list);
    node.handle(NOW, Input::Verified { id: signatures.id, verdict });
    drain(node)
}

/// A node that asked a peer for the blocks of this chain.
fn asking(blocks: &[Block], chain: &Chain) -> Node {
    let mut node = Node::new(chain.context().clone(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0), OWN));
    hear(&mut node, PEER, &hello_of(chain));
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    let outputs = hear(&mut node, PEER, &Message::Headers(headers));
    assert_eq!(asked(&outputs).map(|hashes| hashes.len()), Some(blocks.len()));
    node
}

fn page(blocks: &[Block]) -> Message {
    Message::Blocks(blocks.to_vec())
}

#[test]
fn the_next_page_is_fetched_while_one_is_verified_and_no_more_than_that() {
    let (whole, blocks) = chain(4);
    let mut node = asking(&blocks, &whole);
    let outputs = hear(&mut node, PEER, &page(&blocks[..1]));
    let first = to_verify(&outputs).unwrap();
    assert_eq!(first.list.len(), VOTERS as usize);
    assert_eq!(asked(&outputs).unwrap()[0], blocks[1].header.hash());
    assert_eq!(node.chain().height(), Height(1), "nothing is taken in before its verdict");
    let outputs = hear(&mut node, PEER, &page(&blocks[1..2]));
    assert!(to_verify(&outputs).is_none() && asked(&outputs).is_none(), "{outputs:?}");
    // What nobody asked for is not kept, and the peer owes no answer meanwhile.
    hear(&mut node, PEER, &page(&blocks[2..3]));
    node.handle(NOW.plus_ms(3_600_000), Input::Tick);
    assert!(node.is_behind() && asked(&drain(&mut node)).is_none());
    let outputs = verify(&mut node, &first);
    assert_eq!(node.chain().height(), Height(2));
    let second = to_verify(&outputs).unwrap();
    assert_eq!(asked(&outputs).unwrap(), [blocks[2].header.hash(), blocks[3].header.hash()]);
    // A verdict that was already given does not apply to what is verified now.
    node.handle(NOW, Input::Verified { id: first.id, verdict: Err(0) });
    assert!(rejected(&drain(&mut node)).is_none());
    verify(&mut node, &second);
    assert_eq!(node.chain().height(), Height(3));
    let outputs = hear(&mut node, PEER, &page(&blocks[2..]));
    let says = |output: &Output| matches!(output, Output::Send(..) | Output::Broadcast(..));
    assert!(!outputs.iter().any(says), "nothing is left to ask for: {outputs:?}");
    verify(&mut node, &to_verify(&outputs).unwrap());
    assert_eq!(node.chain().tip().hash(), whole.tip().hash());
    assert!(!node.is_behind());
}

#[test]
fn the_first_offender_ends_a_page_and_its_peer() {
    let (mut whole, mut blocks) = chain(2);
    let wrong = block(&maker(), &whole, Some(2));
    blocks.push(wrong.clone());
    // The peer that made it has it.
    let context = whole.context().clone();
    whole.insert(wrong.check_but_signatures(&context).unwrap(), NOW).unwrap();
    let mut node = asking(&blocks, &whole);
    let signatures = to_verify(&hear(&mut node, PEER, &page(&blocks))).unwrap();
    assert_eq!(verify_signatures(&signatures.list), Err(2 * VOTERS as usize + 2));
    let outputs = verify(&mut node, &signatures);
    let reason = outputs.iter().find_map(|output| match output {
        Output::Event(Event::PeerRejected { reason, .. }) => Some(reason.clone()),
        _ => None,
    });
    let alone = LinkError::from(blocks[2].clone().check(&context).unwrap_err());
    assert_eq!(reason, Some(alone.into()));
    assert_eq!(node.chain().height(), Height(3), "the blocks before it are good");
    assert!(!node.is_behind());
    // It is known now, and is not fetched from anybody else.
    hear(&mut node, OTHER, &hello_of(&whole));
    let outputs = hear(&mut node, OTHER, &Message::Headers(vec![blocks[2].header.clone()]));
    assert!(rejected(&outputs).is_some() && asked(&outputs).is_none(), "{outputs:?}");
}

#[test]
fn a_page_is_taken_in_although_its_peer_left_and_another_serves_the_rest() {
    let (whole, blocks) = chain(3);
    for lost in [Input::Gone(PEER), Input::LinkDown(LinkId(0))] {
        let mut node = asking(&blocks, &whole);
        let first = to_verify(&hear(&mut node, PEER, &page(&blocks[..1]))).unwrap();
        hear(&mut node, PEER, &page(&blocks[1..2]));
        node.handle(NOW, lost);
        drain(&mut node);
        verify(&mut node, &first);
        assert_eq!(node.chain().height(), Height(2));
        node.handle(NOW, Input::LinkUp(LinkId(0), OWN));
        hear(&mut node, OTHER, &hello_of(&whole));
        let headers = blocks[1..].iter().map(|block| block.header.clone()).collect();
        let outputs = hear(&mut node, OTHER, &Message::Headers(headers));
        assert_eq!(asked(&outputs).map(|hashes| hashes.len()), Some(2));
        let rest = to_verify(&hear(&mut node, OTHER, &page(&blocks[1..]))).unwrap();
        verify(&mut node, &rest);
        assert_eq!(node.chain().tip().hash(), whole.tip().hash());
    }
}

#[test]
fn a_peer_that_was_rejected_meanwhile_adds_nothing() {
    let (whole, blocks) = chain(2);
    let mut node = asking(&blocks, &whole);
    let first = to_verify(&hear(&mut node, PEER, &page(&blocks[..1]))).unwrap();
    node.handle(NOW, Input::Message { from: PEER, broadcast: false, bytes: vec![0xff; 9] });
    assert!(rejected(&drain(&mut node)).is_some());
    verify(&mut node, &first);
    assert_eq!(node.chain().height(), Height(1));
}

#[test]
fn a_verdict_does_not_make_up_for_a_stall_after_its_page_and_until_then_the_node_is_behind() {
    let (whole, blocks) = chain(3);
    let mut node = asking(&blocks, &whole);
    let first = to_verify(&hear(&mut node, PEER, &page(&blocks[..1]))).unwrap();
    hear(&mut node, PEER, &page(&[]));
    assert!(node.is_behind(), "what is being verified is not counted yet");
    verify(&mut node, &first);
    assert_eq!(node.chain().height(), Height(2));
    let asked = |outputs: &[Output]| {
        outputs.iter().find_map(|output| match output {
            Output::Send(peer, bytes) => {
                let question = Message::decode(bytes).unwrap();
                matches!(question, Message::GetHeaders(_)).then_some(*peer)
            }
            _ => None,
        })
    };
    let outputs = hear(&mut node, OTHER, &hello_of(&whole));
    assert_eq!(asked(&outputs), Some(OTHER));
    // A peer that stalled does not take the download away from one that did not.
    let outputs = hear(&mut node, PEER, &hello_of(&whole));
    assert_eq!(asked(&outputs), None);
}

/// A chain of this many blocks above the first, each with one vote; `first` is the number of the
/// first.
fn branch(maker: &Maker, blocks: u64, first: u64) -> (Chain, Vec<Block>) {
    let mut chain = Chain::new(maker.context.clone());
    let mut all = Vec::new();
    for number in first..first + blocks {
        let next = maker.block(chain.tip().header(), number, 1);
        let checked = next.clone().check_but_signatures(chain.context()).unwrap();
        chain.insert(checked, NOW).unwrap();
        all.push(next);
    }
    (chain, all)
}

/// What a peer that has this chain answers.
fn answer(blocks: &[Block], outputs: &[Output]) -> Option<Message> {
    outputs.iter().find_map(|output| match output {
        Output::Send(_, bytes) => match Message::decode(bytes).unwrap() {
            Message::GetHeaders(known) => {
                let after = blocks.iter().rposition(|block| known.contains(&block.header.hash()));
                let rest = blocks.iter().skip(after.map_or(0, |at| at + 1)).take(MAX_HEADERS);
                Some(Message::Headers(rest.map(|block| block.header.clone()).collect()))
            }
            Message::GetBlocks(hashes) => {
                let is_asked = |block: &&Block| hashes.contains(&block.header.hash());
                Some(page(&blocks.iter().filter(is_asked).cloned().collect::<Vec<_>>()))
            }
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn a_long_branch_is_kept_until_its_last_page_is_verified_although_its_peer_left() {
    let length = MAX_SIDE_BLOCKS as u64 + 20;
    let maker = Maker::signed(2 * u32::try_from(length).unwrap());
    // So few of the votes are here that the branch is fetched in whole blocks.
    let (own, stored) = branch(&maker, length / 10, 0);
    let (whole, blocks) = branch(&maker, length + 1, 500);
    let mut node = Node::new(maker.context.clone(), 7);
    let stored = stored.into_iter().map(|block| block.check_but_signatures(own.context()));
    node.restore(NOW, stored, Vec::new(), Vec::new()).unwrap();
    node.handle(NOW, Input::LinkUp(LinkId(0), OWN));
    let mut outputs = hear(&mut node, PEER, &hello_of(&whole));
    let last = loop {
        if let Some(signatures) = to_verify(&outputs) {
            let side = node.chain().side_blocks().count();
            if side + signatures.list.len() > MAX_SIDE_BLOCKS {
                break signatures;
            }
            // The next page is there before the verdict on this one.
            let question = answer(&blocks, &outputs);
            question.map(|answer| hear(&mut node, PEER, &answer));
            outputs = verify(&mut node, &signatures);
        } else {
            let answer = answer(&blocks, &outputs).expect("the download goes on");
            outputs = hear(&mut node, PEER, &answer);
        }
    };
    assert_eq!(node.chain().tip().hash(), own.tip().hash());
    node.handle(NOW, Input::Gone(PEER));
    drain(&mut node);
    verify(&mut node, &last);
    // It takes votes out, so there are two minutes to put them into the other chain.
    node.handle(NOW.plus_ms(120_000), Input::Tick);
    assert_eq!(node.chain().tip().hash(), whole.tip().hash());
}
