//! Votes, open and signed.

use blockvote_core::election::{
    ballot::Ballot,
    token::TokenId,
    vote::{Authorization, Vote},
};

use crate::{Vectors, check, elections, hex};

/// A vote of the open election.
pub fn open(token: u64, ballot: Ballot) -> Vote {
    Vote {
        election: elections::open().id(),
        token: TokenId(token),
        ballot,
        sequence: 0,
        authorization: Authorization::Open,
    }
}

/// Three of them, each for one choice.
pub fn three() -> Vec<Vote> {
    let choices = [(1, 0), (2, 1), (3, 0)];
    choices.map(|(token, choice)| open(token, Ballot::Choices(vec![choice]))).to_vec()
}

/// One with free text.
pub fn free_text() -> Vote {
    open(7, Ballot::Text("Biden".into()))
}

/// A vote of the first voter on the roll.
pub fn signed(sequence: u8, ballot: Ballot) -> Vote {
    let (context, key) = (elections::with_roll(), elections::voter());
    let token = context.roll().unwrap().token_of(&key.public()).unwrap();
    Vote::signed(context.id(), token, sequence, ballot, &key)
}

/// A changed vote, and another with the same sequence number.
pub fn two_changes() -> [Vote; 2] {
    let own_words = Ballot::WriteIn { choices: vec![0], text: "Pie".into() };
    [signed(1, Ballot::Blank), signed(1, own_words)]
}

pub fn vectors() -> Vectors {
    let (vote, free, approval) =
        (three().remove(0), free_text(), signed(0, Ballot::Choices(vec![0, 1])));
    let [blank, write_in] = two_changes();
    vec![
        ("vote with a choice", hex(vote.encode())),
        ("vote with a choice: id", vote.id().to_string()),
        ("vote with free text", hex(free.encode())),
        ("vote with free text: id", free.id().to_string()),
        ("roll: approval vote", hex(approval.encode())),
        ("roll: approval vote: id", approval.id().to_string()),
        ("roll: approval vote: signed message", hex(approval.signing_message())),
        ("roll: blank vote, changed once", hex(blank.encode())),
        ("roll: vote with own words", hex(write_in.encode())),
    ]
}

#[test]
fn a_vote_is_as_documented() {
    check(vectors());
}
