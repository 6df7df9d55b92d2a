//! The page with all screens, the organiser's too.

fn main() {
    blockvote_web::page::run_desk();
}
