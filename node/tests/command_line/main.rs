//! A whole election with a voter roll at the command line: codes, own keys, a changed vote, closing,
//! sealing, receipts, the audit file; and what goes wrong on the way.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

mod process;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use blockvote_core::{
    audit::archive::{ArchiveReader, ArchiveWriter, Record},
    chain::{block::Block, pow},
    crypto::key::Signature,
    election::{context::ElectionContext, roll::Roll, vote::Authorization},
};
use process::{Process, blockvote, words};
use serde_json::{Value, json};

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.folder.path().join(name), bytes).unwrap();
        self.path(name)
    }
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    words(&blockvote(arguments))
}

fn good(arguments: &[&str]) -> String {
    let (code, out, error) = run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{error}");
    out
}

fn bad(arguments: &[&str], sentence: &str) {
    let (code, out, error) = run(arguments);
    assert_eq!(code, 1, "{arguments:?}: {out}{error}");
    assert!(error.contains(sentence), "{arguments:?}: expected {sentence:?}: {error}");
    assert_eq!(error.trim().lines().count(), 1, "{arguments:?}: {error}");
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&good(arguments)).unwrap()
}

fn mode(path: &str) -> u32 {
    fs::metadata(Path::new(path)).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn an_election_is_held_from_the_codes_to_the_sealed_result() {
    let desk = Desk::new();
    let names =
        desk.write("names.csv", "\u{feff}Ann Archer,ann@example.org\r\n\r\nBert\r\nCleo\r\n");
    let (private, public) = (desk.path("club.organiser.json"), desk.path("club.blockvote"));
    let new = [
        "election",
        "new",
        "--title",
        "Lunch?",
        "--choice",
        "Soup",
        "--choice",
        "Bread",
        "--most",
        "2",
        "--blank",
        "--last-counts",
        "--names",
        &names,
        "--organiser",
        &private,
    ];
    good(&new);
    assert_eq!(mode(&private), 0o600);
    bad(&new, "nothing is overwritten: choose another file with --organiser");
    let publish = ["election", "publish", "--organiser", &private, "--out", &public];
    assert!(good(&publish).contains("nothing private"));
    bad(&publish, "choose another file with --out");
    for secret in ["Ann", "example.org"] {
        let bytes = fs::read(&public).unwrap();
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} left the organiser's machine");
    }
    let csv = desk.path("codes.csv");
    good(&["election", "codes", "--organiser", &private, "--csv", &csv]);
    assert_eq!(mode(&csv), 0o600);
    let table = fs::read_to_string(&csv).unwrap();
    assert!(table.starts_with("voter 1,voter 2,code,link\n"), "{table}");
    assert!(table.contains("Ann Archer,ann@example.org,"));
    let codes = json_of(&["election", "codes", "--organiser", &private, "--json"]);
    let code = |number: usize| codes[number]["code"].as_str().unwrap().to_owned();
    assert!(codes[0]["link"].as_str().unwrap().contains(&format!("vote#code={}", code(0))));

    let node = Process::start(&["--memory", "--mine", "--election", &public]);
    let at = format!("http://{}", node.address);
    let vote = |rest: &[&str]| {
        let mut arguments = vec!["vote", "--node", &at];
        arguments.extend(rest);
        run(&arguments
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>())
    };
    // A first vote, signed for who asks for a change, could contradict one that was seen elsewhere.
    let early = vote(&["--code", &code(0), "--selection", "Soup", "--change"]);
    assert!(early.0 == 1 && early.2.contains("knows no vote of this code"), "{early:?}");
    let receipt = desk.path("ann.receipt.json");
    let (status, out, error) =
        vote(&["--code", &code(0), "--selection", "Soup", "--receipt", &receipt]);
    assert!(status == 0 && out.contains("vote id"), "{out}{error}");
    assert_eq!(mode(&receipt), 0o600);
    assert_eq!(
        vote(&["--code", &code(1).to_lowercase(), "--selection", "Bread", "--selection", "Soup"]).0,
        0
    );
    assert_eq!(vote(&["--code", &code(2).replace('-', ""), "--blank"]).0, 0);
    node.until("/api/v1/status", |status| status["voters"] == 3 && status["pending"] == 0).await;
    assert!(good(&["receipt", "check", &receipt, "--node", &at]).contains("It counts."));

    // Changing one's mind has to be meant.
    let again = vote(&["--code", &code(0), "--selection", "Bread"]);
    assert!(again.0 == 1 && again.2.contains("--change"), "{again:?}");
    assert_eq!(vote(&["--code", &code(0), "--selection", "Bread", "--change"]).0, 0);
    node.until("/api/v1/status", |status| status["votes"] == 4).await;
    let (status, out, _) = run(&["receipt", "check", &receipt, "--node", &at]);
    assert!(status == 1 && out.contains("Another vote of this voter counts instead"), "{out}");
    let tally = json_of(&["tally", "--node", &at, "--json"]);
    assert_eq!(tally, json!({"selections": {"Bread": 2, "Soup": 1}, "ballots": 3, "blank": 1}));
    let words = good(&["tally", "--node", &at]);
    assert!(words.contains(", so far:\n       2  Bread\n"), "{words}");

    // Wrong rights.
    let mut typo = code(0);
    typo.replace_range(6..7, if &typo[6..7] == "A" { "B" } else { "A" });
    for (arguments, sentence) in [
        (vec!["--code", &typo, "--selection", "Soup"], "typo in the code, probably in group 2"),
        (vec!["--code", "ABCD", "--selection", "Soup"], "28 letters and digits"),
        (vec!["--token", "1", "--selection", "Soup"], "must be signed by its voter"),
        (
            vec!["--code", &code(0), "--selection", "Pie", "--change"],
            "not one of the choices: Soup, Bread",
        ),
    ] {
        let (status, _, error) = vote(&arguments);
        assert!(status == 1 && error.contains(sentence), "{arguments:?}: {error}");
    }
    let other = desk.path("other.organiser.json");
    good(&["election", "new", "--title", "Other?", "--codes", "1", "--organiser", &other]);
    let foreign = json_of(&["election", "codes", "--organiser", &other, "--json"]);
    let foreign = foreign[0]["code"].as_str().unwrap().to_owned();
    let (status, _, error) = vote(&["--code", &foreign, "--selection", "Soup"]);
    assert!(status == 1 && error.contains("it may belong to another one"), "{error}");
    assert!(error.contains("not on the voter roll"), "{error}");
    bad(&["election", "close", "--organiser", &other, "--node", &at], "holds another election");

    // Closing, sealing, and the audit file.
    let seal = ["election", "seal", "--organiser", &private, "--node", &at];
    bad(&seal, "not closed yet");
    assert!(
        good(&["election", "close", "--organiser", &private, "--node", &at]).contains("Closed")
    );
    bad(&["election", "close", "--organiser", &private, "--node", &at], "closed at");
    let (status, _, error) = vote(&["--code", &code(1), "--selection", "Soup", "--change"]);
    assert!(status == 1 && error.contains("the election closed at"), "{error}");
    assert!(good(&seal).contains("Sealed: block"));
    assert!(good(&seal).contains("the seal that was signed before"), "never a second one");
    let file = desk.path("result.blockvote");
    good(&["election", "export", "--node", &at, "--out", &file]);
    let report = json_of(&["verify", &file, "--json"]);
    assert_eq!((&report["passed"], &report["votes"]), (&json!(true), &json!(4)));
    assert_eq!(report["tally"], tally);
    assert!(report["sealed"].is_u64());
    assert!(good(&["verify", &at]).contains("Verified and sealed"));
    // A node that starts with nothing but the file knows the result.
    let second = Process::start(&["--memory", "--election", &file]);
    let found = second.get("/api/v1/status").await;
    assert_eq!((&found["seal"], &found["voters"]), (&json!("sealed"), &json!(3)));
    // One with a forged vote does not start it.
    let forged = desk.write("forged.blockvote", with_a_forged_vote(&fs::read(&file).unwrap()));
    let start = ["node", "--memory", "--listen", "127.0.0.1:0", "--election", &forged];
    bad(&start, "forged.blockvote: block 2, vote 1 (token");
}

