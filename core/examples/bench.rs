//! Native figures: `cargo run --release -p blockvote-core --example bench`. With the arguments
//! `file VOTES PER_BLOCK PATH` it writes an audit file of signed votes instead, for measuring
//! `blockvote verify` and the page; with `--forged VOTE` behind that, the signature of the vote of this
//! number, from 0, is another's; with `keeper FOLDER ELECTIONS VOTES` the key of a keeper and elections that name
//! it; with `curves`, `mined`, `compared`, `switched` or `acknowledged` it does only that part.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a bench reads the clock and breaks off loudly"
)]

use std::{fs::File, hint::black_box, io::Write, time::Instant};

use blockvote_core::{
    audit::{
        archive::{ArchiveWriter, Record},
        verify::Verifier,
    },
    chain::{
        acknowledgements::{Acknowledged, Acknowledgement, ClosingList, ProvenSet},
        block::Block,
        difficulty::Difficulty,
        pow::{self, FourSearch, NonceSearch, Search},
    },
    crypto::{
        hash::VoteId,
        key::{SecretKey, Signed, verify_all},
    },
    custody::{keyfile::KeyFile, voting_code::Code},
    election::{
        definition::{ChainParameters, Election},
        keepers::Keeper,
        roll::Roll,
        token::TokenId,
    },
    node::{Input, Node},
    testkit::{
        Maker,
        nodes::mine,
        talks::{self, Cost},
        with_roll,
    },
    time::Timestamp,
};

const NOW: Timestamp = Timestamp(1_900_000_000_000);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, votes, per_block, path, rest @ ..] = arguments.as_slice()
        && word == "file"
    {
        let forged = match rest {
            [flag, vote] if flag == "--forged" => Some(vote.parse().unwrap()),
            _ => None,
        };
        return write_file(votes.parse().unwrap(), per_block.parse().unwrap(), path, forged);
    }
    if let [word, folder, elections, votes] = arguments.as_slice()
        && word == "keeper"
    {
        return keeper(folder, elections.parse().unwrap(), votes.parse().unwrap());
    }
    if arguments == ["mined"] {
        return mined();
    }
    if arguments == ["acknowledged"] {
        return acknowledged();
    }
    if arguments == ["curves"] {
        return curves();
    }
    if arguments == ["compared"] {
        return compared();
    }
    if arguments == ["switched"] {
        return switched();
    }
    hash_rate();
    signatures();
    sizes();
    let open = Maker::open();
    verification(&open, 200, 500);
    verification(&open, 20_000, 5);
    let signed = Maker::signed(20_000);
    verification(&signed, 40, 500);
    verification(&signed, 2_000, 5);
    mined();
    compared();
    switched();
    acknowledged();
    curves();
}

/// What a keeper's acknowledgements take: to sign, in bytes, and with the proof that they are on its list.
fn acknowledged() {
    const VOTES: u32 = 100_000;
    let (key, election) = (SecretKey::new([7; 32]), Election::demo().id());
    let id = |number: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        VoteId(id)
    };
    let ids: Vec<_> = (0..VOTES).map(id).collect();
    let start = Instant::now();
    let signed: Vec<_> =
        ids.iter().map(|id| Acknowledgement::sign(election, *id, NOW, &key)).collect();
    let each = f64::from(VOTES) / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let list = ClosingList::sign(election, &ids, &key);
    let set = ProvenSet::new(ids.clone());
    let listing = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let proven: Vec<_> = signed
        .into_iter()
        .map(|acknowledgement| {
            let listed = set.prove(&acknowledgement.vote);
            Acknowledged { acknowledgement, listed }
        })
        .collect();
    let proofs = f64::from(VOTES) / start.elapsed().as_secs_f64();
    let bytes = |value: &Acknowledged| borsh::object_length(value).unwrap();
    let bare = Acknowledged { listed: None, ..proven[1].clone() };
    assert!(list.holds(&ids[1], proven[1].listed.as_ref().unwrap()));
    println!(
        "acknowledgements: {each:.0}/s a core, {} bytes, with the proof in a list of {VOTES} {} bytes; the list {listing:.0} ms, proofs {proofs:.0}/s",
        bytes(&bare),
        bytes(&proven[1])
    );
}

