//! The worker that hashes, four tries at a time.

fn main() {
    blockvote_web::miner::run::<blockvote_core::chain::pow::FourSearch>();
}
