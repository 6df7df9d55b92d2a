//! Verifying everything from the first block on, without holding up the worker: the living chain,
//! or an audit file from the disk, piece by piece. Signatures are verified beside it, in verifier
//! workers; the blocks are taken in their order.

use std::collections::VecDeque;

use blockvote_core::{
    archive::{ArchiveReader, Record},
    block::{Block, MAX_BLOCK_BYTES, UnverifiedBlocks},
    header::Height,
    roll::Roll,
    verify::{Outcome, Report, Verifier},
};
use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{
    driver::Driver,
    now,
    verifiers::{Verdict, Verifiers},
};
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

/// Votes of blocks whose signatures are verified together, a block counting as one more.
const TOGETHER: usize = 2048;
/// Parts under way, so that no verifier waits for the file.
const AT_ONCE: usize = 2;

/// Blocks whose signatures are being verified, and how far the file or chain is behind them.
struct Part {
    blocks: UnverifiedBlocks,
    verdict: Verdict,
    progress: f64,
}

/// A verification under way, and when the page was last told of it.
struct Run {
    verifier: Verifier,
    verifiers: Verifiers,
    waiting: Vec<Block>,
    weight: usize,
    bytes: usize,
    parts: VecDeque<Part>,
    file: Option<String>,
    total: f64,
    start: f64,
    slice: f64,
    reported: f64,
}

impl Run {
    fn new(file: Option<String>, total: f64) -> Self {
        let start = monotonic_ms();
        Self {
            verifier: Verifier::new(now()),
            verifiers: Verifiers::default(),
            waiting: Vec::new(),
            weight: 0,
            bytes: 0,
            parts: VecDeque::new(),
            file,
            total,
            start,
            slice: start,
            reported: start,
        }
    }

    fn post(&self, report: Report, progress: f64, done: bool) {
        let (file, total) = (self.file.clone(), self.total);
        let took_ms = monotonic_ms() - self.start;
        let view = VerifyView { report, file, progress, total, done, took_ms };
        post(&FromNode::Verify(Box::new(view)));
    }

    /// Verifies a record; says whether to go on.
    async fn push(&mut self, record: Record, progress: f64) -> bool {
        let good = if let Record::Block(block) = record {
            self.weight += block.votes.len() + 1;
            self.bytes += block.encoded_len();
            self.waiting.push(block);
            let few = self.weight < TOGETHER && self.bytes < MAX_BLOCK_BYTES;
            few || (self.begin_part(progress) && self.settle(AT_ONCE - 1).await)
        } else {
            self.begin_part(progress) && self.settle(0).await && self.verifier.push(record)
        };
        if good {
            self.report(progress).await;
        }
        good
    }

    /// Begins to verify the signatures of the blocks that wait; says whether to go on.
    fn begin_part(&mut self, progress: f64) -> bool {
        let blocks = std::mem::take(&mut self.waiting);
        (self.weight, self.bytes) = (0, 0);
        if blocks.is_empty() {
            return true;
        }
        let Some(setup) = self.verifier.setup() else { return false };
        let blocks = UnverifiedBlocks::check(blocks, &setup);
        let verdict = self.verifiers.verify(blocks.signatures(&setup));
        self.parts.push_back(Part { blocks, verdict, progress });
        true
    }

    /// Waits until so few parts are under way; says whether to go on.
    async fn settle(&mut self, left: usize) -> bool {
        while self.parts.len() > left
            && let Some(Part { blocks, verdict, progress }) = self.parts.pop_front()
        {
            for block in blocks.settle(verdict.get().await) {
                if !self.verifier.push_checked(block) {
                    return false;
                }
                self.report(progress).await;
            }
        }
        true
    }

    /// Tells the page now and then, and lets other events run.
    async fn report(&mut self, progress: f64) {
        let time = monotonic_ms();
        if time - self.reported > REPORT_MS {
            self.reported = time;
            self.post(unearned(self.verifier.report()), progress, false);
        }
        if time - self.slice > SLICE_MS {
            breathe().await;
            self.slice = monotonic_ms();
        }
    }

    /// Verifies what waits, and ends.
    async fn end(mut self) {
        if self.begin_part(self.total) {
            self.settle(0).await;
        }
        self.post(self.verifier.report(), self.total, true);
    }

    /// The file cannot be read to its end.
    async fn broken(mut self, why: &str) {
        if self.begin_part(self.total) && self.settle(0).await {
            self.verifier.broken(why);
        }
        self.end().await;
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
            return run.end().await;
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
            return run.broken("the file cannot be read on; was it moved?").await;
        };
        reader.push(&Uint8Array::new(&piece).to_vec());
        at = until;
        loop {
            match reader.next_record() {
                Ok(Some(record)) => {
                    if !run.push(record, at).await {
                        return run.end().await;
                    }
                }
                Ok(None) => break,
                Err(error) => return run.broken(&error.to_string()).await,
            }
        }
    }
    match reader.finish() {
        Ok(()) => run.end().await,
        Err(error) => run.broken(&error.to_string()).await,
    }
}
