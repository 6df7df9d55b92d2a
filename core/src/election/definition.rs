//! What is voted on, by whom, when, and with which chain parameters.
//!
//! Invariant: an [`Election`] that was returned by [`Election::validate`] keeps all bounds below,
//! and its id commits to every field.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{
        encoding::{encode, hash_of},
        hash::{ElectionId, RollRoot, Tag},
        key::{KeyError, PublicKey},
    },
    election::{
        ballot::{
            Ballot, BallotError, BallotRules, MAX_SELECTION_BYTES, Question, check_selection,
        },
        keepers::{self, Keeper},
        roll::MAX_ROLL,
        token::TokenId,
    },
    sorted::sorted,
    time::Timestamp,
};

/// Format of the definition that this build reads and writes.
pub const ELECTION_VERSION: u16 = 3;
/// Bytes of UTF-8: a title is one line.
pub const MAX_TITLE_BYTES: usize = 200;
/// Bytes of UTF-8: a description is a page of text.
pub const MAX_DESCRIPTION_BYTES: usize = 4000;
/// More choices than fit on a ballot paper would help nobody.
pub const MAX_CHOICES: usize = 256;
/// Starting difficulty of an open election if none is given: 16 leading zero bits, the proof of
/// work of the seed.
pub const OPEN_DIFFICULTY: u64 = 1 << 16;
/// The same with a voter roll.
pub const ROLL_DIFFICULTY: u64 = 1 << 20;
/// The difficulty of an election never falls below its start, or below this if it starts higher.
pub const MAX_FLOOR: u64 = ROLL_DIFFICULTY;
/// A higher starting difficulty would keep voters waiting: 2^24 tries take a tab about ten seconds.
pub const MAX_STARTING_DIFFICULTY: u64 = 1 << 24;
/// Blocks come between once a second and once a minute.
pub const SPACING_MS: std::ops::RangeInclusive<u64> = 1_000..=60_000;

/// Who may vote.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eligibility {
    /// Anybody with a token that was not used yet.
    Open {
        /// With a number n, the tokens are 1 to n; without one, 0 to [`TokenId::MAX`].
        #[serde(default)]
        highest_token: Option<u64>,
    },
    /// Token n is the n-th key of the voter roll, and the vote must be signed with it.
    Roll {
        /// Merkle root over the keys.
        root: RollRoot,
        /// Number of keys.
        size: u32,
        /// Where the keys come from.
        credentials: Credentials,
    },
}

/// Where the keys of a voter roll come from, and so who else could vote for a voter. The chain's
/// rules are the same for all; people are told which case it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// The organiser made voting codes and handed them out: anyone who sees a code can vote with
    /// it, and so can the organiser.
    Codes,
    /// Each voter made a key and gave the organiser the public half: nobody else can vote with it.
    OwnKeys,
}

/// Which of a voter's votes counts.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// The first one, as in the seed: it uses the token up.
    #[default]
    FirstCounts,
    /// The one with the highest sequence number: a voter can change a vote while the election is
    /// open. Needs a voter roll.
    LastCounts,
}

/// Parameters of the proof of work; the rule is in [`crate::chain::difficulty`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct ChainParameters {
    /// Expected number of hashes for the first block.
    pub starting_difficulty: u64,
    /// Milliseconds between blocks while there are many votes.
    pub spacing_ms: u64,
}

impl Default for ChainParameters {
    fn default() -> Self {
        Self { starting_difficulty: OPEN_DIFFICULTY, spacing_ms: 10_000 }
    }
}

impl ChainParameters {
    /// Those of an election with a voter roll, if none are given.
    pub fn with_roll() -> Self {
        Self { starting_difficulty: ROLL_DIFFICULTY, ..Self::default() }
    }

    /// The lowest difficulty of this chain.
    pub fn floor(&self) -> u64 {
        self.starting_difficulty.min(MAX_FLOOR)
    }
}

