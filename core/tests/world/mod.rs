//! One node, what it is told, and what it answers.

#![allow(dead_code, reason = "each test program uses a part")]

use blockvote_core::{
    ballot::Ballot,
    block::Block,
    chain::Chain,
    difficulty::{Work, demand},
    election::{ChainParameters, Election, Setup},
    evidence::EvidenceBook,
    hash::BlockHash,
    header::{HEADER_VERSION, Header, Height},
    message::{Hello, Message, PROTOCOL_VERSION},
    node::{Event, Input, LinkId, Node, Output, Peer},
    pow,
    relay_frame::PeerId,
    time::Timestamp,
    vote::{TokenId, Vote},
};
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);
pub const LIAR: Peer = Peer { link: LinkId(0), id: PeerId(1) };
pub const HONEST: Peer = Peer { link: LinkId(0), id: PeerId(2) };

pub fn election() -> Election {
    let parameters = ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 };
    Election { parameters, ..Election::plain() }
}

pub fn setup() -> Setup {
    Setup::open(election()).unwrap()
}

pub fn node() -> Node {
    let mut node = Node::new(setup(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0)));
    drain(&mut node);
    node
}

pub fn drain(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

pub fn vote(token: u64, text: &str) -> Vote {
    Vote::open(election().id(), TokenId(token), Ballot::Text(text.into()))
}

/// A block on the tip; `change` makes it hostile before it is mined.
pub fn block(chain: &Chain, votes: Vec<Vote>, change: impl FnOnce(&mut Header)) -> Block {
    block_on(chain.tip().header(), votes, change)
}

/// A block on any other.
pub fn block_on(parent: &Header, votes: Vec<Vote>, change: impl FnOnce(&mut Header)) -> Block {
    let timestamp = parent.timestamp.max(Timestamp(NOW.0 - 60_000)).plus_ms(10_000);
    let demanded = demand(&election().parameters, parent, timestamp);
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
    change(&mut header);
    pow::mine(&mut header);
    Block { header, votes }
}

pub fn chain_of(blocks: u64) -> Chain {
    let mut chain = Chain::new(setup());
    for token in 0..blocks {
        let next = block(&chain, vec![vote(token, "Yes")], |_| ());
        let checked = next.check(chain.setup()).unwrap();
        chain.insert(checked, NOW.plus_ms(1_000_000_000)).unwrap();
    }
    chain
}

pub fn hear(node: &mut Node, from: Peer, message: &Message) -> Vec<Output> {
    node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
    drain(node)
}

pub fn hello(tip: BlockHash, height: u32, work: u128) -> Message {
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

pub fn rejected(outputs: &[Output]) -> Option<String> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::PeerRejected { reason, .. }) => Some(reason.clone()),
        _ => None,
    })
}

pub fn sent_to(outputs: &[Output], to: Peer) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(peer, bytes) if *peer == to => Some(Message::decode(bytes).unwrap()),
            _ => None,
        })
        .collect()
}

/// Headers and blocks of another chain, as one peer would serve them.
pub fn page(chain: &Chain, from: u32) -> (Message, Message) {
    let blocks: Vec<_> =
        (from..=chain.height().0).map(|h| chain.block_at(Height(h)).unwrap().to_block()).collect();
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    (Message::Headers(headers), Message::Blocks(blocks))
}
