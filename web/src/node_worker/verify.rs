//! Verifying everything from the first block on, without holding up the worker: the living chain,
//! or an audit file from the disk, piece by piece.

use blockvote_core::{
    archive::{ArchiveReader, Record},
    header::Height,
    roll::Roll,
    verify::{Outcome, Report, Verifier},
};
use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{driver::Driver, now};
use crate::{
    messages::{FromNode, VerifyView},
    worker::{breathe, monotonic_ms, post},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;
/// Between two reports to the page.
const REPORT_MS: f64 = 16.0;
/// Bytes of a file read at a time.
const PIECE: f64 = 1_048_576.0;

/// A verification under way, and when the page was last told of it.
struct Run {
    verifier: Verifier,
    file: Option<String>,
    total: f64,
    start: f64,
    slice: f64,
    reported: f64,
}

impl Run {
    fn new(file: Option<String>, total: f64) -> Self {
        let start = monotonic_ms();
        let verifier = Verifier::new(now());
        Self { verifier, file, total, start, slice: start, reported: start }
    }

    fn post(&self, report: Report, progress: f64, done: bool) {
        let (file, total) = (self.file.clone(), self.total);
        let took_ms = monotonic_ms() - self.start;
        let view = VerifyView { report, file, progress, total, done, took_ms };
        post(&FromNode::Verify(Box::new(view)));
    }

    /// Verifies a record; says whether to go on.
    async fn push(&mut self, record: Record, progress: f64) -> bool {
        if !self.verifier.push(record) {
            return false;
        }
        let time = monotonic_ms();
        if time - self.reported > REPORT_MS {
            self.reported = time;
            self.post(unearned(self.verifier.report()), progress, false);
        }
        if time - self.slice > SLICE_MS {
            breathe().await;
            self.slice = monotonic_ms();
        }
        true
    }

    fn end(self) {
        let total = self.total;
        self.post(self.verifier.report(), total, true);
    }

    /// The file cannot be read to its end.
    fn broken(mut self, why: &str) {
        self.verifier.broken(why);
        self.end();
    }
}

/// Passed so far is not passed, and what is not over has not failed.
fn unearned(mut report: Report) -> Report {
    let open = [Outcome::Pass, Outcome::Fail];
    for line in report.lines.iter_mut().filter(|line| open.contains(&line.outcome)) {
        line.outcome = Outcome::NotReached;
    }
    report
}

/// Verifies the chain as it stands now.
pub async fn run(driver: Driver) {
    // The chain as it stands now: what it switches to meanwhile is another question.
    let (setup, blocks, statements) = driver.with_node(|node| {
        let chain = node.chain();
        let heights = (2..=chain.height().0).map(Height);
        let blocks: Vec<_> = heights.filter_map(|height| chain.block_at(height).cloned()).collect();
        (chain.setup().clone(), blocks, node.evidence().all().collect::<Vec<_>>())
    });
    let mut run = Run::new(None, (blocks.len() + 1) as f64);
    let end = Record::End { blocks: u32::try_from(blocks.len()).unwrap_or(u32::MAX) };
    let election = Record::Election(Box::new(setup.election().clone()));
    let pages = setup.roll().into_iter().flat_map(Roll::all_pages).map(Record::RollPage);
    let statements = statements.into_iter().map(Record::Evidence);
    let blocks = blocks.iter().map(|block| Record::Block(block.to_block()));
    let mut records = std::iter::once(election).chain(pages).chain(statements).chain(blocks);
    loop {
        let record = records.next().unwrap_or_else(|| end.clone());
        let last = matches!(record, Record::End { .. });
        let progress = f64::from(run.verifier.blocks());
        if !run.push(record, progress).await || last {
            return run.end();
        }
    }
}

/// Verifies an audit file.
pub async fn file(file: File) {
    let mut run = Run::new(Some(file.name()), file.size());
    let mut reader = ArchiveReader::new();
    let mut at = 0.0;
    while at < file.size() {
        let until = (at + PIECE).min(file.size());
        let piece = match file.slice_with_f64_and_f64(at, until) {
            Ok(piece) => JsFuture::from(piece.array_buffer()).await,
            Err(error) => Err(error),
        };
        let Ok(piece) = piece else {
            return run.broken("the file cannot be read on; was it moved?");
        };
        reader.push(&Uint8Array::new(&piece).to_vec());
        at = until;
        loop {
            match reader.next_record() {
                Ok(Some(record)) => {
                    if !run.push(record, at).await {
                        return run.end();
                    }
                }
                Ok(None) => break,
                Err(error) => return run.broken(&error.to_string()),
            }
        }
    }
    match reader.finish() {
        Ok(()) => run.end(),
        Err(error) => run.broken(&error.to_string()),
    }
}