/// The definition of an election.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Election {
    /// [`ELECTION_VERSION`].
    #[serde(default = "current_version")]
    pub version: u16,
    /// The question, on one line.
    pub title: String,
    /// More about it; may be empty.
    #[serde(default)]
    pub description: String,
    /// The choices; an empty list means free text, as in the seed.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What a ballot may contain.
    #[serde(default)]
    pub ballot_rules: BallotRules,
    /// Which of a voter's votes counts.
    #[serde(default)]
    pub counting: Counting,
    /// Who may vote.
    pub eligibility: Eligibility,
    /// No block before this time.
    #[serde(default)]
    pub opens: Option<Timestamp>,
    /// Votes are taken until this time. This is not a rule for blocks.
    #[serde(default)]
    pub closes: Option<Timestamp>,
    /// When the definition was written; also the time of the first block. It also distinguishes two
    /// elections with the same words.
    #[serde(default)]
    pub created: Timestamp,
    /// The organiser's public key, which closes and seals. Needed if there is a voter roll.
    #[serde(default)]
    pub organiser: Option<PublicKey>,
    /// Who holds the election while everybody else is away, and confirms that with a signature.
    #[serde(default)]
    pub keepers: Vec<Keeper>,
    /// Proof of work.
    #[serde(default)]
    pub parameters: ChainParameters,
}

fn current_version() -> u16 {
    ELECTION_VERSION
}

/// Why a definition cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElectionError {
    /// Made by a later build, or damaged.
    Version(u16),
    /// Not the bytes of a definition.
    Malformed,
    /// The link or the request has another id.
    OtherId {
        /// What was asked for.
        expected: ElectionId,
        /// What the bytes hash to.
        found: ElectionId,
    },
    /// Title missing, too long or with control characters.
    Title(BallotError),
    /// Description too long.
    Description(usize),
    /// Too many choices.
    TooManyChoices(usize),
    /// Nobody could vote for this choice.
    Choice {
        /// Counted from 1.
        number: usize,
        /// Its text.
        choice: String,
        /// What is wrong with it.
        error: BallotError,
    },
    /// Two choices have the same words.
    RepeatedChoice(String),
    /// It would end before it begins.
    Hours {
        /// Opening time.
        opens: Timestamp,
        /// Closing time.
        closes: Timestamp,
    },
    /// A time that is not exact everywhere.
    Time(Timestamp),
    /// Nobody could vote, or the number is not exact everywhere.
    HighestToken(u64),
    /// The fewest choices are 0, or more than the most.
    LeastChoices {
        /// Fewest.
        least: u16,
        /// Most.
        most: u16,
    },
    /// The most choices are more than exist.
    MostChoices {
        /// Most.
        most: u16,
        /// The number that exists, a write-in included.
        choices: usize,
    },
    /// Free text is always the voter's own words.
    FreeTextRules,
    /// Nobody could vote, or there are too many for the format.
    RollSize(u32),
    /// Without an organiser nobody could close or seal.
    NoOrganiser,
    /// The organiser's key is not one that only its holder can sign with.
    Organiser(KeyError),
    /// More keepers than anybody would read.
    TooManyKeepers(usize),
    /// A keeper's name is missing, too long or has control characters.
    KeeperName {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        error: BallotError,
    },
    /// Two keepers with one name or one key.
    RepeatedKeeper {
        /// The name of the second.
        name: String,
        /// The name of the first.
        earlier: String,
    },
    /// A keeper's key is not one that only its holder can sign with.
    KeeperKey {
        /// The keeper's name.
        name: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The last voter would win.
    LastCountsOpen,
    /// Outside the allowed range.
    StartingDifficulty(u64),
    /// Outside the allowed range.
    Spacing(u64),
}

impl Election {
    /// The election of a node that was started without one, as in the seed: free text, any token,
    /// no closing time.
    pub fn plain() -> Self {
        Self {
            version: ELECTION_VERSION,
            title: "Open vote".into(),
            description: "Free text, any unused token: the election of a node started without a \
                          definition."
                .into(),
            choices: Vec::new(),
            ballot_rules: BallotRules::ONE,
            counting: Counting::FirstCounts,
            eligibility: Eligibility::Open { highest_token: None },
            opens: None,
            closes: None,
            created: Timestamp(0),
            organiser: None,
            keepers: Vec::new(),
            parameters: ChainParameters::default(),
        }
    }

