//! Simulates difficulty rules: `cargo run --release -p blockvote-core --example difficulty`.
//!
//! Blocks are drawn from an exponential distribution (a seeded one), so a year of mining takes a
//! second. The result and the choice made from it are in `docs/adr/0003-difficulty.md`.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test code breaks off loudly"
)]

use blockvote_core::{
    chain::{
        difficulty::{Demand, Difficulty},
        header::{HEADER_VERSION, Header, Height},
    },
    crypto::hash::{BlockHash, VotesRoot},
    election::definition::ChainParameters,
    time::Timestamp,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

type Rule = fn(&ChainParameters, &Header, Timestamp) -> Demand;

const SPACING: u64 = 10_000;
const FLOOR: u64 = 1 << 16;

/// The candidates: name, damping, longest gap counted, easing after, and the seed of the idea.
const RULES: [(&str, Rule); 5] = [
    ("chosen: 1/8, -1/2, eased after 12", |p, parent, at| parent.demand(at, p)),
    ("1/4, no easing", |p, parent, at| linear(p, parent, at, 4, 4, u64::MAX)),
    ("1/8, no easing", |p, parent, at| linear(p, parent, at, 8, 5, u64::MAX)),
    ("1/32, eased after 12", |p, parent, at| linear(p, parent, at, 32, 5, 12)),
    ("exponential from the gap, no memory of pauses", exponential),
];

fn linear(
    p: &ChainParameters,
    parent: &Header,
    at: Timestamp,
    damping: u64,
    longest: u64,
    eased: u64,
) -> Demand {
    let gap = at.ms_since(parent.timestamp);
    let counted = gap.min(longest * SPACING);
    let factor = u128::from((damping + 1) * SPACING - counted);
    let moved = u128::from(parent.difficulty.0) * factor / u128::from(damping * SPACING);
    let difficulty = u64::try_from(moved).unwrap_or(u64::MAX).max(p.floor());
    let wanted = gap.saturating_sub(eased.saturating_mul(SPACING)) / SPACING;
    let easing = wanted.min((difficulty / p.floor()).ilog2().into());
    Demand { difficulty: Difficulty(difficulty), easing: easing as u8 }
}

/// Difficulty times 2^((spacing - gap) / 6 spacings): the relative form of ASERT.
fn exponential(p: &ChainParameters, parent: &Header, at: Timestamp) -> Demand {
    let gap = at.ms_since(parent.timestamp) as f64;
    let exponent = (SPACING as f64 - gap) / (6.0 * SPACING as f64);
    let moved = parent.difficulty.0 as f64 * exponent.exp2();
    Demand { difficulty: Difficulty((moved as u64).max(p.floor())), easing: 0 }
}

struct Run {
    rule: Rule,
    parent: Header,
    rng: StdRng,
}

impl Run {
    fn new(rule: Rule, seed: u64) -> Self {
        let parent = Header {
            height: Height(1),
            previous: BlockHash([0; 32]),
            votes_root: VotesRoot([0; 32]),
            timestamp: Timestamp(1_800_000_000_000),
            difficulty: Difficulty(FLOOR),
            voters: 0,
            votes: 0,
            nonce: 0,
            version: HEADER_VERSION,
            easing: 0,
        };
        Self { rule, parent, rng: StdRng::seed_from_u64(seed) }
    }

    /// Mines a block that begins at `start`; returns the milliseconds until it was found. The
    /// miner brings its time up to date every second, as the node does.
    fn block(&mut self, start: Timestamp, hashes_per_second: f64) -> u64 {
        let mut now = start;
        loop {
            let demand = (self.rule)(&ChainParameters::default(), &self.parent, now);
            let required = (demand.difficulty.0 >> demand.easing) as f64;
            // Time to success at this difficulty; beyond the second it is drawn anew.
            let draw: f64 = -self.rng.random_range(f64::MIN_POSITIVE..1.0_f64).ln();
            let ms = draw * required / hashes_per_second * 1000.0;
            if ms <= 1000.0 {
                let found = now.plus_ms(ms as u64 + 1);
                self.parent.timestamp = now.max(self.parent.timestamp.plus_ms(1));
                self.parent.difficulty = demand.difficulty;
                self.parent.easing = demand.easing;
                self.parent.timestamp = found;
                return found.ms_since(start);
            }
            now = now.plus_ms(1000);
        }
    }

    fn now(&self) -> Timestamp {
        self.parent.timestamp
    }
}

fn mean(values: &[u64]) -> f64 {
    values.iter().sum::<u64>() as f64 / values.len() as f64 / 1000.0
}

fn main() {
    println!("seconds; blocks wanted every 10 s; floor 2^16\n");
    for (name, rule) in RULES {
        println!("{name}");
        for (title, rate) in [("one tab, 5 MH/s", 5e6), ("200 tabs, 1 GH/s", 1e9)] {
            let mut run = Run::new(rule, 1);
            let mut settled = None;
            let mut times = Vec::new();
            for block in 0..2200 {
                let took = run.block(run.now(), rate);
                if settled.is_none() && run.parent.difficulty.0 as f64 > rate * 7.0 {
                    settled = Some(block);
                }
                if block >= 200 {
                    times.push(took);
                }
            }
            let spread = {
                let m = mean(&times);
                (times.iter().map(|t| (*t as f64 / 1000.0 - m).powi(2)).sum::<f64>()
                    / times.len() as f64)
                    .sqrt()
                    / m
            };
            println!(
                "  {title:<18} mean {:>6.1}, spread {spread:.2} (1 is the best there is), settled after {} blocks",
                mean(&times),
                settled.map_or_else(|| "many".into(), |n| n.to_string())
            );
        }
        let mut run = Run::new(rule, 2);
        for _ in 0..400 {
            run.block(run.now(), 1e9);
        }
        let before = run.parent.difficulty.0;
        let after = run.now().plus_ms(3_600_000);
        let first = run.block(after, 1e9);
        let cheap = (0..200)
            .take_while(|_| {
                run.block(run.now(), 1e9);
                run.parent.difficulty.0 < before / 4
            })
            .count();
        println!(
            "  after a quiet hour: first block in {:.2} s, then {cheap} blocks below a quarter of the price",
            first as f64 / 1000.0
        );
        let mut run = Run::new(rule, 3);
        for _ in 0..400 {
            run.block(run.now(), 1e9);
        }
        let drops: Vec<u64> = (0..12).map(|_| run.block(run.now(), 1e7)).collect();
        let first = drops[0] as f64 / 1000.0;
        let until = drops
            .iter()
            .take_while(|took| **took > 30_000)
            .map(|t| *t as f64 / 1000.0)
            .sum::<f64>();
        println!(
            "  99 of 100 miners leave: first block after {first:.0} s, slow for {until:.0} s\n"
        );
    }
}
