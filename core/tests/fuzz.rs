//! Fuzz targets: every decoder, and a node that receives arbitrary frames.
//!
//! As tests they run the stored corpus (`tests/__fuzz__`) and some thousand random inputs; with
//! `cargo xtask fuzz` an engine looks for new paths. Inputs change the golden vectors, so that
//! random bytes get past the first length field.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use std::{collections::BTreeMap, sync::LazyLock};

use blockvote_core::{
    audit::{archive::ArchiveReader, receipt::ReceiptFile},
    chain::{
        block::Block,
        header::Header,
        pow::{NonceSearch, Search},
        statements::Statement,
    },
    custody::{keyfile::KeyFile, organiser::Organiser},
    election::{
        ballot::Ballot,
        definition::{ChainParameters, Election},
        election_context::ElectionContext,
        token::TokenId,
        vote::Vote,
    },
    node::{Input, LinkId, Node, Output, Peer},
    time::Timestamp,
    wire::{
        frame::{ClientFrame, PeerId, ServerFrame},
        message::Message,
    },
};

static VECTORS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let text = include_str!("../../docs/vectors.json");
    let vectors: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
    vectors.values().filter_map(|value| hex::decode(value).ok()).collect()
});

/// Reads numbers from the input, and zeros after its end.
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        if bound == 0 { 0 } else { number % bound }
    }

    /// A golden vector with a few bytes changed, inserted or removed.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = VECTORS[self.below(VECTORS.len())].clone();
        self.change(&mut bytes);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.byte() % 4 {
            let at = self.below(bytes.len());
            match self.byte() % 5 {
                0 if at < bytes.len() => bytes[at] ^= 1 << (self.byte() % 8),
                1 if at < bytes.len() => bytes[at] = self.byte(),
                2 => bytes.insert(at, self.byte()),
                3 => bytes.truncate(at),
                _ => {
                    let other = &VECTORS[self.below(VECTORS.len())];
                    let from = self.below(other.len());
                    bytes.truncate(at);
                    bytes.extend(&other[from..]);
                }
            }
        }
    }
}

#[test]
fn decoders_take_any_bytes() {
    bolero::check!().with_iterations(100_000).for_each(|input: &[u8]| {
        for bytes in [input.to_vec(), Dice(input).bytes()] {
            // What is read is written back unchanged: every value has one form.
            if let Ok(message) = Message::decode(&bytes) {
                assert_eq!(message.encode(), bytes);
            }
            if let Ok(frame) = ClientFrame::decode(&bytes) {
                assert_eq!(frame.encode(), bytes);
            }
            if let Ok(frame) = ServerFrame::decode(&bytes) {
                assert_eq!(frame.encode(), bytes);
            }
            if let Ok(block) = borsh::from_slice::<Block>(&bytes) {
                assert_eq!(borsh::to_vec(&block).unwrap(), bytes);
            }
            if let Ok(header) = borsh::from_slice::<Header>(&bytes) {
                assert_eq!(borsh::to_vec(&header).unwrap(), bytes);
            }
            if let Ok(election) = borsh::from_slice::<Election>(&bytes) {
                assert_eq!(election.encode(), bytes);
                let _ = election.validate();
            }
            if let Ok(vote) = borsh::from_slice::<Vote>(&bytes) {
                assert_eq!(vote.encode(), bytes);
            }
            let _ = borsh::from_slice::<Statement>(&bytes);
            let mut reader = ArchiveReader::new();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next_record() {}
            let _ = reader.finish();
            let text = String::from_utf8_lossy(&bytes);
            let _ = ReceiptFile::read(&text);
            let _ = KeyFile::read(&text);
            let _ = Organiser::read(&text);
        }
    });
}

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A node with a block and a pending vote, and messages that it would understand.
fn node() -> (Node, Vec<Vec<u8>>) {
    let parameters = ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 };
    let election = Election { parameters, ..Election::plain() };
    let vote = |token| Vote::open(election.id(), TokenId(token), Ballot::Text("Yes".into()));
    let mut node = Node::new(ElectionContext::open(election.clone()).unwrap(), 7);
    node.handle(NOW, Input::LinkUp(LinkId(0), PeerId(9)));
    node.set_mining(NOW, true);
    node.cast(NOW, vote(1)).unwrap();
    let mut said = Vec::new();
    while let Some(output) = node.poll_output() {
        match output {
            Output::Mine(Some(job)) => {
                if let Some(nonce) = Search::new(&job.header).run(0, 1 << 20) {
                    node.handle(NOW, Input::Mined { job: job.id, nonce });
                }
            }
            Output::Broadcast(_, bytes) => said.push(bytes),
            _ => {}
        }
    }
    node.set_mining(NOW, false);
    node.cast(NOW, vote(2)).unwrap();
    let tip = node.chain().tip();
    said.push(Message::Headers(vec![tip.header().clone()]).encode());
    said.push(Message::Blocks(vec![tip.to_block()]).encode());
    said.push(Message::BlockVotes(tip.hash(), vec![vote(1), vote(3)]).encode());
    said.push(Message::GetHeaders(node.chain().locator()).encode());
    said.push(Message::Votes(vec![vote(3), vote(4)]).encode());
    said.push(Message::Reconcile(vec![0x61, 0, 0, 2, 0]).encode());
    (node, said)
}

#[test]
fn a_node_takes_any_frames_in_any_order() {
    bolero::check!().with_iterations(20_000).for_each(|input: &[u8]| {
        let (mut node, mut heard) = node();
        let mut dice = Dice(input);
        let mut now = NOW;
        for _ in 0..24 {
            let from = Peer { link: LinkId(0), id: PeerId(u64::from(dice.byte() % 4)) };
            now = now.plus_ms(u64::from(dice.byte()) * 100);
            match dice.byte() % 8 {
                0 => node.handle(now, Input::Tick),
                1 => node.handle(now, Input::Peers(LinkId(0), vec![from.id])),
                2 => node.handle(now, Input::Gone(from)),
                3 => {
                    node.handle(now, Input::LinkDown(LinkId(0)));
                    node.handle(now, Input::LinkUp(LinkId(0), PeerId(9)));
                }
                _ => {
                    // A message from this run, or a vector, changed a little.
                    let mut bytes = match dice.byte() % 2 {
                        0 => dice.bytes(),
                        _ => heard[dice.below(heard.len())].clone(),
                    };
                    dice.change(&mut bytes);
                    let broadcast = dice.byte() % 2 == 0;
                    node.handle(now, Input::Message { from, broadcast, bytes });
                }
            }
            // What it says comes back to it from others.
            while let Some(output) = node.poll_output() {
                if let Output::Send(_, bytes) | Output::Broadcast(_, bytes) = output
                    && heard.len() < 64
                {
                    heard.push(bytes);
                }
            }
        }
        assert!(node.chain().place_of(&node.chain().tip().vote_ids()[0]).is_some());
        assert!(node.chain().votes() >= 1, "what was in the chain is gone");
    });
}
