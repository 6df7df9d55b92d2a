//! What an organiser keeps apart from the chain: the draft, and after publishing the key that
//! closes and seals, the secret that the voting codes are made from, and the voters' names.

use serde::{Deserialize, Serialize};

use crate::{
    crypto::{
        hash::RollRoot,
        key::{PublicKey, SecretKey},
        secret::{SecretBytes, SecretText},
    },
    custody::{
        voter_list::{self, Row, VotersError},
        voting_code::Code,
    },
    election::{
        ballot::BallotRules,
        definition::{
            ChainParameters, Counting, Credentials, ELECTION_VERSION, Election, ElectionError,
            Eligibility,
        },
        election_context::{ContextError, ElectionContext},
        keepers::Keeper,
        roll::{MAX_ROLL, Roll, RollError},
    },
    time::Timestamp,
};

const FORMAT: &str = "blockvote organiser 1";

/// Who may vote, as the organiser chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Anybody with an unused number.
    Anyone {
        /// Numbers from 1 to this one; any number if it is left out.
        highest_token: Option<u64>,
    },
    /// Voting codes: one for each line of the list, or the number asked for.
    Codes {
        /// Number of codes, if there is no list.
        count: u32,
        /// The organiser's list of voters, as CSV; may be empty.
        voters: String,
    },
    /// The voters' own public keys, one in each line of a CSV.
    OwnKeys {
        /// The list.
        voters: String,
    },
}

/// An election before it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The question.
    pub title: String,
    /// More about it.
    pub description: String,
    /// The choices; none for free text.
    pub choices: Vec<String>,
    /// What a ballot may contain.
    pub ballot_rules: BallotRules,
    /// Which of a voter's votes counts.
    pub counting: Counting,
    /// No vote is taken before.
    pub opens: Option<Timestamp>,
    /// No vote is taken from then on.
    pub closes: Option<Timestamp>,
    /// Who may vote.
    pub who: Who,
    /// Who holds the election while everybody else is away.
    pub keepers: Vec<Keeper>,
    /// Proof of work; the usual one for such voters if it is left out.
    pub parameters: Option<ChainParameters>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            title: String::new(),
            description: String::new(),
            choices: Vec::new(),
            ballot_rules: BallotRules::ONE,
            counting: Counting::FirstCounts,
            opens: None,
            closes: None,
            who: Who::Codes { count: 10, voters: String::new() },
            keepers: Vec::new(),
            parameters: None,
        }
    }
}

/// A field of a draft, as a form has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftField {
    /// [`Draft::title`].
    Title,
    /// [`Draft::description`].
    Description,
    /// [`Draft::choices`].
    Choices,
    /// The fewest choices on a ballot.
    Least,
    /// The most choices on a ballot.
    Most,
    /// [`Draft::closes`].
    Closes,
    /// [`Draft::counting`].
    Counting,
    /// The number of voting codes.
    Count,
    /// The list of voters.
    Voters,
    /// The highest token.
    HighestToken,
    /// [`Draft::keepers`].
    Keepers,
    /// [`Draft::parameters`].
    Parameters,
}

/// What prevents a draft from becoming an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftProblem {
    /// The definition would break a rule.
    Definition(ElectionError),
    /// The closing time has passed.
    Over(Timestamp),
    /// Too many or too few codes.
    Count(u32),
    /// The list of voters or of their keys.
    Voters(VotersError),
}

