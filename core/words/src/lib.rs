//! The words for what the core finds, in English: every error and every line of a report, made in one
//! place that page and command line both use.
//!
//! The core answers with types, and its errors have no text: what is shown to people goes through
//! [`Words`]. A new variant does not compile until it has its words here.

// A new error must get its words.
#![deny(clippy::wildcard_enum_match_arm)]

mod audit;
mod chain;
mod crypto;
pub mod custody;
pub mod election;
pub mod message;
mod node;
pub mod report;
pub mod standing;
mod wire;

/// So many of something, such as "1 vote" or "2 votes".
pub fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What is said of something to people.
pub trait Words {
    /// One sentence, or the part of one that names what was wrong: without a capital letter and a full
    /// stop, so that it can stand behind a colon.
    fn words(&self) -> String;
}

/// An error of the core on its way to people.
pub trait InWords<T> {
    /// The same, with words in place of the error.
    ///
    /// # Errors
    /// [`Said`], where there was an error.
    fn in_words(self) -> Result<T, Said>;
}

/// The words of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub String);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

impl<T, E: Words> InWords<T> for Result<T, E> {
    fn in_words(self) -> Result<T, Said> {
        self.map_err(|error| Said(error.words()))
    }
}
