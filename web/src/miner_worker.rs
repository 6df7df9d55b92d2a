//! The miner worker: takes a job, hashes in batches, answers. It knows no chain.

use std::{cell::RefCell, rc::Rc};

use blockvote_core::chain::{header::Header, pow::NonceSearch};
use wasm_bindgen_futures::spawn_local;

use crate::shared::{
    messages::{FromMiner, ToMiner},
    worker::{breathe, listen, monotonic_ms, post},
};

/// Time that a batch aims at: short enough to drop a stale job soon.
const BATCH_MS: f64 = 50.0;
/// Hashes are reported about once a second.
const REPORT_MS: f64 = 1000.0;

struct Work<S> {
    id: u64,
    search: S,
    next: u64,
}

struct State<S> {
    work: Option<Work<S>>,
    running: bool,
}

/// Runs the worker.
pub fn run<S: NonceSearch + 'static>() {
    let state = Rc::new(RefCell::new(State::<S> { work: None, running: false }));
    listen(move |message| match message {
        ToMiner::Job { id, header, start } => {
            let Ok(header) = borsh::from_slice::<Header>(&header) else {
                return;
            };
            let mut shared = state.borrow_mut();
            shared.work = Some(Work { id, search: S::new(&header), next: start });
            if !shared.running {
                shared.running = true;
                spawn_local(hash(Rc::clone(&state)));
            }
        }
        ToMiner::Rest => state.borrow_mut().work = None,
    });
    post(&FromMiner::Ready);
}

async fn hash<S: NonceSearch>(state: Rc<RefCell<State<S>>>) {
    let mut batch = 10_000_u64;
    let (mut hashes, mut reported) = (0_u64, monotonic_ms());
    loop {
        {
            let mut state = state.borrow_mut();
            let Some(work) = state.work.as_mut() else {
                state.running = false;
                break;
            };
            let start = monotonic_ms();
            let found = work.search.run(work.next, batch);
            work.next = work.next.wrapping_add(batch);
            hashes += found.map_or(batch, |_| batch / 2);
            let now = monotonic_ms();
            let scale = (BATCH_MS / (now - start).max(1.0)).clamp(0.5, 2.0);
            batch = ((batch as f64 * scale) as u64).clamp(1_000, 10_000_000);
            if let Some(nonce) = found {
                post(&FromMiner::Found { id: work.id, nonce });
                state.work = None;
            }
            if now - reported >= REPORT_MS || found.is_some() {
                post(&FromMiner::Hashes(u32::try_from(hashes).unwrap_or(u32::MAX)));
                (hashes, reported) = (0, now);
            }
        }
        breathe().await;
    }
}
