//! Audit files, good and forged.

use blockvote_core::{
    audit::{
        archive::{ArchiveReader, ArchiveWriter, Record},
        verify::{Outcome, Report, Verifier},
    },
    chain::{
        block::Block,
        header::Height,
        statements::{Closing, Seal, Statement},
        tree::Chain,
    },
    crypto::key::SecretKey,
    election::{ballot::Ballot, context::ElectionContext, definition::Counting},
    testkit::{
        NOW, block,
        nodes::{LIAR, hear_verified},
        rolls::{AFTER, context_with, extend, node, organiser, vote, voter},
    },
    wire::message::Message,
};

/// An audit file with votes, a changed vote, a double vote and a seal.
fn audit() -> (ElectionContext, Vec<Statement>, Vec<Block>, Vec<u8>) {
    let context = context_with(Counting::LastCounts, 6);
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0), vote(&context, 1, 0, 1)]);
    extend(&mut node, vec![vote(&context, 0, 1, 1), vote(&context, 2, 0, 2)]);
    hear_verified(&mut node, LIAR, &Message::Votes(vec![vote(&context, 2, 0, 0)]));
    node.seal(AFTER, &organiser(), false).unwrap();
    let statements: Vec<_> = node.statements().all().collect();
    assert_eq!(statements.len(), 2);
    let blocks: Vec<_> =
        (2..=3).map(|h| node.chain().block_at(Height(h)).unwrap().to_block()).collect();
    let bytes = write(&context, &statements, &blocks);
    (context, statements, blocks, bytes)
}

fn write(context: &ElectionContext, statements: &[Statement], blocks: &[Block]) -> Vec<u8> {
    let (mut writer, mut bytes) = ArchiveWriter::new(context);
    for statements in statements {
        bytes.extend(writer.statement(statements));
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
    let (context, statements, blocks, _) = audit();
    // A block removed, or all: the seal misses its block.
    assert!(failed(&write(&context, &statements, &blocks[..1])).contains("not in this chain"));
    assert!(failed(&write(&context, &statements, &[])).contains("not in this chain"));
    assert!(failed(&write(&context, &statements, &blocks[1..])).contains("does not follow"));
    let swapped = [blocks[1].clone(), blocks[0].clone()];
    assert!(failed(&write(&context, &statements, &swapped)).contains("does not follow"));
    // A vote removed from its block.
    let mut fewer = blocks.clone();
    fewer[1].votes.pop();
    assert!(failed(&write(&context, &statements, &fewer)).contains("block 3 holds other votes"));
    // A vote changed and the block mined again: only its voter could.
    let mut chain = Chain::new(context.clone());
    let mut votes = blocks[0].votes.clone();
    votes[0].ballot = Ballot::Choices(vec![2]);
    let forged = block(&chain, votes, |_| ());
    assert!(failed(&write(&context, &[], &[forged])).contains("the signature is not"));
    // Somebody else's seal; two seals of the organiser; a seal over another count.
    let first = blocks[0].clone().check(&context).unwrap();
    chain.insert(first, AFTER).unwrap();
    let seal = |key: &SecretKey, tally| {
        Statement::Seal(Seal::sign(context.id(), Height(2), blocks[0].header.hash(), tally, key))
    };
    let foreign = seal(&voter(0), chain.tally());
    assert!(failed(&write(&context, &[foreign], &blocks)).contains("not signed by the organiser"));
    let second = seal(&organiser(), chain.tally());
    let both = [statements[1].clone(), second.clone()];
    assert!(failed(&write(&context, &both, &blocks)).contains("contested"));
    let mut wrong = chain.tally().clone();
    wrong.ballots += 1;
    let lie = seal(&organiser(), &wrong);
    assert!(failed(&write(&context, &[lie], &blocks)).contains("another count"));
    // A seal below the newest block says what does not count.
    let report = verify(&write(&context, &[second], &blocks)).unwrap();
    assert!(report.passed && report.tally == *chain.tally());
    let line = report.lines.iter().find(|line| line.check.starts_with("seal")).unwrap();
    assert!(line.detail.contains("1 block after it does not count"), "{}", line.detail);
    // The roll of another election, and none.
    let other = context_with(Counting::LastCounts, 5);
    let bytes = write(&other, &[], &[]);
    let (_, head) = ArchiveWriter::new(&context);
    let election_only = |context: &ElectionContext| {
        let length = u32::from_le_bytes(head[19..23].try_into().unwrap()) as usize;
        let (_, head) = ArchiveWriter::new(context);
        head[..23 + length].to_vec()
    };
    let grafted = [&election_only(&context)[..], &bytes[election_only(&other).len()..]].concat();
    assert!(failed(&grafted).contains("page 1: these are not the keys"));
}

#[test]
fn a_record_of_gigabytes_is_refused_at_its_announcement() {
    let (context, ..) = audit();
    let (_, mut bytes) = ArchiveWriter::new(&context);
    bytes.push(2);
    bytes.extend(u32::MAX.to_le_bytes());
    assert!(verify(&bytes).unwrap_err().contains("announces a record of 4294967295 bytes"));
    // Records of nothing but one kind do not pile up either.
    let mut reader = ArchiveReader::new();
    let (mut writer, head) = ArchiveWriter::new(&context);
    reader.push(&head);
    let closing = Statement::Closing(Closing::sign(context.id(), NOW, &organiser()));
    let mut refused = false;
    for _ in 0..11_000 {
        reader.push(&writer.statement(&closing));
        refused |= std::iter::from_fn(|| reader.next_record().transpose())
            .any(|record: Result<Record, _>| record.is_err());
        if refused {
            break;
        }
    }
    assert!(refused);
}
