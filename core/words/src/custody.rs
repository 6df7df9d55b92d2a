//! Codes, key files, lists of voters, organiser's files.

use blockvote_core::{
    custody::{
        keyfile::KeyFileError,
        organiser::{DraftProblem, OrganiserError, OrganiserFilePart},
        voter_list::{LineError, VotersError},
        voting_code::{CodeError, SYMBOLS},
    },
    election::{ballot::BallotError, definition::ElectionError, roll::MAX_ROLL},
};

use crate::Words;

impl Words for CodeError {
    fn words(&self) -> String {
        match self {
            Self::Character(what) => format!(
                "a voting code has no {what:?}: it is made of digits and letters without I, L, O and U"
            ),
            Self::Length(found) => format!(
                "a voting code has {SYMBOLS} letters and digits in groups of four; this one has {found}"
            ),
            Self::Typo(group) => format!("there is a typo in the code{}", place(*group)),
        }
    }
}

impl Words for KeyFileError {
    fn words(&self) -> String {
        match self {
            Self::Format => "this is not a Blockvote key file".into(),
            Self::Public(error) => format!("the key file is damaged: {}", error.words()),
            Self::Secret => {
                "the key file is damaged: its secret is not the one of its public key".into()
            }
            Self::Locked => "the key is locked with a passphrase".into(),
            Self::Unlock(error) => error.words(),
        }
    }
}

impl Words for VotersError {
    fn words(&self) -> String {
        match self {
            Self::Empty => "the list holds no voter: it needs one in each line".into(),
            Self::TooMany => format!(
                "the list has more than {MAX_ROLL} voters, which is the most a voter roll can hold"
            ),
            Self::Line { line, what } => format!("line {line} cannot be read: {}", what.words()),
            Self::Twice { line, earlier, words } => {
                format!("line {line} is the same as line {earlier}: {:?}", cut(words))
            }
            Self::NoKey { line } => {
                format!("line {line} holds no public key; one begins with bvk1")
            }
            Self::Key { line, error } => format!("line {line}: {}", error.words()),
        }
    }
}

impl Words for OrganiserError {
    fn words(&self) -> String {
        match self {
            Self::Format => "this is not a Blockvote organiser's file".into(),
            Self::Damaged(what) => format!("the organiser's file is damaged: {}", what.words()),
            Self::Voters(error) => format!("the list of voters: {}", error.words()),
            Self::Draft(problem) => problem.words(),
            Self::Context(error) => error.words(),
        }
    }
}

/// The beginning of a long text.
fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Where a single wrong symbol would explain it.
fn place(group: Option<usize>) -> String {
    group.map_or_else(String::new, |group| format!(", probably in group {group}: compare it again"))
}

impl Words for LineError {
    fn words(&self) -> String {
        match self {
            Self::NotText => "it is not text in UTF-8; save the list as CSV UTF-8".into(),
            Self::Control(character) => {
                format!("it holds the control character U+{:04X}", u32::from(*character))
            }
            Self::Csv => "it is not CSV".into(),
        }
    }
}

impl Words for OrganiserFilePart {
    fn words(&self) -> String {
        match self {
            Self::Key => "its key is not the election's".into(),
            Self::Codes => "its codes cannot be made again".into(),
        }
    }
}

impl Words for DraftProblem {
    fn words(&self) -> String {
        match self {
            Self::Definition(error) => error.words(),
            Self::Over(closes) => format!("the closing time, {closes}, has passed already"),
            Self::Count(found) => {
                format!("{found} voting codes: the number must be from 1 to {MAX_ROLL}")
            }
            Self::Voters(error) => format!("the list of voters: {}", error.words()),
        }
    }
}

/// What to do about a draft, in a whole sentence beside the field of a form.
#[expect(clippy::wildcard_enum_match_arm, reason = "a form says the rest as it is said anywhere")]
pub fn advice(problem: &DraftProblem) -> String {
    match problem {
        DraftProblem::Over(_) => "The closing time has passed already.".into(),
        DraftProblem::Count(_) => {
            format!("From 1 to {},000 voting codes can be made.", MAX_ROLL / 1_000)
        }
        DraftProblem::Voters(VotersError::Empty) => {
            "Paste the voters' public keys, one in each line.".into()
        }
        DraftProblem::Voters(_) => sentence(&problem.words()),
        DraftProblem::Definition(error) => match error {
            ElectionError::Title(BallotError::Empty) => {
                "Ask a question: it is what voters see first.".into()
            }
            ElectionError::Title(BallotError::TooLong { found, max }) => {
                format!(
                    "The question is too long: {found} of {max} bytes; letters with accents take two."
                )
            }
            ElectionError::Choice { number, error: BallotError::Empty, .. } => {
                format!("Choice {number} is empty: write it or remove it.")
            }
            ElectionError::RepeatedChoice(choice) => format!("“{choice}” is listed twice."),
            ElectionError::FreeTextRules => {
                "Several choices, or own words beside them, need a list of choices.".into()
            }
            ElectionError::MostChoices { choices, .. } => {
                format!("There are only {choices} to choose from.")
            }
            ElectionError::LeastChoices { .. } => {
                "The fewest must be at least 1 and no more than the most.".into()
            }
            ElectionError::Hours { .. } => "It must close after it opens.".into(),
            ElectionError::HighestToken(0) => "The highest number must be at least 1.".into(),
            other => sentence(&other.words()),
        },
    }
}

/// Begun with a capital letter and ended with a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
