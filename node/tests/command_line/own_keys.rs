//! Voters with keys of their own.

use std::process::Command;

use serde_json::json;

use crate::{
    desk::{Desk, bad, good, json_of, mode, run},
    process::{BINARY, Process, words},
};

#[tokio::test]
async fn with_own_keys_the_secret_never_leaves_the_voter() {
    let desk = Desk::new();
    let (ann, bert) = (desk.path("ann.json"), desk.path("bert.json"));
    let made = json_of(&["key", "new", "--out", &ann, "--json"]);
    assert_eq!(mode(&ann), 0o600);
    bad(&["key", "new", "--out", &ann], "nothing is overwritten");
    assert_eq!(json_of(&["key", "show", &ann, "--json"]), made);
    let locked = Command::new(BINARY)
        .args(["key", "new", "--passphrase", "--out", &bert])
        .env("BLOCKVOTE_PASSPHRASE", "correct horse")
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    let keys = [&ann, &bert].map(|file| json_of(&["key", "show", file, "--json"]));
    let list = format!(
        "Ann,{}\nBert,{}\n",
        keys[0]["public"].as_str().unwrap(),
        keys[1]["public"].as_str().unwrap()
    );
    let list = desk.write("keys.csv", list);
    let (private, public) = (desk.path("o.json"), desk.path("e.blockvote"));
    good(&[
        "election",
        "new",
        "--title",
        "Lunch?",
        "--choice",
        "Soup",
        "--choice",
        "Bread",
        "--write-in",
        "--keys",
        &list,
        "--organiser",
        &private,
    ]);
    good(&["election", "publish", "--organiser", &private, "--out", &public]);
    bad(&["election", "codes", "--organiser", &private], "has no voting codes");
    let node = Process::start(&["--memory", "--mine", "--election", &public]);
    let at = format!("http://{}", node.address);
    let by_ann = ["vote", "--node", &at, "--key", &ann, "--election", &public, "--selection"];
    good(&[&by_ann[..], &["Pie"]].concat());
    let (code, _, error) = run(&[&by_ann[..], &["Soup"]].concat());
    assert!(code == 1 && error.contains("the first vote counts"), "{error}");
    let vote = |passphrase: &str| {
        let output = Command::new(BINARY)
            .args([
                "vote",
                "--node",
                &at,
                "--key",
                &bert,
                "--election",
                &public,
                "--selection",
                "Soup",
            ])
            .env("BLOCKVOTE_PASSPHRASE", passphrase)
            .output();
        words(&output.unwrap())
    };
    let (code, _, error) = vote("wrong horse");
    assert!(code == 1 && error.contains("the passphrase does not fit"), "{error}");
    assert_eq!(vote("correct horse").0, 0);
    let tally = node.until("/api/v1/tally", |tally| tally["ballots"] == 2).await;
    assert_eq!(tally["selections"], json!({"Pie": 1, "Soup": 1}));
}
