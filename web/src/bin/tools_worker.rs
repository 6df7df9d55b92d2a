//! The worker for keys, codes and files.

fn main() {
    blockvote_web::tools_worker::run();
}
