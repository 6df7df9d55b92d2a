//! An organiser's desk: a folder, the program, and an election.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::process::{Process, blockvote, words};

/// A folder for files.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.folder.path().join(name), bytes).unwrap();
        self.path(name)
    }
}

pub fn run(arguments: &[&str]) -> (i32, String, String) {
    words(&blockvote(arguments))
}

/// The output of a command that must succeed.
pub fn good(arguments: &[&str]) -> String {
    let (code, out, error) = run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{error}");
    out
}

/// Runs a command that must fail with one line that contains this.
pub fn bad(arguments: &[&str], sentence: &str) {
    let (code, out, error) = run(arguments);
    assert_eq!(code, 1, "{arguments:?}: {out}{error}");
    assert!(error.contains(sentence), "{arguments:?}: expected {sentence:?}: {error}");
    assert_eq!(error.trim().lines().count(), 1, "{arguments:?}: {error}");
}

pub fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&good(arguments)).unwrap()
}

/// The permissions of a file in the file system.
pub fn mode(path: &str) -> u32 {
    fs::metadata(Path::new(path)).unwrap().permissions().mode() & 0o777
}

/// An election with three named voters, where up to two choices or a blank ballot are allowed and
/// the last vote counts.
pub struct Lunch {
    pub desk: Desk,
    /// The organiser's file.
    pub private: String,
    /// The published one.
    pub public: String,
}

impl Lunch {
    /// The command that makes it.
    pub fn command<'a>(names: &'a str, private: &'a str) -> Vec<&'a str> {
        let what =
            ["election", "new", "--title", "Lunch?", "--choice", "Soup", "--choice", "Bread"];
        let rules = ["--most", "2", "--blank", "--last-counts"];
        let files = ["--names", names, "--organiser", private];
        [&what[..], &rules, &files].concat()
    }

    pub fn new() -> Self {
        let desk = Desk::new();
        let names = "\u{feff}Ann Archer,ann@example.org\r\n\r\nBert\r\nCleo\r\n";
        let names = desk.write("names.csv", names);
        let (private, public) = (desk.path("club.organiser.json"), desk.path("club.blockvote"));
        good(&Self::command(&names, &private));
        good(&["election", "publish", "--organiser", &private, "--out", &public]);
        Self { desk, private, public }
    }

    /// The voting codes, in the order of the names.
    pub fn codes(&self) -> Vec<String> {
        let codes = json_of(&["election", "codes", "--organiser", &self.private, "--json"]);
        let codes = codes.as_array().unwrap().iter();
        codes.map(|row| row["code"].as_str().unwrap().to_owned()).collect()
    }

    /// A node that mines.
    pub fn node(&self) -> Polling {
        let process = Process::start(&["--memory", "--mine", "--election", &self.public]);
        let at = format!("http://{}", process.address);
        Polling { process, at, election: self.public.clone() }
    }
}

/// A running node.
pub struct Polling {
    pub process: Process,
    /// Its address.
    pub at: String,
    /// The published file of its election.
    pub election: String,
}

impl Polling {
    /// Votes, and returns the outcome. A voter with a code or a key must name the election.
    pub fn vote(&self, rest: &[&str]) -> (i32, String, String) {
        self.vote_at(&self.at, rest)
    }

    /// The same at another node.
    pub fn vote_at(&self, node: &str, rest: &[&str]) -> (i32, String, String) {
        let named =
            rest.iter().any(|option| ["--token", "--election", "--replaces"].contains(option));
        let election: &[&str] = if named { &[] } else { &["--election", &self.election] };
        run(&[&["vote", "--node", node], election, rest].concat())
    }

    /// Waits until this many votes are in blocks.
    pub async fn until_votes(&self, votes: u64) {
        let counted = |status: &Value| status["votes"] == votes && status["pending"] == 0;
        self.process.until("/api/v1/status", counted).await;
    }
}