impl DraftProblem {
    /// The field that must be changed.
    pub fn field(&self) -> DraftField {
        match self {
            Self::Over(_) => DraftField::Closes,
            Self::Count(_) => DraftField::Count,
            Self::Voters(_) => DraftField::Voters,
            Self::Definition(error) => match error {
                ElectionError::Title(_) => DraftField::Title,
                ElectionError::Description(_) => DraftField::Description,
                ElectionError::TooManyChoices(_)
                | ElectionError::Choice { .. }
                | ElectionError::RepeatedChoice(_)
                | ElectionError::FreeTextRules => DraftField::Choices,
                ElectionError::MostChoices { .. } => DraftField::Most,
                ElectionError::LeastChoices { .. } => DraftField::Least,
                ElectionError::Hours { .. } | ElectionError::Time(_) => DraftField::Closes,
                ElectionError::HighestToken(_) => DraftField::HighestToken,
                ElectionError::RollSize(_) => DraftField::Voters,
                ElectionError::LastCountsOpen => DraftField::Counting,
                ElectionError::TooManyKeepers(_)
                | ElectionError::KeeperName { .. }
                | ElectionError::RepeatedKeeper { .. }
                | ElectionError::KeeperKey { .. } => DraftField::Keepers,
                // A draft has no version, id or key of its own: those cannot be wrong.
                ElectionError::StartingDifficulty(_)
                | ElectionError::Spacing(_)
                | ElectionError::Version(_)
                | ElectionError::Malformed
                | ElectionError::OtherId { .. }
                | ElectionError::NoOrganiser
                | ElectionError::Organiser(_) => DraftField::Parameters,
            },
        }
    }
}

/// The voters, as read: lines of the organiser's list, keys of their own, and the number of codes.
struct Voters {
    rows: Vec<Row>,
    keys: Vec<PublicKey>,
    codes: u32,
}

impl Who {
    fn read(&self) -> Result<Voters, DraftProblem> {
        let (rows, keys, codes) = match self {
            Self::Anyone { .. } => (Vec::new(), Vec::new(), 0),
            Self::Codes { count, voters } if voters.trim().is_empty() => {
                if !(1..=MAX_ROLL).contains(count) {
                    return Err(DraftProblem::Count(*count));
                }
                (Vec::new(), Vec::new(), *count)
            }
            Self::Codes { voters, .. } => {
                let rows = voter_list::read(voters.as_bytes()).map_err(DraftProblem::Voters)?;
                let codes = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                (rows, Vec::new(), codes)
            }
            Self::OwnKeys { voters } => {
                let list = voter_list::read_keys(voters.as_bytes());
                let (rows, keys) = list.map_err(DraftProblem::Voters)?.into_iter().unzip();
                (rows, keys, 0)
            }
        };
        Ok(Voters { rows, keys, codes })
    }
}

impl Draft {
    /// What keeps the draft from becoming an election now, field by field. A list of voters is read
    /// whole, which takes a moment where it is long.
    pub fn problems(&self, now: Timestamp) -> Vec<DraftProblem> {
        let mut problems = Vec::new();
        problems.extend(self.closes.filter(|closes| *closes <= now).map(DraftProblem::Over));
        problems.extend(self.who.read().err());
        let highest_token = match &self.who {
            Who::Anyone { highest_token } => *highest_token,
            Who::Codes { .. } | Who::OwnKeys { .. } => None,
        };
        // Its roll and its key are made when it is published.
        let election = self.definition(Eligibility::Open { highest_token }, None, now);
        let open = matches!(self.who, Who::Anyone { .. });
        let matters = |error: &ElectionError| open || *error != ElectionError::LastCountsOpen;
        let of_definition = election.problems().into_iter().filter(matters);
        problems.extend(of_definition.map(DraftProblem::Definition));
        problems
    }

    /// The election as voters would see it, but for what is made when it is published: its id is not
    /// the one that it will have, its roll has the right size and no keys.
    pub fn preview(&self, now: Timestamp) -> Election {
        let size = self.who.read().map_or(0, |voters| {
            voters.codes.max(u32::try_from(voters.keys.len()).unwrap_or(u32::MAX))
        });
        let roll = |credentials| Eligibility::Roll { root: RollRoot([0; 32]), size, credentials };
        let eligibility = match self.who {
            Who::Anyone { highest_token } => Eligibility::Open { highest_token },
            Who::Codes { .. } => roll(Credentials::Codes),
            Who::OwnKeys { .. } => roll(Credentials::OwnKeys),
        };
        self.definition(eligibility, None, now)
    }

