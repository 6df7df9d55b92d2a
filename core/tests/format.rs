//! Golden vectors: the bytes and hashes that `docs/format.md` and `docs/protocol.md` show.
//!
//! `BLESS=1 cargo test -p blockvote-core --test format` writes the file anew, for a change of the
//! format that is meant.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use blockvote_core::{
    audit::archive::ArchiveWriter,
    chain::{
        block::Block,
        difficulty::{Difficulty, Work},
        header::{Header, Height},
        pow::{self, Target},
        statements::{Closing, DoubleVote, Seal, Statement, StatementBook},
    },
    crypto::{
        hash::{BlockHash, ShortId, VoteId},
        key::SecretKey,
        merkle,
    },
    custody::code::Code,
    election::{
        ballot::{Ballot, BallotRules},
        context::ElectionContext,
        definition::{ChainParameters, Counting, Credentials, Election, Eligibility},
        roll::Roll,
        tally::Tally,
        token::TokenId,
        vote::{Authorization, Vote},
    },
    time::Timestamp,
    wire::{
        frame::{ClientFrame, PeerId, ServerFrame},
        message::{Hello, Message},
    },
};

fn election() -> Election {
    Election {
        version: 2,
        title: "Lunch?".into(),
        description: String::new(),
        choices: vec!["Soup".into(), "Bread".into()],
        ballot_rules: BallotRules::ONE,
        counting: Counting::FirstCounts,
        eligibility: Eligibility::Open { highest_token: Some(9) },
        opens: Some(Timestamp(1_800_000_000_000)),
        closes: None,
        created: Timestamp(1_799_999_000_000),
        organiser: None,
        parameters: ChainParameters { starting_difficulty: 65_536, spacing_ms: 10_000 },
    }
}

/// Everything that an election with a voter roll adds: three codes of one secret, approval, blank
/// ballots, own words, the last vote counts.
fn roll_vectors() -> BTreeMap<&'static str, String> {
    let secret = [0x11; 32];
    let codes: Vec<_> = (0..3).map(|number| Code::derive(&secret, number)).collect();
    let keys: Vec<_> = codes.iter().map(Code::secret_key).collect();
    let roll = Roll::collect(keys.iter().map(SecretKey::public)).unwrap();
    let organiser = SecretKey::new([0x22; 32]);
    let election = Election {
        ballot_rules: BallotRules { least: 1, most: 2, blank: true, write_in: true },
        counting: Counting::LastCounts,
        eligibility: Eligibility::Roll {
            root: roll.root(),
            size: roll.size(),
            credentials: Credentials::Codes,
        },
        organiser: Some(organiser.public()),
        ..election()
    };
    let context = ElectionContext::new(election.clone(), Some(roll.clone())).unwrap();
    let id = context.id();
    let token = roll.token_of(&keys[0].public()).unwrap();
    let signed = |sequence, ballot| Vote::signed(id, token, sequence, ballot, &keys[0]);
    let approval = signed(0, Ballot::Choices(vec![0, 1]));
    let blank = signed(1, Ballot::Blank);
    let write_in = signed(1, Ballot::WriteIn { choices: vec![0], text: "Pie".into() });
    let mut tally = Tally { ballots: 1, ..Tally::default() };
    tally.selections = [("Bread".to_owned(), 1), ("Soup".to_owned(), 1)].into();
    let double = DoubleVote::of(&blank, &write_in).unwrap();
    let double = Statement::DoubleVote(Box::new(double));
    let closing = Statement::Closing(Closing::sign(id, Timestamp(1_800_000_100_000), &organiser));
    let seal = Seal::sign(id, Height(2), BlockHash([0x33; 32]), &tally, &organiser);
    for statements in [&double, &closing, &Statement::Seal(seal)] {
        statements.check(&context).unwrap();
    }
    let (mut writer, mut archive) = ArchiveWriter::new(&context);
    archive.extend(writer.statement(&double));
    archive.extend(writer.finish());
    let page = roll.page(0).unwrap();
    let text = |bytes: Vec<u8>| hex::encode(bytes);
    BTreeMap::from([
        ("roll: code", codes[0].to_string()),
        ("roll: secret key of the code", text(keys[0].to_bytes().bytes().to_vec())),
        ("roll: public key of the code", keys[0].public().to_string()),
        ("roll: public key in text", keys[0].public().to_text()),
        ("roll: root", roll.root().to_string()),
        ("roll: election", text(election.encode())),
        ("roll: election id", id.to_string()),
        ("roll: approval vote", text(approval.encode())),
        ("roll: approval vote: id", approval.id().to_string()),
        ("roll: approval vote: signed message", text(approval.signing_message().to_vec())),
        ("roll: blank vote, changed once", text(blank.encode())),
        ("roll: vote with own words", text(write_in.encode())),
        ("roll: tally", text(borsh::to_vec(&tally).unwrap())),
        ("roll: tally hash", tally.hash().to_string()),
        ("roll: double vote", text(borsh::to_vec(&double).unwrap())),
        ("roll: closing", text(borsh::to_vec(&closing).unwrap())),
        ("roll: seal", text(borsh::to_vec(&Statement::Seal(seal)).unwrap())),
        ("roll: seal id", seal.id().to_string()),
        ("roll: short id of the double vote", text(double.short_id().0.to_vec())),
        ("roll: short id of the closing", text(closing.short_id().0.to_vec())),
        ("roll: short id of the seal", text(Statement::Seal(seal).short_id().0.to_vec())),
        ("roll: digest of no evidence", text(StatementBook::default().digest().to_vec())),
        ("roll: archive", text(archive)),
        ("message get roll page", text(Message::GetRollPage(7).encode())),
        ("message roll page", text(Message::RollPage(page).encode())),
        ("message get evidence", text(Message::GetStatements(vec![double.short_id()]).encode())),
        ("message evidence", text(Message::Statements(vec![closing]).encode())),
    ])
}

