//! Verifying everything from the first block on, without holding up the worker. Signatures are
//! verified beside it, in verifier workers; the blocks are taken in their order.

use std::collections::VecDeque;

use blockvote_core::{
    audit::{archive::Record, complaint::Complaint, verify::Verifier},
    chain::{
        block::{Block, MAX_BLOCK_BYTES},
        unverified_blocks::UnverifiedBlocks,
    },
    election::tally::Tally,
};
use blockvote_words::report::{Ended, WordedReport};

use super::{
    asking::{Question, Reply},
    verifiers::{Verdict, Verifiers},
    views::VerifyView,
    worker::{breathe, monotonic_ms, now},
};

/// Between two looks at other events.
const SLICE_MS: f64 = 25.0;
/// Between two reports to the page.
const REPORT_MS: f64 = 16.0;

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

/// A verification under way, and when whoever asked was last told of it.
pub struct Run<Q: Question<Answer = VerifyView, Progress = VerifyView>> {
    verifier: Verifier,
    verifiers: Verifiers,
    waiting: Vec<Block>,
    weight: usize,
    bytes: usize,
    parts: VecDeque<Part>,
    file: Option<String>,
    reply: Reply<Q>,
    total: f64,
    start: f64,
    slice: f64,
    reported: f64,
}

impl<Q: Question<Answer = VerifyView, Progress = VerifyView>> Run<Q> {
    /// Begins one: of the living chain, or of the file of this name, over so many blocks or bytes.
    pub fn new(file: Option<String>, total: f64, reply: Reply<Q>) -> Self {
        let start = monotonic_ms();
        Self {
            verifier: Verifier::new(now()),
            verifiers: Verifiers::default(),
            waiting: Vec::new(),
            weight: 0,
            bytes: 0,
            parts: VecDeque::new(),
            file,
            reply,
            total,
            start,
            slice: start,
            reported: start,
        }
    }

    /// Puts a complaint, which is judged when everything was read.
    pub fn complain(&mut self, complaint: Option<Complaint>) {
        self.verifier.complain(complaint.into_iter().collect());
    }

    /// Blocks that were verified so far.
    pub fn blocks(&self) -> u32 {
        self.verifier.blocks()
    }

    fn words(&self) -> WordedReport {
        WordedReport::from(&self.verifier.report())
    }

    fn view(&self, report: WordedReport, progress: f64, done: bool) -> VerifyView {
        let (file, total) = (self.file.clone(), self.total);
        let took_ms = monotonic_ms() - self.start;
        VerifyView { report, file, progress, total, done, took_ms }
    }

    /// Verifies a record; says whether to go on.
    pub async fn push(&mut self, record: Record, progress: f64) -> bool {
        if let Record::Block(block) = record {
            self.weight += block.votes.len() + 1;
            self.bytes += block.encoded_len();
            self.waiting.push(block);
            let few = self.weight < TOGETHER && self.bytes < MAX_BLOCK_BYTES;
            return few || (self.begin_part(progress) && self.settle(AT_ONCE - 1).await);
        }
        let good = self.begin_part(progress) && self.settle(0).await && self.verifier.push(record);
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
        let Some(context) = self.verifier.context() else { return false };
        let blocks = UnverifiedBlocks::check(blocks, &context);
        let verdict = self.verifiers.verify(blocks.signatures(&context));
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

    /// Tells whoever asked now and then, and lets other events run.
    async fn report(&mut self, progress: f64) {
        let time = monotonic_ms();
        if time - self.reported > REPORT_MS {
            self.reported = time;
            self.reply.progress(&self.view(unearned(self.words()), progress, false));
        }
        if time - self.slice > SLICE_MS {
            breathe().await;
            self.slice = monotonic_ms();
        }
    }

    /// Verifies what waits, and ends.
    pub async fn end(mut self) {
        if self.begin_part(self.total) {
            self.settle(0).await;
        }
        let view = self.view(self.words(), self.total, true);
        self.reply.end(Ok(view));
    }

    /// The file cannot be read to its end.
    pub async fn broken(mut self, why: &str) {
        if self.begin_part(self.total) && self.settle(0).await {
            self.verifier.broken(why);
        }
        self.end().await;
    }
}

/// Passed so far is not passed, and what is not over has not failed. The count, which can be long, is
/// shown at the end.
fn unearned(mut report: WordedReport) -> WordedReport {
    report.tally = Tally::default();
    report.complaints.clear();
    let open = [Ended::Pass, Ended::Warn, Ended::Fail];
    for line in report.lines.iter_mut().filter(|line| open.contains(&line.outcome)) {
        line.outcome = Ended::NotReached;
    }
    report
}
