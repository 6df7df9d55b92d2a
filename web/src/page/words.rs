//! Sentences in the reader's language; numbers, dates and lists as the browser writes them.

use blockvote_words::message::{ENGLISH, FIRST_SLOT, Language, Locale, Message, Value, say};
use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use yew::prelude::*;

/// English as it is written where this page was made: dates begin with the day.
const TAG: &str = "en-GB";

/// What the browser knows of a language.
struct Browser {
    count: Function,
    decimal: Function,
    plural: Intl::PluralRules,
    list: Option<Function>,
}

/// The method of an object of `Intl`, bound to it.
fn format_of(kind: &str, options: &[(&str, JsValue)]) -> Option<Function> {
    let settings = Object::new();
    for (name, value) in options {
        let _ = Reflect::set(&settings, &(*name).into(), value);
    }
    let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let kind: Function = Reflect::get(&intl, &kind.into()).ok()?.dyn_into().ok()?;
    let made = Reflect::construct(&kind, &Array::of2(&TAG.into(), &settings)).ok()?;
    let format: Function = Reflect::get(&made, &"format".into()).ok()?.dyn_into().ok()?;
    Some(format.bind0(&made))
}

impl Browser {
    fn new() -> Self {
        let number = |options: &[_]| {
            format_of("NumberFormat", options).unwrap_or_else(|| Function::new_no_args(""))
        };
        Self {
            count: number(&[]),
            decimal: number(&[
                ("minimumFractionDigits", 1.into()),
                ("maximumFractionDigits", 1.into()),
            ]),
            plural: Intl::PluralRules::new(&Array::of1(&TAG.into()), &Object::new()),
            // Missing in browsers of 2020.
            list: format_of("ListFormat", &[]),
        }
    }
}

fn written(format: &Function, what: &JsValue) -> String {
    let text = format.call1(&JsValue::NULL, what).ok().and_then(|text| text.as_string());
    text.unwrap_or_default()
}

impl Locale for Browser {
    fn count(&self, count: u64) -> String {
        written(&self.count, &JsValue::from_f64(count as f64))
    }

    fn decimal(&self, number: f64) -> String {
        written(&self.decimal, &JsValue::from_f64(number))
    }

    fn time(&self, time: f64) -> String {
        if time < 1.0 {
            return t(say::no_time());
        }
        let options = Object::new();
        for (name, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
            let _ = Reflect::set(&options, &name.into(), &value.into());
        }
        Date::new(&JsValue::from_f64(time)).to_locale_string(TAG, &options).into()
    }

    fn away(&self, span: f64) -> String {
        let words = t(span_of(span.abs()));
        t(if span >= 0.0 { say::in_span(words) } else { say::ago_span(words) })
    }

    fn list(&self, names: &[String]) -> String {
        let Some(format) = &self.list else { return names.join(", ") };
        written(format, &names.iter().map(JsValue::from).collect::<Array>())
    }

    fn plural(&self, count: u64) -> String {
        self.plural.select(count as f64).into()
    }
}

thread_local! {
    static LANGUAGE: Language<Browser> = Language::new(ENGLISH, Browser::new());
}

/// A sentence, in words.
#[expect(clippy::needless_pass_by_value, reason = "a sentence is made to be said")]
pub fn t(message: Message) -> String {
    LANGUAGE.with(|language| language.write(&message))
}

/// A sentence with parts that are more than text, such as a command: each at its [`Value::Slot`].
pub fn t_with(message: Message, parts: &[Html]) -> Html {
    let text = t(message);
    let slot = |letter: char| parts.get(u32::from(letter).wrapping_sub(FIRST_SLOT) as usize);
    let mut html: Vec<Html> = Vec::new();
    let mut rest = &text[..];
    while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| slot(*letter).is_some()) {
        html.push(rest[..at].to_owned().into());
        html.extend(slot(letter).cloned());
        rest = &rest[at + letter.len_utf8()..];
    }
    html.push(rest.to_owned().into());
    html.into_iter().collect()
}

/// A number, as in a table.
pub fn count(number: u64) -> String {
    LANGUAGE.with(|language| language.count(number))
}

/// A time to fill in, of milliseconds since 1970.
pub fn time(ms: f64) -> Value {
    Value::Time(ms)
}

/// How far from now a time is, to fill in.
pub fn from_now(ms: f64) -> Value {
    Value::FromNow(ms - Date::now())
}

/// "3 days", "2 minutes".
pub fn span_of(ms: f64) -> Message {
    let round = |number: f64| number.round() as u64;
    match (ms / 1000.0).max(0.0) {
        s if s < 90.0 => say::seconds(round(s)),
        s if s < 5_400.0 => say::minutes(round(s / 60.0)),
        s if s < 129_600.0 => say::hours(round(s / 3_600.0)),
        s => say::days(round(s / 86_400.0)),
    }
}