/// An audit file's election and second block, the signature of its first vote another's.
fn with_a_forged_vote(file: &[u8]) -> Vec<u8> {
    let mut reader = ArchiveReader::new();
    reader.push(file);
    let (mut election, mut keys) = (None, Vec::new());
    let mut block = loop {
        match reader.next_record().unwrap().unwrap() {
            Record::Election(found) => election = Some(*found),
            Record::RollPage(page) => keys.extend(page.keys),
            Record::Block(block) => break block,
            Record::Statement(_) | Record::End { .. } => {}
        }
    };
    block.votes[0].authorization = Authorization::Signed(Signature([0; 64]));
    block.header.votes_root = Block::votes_root(&block.votes);
    pow::mine(&mut block.header);
    let roll = Roll::of_checked(keys).unwrap();
    let context = ElectionContext::new(election.unwrap(), Some(roll)).unwrap();
    let (mut writer, mut forged) = ArchiveWriter::new(&context);
    forged.extend(writer.block(&block));
    forged.extend(writer.finish());
    forged
}

#[tokio::test]
async fn with_own_keys_the_secret_never_leaves_the_voter() {
    let desk = Desk::new();
    let (ann, bert) = (desk.path("ann.json"), desk.path("bert.json"));
    let made = json_of(&["key", "new", "--out", &ann, "--json"]);
    assert_eq!(mode(&ann), 0o600);
    bad(&["key", "new", "--out", &ann], "nothing is overwritten");
    assert_eq!(json_of(&["key", "show", &ann, "--json"]), made);
    let locked = std::process::Command::new(process::BINARY)
        .args(["key", "new", "--passphrase", "--out", &bert])
        .env("BLOCKVOTE_PASSPHRASE", "correct horse")
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    let keys = [&ann, &bert].map(|file| json_of(&["key", "show", file, "--json"]));
    let list = format!(
        "Ann,{}\nBert,{}\n",
        keys[0]["public"].as_str().unwrap(),
        keys[1]["public"].as_str().unwrap()
    );
    let list = desk.write("keys.csv", list);
    let (private, public) = (desk.path("o.json"), desk.path("e.blockvote"));
    good(&[
        "election",
        "new",
        "--title",
        "Lunch?",
        "--choice",
        "Soup",
        "--choice",
        "Bread",
        "--write-in",
        "--keys",
        &list,
        "--organiser",
        &private,
    ]);
    good(&["election", "publish", "--organiser", &private, "--out", &public]);
    bad(&["election", "codes", "--organiser", &private], "has no voting codes");
    let node = Process::start(&["--memory", "--mine", "--election", &public]);
    let at = format!("http://{}", node.address);
    good(&["vote", "--node", &at, "--key", &ann, "--selection", "Pie"]);
    bad(&["vote", "--node", &at, "--key", &ann, "--selection", "Soup"], "the first vote counts");
    let vote = |passphrase: &str| {
        let output = std::process::Command::new(process::BINARY)
            .args(["vote", "--node", &at, "--key", &bert, "--selection", "Soup"])
            .env("BLOCKVOTE_PASSPHRASE", passphrase)
            .output();
        words(&output.unwrap())
    };
    let (code, _, error) = vote("wrong horse");
    assert!(code == 1 && error.contains("the passphrase does not fit"), "{error}");
    assert_eq!(vote("correct horse").0, 0);
    let tally = node.until("/api/v1/tally", |tally| tally["ballots"] == 2).await;
    assert_eq!(tally["selections"], json!({"Pie": 1, "Soup": 1}));
}

