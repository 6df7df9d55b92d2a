//! Audit files, good and forged.

use blockvote_core::{
    audit::{
        archive::{ArchiveError, ArchiveReader, ArchiveWriter, Damage, Record},
        report::{Check, Outcome, Passed, Report, Skipped},
        verify::Verifier,
    },
    chain::{
        block::Block,
        header::Height,
        statements::{Closing, Seal, Sealed, Statement},
        tree::Chain,
    },
    crypto::{hash::VoteSetRoot, key::SecretKey},
    election::{ballot::Ballot, definition::Counting, election_context::ElectionContext},
    testkit::{
        NOW, block,
        nodes::{LIAR, hear_verified},
        rolls::{AFTER, context_with, extend, node, organiser, sealed_of, vote, voter},
    },
    wire::message::Message,
};
use blockvote_words::{
    Words,
    report::{Ended, WordedReport},
};

/// An audit file with votes, a changed vote, a double vote and a seal.
fn audit() -> (ElectionContext, Vec<Statement>, Vec<Block>, Vec<u8>) {
    let context = context_with(Counting::LastCounts, 6);
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0), vote(&context, 1, 0, 1)]);
    extend(&mut node, vec![vote(&context, 0, 1, 1), vote(&context, 2, 0, 2)]);
    hear_verified(&mut node, LIAR, &Message::Votes(vec![vote(&context, 2, 0, 0)]));
    node.seal(AFTER, Vec::new(), &organiser(), false).unwrap();
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
fn verify(bytes: &[u8]) -> Result<Report, ArchiveError> {
    let mut reader = ArchiveReader::new();
    let mut verifier = Verifier::new(AFTER);
    for piece in bytes.chunks(777) {
        reader.push(piece);
        while let Some(record) = reader.next_record()? {
            if !verifier.push(record) {
                return Ok(verifier.report());
            }
        }
    }
    reader.finish()?;
    Ok(verifier.report())
}

/// The failure of a file that is not valid.
fn failed(bytes: &[u8]) -> String {
    let report = verify(bytes).unwrap();
    assert_eq!(WordedReport::from(&report).lines[0].outcome, Ended::Fail, "what failed is first");
    report.failure().unwrap().words()
}

fn outcome(report: &Report, check: Check) -> &Outcome {
    &report.checks.iter().find(|(found, _)| *found == check).unwrap().1
}

#[test]
fn an_audit_file_passes_whole_and_says_what_was_checked() {
    let (_, _, _, bytes) = audit();
    let report = verify(&bytes).unwrap();
    assert!(report.passed(), "{report:?}");
    assert_eq!((report.blocks, report.votes, report.sealed), (3, 4, Some(Height(3))));
    assert_eq!((report.tally.ballots, report.tally.count("No")), (3, 2));
    assert_eq!(report.double_votes.len(), 1);
    let passed = |check| match outcome(&report, check) {
        Outcome::Passed(passed) => passed.clone(),
        other => panic!("{check:?}: {other:?}"),
    };
    assert_eq!(passed(Check::Roll), Passed::Keys(6));
    assert_eq!(passed(Check::Signatures), Passed::Votes(4));
    assert_eq!(passed(Check::Once), Passed::Replaced { voters: 3, replaced: 1 });
    assert_eq!(
        passed(Check::Seal),
        Passed::Sealed { height: Height(3), after: 0, left_out: Vec::new() }
    );
    assert_eq!(outcome(&report, Check::Closing), &Outcome::Skipped(Skipped::NotClosed));
}

#[test]
fn the_report_is_said_in_words() {
    let (_, _, _, bytes) = audit();
    let words = WordedReport::from(&verify(&bytes).unwrap());
    assert!(words.passed && words.verdict.starts_with("Verified and sealed: 3 blocks and 4 votes"));
    let find = |name: &str| words.lines.iter().find(|line| line.check == name).unwrap();
    assert!(find("voter roll").detail.starts_with("6 keys are fit to vote"));
    assert_eq!(find("no token votes twice").detail, "3 voters, 1 vote later replaced");
    assert_eq!(find("closing by the organiser").outcome, Ended::Skipped);
}

