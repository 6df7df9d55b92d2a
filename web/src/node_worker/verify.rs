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
    let (election, total) =
        driver.with_node(|node| (node.chain().election().clone(), node.chain().height()));
    let start = monotonic_ms();
    let mut verifier = Verifier::new(election, now());
    let (mut slice, mut reported) = (start, start);
    let mut height = Height::FIRST;
    while height < total {
        height = height.next();
        // Cloned block by block: the chain may switch while this runs; what is found then is that
        // the blocks do not follow each other, and the page says so.
        let block = driver.with_node(|node| node.chain().block_at(height).map(|b| b.to_block()));
        let Some(block) = block else { break };
        if verifier.push(block).is_err() {
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
            let view = VerifyView { report, total: total.0, done: false, took_ms };
            post(&FromNode::Verify(Box::new(view)));
        }
        if time - slice > SLICE_MS {
            breathe().await;
            slice = monotonic_ms();
        }
    }
    let view = VerifyView {
        report: verifier.report(),
        total: total.0,
        done: true,
        took_ms: monotonic_ms() - start,
    };
    post(&FromNode::Verify(Box::new(view)));
}
