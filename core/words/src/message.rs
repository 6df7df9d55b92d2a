//! Sentences for people, as messages: which one, and what is filled in. They are written where people
//! read them, in the reader's language; until then they travel as they are.
//!
//! The sentences are in `messages/en.ftl`, in Fluent's syntax, which translators have tools for. The
//! build compiles them: [`say`] has a function for each, and [`ENGLISH`] is the table for
//! [`Language`]. In the table, `\u{1}` and a letter are a value; `\u{2}` and a letter select by it:
//! keys and patterns follow, ended by `\u{3}` and `\u{4}`, the default first, and `\u{5}` ends it.

use serde::{Deserialize, Serialize};

/// A sentence: its number in the table, and what is filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    number: u16,
    values: Vec<Value>,
}

impl Message {
    /// The sentence of this number.
    fn new(number: u16, values: Vec<Value>) -> Self {
        Self { number, values }
    }
}

/// What is filled into a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Text that other people wrote, or that needs no language.
    Text(String),
    /// So many of something.
    Count(u64),
    /// A number with one decimal.
    Decimal(f64),
    /// A time, in milliseconds since 1970.
    Time(f64),
    /// A time from now, as in "in 3 days": in milliseconds, before now where it is negative.
    FromNow(f64),
    /// Names in a row.
    List(Vec<String>),
    /// Another sentence.
    Message(Box<Message>),
    /// A place that the writer fills, such as a link: its number.
    Slot(u8),
}

macro_rules! from {
    ($($from:ty => $value:ident($made:expr);)*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$value($made(value))
            }
        })*
    };
}
from! {
    &str => Text(str::to_owned);
    &String => Text(String::clone);
    String => Text(std::convert::identity);
    u64 => Count(std::convert::identity);
    u32 => Count(u64::from);
    usize => Count(|count| count as u64);
    Vec<String> => List(std::convert::identity);
    Message => Message(Box::new);
}

/// How a language writes what is filled in.
pub trait Locale {
    /// A count, with its thousands apart.
    fn count(&self, count: u64) -> String;
    /// A number with one decimal.
    fn decimal(&self, number: f64) -> String;
    /// Date and time, of milliseconds since 1970.
    fn time(&self, time: f64) -> String;
    /// A time from now.
    fn away(&self, span: f64) -> String;
    /// Names in a row.
    fn list(&self, names: &[String]) -> String;
    /// The plural category of a count, as CLDR names it: `one`, `other` and so on.
    fn plural(&self, count: u64) -> String;
}

/// The table of English.
pub const ENGLISH: &str = include_str!(concat!(env!("OUT_DIR"), "/en.txt"));

/// What a [`Value::Slot`] is written as: this character and those after it.
pub const FIRST_SLOT: u32 = 0xe000;

/// A language that sentences are written in.
pub struct Language<L> {
    messages: Vec<&'static str>,
    locale: L,
}

impl<L: Locale> Language<L> {
    /// The language of this table.
    pub fn new(table: &'static str, locale: L) -> Self {
        Self { messages: table.split('\u{1e}').collect(), locale }
    }

    /// The sentence in this language.
    pub fn write(&self, message: &Message) -> String {
        let pattern = self.messages.get(usize::from(message.number)).copied().unwrap_or_default();
        let mut text = String::new();
        self.pattern(pattern, &message.values, &mut text);
        text
    }

    /// A number by itself.
    pub fn count(&self, number: u64) -> String {
        self.locale.count(number)
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Count(count) => self.locale.count(*count),
            Value::Decimal(number) => self.locale.decimal(*number),
            Value::Time(time) => self.locale.time(*time),
            Value::FromNow(span) => self.locale.away(*span),
            Value::List(names) => self.locale.list(names),
            Value::Message(message) => self.write(message),
            Value::Slot(number) => char::from_u32(FIRST_SLOT + u32::from(*number))
                .map(String::from)
                .unwrap_or_default(),
        }
    }

    /// Writes a pattern up to its end; returns what is behind it.
    fn pattern<'a>(&self, pattern: &'a str, values: &[Value], text: &mut String) -> &'a str {
        let mut rest = pattern;
        loop {
            let Some(at) = rest.find(['\u{1}', '\u{2}', '\u{4}']) else {
                text.push_str(rest);
                return "";
            };
            text.push_str(&rest[..at]);
            let mut marks = rest[at..].chars();
            let mark = marks.next();
            if mark == Some('\u{4}') {
                return marks.as_str();
            }
            let letter = marks.next().map_or(0, u32::from);
            let value = values.get(letter.wrapping_sub(u32::from('a')) as usize);
            rest = marks.as_str();
            if mark == Some('\u{1}') {
                text.push_str(&value.map(|value| self.value(value)).unwrap_or_default());
            } else {
                rest = self.select(rest, value, values, text);
            }
        }
    }

    /// Writes the variant that fits, or the first; returns what is behind all.
    fn select<'a>(
        &self,
        variants: &'a str,
        by: Option<&Value>,
        values: &[Value],
        text: &mut String,
    ) -> &'a str {
        let keys = match by {
            Some(Value::Count(count)) => [count.to_string(), self.locale.plural(*count)],
            Some(Value::Text(text)) => [text.clone(), String::new()],
            _ => [String::new(), String::new()],
        };
        let (mut rest, mut written) = (variants, [None, None, None]);
        while let Some((key, pattern)) =
            rest.strip_prefix('\u{5}').map_or_else(|| rest.split_once('\u{3}'), |_| None)
        {
            let mut variant = String::new();
            rest = self.pattern(pattern, values, &mut variant);
            let rank = keys.iter().position(|wanted| wanted == key).unwrap_or(2);
            written[rank].get_or_insert(variant);
        }
        text.push_str(&written.into_iter().flatten().next().unwrap_or_default());
        rest.strip_prefix('\u{5}').unwrap_or(rest)
    }
}

/// A function for each sentence.
pub mod say {
    use super::{Message, Value};

    include!(concat!(env!("OUT_DIR"), "/say.rs"));
}
