//! Building the page and the programs.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::{
    setup,
    step::{cargo, program, root, run, step},
};

/// What the page is built from.
const SOURCES: [&str; 9] = [
    "core/src",
    "core/Cargo.toml",
    "core/frames",
    "web",
    "index.html",
    "Trunk.toml",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];

/// Compresses every file of the page ahead of time.
const COMPRESS: &str = "
const { readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { brotliCompressSync, constants } = require('node:zlib');
for (const name of readdirSync('dist')) {
  if (name.endsWith('.br')) rmSync(`dist/${name}`);
}
for (const name of readdirSync('dist')) {
  const bytes = readFileSync(`dist/${name}`);
  const small = brotliCompressSync(bytes, { params: {
    [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    [constants.BROTLI_PARAM_LGWIN]: 22 } });
  if (small.length < bytes.length) writeFileSync(`dist/${name}.br`, small);
}
";

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| collect(&entry.path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}

/// A number that changes with every source of the page.
fn fingerprint() -> anyhow::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root().join(source), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(root()).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file).with_context(|| file.display().to_string())?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The page, into `dist`, unless it is there already.
pub fn page() -> anyhow::Result<()> {
    setup::for_building()?;
    let build = fingerprint()?;
    let stamp = root().join("target/page-build");
    let built = fs::read_to_string(&stamp).is_ok_and(|found| found == build);
    if built && root().join("dist/index.html").exists() {
        return Ok(());
    }
    step("build the page", || {
        run(program(root().join(".tools/bin/trunk"))
            .args(["build", "--offline", "--release"])
            .env("BLOCKVOTE_BUILD", &build)
            // Trunk reads NO_COLOR as a number or a truth value only.
            .env_remove("NO_COLOR"))
    })?;
    step("compress the page", || run(program("node").args(["-e", COMPRESS])))?;
    fs::create_dir_all(root().join("target"))?;
    fs::write(stamp, build)?;
    Ok(())
}

/// Bytes that a browser loads before the first vote, compressed: what the page weighs now, so that it
/// does not grow by accident. The aim is 300,000.
const MAX_PAGE_BYTES: u64 = 592_000;

/// Weighs what the first vote needs: all but the desk of organisers, and the miner, the verifiers, the
/// tools and the service worker, which come later.
pub fn weigh() -> anyhow::Result<()> {
    let mut bytes = 0;
    for entry in fs::read_dir(root().join("dist"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let later = ["miner-", "plain-miner-", "verifier-", "tools-", "desk", "sw."]
            .iter()
            .any(|part| name.starts_with(part));
        if Path::new(&name).extension().is_some_and(|ending| ending == "br") && !later {
            bytes += entry.metadata()?.len();
        }
    }
    println!("the page weighs {bytes} bytes before the first vote, compressed");
    ensure!(bytes <= MAX_PAGE_BYTES, "that is more than {MAX_PAGE_BYTES}");
    Ok(())
}

/// The relay, which holds the page, and the node: nothing that only tests and measurements need.
pub fn programs() -> anyhow::Result<()> {
    step("build the relay and the node", || {
        run(cargo()
            .args(["build", "--package", "blockvote-relay", "--package", "blockvote-node"])
            .arg("--bins"))
    })
}

/// The same, and what makes long chains for tests and measurements.
pub fn programs_and_maker(arguments: &[&str]) -> anyhow::Result<()> {
    step("build the relay, the node and what makes long chains", || {
        run(cargo()
            .args(["build", "--package", "blockvote-relay", "--package", "blockvote-node"])
            .args(["--package", "blockvote-core", "--bins", "--example", "bench"])
            .args(arguments))
    })
}

/// Page and programs, as people run them.
pub fn everything() -> anyhow::Result<()> {
    page()?;
    programs()
}

/// Page and programs for browser tests.
pub fn everything_and_maker() -> anyhow::Result<()> {
    page()?;
    programs_and_maker(&[])
}
