//! `cargo xtask load`: the relay under load.

use anyhow::ensure;

use crate::{
    build, setup,
    step::{cargo, run, step},
};

/// Refuses parts that there are none of, before anything is built.
pub fn known(parts: &[&str], all: &[&str]) -> anyhow::Result<()> {
    for part in parts {
        ensure!(all.contains(part), "there is no part {part}; there are {}", all.join(", "));
    }
    Ok(())
}

const PARTS: [&str; 7] = ["paced", "burst", "stalled", "idle", "churn", "nats", "hour"];

/// The relay under load, beside nats-server's own WebSocket.
pub fn load(parts: &[&str]) -> anyhow::Result<()> {
    known(parts, &PARTS)?;
    build::page()?;
    setup::nats_server()?;
    build::programs_and_maker(&["--release"])?;
    step("load", || {
        run(cargo()
            .args(["run", "--quiet", "--release", "--package", "blockvote-relay"])
            .args(["--example", "load", "--"])
            .args(parts))
    })
}
