//! `cargo xtask bench`: the figures of `docs/benchmarks.md`. None of them is a test.

use std::{fs, path::Path};

use crate::{
    build, setup,
    step::{cargo, output, program, root, run, step},
};

fn example(package: &str) -> anyhow::Result<()> {
    let name = if package == "blockvote-core" { "bench" } else { "load" };
    run(cargo().args(["run", "--quiet", "--release", "--package", package, "--example", name]))
}

fn machine() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name"));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let date = output(program("date").args(["-u", "+%F"])).unwrap_or_default();
    let sha = if about.contains("sha_ni") { ", SHA-NI" } else { "" };
    format!("{date}, {cores} cores,{}{sha}", model.unwrap_or(": unknown").replace("\t:", ""))
}

/// Measures and prints.
pub fn run_all() -> anyhow::Result<()> {
    build::page()?;
    build::programs(&["--release"])?;
    let chromium = setup::for_browser_tests()?;
    println!("{}", machine());
    step("native: hashing and verifying", || example("blockvote-core"))?;
    step("relay under load", || example("blockvote-relay"))?;
    step("in the tab", || in_the_tab(&chromium))
}

fn in_the_tab(chromium: &Path) -> anyhow::Result<()> {
    run(program("node")
        .arg("bench.mjs")
        .current_dir(root().join("e2e"))
        .env("BLOCKVOTE_CHROMIUM", chromium)
        .env("BLOCKVOTE_BIN", root().join("target/release")))
}
