//! The node worker: a thin driver around `core::Node`. It owns the socket, the store and the
//! miners; the page only shows what it says.

mod driver;
mod lock;
mod miners;
mod open;
mod relay;
mod rights;
mod store;
mod tabs;
mod tools;
mod verifiers;
mod verify;
mod views;

use crate::{
    messages::{BUILD, FromNode, ToNode},
    worker,
};

/// Runs the worker.
pub fn run() {
    worker::report_panics(FromNode::Fatal);
    let opening = open::Opening::default();
    worker::listen(move |message: ToNode| opening.hear(message));
    worker::post(&FromNode::Ready { build: BUILD.to_owned() });
}

/// The browser's clock.
fn now() -> blockvote_core::time::Timestamp {
    // Dates are whole milliseconds below 2^53.
    blockvote_core::time::Timestamp(js_sys::Date::now() as u64)
}

/// Random bytes from the browser's cryptographic generator.
fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = worker::scope()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    // Without randomness no key may be made: the worker ends here, and the page says why.
    assert!(filled.is_ok(), "the browser gives no random numbers");
    bytes
}

/// A number for choices among peers and for jitter; nothing secret hangs on it.
fn random() -> f64 {
    js_sys::Math::random()
}
