//! Wrong requests, wrong arguments, wrong files: one clear sentence each, and nothing changes.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod process;

use std::fs;

use process::{Process, blockvote, words};
use serde_json::{Value, json};

#[tokio::test]
async fn wrong_requests_get_a_status_and_a_sentence_that_names_the_field() {
    let node = Process::start(&["--memory"]);
    let long = format!(r#"{{"token_id":1,"selection":"{}"}}"#, "x".repeat(257));
    let cases: [(&str, &str, u16, &str); 17] = [
        ("/vote", "", 400, "not JSON"),
        ("/vote", "{", 400, "not JSON"),
        ("/vote", "[]", 400, "token_id is missing"),
        ("/vote", r#"{"selection":"Biden"}"#, 400, "token_id is missing"),
        ("/vote", r#"{"token_id":1}"#, 400, "selection is missing"),
        ("/vote", r#"{"token_id":-1,"selection":"a"}"#, 400, "token_id is -1; expected a whole"),
        ("/vote", r#"{"token_id":1.5,"selection":"a"}"#, 400, "token_id is 1.5"),
        ("/vote", r#"{"token_id":"1","selection":"a"}"#, 400, "token_id is \"1\""),
        ("/vote", r#"{"token_id":9007199254740992,"selection":"a"}"#, 400, "to 9007199254740991"),
        ("/vote", r#"{"token_id":1e40,"selection":"a"}"#, 400, "token_id is"),
        ("/vote", r#"{"token_id":1,"selection":7}"#, 400, "selection is 7; expected a text"),
        ("/vote", r#"{"token_id":1,"selection":""}"#, 400, "selection is empty"),
        ("/vote", r#"{"token_id":1,"selection":"a\u0007b"}"#, 400, "control character U+0007"),
        ("/vote", &long, 400, "257 bytes"),
        ("/nodes/register", "{}", 400, "nodes is missing"),
        ("/nodes/register", r#"{"nodes":"x"}"#, 400, "expected a list"),
        ("/nodes/register", r#"{"nodes":["https://a"]}"#, 400, "is not a node's address"),
    ];
    for (path, body, status, sentence) in cases {
        let (found, answer) = node.post(path, body).await.unwrap();
        let error = answer["error"].as_str().unwrap();
        assert_eq!(found, status, "{body}: {error}");
        assert!(error.contains(sentence), "{body}: {error}");
    }
    for (path, status, sentence) in [
        ("/nowhere", 404, "nothing at /nowhere"),
        ("/vote", 405, "does not take that method"),
        ("/api/v1/blocks/99", 404, "no block 99"),
        ("/api/v1/blocks/x", 400, "x"),
        ("/api/v1/blocks?from=0", 400, "expected from 1"),
        ("/api/v1/blocks?limit=9999", 400, "limit 9999"),
        ("/api/v1/blocks?from=x", 400, "from"),
        ("/api/v1/receipts/abc", 400, "64 hexadecimal digits"),
    ] {
        let (found, answer) = node.try_get(path).await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(found, status, "{path}: {error}");
        assert!(error.contains(sentence), "{path}: {error}");
    }
    let (status, _) = node.try_get(&format!("/api/v1/receipts/{}", "0".repeat(64))).await;
    assert_eq!(status, 404);
    let huge = format!(r#"{{"token_id":1,"selection":"{}"}}"#, "x".repeat(100 << 10));
    assert_eq!(node.post("/vote", huge).await.unwrap().0, 413);
    assert_eq!(node.get("/token_id").await, json!({}));
}

#[tokio::test]
async fn a_foreign_page_cannot_drive_a_local_node() {
    let node = Process::start(&["--memory"]);
    node.vote(1, "Biden").await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/store", node.address);
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("host", "rebound.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = client.get(&url).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}");
    }
    assert_eq!(node.get("/token_id").await, json!({"1": 1}), "nothing was forged");
}

#[tokio::test]
async fn the_interface_describes_itself_and_can_be_browsed() {
    let node = Process::start(&["--memory"]);
    let api = node.get("/api/openapi.json").await;
    for path in
        ["/vote", "/store", "/api/v1/status", "/api/v1/receipts/{vote_id}", "/api/v1/export"]
    {
        assert!(api["paths"].get(path).is_some(), "{path} is not described");
    }
    let page = reqwest::get(format!("http://{}/docs/", node.address)).await.unwrap();
    assert!(page.text().await.unwrap().contains("swagger-ui"));
}

#[test]
fn wrong_arguments_and_folders_end_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(path("file"), "x").unwrap();
    fs::create_dir(path("notastore")).unwrap();
    fs::write(path("notastore/chain.redb"), "this is no database".repeat(1000)).unwrap();
    fs::write(path("bad.json"), r#"{"title":"a"}"#).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    let file_as_folder = path("file/data");
    let (not_a_store, bad, missing) = (path("notastore"), path("bad.json"), path("missing"));
    let token = "expected a whole number from 0 to 9007199254740991";
    let private = path("o.json");
    let usage: [(&[&str], &str); 9] = [
        (&["vote", "--token", "-1", "--selection", "x"], token),
        (&["vote", "--token", "abc", "--selection", "x"], token),
        (&["vote", "--token", "9007199254740992", "--selection", "x"], token),
        (&["election", "new", "--title", "x", "--codes", "abc"], "whole number from 1 to 100000"),
        (&["election", "codes", "--relay", "nonsense"], "such as https://vote.example.org"),
        (
            &[
                "election",
                "new",
                "--title",
                "x",
                "--codes",
                "2",
                "--out",
                "x",
                "--organiser",
                &private,
            ],
            "cannot be used with '--out <FILE>'",
        ),
        (&["node", "--listen", "5002"], "such as 127.0.0.1:5000"),
        (
            &["election", "new", "--title", "x", "--closes-in", "0"],
            "expected a whole number, 1 or more",
        ),
        (&["node", "--memory", "--data", "x"], "cannot be used with"),
    ];
    for (arguments, sentence) in usage {
        let (code, _, error) = words(&blockvote(arguments));
        assert_eq!(code, 2, "{arguments:?}: {error}");
        assert!(error.contains(sentence), "{arguments:?}: {error}");
    }
    let (code, out, _) = words(&blockvote(&["verify", &path("missing"), "--json"]));
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["passed"]), (1, &json!(false)));
    let cut = path("cut.json");
    fs::write(&cut, "{\"title\": ").unwrap();
    let binary = path("binary");
    fs::write(&binary, [0xff; 40]).unwrap();
    let cases: [(&[&str], &str); 16] = [
        (&["node", "--memory", "--listen", &taken], "is another program using it?"),
        (&["node", "--listen", free, "--data", &file_as_folder], "cannot make the data folder"),
        (&["node", "--listen", free, "--data", &not_a_store], "is not a chain store"),
        (&["node", "--memory", "--relay", "http://x"], "it looks like ws://"),
        (&["node", "--memory", "--relay", "wss://"], "it looks like ws://"),
        (&["node", "--memory", "--election", &missing], "cannot read"),
        (
            &["node", "--memory", "--election", &bad],
            "is not an election definition (missing field `eligibility`)",
        ),
        (
            &["node", "--memory", "--election", &cut],
            "is not an election definition (not JSON at line 1, column 10)",
        ),
        (&["node", "--memory", "--election", &binary], "not an election definition (not text)"),
        (&["receipt", "check", &binary], "is not a Blockvote receipt"),
        (&["key", "show", &binary], "is not a Blockvote key file"),
        (&["verify", &cut], "not JSON at line 1, column 10"),
        (&["verify", "http://127.0.0.1:1"], "no node answers there; is it running?"),
        (&["verify", "http://"], "is not a node's address; it looks like"),
        (&["verify", &missing], "cannot read"),
        (&["tally", "--node", "http://127.0.0.1:1"], "no node answers there"),
    ];
    for (arguments, sentence) in cases {
        let (code, _, error) = words(&blockvote(arguments));
        assert_eq!(code, 1, "{arguments:?}: {error}");
        assert!(error.contains(sentence), "{arguments:?}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{arguments:?}: {error}");
    }
    assert!(!fs::exists(&private).unwrap(), "nothing is written where the arguments are wrong");
}

#[tokio::test]
async fn a_folder_in_use_or_of_another_election_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let election = folder.path().join("election.json").to_string_lossy().into_owned();
    let new = ["election", "new", "--title", "Lunch?", "--choice", "Soup", "--out", &election];
    assert_eq!(words(&blockvote(&new)).0, 0);
    let (code, _, error) = words(&blockvote(&new));
    assert!(code == 1 && error.contains("choose another file with --out"), "{error}");

    let node = Process::start(&["--data", &data]);
    let second = ["node", "--listen", "127.0.0.1:0", "--data", &data];
    let (code, _, error) = words(&blockvote(&second));
    assert!(code == 1 && error.contains("in use by another node"), "{error}");
    drop(node);
    let other = ["node", "--listen", "127.0.0.1:0", "--data", &data, "--election", &election];
    let (code, _, error) = words(&blockvote(&other));
    assert!(code == 1 && error.contains("holds another election"), "{error}");
    // Without a definition it goes on with the folder's own.
    let node = Process::start(&["--data", &data]);
    assert_eq!(node.get("/api/v1/election").await["definition"]["title"], "Open vote");
}

fn verify(file: &std::path::Path) -> (i32, String) {
    let (code, out, error) = words(&blockvote(&["verify", &file.to_string_lossy()]));
    (code, out + &error)
}

#[tokio::test]
async fn damaged_files_are_found_and_the_good_one_passes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.blockvote");
    let shown = file.to_string_lossy().into_owned();
    let node = Process::start(&["--memory"]);
    for token in 1..=3 {
        node.vote(token, "Biden").await;
        node.get("/store").await;
    }
    let url = format!("http://{}", node.address);
    assert_eq!(words(&blockvote(&["export", "--node", &url, "--out", &shown])).0, 0);
    let (code, _, error) = words(&blockvote(&["export", "--node", &url, "--out", &shown]));
    assert!(code == 1 && error.contains("exists already"), "{error}");
    let (code, out) = verify(&file);
    assert!(code == 0 && out.contains("Verified: 4 blocks and 3 votes"), "{out}");
    let (code, out, _) = words(&blockvote(&["verify", &url]));
    assert!(code == 0 && out.contains("Verified: 4 blocks"), "{out}");

    let good = fs::read(&file).unwrap();
    let check = |bytes: &[u8], sentence: &str| {
        fs::write(&file, bytes).unwrap();
        let (code, out) = verify(&file);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains(sentence), "expected {sentence:?}: {out}");
    };
    check(&good[..good.len() - 60], "cut off");
    check(&good[..20], "the file ends early: it was cut off");
    check(&good[..good.len() - 100], "the file ends early after block 3: it was cut off");
    check(b"", "empty");
    check(b"hello, this is something else", "not a Blockvote audit file");
    let mut future = good.clone();
    future[16] = 9;
    check(&future, "format version 9");
    let mut longer = good.clone();
    longer.push(0);
    check(&longer, "the file is damaged after block 4: there are bytes after its end");
    check(&longer, "proofs of work: held for the 4 blocks before");
    for at in (0..good.len()).step_by(7) {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        fs::write(&file, &flipped).unwrap();
        let (code, out) = verify(&file);
        assert_eq!(code, 1, "byte {at}: {out}");
    }

    // The same chain as JSON, and with a vote changed in it.
    let mut chain = node.get("/chain").await;
    fs::write(&file, chain.to_string()).unwrap();
    assert_eq!(verify(&file).0, 0);
    chain["chain"][1]["votes"][0]["selection"] = Value::from("Trump");
    fs::write(&file, chain.to_string()).unwrap();
    let (code, out) = verify(&file);
    assert!(code == 1 && out.contains("block 2 holds other votes"), "{out}");
}

#[test]
fn the_seeds_chain_verifies_and_every_change_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seed.json");
    let text = include_str!("../../core/testdata/seed-chain.json");
    let check = |change: &dyn Fn(&mut Value), code: i32, sentence: &str| {
        let mut chain: Value = serde_json::from_str(text).unwrap();
        change(&mut chain);
        fs::write(&file, chain.to_string()).unwrap();
        let (found, out) = verify(&file);
        assert_eq!(found, code, "{out}");
        assert!(out.contains(sentence), "{out}");
    };
    fs::write(&file, text).unwrap();
    let (code, out) = verify(&file);
    assert!(code == 0 && out.contains("6  Biden") && out.contains("3  Trump"), "{out}");
    check(&|_| (), 0, "4 blocks and 9 votes");
    check(&|c| c["chain"][1]["votes"][0]["selection"] = "Trump".into(), 1, "block 2 was changed");
    check(&|c| c["chain"][2]["proof"] = 1.into(), 1, "block 3: the proof 1");
    check(&|c| c["chain"].as_array_mut().unwrap().swap(1, 2), 1, "block 2 has the index 3");
    check(
        &|c| c["chain"][3]["votes"][1]["token_id"] = 2.into(),
        1,
        "block 4: the token_id 2 already voted in block 2",
    );
}

#[tokio::test]
async fn a_node_goes_on_when_nobody_reads_its_output_and_ends_in_order() {
    let mut child = std::process::Command::new(process::BINARY)
        .args(["node", "--memory", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let pid = child.id().to_string();
    // It logs when it starts to stop, and ends by itself with success.
    let stopped = async {
        loop {
            assert!(std::process::Command::new("kill").arg(&pid).status().unwrap().success());
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = tokio::time::timeout(std::time::Duration::from_secs(30), stopped).await.unwrap();
    let mut words = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut words).unwrap();
    assert!(!words.contains("panicked"), "{status}: {words}");
}
