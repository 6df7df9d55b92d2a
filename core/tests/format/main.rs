//! Golden vectors: the bytes and hashes that `docs/format.md` and `docs/protocol.md` show, by
//! subject.
//!
//! `BLESS=1 cargo test -p blockvote-core --test format` writes the file, for an intended change of
//! the format; then run it again without `BLESS`.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

mod archives;
mod blocks;
mod elections;
mod frames;
mod messages;
mod statements;
mod votes;

use std::{collections::BTreeMap, fs, path::PathBuf};

/// Names and texts: hexadecimal digits where they are bytes.
type Vectors = Vec<(&'static str, String)>;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors.json")
}

fn documented() -> BTreeMap<String, String> {
    serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap()
}

/// Panics at the first vector that is not as documented.
fn check(vectors: Vectors) {
    let documented = documented();
    for (name, text) in vectors {
        assert_eq!(documented.get(name), Some(&text), "{name}");
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

fn encoded(value: &impl borsh::BorshSerialize) -> String {
    hex(borsh::to_vec(value).unwrap())
}

#[test]
fn what_is_documented_is_what_is_checked() {
    let all = [
        elections::vectors(),
        votes::vectors(),
        blocks::vectors(),
        statements::vectors(),
        archives::vectors(),
        messages::vectors(),
        frames::vectors(),
    ];
    let all: BTreeMap<_, _> = all.into_iter().flatten().collect();
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&all).unwrap();
        fs::write(file(), text + "\n").unwrap();
    }
    let documented = documented();
    assert!(all.keys().copied().eq(documented.keys().map(String::as_str)));
}
