//! Voting with a code: first votes, changes, receipts, the tally, and codes that are wrong.

use serde_json::json;

use crate::desk::{Lunch, bad, good, json_of, mode, run};

#[tokio::test]
async fn votes_are_counted_and_receipts_say_so() {
    let lunch = Lunch::new();
    let (codes, node) = (lunch.codes(), lunch.node());
    let receipt = lunch.desk.path("ann.receipt.json");
    let (status, out, error) =
        node.vote(&["--code", &codes[0], "--selection", "Soup", "--receipt", &receipt]);
    assert!(status == 0 && out.contains("vote id"), "{out}{error}");
    assert_eq!(mode(&receipt), 0o600);
    let lower = codes[1].to_lowercase();
    assert_eq!(node.vote(&["--code", &lower, "--selection", "Bread", "--selection", "Soup"]).0, 0);
    assert_eq!(node.vote(&["--code", &codes[2].replace('-', ""), "--blank"]).0, 0);
    node.until_votes(3).await;
    assert!(good(&["receipt", "check", &receipt, "--node", &node.at]).contains("It counts so far"));
    let tally = json_of(&["tally", "--node", &node.at, "--json"]);
    assert_eq!(tally, json!({"selections": {"Bread": 1, "Soup": 2}, "ballots": 3, "blank": 1}));
    let words = good(&["tally", "--node", &node.at]);
    assert!(words.contains(", so far:\n       2  Soup\n"), "{words}");
}

#[tokio::test]
async fn a_vote_is_changed_only_when_that_is_meant() {
    let lunch = Lunch::new();
    let (code, node) = (lunch.codes().remove(0), lunch.node());
    // A first vote, signed when the voter asked for a change, could contradict one that was seen
    // elsewhere.
    let early = node.vote(&["--code", &code, "--selection", "Soup", "--change"]);
    assert!(early.0 == 1 && early.2.contains("knows no vote of this code"), "{early:?}");
    let receipt = lunch.desk.path("ann.receipt.json");
    let soup = ["--code", &code, "--selection", "Soup", "--receipt", &receipt];
    assert_eq!(node.vote(&soup).0, 0);
    let again = node.vote(&["--code", &code, "--selection", "Bread"]);
    assert!(again.0 == 1 && again.2.contains("--change"), "{again:?}");
    assert_eq!(node.vote(&["--code", &code, "--selection", "Bread", "--change"]).0, 0);
    node.until_votes(2).await;
    let (status, out, _) = run(&["receipt", "check", &receipt, "--node", &node.at]);
    assert!(status == 1 && out.contains("Another vote of this voter counts instead"), "{out}");
    let tally = json_of(&["tally", "--node", &node.at, "--json"]);
    assert_eq!(tally, json!({"selections": {"Bread": 1}, "ballots": 1, "blank": 0}));
}

#[tokio::test]
async fn a_code_or_choice_that_is_wrong_is_named() {
    let lunch = Lunch::new();
    let (codes, node) = (lunch.codes(), lunch.node());
    let mut typo = codes[0].clone();
    typo.replace_range(6..7, if &typo[6..7] == "A" { "B" } else { "A" });
    for (arguments, sentence) in [
        (vec!["--code", &typo, "--selection", "Soup"], "typo in the code, probably in group 2"),
        (vec!["--code", "ABCD", "--selection", "Soup"], "28 letters and digits"),
        (
            vec!["--token", "1", "--selection", "Soup"],
            "vote with your voting code (--code) or your own key (--key)",
        ),
        (vec!["--code", &codes[0], "--selection", "Pie"], "not one of the choices: Soup, Bread"),
        (
            vec!["--code", &codes[0], "--selection", "Soup", "--selection", "Soup"],
            "names \"Soup\" twice",
        ),
    ] {
        let (status, _, error) = node.vote(&arguments);
        assert!(status == 1 && error.contains(sentence), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn the_codes_and_the_organiser_of_another_election_are_told_apart() {
    let (lunch, other) = (Lunch::new(), Lunch::new());
    let node = lunch.node();
    let foreign = other.codes().remove(0);
    let (status, _, error) = node.vote(&["--code", &foreign, "--selection", "Soup"]);
    assert!(status == 1 && error.contains("it may belong to another one"), "{error}");
    assert!(error.contains("not on the voter roll"), "{error}");
    let close = ["election", "close", "--organiser", &other.private, "--node", &node.at];
    bad(&close, "does not hold the election");
}
