//! `cargo xtask test`: everything that CI runs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    build, setup,
    step::{cargo, program, root, run, step},
};

/// All checks and tests, the quick ones first.
pub fn all() -> anyhow::Result<()> {
    step("check the format", || run_cargo(&["fmt", "--all", "--check"]))?;
    build::page()?;
    step("weigh the page", build::weigh)?;
    step("lint the native code", || {
        run_cargo(&[
            "clippy",
            "--workspace",
            "--exclude",
            "blockvote-web",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    step("lint the browser's code", || {
        run_cargo(&[
            "clippy",
            "--package",
            "blockvote-web",
            "--target",
            "wasm32-unknown-unknown",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    let deny = setup::cargo_deny()?;
    step("check licences and sources", || {
        run(program(deny).args([
            "--offline",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]))
    })?;
    // Process tests start the relay and a bus.
    setup::nats_server()?;
    build::programs_and_maker(&[])?;
    step("unit, property, simulation, socket and process tests", || {
        run_cargo(&["test", "--workspace", "--exclude", "blockvote-web"])
    })?;
    step("unit tests of the page", || run_cargo(&["test", "--package", "blockvote-web", "--lib"]))?;
    step("the browser's search for a nonce, in a browser's engine", || {
        in_the_engine("browser", &[])
    })?;
    step("count instructions", crate::counts::check)?;
    browser(&[])
}

/// Runs a test of the core in a browser's engine.
pub fn in_the_engine(test: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let runner = root().join(".tools/bin/wasm-bindgen-test-runner");
    run(cargo()
        .args(["test", "--package", "blockvote-core", "--target", "wasm32-unknown-unknown"])
        .args(["--test", test])
        .args(arguments)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner))
}

/// Browser tests only.
pub fn browser_only(filter: &[&str]) -> anyhow::Result<()> {
    build::everything_and_maker()?;
    browser(filter)
}

/// The pictures of `docs/screenshots`.
pub fn screenshots() -> anyhow::Result<()> {
    build::everything_and_maker()?;
    let chromium = setup::for_browser_tests()?;
    step("take screenshots", || {
        run(playwright(&chromium, &["screenshots"]).env("BLOCKVOTE_SCREENSHOTS", "1"))
    })
}

/// A tab joins a chain of so many signed votes, is closed midway and goes on.
pub fn long_chain_in_a_tab(votes: u32) -> anyhow::Result<()> {
    build::everything_and_maker()?;
    let chromium = setup::for_browser_tests()?;
    let long = long_chain(votes, 100)?;
    step(&format!("a tab joins a chain of {votes} votes"), || {
        let filter = ["network", "--grep", "a long chain"];
        run(playwright(&chromium, &filter).env("BLOCKVOTE_LONG", long))
    })
}

fn run_cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run(cargo().args(arguments))
}

fn browser(filter: &[&str]) -> anyhow::Result<()> {
    let chromium = setup::for_browser_tests()?;
    let firefox = setup::firefox()?;
    let webkit = setup::webkit_driver()?;
    let long = long_chain(40_000, 100)?;
    step("browser tests", || {
        run(playwright(&chromium, filter)
            .env("BLOCKVOTE_FIREFOX", firefox)
            .env("BLOCKVOTE_WEBKIT_DRIVER", webkit)
            .env("BLOCKVOTE_LONG", long))
    })
}

fn playwright(chromium: &Path, filter: &[&str]) -> Command {
    let mut command = program(root().join("e2e/node_modules/.bin/playwright"));
    command
        .arg("test")
        .args(filter)
        .current_dir(root().join("e2e"))
        .env("BLOCKVOTE_CHROMIUM", chromium);
    command
}

/// Version of audit files.
const FORMAT: u32 = 3;

/// An audit file of signed votes that takes a tab a while to fetch, made once.
fn long_chain(votes: u32, per_block: u32) -> anyhow::Result<PathBuf> {
    // One of an earlier format is left where it is.
    let path = root().join(format!("target/long-{FORMAT}-{votes}-{per_block}.blockvote"));
    if !path.exists() {
        step(&format!("make a chain of {votes} signed votes"), || {
            run(cargo()
                .args(["run", "--quiet", "--package", "blockvote-core", "--example", "bench"])
                .args(["--", "file", &votes.to_string(), &per_block.to_string()])
                .arg(&path))
        })?;
    }
    Ok(path)
}
