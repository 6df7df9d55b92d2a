//! Native nodes on three relays that are one over a real NATS server. The bus, a relay and a node are
//! killed and frozen; afterwards there is one tip, no vote is lost and none counts twice.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

#[path = "../../relay/tests/nats/mod.rs"]
mod nats;
mod process;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nats::Nats;
use process::{BINARY, Process};

struct Relay {
    child: Child,
    address: String,
}

impl Relay {
    fn start(address: &str, nats: &Nats) -> Self {
        let program = Path::new(BINARY).with_file_name("blockvote-relay");
        assert!(program.exists(), "the relay is not built; `cargo xtask test` builds it");
        let mut child = Command::new(program)
            .args(["--listen", address, "--bus", &nats.url()])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        Self { child, address }
    }

    fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until all hold one tip with so many votes and nothing pending.
async fn agree(nodes: &[&Process], votes: u64) {
    let agreed = async {
        loop {
            let mut tips = Vec::new();
            for node in nodes {
                let status = node.get("/api/v1/status").await;
                if status["votes"] == votes && status["pending"] == 0 {
                    tips.push(status["tip"].clone());
                }
            }
            if tips.len() == nodes.len() && tips.iter().all(|tip| *tip == tips[0]) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(Duration::from_mins(2), agreed).await.is_err() {
        let mut ends = Vec::new();
        for node in nodes {
            let status = node.get("/api/v1/status").await;
            ends.push((
                status["height"].clone(),
                status["votes"].clone(),
                status["pending"].clone(),
            ));
        }
        panic!("they do not agree on {votes} votes: {ends:?}");
    }
}

#[tokio::test]
async fn whatever_is_killed_or_frozen_the_nodes_agree_afterwards() {
    let mut nats = Nats::start(2 << 20);
    let one = Relay::start("127.0.0.1:0", &nats);
    let two = Relay::start("127.0.0.1:0", &nats);
    let three = Relay::start("127.0.0.1:0", &nats);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (url_one, url_two, url_three) = (one.url(), two.url(), three.url());
    let kept = ["--mine", "--data", data, "--relay", &url_one];
    let a = Process::start(&kept);
    let b = Process::start(&["--memory", "--mine", "--relay", &url_two]);
    let c = Process::start(&["--memory", "--mine", "--relay", &url_three]);
    a.vote(1, "Biden").await;
    b.vote(2, "Trump").await;
    c.vote(3, "Biden").await;
    agree(&[&a, &b, &c], 3).await;

    // The bus is killed: three parts go on by themselves, two with the same token.
    nats.kill();
    a.vote(4, "Biden").await;
    b.vote(4, "Trump").await;
    c.vote(5, "Biden").await;
    for (node, votes) in [(&a, 4), (&b, 4), (&c, 4)] {
        node.until("/api/v1/status", |status| status["votes"] == votes).await;
    }
    nats.run();
    agree(&[&a, &b, &c], 5).await;

    // The bus freezes, and a relay with it.
    nats.signal("STOP");
    two.signal("STOP");
    a.vote(6, "Biden").await;
    b.vote(7, "Trump").await;
    two.signal("CONT");
    nats.signal("CONT");
    agree(&[&a, &b, &c], 7).await;

    // A relay is killed, and another takes its place.
    let address = three.address.clone();
    drop(three);
    c.vote(8, "Biden").await;
    b.vote(9, "Trump").await;
    let _three = Relay::start(&address, &nats);
    agree(&[&a, &b, &c], 9).await;

    // A node is killed in the midst of votes, and comes back from its disk.
    a.vote(10, "Biden").await;
    drop(a);
    b.vote(11, "Trump").await;
    let a = Process::start(&kept);
    agree(&[&a, &b, &c], 11).await;

    // None twice: the count is the number of tokens.
    let tally = a.get("/view_vote").await;
    let counted: u64 = tally.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((counted, &tally), (11, &b.get("/view_vote").await));
    assert_eq!(tally, c.get("/view_vote").await);
}
