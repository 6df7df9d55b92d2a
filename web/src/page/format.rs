//! Numbers and times for people.

use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;

/// 4211 as 4,211.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 vote", "2 votes".
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// "1 peer says", "2 peers say".
pub fn peers_say(number: u32) -> String {
    plural(number.into(), "peer says", "peers say")
}

/// First 8 and last 4 digits of a hash.
pub fn short(hash: &str) -> String {
    match (hash.get(..8), hash.get(hash.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if hash.len() > 16 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}

/// Date and time in the reader's own way of writing them.
pub fn time(ms: f64) -> String {
    if ms < 1.0 {
        return "no time".into();
    }
    let options = Object::new();
    for (name, value) in [("dateStyle", "medium"), ("timeStyle", "medium")] {
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    let date = Date::new(&JsValue::from_f64(ms));
    date.to_locale_string("en-GB", &options).into()
}

/// The browser's time zone, as in "Europe/Vienna".
pub fn time_zone() -> String {
    let options =
        js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &Object::new()).resolved_options();
    let zone = Reflect::get(&options, &"timeZone".into()).ok().and_then(|zone| zone.as_string());
    zone.unwrap_or_else(|| "your time zone".into())
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

/// "in 3 days", "2 minutes ago".
pub fn relative(ms: f64) -> String {
    let from_now = ms - Date::now();
    let span = span(from_now.abs());
    if from_now >= 0.0 { format!("in {span}") } else { format!("{span} ago") }
}

/// "3 days", "2 minutes".
pub fn span(ms: f64) -> String {
    let (number, unit) = match (ms / 1000.0).max(0.0) {
        s if s < 90.0 => (s, "second"),
        s if s < 5_400.0 => (s / 60.0, "minute"),
        s if s < 129_600.0 => (s / 3_600.0, "hour"),
        s => (s / 86_400.0, "day"),
    };
    let number = number.round() as u64;
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// 12 345 678 hashes a second as 12.3 MH/s.
pub fn hash_rate(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.1} MH/s", r / 1e6),
        r if r >= 1e3 => format!("{:.0} kH/s", r / 1e3),
        r => format!("{r:.0} H/s"),
    }
}

/// "40 ms", "2.4 s".
pub fn seconds(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
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
