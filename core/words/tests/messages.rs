//! That a message is there and has the right variables, the compiler checks; that it is used, this does.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::{fs, path::Path};

use blockvote_words::message::{ENGLISH, Language, Locale, Value, say};

struct English;

impl Locale for English {
    fn count(&self, count: u64) -> String {
        count.to_string()
    }

    fn decimal(&self, number: f64) -> String {
        format!("{number:.1}")
    }

    fn time(&self, time: f64) -> String {
        format!("{time} ms")
    }

    fn away(&self, span: f64) -> String {
        format!("in {span} ms")
    }

    fn list(&self, names: &[String]) -> String {
        names.join(" and ")
    }

    fn plural(&self, count: u64) -> String {
        if count == 1 { "one" } else { "other" }.into()
    }
}

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_message_is_used() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for folder in ["src", "../../web/src"] {
        sources(&here.join(folder), &mut code);
    }
    let messages = fs::read_to_string(here.join("messages/en.ftl")).unwrap();
    let names = messages
        .lines()
        .filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase()));
    let names = names.filter_map(|line| Some(line.split_once(" =")?.0.replace('-', "_")));
    let is_used = |name: &String| {
        let wanted = format!("say::{name}");
        let mut said = code.split(&wanted).skip(1);
        said.any(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'))
    };
    let unused: Vec<_> = names.filter(|name| !is_used(name)).collect();
    assert!(unused.is_empty(), "messages that nothing says: {unused:?}");
}

#[test]
fn a_sentence_is_written_with_what_is_filled_in() {
    let english = Language::new(ENGLISH, English);
    let write = |message| english.write(&message);
    assert_eq!(write(say::minutes(1_u32)), "1 minute");
    assert_eq!(write(say::minutes(2_u32)), "2 minutes");
    assert_eq!(
        write(say::counted_here(1_u32, 3_u32)),
        "Counted by your own device from 1 vote in 3 blocks."
    );
    assert_eq!(write(say::state_of_election("sealed")), "final");
    assert_eq!(write(say::state_of_election("unheard of")), "open");
    assert_eq!(
        write(say::closed_words(Value::Time(5.0))),
        "Voting closed 5 ms. The result stays open to everyone."
    );
    assert_eq!(write(say::not_cast(say::copy())), "Your vote was not cast: Copy");
    let dropped = write(say::dropped(2_u32, ""));
    assert_eq!(dropped, "It was recorded in block 2, and the chain was reorganised. ");
}
