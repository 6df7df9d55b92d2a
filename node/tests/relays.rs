//! Native nodes around a relay that is killed, restarted and replaced.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod process;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use blockvote_relay::{Config, Relay, serve};
use process::Process;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

struct Running {
    relay: Arc<Relay>,
    task: JoinHandle<()>,
}

async fn relay(address: SocketAddr) -> (SocketAddr, Running) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = Relay::new(Config::default());
    let serving = serve(Arc::clone(&relay), listener, None);
    let task = tokio::spawn(async move { serving.await.unwrap() });
    (address, Running { relay, task })
}

async fn stop(running: Running) {
    running.relay.stop.cancel();
    running.task.await.unwrap();
}

/// Waits until both have the same tip with this many votes and nothing pending. Both are asked
/// again each time: two blocks found at once are settled a moment later.
async fn agree(a: &Process, b: &Process, votes: u64) {
    let agreed = async {
        loop {
            let [a, b] = [a.get("/api/v1/status").await, b.get("/api/v1/status").await];
            let counted = |status: &Value| status["votes"] == votes && status["pending"] == 0;
            if counted(&a) && counted(&b) && a["tip"] == b["tip"] {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), agreed).await;
    assert!(waited.is_ok(), "they do not agree on {votes} votes");
}

#[tokio::test]
async fn nodes_converge_through_a_relay_that_goes_and_comes_back() {
    let (address, first) = relay("127.0.0.1:0".parse().unwrap()).await;
    let url = format!("ws://{address}/ws");
    let a = Process::start(&["--memory", "--mine", "--relay", &url]);
    let b = Process::start(&["--memory", "--mine", "--relay", &url]);
    for node in [&a, &b] {
        node.until("/api/v1/status", |status| status["relays"][0]["connected"] == true).await;
    }
    a.vote(1, "Biden").await;
    agree(&a, &b, 1).await;

    stop(first).await;
    for node in [&a, &b] {
        node.until("/api/v1/status", |status| status["relays"][0]["connected"] == false).await;
    }
    // Both go on alone, and even use the same token.
    a.vote(2, "Biden").await;
    b.vote(3, "Trump").await;
    a.vote(4, "Biden").await;
    b.vote(4, "Trump").await;
    a.until("/api/v1/status", |status| status["votes"] == 3 && status["pending"] == 0).await;
    b.until("/api/v1/status", |status| status["votes"] == 3 && status["pending"] == 0).await;

    let (_, second) = relay(address).await;
    agree(&a, &b, 4).await;
    let tally = a.get("/view_vote").await;
    assert_eq!(tally, b.get("/view_vote").await);
    assert!(tally["Biden"].as_u64().unwrap() >= 2 && tally["Trump"].as_u64().unwrap() >= 1);
    // A newcomer gets everything.
    let c = Process::start(&["--memory", "--relay", &url]);
    agree(&a, &c, 4).await;
    stop(second).await;
}
