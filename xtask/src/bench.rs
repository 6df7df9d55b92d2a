//! `cargo xtask bench`: the figures of `docs/benchmarks.md`, by parts. None of them is a test.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    build,
    load::{known, load},
    setup,
    step::{cargo, output, program, root, run, step},
    test::in_the_engine,
};

fn example() -> anyhow::Result<()> {
    let package = ["--package", "blockvote-core", "--example", "bench"];
    run(cargo().args(["run", "--quiet", "--release"]).args(package))
}

fn machine() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name"));
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let date = output(program("date").args(["-u", "+%F"])).unwrap_or_default();
    let sha = if about.contains("sha_ni") { ", SHA-NI" } else { "" };
    format!("{date}, {cores} cores,{}{sha}", model.unwrap_or(": unknown").replace("\t:", ""))
}

/// An audit file of signed votes for measuring, made once.
fn audit_file(votes: u32, per_block: u32) -> anyhow::Result<PathBuf> {
    let path = root().join(format!("target/bench-{votes}-{per_block}.blockvote"));
    if !path.exists() {
        let (votes, per_block) = (votes.to_string(), per_block.to_string());
        run(cargo()
            .args(["run", "--quiet", "--release", "--package", "blockvote-core"])
            .args(["--example", "bench", "--", "file", &votes, &per_block])
            .arg(&path))?;
    }
    Ok(path)
}

/// What the operating system says of a process: a line of its status, such as `VmHWM`.
fn status_of(id: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

/// Time and peak memory of `blockvote verify`, by the operating system.
fn verify_files() -> anyhow::Result<()> {
    for votes in [10_000, 100_000, 1_000_000] {
        let file = audit_file(votes, 1_000)?;
        let size = fs::metadata(&file)?.len();
        let start = Instant::now();
        let mut child = program(root().join("target/release/blockvote"))
            .arg("verify")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut peak = String::new();
        let status = loop {
            // The highest so far; it is gone with the process.
            if let Some(now) = status_of(child.id(), "VmHWM") {
                peak = now;
            }
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(10));
        };
        ensure!(status.success(), "{} does not verify", file.display());
        println!(
            "blockvote verify, {votes} signed votes, {size} bytes ({} a vote): {:.2} s, peak memory {peak}",
            size / u64::from(votes),
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Time and memory of a native node that starts: from an audit file, then from its own store.
fn restart() -> anyhow::Result<()> {
    let file = audit_file(1_000_000, 1_000)?;
    let data = root().join("target/bench-data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let (election, data) = (file.display().to_string(), data.display().to_string());
    let starts: [(&str, &[&str]); 4] = [
        ("from an audit file", &["--election", &election]),
        ("from its own store", &[]),
        ("the same once more, with --election", &["--election", &election]),
        ("every signature again, --verify", &["--verify"]),
    ];
    for (words, more) in starts {
        let (took, memory) = until_it_listens(&[&["--data", &data], more].concat())?;
        println!(
            "native node, 1000000 signed votes, {words}: {took:.2} s until it listens, memory {}, peak {}",
            memory[0], memory[1]
        );
    }
    fs::remove_dir_all(data)?;
    Ok(())
}

/// Starts a node and ends it: seconds until it listens, and its memory by then, resident and at most.
fn until_it_listens(arguments: &[&str]) -> anyhow::Result<(f64, [String; 2])> {
    let start = Instant::now();
    let mut child = program(root().join("target/release/blockvote"))
        .args(["node", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let listens = lines.any(|line| line.is_ok_and(|line| line.contains("listening")));
    let took = start.elapsed().as_secs_f64();
    let memory = ["VmRSS", "VmHWM"].map(|name| status_of(child.id(), name).unwrap_or_default());
    child.kill()?;
    child.wait()?;
    ensure!(listens, "the node did not start with {arguments:?}");
    Ok((took, memory))
}

/// A keeper that starts again with 100 elections and 100,000 votes in all.
fn keeper() -> anyhow::Result<()> {
    const ELECTIONS: usize = 100;
    let data = root().join("target/bench-keeper");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&data)?;
    run(cargo()
        .args(["run", "--quiet", "--release", "--package", "blockvote-core"])
        .args(["--example", "bench", "--", "keeper"])
        .arg(&data)
        .args([&ELECTIONS.to_string(), "1000"]))?;
    for entry in fs::read_dir(&data)? {
        let file = entry?.path();
        let id = file.file_stem().and_then(|id| id.to_str()).unwrap_or_default().to_owned();
        if id.len() == 64 {
            let kept = data.join("kept").join(&id);
            let (file, kept) = (file.display().to_string(), kept.display().to_string());
            until_it_listens(&["--election", &file, "--data", &kept])?;
        }
    }
    let shown = data.display().to_string();
    // Nobody answers there: what is measured is the start.
    let keep = ["--keep", "Bench", "--data", &shown, "--relay", "ws://127.0.0.1:9/ws"];
    for words in ["the first time", "again"] {
        let (took, memory) = until_it_listens(&keep)?;
        println!(
            "keeper, {ELECTIONS} elections, 100000 signed votes, {words}: {took:.2} s until it listens, memory {}, peak {}",
            memory[0], memory[1]
        );
    }
    fs::remove_dir_all(data)?;
    Ok(())
}

const IN_THE_TAB: [&str; 9] =
    ["usable", "phone", "mining", "open-votes", "verifier", "signed-votes", "long", "seen", "hour"];

/// Measures and prints these parts; all but `hour` when none is named.
pub fn measure(parts: &[&str]) -> anyhow::Result<()> {
    let all: Vec<_> = ["native", "engine", "files", "restart", "keeper", "load"]
        .into_iter()
        .chain(IN_THE_TAB)
        .collect();
    known(parts, &all)?;
    let wanted: Vec<_> = all
        .into_iter()
        .filter(|part| parts.contains(part) || (parts.is_empty() && *part != "hour"))
        .collect();
    build::page()?;
    build::programs_and_maker(&["--release"])?;
    println!("{}", machine());
    let wants = |part: &str| wanted.contains(&part);
    if wants("native") {
        step("native: hashing and verifying", example)?;
    }
    if wants("engine") {
        step("a browser's engine, without its page", || {
            in_the_engine(
                "engine",
                &["--profile", "wasm", "--", "--include-ignored", "--nocapture"],
            )
        })?;
    }
    if wants("files") {
        step("native: whole audit files", verify_files)?;
    }
    if wants("restart") {
        step("native: a node starts", restart)?;
    }
    if wants("keeper") {
        step("native: a keeper starts", keeper)?;
    }
    if wants("load") {
        load(&[])?;
    }
    let in_the_tab: Vec<_> = wanted.into_iter().filter(|part| IN_THE_TAB.contains(part)).collect();
    if in_the_tab.is_empty() {
        return Ok(());
    }
    let chromium = setup::for_browser_tests()?;
    let [single, batches, long] =
        [(5_000, 1), (20_000, 500), (100_000, 1_000)].map(|(votes, each)| audit_file(votes, each));
    let mut bench = program("node");
    bench
        .arg("bench.mjs")
        .args(in_the_tab)
        .current_dir(root().join("e2e"))
        .env("BLOCKVOTE_CHROMIUM", chromium)
        .env("BLOCKVOTE_BIN", root().join("target/release"))
        .env("BLOCKVOTE_SINGLE", single?)
        .env("BLOCKVOTE_BATCHES", batches?)
        .env("BLOCKVOTE_LONG", long?);
    step("in the tab", || run(&mut bench))
}
