//! The rooms of this crate: who may know whom. ARCHITECTURE.md has the same in words.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use std::{collections::BTreeMap, fs, path::Path};

/// Each room, and the rooms that its files import from.
const ROOMS: [(&str, &[&str]); 10] = [
    ("time", &[]),
    ("sorted", &[]),
    ("crypto", &["sorted"]),
    ("election", &["crypto", "sorted", "time"]),
    ("chain", &["crypto", "election", "sorted", "time"]),
    ("wire", &["chain", "crypto", "election"]),
    ("audit", &["chain", "crypto", "election", "time"]),
    ("custody", &["crypto", "election", "time"]),
    ("node", &["audit", "chain", "crypto", "election", "sorted", "time", "wire"]),
    ("testkit", &["chain", "crypto", "custody", "election", "node", "time", "wire"]),
];

fn read(path: &Path, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            // What tests in a file use is their own business.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            into.insert(path.display().to_string(), code.to_owned());
        }
    }
}

/// Names behind `crate::`, those in a list in braces among them, but not in comments.
fn rooms_named(code: &str) -> Vec<String> {
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut named = Vec::new();
    for part in code.split("crate::").skip(1) {
        let (mut depth, mut word) = (0, String::new());
        for character in part.chars() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if character.is_alphanumeric() || character == '_' {
                word.push(character);
                continue;
            }
            if !word.is_empty() && depth <= 1 && character == ':' {
                named.push(std::mem::take(&mut word));
                // The rest of this path is inside the room.
            }
            let in_list = part.trim_start().starts_with('{');
            if character == ';' || (!in_list && !named.is_empty()) {
                break;
            }
            if character == ',' || character == '{' || character == '}' {
                word.clear();
            }
        }
    }
    named.retain(|name| ROOMS.iter().any(|(room, _)| room == name));
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
            let allowed = other == *room || allowed.contains(&other.as_str());
            assert!(allowed, "{file} imports from {other}, which {room} must not know");
        }
    }
    assert!(seen.values().sum::<usize>() > 100, "imports were found: {seen:?}");
}
