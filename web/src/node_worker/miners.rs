//! The miner workers: as many as wanted, all on one job.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use blockvote_core::node::Job;

use crate::shared::{
    messages::{FromMiner, ToMiner},
    worker::{Child, log, monotonic_ms},
};

/// A WebAssembly module with one function, of type 0 (nothing to v128): i32.const 0, i8x16.splat. It
/// is valid where the browser has SIMD.
const SIMD_MODULE: [u8; 29] = [
    0, b'a', b's', b'm', 1, 0, 0, 0, // version 1
    1, 5, 1, 0x60, 0, 1, 0x7b, // types
    3, 2, 1, 0, // functions
    10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b, // code
];
/// The hash rate is the mean over this time.
const RATE_OVER_MS: f64 = 5_000.0;
/// A worker that is not ready after this time, or this long after it broke, is started again: the relay
/// that serves the page may have been away.
const READY_WITHIN_MS: f64 = 10_000.0;

type Found = Rc<dyn Fn(u64, u64)>;

struct Worker {
    child: Child,
    /// Messages before its `Ready` would be lost.
    ready: bool,
    /// When it was started, or broke.
    since: f64,
}

#[derive(Default)]
struct Group {
    workers: Vec<Worker>,
    job: Option<Job>,
    /// Gets the job and the nonce that was found for it.
    found: Option<Found>,
    /// Hashes, and when they were reported.
    reports: VecDeque<(f64, u32)>,
}

impl Group {
    fn send(&self, number: usize) {
        let Some(worker) = self.workers.get(number).filter(|worker| worker.ready) else {
            return;
        };
        worker.child.send(&match &self.job {
            None => ToMiner::Rest,
            Some(job) => ToMiner::Job {
                id: job.id,
                header: job.header.encode().to_vec(),
                // Ranges that never meet, within what JavaScript counts exactly.
                start: (number as u64) << 44,
            },
        });
    }
}

/// A group of miners.
#[derive(Default)]
pub struct Miners(Rc<RefCell<Group>>);

fn has_simd() -> bool {
    let module = js_sys::Uint8Array::from(SIMD_MODULE.as_slice());
    js_sys::WebAssembly::validate(&module).unwrap_or(false)
}

fn hear(
    group: &Weak<RefCell<Group>>,
    number: usize,
    heard: Result<FromMiner, String>,
    found: &dyn Fn(u64, u64),
) {
    let Some(group) = group.upgrade() else { return };
    match heard {
        Ok(FromMiner::Ready) => {
            if let Some(worker) = group.borrow_mut().workers.get_mut(number) {
                worker.ready = true;
            }
            group.borrow().send(number);
        }
        Ok(FromMiner::Found { id, nonce }) => found(id, nonce),
        Ok(FromMiner::Hashes(hashes)) => {
            group.borrow_mut().reports.push_back((monotonic_ms(), hashes));
        }
        Err(error) => {
            log(&format!("a miner worker: {error}"));
            if let Some(worker) = group.borrow_mut().workers.get_mut(number) {
                (worker.ready, worker.since) = (false, monotonic_ms());
            }
        }
    }
}

impl Miners {
    /// Has this many workers; new ones begin with the current job. `found` gets job and nonce.
    pub fn resize(&self, count: usize, found: &Found) {
        let first = {
            let mut group = self.0.borrow_mut();
            group.found = Some(Rc::clone(found));
            group.workers.truncate(count);
            group.workers.len()
        };
        for number in first..count {
            match self.start(number) {
                Some(worker) => self.0.borrow_mut().workers.push(worker),
                None => return log("the browser refused a miner worker"),
            }
        }
    }

    fn start(&self, number: usize) -> Option<Worker> {
        let name = if has_simd() { "miner-worker" } else { "plain-miner-worker" };
        let (group, found) = (Rc::downgrade(&self.0), self.0.borrow().found.clone()?);
        let child = Child::spawn(name, move |heard| hear(&group, number, heard, &*found));
        Some(Worker { child: child.ok()?, ready: false, since: monotonic_ms() })
    }

    /// Starts workers again that did not get ready in time, or broke.
    pub fn check(&self) {
        let now = monotonic_ms();
        let count = self.0.borrow().workers.len();
        for number in 0..count {
            let late = self
                .0
                .borrow()
                .workers
                .get(number)
                .is_some_and(|worker| !worker.ready && now - worker.since > READY_WITHIN_MS);
            if late && let Some(worker) = self.start(number) {
                self.0.borrow_mut().workers[number] = worker;
            }
        }
    }

    /// Gives everybody a job, or rest.
    pub fn set(&self, job: Option<Job>) {
        self.0.borrow_mut().job = job;
        let group = self.0.borrow();
        for number in 0..group.workers.len() {
            group.send(number);
        }
    }

    /// Whether there is a job and somebody to do it.
    pub fn is_active(&self) -> bool {
        let group = self.0.borrow();
        group.job.is_some() && group.workers.iter().any(|worker| worker.ready)
    }

    /// Hashes a second over the last seconds.
    pub fn rate(&self) -> f64 {
        let now = monotonic_ms();
        let reports = &mut self.0.borrow_mut().reports;
        while reports.front().is_some_and(|(at, _)| now - at > RATE_OVER_MS) {
            reports.pop_front();
        }
        let hashes: f64 = reports.iter().map(|(_, hashes)| f64::from(*hashes)).sum();
        hashes / (RATE_OVER_MS / 1000.0)
    }
}
