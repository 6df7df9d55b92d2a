//! What peers say to each other.

use std::collections::BTreeSet;

use blockvote_core::{
    chain::{
        block::Block, difficulty::Work, fork_choice::Weight, header::Height,
        statements::StatementBook,
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::vote::Vote,
    wire::{
        frame::PeerId,
        message::{Hello, Message, MessageError, Presence, ShortBlock, VotesDigest},
    },
};

use crate::{Vectors, blocks, check, elections, hex, statements, votes};

pub fn vectors() -> Vectors {
    let block = blocks::second();
    let (header, tip) = (block.header.clone(), block.header.hash());
    let ids: Vec<VoteId> = block.votes.iter().map(Vote::id).collect();
    let shorts: Vec<ShortId> = ids.iter().map(ShortId::from).collect();
    let (double, closing) = (statements::double_vote(), statements::closing());
    let page = elections::with_roll().roll().unwrap().page(0).unwrap();
    let genesis = Block::genesis(&elections::open()).hash();
    let hello = Hello {
        version: 4,
        tip,
        height: Height(2),
        weight: Weight { voters: 2, votes: 3, work: Work(65_536) },
        set: VotesDigest { votes: 3, fingerprint: [0x33; 32] },
        sealed: None,
        statements: StatementBook::default().digest(),
        wants_reply: true,
    };
    let challenge = [0x55; 32];
    let presence = Presence::sign(
        elections::with_roll().id(),
        &challenge,
        PeerId(0x1234),
        &elections::keeper(),
    );
    let short = ShortBlock { header: header.clone(), votes: shorts };
    let messages = [
        ("message hello", Message::Hello(hello)),
        ("message get election", Message::GetElection),
        ("message election", Message::Election(Box::new(elections::open()))),
        ("message get headers", Message::GetHeaders(vec![tip, genesis])),
        ("message headers", Message::Headers(vec![header.clone()])),
        ("message get blocks", Message::GetBlocks(vec![BlockHash(tip.0)])),
        ("message blocks", Message::Blocks(vec![block.clone()])),
        ("message votes", Message::Votes(block.votes)),
        ("message new block", Message::NewBlock(short.clone())),
        ("message get short blocks", Message::GetShortBlocks(vec![tip])),
        ("message short blocks", Message::ShortBlocks(vec![short])),
        ("message reconcile", Message::Reconcile(vec![0x61, 0, 0, 2, 0])),
        ("message reconciled", Message::Reconciled(vec![0x61])),
        ("message get block votes", Message::GetBlockVotes(tip, vec![0, 2])),
        ("message block votes", Message::BlockVotes(tip, vec![votes::free_text()])),
        ("message get votes", Message::GetVotes(ids.clone())),
        ("message ask held", Message::AskHeld(ids.clone())),
        ("message held", Message::Held(ids)),
        ("message get roll page", Message::GetRollPage(7)),
        ("message roll page", Message::RollPage(page)),
        ("message get evidence", Message::GetStatements(vec![double.short_id()])),
        ("message evidence", Message::Statements(vec![closing])),
        ("message roll call", Message::RollCall(challenge)),
        ("message present", Message::Present(presence)),
        ("message get acknowledged", Message::GetAcknowledged(vec![VoteId([0x22; 32])])),
        ("message acknowledged", Message::Acknowledged(vec![statements::acknowledged()])),
    ];
    messages.map(|(name, message)| (name, hex(message.encode()))).to_vec()
}

#[test]
fn a_message_is_as_documented() {
    check(vectors());
}

/// A message that was added without a vector is found here.
#[test]
fn every_kind_of_message_has_a_vector() {
    let kinds: BTreeSet<u8> =
        vectors().iter().map(|(_, text)| u8::from_str_radix(&text[..2], 16).unwrap()).collect();
    let is_kind = |kind: &u8| match Message::decode(&[*kind]) {
        Err(MessageError::Malformed(why)) => !why.contains("variant"),
        _ => true,
    };
    assert!(kinds.into_iter().eq((0..=u8::MAX).filter(is_kind)));
}
