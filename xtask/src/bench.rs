//! `cargo xtask bench`: the figures of `docs/benchmarks.md`. None of them is a test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::{
    build, setup,
    step::{cargo, output, program, root, run, step},
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
        let about = format!("/proc/{}/status", child.id());
        let mut peak = String::new();
        let status = loop {
            // The highest so far; it is gone with the process.
            let now = fs::read_to_string(&about).unwrap_or_default();
            if let Some(line) = now.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
                line.trim().clone_into(&mut peak);
            }
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(10));
        };
        anyhow::ensure!(status.success(), "{} does not verify", file.display());
        println!(
            "blockvote verify, {votes} signed votes, {size} bytes ({} a vote): {:.2} s, peak memory {peak}",
            size / u64::from(votes),
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Measures and prints.
pub fn run_all() -> anyhow::Result<()> {
    build::page()?;
    build::programs(&["--release"])?;
    let chromium = setup::for_browser_tests()?;
    println!("{}", machine());
    step("native: hashing and verifying", example)?;
    step("native: whole audit files", verify_files)?;
    crate::load::load(&[])?;
    step("in the tab", || in_the_tab(&chromium))
}

fn in_the_tab(chromium: &Path) -> anyhow::Result<()> {
    let (single, batches) = (audit_file(5_000, 1)?, audit_file(20_000, 500)?);
    run(program("node")
        .arg("bench.mjs")
        .current_dir(root().join("e2e"))
        .env("BLOCKVOTE_CHROMIUM", chromium)
        .env("BLOCKVOTE_BIN", root().join("target/release"))
        .env("BLOCKVOTE_SINGLE", single)
        .env("BLOCKVOTE_BATCHES", batches))
}