#[test]
fn every_flipped_byte_and_every_cut_of_an_audit_file_is_found() {
    let (_, _, _, bytes) = audit();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let found = verify(&changed).map_or(true, |report| !report.passed());
            assert!(found, "byte {at} of {} flipped by {flip}", bytes.len());
        }
    }
    for at in (0..bytes.len()).step_by(13) {
        let error = verify(&bytes[..at]).unwrap_err();
        assert!(matches!(error, ArchiveError::Truncated(_)), "{error:?}");
    }
    let longer = [&bytes[..], &[0]].concat();
    let after = ArchiveError::Damaged { blocks: 2, what: Damage::AfterEnd };
    assert_eq!(verify(&longer), Err(after));
}

#[test]
fn forgeries_with_a_fresh_checksum_are_found_by_what_is_in_the_file() {
    let (context, statements, blocks, _) = audit();
    // A block removed, or all of them: the seal does not find its block.
    assert!(failed(&write(&context, &statements, &blocks[..1])).contains("not in this chain"));
    assert!(failed(&write(&context, &statements, &[])).contains("not in this chain"));
    assert!(failed(&write(&context, &statements, &blocks[1..])).contains("does not follow"));
    let swapped = [blocks[1].clone(), blocks[0].clone()];
    assert!(failed(&write(&context, &statements, &swapped)).contains("does not follow"));
    // A vote removed from its block.
    let mut fewer = blocks.clone();
    fewer[1].votes.pop();
    assert!(failed(&write(&context, &statements, &fewer)).contains("block 3 holds other votes"));
    // A vote changed and the block mined again: only its voter could sign the change.
    let mut chain = Chain::new(context.clone());
    let mut votes = blocks[0].votes.clone();
    votes[0].ballot = Ballot::Choices(vec![2]);
    let forged = block(&chain, votes, |_| ());
    assert!(failed(&write(&context, &[], &[forged])).contains("the signature is not"));
    // Somebody else's seal; two seals of the organiser; a seal over another count.
    let first = blocks[0].clone().check(&context).unwrap();
    chain.insert(first, AFTER).unwrap();
    let here = sealed_of(&chain);
    let seal = |key: &SecretKey, sealed: &Sealed| Statement::Seal(Seal::sign(sealed.clone(), key));
    let foreign = seal(&voter(0), &here);
    assert!(failed(&write(&context, &[foreign], &blocks)).contains("not signed by the organiser"));
    let second = seal(&organiser(), &here);
    let both = [statements[1].clone(), second.clone()];
    assert!(failed(&write(&context, &both, &blocks)).contains("contested"));
    let mut wrong = chain.tally().clone();
    wrong.ballots += 1;
    let lie = seal(&organiser(), &Sealed { tally: wrong.hash(), ..here.clone() });
    assert!(failed(&write(&context, &[lie], &blocks)).contains("another count"));
    let lie = seal(&organiser(), &Sealed { set: VoteSetRoot([7; 32]), ..here });
    assert!(failed(&write(&context, &[lie], &blocks)).contains("another set of votes"));
    // A seal below the newest block: the report says what does not count.
    let report = verify(&write(&context, &[second], &blocks)).unwrap();
    assert!(report.passed() && report.tally == *chain.tally());
    let sealed = Passed::Sealed { height: Height(2), after: 1, left_out: Vec::new() };
    assert_eq!(outcome(&report, Check::Seal), &Outcome::Passed(sealed));
    // The roll of another election, and no roll.
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
    let what = Damage::Length(u32::MAX as usize);
    assert_eq!(verify(&bytes), Err(ArchiveError::Damaged { blocks: 0, what }));
    // Records that are all of one kind do not pile up either.
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
