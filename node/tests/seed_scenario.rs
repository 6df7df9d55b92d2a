//! The seed's scenario, line by line, against two real nodes.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod process;

use process::Process;
use serde_json::{Value, json};

fn selections(block: &Value) -> Vec<u64> {
    block["votes"].as_array().unwrap().iter().map(|v| v["token_id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_seeds_scenario_comes_out_as_it_did() {
    let (a, b) = (Process::start(&["--memory"]), Process::start(&["--memory"]));
    let added = |token: u64, block: u64| {
        (201, format!("the token_id {token} vote will be added to Block {block}"))
    };
    let already = |token: u64| (409, format!("the token_id {token} already voted"));

    assert_eq!(a.vote(1, "Biden").await, added(1, 2));
    assert_eq!(a.vote(1, "Trump").await, already(1));
    assert_eq!(a.vote(2, "Trump").await, added(2, 2));
    assert_eq!(a.vote(3, "Biden").await, added(3, 2));
    assert_eq!(a.get("/token_id").await, json!({"1": 1, "2": 1, "3": 1}));
    assert_eq!(a.get("/view_vote").await, json!({}));
    let forged = a.get("/store").await;
    assert_eq!(forged["index"], 2);
    assert_eq!(forged["message"], "New Block Forged");
    assert_eq!(selections(&forged), [1, 2, 3]);
    assert_eq!(forged["votes"][0], json!({"selection": "Biden", "token_id": 1}));
    assert!(forged["proof"].is_u64() && forged["previous_hash"].is_string());
    assert!(forged["timestamp"].is_f64());
    assert_eq!(a.get("/view_vote").await, json!({"Biden": 2, "Trump": 1}));
    assert_eq!(a.vote(3, "Trump").await, already(3));
    assert_eq!(a.vote(4, "Biden").await, added(4, 3));
    assert_eq!(a.vote(5, "Biden").await, added(5, 3));
    assert_eq!(a.vote(6, "Trump").await, added(6, 3));

    let register = |node: &Process| json!({"nodes": [format!("http://{}", node.address)]});
    let (status, answer) = a.post("/nodes/register", register(&b).to_string()).await.unwrap();
    assert_eq!(status, 201);
    assert_eq!(answer, json!({"message": "New nodes have been added", "total_nodes": [b.address]}));
    let (_, answer) = b.post("/nodes/register", register(&a).to_string()).await.unwrap();
    assert_eq!(answer["total_nodes"], json!([a.address]));

    assert_eq!(b.vote(3, "Biden").await, already(3));
    assert_eq!(b.vote(6, "Trump").await, already(6));
    assert_eq!(a.vote(7, "Trump").await, added(7, 3));
    assert_eq!(b.vote(7, "Biden").await, already(7));
    assert_eq!(b.vote(8, "Biden").await, added(8, 3));
    assert_eq!(b.vote(9, "Biden").await, added(9, 3));
    let forged = a.get("/store").await;
    assert_eq!((&forged["index"], selections(&forged)), (&json!(3), vec![4, 5, 6, 7]));
    let forged = b.get("/store").await;
    assert_eq!((&forged["index"], selections(&forged)), (&json!(4), vec![8, 9]));
    let replaced = a.get("/sync").await;
    assert_eq!(replaced["message"], "Our chain was replaced");
    assert_eq!(replaced["new_chain"].as_array().unwrap().len(), 4);
    let authoritative = b.get("/sync").await;
    assert_eq!(authoritative["message"], "Our chain is authoritative");
    assert_eq!(authoritative["chain"].as_array().unwrap().len(), 4);
    for node in [&a, &b] {
        assert_eq!(node.get("/view_vote").await, json!({"Biden": 6, "Trump": 3}));
    }
    let chain = a.get("/chain").await;
    assert_eq!(chain["length"], 4);
    assert_eq!(chain["chain"][0]["index"], 1);
    assert_eq!(chain["chain"][0]["votes"], json!([]));
    assert_eq!(chain["chain"][3]["previous_hash"], chain["chain"][2]["hash"]);
}

#[tokio::test]
async fn a_registered_node_that_is_down_delays_nobody_and_is_named() {
    let a = Process::start(&["--memory"]);
    let gone = Process::start(&["--memory"]).address.clone();
    let body = json!({"nodes": [gone]}).to_string();
    let (status, answer) = a.post("/nodes/register", body).await.unwrap();
    assert_eq!((status, &answer["not_asked"]), (201, &json!([gone])));
    let body = json!({"token_id": 1, "selection": "Biden"}).to_string();
    let (status, answer) = a.post("/vote", body).await.unwrap();
    assert_eq!((status, &answer["not_asked"]), (201, &json!([gone])));
    assert_eq!(a.get("/store").await["not_asked"], json!([gone]));
    let answer = a.get("/store").await;
    assert_eq!(answer["message"], "No block was forged: no vote is pending");
}

#[tokio::test]
async fn blocks_forged_one_right_after_the_other_never_wait_for_each_other() {
    let node = Process::start(&["--memory"]);
    for token in 1..=20 {
        node.vote(token, "Biden").await;
        assert_eq!(node.get("/store").await["index"], token + 1);
    }
}
