//! A partition as real networks make it: silently. Three network namespaces, each with a relay and
//! a node, on a bridge with the bus; a link is taken down, so that nobody is told anything, and
//! brought up again.
//!
//! Making namespaces needs root. Without it the test says so and ends, unless
//! `BLOCKVOTE_NAMESPACES` is set, as `cargo xtask soak` does.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

#[path = "../../relay/tests/nats/mod.rs"]
mod nats;
mod network;
mod process;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use nats::Nats;
use network::{Program, agree, counted, relay_program, url};
use process::{BINARY, Process};

/// Runs `ip`; returns whether it succeeded.
fn ip(arguments: &str) -> bool {
    let ran = Command::new("ip").args(arguments.split(' ')).stderr(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}

/// Namespaces on a bridge. Each has one link for the network, which can be taken down, and one over
/// which this test asks its node.
struct Network {
    name: String,
    count: u8,
}

impl Network {
    /// `None` if this machine does not allow it.
    fn build(count: u8) -> Option<Self> {
        let name = format!("bv{}", std::process::id() % 100_000);
        let network = Self { name: name.clone(), count };
        let mut built = ip(&format!("link add {name} type bridge"))
            && ip(&format!("addr add 10.93.0.1/24 dev {name}"))
            && ip(&format!("link set {name} up"));
        for n in 1..=count {
            let space = format!("{name}-{n}");
            built = built
                && ip(&format!("netns add {space}"))
                && ip(&format!("link add {name}n{n} type veth peer name net netns {space}"))
                && ip(&format!("link set {name}n{n} master {name} up"))
                && ip(&format!("-n {space} addr add 10.93.0.{}/24 dev net", 10 + n))
                && ip(&format!("-n {space} link set net up"))
                && ip(&format!("link add {name}c{n} type veth peer name control netns {space}"))
                && ip(&format!("addr add 10.93.{n}.1/24 dev {name}c{n}"))
                && ip(&format!("link set {name}c{n} up"))
                && ip(&format!("-n {space} addr add 10.93.{n}.2/24 dev control"))
                && ip(&format!("-n {space} link set control up"))
                && ip(&format!("-n {space} link set lo up"));
        }
        built.then_some(network)
    }

    /// A program inside a namespace.
    fn inside(&self, n: u8, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}-{n}", self.name)]).arg(program);
        command
    }

    fn relay(&self, n: u8, bus: &str) -> Program {
        let mut command = self.inside(n, relay_program());
        let listen = format!("10.93.0.{}:8080", 10 + n);
        command.args(["--listen", &listen, "--bus", bus]);
        // A peer behind a link that is down is half open: it is given up soon.
        command.args(["--set", "ping_interval=1", "--set", "idle_timeout=3"]);
        command.args(["--set", &format!("metrics_listen=10.93.{n}.2:9090")]);
        Program::start(command.env("RUST_LOG", "error"))
    }

    fn node(&self, n: u8, relay: &str) -> Process {
        let mut command = self.inside(n, BINARY);
        let listen = format!("10.93.{n}.2:5000");
        command.args(["node", "--memory", "--mine", "--listen", &listen, "--relay", relay]);
        Process::run(&mut command)
    }

    fn set_link(&self, n: u8, state: &str) {
        assert!(ip(&format!("link set {}n{n} {state}", self.name)));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for n in 1..=self.count {
            ip(&format!("link del {}n{n}", self.name));
            ip(&format!("link del {}c{n}", self.name));
            ip(&format!("netns del {}-{n}", self.name));
        }
        ip(&format!("link del {}", self.name));
    }
}

/// Waits until a relay reports something about itself, on its own address for that.
async fn says(n: u8, path: &str, what: &str, is_so: impl Fn(&str) -> bool) {
    let url = format!("http://10.93.{n}.2:9090{path}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let said = async {
        while !is_so(&client.get(&url).send().await.unwrap().text().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), said).await;
    assert!(waited.is_ok(), "relay {n} does not say at {path} that {what}");
}

async fn holds(node: &Process, votes: u64) {
    node.until("/api/v1/status", |status| status["votes"] == votes).await;
}

#[tokio::test]
async fn parts_that_were_cut_off_in_silence_agree_afterwards() {
    let Some(network) = Network::build(4) else {
        assert!(std::env::var_os("BLOCKVOTE_NAMESPACES").is_none(), "namespaces need root");
        eprintln!("skipped: network namespaces need root");
        return;
    };
    let nats = Nats::start_on("10.93.0.1", 2 << 20);
    let relays = [1, 2, 3].map(|n| network.relay(n, &nats.url()));
    let [a, b, c] = [1, 2, 3].map(|n| network.node(n, &url(&relays[usize::from(n) - 1])));
    // Its relay is elsewhere: the line between a node and its relay is cut, too.
    let d = network.node(4, &url(&relays[0]));
    a.vote(1, "Biden").await;
    b.vote(2, "Trump").await;
    c.vote(3, "Biden").await;
    d.vote(4, "Trump").await;
    agree(&[&a, &b, &c, &d], 4).await;

    // Three parts: a with b, c alone, d alone. One token votes on both sides.
    network.set_link(3, "down");
    network.set_link(4, "down");
    a.vote(5, "Biden").await;
    c.vote(5, "Trump").await;
    b.vote(6, "Trump").await;
    c.vote(7, "Biden").await;
    d.vote(8, "Biden").await;
    agree(&[&a, &b], 6).await;
    holds(&c, 6).await;
    holds(&d, 5).await;
    // Long enough that everybody noticed: the relay its bus, the other relay its silent client.
    says(3, "/readyz", "the bus is away", |text| text == "the bus is away\n").await;
    says(1, "/metrics", "a client was silent", |text| {
        !text.contains("closed_total{reason=\"idle\"} 0\n")
    })
    .await;
    network.set_link(3, "up");
    network.set_link(4, "up");
    says(3, "/readyz", "it is ready", |text| text == "ready\n").await;
    agree(&[&a, &b, &c, &d], 8).await;

    // Cut off and connected again before anybody gives up.
    network.set_link(2, "down");
    b.vote(9, "Biden").await;
    a.vote(10, "Biden").await;
    network.set_link(2, "up");
    agree(&[&a, &b, &c, &d], 10).await;
    counted(&[&a, &b, &c, &d], 10).await;
}
