//! What was chosen.
//!
//! Selections are other people's text. The rule for them is fixed by code points, not by a Unicode
//! table that changes with the compiler: every node must give the same verdict for ever.

use std::cmp::Ordering;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Bytes of UTF-8: a selection is a name or a short phrase.
pub const MAX_SELECTION_BYTES: usize = 256;

/// What a ballot may contain, apart from the choices of the election.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct BallotRules {
    /// Fewest choices on a ballot that is not blank.
    pub least: u16,
    /// Most choices on a ballot: 1 for one choice, more for approval.
    pub most: u16,
    /// Whether a blank ballot may be cast; it counts for the turnout and for no choice.
    #[serde(default)]
    pub blank: bool,
    /// Whether one choice may be the voter's own words.
    #[serde(default)]
    pub write_in: bool,
}

impl BallotRules {
    /// Exactly one choice, nothing else.
    pub const ONE: Self = Self { least: 1, most: 1, blank: false, write_in: false };
}

impl Default for BallotRules {
    fn default() -> Self {
        Self::ONE
    }
}

/// What is asked: the choices, and what a ballot may contain. [`Election::question`] returns it.
///
/// [`Election::question`]: crate::election::definition::Election::question
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The choices; an empty list means free text.
    pub choices: &'a [String],
    /// What a ballot may contain.
    pub rules: BallotRules,
}

/// A ballot. Ranked and encrypted ballots will be further variants.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Ballot {
    /// Free text, for elections without a list of choices.
    Text(String),
    /// Indexes into the election's choices, counted from 0, in ascending order.
    Choices(Vec<u16>),
    /// A blank ballot.
    Blank,
    /// Choices as above, plus the voter's own words.
    WriteIn {
        /// Indexes into the election's choices, in ascending order; may be empty.
        choices: Vec<u16>,
        /// The voter's own words.
        text: String,
    },
}

/// Why a ballot is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BallotError {
    /// It is empty, or has only spaces.
    Empty,
    /// Too many bytes.
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Line breaks, escapes, and signs that reorder the text around them.
    ControlCharacter(char),
    /// " Yes" would be counted apart from "Yes".
    OuterSpace,
    /// The words are not on the list of choices.
    NotAChoice {
        /// What was given, cut at 60 characters.
        selection: String,
        /// The choices.
        choices: Vec<String>,
    },
    /// An index outside the list.
    NoSuchChoice {
        /// Counted from 1.
        number: usize,
        /// Number of choices.
        choices: usize,
    },
    /// Choices are not in ascending order. There is one order, so that a ballot has one encoding.
    Order,
    /// A choice is there twice; its words.
    Twice(String),
    /// Too few or too many.
    Number {
        /// Choices on the ballot.
        found: usize,
        /// Fewest.
        least: u16,
        /// Most.
        most: u16,
    },
    /// The election does not allow a blank ballot.
    Blank,
    /// The election does not allow own words.
    WriteIn,
    /// The own words are those of a choice; they would be counted apart from it.
    WriteInIsChoice(String),
    /// Free text although there is a list, or the other way round.
    OtherKind,
}

/// Whether a character is forbidden in a selection: control characters, line separators, and the
/// marks that change the direction of the text around them.
fn is_forbidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}')
}

/// Checks a line of text that people will read.
///
/// # Errors
/// What is wrong with it.
pub fn check_selection(text: &str, max_bytes: usize) -> Result<(), BallotError> {
    if text.is_empty() || text.bytes().all(|byte| byte == b' ') {
        return Err(BallotError::Empty);
    }
    if text.len() > max_bytes {
        return Err(BallotError::TooLong { found: text.len(), max: max_bytes });
    }
    if let Some(character) = text.chars().find(|character| is_forbidden(*character)) {
        return Err(BallotError::ControlCharacter(character));
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(BallotError::OuterSpace);
    }
    Ok(())
}

fn check_choices(chosen: &[u16], question: &Question<'_>) -> Result<(), BallotError> {
    let choices = question.choices.len();
    if let Some(index) = chosen.iter().find(|index| usize::from(**index) >= choices) {
        return Err(BallotError::NoSuchChoice { number: usize::from(*index) + 1, choices });
    }
    for pair in chosen.windows(2) {
        match pair[0].cmp(&pair[1]) {
            Ordering::Less => {}
            Ordering::Equal => {
                return Err(BallotError::Twice(question.choices[usize::from(pair[0])].clone()));
            }
            Ordering::Greater => return Err(BallotError::Order),
        }
    }
    Ok(())
}

fn check_number(found: usize, question: &Question<'_>) -> Result<(), BallotError> {
    let BallotRules { least, most, .. } = question.rules;
    if (usize::from(least)..=usize::from(most)).contains(&found) {
        return Ok(());
    }
    Err(BallotError::Number { found, least, most })
}

impl Ballot {
    /// Checks the ballot against the election.
    ///
    /// # Errors
    /// Why the election does not allow it.
    pub fn check(&self, question: &Question<'_>) -> Result<(), BallotError> {
        let listed = !question.choices.is_empty();
        match self {
            Self::Blank if question.rules.blank => Ok(()),
            Self::Blank => Err(BallotError::Blank),
            Self::Text(_) if listed => Err(BallotError::OtherKind),
            Self::Choices(_) | Self::WriteIn { .. } if !listed => Err(BallotError::OtherKind),
            Self::Text(text) => check_selection(text, MAX_SELECTION_BYTES),
            Self::Choices(chosen) => {
                check_choices(chosen, question)?;
                check_number(chosen.len(), question)
            }
            Self::WriteIn { choices, text } => {
                if !question.rules.write_in {
                    return Err(BallotError::WriteIn);
                }
                check_choices(choices, question)?;
                check_number(choices.len() + 1, question)?;
                check_selection(text, MAX_SELECTION_BYTES)?;
                if question.choices.contains(text) {
                    return Err(BallotError::WriteInIsChoice(text.clone()));
                }
                Ok(())
            }
        }
    }

