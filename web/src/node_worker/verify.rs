//! Verifying everything again from the first block on, without holding up the worker.

use blockvote_core::{
    header::Height,
    verify::{Outcome, Verifier},
};

use super::{driver::Driver, now};
use crate::{
    messages::{FromNode, VerifyView},
    worker::{breathe, monotonic_ms, post},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;
/// Between two reports to the page.
const REPORT_MS: f64 = 16.0;

/// Verifies the chain as it stands now.
pub async fn run(driver: Driver) {
    // The chain as it stands now: what it switches to meanwhile is another question.
    let (election, blocks) = driver.with_node(|node| {
        let chain = node.chain();
        let heights = (2..=chain.height().0).map(Height);
        let blocks: Vec<_> = heights.filter_map(|height| chain.block_at(height).cloned()).collect();
        (chain.election().clone(), blocks)
    });
    let total = u32::try_from(blocks.len() + 1).unwrap_or(u32::MAX);
    let start = monotonic_ms();
    let mut verifier = Verifier::new(election, now());
    let (mut slice, mut reported) = (start, start);
    for block in blocks {
        if verifier.push(block.to_block()).is_err() {
            break;
        }
        let time = monotonic_ms();
        if time - reported > REPORT_MS {
            reported = time;
            let mut report = verifier.report();
            // Passed so far is not passed.
            for line in report.lines.iter_mut().filter(|line| line.outcome == Outcome::Pass) {
                line.outcome = Outcome::NotReached;
            }
            let took_ms = time - start;
            let view = VerifyView { report, total, done: false, took_ms };
            post(&FromNode::Verify(Box::new(view)));
        }
        if time - slice > SLICE_MS {
            breathe().await;
            slice = monotonic_ms();
        }
    }
    let view = VerifyView {
        report: verifier.report(),
        total,
        done: true,
        took_ms: monotonic_ms() - start,
    };
    post(&FromNode::Verify(Box::new(view)));
}
