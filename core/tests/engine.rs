//! Figures of a browser's engine: `cargo xtask bench engine`. Not tests: nothing here runs with
//! them.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use blockvote_core::testkit::talks::{self, Cost};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

#[wasm_bindgen_test]
#[ignore = "a figure, not a test"]
fn compared() {
    let Cost { bytes, busy_ms: [one, other], .. } = talks::comparison(&js_sys::Date::now);
    console_log!(
        "100,000 votes compared, ten more on each side: {bytes} bytes, {one:.0} ms on the one, {other:.0} ms on the other"
    );
}

#[wasm_bindgen_test]
#[ignore = "a figure, not a test"]
fn switched() {
    let Cost { bytes, busy_ms: [ours, _], signatures } = talks::switch(&js_sys::Date::now);
    console_log!(
        "13 blocks of 5,000 signed votes that are here, and one more: fetched and followed in {ours:.0} ms, {bytes} bytes, {signatures} signatures verified"
    );
}