    /// The election that `cargo xtask run` and the page offer for a first look.
    pub fn demo() -> Self {
        Self {
            title: "Should the club buy the workshop?".into(),
            description: "A demo: any number from 1 to 500 is a token and votes once.".into(),
            choices: vec!["Yes".into(), "No".into(), "Blank".into()],
            eligibility: Eligibility::Open { highest_token: Some(500) },
            ..Self::plain()
        }
    }

    /// SHA-256 of the tagged encoding.
    pub fn id(&self) -> ElectionId {
        ElectionId(hash_of(Tag::ELECTION, self))
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads and validates a definition.
    ///
    /// # Errors
    /// [`ElectionError::Malformed`] if the bytes are not a definition, and the errors of
    /// [`Election::validate`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ElectionError> {
        if let Some((version, _)) = bytes.split_first_chunk::<2>() {
            let version = u16::from_le_bytes(*version);
            if version != ELECTION_VERSION {
                return Err(ElectionError::Version(version));
            }
        }
        let election: Self = borsh::from_slice(bytes).map_err(|_| ElectionError::Malformed)?;
        election.validate()?;
        Ok(election)
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn validate(&self) -> Result<(), ElectionError> {
        self.problems().into_iter().next().map_or(Ok(()), Err)?;
        let organiser = self.organiser.as_ref().map_or(Ok(()), PublicKey::check);
        organiser.map_err(ElectionError::Organiser)?;
        keepers::check_keys(&self.keepers)
    }

    /// Every bound that is broken, field by field; of choices and keepers only the first. It does
    /// not check whether each key is one that a single person can hold: no form asks for keys.
    pub fn problems(&self) -> Vec<ElectionError> {
        let version = (self.version != ELECTION_VERSION).then_some(self.version);
        let title = check_selection(&self.title, MAX_TITLE_BYTES).err();
        let description = Some(self.description.len()).filter(|len| *len > MAX_DESCRIPTION_BYTES);
        let times = [Some(self.created), self.opens, self.closes];
        let time = times.into_iter().flatten().find(|time| *time > Timestamp::MAX);
        let hours = self.opens.zip(self.closes).filter(|(opens, closes)| closes <= opens);
        let ChainParameters { starting_difficulty: difficulty, spacing_ms } = self.parameters;
        let difficulty = Some(difficulty).filter(|d| !(1..=MAX_STARTING_DIFFICULTY).contains(d));
        let spacing = Some(spacing_ms).filter(|spacing| !SPACING_MS.contains(spacing));
        [
            version.map(ElectionError::Version),
            title.map(ElectionError::Title),
            description.map(ElectionError::Description),
            self.check_choices().err(),
            time.map(ElectionError::Time),
            hours.map(|(opens, closes)| ElectionError::Hours { opens, closes }),
            self.check_ballot_rules().err(),
            difficulty.map(ElectionError::StartingDifficulty),
            keepers::problem(&self.keepers),
            spacing.map(ElectionError::Spacing),
        ]
        .into_iter()
        .flatten()
        .chain(self.eligibility_problems())
        .collect()
    }

    fn check_choices(&self) -> Result<(), ElectionError> {
        if self.choices.len() > MAX_CHOICES {
            return Err(ElectionError::TooManyChoices(self.choices.len()));
        }
        for (index, choice) in self.choices.iter().enumerate() {
            check_selection(choice, MAX_SELECTION_BYTES).map_err(|error| {
                ElectionError::Choice { number: index + 1, choice: choice.clone(), error }
            })?;
            if self.choices[..index].contains(choice) {
                return Err(ElectionError::RepeatedChoice(choice.clone()));
            }
        }
        Ok(())
    }

    fn check_ballot_rules(&self) -> Result<(), ElectionError> {
        let BallotRules { least, most, write_in, .. } = self.ballot_rules;
        if self.choices.is_empty() {
            let plain = (least, most, write_in) == (1, 1, false);
            return if plain { Ok(()) } else { Err(ElectionError::FreeTextRules) };
        }
        let choices = self.choices.len() + usize::from(write_in);
        if usize::from(most) > choices {
            return Err(ElectionError::MostChoices { most, choices });
        }
        if least == 0 || least > most {
            return Err(ElectionError::LeastChoices { least, most });
        }
        Ok(())
    }

    fn eligibility_problems(&self) -> Vec<ElectionError> {
        let problems = match self.eligibility {
            Eligibility::Open { highest_token } => {
                let last_counts = self.counting == Counting::LastCounts;
                let wrong = highest_token.filter(|highest| !(1..=TokenId::MAX.0).contains(highest));
                [
                    last_counts.then_some(ElectionError::LastCountsOpen),
                    wrong.map(ElectionError::HighestToken),
                ]
            }
            Eligibility::Roll { size, .. } => [
                (!(1..=MAX_ROLL).contains(&size)).then_some(ElectionError::RollSize(size)),
                self.organiser.is_none().then_some(ElectionError::NoOrganiser),
            ],
        };
        problems.into_iter().flatten().collect()
    }

    /// Lowest and highest token.
    pub fn tokens(&self) -> std::ops::RangeInclusive<u64> {
        match self.eligibility {
            Eligibility::Open { highest_token: None } => 0..=TokenId::MAX.0,
            Eligibility::Open { highest_token: Some(highest) } => 1..=highest,
            Eligibility::Roll { size, .. } => 1..=u64::from(size),
        }
    }

    /// Number of tokens that exist, if that is known: turnout is measured against it.
    pub fn electorate(&self) -> Option<u64> {
        match self.eligibility {
            Eligibility::Open { highest_token } => highest_token,
            Eligibility::Roll { size, .. } => Some(size.into()),
        }
    }

    /// The keeper with this key, if the definition names one.
    pub fn keeper(&self, key: &PublicKey) -> Option<&Keeper> {
        self.keepers.iter().find(|keeper| keeper.key == *key)
    }

    /// What a ballot is checked against and read with.
    pub fn question(&self) -> Question<'_> {
        Question { choices: &self.choices, rules: self.ballot_rules }
    }