    /// The selections that are counted; none for a blank ballot.
    pub fn selections<'a>(&'a self, question: &Question<'a>) -> Vec<&'a str> {
        let words = |chosen: &'a [u16]| {
            chosen
                .iter()
                .filter_map(|index| question.choices.get(usize::from(*index)))
                .map(String::as_str)
        };
        match self {
            Self::Text(text) => vec![text],
            Self::Choices(chosen) => words(chosen).collect(),
            Self::Blank => Vec::new(),
            Self::WriteIn { choices, text } => words(choices).chain([text.as_str()]).collect(),
        }
    }

    /// The ballot in words, for people.
    pub fn words(&self, question: &Question<'_>) -> String {
        match self {
            Self::Blank => "blank ballot".into(),
            Self::Text(_) | Self::Choices(_) | Self::WriteIn { .. } => {
                self.selections(question).join(", ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::definition::Election;

    #[test]
    fn selections_that_could_deceive_are_refused() {
        let check = |text: &str| check_selection(text, MAX_SELECTION_BYTES);
        assert_eq!(check("Biden"), Ok(()));
        assert_eq!(check("<b>Ünïcode</b> 🗳"), Ok(()));
        assert_eq!(check(""), Err(BallotError::Empty));
        assert_eq!(check("   "), Err(BallotError::Empty));
        assert_eq!(check(" Yes"), Err(BallotError::OuterSpace));
        assert_eq!(check("a\nb"), Err(BallotError::ControlCharacter('\n')));
        assert_eq!(check("a\u{202e}b"), Err(BallotError::ControlCharacter('\u{202e}')));
        assert_eq!(
            check(&"é".repeat(129)),
            Err(BallotError::TooLong { found: 258, max: MAX_SELECTION_BYTES })
        );
    }

    #[test]
    fn a_ballot_fits_its_election() {
        let (plain, demo) = (Election::plain(), Election::demo());
        assert_eq!(demo.ballot(&[" No "]).unwrap(), Ballot::Choices(vec![1]));
        assert_eq!(demo.ballot(&["No"]).unwrap().words(&demo.question()), "No");
        let maybe = demo.ballot(&["Maybe"]).unwrap_err();
        let choices = demo.choices.clone();
        assert_eq!(maybe, BallotError::NotAChoice { selection: "Maybe".into(), choices });
        let no_such = BallotError::NoSuchChoice { number: 4, choices: 3 };
        assert_eq!(Ballot::Choices(vec![3]).check(&demo.question()), Err(no_such));
        let two = Ballot::Choices(vec![0, 1]).check(&demo.question()).unwrap_err();
        assert_eq!(two, BallotError::Number { found: 2, least: 1, most: 1 });
        assert_eq!(Ballot::Text("No".into()).check(&demo.question()), Err(BallotError::OtherKind));
        assert_eq!(Ballot::Choices(vec![0]).check(&plain.question()), Err(BallotError::OtherKind));
        assert_eq!(Ballot::Blank.check(&demo.question()), Err(BallotError::Blank));
    }

    #[test]
    fn approval_blank_ballots_and_own_words_keep_their_bounds() {
        let rules = BallotRules { least: 2, most: 3, blank: true, write_in: true };
        let election = Election { ballot_rules: rules, ..Election::demo() };
        election.validate().unwrap();
        let check = |ballot: Ballot| ballot.check(&election.question());
        let written = |choices: &[u16], text: &str| {
            check(Ballot::WriteIn { choices: choices.to_vec(), text: text.into() })
        };
        assert_eq!(check(Ballot::Choices(vec![0, 2])), Ok(()));
        assert_eq!(check(Ballot::Choices(vec![0, 1, 2])), Ok(()));
        assert_eq!(check(Ballot::Choices(vec![2, 0])), Err(BallotError::Order));
        let twice = BallotError::Twice("No".into());
        assert_eq!(check(Ballot::Choices(vec![1, 1])), Err(twice.clone()));
        assert_eq!(election.ballot(&["No", "Yes", "No"]), Err(twice));
        let one = check(Ballot::Choices(vec![1])).unwrap_err();
        assert_eq!(one, BallotError::Number { found: 1, least: 2, most: 3 });
        assert_eq!(check(Ballot::Blank), Ok(()));
        assert_eq!(written(&[0], "Zoë"), Ok(()));
        assert_eq!(written(&[], "Zoë"), Err(one));
        assert_eq!(written(&[0], "No"), Err(BallotError::WriteInIsChoice("No".into())));
        assert_eq!(written(&[0], " x"), Err(BallotError::OuterSpace));
        let four = BallotError::Number { found: 4, least: 2, most: 3 };
        assert_eq!(written(&[0, 1, 2], "Zoë"), Err(four));
        let ballot = election.ballot(&["Blank", "Zoë", "Yes"]).unwrap();
        assert_eq!(ballot, Ballot::WriteIn { choices: vec![0, 2], text: "Zoë".into() });
        assert_eq!(ballot.words(&election.question()), "Yes, Blank, Zoë");
        assert_eq!(election.ballot::<&str>(&[]), Ok(Ballot::Blank));
        assert!(election.ballot(&["Yes", "Zoë", "Ann"]).is_err(), "one write-in at most");
        assert_eq!(
            Ballot::WriteIn { choices: vec![], text: "x".into() }
                .check(&Election::demo().question()),
            Err(BallotError::WriteIn)
        );
    }
}
