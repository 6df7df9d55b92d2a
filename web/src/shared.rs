//! What the page and its workers share: their messages, asking and answering, starting workers, and
//! what more than one of them needs of the browser.

pub mod asking;
pub mod messages;
pub mod relay;
pub mod store;
pub mod verification;
pub mod verifiers;
pub mod views;
pub mod worker;
