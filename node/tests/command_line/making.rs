//! Making and publishing an election, and its codes.

use std::fs;

use crate::desk::{Lunch, bad, good, json_of, mode, run};

#[test]
fn the_organisers_file_is_private_and_never_overwritten() {
    let lunch = Lunch::new();
    assert_eq!(mode(&lunch.private), 0o600);
    let names = lunch.desk.path("names.csv");
    bad(
        &Lunch::command(&names, &lunch.private),
        "nothing is overwritten: choose another file with --organiser",
    );
}

#[test]
fn what_is_published_names_nobody() {
    let lunch = Lunch::new();
    let publish = ["election", "publish", "--organiser", &lunch.private, "--out"];
    let other = lunch.desk.path("other.blockvote");
    assert!(good(&[&publish[..], &[&other]].concat()).contains("nothing private"));
    assert!(good(&[&publish[..], &[&other]].concat()).contains("is there already: the election"));
    bad(&[&publish[..], &[&lunch.private]].concat(), "choose another file with --out");
    let bytes = fs::read(&lunch.public).unwrap();
    assert_eq!(bytes, fs::read(&other).unwrap());
    for secret in ["Ann", "example.org"] {
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} left the organiser's machine");
    }
}

#[test]
fn a_node_that_gets_the_private_file_says_so() {
    let lunch = Lunch::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let start = ["node", "--memory", "--listen", &listen, "--election"];
    let said = |file: &str| run(&[&start[..], &[file]].concat()).2;
    assert!(said(&lunch.private).contains("--election is the organiser's private file"));
    assert!(!said(&lunch.public).contains("private"));
}

#[test]
fn each_name_gets_a_code_and_a_link() {
    let lunch = Lunch::new();
    let csv = lunch.desk.path("codes.csv");
    let codes = ["election", "codes", "--organiser", &lunch.private, "--csv", &csv];
    let (code, _, note) = run(&codes);
    assert!(code == 0 && note.contains("the links lead to http://127.0.0.1:8080"), "{note}");
    assert_eq!(mode(&csv), 0o600);
    let table = fs::read_to_string(&csv).unwrap();
    assert!(table.starts_with("voter 1,voter 2,code,link\n"), "{table}");
    assert!(table.contains("Ann Archer,ann@example.org,"));
    let codes = json_of(&["election", "codes", "--organiser", &lunch.private, "--json"]);
    let (code, link) = (codes[0]["code"].as_str().unwrap(), codes[0]["link"].as_str().unwrap());
    assert!(table.contains(code) && link.contains(&format!("vote#code={code}")));
}
