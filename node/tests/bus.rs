//! Native nodes on three relays that act as one over a real NATS server. The bus, a relay and a
//! node are killed and frozen; afterwards there is one tip, and no vote is lost or counted twice.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

#[path = "../../relay/tests/nats/mod.rs"]
mod nats;
mod network;
mod process;

use nats::Nats;
use network::{agree, counted, relay, url};
use process::Process;

#[tokio::test]
async fn whatever_is_killed_or_frozen_the_nodes_agree_afterwards() {
    let mut nats = Nats::start(2 << 20);
    let bus = nats.url();
    let one = relay("127.0.0.1:0", &["--bus", &bus]);
    let two = relay("127.0.0.1:0", &["--bus", &bus]);
    let three = relay("127.0.0.1:0", &["--bus", &bus]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (url_one, url_two, url_three) = (url(&one), url(&two), url(&three));
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
    let address = three.address.to_string();
    drop(three);
    c.vote(8, "Biden").await;
    b.vote(9, "Trump").await;
    let _three = relay(&address, &["--bus", &bus]);
    agree(&[&a, &b, &c], 9).await;

    // A node is killed while votes come in, and comes back from its disk.
    a.vote(10, "Biden").await;
    drop(a);
    b.vote(11, "Trump").await;
    let a = Process::start(&kept);
    agree(&[&a, &b, &c], 11).await;

    // None is counted twice: the count is the number of tokens.
    counted(&[&a, &b, &c], 11).await;
}
