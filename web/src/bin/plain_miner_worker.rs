//! The worker that hashes one try at a time, for browsers without SIMD.

fn main() {
    blockvote_web::miner_worker::run::<blockvote_core::chain::pow::Search>();
}
