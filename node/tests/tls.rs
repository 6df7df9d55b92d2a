//! A native node and a relay that speaks TLS.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

mod network;
mod process;

use std::{fs, process::Command};

use process::{BINARY, Process};

#[tokio::test]
async fn a_node_follows_a_relay_over_tls_and_only_with_a_certificate_that_it_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(path("chain.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let settings =
        [format!("tls_certificate={}", path("chain.pem")), format!("tls_key={}", path("key.pem"))];
    let relay = network::relay("127.0.0.1:0", &["--set", &settings[0], "--set", &settings[1]]);
    let url = format!("wss://{}/ws", relay.address);

    let node = |trusted: &str| {
        let mut command = Command::new(BINARY);
        command.args(["node", "--memory", "--mine", "--listen", "127.0.0.1:0", "--relay", &url]);
        Process::run(command.env("SSL_CERT_FILE", trusted))
    };
    let (a, b) = (node(&path("chain.pem")), node(&path("chain.pem")));
    a.vote(1, "Biden").await;
    network::agree(&[&a, &b], 1).await;

    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(path("other.pem"), other.cert.pem()).unwrap();
    let stranger = node(&path("other.pem"));
    let status = stranger
        .until("/api/v1/status", |status| {
            let problem = status["relays"][0]["problem"].as_str().unwrap_or_default();
            problem != "connecting" && !problem.is_empty()
        })
        .await;
    let problem = status["relays"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("certificate"), "{problem}");
}
