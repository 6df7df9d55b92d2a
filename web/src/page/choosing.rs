//! What a voter has chosen so far, and the ballot that it makes. Whether that is allowed, core says.

use std::collections::BTreeSet;

use blockvote_core::election::{
    ballot::{Ballot, BallotError},
    definition::Election,
};
use serde::{Deserialize, Serialize};

/// What was chosen so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Choices of the list.
    pub choices: BTreeSet<usize>,
    /// Whether the own words are chosen.
    pub writes: bool,
    /// The own words, or the free text.
    pub words: String,
    /// A blank ballot.
    pub blank: bool,
}

/// Why there is no ballot yet.
#[derive(Clone, Debug, PartialEq)]
pub enum NotYet {
    /// Nothing was chosen.
    Nothing,
    /// What was chosen is not allowed.
    Refused(BallotError),
}

impl Chosen {
    /// The selections, as the node takes them.
    pub fn selections(&self, election: &Election) -> Vec<String> {
        if self.blank {
            return Vec::new();
        }
        let listed = self.choices.iter().filter_map(|index| election.choices.get(*index)).cloned();
        let own = self.writes || (election.choices.is_empty() && !self.words.trim().is_empty());
        listed.chain(own.then(|| self.words.trim().to_owned())).collect()
    }

    /// The ballot.
    ///
    /// # Errors
    /// What is missing or not allowed.
    pub fn ballot(&self, election: &Election) -> Result<Ballot, NotYet> {
        let selections = self.selections(election);
        if selections.is_empty() && !self.blank {
            return Err(NotYet::Nothing);
        }
        election.ballot(&selections).map_err(NotYet::Refused)
    }
}

#[cfg(test)]
mod tests {
    use blockvote_core::election::ballot::BallotRules;

    use super::*;

    fn election(most: u16) -> Election {
        let ballot_rules = BallotRules { least: 1, most, blank: true, write_in: true };
        let choices = vec!["Yes".into(), "No".into()];
        Election { choices, ballot_rules, ..Election::demo() }
    }

    fn chosen(choices: impl IntoIterator<Item = usize>) -> Chosen {
        Chosen { choices: choices.into_iter().collect(), ..Chosen::default() }
    }

    #[test]
    fn nothing_chosen_is_no_blank_ballot() {
        let blank = Chosen { blank: true, ..Chosen::default() };
        assert_eq!(Chosen::default().ballot(&election(1)), Err(NotYet::Nothing));
        assert_eq!(blank.ballot(&election(1)), Ok(Ballot::Blank));
    }

    #[test]
    fn what_is_chosen_is_what_is_cast() {
        assert_eq!(chosen([1]).ballot(&election(1)), Ok(Ballot::Choices(vec![1])));
        let wrong = chosen([0, 1]).ballot(&election(1));
        assert!(matches!(wrong, Err(NotYet::Refused(BallotError::Number { found: 2, .. }))));
        let own = Chosen { writes: true, words: " Later ".into(), ..chosen([1]) };
        let (choices, text) = (vec![1], "Later".into());
        assert_eq!(own.ballot(&election(2)), Ok(Ballot::WriteIn { choices, text }));
        let empty = Chosen { writes: true, ..Chosen::default() };
        assert_eq!(empty.ballot(&election(1)), Err(NotYet::Refused(BallotError::Empty)));
    }

    #[test]
    fn free_text_is_chosen_by_writing() {
        let free = Election { choices: Vec::new(), ..election(1) };
        let written = Chosen { words: "Soup".into(), ..Chosen::default() };
        assert_eq!(written.ballot(&free), Ok(Ballot::Text("Soup".into())));
        assert_eq!(Chosen::default().ballot(&free), Err(NotYet::Nothing));
    }
}