    /// The proof of work that the election will have.
    pub fn parameters(&self) -> ChainParameters {
        self.parameters.unwrap_or(match self.who {
            Who::Anyone { .. } => ChainParameters::default(),
            Who::Codes { .. } | Who::OwnKeys { .. } => ChainParameters::with_roll(),
        })
    }

    /// The definition, with the parts that are made at publishing.
    fn definition(
        &self,
        eligibility: Eligibility,
        organiser: Option<PublicKey>,
        created: Timestamp,
    ) -> Election {
        Election {
            version: ELECTION_VERSION,
            title: self.title.trim().into(),
            description: self.description.trim().into(),
            choices: self.choices.iter().map(|choice| choice.trim().to_owned()).collect(),
            ballot_rules: self.ballot_rules,
            counting: self.counting,
            eligibility,
            opens: self.opens,
            closes: self.closes,
            created,
            organiser,
            keepers: self.keepers.clone(),
            parameters: self.parameters(),
        }
    }
}

/// A part of an organiser's file that does not fit the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganiserFilePart {
    /// Its key is not the election's.
    Key,
    /// Its codes cannot be made again.
    Codes,
}

/// Why a draft cannot be published, or a file is not an organiser's.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum OrganiserError {
    /// Another kind of file.
    Format,
    /// Damaged or written by hand.
    Damaged(OrganiserFilePart),
    /// The list of voters.
    #[from]
    Voters(VotersError),
    /// The draft cannot become an election.
    #[from]
    Draft(DraftProblem),
    /// The definition or the roll breaks a rule.
    #[from]
    Context(ContextError),
}

impl From<RollError> for OrganiserError {
    fn from(error: RollError) -> Self {
        Self::Context(error.into())
    }
}

/// What an organiser keeps of a published election. Everything in it is private.
#[derive(Clone, Debug)]
pub struct Organiser {
    /// The definition, which everybody has.
    pub election: Election,
    /// The key that closes and seals.
    key: SecretKey,
    /// What the voting codes are made from, and how many there are, if there are codes.
    codes: Option<(SecretBytes, u32)>,
    /// The list of voters, line by line; may be empty.
    pub voters: Vec<Row>,
}

/// The organiser's file, field by field.
#[derive(Serialize, Deserialize)]
struct OrganiserFile {
    format: String,
    election: Election,
    /// The organiser's secret key, 64 hexadecimal digits.
    secret: SecretText,
    /// What the voting codes are made from, 64 hexadecimal digits; empty without codes.
    codes: SecretText,
    /// Number of codes.
    count: u32,
    voters: Vec<Row>,
}

/// Builds a roll key by key, so that a page can show the progress.
pub struct Publishing {
    draft: Draft,
    secret: SecretBytes,
    codes: SecretBytes,
    rows: Vec<Row>,
    keys: Vec<PublicKey>,
    count: u32,
}

impl Publishing {
    /// Begins to publish a draft. Both secrets are random.
    ///
    /// # Errors
    /// If the list of voters cannot be used.
    pub fn new(
        draft: Draft,
        secret: SecretBytes,
        codes: SecretBytes,
    ) -> Result<Self, OrganiserError> {
        let Voters { rows, keys, codes: count } = draft.who.read()?;
        Ok(Self { draft, secret, codes, rows, keys, count })
    }

    /// Keys made so far, and the number of all keys.
    pub fn progress(&self) -> (u32, u32) {
        let made = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        (made, self.count.max(made))
    }

    /// Makes the next key; returns whether there are more to come.
    pub fn step(&mut self) -> bool {
        let (made, all) = self.progress();
        if made < all {
            self.keys.push(Code::derive(self.codes.bytes(), made).secret_key().public());
        }
        made + 1 < all
    }

