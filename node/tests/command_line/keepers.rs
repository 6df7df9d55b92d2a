//! Keepers: nodes that hold elections for others, and what they sign.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use blockvote_core::{
    chain::{
        acknowledgements::{Acknowledged, ClosingList},
        statements::Statement,
    },
    custody::organiser::Organiser,
    election::election_context::ElectionContext,
};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    closing_and_sealing::close_earlier,
    desk::{Desk, Lunch, Polling, bad, good, run},
    network::{Program, relay, url},
    process::Process,
};

/// A keeper with a folder of its own.
fn keeper(desk: &Desk, relay: &Program, more: &[&str]) -> Process {
    let (data, relay) = (desk.path("keeper"), url(relay));
    let arguments = ["--keep", "Club server", "--data", &data, "--relay", &relay];
    Process::start(&[&arguments[..], more].concat())
}

/// The keeper as an organiser names it.
fn named(keeper: &Process) -> String {
    keeper.line.trim().split("keeper ").nth(1).unwrap().to_owned()
}

/// Makes an election that names a keeper, with this many codes.
fn election(desk: &Desk, keeper: &str, name: &str, codes: &str) -> (String, String) {
    let (private, public) =
        (desk.path(&format!("{name}.organiser.json")), desk.path(&format!("{name}.blockvote")));
    let what = ["election", "new", "--title", name, "--choice", "Soup", "--choice", "Bread"];
    let who = ["--codes", codes, "--keeper", keeper, "--organiser", &private];
    good(&[&what[..], &["--starting-difficulty", "16"], &who].concat());
    (private, public)
}

fn publish(private: &str, public: &str, relay: &Program) -> (i32, String, String) {
    let relay = url(relay);
    run(&["election", "publish", "--organiser", private, "--out", public, "--relay", &relay])
}