/// Writes a keeper's key, and audit files of elections that name it, each with so many signed votes.
fn keeper(folder: &str, elections: u32, votes: u32) {
    let key = SecretKey::new([7; 32]);
    let folder = std::path::Path::new(folder);
    let text = KeyFile::new(&key, None).unwrap().to_text();
    std::fs::write(folder.join("keeper.key.json"), text.as_str()).unwrap();
    for number in 0..elections {
        let mut seed = [1; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        let keys: Vec<_> =
            (0..votes).map(|voter| Code::derive(&seed, voter).secret_key()).collect();
        let base = Election {
            title: format!("Election {number}"),
            choices: vec!["A".into(), "B".into()],
            keepers: vec![Keeper { name: "Bench".into(), key: key.public() }],
            parameters: ChainParameters { starting_difficulty: 1, spacing_ms: 10_000 },
            ..Election::plain()
        };
        let context = with_roll(base, &keys, &SecretKey::new([2; 32]));
        let token = |key: &SecretKey| context.roll().unwrap().token_of(&key.public()).unwrap();
        let voters = keys.into_iter().map(|key| (token(&key), key)).collect();
        let (mut writer, mut bytes) = ArchiveWriter::new(&context);
        let first = Block::genesis(context.election()).header().clone();
        let id = context.id();
        let maker = Maker { context, voters };
        bytes.extend(writer.block(&maker.block(&first, 0, votes.into())));
        bytes.extend(writer.finish());
        std::fs::write(folder.join(format!("{id}.blockvote")), bytes).unwrap();
    }
}

/// How long a node is busy with a full block of signed votes that it mined itself.
fn mined() {
    let maker = Maker::signed(8_000);
    let mut node = Node::new(maker.context.clone(), 1);
    node.handle(NOW, Input::Votes((0..8_000).map(|number| maker.vote(number)).collect()));
    node.set_mining(NOW, true);
    let mined = mine(&mut node);
    let start = Instant::now();
    node.handle(NOW, mined);
    let took = start.elapsed().as_secs_f64() * 1e3;
    println!("an own block of {} signed votes taken in: {took:.1} ms", node.chain().votes());
}

/// Milliseconds, for what takes its clock from outside.
fn clock() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64() * 1e3
}

fn compared() {
    let Cost { bytes, busy_ms: [one, other], .. } = talks::comparison(&clock());
    println!(
        "100,000 votes compared, ten more on each side: {bytes} bytes, {one:.0} ms on the one, {other:.0} ms on the other"
    );
}

fn switched() {
    let Cost { bytes, busy_ms: [ours, _], signatures } = talks::switch(&clock());
    println!(
        "13 blocks of 5,000 signed votes that are here, and one more: fetched and followed in {ours:.0} ms, {bytes} bytes, {signatures} signatures verified"
    );
}

/// What grows with the length of a chain, and what does not: votes of an open election, 1,000 a
/// block.
fn curves() {
    let maker = Maker::open();
    let mut node = Node::new(maker.context.clone(), 1);
    let mut parent = Block::genesis(maker.context.election()).header().clone();
    let mut votes = 0;
    for length in [1_000, 10_000, 100_000, 1_000_000] {
        let mut blocks = Vec::new();
        while votes < length {
            let block = maker.block(&parent, votes, 1_000);
            parent = block.header.clone();
            blocks.push(block.check(&maker.context));
            votes += 1_000;
        }
        let added = 1_000 * blocks.len();
        let start = Instant::now();
        node.restore(NOW, blocks, [], []).unwrap();
        let insert = start.elapsed().as_secs_f64() / added as f64;
        let chain = node.chain();
        assert_eq!(chain.votes() as u64, length);
        let per_look = |look: &dyn Fn(u64)| {
            let start = Instant::now();
            // Steps of a prime through all of the chain.
            (0..1_000).for_each(|round| look(round * 7_919 % length));
            start.elapsed().as_secs_f64() / 1_000.0 * 1e6
        };
        let tally = per_look(&|_| drop(black_box(chain.tally().clone())));
        let token = per_look(&|token| drop(black_box(chain.latest_of(TokenId(token)))));
        let receipt = per_look(&|token| {
            let (id, _) = chain.latest_of(TokenId(token)).unwrap();
            drop(black_box(node.ballot_box().receipt(&id).unwrap()));
        });
        println!(
            "chain of {length} votes: insert {:.2} µs a vote, tally {tally:.2} µs, token {token:.2} µs, receipt with proof {receipt:.0} µs",
            insert * 1e6
        );
    }
}

