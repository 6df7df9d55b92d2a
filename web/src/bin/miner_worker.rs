//! The worker that hashes.

fn main() {
    blockvote_web::miner::run();
}
