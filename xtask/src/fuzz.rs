//! `cargo xtask fuzz`: libFuzzer, guided by coverage, on the targets of `core/tests/fuzz.rs`.

use std::{fs, num::NonZero, path::Path};

use anyhow::Context;

use crate::step::{cargo, root, run, step};

const TARGETS: [&str; 2] = ["decoders_take_any_bytes", "a_node_takes_any_frames_in_any_order"];
const SECONDS: NonZero<u32> = NonZero::new(300).unwrap();
const MACHINE: &str = "x86_64-unknown-linux-gnu";
/// What libFuzzer needs to see which paths an input takes.
const COVERAGE: [&str; 8] = [
    "--cfg fuzzing",
    "--cfg fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];

/// Looks for inputs that take new paths, each target for so many seconds. The smallest set of inputs
/// that takes all paths found is kept in `core/tests/__fuzz__`, with whatever broke a target.
pub fn fuzz(seconds: Option<&str>) -> anyhow::Result<()> {
    let seconds = match seconds {
        Some(text) => text.parse::<NonZero<u32>>().context("expected seconds for each target")?,
        None => SECONDS,
    };
    for target in TARGETS {
        let kept = root().join("core/tests/__fuzz__").join(target);
        let (corpus, crashes) = (kept.join("corpus"), kept.join("crashes"));
        let found = root().join("target/fuzz").join(target);
        for folder in [&corpus, &crashes, &found] {
            fs::create_dir_all(folder)?;
        }
        step(&format!("fuzz {target} for {seconds} s"), || {
            let crashes = format!("-artifact_prefix={}/", crashes.display());
            libfuzzer(
                target,
                &[
                    &found.display().to_string(),
                    &corpus.display().to_string(),
                    &crashes,
                    &format!("-max_total_time={seconds}"),
                    "-timeout=10",
                    "-max_len=4096",
                    "-print_final_stats=1",
                ],
            )
        })?;
        step("keep the inputs that take different paths", || keep(target, &found, &corpus))?;
    }
    Ok(())
}

fn libfuzzer(target: &str, arguments: &[&str]) -> anyhow::Result<()> {
    run(cargo()
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", COVERAGE.join(" "))
        .env("BOLERO_FUZZER", "libfuzzer")
        .env("BOLERO_TEST_NAME", target)
        .env("BOLERO_LIBTEST_HARNESS", "1")
        .env("BOLERO_LIBFUZZER_ARGS", arguments.join(" "))
        .args(["test", "--quiet", "--profile", "fuzz", "--target", MACHINE])
        .args(["--target-dir", "target/fuzz/build", "--package", "blockvote-core"])
        .args(["--test", "fuzz", "--", target])
        .args(["--exact", "--nocapture", "--test-threads", "1"]))
}

fn keep(target: &str, found: &Path, corpus: &Path) -> anyhow::Result<()> {
    let merged = found.with_extension("merged");
    let _ = fs::remove_dir_all(&merged);
    fs::create_dir_all(&merged)?;
    let folders = [&merged, found, corpus].map(|folder| folder.display().to_string());
    libfuzzer(target, &["-merge=1", "-use_counters=0", &folders[0], &folders[1], &folders[2]])?;
    fs::remove_dir_all(corpus)?;
    fs::create_dir_all(corpus)?;
    for entry in fs::read_dir(&merged)? {
        let path = entry?.path();
        fs::copy(&path, corpus.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
