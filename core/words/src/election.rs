//! Definitions, rolls, ballots and votes.

use blockvote_core::election::{
    ballot::BallotError,
    definition::{
        ELECTION_VERSION, ElectionError, MAX_CHOICES, MAX_DESCRIPTION_BYTES,
        MAX_STARTING_DIFFICULTY, SPACING_MS,
    },
    election_context::ContextError,
    keepers::MAX_KEEPERS,
    next_vote::NextVoteError,
    roll::{MAX_ROLL, RollError},
    short_address::ShortAddressError,
    token::{MAX_SEQUENCE, TokenId},
    vote::VoteError,
};

use crate::Words;

impl Words for BallotError {
    fn words(&self) -> String {
        match self {
            Self::Empty => "is empty".into(),
            Self::TooLong { found, max } => format!("has {found} bytes; at most {max} are allowed"),
            Self::ControlCharacter('\n' | '\r') => "has more than one line".into(),
            Self::ControlCharacter(character) => {
                format!("contains the control character U+{:04X}", u32::from(*character))
            }
            Self::OuterSpace => "begins or ends with a space".into(),
            Self::NotAChoice { selection, choices } => {
                format!("is {selection:?}, which is not one of the choices: {}", choices.join(", "))
            }
            Self::NoSuchChoice { number, choices } => {
                format!("names choice {number}; the election has {choices}")
            }
            Self::Order => "names choices in another order than the election".into(),
            Self::Twice(choice) => format!("names {choice:?} twice"),
            Self::Number { found, least, most } => {
                let found = match found {
                    0 => "no choice".to_owned(),
                    1 => "1 choice".to_owned(),
                    choices => format!("{choices} choices"),
                };
                format!("has {found}; the election asks for {}", asked(*least, *most))
            }
            Self::Blank => "is blank, which this election does not allow".into(),
            Self::WriteIn => "has words of its own, which this election does not allow".into(),
            Self::WriteInIsChoice(what) => {
                format!("writes in {what:?}, which is one of the choices: choose it instead")
            }
            Self::OtherKind => "is of another kind than the election asks for".into(),
        }
    }
}

impl Words for VoteError {
    fn words(&self) -> String {
        match self {
            Self::OtherElection(what) => {
                format!("the vote is for election {what}, not for this one")
            }
            Self::NoSuchToken { token, lowest, highest } => format!(
                "the token {token} does not exist here: tokens go from {lowest} to {highest}"
            ),
            Self::Sequence { found, highest } => {
                format!("the vote has the sequence number {found}; here the highest is {highest}")
            }
            Self::Ballot(error) => format!("the selection {}", error.words()),
            Self::Unsigned(token) => format!(
                "this election has a voter roll: the vote for token {token} must be signed by its voter"
            ),
            Self::NeedlesslySigned => {
                "this election is open: votes in it carry no signature".into()
            }
            Self::Signature(token) => {
                format!("the signature is not one of token {token}'s voter over this vote")
            }
        }
    }
}

impl Words for RollError {
    fn words(&self) -> String {
        match self {
            Self::Empty => "the voter roll is empty".into(),
            Self::TooLong(found) => {
                format!("the voter roll has {found} keys; at most {MAX_ROLL} are allowed")
            }
            Self::Key(error) => error.words(),
            Self::Twice(what) => format!("the key {what} stands on the voter roll twice"),
            Self::Order => "the keys of the voter roll are not in ascending order".into(),
            Self::Root => "these are not the keys that the election commits to".into(),
            Self::NoSuchPage(found) => format!("page {found} is not a page of the voter roll"),
        }
    }
}

impl Words for ContextError {
    fn words(&self) -> String {
        match self {
            Self::Election(error) => error.words(),
            Self::Roll(error) => error.words(),
            Self::NoRoll => "the election has a voter roll, but the roll is not here".into(),
        }
    }
}

