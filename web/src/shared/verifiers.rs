//! The verifier workers: signatures of many votes, verified beside the node.
//!
//! Each worker has one part at a time. They are started when there is work, and end when there has
//! been none for a while: waiting they would only take memory. Where one fails, the worker that
//! asked verifies by itself for some minutes.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use blockvote_core::election::vote::{VoteSignature, verify_signatures};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::{callback::Timeout, future::TimeoutFuture};

use super::{
    messages::{BUILD, FromVerifier, ToVerifier},
    worker::{Child, log, monotonic_ms, scope},
};

/// So few signatures take less time than the way to a worker and back.
const FEW: usize = 64;
/// Longer than a download pauses between two pages; starting again takes a tenth of a second.
const IDLE_MS: u32 = 5_000;
/// After one failed, this worker verifies by itself for so long: the relay that serves the page may
/// have been away.
const BROKEN_MS: f64 = 300_000.0;
/// After so long without an answer a worker is given up: a part takes a second or two where it is
/// slow.
const PATIENCE_MS: u32 = 30_000;
const OTHER_BUILD: &str = "it is of another build";
/// The rest of the processors is the user's.
const MAX_WORKERS: usize = 4;

/// Signatures that one worker verifies; answered with the first that does not hold.
struct Part {
    signatures: Vec<u8>,
    answer: oneshot::Sender<Option<usize>>,
}

struct Worker {
    child: Child,
    /// Messages before its `Ready` would be lost.
    ready: bool,
    at_work: Option<oneshot::Sender<Option<usize>>>,
}

#[derive(Default)]
struct Group {
    workers: Vec<Worker>,
    waiting: VecDeque<Part>,
    /// One could not be run: until then there are none.
    broken_until: f64,
    resting: Option<Timeout>,
}

impl Group {
    /// Gives every worker that has nothing to do a part.
    fn give(&mut self) {
        for worker in &mut self.workers {
            if worker.ready
                && worker.at_work.is_none()
                && let Some(Part { signatures, answer }) = self.waiting.pop_front()
            {
                worker.child.send(&ToVerifier(signatures));
                worker.at_work = Some(answer);
            }
        }
    }

    fn is_broken(&self) -> bool {
        monotonic_ms() < self.broken_until
    }

    /// Gives up on workers. Whoever waits for one sees that it is not answered.
    fn fail(&mut self, why: &str) {
        log(&format!("a verifier worker: {why}"));
        self.broken_until = monotonic_ms() + BROKEN_MS;
        self.waiting.clear();
        self.workers.iter_mut().for_each(|worker| worker.at_work = None);
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.workers.iter().all(|worker| worker.at_work.is_none())
    }
}

/// A group of verifier workers.
#[derive(Clone, Default)]
pub struct Verifiers(Rc<RefCell<Group>>);

/// A verdict under way.
pub struct Verdict {
    signatures: Vec<VoteSignature>,
    /// What of them stands in each part; no parts where this worker verifies by itself.
    size: usize,
    parts: Vec<oneshot::Receiver<Option<usize>>>,
    verifiers: Verifiers,
}

impl Verdict {
    /// Waits for the verdict of [`verify_signatures`].
    ///
    /// # Errors
    /// The index of the first signature that does not hold.
    pub async fn get(self) -> Result<(), usize> {
        if self.parts.is_empty() {
            return verify_signatures(&self.signatures);
        }
        let first = (0..).step_by(self.size);
        for ((part, first), signatures) in
            self.parts.into_iter().zip(first).zip(self.signatures.chunks(self.size))
        {
            let verdict = match select(part, TimeoutFuture::new(PATIENCE_MS)).await {
                Either::Left((Ok(offender), _)) => offender.map_or(Ok(()), Err),
                Either::Left((Err(oneshot::Canceled), _)) => verify_signatures(signatures),
                // One whose WebAssembly never comes says nothing.
                Either::Right(_) => {
                    let mut group = self.verifiers.0.borrow_mut();
                    group.fail("it does not answer");
                    group.workers.clear();
                    verify_signatures(signatures)
                }
            };
            verdict.map_err(|index| first + index)?;
        }
        Ok(())
    }
}

impl Verifiers {
    /// Has signatures verified. The work begins now, the verdict can be waited for later.
    pub fn verify(&self, signatures: Vec<VoteSignature>) -> Verdict {
        let count = scope().navigator().hardware_concurrency().max(1.0) as usize;
        let count = count.min(MAX_WORKERS);
        if signatures.len() > FEW {
            self.start(count);
        }
        let mut group = self.0.borrow_mut();
        let verifiers = self.clone();
        if group.is_broken() || group.workers.is_empty() || signatures.len() <= FEW {
            return Verdict { signatures, size: 1, parts: Vec::new(), verifiers };
        }
        let size = signatures.len().div_ceil(count).max(FEW);
        let mut parts = Vec::new();
        for part in signatures.chunks(size) {
            let (answer, receiver) = oneshot::channel();
            parts.push(receiver);
            let signatures = borsh::to_vec(part).unwrap_or_default();
            group.waiting.push_back(Part { signatures, answer });
        }
        group.give();
        Verdict { signatures, size, parts, verifiers }
    }

    /// Starts workers where there are none.
    fn start(&self, count: usize) {
        let mut group = self.0.borrow_mut();
        group.resting = None;
        if group.is_broken() || !group.workers.is_empty() {
            return;
        }
        for number in 0..count {
            let owner = Rc::downgrade(&self.0);
            match Child::spawn("verifier-worker", move |heard| hear(&owner, number, heard)) {
                Ok(child) => group.workers.push(Worker { child, ready: false, at_work: None }),
                Err(_) => return log("the browser refused a verifier worker"),
            }
        }
    }
}

fn hear(group: &Weak<RefCell<Group>>, number: usize, heard: Result<FromVerifier, String>) {
    let Some(shared) = group.upgrade() else { return };
    let mut group = shared.borrow_mut();
    match heard {
        Ok(FromVerifier::Ready { build }) if build != BUILD => group.fail(OTHER_BUILD),
        Ok(FromVerifier::Ready { .. }) => {
            if let Some(worker) = group.workers.get_mut(number) {
                worker.ready = true;
            }
        }
        Ok(FromVerifier::Verified(offender)) => {
            let answer = group.workers.get_mut(number).and_then(|worker| worker.at_work.take());
            if let Some(answer) = answer {
                let _ = answer.send(offender);
            }
        }
        Ok(FromVerifier::Unreadable) => group.fail(OTHER_BUILD),
        Err(error) => group.fail(&error),
    }
    group.give();
    if group.is_idle() {
        let owner = Rc::downgrade(&shared);
        let wait = if group.is_broken() { 0 } else { IDLE_MS };
        group.resting = Some(Timeout::new(wait, move || rest(&owner)));
    }
}

/// Ends the workers.
fn rest(group: &Weak<RefCell<Group>>) {
    let Some(group) = group.upgrade() else { return };
    let mut group = group.borrow_mut();
    if let Some(timeout) = group.resting.take() {
        // It is running.
        timeout.forget();
    }
    group.workers.clear();
}
