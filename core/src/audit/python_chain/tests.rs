use super::*;

fn chain() -> Vec<Value> {
    read(include_str!("../../../testdata/seed-chain.json")).unwrap()
}

fn fails(change: impl FnOnce(&mut Vec<Value>)) -> SeedFailure {
    let mut chain = chain();
    change(&mut chain);
    verify(&chain, |_| ()).failure.unwrap()
}

#[test]
fn the_chain_of_2020_is_valid_and_counts_as_it_did() {
    let report = verify(&chain(), |_| ());
    assert_eq!(report.failure, None);
    let expected = [("Biden".to_owned(), 6), ("Trump".to_owned(), 3)];
    assert_eq!(report.tally.selections, expected.into_iter().collect());
    assert_eq!((report.blocks, report.all, report.votes), (4, 4, 9));
}

#[test]
fn a_changed_vote_is_found_in_its_block() {
    let failure = fails(|chain| chain[1]["votes"][0]["selection"] = "Trump".into());
    assert_eq!(failure, SeedFailure::Hash(3));
}

#[test]
fn a_changed_proof_is_found_in_its_block() {
    for (index, block) in [(1, 2), (2, 3), (3, 4)] {
        let failure = fails(|chain| chain[index]["proof"] = 1.into());
        assert_eq!(failure, SeedFailure::Proof { block, proof: 1 });
    }
}

#[test]
fn swapped_blocks_are_found() {
    let failure = fails(|chain| chain.swap(1, 2));
    assert_eq!(failure, SeedFailure::Index { block: 2, index: 3 });
}

#[test]
fn a_token_that_votes_twice_is_found() {
    let failure = fails(|chain| chain[3]["votes"][0]["token_id"] = 1.into());
    assert_eq!(failure, SeedFailure::UsedToken { block: 4, token: 1, earlier: 2 });
    assert_eq!(failure.check(), SeedCheck::Once);
}

#[test]
fn a_change_of_the_last_votes_cannot_be_found() {
    let mut chain = chain();
    chain[3]["votes"][0]["selection"] = "Trump".into();
    assert_eq!(verify(&chain, |_| ()).failure, None);
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
    assert!(matches!(read("{"), Err(SeedError::Json)));
    assert_eq!(read("[]"), Err(SeedError::NoChain));
    assert_eq!(read(r#"{"chain":[]}"#), Err(SeedError::Empty));
    let length = SeedError::Length { said: "2".into(), found: 1 };
    assert_eq!(read(r#"{"chain":[{}],"length":2}"#), Err(length));
    let report = verify(&[Value::Null, Value::Null], |_| ());
    assert_eq!(report.failure, Some(SeedFailure::NoIndex(1)));
}
