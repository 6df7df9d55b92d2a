//! What was chosen.
//!
//! Selections are other people's text. The rule for them is fixed by code points, not by a Unicode
//! table that changes with the compiler: every node must give the same verdict for ever.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::election::Election;

/// Bytes of UTF-8: a selection is a name or a short phrase.
pub const MAX_SELECTION_BYTES: usize = 256;

/// A ballot. Approval, ranked and encrypted ballots become further variants.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Ballot {
    /// Free text, for elections without a list of choices.
    Text(String),
    /// Indexes into the election's choices, counted from 0. Exactly one for now.
    Choices(Vec<u16>),
}

/// Why a ballot is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BallotError {
    /// Nothing, or only spaces.
    #[error("is empty")]
    Empty,
    /// Too many bytes.
    #[error("has {found} bytes; at most {max} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Line breaks, escapes, and signs that reorder the text around them.
    #[error("contains the control character U+{:04X}", *.0 as u32)]
    ControlCharacter(char),
    /// " Yes" would be counted apart from "Yes".
    #[error("begins or ends with a space")]
    OuterSpace,
    /// The list has no such words.
    #[error("is {selection:?}, which is not one of the choices: {choices}")]
    NotAChoice {
        /// What was given, cut at 60 characters.
        selection: String,
        /// The choices, separated by commas.
        choices: String,
    },
    /// A list of indexes that is not one index inside the list.
    #[error("must name exactly one of the {0} choices")]
    NotOneChoice(usize),
    /// Free text where there is a list, or the other way round.
    #[error("is of another kind than the election asks for")]
    OtherKind,
}

/// Whether a character may not stand in a selection: control characters, line separators, and the
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

impl Ballot {
    /// Checks the ballot against the election.
    ///
    /// # Errors
    /// Why the election does not allow it.
    pub fn check(&self, election: &Election) -> Result<(), BallotError> {
        match self {
            Self::Text(text) if election.choices.is_empty() => {
                check_selection(text, MAX_SELECTION_BYTES)
            }
            Self::Choices(chosen) if !election.choices.is_empty() => match chosen.as_slice() {
                [index] if usize::from(*index) < election.choices.len() => Ok(()),
                _ => Err(BallotError::NotOneChoice(election.choices.len())),
            },
            _ => Err(BallotError::OtherKind),
        }
    }

    /// The selection in words: what is counted and shown.
    pub fn selection(&self, election: &Election) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Choices(chosen) => chosen
                .iter()
                .filter_map(|index| election.choices.get(usize::from(*index)))
                .cloned()
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(demo.ballot(" No ").unwrap(), Ballot::Choices(vec![1]));
        assert_eq!(demo.ballot("No").unwrap().selection(&demo), "No");
        assert!(demo.ballot("Maybe").unwrap_err().to_string().contains("Yes, No, Blank"));
        assert_eq!(Ballot::Choices(vec![3]).check(&demo), Err(BallotError::NotOneChoice(3)));
        assert_eq!(Ballot::Choices(vec![0, 1]).check(&demo), Err(BallotError::NotOneChoice(3)));
        assert_eq!(Ballot::Text("No".into()).check(&demo), Err(BallotError::OtherKind));
        assert_eq!(Ballot::Choices(vec![0]).check(&plain), Err(BallotError::OtherKind));
    }
}
