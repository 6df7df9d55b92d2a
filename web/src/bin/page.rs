//! The page.

fn main() {
    blockvote_web::page::run();
}
