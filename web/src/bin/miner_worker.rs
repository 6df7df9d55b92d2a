//! The worker that hashes, four tries at a time.

fn main() {
    blockvote_web::miner_worker::run::<blockvote_core::chain::pow::FourSearch>();
}
