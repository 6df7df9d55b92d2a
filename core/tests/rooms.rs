//! The modules of this crate: which may import which. ARCHITECTURE.md has the same in words.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Each room, and the rooms that its files import from.
const ROOMS: [(&str, &[&str]); 11] = [
    ("time", &[]),
    ("draws", &[]),
    ("sorted", &[]),
    ("crypto", &["sorted"]),
    ("election", &["crypto", "sorted", "time"]),
    ("chain", &["crypto", "election", "sorted", "time"]),
    ("wire", &["chain", "crypto", "election"]),
    ("audit", &["chain", "crypto", "election", "sorted", "time"]),
    ("custody", &["crypto", "election", "time"]),
    ("node", &["audit", "chain", "crypto", "draws", "election", "sorted", "time", "wire"]),
    ("testkit", &["chain", "crypto", "custody", "election", "node", "time", "wire"]),
];

fn read(path: &Path, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Tests in a file may use what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            into.insert(path.display().to_string(), code.to_owned());
        }
    }
}

/// The rooms that code names: `crate::room`, and in a list that begins with `use crate::{` each
/// entry at the beginning of a line or after the brace, as rustfmt formats it. Comments may name
/// any room.
fn rooms_named(code: &str) -> BTreeSet<&str> {
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut in_list = false;
    let mut named = BTreeSet::new();
    for line in code {
        assert!(!line.contains("super::super"), "a path that leaves its room unseen: {line}");
        in_list |= line.contains("use crate::{");
        let entries = line.split(['{', ',', ' ', '(', '&', '<']).filter(|_| in_list);
        let inline = line.split("crate::").skip(1);
        for path in entries.chain(inline) {
            let name = path.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            named.extend(name.filter(|name| ROOMS.iter().any(|(room, _)| room == name)));
        }
        in_list &= !line.contains(';');
    }
    named
}

#[test]
fn rooms_import_only_from_those_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    read(&source, &mut files);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, code) in &files {
        let within = Path::new(file).strip_prefix(&source).unwrap().with_extension("");
        let room = within.iter().next().unwrap().to_str().unwrap();
        let Some((room, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            assert_eq!(room, "lib", "{file} stands in no room: give it one in this list");
            continue;
        };
        for other in rooms_named(code) {
            *seen.entry(room).or_default() += 1;
            let allowed = other == *room || allowed.contains(&other);
            assert!(allowed, "{file} imports from {other}, which {room} must not know");
        }
    }
    assert!(seen.values().sum::<usize>() > 100, "imports were found: {seen:?}");
}