#[test]
fn lists_and_files_that_cannot_be_used_are_named_and_nothing_is_written() {
    let desk = Desk::new();
    let private = desk.path("organiser.json");
    let many: String = (0..=100_000).fold(String::new(), |mut text, number| {
        use std::fmt::Write;
        writeln!(text, "voter {number}").unwrap();
        text
    });
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("--names", b"Ann\nBert\nAnn\n".to_vec(), "line 3 is the same as line 1: \"Ann\""),
        ("--names", b"\n\n".to_vec(), "the list holds no voter"),
        ("--names", b"Ann\nZo\xeb\n".to_vec(), "line 2 cannot be read: it is not text in UTF-8"),
        ("--names", many.into_bytes(), "more than 100000 voters"),
        ("--keys", b"Ann\n".to_vec(), "line 1 holds no public key"),
        ("--keys", format!("Ann,bvk1{}\n", "0".repeat(72)).into_bytes(), "line 1: there is a typo"),
    ];
    for (option, bytes, sentence) in cases {
        let list = desk.write("list.csv", bytes);
        let new = ["election", "new", "--title", "Lunch?", option, &list, "--organiser", &private];
        bad(&new, sentence);
        assert!(!Path::new(&private).exists());
    }
    for (rest, sentence) in [
        (vec!["--codes", "0"], "the number must be from 1 to 100000"),
        (vec!["--codes", "3", "--most", "2"], "exactly one selection"),
        (vec!["--codes", "3", "--choice", "A", "--most", "2"], "there are 1"),
        (vec!["--last-counts"], "only an election with a voter roll"),
    ] {
        let mut new = vec!["election", "new", "--title", "Lunch?", "--organiser", &private];
        new.extend(rest);
        bad(&new, sentence);
        assert!(!Path::new(&private).exists());
    }
    let nonsense = desk.write("nonsense.json", "{}");
    bad(&["election", "publish", "--organiser", &nonsense], "not a Blockvote organiser's file");
    bad(&["key", "show", &nonsense], "not a Blockvote key file");
    bad(&["receipt", "check", &nonsense], "not a Blockvote receipt");
    let (code, _, error) = run(&["vote", "--selection", "x"]);
    assert!(code == 2 && error.contains("--code"), "{error}");
}