impl Words for ElectionError {
    fn words(&self) -> String {
        match self {
            Self::Version(found) => format!(
                "the election has format version {found}; this build reads version {ELECTION_VERSION}"
            ),
            Self::Malformed => "the election's definition is damaged and cannot be read".into(),
            Self::OtherId { expected, found } => {
                format!("the definition has the id {found}, but {expected} was asked for")
            }
            Self::Title(error) => format!("the title {}", error.words()),
            Self::Description(found) => format!(
                "the description has {found} bytes; at most {MAX_DESCRIPTION_BYTES} are allowed"
            ),
            Self::TooManyChoices(found) => {
                format!("there are {found} choices; at most {MAX_CHOICES} are allowed")
            }
            Self::Choice { number, choice, error } => {
                format!("choice {number} ({choice:?}) {}", error.words())
            }
            Self::RepeatedChoice(what) => format!("the choice {what:?} stands on the ballot twice"),
            Self::Hours { opens, closes } => {
                format!("the election closes at {closes}, which is not after it opens at {opens}")
            }
            Self::Time(found) => {
                format!("the time {} ms is later than 2^53 - 1 ms, the latest there is", found.0)
            }
            Self::HighestToken(found) => format!(
                "the highest token is {found}; it must be from 1 to {max}",
                max = TokenId::MAX.0
            ),
            Self::LeastChoices { least: 0, .. } => {
                "the fewest choices on a ballot are 0; they must be at least 1".into()
            }
            Self::LeastChoices { least, most } => {
                format!("the fewest choices on a ballot, {least}, are more than the most, {most}")
            }
            Self::MostChoices { most, choices } => {
                let there = match choices {
                    1 => "is only 1".to_owned(),
                    choices => format!("are only {choices}"),
                };
                format!("the most choices on a ballot are {most}, but there {there} to choose from")
            }
            Self::FreeTextRules => {
                "a ballot with free text has no write-in and exactly one selection".into()
            }
            Self::RollSize(found) => {
                format!("the voter roll has {found} keys; it must have 1 to {MAX_ROLL}")
            }
            Self::NoOrganiser => "an election with a voter roll needs an organiser's key".into(),
            Self::Organiser(error) => format!("the organiser's key: {}", error.words()),
            Self::TooManyKeepers(found) => {
                format!("the definition names {found} keepers; at most {MAX_KEEPERS} are allowed")
            }
            Self::KeeperName { number, error } => {
                format!("the name of keeper {number} {}", error.words())
            }
            Self::RepeatedKeeper { name, earlier } if name == earlier => {
                format!("the definition names the keeper {name:?} twice")
            }
            Self::RepeatedKeeper { name, earlier } => {
                format!("the keepers {earlier:?} and {name:?} have the same key")
            }
            Self::KeeperKey { name, error } => {
                format!("the key of the keeper {name:?}: {}", error.words())
            }
            Self::LastCountsOpen => {
                "only an election with a voter roll can let the last vote count".into()
            }
            Self::StartingDifficulty(found) => format!(
                "the starting difficulty is {found}; it must be from 1 to {MAX_STARTING_DIFFICULTY}"
            ),
            Self::Spacing(found) => {
                format!(
                    "the block spacing is {found} ms; it must be from {} to {}",
                    SPACING_MS.start(),
                    SPACING_MS.end()
                )
            }
        }
    }
}

/// What to do about a ballot, in a whole sentence beside the choices.
#[expect(clippy::wildcard_enum_match_arm, reason = "a form says the rest as it is said anywhere")]
pub fn choosing(error: &BallotError) -> String {
    match error {
        BallotError::Empty => "Write your own words, or take their mark away.".into(),
        BallotError::Number { found, least, most } => {
            format!("Choose {}. You chose {found}.", asked(*least, *most))
        }
        BallotError::Twice(choice) => format!("“{choice}” is one of the choices: choose it once."),
        other => format!("Your selection {}.", other.words()),
    }
}

fn asked(least: u16, most: u16) -> String {
    match (least, most) {
        (1, 1) => "exactly one".into(),
        (least, most) if least == most => format!("exactly {most}"),
        (least, most) => format!("{least} to {most}"),
    }
}

impl Words for ShortAddressError {
    fn words(&self) -> String {
        match self {
            Self::Character(found) => format!("{found:?} is no letter of a short address"),
            Self::Length(found) => {
                format!("a short address has 8 letters and digits, such as K7QF-2M9X, not {found}")
            }
        }
    }
}

/// Where a voter asks for a vote: what to do next is another thing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// At the command line.
    CommandLine,
    /// On the page, with this: "code" or "key".
    Page(&'a str),
}

/// Why there is no next vote, and what to do about it.
pub fn next_vote(error: NextVoteError, asked: Asked<'_>) -> String {
    match (error, asked) {
        (NextVoteError::FirstCounts, Asked::CommandLine) => {
            "this code or key voted already, and in this election the first vote counts".into()
        }
        (NextVoteError::FirstCounts, Asked::Page(what)) => {
            format!("a vote with this {what} was cast already, and the first vote counts")
        }
        (NextVoteError::NotAsked, Asked::CommandLine) => {
            "this code or key voted already; give --change to replace that vote".into()
        }
        (NextVoteError::NotAsked, Asked::Page(what)) => {
            format!("a vote with this {what} was cast already; say that you want to change it")
        }
        (NextVoteError::NothingToChange, Asked::CommandLine) => {
            "the node knows no vote of this code or key: leave out --change if nothing was cast yet; otherwise wait until the node is in sync, or ask another one".into()
        }
        (NextVoteError::NothingToChange, Asked::Page(_)) => {
            "the vote that is to be changed is not here yet: wait until this tab is in sync".into()
        }
        (NextVoteError::Behind, Asked::CommandLine) => {
            "the node is still fetching the chain, which may hold a later change of this vote: wait until it is in sync, or ask another one".into()
        }
        (NextVoteError::Behind, Asked::Page(_)) => {
            "this tab is still fetching the chain, which may hold a later change of your vote: wait until it is in sync".into()
        }
        (NextVoteError::TooOften, _) => {
            format!("this vote was changed {MAX_SEQUENCE} times, which is the most there is")
        }
    }
}