    /// The election, once all keys are made.
    ///
    /// # Errors
    /// If the definition or the roll breaks a rule.
    pub fn finish(
        mut self,
        now: Timestamp,
    ) -> Result<(Organiser, ElectionContext), OrganiserError> {
        while self.step() {}
        let key = SecretKey::new(*self.secret.bytes());
        let roll = |credentials| {
            let roll = Roll::collect(self.keys.iter().copied())?;
            let (root, size) = (roll.root(), roll.size());
            Ok::<_, RollError>((Some(roll), Eligibility::Roll { root, size, credentials }))
        };
        let (roll, eligibility) = match self.draft.who {
            Who::Anyone { highest_token } => (None, Eligibility::Open { highest_token }),
            Who::Codes { .. } => roll(Credentials::Codes)?,
            Who::OwnKeys { .. } => roll(Credentials::OwnKeys)?,
        };
        let with_codes = matches!(self.draft.who, Who::Codes { .. });
        let election = self.draft.definition(eligibility, Some(key.public()), now);
        let context = ElectionContext::new(election.clone(), roll)?;
        let codes = with_codes.then_some((self.codes, self.count));
        let organiser = Organiser { election, key, codes, voters: self.rows };
        Ok((organiser, context))
    }
}

impl Organiser {
    /// Reads an organiser's file.
    ///
    /// # Errors
    /// [`OrganiserError::Format`] if it is something else, [`OrganiserError::Damaged`] if a part
    /// does not fit.
    pub fn read(text: &str) -> Result<Self, OrganiserError> {
        let file: OrganiserFile = serde_json::from_str(text).map_err(|_| OrganiserError::Format)?;
        if file.format != FORMAT {
            return Err(OrganiserError::Format);
        }
        file.election.validate().map_err(ContextError::from)?;
        let key = SecretBytes::from_hex(file.secret.as_str())
            .map(|secret| SecretKey::new(*secret.bytes()))
            .filter(|key| Some(key.public()) == file.election.organiser)
            .ok_or(OrganiserError::Damaged(OrganiserFilePart::Key))?;
        let codes = match file.codes.as_str() {
            "" => None,
            digits => {
                let secret = SecretBytes::from_hex(digits).filter(|_| file.count <= MAX_ROLL);
                let broken = OrganiserError::Damaged(OrganiserFilePart::Codes);
                Some((secret.ok_or(broken)?, file.count))
            }
        };
        Ok(Self { election: file.election, key, codes, voters: file.voters })
    }

    /// The file's text.
    pub fn to_text(&self) -> SecretText {
        let file = OrganiserFile {
            format: FORMAT.into(),
            election: self.election.clone(),
            secret: self.key.to_bytes().to_hex(),
            codes: self.codes.as_ref().map(|(secret, _)| secret.to_hex()).unwrap_or_default(),
            count: self.codes.as_ref().map_or(0, |(_, count)| *count),
            voters: self.voters.clone(),
        };
        SecretText::json(&file)
    }

