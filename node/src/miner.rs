//! Threads that look for nonces.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use blockvote_core::{
    chain::pow::{NonceSearch, Search},
    node::Job,
};

/// Nonces tried before checking whether the job changed: about 10 ms.
const BATCH: u64 = 1 << 17;

#[derive(Default)]
struct Shared {
    job: Mutex<Option<Job>>,
    changed: Condvar,
    /// Rises with each change of the job.
    epoch: AtomicU64,
    /// Next batch of the current job.
    next: AtomicU64,
    /// Hashes computed so far.
    hashes: AtomicU64,
    ended: AtomicBool,
}

/// A group of mining threads that share one job.
#[derive(Clone)]
pub struct Miner {
    shared: Arc<Shared>,
    threads: usize,
}

impl Miner {
    /// Starts the threads; they rest until a job arrives. `found` gets the job's id and the nonce.
    pub fn start(threads: usize, found: impl Fn(u64, u64) + Clone + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        for _ in 0..threads {
            let (shared, found) = (Arc::clone(&shared), found.clone());
            thread::spawn(move || work(&shared, &found));
        }
        Self { shared, threads }
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Hashes computed since the start.
    pub fn hashes(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// Ends the threads.
    pub fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
        self.set(None);
    }

    /// Gives all threads another job; `None` makes them rest.
    pub fn set(&self, job: Option<Job>) {
        let mut current = self.shared.job.lock().unwrap_or_else(PoisonError::into_inner);
        *current = job;
        self.shared.next.store(0, Ordering::Relaxed);
        self.shared.epoch.fetch_add(1, Ordering::Release);
        self.shared.changed.notify_all();
    }
}

fn work(shared: &Shared, found: &impl Fn(u64, u64)) {
    let mut done_epoch = 0;
    loop {
        let (job, epoch) = {
            let mut job = shared.job.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if shared.ended.load(Ordering::Acquire) {
                    return;
                }
                let epoch = shared.epoch.load(Ordering::Acquire);
                match &*job {
                    Some(job) if epoch != done_epoch => break (job.clone(), epoch),
                    _ => job = shared.changed.wait(job).unwrap_or_else(PoisonError::into_inner),
                }
            }
        };
        let mut search = Search::new(&job.header);
        while shared.epoch.load(Ordering::Acquire) == epoch {
            let start = shared.next.fetch_add(BATCH, Ordering::Relaxed);
            let nonce = search.run(start, BATCH);
            shared.hashes.fetch_add(BATCH, Ordering::Relaxed);
            if let Some(nonce) = nonce {
                found(job.id, nonce);
                break;
            }
        }
        done_epoch = epoch;
    }
}
