//! The audit file of a sealed election: verified, started from, and forged.

use std::fs;

use blockvote_core::{
    audit::archive::{ArchiveReader, ArchiveWriter, Record},
    chain::{block::Block, pow},
    crypto::key::Signature,
    election::{election_context::ElectionContext, roll::Roll, vote::Authorization},
};
use serde_json::json;

use crate::{
    closing_and_sealing::{seal, voted},
    desk::{Lunch, bad, good, json_of},
    process::Process,
};

#[tokio::test]
async fn the_audit_file_shows_the_sealed_result_and_a_node_starts_from_it() {
    let lunch = Lunch::new();
    let (codes, node) = (lunch.codes(), voted(&lunch).await);
    for change in [["--code", &codes[0], "--blank"], ["--code", &codes[1], "--selection=Bread"]] {
        assert_eq!(node.vote(&[&change[..], &["--change"]].concat()).0, 0);
    }
    node.until_votes(5).await;
    seal(&lunch, &node).await;
    let file = lunch.desk.path("result.blockvote");
    good(&["election", "export", "--node", &node.at, "--out", &file]);
    let report = json_of(&["verify", &file, "--json"]);
    assert_eq!((&report["passed"], &report["votes"]), (&json!(true), &json!(5)));
    let counted = json!({"selections": {"Bread": 1, "Soup": 1}, "ballots": 3, "blank": 1});
    assert_eq!(report["tally"], counted);
    assert_eq!(json_of(&["tally", "--node", &node.at, "--json"]), counted);
    assert!(report["sealed"].is_u64());
    assert!(good(&["verify", &node.at]).contains("Verified and sealed"));
    // A node that starts with only the file knows the result.
    let second = Process::start(&["--memory", "--election", &file]);
    let found = second.get("/api/v1/status").await;
    assert_eq!((&found["seal"], &found["voters"]), (&json!("sealed"), &json!(3)));
    // A file with a forged vote does not start it.
    let forged = with_a_forged_vote(&fs::read(&file).unwrap());
    let forged = lunch.desk.write("forged.blockvote", forged);
    let start = ["node", "--memory", "--listen", "127.0.0.1:0", "--election", &forged];
    bad(&start, "forged.blockvote: block 2, vote 1 (token");
}

/// An audit file's election and second block; the first vote of the block has the signature of
/// another.
fn with_a_forged_vote(file: &[u8]) -> Vec<u8> {
    let mut reader = ArchiveReader::new();
    reader.push(file);
    let (mut election, mut keys) = (None, Vec::new());
    let mut block = loop {
        match reader.next_record().unwrap().unwrap() {
            Record::Election(found) => election = Some(*found),
            Record::RollPage(page) => keys.extend(page.keys),
            Record::Block(block) => break block,
            Record::Statement(_) | Record::End { .. } => {}
        }
    };
    block.votes[0].authorization = Authorization::Signed(Signature([0; 64]));
    block.header.votes_root = Block::votes_root(&block.votes);
    pow::mine(&mut block.header);
    let roll = Roll::of_checked(keys).unwrap();
    let context = ElectionContext::new(election.unwrap(), Some(roll)).unwrap();
    let (mut writer, mut forged) = ArchiveWriter::new(&context);
    forged.extend(writer.block(&block));
    forged.extend(writer.finish());
    forged
}