fn hash_rate() {
    rate_of::<Search>("hash rate, native, one thread");
    rate_of::<FourSearch>("hash rate, native, one thread, the tab's search on arrays");
}

fn rate_of<S: NonceSearch>(what: &str) {
    let mut header = Block::genesis(&Election::plain()).header().clone();
    header.difficulty = Difficulty(u64::MAX);
    let mut search = S::new(&header);
    let (start, mut hashes) = (Instant::now(), 0);
    while start.elapsed().as_secs() < 3 {
        assert_eq!(search.run(hashes, 1 << 20), None);
        hashes += 1 << 20;
    }
    let rate = hashes as f64 / start.elapsed().as_secs_f64();
    println!("{what}: {:.2} MH/s", rate / 1e6);
}

fn signatures() {
    let secrets: Vec<_> =
        (0..8192).map(|number| Code::derive(&[1; 32], number).secret_key()).collect();
    let keys: Vec<_> = secrets.iter().map(SecretKey::public).collect();
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(&[7; 48])).collect();
    let signed: Vec<_> = keys
        .iter()
        .zip(&signatures)
        .map(|(key, signature)| Signed { key, message: &[7; 48], signature })
        .collect();
    let rate = |what: &str, check: &dyn Fn() -> bool| {
        let start = Instant::now();
        assert!(black_box(check()));
        let took = start.elapsed().as_secs_f64();
        println!("signatures, native, one thread, {what}: {:.0}/s", signed.len() as f64 / took);
    };
    rate("one by one", &|| signed.iter().all(Signed::holds));
    rate("in batches", &|| verify_all(&signed).is_ok());
}

fn sizes() {
    let maker = Maker::signed(2);
    let vote = maker.vote(0);
    let open = Maker::open().vote(0);
    println!("a signed vote for one choice: {} bytes", vote.encode().len());
    println!("an open vote for one choice: {} bytes", open.encode().len());
}

/// Verifies a chain of `blocks` blocks with `votes` votes each, from its bytes on.
fn verification(maker: &Maker, blocks: u64, votes: u64) {
    let mut parent = Block::genesis(maker.context.election()).header().clone();
    let mut bytes = Vec::new();
    for number in 0..blocks {
        let block = maker.block(&parent, number * votes, votes);
        bytes.push(borsh::to_vec(&block).unwrap());
        parent = block.header;
    }
    let mut verifier = Verifier::new(NOW);
    verifier.push(Record::Election(Box::new(maker.context.election().clone())));
    for page in maker.context.roll().into_iter().flat_map(Roll::all_pages) {
        verifier.push(Record::RollPage(page));
    }
    let start = Instant::now();
    for bytes in &bytes {
        assert!(verifier.push(Record::Block(borsh::from_slice(bytes).unwrap())));
    }
    verifier.push(Record::End { blocks: blocks as u32 });
    let took = start.elapsed().as_secs_f64();
    assert!(verifier.report().passed());
    println!(
        "verified, native, one thread, {votes} {} votes a block: {:.0} votes/s, {:.0} blocks/s",
        if maker.voters.is_empty() { "open" } else { "signed" },
        (blocks * votes) as f64 / took,
        blocks as f64 / took
    );
}

/// Voters change their votes until there are as many as asked for.
fn write_file(votes: u64, per_block: u64, path: &str, forged: Option<u64>) {
    let maker = Maker::signed(votes.min(100_000) as u32);
    let mut file = File::create(path).unwrap();
    let (mut writer, head) = ArchiveWriter::new(&maker.context);
    file.write_all(&head).unwrap();
    let mut parent = Block::genesis(maker.context.election()).header().clone();
    let mut from = 0;
    while from < votes {
        let mut block = maker.block(&parent, from, (votes - from).min(per_block));
        if let Some(index) = forged.and_then(|vote| vote.checked_sub(from))
            && index < block.votes.len() as u64
        {
            let index = index as usize;
            block.votes[index].authorization = maker.vote(from + index as u64 + 1).authorization;
            block.header.votes_root = Block::votes_root(&block.votes);
            pow::mine(&mut block.header);
        }
        from += block.votes.len() as u64;
        file.write_all(&writer.block(&block)).unwrap();
        parent = block.header;
    }
    file.write_all(&writer.finish()).unwrap();
}
