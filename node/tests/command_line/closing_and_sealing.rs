//! Closing an election and sealing its result.

use std::time::{SystemTime, UNIX_EPOCH};

use blockvote_core::{
    chain::statements::{Closing, Statement},
    custody::organiser::Organiser,
    time::Timestamp,
};
use serde_json::json;

use crate::{
    desk::{Lunch, Polling, bad, good, run},
    process::Process,
};

/// Everybody votes, and the votes are in blocks.
pub async fn voted(lunch: &Lunch) -> Polling {
    let node = lunch.node();
    for code in lunch.codes() {
        assert_eq!(node.vote(&["--code", &code, "--selection", "Soup"]).0, 0);
    }
    node.until_votes(3).await;
    node
}

/// Hands in a closing that the organiser dated back, so that the test need not wait until votes
/// have arrived.
pub async fn close_earlier(lunch: &Lunch, node: &Polling) {
    let organiser = Organiser::read(&std::fs::read_to_string(&lunch.private).unwrap()).unwrap();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let at = Timestamp(u64::try_from(since).unwrap() - 121_000);
    let closing = Statement::Closing(Closing::sign(organiser.election.id(), at, organiser.key()));
    let body = json!({"statement": hex::encode(borsh::to_vec(&closing).unwrap())}).to_string();
    let path = format!("/api/v1/elections/{}/evidence", organiser.election.id());
    assert_eq!(node.process.post(&path, body).await.unwrap().0, 201);
}

/// Closes and seals.
pub async fn seal(lunch: &Lunch, node: &Polling) {
    close_earlier(lunch, node).await;
    good(&["election", "seal", "--organiser", &lunch.private, "--node", &node.at]);
}

#[tokio::test]
async fn an_election_is_sealed_once_it_is_closed() {
    let lunch = Lunch::new();
    let node = voted(&lunch).await;
    let [close, seal] = ["close", "seal"]
        .map(|what| ["election", what, "--organiser", &lunch.private, "--node", &node.at]);
    bad(&seal, "not closed yet");
    assert!(good(&close).contains("Closed"));
    bad(&close, "closed at");
    let change = ["--code", &lunch.codes()[1], "--selection", "Bread", "--change"];
    let (status, _, error) = node.vote(&change);
    assert!(status == 1 && error.contains("the election closed at"), "{error}");
    bad(&seal, "votes may still be on their way");
    close_earlier(&lunch, &node).await;
    let said = good(&seal);
    assert!(said.contains("Sealed: the votes") && !said.contains("not sealed"), "{said}");
    assert!(good(&seal).contains("the seal that was signed before"), "never a second one");
}

#[tokio::test]
async fn votes_that_wait_are_left_out_with_a_reason_or_not_at_all() {
    let lunch = Lunch::new();
    let node = voted(&lunch).await;
    let idle = Process::start(&["--memory", "--election", &lunch.public]);
    let idle = Polling {
        at: format!("http://{}", idle.address),
        process: idle,
        election: lunch.public.clone(),
    };
    assert_eq!(idle.vote(&["--code", &lunch.codes()[0], "--selection", "Soup"]).0, 0);
    close_earlier(&lunch, &idle).await;
    let seal = ["election", "seal", "--organiser", &lunch.private, "--node", &idle.at];
    bad(&seal, "1 vote still waits");
    let (code, _, error) = run(&[&seal[..], &["--leave-out", " "]].concat());
    assert!(code == 2 && error.contains("the reason"), "{error}");
    let said = good(&[&seal[..], &["--leave-out", "came after closing"]].concat());
    assert!(said.contains("Left out, with the reason in the seal: 1 vote."), "{said}");
    let file = lunch.desk.path("sealed.blockvote");
    good(&["export", "--node", &idle.at, "--out", &file]);
    let report = good(&["verify", &file]);
    assert!(report.contains("left out, as “came after closing”: 1 vote"), "{report}");
    drop(node);
}
