//! The worker that verifies signatures.

fn main() {
    blockvote_web::verifier_worker::run();
}
