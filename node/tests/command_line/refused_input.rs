//! Lists, files and options that cannot be used.

use std::path::Path;

use crate::desk::{Desk, bad, run};

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
        (vec!["--codes", "3", "--most", "2"], "exactly one selection"),
        (vec!["--codes", "3", "--choice", "A", "--most", "2"], "there is only 1 to choose from"),
        (
            vec!["--choice", "A", "--choice", "B", "--least", "2"],
            "the fewest choices on a ballot, 2, are more than the most, 1",
        ),
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
