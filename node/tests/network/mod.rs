//! Relays as real processes, and nodes that must agree.

#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "../../../relay/tests/program/mod.rs"]
mod program;

use std::{path::Path, process::Command, time::Duration};

pub use self::program::Program;
use crate::process::{BINARY, Process};

/// The relay's program, which a test starts with its own arguments.
pub fn relay_program() -> std::path::PathBuf {
    let program = Path::new(BINARY).with_file_name("blockvote-relay");
    assert!(program.exists(), "the relay is not built; `cargo xtask test` builds it");
    program
}

/// A relay on an address, with further arguments.
pub fn relay(address: &str, arguments: &[&str]) -> Program {
    let mut command = Command::new(relay_program());
    Program::start(command.args(["--listen", address]).args(arguments).env("RUST_LOG", "error"))
}

/// Where nodes reach a relay.
pub fn url(relay: &Program) -> String {
    format!("ws://{}/ws", relay.address)
}

/// Waits until all have one tip with this many votes and nothing pending.
pub async fn agree(nodes: &[&Process], votes: u64) {
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

/// Checks the count of each node: the same everywhere, and in total as many as there were tokens.
pub async fn counted(nodes: &[&Process], votes: u64) {
    let tally = nodes[0].get("/view_vote").await;
    let all: u64 = tally.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(all, votes, "{tally}");
    for node in nodes {
        assert_eq!(tally, node.get("/view_vote").await);
    }
}