fn context(private: &str) -> ElectionContext {
    Organiser::read(&std::fs::read_to_string(private).unwrap()).unwrap().context().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_carries_an_election_from_publishing_to_the_seal() {
    let (lunch_desk, relay) = (Desk::new(), relay("127.0.0.1:0", &[]));
    let kept = keeper(&lunch_desk, &relay, &["--mine"]);
    let (private, public) = election(&lunch_desk, &named(&kept), "Lunch?", "3");
    let (code, out, error) = publish(&private, &public, &relay);
    assert!(code == 0 && out.contains("Club server has the election."), "{out}{error}");
    assert!(out.contains("nothing else need run"), "{out}");
    // The organiser is gone. A node that only holds elections for others has no election of its
    // own, and says so.
    let list = kept.get("/api/v1/elections").await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["title"]), (1, &"Lunch?".into()));
    for path in ["/view_vote", "/api/v1/status"] {
        let (status, answer) = kept.try_get(path).await;
        let why = answer["error"].as_str().unwrap();
        assert!(status == 404 && why.contains("keeps elections for others"), "{answer}");
    }
    let at = format!("http://{}", kept.address);
    let node = Polling { process: kept, at, election: public.clone() };
    let lunch = Lunch { desk: lunch_desk, private, public };
    let codes = lunch.codes();
    let receipt = lunch.desk.path("receipt.json");
    let voted = node.vote(&["--code", &codes[0], "--selection", "Soup", "--receipt", &receipt]);
    assert_eq!(voted.0, 0, "{voted:?}");
    assert!(voted.1.contains("Club server acknowledged it"), "{voted:?}");
    let id = context(&lunch.private).id();
    let status = format!("/api/v1/elections/{id}/status");
    node.process.until(&status, |status| status["votes"] == 1).await;
    close_earlier(&lunch, &node).await;
    // A closing list follows within a second.
    let evidence = format!("/api/v1/elections/{id}/evidence");
    let listed = |all: &Value| all["closing_lists"].as_array().unwrap().len() == 1;
    node.process.until(&evidence, listed).await;
    let sealed = good(&["election", "seal", "--organiser", &lunch.private, "--node", &node.at]);
    assert!(!sealed.contains("Without a closing list"), "{sealed}");
    let (code, out, _) = run(&["receipt", "check", &receipt, "--node", &node.at]);
    assert!(code == 0 && out.contains("It counts."), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_and_left_out_is_a_complaint_that_anybody_checks() {
    let (desk, relay) = (Desk::new(), relay("127.0.0.1:0", &[]));
    let kept = keeper(&desk, &relay, &[]);
    let (private, public) = election(&desk, &named(&kept), "Lunch?", "2");
    assert_eq!(publish(&private, &public, &relay).0, 0);
    let at = format!("http://{}", kept.address);
    let node = Polling { process: kept, at, election: public.clone() };
    let lunch = Lunch { desk, private, public };
    let receipt = lunch.desk.path("receipt.json");
    let vote = ["--code", &lunch.codes()[0], "--selection", "Soup", "--receipt", &receipt];
    assert_eq!(node.vote(&vote).0, 0);
    close_earlier(&lunch, &node).await;
    let id = context(&lunch.private).id();
    let listed = |all: &Value| all["closing_lists"].as_array().unwrap().len() == 1;
    node.process.until(&format!("/api/v1/elections/{id}/evidence"), listed).await;
    // The organiser has a node that nobody else talks to, and seals what it has: nothing.
    let apart = Process::start(&["--memory", "--election", &lunch.public]);
    let at = format!("http://{}", apart.address);
    let apart = Polling { process: apart, at, election: lunch.public.clone() };
    close_earlier(&lunch, &apart).await;
    let seal = ["election", "seal", "--organiser", &lunch.private, "--node"];
    bad(&[&seal[..], &[&apart.at]].concat(), "no closing list of Club server is here yet");
    let list = node.process.get(&format!("/api/v1/elections/{id}/evidence")).await;
    let list: ClosingList = serde_json::from_value(list["closing_lists"][0].clone()).unwrap();
    let list = hex::encode(borsh::to_vec(&Statement::ClosingList(list)).unwrap());
    let evidence = format!("/api/v1/elections/{id}/evidence");
    let body = serde_json::json!({"statement": list}).to_string();
    assert_eq!(apart.process.post(&evidence, body).await.unwrap().0, 201);
    let lacks = "Club server acknowledged 1 vote in time, and only 0 are here";
    bad(&[&seal[..], &[&apart.at]].concat(), lacks);
    good(&[&seal[..], &[&apart.at, "--without-keepers"]].concat());
    // Handed in at the keeper, the seal makes it the result.
    good(&[&seal[..], &[&node.at]].concat());
    let complaint = lunch.desk.path("complaint.json");
    let check = ["receipt", "check", &receipt, "--node", &node.at, "--complaint", &complaint];
    let (code, out, error) = run(&check);
    assert!(code == 1 && out.contains("Not counted, although Club server"), "{out}{error}");
    let file = lunch.desk.path("result.blockvote");
    let election = id.to_string();
    good(&["export", "--node", &node.at, "--election", &election, "--out", &file]);
    // No rule is broken, but the closing list and the complaint speak against the result.
    let longer = "WARN         closing lists of keepers: that of Club server holds 1 vote, and 0 were sealed";
    let against = "Yet this speaks against the result: closing lists of keepers";
    let (code, verified, _) = run(&["verify", &file]);
    assert_eq!(code, 3, "{verified}");
    assert!(verified.contains(longer) && verified.contains(&format!("{against}.")), "{verified}");
    let (code, verified, _) = run(&["verify", &file, "--complaint", &complaint]);
    assert_eq!(code, 3, "{verified}");
    assert!(verified.contains("The complaint holds: Club server acknowledged"), "{verified}");
    assert!(verified.contains(&format!("{against} and a complaint that holds.")), "{verified}");
    // After a change it is not valid any more, and the command's exit code says so.
    let text = std::fs::read_to_string(&complaint).unwrap();
    let at = text.find("\"at\": ").unwrap() + 6;
    let forged = format!("{}1{}", &text[..at], &text[at + 1..].replacen(['1', '2'], "9", 1));
    let forged = lunch.desk.write("forged.json", forged);
    let (code, out, _) = run(&["verify", &file, "--complaint", &forged]);
    assert!(code == 1 && out.contains("The complaint does not hold"), "{out}");
    bad(&["verify", &file, "--complaint", &receipt], "not a Blockvote complaint");
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_over_relays_leaves_out_of_the_chain_what_no_keeper_had_in_time() {
    let (desk, relay) = (Desk::new(), relay("127.0.0.1:0", &[]));
    let kept = keeper(&desk, &relay, &[]);
    let (private, public) = election(&desk, &named(&kept), "Lunch?", "3");
    assert_eq!(publish(&private, &public, &relay).0, 0);
    let at = format!("http://{}", kept.address);
    let node = Polling { process: kept, at, election: public.clone() };
    let lunch = Lunch { desk, private, public };
    let (codes, id) = (lunch.codes(), context(&lunch.private).id().to_string());
    assert_eq!(node.vote(&["--code", &codes[0], "--selection", "Soup"]).0, 0);
    let status = format!("/api/v1/elections/{id}/status");
    node.process.until(&status, |status| status["votes"] == 1).await;
    // Somebody votes on a chain that nobody else sees before the keeper has signed its list.
    let (before, hidden) =
        (lunch.desk.path("before.blockvote"), lunch.desk.path("hidden.blockvote"));
    good(&["export", "--node", &node.at, "--election", &id, "--out", &before]);
    let apart = Process::start(&["--memory", "--mine", "--election", &before]);
    let at = format!("http://{}", apart.address);
    let apart = Polling { process: apart, at, election: lunch.public.clone() };
    assert_eq!(apart.vote(&["--code", &codes[1], "--selection", "Bread"]).0, 0);
    apart.until_votes(2).await;
    good(&["export", "--node", &apart.at, "--out", &hidden]);
    assert_eq!(node.vote(&["--code", &codes[2], "--selection", "Soup"]).0, 0);
    node.process.until(&status, |status| status["votes"] == 2).await;
    close_earlier(&lunch, &node).await;
    let listed = |all: &Value| all["closing_lists"].as_array().unwrap().len() == 1;
    node.process.until(&format!("/api/v1/elections/{id}/evidence"), listed).await;
    let relay = url(&relay);
    let _shown = Process::start(&["--memory", "--election", &hidden, "--relay", &relay]);
    node.process.until(&status, |status| status["votes"] == 3).await;

    let out = lunch.desk.path("result.blockvote");
    let seal =
        ["election", "seal", "--organiser", &lunch.private, "--relay", &relay, "--out", &out];
    let (code, said, error) = run(&seal);
    let stops = "on no keeper's closing list: 1 vote in the chain. Count what is there";
    assert!(code == 1 && error.contains(stops), "{said}{error}");
    let late = [&seal[..], &["--leave-out-late", "Shown after closing"]].concat();
    let sealed = good(&late);
    assert!(sealed.contains("Left out, with the reason in the seal: 1 vote."), "{sealed}");
    assert!(sealed.contains("\nClub server says that it has the result."), "{sealed}");
    node.process.until(&status, |status| status["seal"] == "sealed").await;
    assert_eq!(node.process.get(&status).await["voters"], 2);
    let report = good(&["verify", &out]);
    assert!(report.contains("left out, as “Shown after closing”: 1 vote"), "{report}");
    assert!(report.contains("counted again from 2 votes of 2 voters"), "{report}");
    // Run again, it hands out what was signed, and signs nothing else; also if it stopped before
    // the seal was in a file of its own.
    let record = lunch.private.replace(".json", ".seal");
    std::fs::remove_file(&record).unwrap();
    let again = good(&seal);
    assert!(std::path::Path::new(&record).exists());
    assert!(again.contains("holds the seal that was signed before"), "{again}");
    assert!(again.contains("\nClub server says that it has the result."), "{again}");
    let other = lunch.desk.path("other.blockvote");
    let elsewhere = [&seal[..6], &["--out", &other]].concat();
    bad(&elsewhere, "give the audit file that was written with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn keepers_that_are_not_there_or_not_named_are_said() {
    let (desk, relay) = (Desk::new(), relay("127.0.0.1:0", &[]));
    let kept = keeper(&desk, &relay, &["--keep-mib-each", "1"]);
    // This election is too big for this keeper.
    let (private, public) = election(&desk, &named(&kept), "Big", "9000");
    let (code, out, _) = publish(&private, &public, &relay);
    assert!(code == 1 && out.contains("more room than it gives to one"), "{out}");
    assert_eq!(kept.get("/api/v1/elections").await, serde_json::json!([]));
    bad(&["node", "--keep", "Club", "--data", &desk.path("x")], "give --relay");
    let (folder, relay) = (desk.path("keeper"), url(&relay));
    let twin = ["node", "--keep", "Twin", "--data", &folder, "--relay", &relay];
    bad(&[&twin[..], &["--listen", "127.0.0.1:0"]].concat(), "another keeper runs on");
    let short = format!("http://{}/v/9Y82-KQ5H", kept.address);
    bad(&["tally", "--election", &short], "is a short address");
    let make = |keeper: &str| {
        run(&["election", "new", "--title", "A", "--choice", "B", "--keeper", keeper])
    };
    for (keeper, why) in
        [("nonsense", "a keeper's key, a colon"), ("bvk1:Club", "not a public key")]
    {
        let (code, _, error) = make(keeper);
        assert!(code == 2 && error.contains(why), "{error}");
    }
    let twice = ["--keeper", &named(&kept), "--keeper", &named(&kept)];
    let new = ["election", "new", "--title", "A", "--codes", "2", "--choice", "B"];
    bad(&[&new[..], &twice].concat(), "names the keeper \"Club server\" twice");
}

const ELECTIONS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_a_keeper_of_ten_elections_is_killed() {
    let (desk, relay) = (Desk::new(), relay("127.0.0.1:0", &[]));
    let mut kept = keeper(&desk, &relay, &["--mine", "--threads", "1"]);
    let name = named(&kept);
    let mut elections = Vec::new();
    for number in 0..ELECTIONS {
        let (private, public) = election(&desk, &name, &format!("E{number}"), "30");
        let (code, out, error) = publish(&private, &public, &relay);
        assert_eq!(code, 0, "{out}{error}");
        let organiser = Organiser::read(&std::fs::read_to_string(&private).unwrap()).unwrap();
        elections.push(organiser);
    }
    // What was acknowledged, by election and vote.
    let signed = Arc::new(Mutex::new(BTreeMap::<String, Acknowledged>::new()));
    for round in 0..3_usize {
        let mut writers = JoinSet::new();
        for organiser in &elections {
            let context = organiser.context().unwrap();
            let votes: Vec<_> = organiser.codes().skip(10 * round).take(10).collect();
            let (signed, address) = (Arc::clone(&signed), kept.address.clone());
            writers.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let base = format!("http://{address}/api/v1/elections/{}", context.id());
                for (_, code) in votes {
                    let key = code.secret_key();
                    let token = context.roll().unwrap().token_of(&key.public()).unwrap();
                    let ballot = context.election().ballot(&["Soup"]).unwrap();
                    let vote = blockvote_core::election::vote::Vote::signed(
                        context.id(),
                        token,
                        0,
                        ballot,
                        &key,
                    );
                    let id = vote.id();
                    let body = serde_json::json!({"vote": hex::encode(vote.encode())});
                    let cast = client.post(format!("{base}/votes")).body(body.to_string());
                    let Ok(answer) = cast.send().await else { return };
                    assert_eq!(answer.status(), 201);
                    let asked = client.get(format!("{base}/acknowledgements/{id}"));
                    let Ok(answer) = asked.send().await else { return };
                    let Ok(list) = answer.json::<Vec<Acknowledged>>().await else { return };
                    assert!(list[0].acknowledgement.check(&context).is_ok());
                    let path = format!("{}/acknowledgements/{id}", context.id());
                    signed.lock().unwrap().insert(path, list[0].clone());
                }
            });
        }
        // While that goes on, after a different amount of work in each round.
        let enough = signed.lock().unwrap().len() + 25 + 15 * round;
        let working = async {
            while signed.lock().unwrap().len() < enough {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), working).await.expect("votes are taken");
        kept.child.kill().unwrap();
        kept.child.wait().unwrap();
        while let Some(writer) = writers.join_next().await {
            writer.unwrap();
        }
        kept = keeper(&desk, &relay, &["--mine", "--threads", "1"]);
        assert_eq!(named(&kept), name, "the key is the same");
        let signed = signed.lock().unwrap().clone();
        for (path, before) in signed {
            let list = kept.get(&format!("/api/v1/elections/{path}")).await;
            let list: Vec<Acknowledged> = serde_json::from_value(list).unwrap();
            assert_eq!(list, [before], "round {round}: {path}");
            let (id, vote) = path.split_once("/acknowledgements/").unwrap();
            kept.get(&format!("/api/v1/elections/{id}/receipts/{vote}")).await;
        }
    }
    assert_eq!(kept.get("/api/v1/elections").await.as_array().unwrap().len(), ELECTIONS);
}
