//! The worker that holds the chain.

fn main() {
    blockvote_web::node_worker::run();
}
