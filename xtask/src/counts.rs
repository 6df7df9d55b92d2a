//! `cargo xtask bench --check`: instructions counted by valgrind, against those on record. They are
//! the same on a busy machine and on an idle one.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, ensure};

use crate::{
    setup,
    step::{cargo, output, program, root, run, step},
};

/// More than this above the record is a loss.
const MOST: f64 = 1.05;

#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    /// Another compiler makes other instructions.
    rustc: String,
    instructions: BTreeMap<String, u64>,
}

fn path() -> PathBuf {
    root().join("docs/instructions.json")
}

fn rustc() -> anyhow::Result<String> {
    output(program("rustc").arg("--version")).context("rustc does not say its version")
}

fn recorded() -> anyhow::Result<Record> {
    let text = fs::read_to_string(path()).context("docs/instructions.json")?;
    serde_json::from_str(&text).context("docs/instructions.json")
}

/// Instructions of a part of `core/examples/counted.rs`.
fn count(part: &str) -> anyhow::Result<u64> {
    let output = program(setup::valgrind()?)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*part*"])
        .arg(root().join("target/release/examples/counted"))
        .arg(part)
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{part}: {words}");
    let line = words.lines().find_map(|line| line.split_once("Collected :"));
    let number = line.and_then(|(_, number)| number.trim().parse().ok());
    number.filter(|number| *number > 1000).with_context(|| format!("{part}: {words}"))
}

fn build() -> anyhow::Result<()> {
    let package = ["--package", "blockvote-core", "--example", "counted"];
    run(cargo().args(["build", "--quiet", "--release"]).args(package))
}

/// Counts every part on record, and fails if one takes more than 5 % more than it did.
pub fn check() -> anyhow::Result<()> {
    let record = recorded()?;
    step("build what is counted", build)?;
    let same = record.rustc == rustc()?;
    let mut losses = Vec::new();
    for (part, before) in &record.instructions {
        let now = count(part)?;
        #[allow(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = now as f64 / *before as f64;
        println!("{part}: {now} instructions, {:+.1} %", (ratio - 1.0) * 100.0);
        if ratio > MOST {
            losses.push(part.as_str());
        }
    }
    if !same {
        println!("counted with {}, on record is {}: shown, not judged", rustc()?, record.rustc);
        return Ok(());
    }
    ensure!(
        losses.is_empty(),
        "more than 5 % slower than docs/instructions.json: {}; if that is the price of something, \
         record it with `cargo xtask bench --record`",
        losses.join(", ")
    );
    println!("none takes more than 5 % more than on record");
    Ok(())
}

/// Counts every part and puts it on record.
pub fn keep() -> anyhow::Result<()> {
    step("build what is counted", build)?;
    let mut record = recorded()?;
    record.rustc = rustc()?;
    for (part, instructions) in &mut record.instructions {
        *instructions = count(part)?;
        println!("{part}: {instructions} instructions");
    }
    fs::write(path(), serde_json::to_string_pretty(&record)? + "\n")?;
    Ok(())
}
