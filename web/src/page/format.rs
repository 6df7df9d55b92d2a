//! Numbers and times for people.

use blockvote_words::message::{Message, Value, say};
use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;

use super::words::t;

/// First 8 and last 4 digits of a hash.
pub fn short(hash: &str) -> String {
    match (hash.get(..8), hash.get(hash.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if hash.len() > 16 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}

/// The browser's time zone, as in "Europe/Vienna".
pub fn time_zone() -> String {
    let options =
        js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &Object::new()).resolved_options();
    let zone = Reflect::get(&options, &"timeZone".into()).ok().and_then(|zone| zone.as_string());
    zone.unwrap_or_else(|| t(say::your_time_zone()))
}

/// A time as a field of the kind `datetime-local` holds it, in the browser's time zone.
pub fn to_field(ms: f64) -> String {
    let date = Date::new(&JsValue::from_f64(ms));
    let two = |number: u32| format!("{number:0>2}");
    format!(
        "{:0>4}-{}-{}T{}:{}",
        date.get_full_year(),
        two(date.get_month() + 1),
        two(date.get_date()),
        two(date.get_hours()),
        two(date.get_minutes())
    )
}

/// The time in such a field.
pub fn from_field(text: &str) -> Option<u64> {
    // A date without a time zone is read in the browser's own.
    let ms = Date::parse(text);
    (ms.is_finite() && ms >= 0.0).then_some(ms as u64)
}

/// 12 345 678 hashes a second as 12.3 MH/s.
pub fn hash_rate(rate: f64) -> Message {
    match rate {
        r if r >= 1e6 => say::rate_mega(Value::Decimal(r / 1e6)),
        r if r >= 1e3 => say::rate_kilo((r / 1e3) as u64),
        r => say::rate(r as u64),
    }
}

/// "40 ms", "2.4 s".
pub fn seconds(ms: f64) -> Message {
    if ms < 1000.0 { say::took_ms(ms as u64) } else { say::took_s(Value::Decimal(ms / 1000.0)) }
}

/// What an election's audit file is called when it is downloaded.
pub fn audit_file(election: &str) -> String {
    format!("{}.blockvote", election.get(..8).unwrap_or("chain"))
}

/// With a capital letter, to begin a sentence.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
