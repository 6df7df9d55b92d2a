//! `kill -9` at any moment loses nothing that was acknowledged, and the store opens again.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod process;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use process::Process;
use serde_json::Value;
use tokio::{sync::Mutex, task::JoinSet};

const ROUNDS: u64 = 12;

fn tokens(chain: &Value) -> BTreeMap<u64, String> {
    let blocks = chain["chain"].as_array().unwrap();
    let votes = blocks.iter().flat_map(|block| block["votes"].as_array().unwrap());
    votes.map(|vote| (vote["token_id"].as_u64().unwrap(), vote["selection"].to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_a_node_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_string_lossy().into_owned();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..ROUNDS {
        let mut node = Process::start(&["--data", &data, "--mine"]);
        let pid = node.child.id();
        // What was acknowledged before is there: in the chain or pending. Pending is asked first:
        // meanwhile a vote can move from there into the chain, but never back.
        let pending = node.get("/token_id").await;
        let mut held = tokens(&node.get("/chain").await);
        for token in pending.as_object().unwrap().keys() {
            held.insert(token.parse().unwrap(), "pending".into());
        }
        for token in acknowledged.lock().await.iter() {
            assert!(held.contains_key(token), "round {round}: token {token} is lost");
        }
        // Votes come in from several sides, blocks are mined, and while that goes on: kill -9.
        let mut writers = JoinSet::new();
        let node_address = node.address.clone();
        for writer in 0..4_u64 {
            let (acknowledged, address) = (Arc::clone(&acknowledged), node_address.clone());
            writers.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                for number in 0.. {
                    let token = round * 1_000_000 + writer * 100_000 + number;
                    let body = format!(r#"{{"token_id":{token},"selection":"x"}}"#);
                    let url = format!("http://{address}/vote");
                    let Ok(answer) = client.post(url).body(body).send().await else {
                        break;
                    };
                    if answer.status() == 201 {
                        acknowledged.lock().await.insert(token);
                    }
                }
            });
        }
        // After a different amount of work in each round, counted in acknowledged votes.
        let enough = 20 + 13 * round as usize;
        let before = acknowledged.lock().await.len();
        let working = async {
            while acknowledged.lock().await.len() < before + enough {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), working).await.expect("votes are taken");
        assert_eq!(node.child.id(), pid);
        node.child.kill().unwrap();
        node.child.wait().unwrap();
        while let Some(writer) = writers.join_next().await {
            writer.unwrap();
        }
    }
    let node = Process::start(&["--data", &data]);
    node.get("/store").await;
    let chain = node.get("/chain").await;
    assert_eq!(node.get("/token_id").await, serde_json::json!({}));
    let counted = tokens(&chain);
    let total: u64 = node.get("/view_vote").await["x"].as_u64().unwrap();
    assert_eq!(total as usize, counted.len());
    for token in acknowledged.lock().await.iter() {
        assert!(counted.contains_key(token), "token {token} is lost");
    }
    assert!(chain["length"].as_u64().unwrap() > 2);
}
