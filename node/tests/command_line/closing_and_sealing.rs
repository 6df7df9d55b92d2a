//! Closing an election and sealing its result.

use crate::desk::{Lunch, Polling, bad, good};

/// Everybody votes, and the votes are in blocks.
pub async fn voted(lunch: &Lunch) -> Polling {
    let node = lunch.node();
    for code in lunch.codes() {
        assert_eq!(node.vote(&["--code", &code, "--selection", "Soup"]).0, 0);
    }
    node.until_votes(3).await;
    node
}

/// Closes and seals.
pub fn seal(lunch: &Lunch, node: &Polling) {
    for what in ["close", "seal"] {
        good(&["election", what, "--organiser", &lunch.private, "--node", &node.at]);
    }
}

#[tokio::test]
async fn an_election_is_sealed_once_it_is_closed() {
    let lunch = Lunch::new();
    let node = voted(&lunch).await;
    let [close, seal] = ["close", "seal"]
        .map(|what| ["election", what, "--organiser", &lunch.private, "--node", &node.at]);
    bad(&seal, "not closed yet");
    assert!(good(&close).contains("Closed"));
    bad(&close, "closed at");
    let change = ["--code", &lunch.codes()[1], "--selection", "Bread", "--change"];
    let (status, _, error) = node.vote(&change);
    assert!(status == 1 && error.contains("the election closed at"), "{error}");
    let said = good(&seal);
    assert!(said.contains("Sealed: block") && !said.contains("not sealed"), "{said}");
    assert!(good(&seal).contains("the seal that was signed before"), "never a second one");
}
