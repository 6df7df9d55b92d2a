//! Definitions, codes, keys and voter rolls.

use blockvote_core::{
    crypto::key::SecretKey,
    custody::voting_code::Code,
    election::{
        ballot::BallotRules,
        definition::{ChainParameters, Counting, Credentials, Election, Eligibility},
        election_context::ElectionContext,
        keepers::Keeper,
        roll::Roll,
    },
    time::Timestamp,
};

use crate::{Vectors, check, hex};

/// An open election.
pub fn open() -> Election {
    Election {
        version: 3,
        title: "Lunch?".into(),
        description: String::new(),
        choices: vec!["Soup".into(), "Bread".into()],
        ballot_rules: BallotRules::ONE,
        counting: Counting::FirstCounts,
        eligibility: Eligibility::Open { highest_token: Some(9) },
        opens: Some(Timestamp(1_800_000_000_000)),
        closes: None,
        created: Timestamp(1_799_999_000_000),
        organiser: None,
        keepers: Vec::new(),
        parameters: ChainParameters { starting_difficulty: 65_536, spacing_ms: 10_000 },
    }
}

/// The codes of its three voters, made from one secret.
fn codes() -> Vec<Code> {
    (0..3).map(|number| Code::derive(&[0x11; 32], number)).collect()
}

/// The key of its first voter.
pub fn voter() -> SecretKey {
    codes()[0].secret_key()
}

/// The key of its organiser.
pub fn organiser() -> SecretKey {
    SecretKey::new([0x22; 32])
}

/// The key of its keeper.
pub fn keeper() -> SecretKey {
    SecretKey::new([0x33; 32])
}

/// Everything that an election with a voter roll adds: approval, blank ballots, own words, the last
/// vote counts.
pub fn with_roll() -> ElectionContext {
    let keys = codes().iter().map(Code::secret_key).collect::<Vec<_>>();
    let roll = Roll::collect(keys.iter().map(SecretKey::public)).unwrap();
    let (root, size) = (roll.root(), roll.size());
    let election = Election {
        ballot_rules: BallotRules { least: 1, most: 2, blank: true, write_in: true },
        counting: Counting::LastCounts,
        eligibility: Eligibility::Roll { root, size, credentials: Credentials::Codes },
        organiser: Some(organiser().public()),
        keepers: vec![Keeper { name: "Club server".into(), key: keeper().public() }],
        ..open()
    };
    ElectionContext::new(election, Some(roll)).unwrap()
}

pub fn vectors() -> Vectors {
    let (election, context) = (open(), with_roll());
    let (code, public) = (codes().remove(0), voter().public());
    vec![
        ("election", hex(election.encode())),
        ("election id", election.id().to_string()),
        ("plain election id", Election::plain().id().to_string()),
        ("demo election id", Election::demo().id().to_string()),
        ("roll: code", code.to_string()),
        ("roll: secret key of the code", hex(voter().to_bytes().bytes())),
        ("roll: public key of the code", public.to_string()),
        ("roll: public key in text", public.to_text()),
        ("roll: root", context.roll().unwrap().root().to_string()),
        ("roll: election", hex(context.election().encode())),
        ("roll: election id", context.id().to_string()),
    ]
}

#[test]
fn a_definition_and_its_roll_are_as_documented() {
    check(vectors());
}
