use super::*;

fn chain() -> Vec<Value> {
    read(include_str!("../../../testdata/seed-chain.json")).unwrap()
}

fn fails(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut chain = chain();
    change(&mut chain);
    let report = verify(&chain, |_| ());
    assert!(!report.passed);
    assert!(report.lines.iter().any(|line| line.outcome == Outcome::Fail));
    report.verdict
}

#[test]
fn the_chain_of_2020_is_valid_and_counts_as_it_did() {
    let report = verify(&chain(), |_| ());
    assert!(report.passed, "{}", report.verdict);
    let expected = [("Biden".to_owned(), 6), ("Trump".to_owned(), 3)];
    assert_eq!(report.tally.selections, expected.into_iter().collect());
    assert_eq!((report.blocks, report.votes), (4, 9));
}

#[test]
fn a_changed_vote_is_found_in_its_block() {
    let verdict = fails(|chain| chain[1]["votes"][0]["selection"] = "Trump".into());
    assert!(verdict.contains("block 2 was changed"), "{verdict}");
}

#[test]
fn a_changed_proof_is_found_in_its_block() {
    for (index, name) in [(1, "block 2"), (2, "block 3"), (3, "block 4")] {
        let verdict = fails(|chain| chain[index]["proof"] = 1.into());
        assert!(verdict.contains(&format!("{name}: the proof 1")), "{verdict}");
    }
}

#[test]
fn swapped_blocks_are_found() {
    let verdict = fails(|chain| chain.swap(1, 2));
    assert!(verdict.contains("block 2 has the index 3"), "{verdict}");
}

#[test]
fn a_token_that_votes_twice_is_found() {
    let verdict = fails(|chain| chain[3]["votes"][0]["token_id"] = 1.into());
    assert!(verdict.contains("block 4: the token_id 1 already voted in block 2"), "{verdict}");
}

#[test]
fn the_last_votes_are_said_to_be_uncovered() {
    let mut chain = chain();
    chain[3]["votes"][0]["selection"] = "Trump".into();
    let report = verify(&chain, |_| ());
    assert!(report.passed);
    assert!(report.verdict.contains("covered by no proof"));
}

#[test]
fn numbers_and_texts_are_written_as_python_writes_them() {
    for (json, python) in [
        ("1600829117.749363", "1600829117.749363"),
        ("1e16", "1e+16"),
        ("1.5e-7", "1.5e-07"),
        ("2.0", "2.0"),
        ("0.0001", "0.0001"),
        ("-3", "-3"),
        (
            r#"{"b":[1,true],"a":"é\n\ud83d\ude00"}"#,
            r#"{"a": "\u00e9\n\ud83d\ude00", "b": [1, true]}"#,
        ),
    ] {
        let mut out = String::new();
        write_python(&serde_json::from_str(json).unwrap(), &mut out);
        assert_eq!(out, python);
    }
}

#[test]
fn other_json_is_refused_with_its_reason() {
    for (text, reason) in [
        ("{", "not JSON"),
        ("[]", "no list named"),
        (r#"{"chain":[]}"#, "empty"),
        (r#"{"chain":[{}],"length":2}"#, "length 2 but holds 1"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let report = verify(&[Value::Null, Value::Null], |_| ());
    assert!(!report.passed);
}
