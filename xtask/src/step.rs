//! Running programs as named, timed steps.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, ensure};

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Cargo, the one that runs this.
pub fn cargo() -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program, run in the project's folder with the project's tools first on the path.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let tools = root().join(".tools");
    let own = [tools.join("npm/node_modules/.bin"), tools.join("bin")];
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = own.into_iter().chain(env::split_paths(&path));
    let mut command = Command::new(name);
    command.current_dir(root());
    if let Ok(path) = env::join_paths(paths) {
        command.env("PATH", path);
    }
    command
}

/// Does something, and says what and how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let result = work().with_context(|| what.to_owned());
    let took = start.elapsed().as_secs_f64();
    match &result {
        Ok(_) if took < 0.05 => {}
        Ok(_) => eprintln!("    {what}: done in {took:.1} s"),
        Err(_) => eprintln!("    {what}: failed after {took:.1} s"),
    }
    result
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status =
        command.status().with_context(|| format!("{shown} cannot be started; is it installed?"))?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}

/// What a program prints, or nothing when it is missing or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