fn vectors() -> BTreeMap<&'static str, String> {
    let election = election();
    let id = election.id();
    let vote = |token, choice| Vote {
        election: id,
        token: TokenId(token),
        ballot: Ballot::Choices(vec![choice]),
        sequence: 0,
        authorization: Authorization::Open,
    };
    let free = Vote { ballot: Ballot::Text("Biden".into()), ..vote(7, 0) };
    let votes = vec![vote(1, 0), vote(2, 1), vote(3, 0)];
    let genesis = Block::genesis(&election);
    let (root, time) = (Block::votes_root(&votes), Timestamp(1_800_000_001_000));
    let mut header = Header::next(genesis.header(), root, time, &election.parameters);
    header.difficulty = Difficulty(65_536);
    pow::mine(&mut header);
    let block = Block { header: header.clone(), votes: votes.clone() };
    let leaves: Vec<_> = votes.iter().map(|vote| merkle::leaf(&vote.encode())).collect();
    let proof = merkle::prove(&leaves, 2).unwrap();
    let (mut writer, mut archive) =
        ArchiveWriter::new(&ElectionContext::open(election.clone()).unwrap());
    archive.extend(writer.block(&block));
    archive.extend(writer.finish());
    let hello = Hello {
        version: 3,
        tip: header.hash(),
        height: Height(2),
        work: Work(65_536),
        pending: 3,
        sealed: None,
        statements: StatementBook::default().digest(),
        wants_reply: true,
    };
    let peer = PeerId(0x0102_0304_0506_0708);
    let ids: Vec<VoteId> = votes.iter().map(Vote::id).collect();
    let shorts: Vec<ShortId> = ids.iter().map(ShortId::from).collect();
    let tip = header.hash();
    let text = |bytes: Vec<u8>| hex::encode(bytes);
    BTreeMap::from([
        ("election", text(election.encode())),
        ("election id", id.to_string()),
        ("plain election id", Election::plain().id().to_string()),
        ("demo election id", Election::demo().id().to_string()),
        ("vote with a choice", text(votes[0].encode())),
        ("vote with a choice: id", ids[0].to_string()),
        ("vote with free text", text(free.encode())),
        ("vote with free text: id", free.id().to_string()),
        ("genesis header", text(genesis.header().encode().to_vec())),
        ("genesis hash", genesis.hash().to_string()),
        ("header", text(header.encode().to_vec())),
        ("header hash", tip.to_string()),
        ("block", text(borsh::to_vec(&block).unwrap())),
        ("votes root", header.votes_root.to_string()),
        ("inclusion proof of the third vote", text(borsh::to_vec(&proof).unwrap())),
        ("target of difficulty 65536", text(Target::from(Difficulty(65_536)).0.to_vec())),
        ("target of difficulty 73728", text(Target::from(Difficulty(73_728)).0.to_vec())),
        ("archive", text(archive)),
        ("message hello", text(Message::Hello(hello).encode())),
        ("message get election", text(Message::GetElection.encode())),
        ("message election", text(Message::Election(Box::new(election)).encode())),
        ("message get headers", text(Message::GetHeaders(vec![tip, genesis.hash()]).encode())),
        ("message headers", text(Message::Headers(vec![header.clone()]).encode())),
        ("message get blocks", text(Message::GetBlocks(vec![BlockHash(tip.0)]).encode())),
        ("message blocks", text(Message::Blocks(vec![block]).encode())),
        ("message votes", text(Message::Votes(votes).encode())),
        ("message new block", text(Message::NewBlock { header, votes: shorts.clone() }.encode())),
        ("message reconcile", text(Message::Reconcile(vec![0x61, 0, 0, 2, 0]).encode())),
        ("message reconciled", text(Message::Reconciled(vec![0x61]).encode())),
        ("message get block votes", text(Message::GetBlockVotes(tip, vec![0, 2]).encode())),
        ("message block votes", text(Message::BlockVotes(tip, vec![free]).encode())),
        ("message get votes", text(Message::GetVotes(shorts).encode())),
        ("message ask held", text(Message::AskHeld(ids.clone()).encode())),
        ("message held", text(Message::Held(ids).encode())),
        ("client frame join", text(ClientFrame::Join(id).encode())),
        ("client frame leave", text(ClientFrame::Leave(id).encode())),
        ("client frame broadcast", text(ClientFrame::Broadcast(id, b"payload").encode())),
        ("client frame send", text(ClientFrame::Send(id, peer, b"payload").encode())),
        ("client frame sample", text(ClientFrame::Sample(id, 6).encode())),
        ("server frame welcome", text(ServerFrame::Welcome(peer).encode())),
        ("server frame joined", text(ServerFrame::Joined(id, 5).encode())),
        ("server frame peers", text(ServerFrame::Peers(id, vec![peer]).encode())),
        ("server frame broadcast", text(ServerFrame::Broadcast(id, peer, b"payload").encode())),
        ("server frame direct", text(ServerFrame::Direct(id, peer, b"payload").encode())),
        ("server frame gone", text(ServerFrame::Gone(id, peer).encode())),
    ])
}

#[test]
fn every_encoding_and_hash_is_the_documented_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors.json");
    let mut vectors = vectors();
    vectors.extend(roll_vectors());
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&vectors).unwrap();
        fs::write(&file, text + "\n").unwrap();
    }
    let text = fs::read_to_string(&file).unwrap();
    let documented: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    for (name, bytes) in &vectors {
        assert_eq!(documented.get(*name), Some(bytes), "{name}");
    }
    assert_eq!(documented.len(), vectors.len());
}
