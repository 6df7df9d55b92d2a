//! Nodes that lie to voters: nothing is signed because a node says so.

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::{
    closing_and_sealing::{seal, voted},
    desk::Lunch,
    process::Process,
};

/// A node that hands out the chain of another, and answers this for every token.
async fn liar(honest: &Process, says: Value) -> String {
    let export = format!("http://{}/api/v1/export", honest.address);
    let export = reqwest::get(export).await.unwrap().bytes().await.unwrap();
    let taken = || async { (StatusCode::CREATED, Json(json!({"vote_id": "0".repeat(64)}))) };
    let routes = Router::new()
        .route("/api/v1/elections/{election}/export", get(|| async { export }))
        .route("/api/v1/elections/{election}/tokens/{token}", get(|| async { Json(says) }))
        .route("/api/v1/elections/{election}/votes", axum::routing::post(taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn says(sequence: Option<u8>) -> Value {
    let vote_id = sequence.map(|_| "1".repeat(64));
    json!({"sequence": sequence, "vote_id": vote_id, "behind": false})
}

/// Runs a command while the liar answers in this process.
async fn beside<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(what).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_in_the_chain_cannot_be_hidden_and_one_that_waits_must_be_shown() {
    let lunch = Lunch::new();
    let (codes, node) = (lunch.codes(), voted(&lunch).await);
    let code = codes[0].clone();
    let (hides, invents) =
        (liar(&node.process, says(None)).await, liar(&node.process, says(Some(98))).await);
    beside(move || {
        // The chain shows the first vote, whatever the node says about it: no second first vote is
        // signed.
        let first = node.vote_at(&hides, &["--code", &code, "--selection", "Bread"]);
        assert!(first.0 == 1 && first.2.contains("give --change"), "{first:?}");
        // And number 99 is not signed just because the node says 98.
        let last = node.vote_at(&invents, &["--code", &code, "--selection", "Bread", "--change"]);
        assert!(last.0 == 1 && last.2.contains("cannot show a vote that you signed"), "{last:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_vote_is_never_signed_for_a_change_nor_for_another_election() {
    let (lunch, other) = (Lunch::new(), Lunch::new());
    let node = lunch.node();
    let nothing = liar(&node.process, says(None)).await;
    let (code, elsewhere) = (lunch.codes().remove(0), other.public.clone());
    let link = format!(
        "http://127.0.0.1:8080/e/{}/vote#code=X",
        node.process.get("/api/v1/election").await["id"].as_str().unwrap()
    );
    beside(move || {
        let change = node.vote_at(&nothing, &["--code", &code, "--selection", "Soup", "--change"]);
        assert!(change.0 == 1 && change.2.contains("leave out --change"), "{change:?}");
        let unnamed = crate::desk::run(&["vote", "--node", &node.at, "--code", &code, "--blank"]);
        assert!(
            unnamed.0 == 1 && unnamed.2.contains("name the election with --election"),
            "{unnamed:?}"
        );
        let foreign = node.vote(&["--election", &elsewhere, "--code", &code, "--blank"]);
        assert!(foreign.0 == 1 && foreign.2.contains("does not hold the election"), "{foreign:?}");
        let nonsense = node.vote(&["--election", "nonsense", "--code", &code, "--blank"]);
        assert!(
            nonsense.0 == 1 && nonsense.2.contains("neither the id of an election"),
            "{nonsense:?}"
        );
        // What is shown before it is signed.
        let (status, _, shown) = node.vote(&["--election", &link, "--code", &code, "--blank"]);
        assert_eq!(status, 0, "{shown}");
        assert!(
            shown.contains("election \"Lunch?\"") && shown.contains("chain is verified"),
            "{shown}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_the_vote_that_is_changed_names_the_election_and_what_must_be_there() {
    let lunch = Lunch::new();
    let (codes, node) = (lunch.codes(), lunch.node());
    let receipt = lunch.desk.path("receipt.json");
    let soup = ["--code", &codes[0], "--selection", "Soup", "--receipt", &receipt];
    assert_eq!(node.vote(&soup).0, 0);
    let fresh = lunch.node();
    let change = ["--replaces", &receipt, "--code", &codes[0], "--blank"];
    let early = fresh.vote(&change);
    assert!(
        early.0 == 1 && early.2.contains("does not have the vote of your receipt"),
        "{early:?}"
    );
    assert_eq!(node.vote(&change).0, 0);
    let again = node.vote(&change);
    assert!(again.0 == 1 && again.2.contains("another one than that of your receipt"), "{again:?}");
    let stranger = node.vote(&["--replaces", &receipt, "--code", &codes[1], "--blank"]);
    assert!(stranger.0 == 1 && stranger.2.contains("another code or key"), "{stranger:?}");
    node.until_votes(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_once_the_result_is_sealed() {
    let lunch = Lunch::new();
    let node = voted(&lunch).await;
    seal(&lunch, &node).await;
    let late = node.vote(&["--code", &lunch.codes()[0], "--blank", "--change"]);
    assert!(late.0 == 1 && late.2.contains("the result is sealed"), "{late:?}");
}
