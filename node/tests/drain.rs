//! A relay that is stopped in order while many votes come in, and started again, over and over:
//! every vote that a node took is in every chain afterwards.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

mod network;
mod process;

use std::sync::atomic::{AtomicU64, Ordering};

use network::{agree, counted, relay, url};
use process::Process;

const STOPS: u64 = 4;
const VOTES_BETWEEN: u64 = 60;

#[tokio::test]
async fn no_vote_that_was_taken_is_lost_when_relays_drain_under_load() {
    let settings = ["--set", "drain_spread=0.2"];
    let first = relay("127.0.0.1:0", &settings);
    let (address, url) = (first.address.to_string(), url(&first));
    let arguments = ["--memory", "--mine", "--relay", &url];
    let nodes = [(); 3].map(|()| Process::start(&arguments));
    let (taken, stops) = (AtomicU64::new(0), AtomicU64::new(0));
    // Each node gets votes of its own without a pause, until the last relay is running.
    let voting = async |number: u64| {
        let mut token = number << 32;
        while stops.load(Ordering::Relaxed) < STOPS {
            token += 1;
            let (status, words) = nodes[usize::try_from(number).unwrap()].vote(token, "Yes").await;
            assert_eq!(status, 201, "{words}");
            taken.fetch_add(1, Ordering::Relaxed);
        }
    };
    let stopping = async {
        let mut current = first;
        for stop in 1..=STOPS {
            for node in &nodes {
                node.until("/api/v1/status", |status| status["relays"][0]["connected"] == true)
                    .await;
            }
            let before = taken.load(Ordering::Relaxed);
            while taken.load(Ordering::Relaxed) < before + VOTES_BETWEEN {
                tokio::task::yield_now().await;
            }
            current.signal("TERM");
            let ended = tokio::task::spawn_blocking(move || {
                assert!(current.child.wait().unwrap().success());
            });
            ended.await.unwrap();
            current = relay(&address, &settings);
            stops.store(stop, Ordering::Relaxed);
        }
        current
    };
    let ((), (), (), _relay) = tokio::join!(voting(0), voting(1), voting(2), stopping);
    let votes = taken.into_inner();
    let nodes: Vec<_> = nodes.iter().collect();
    agree(&nodes, votes).await;
    counted(&nodes, votes).await;
}