    /// The key that closes and seals.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// The voting codes with the lines of their voters, in the order of the list.
    pub fn codes(&self) -> impl Iterator<Item = (Row, Code)> + '_ {
        self.codes.iter().flat_map(move |(secret, count)| {
            (0..*count).map(move |number| {
                let row = usize::try_from(number).ok().and_then(|at| self.voters.get(at));
                (row.cloned().unwrap_or_default(), Code::derive(secret.bytes(), number))
            })
        })
    }

    /// Definition and roll; the roll is made again from the file.
    ///
    /// # Errors
    /// If the file was changed and does not make the roll that the election commits to.
    pub fn context(&self) -> Result<ElectionContext, OrganiserError> {
        let keys: Vec<_> = match self.election.eligibility {
            Eligibility::Open { .. } => return Ok(ElectionContext::open(self.election.clone())?),
            Eligibility::Roll { credentials: Credentials::Codes, .. } => {
                self.codes().map(|(_, code)| code.secret_key().public()).collect()
            }
            Eligibility::Roll { credentials: Credentials::OwnKeys, .. } => {
                let list = voter_list::write(self.voters.clone());
                voter_list::read_keys(list.as_bytes())?.into_iter().map(|(_, key)| key).collect()
            }
        };
        Ok(ElectionContext::new(self.election.clone(), Some(Roll::collect(keys)?))?)
    }

    /// A draft of the same election, to be changed and published again; its codes will be new ones.
    pub fn to_draft(&self) -> Draft {
        let election = self.election.clone();
        let voters = voter_list::write(self.voters.clone());
        let who = match election.eligibility {
            Eligibility::Open { highest_token } => Who::Anyone { highest_token },
            Eligibility::Roll { credentials: Credentials::Codes, .. } => {
                let count = self.codes.as_ref().map_or(0, |(_, count)| *count);
                Who::Codes { count, voters }
            }
            Eligibility::Roll { credentials: Credentials::OwnKeys, .. } => Who::OwnKeys { voters },
        };
        Draft {
            title: election.title,
            description: election.description,
            choices: election.choices,
            ballot_rules: election.ballot_rules,
            counting: election.counting,
            opens: None,
            closes: None,
            who,
            keepers: election.keepers,
            parameters: Some(election.parameters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::ballot::BallotError;

    fn draft(who: Who) -> Draft {
        Draft {
            title: "Lunch?".into(),
            choices: vec!["Soup".into(), "Bread".into()],
            who,
            ..Draft::default()
        }
    }

    fn publish(who: Who) -> Result<(Organiser, ElectionContext), OrganiserError> {
        Publishing::new(draft(who), SecretBytes::new([1; 32]), SecretBytes::new([2; 32]))?
            .finish(Timestamp(7))
    }

    #[test]
    fn a_published_election_comes_back_from_the_organisers_file() {
        let names = "Ann,ann@example.org\nBert,b@example.org\n";
        let own: Vec<_> = (0..3)
            .map(|number| SecretKey::new([number; 32]).public().to_text())
            .map(|key| vec!["a voter".to_owned(), key])
            .collect();
        let own = voter_list::write(own);
        for (who, size) in [
            (Who::Codes { count: 5, voters: String::new() }, Some(5)),
            (Who::Codes { count: 5, voters: names.into() }, Some(2)),
            (Who::OwnKeys { voters: own }, Some(3)),
            (Who::Anyone { highest_token: None }, None),
        ] {
            let (organiser, context) = publish(who).unwrap();
            assert_eq!(context.roll().map(Roll::size), size);
            let read = Organiser::read(organiser.to_text().as_str()).unwrap();
            assert_eq!(read.to_text(), organiser.to_text());
            assert_eq!(read.context(), Ok(context.clone()));
            assert_eq!(Some(read.key().public()), context.election().organiser);
            for (_, code) in read.codes() {
                let key = code.secret_key().public();
                assert!(context.roll().unwrap().token_of(&key).is_some());
            }
            let again = Publishing::new(
                read.to_draft(),
                SecretBytes::new([3; 32]),
                SecretBytes::new([4; 32]),
            )
            .unwrap();
            let (_, other) = again.finish(Timestamp(8)).unwrap();
            assert_eq!(other.roll().map(Roll::size), size);
            assert_ne!(other.id(), context.id());
        }
        let (organiser, _) = publish(Who::Codes { count: 1, voters: names.into() }).unwrap();
        let (row, _) = organiser.codes().nth(1).unwrap();
        assert_eq!(row, ["Bert", "b@example.org"]);
    }

    #[test]
    fn a_file_without_a_key_is_refused_also_where_the_election_names_none() {
        let (organiser, _) = publish(Who::Anyone { highest_token: None }).unwrap();
        let mut file: serde_json::Value =
            serde_json::from_str(organiser.to_text().as_str()).unwrap();
        file["election"]["organiser"] = serde_json::Value::Null;
        for secret in ["", "00", &"00".repeat(32)] {
            file["secret"] = secret.into();
            let read = Organiser::read(&file.to_string());
            assert!(matches!(read, Err(OrganiserError::Damaged(_))), "{secret:?}: {read:?}");
        }
    }

    #[test]
    fn a_draft_says_field_by_field_what_keeps_it_from_being_an_election() {
        let now = Timestamp(1_000);
        let fields = |draft: &Draft| {
            let problems = draft.problems(now);
            problems.iter().map(DraftProblem::field).collect::<Vec<_>>()
        };
        let good = draft(Who::Codes { count: 2, voters: String::new() });
        assert_eq!(fields(&good), []);
        let changed = |change: fn(&mut Draft)| {
            let mut draft = good.clone();
            change(&mut draft);
            fields(&draft)
        };
        assert_eq!(changed(|draft| draft.title = " ".into()), [DraftField::Title]);
        assert_eq!(changed(|draft| draft.choices[1] = " Soup ".into()), [DraftField::Choices]);
        assert_eq!(changed(|draft| draft.ballot_rules.most = 3), [DraftField::Most]);
        assert_eq!(changed(|draft| draft.ballot_rules.least = 0), [DraftField::Least]);
        assert_eq!(changed(|draft| draft.closes = Some(Timestamp(999))), [DraftField::Closes]);
        let none = |draft: &mut Draft| draft.who = Who::Codes { count: 0, voters: String::new() };
        assert_eq!(changed(none), [DraftField::Count]);
        let no_keys = |draft: &mut Draft| draft.who = Who::OwnKeys { voters: "\n".into() };
        assert_eq!(changed(no_keys), [DraftField::Voters]);
        let twice =
            |draft: &mut Draft| draft.who = Who::Codes { count: 0, voters: "Ann\nAnn\n".into() };
        assert_eq!(changed(twice), [DraftField::Voters]);
        assert_eq!(changed(|draft| draft.counting = Counting::LastCounts), []);
        let open = |draft: &mut Draft| {
            draft.counting = Counting::LastCounts;
            draft.who = Who::Anyone { highest_token: Some(0) };
        };
        assert_eq!(changed(open), [DraftField::Counting, DraftField::HighestToken]);
        let several = |draft: &mut Draft| {
            draft.title.clear();
            draft.closes = Some(Timestamp(1));
        };
        assert_eq!(changed(several), [DraftField::Closes, DraftField::Title]);
    }

    #[test]
    fn what_cannot_be_published_or_read_is_said() {
        let codes = |count| publish(Who::Codes { count, voters: String::new() }).unwrap_err();
        for count in [0, 100_001] {
            assert_eq!(codes(count), DraftProblem::Count(count).into());
        }
        let twice = publish(Who::Codes { count: 0, voters: "Ann\nAnn\n".into() }).unwrap_err();
        let (line, earlier, words) = (2, 1, "Ann".into());
        let same = DraftProblem::Voters(VotersError::Twice { line, earlier, words }).into();
        assert_eq!(twice, same);
        let untitled = Draft { title: " ".into(), ..draft(Who::Anyone { highest_token: None }) };
        let error = Publishing::new(untitled, SecretBytes::new([1; 32]), SecretBytes::new([2; 32]))
            .unwrap()
            .finish(Timestamp(7));
        let title = ContextError::Election(ElectionError::Title(BallotError::Empty));
        assert_eq!(error.unwrap_err(), OrganiserError::Context(title));
        assert_eq!(Organiser::read("{}").unwrap_err(), OrganiserError::Format);
        let (organiser, _) = publish(Who::Codes { count: 2, voters: String::new() }).unwrap();
        let other_key = organiser.to_text().as_str().replace(&"01".repeat(32), &"03".repeat(32));
        assert!(matches!(Organiser::read(&other_key), Err(OrganiserError::Damaged(_))));
        let other_codes = organiser.to_text().as_str().replace(&"02".repeat(32), &"04".repeat(32));
        assert!(Organiser::read(&other_codes).unwrap().context().is_err());
    }
}