    /// The most bytes that the encoding of a vote takes.
    pub fn largest_vote(&self) -> usize {
        let BallotRules { most, write_in, .. } = self.ballot_rules;
        let free_text = self.choices.is_empty();
        // A list begins with its length, and so does a text.
        let choices = if free_text { 0 } else { 4 + 2 * usize::from(most) };
        let text = if free_text || write_in { 4 + MAX_SELECTION_BYTES } else { 0 };
        let signature = if self.has_roll() { 64 } else { 0 };
        // Election, token, sequence number, kind of ballot, kind of authorization.
        32 + 8 + 1 + 1 + choices + text + 1 + signature
    }

    /// Whether votes must be signed with a key of the roll.
    pub fn has_roll(&self) -> bool {
        matches!(self.eligibility, Eligibility::Roll { .. })
    }

    /// The ballot for selections in words: choices of the list, or own words if they are allowed.
    /// Spaces around them are dropped; no selection at all is a blank ballot.
    ///
    /// # Errors
    /// [`BallotError::NotAChoice`] if the list has no such choice, otherwise what is wrong with the
    /// ballot.
    pub fn ballot<S: AsRef<str>>(&self, selections: &[S]) -> Result<Ballot, BallotError> {
        let mut words = selections.iter().map(|words| words.as_ref().trim());
        let ballot = if selections.is_empty() {
            Ballot::Blank
        } else if self.choices.is_empty() {
            match (words.next(), words.next()) {
                (Some(text), None) => Ballot::Text(text.to_owned()),
                _ => return Err(BallotError::OtherKind),
            }
        } else {
            let (mut choices, mut own) = (Vec::new(), None);
            for words in words {
                let index = self.choices.iter().position(|choice| choice == words);
                match index.and_then(|index| u16::try_from(index).ok()) {
                    Some(index) => choices.push(index),
                    None if self.ballot_rules.write_in && own.is_none() => own = Some(words),
                    None => {
                        return Err(BallotError::NotAChoice {
                            selection: words.chars().take(60).collect(),
                            choices: self.choices.clone(),
                        });
                    }
                }
            }
            let choices = sorted(choices);
            match own {
                Some(text) => Ballot::WriteIn { choices, text: text.to_owned() },
                None => Ballot::Choices(choices),
            }
        };
        ballot.check(&self.question())?;
        Ok(ballot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_elections_are_valid_and_read_back() {
        for election in [Election::plain(), Election::demo()] {
            assert_eq!(Election::decode(&election.encode()), Ok(election.clone()));
            let json = serde_json::to_string(&election).unwrap();
            assert_eq!(serde_json::from_str::<Election>(&json).unwrap(), election);
        }
        assert_ne!(Election::plain().id(), Election::demo().id());
    }

    #[test]
    fn every_bound_is_checked() {
        let bad = |change: &dyn Fn(&mut Election)| {
            let mut election = Election::demo();
            change(&mut election);
            election.validate().unwrap_err()
        };
        assert_eq!(bad(&|e| e.title.clear()), ElectionError::Title(BallotError::Empty));
        assert_eq!(bad(&|e| e.description = "x".repeat(4001)), ElectionError::Description(4001));
        let twice = bad(&|e| e.choices.push("Yes".into()));
        assert_eq!(twice, ElectionError::RepeatedChoice("Yes".into()));
        let bell = bad(&|e| e.choices = vec!["a\u{7}".into()]);
        let control = BallotError::ControlCharacter('\u{7}');
        let choice = "a\u{7}".to_owned();
        assert_eq!(bell, ElectionError::Choice { number: 1, choice, error: control });
        let many = bad(&|e| e.choices = (0..257).map(|n| n.to_string()).collect());
        assert_eq!(many, ElectionError::TooManyChoices(257));
        let (opens, closes) = (Timestamp(5), Timestamp(5));
        let hours = bad(&|e| (e.opens, e.closes) = (Some(opens), Some(closes)));
        assert_eq!(hours, ElectionError::Hours { opens, closes });
        let late = Timestamp(1 << 53);
        assert_eq!(bad(&|e| e.created = late), ElectionError::Time(late));
        assert_eq!(bad(&|e| e.closes = Some(late)), ElectionError::Time(late));
        let open = |highest| Eligibility::Open { highest_token: Some(highest) };
        assert_eq!(bad(&|e| e.eligibility = open(0)), ElectionError::HighestToken(0));
        let none = bad(&|e| e.parameters.starting_difficulty = 0);
        assert_eq!(none, ElectionError::StartingDifficulty(0));
        assert_eq!(bad(&|e| e.parameters.spacing_ms = 1), ElectionError::Spacing(1));
        assert_eq!(bad(&|e| e.version = 9), ElectionError::Version(9));
        let most = ElectionError::MostChoices { most: 4, choices: 3 };
        assert_eq!(bad(&|e| e.ballot_rules.most = 4), most);
        let least = |least| ElectionError::LeastChoices { least, most: 1 };
        assert_eq!(bad(&|e| e.ballot_rules.least = 2), least(2));
        assert_eq!(bad(&|e| e.ballot_rules.least = 0), least(0));
        let free = bad(&|e| (e.choices.clear(), e.ballot_rules.write_in = true).1);
        assert_eq!(free, ElectionError::FreeTextRules);
        let last = bad(&|e| e.counting = Counting::LastCounts);
        assert_eq!(last, ElectionError::LastCountsOpen);
        let small = bad(&|e| e.organiser = Some(PublicKey([0; 32])));
        assert!(matches!(small, ElectionError::Organiser(KeyError::SmallOrder(_))));
        let roll = |size| Eligibility::Roll {
            root: RollRoot([1; 32]),
            size,
            credentials: Credentials::Codes,
        };
        assert_eq!(bad(&|e| e.eligibility = roll(3)), ElectionError::NoOrganiser);
        for size in [0, 100_001] {
            assert_eq!(bad(&|e| e.eligibility = roll(size)), ElectionError::RollSize(size));
        }
    }
}
