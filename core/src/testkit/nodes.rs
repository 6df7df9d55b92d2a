//! A node, what it is told, and what it answers.

use super::{NOW, context};
use crate::{
    chain::{
        block::Block,
        difficulty::Work,
        fork_choice::Weight,
        header::Height,
        pow::{NonceSearch, Search},
        statements::StatementBook,
        tree::Chain,
    },
    crypto::hash::{BlockHash, ShortId, Tag, tagged},
    election::{election_context::ElectionContext, vote::verify_signatures},
    node::{Event, Input, LinkId, Node, Output, Peer, Rejection, Signatures},
    wire::{
        frame::PeerId,
        message::{Hello, Message, PROTOCOL_VERSION, ShortBlock, VotesDigest},
    },
};

/// A peer that lies, if the test has one.
pub const LIAR: Peer = Peer { link: LinkId(0), id: PeerId(1) };
/// A peer that does not lie.
pub const HONEST: Peer = Peer { link: LinkId(0), id: PeerId(2) };

/// The name of each node that talks to another in a test: each calls the other [`HONEST`].
pub const OWN: PeerId = HONEST.id;

/// A connected node of [`super::election`] that knows nothing yet.
pub fn node() -> Node {
    node_of(&context())
}

/// A connected node that knows nothing yet.
pub fn node_of(context: &ElectionContext) -> Node {
    let mut node = Node::new(context.clone(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0), OWN));
    drain(&mut node);
    node
}

/// What the node says, including what it wants verified.
pub fn drain(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

/// What the node says, after it was told which signatures are valid.
pub fn drain_verified(node: &mut Node) -> Vec<Output> {
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

/// The newest header that the node wants a nonce for, with the nonce: what a miner would answer.
pub fn mine(node: &mut Node) -> Input {
    let jobs = drain(node).into_iter().filter_map(|output| match output {
        Output::Mine(job) => job,
        _ => None,
    });
    let job = jobs.last().unwrap();
    let nonce = Search::new(&job.header).run(0, u64::MAX).unwrap();
    Input::Mined { job: job.id, nonce }
}

/// What the node answers to a message.
pub fn hear(node: &mut Node, from: Peer, message: &Message) -> Vec<Output> {
    node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
    drain(node)
}

/// The same, after it was told which signatures are valid.
pub fn hear_verified(node: &mut Node, from: Peer, message: &Message) -> Vec<Output> {
    node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
    drain_verified(node)
}

/// The digest of a node without votes.
pub fn no_votes() -> VotesDigest {
    VotesDigest { votes: 0, fingerprint: tagged(Tag::VOTES, &[0; 32]) }
}

/// A greeting that claims a tip and work, as in an open election.
pub fn hello(tip: BlockHash, height: u32, work: u128) -> Message {
    hello_with(tip, height, Weight { work: Work(work), ..Weight::default() })
}

/// A greeting that claims a tip.
pub fn hello_with(tip: BlockHash, height: u32, weight: Weight) -> Message {
    let height = Height(height);
    Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip,
        height,
        weight,
        set: no_votes(),
        sealed: None,
        statements: StatementBook::default().digest(),
        wants_reply: false,
    })
}

/// The greeting of a peer that has this chain.
pub fn hello_of(chain: &Chain) -> Message {
    hello_with(chain.tip().hash(), chain.height().0, chain.weight())
}

/// Why a peer was banned, if one was.
pub fn rejected(outputs: &[Output]) -> Option<Rejection> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::PeerRejected { reason, .. }) => Some(reason.clone()),
        _ => None,
    })
}

/// Messages to one peer.
pub fn sent_to(outputs: &[Output], to: Peer) -> Vec<Message> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(peer, bytes) if *peer == to => Some(Message::decode(bytes).unwrap()),
            _ => None,
        })
        .collect()
}

/// Messages to anybody.
pub fn sent(outputs: &[Output]) -> Vec<Message> {
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

/// Headers and blocks of another chain, as one peer would serve them.
pub fn page(chain: &Chain, from: u32) -> (Message, Message) {
    let blocks: Vec<_> =
        (from..=chain.height().0).map(|h| chain.block_at(Height(h)).unwrap().to_block()).collect();
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    (Message::Headers(headers), Message::Blocks(blocks))
}

/// Announces a block; returns what is sent to its announcer.
pub fn announce(node: &mut Node, block: &Block, from: Peer) -> Vec<Message> {
    let votes = block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect();
    let header = block.header.clone();
    let outputs = hear(node, from, &Message::NewBlock(ShortBlock { header, votes }));
    assert_eq!(rejected(&outputs), None);
    sent_to(&outputs, from)
}

/// A relay names an honest peer, which is greeted.
pub fn greet(node: &mut Node) {
    node.handle(NOW, Input::Peers(LinkId(0), vec![HONEST.id]));
    drain(node);
}
