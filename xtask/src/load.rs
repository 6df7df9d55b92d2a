//! `cargo xtask load`: the relay under load.

use crate::{
    build, setup,
    step::{cargo, run, step},
};

/// The relay under load, beside nats-server's own WebSocket.
pub fn load(parts: &[&str]) -> anyhow::Result<()> {
    build::page()?;
    setup::nats_server()?;
    build::programs(&["--release"])?;
    step("load", || {
        run(cargo()
            .args(["run", "--quiet", "--release", "--package", "blockvote-relay"])
            .args(["--example", "load", "--"])
            .args(parts))
    })
}
