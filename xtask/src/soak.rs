//! `cargo xtask soak`: what takes too long for every change.

use crate::{
    build, fuzz, load, setup,
    step::{cargo, run, step},
    test,
};

/// Seeds of the simulation, in times of what the tests take.
const SEEDS_TIMES: &str = "6";
/// Votes of the chain that a tab joins.
const VOTES: u32 = 100_000;

/// All of it: about half an hour on two cores.
pub fn soak() -> anyhow::Result<()> {
    // An hour of tabs that come and go, compressed; nothing may be left behind.
    load::load(&["hour"])?;
    step("simulated networks, six times as many as in the tests", || {
        run(cargo()
            .args(["test", "--package", "blockvote-core", "--test", "simulation"])
            .env("SEEDS_TIMES", SEEDS_TIMES))
    })?;
    fuzz::fuzz(None)?;
    test::long_chain_in_a_tab(VOTES)?;
    // Last, because it needs root.
    setup::nats_server()?;
    build::programs_and_maker(&[])?;
    step("pull links between network namespaces (needs root)", || {
        run(cargo()
            .args(["test", "--package", "blockvote-node", "--test", "partition"])
            .env("BLOCKVOTE_NAMESPACES", "1"))
    })
}
