//! Double votes, closings and seals, and the tally that a seal is over.

use blockvote_core::{
    chain::{
        header::Height,
        statements::{Closing, DoubleVote, Seal, Statement, StatementBook},
    },
    crypto::hash::BlockHash,
    election::tally::Tally,
    time::Timestamp,
};

use crate::{Vectors, check, elections, encoded, hex, votes};

/// A double vote of the first voter.
pub fn double_vote() -> Statement {
    let [one, other] = votes::two_changes();
    Statement::DoubleVote(Box::new(DoubleVote::of(&one, &other).unwrap()))
}

/// A closing by the organiser.
pub fn closing() -> Statement {
    let (id, at) = (elections::with_roll().id(), Timestamp(1_800_000_100_000));
    Statement::Closing(Closing::sign(id, at, &elections::organiser()))
}

fn tally() -> Tally {
    let selections = [("Bread".to_owned(), 1), ("Soup".to_owned(), 1)].into();
    Tally { ballots: 1, selections, ..Tally::default() }
}

fn seal() -> Seal {
    let (id, tip) = (elections::with_roll().id(), BlockHash([0x33; 32]));
    Seal::sign(id, Height(2), tip, &tally(), &elections::organiser())
}

pub fn vectors() -> Vectors {
    let (double, closing, seal, tally) = (double_vote(), closing(), seal(), tally());
    let sealed = Statement::Seal(seal);
    let short = |statement: &Statement| hex(statement.short_id().0);
    vec![
        ("roll: tally", encoded(&tally)),
        ("roll: tally hash", tally.hash().to_string()),
        ("roll: double vote", encoded(&double)),
        ("roll: closing", encoded(&closing)),
        ("roll: seal", encoded(&sealed)),
        ("roll: seal id", seal.id().to_string()),
        ("roll: short id of the double vote", short(&double)),
        ("roll: short id of the closing", short(&closing)),
        ("roll: short id of the seal", short(&sealed)),
        ("roll: digest of no evidence", hex(StatementBook::default().digest())),
    ]
}

#[test]
fn a_statement_is_as_documented() {
    check(vectors());
}

#[test]
fn each_of_them_holds() {
    for statement in [double_vote(), closing(), Statement::Seal(seal())] {
        assert_eq!(statement.check(&elections::with_roll()), Ok(()));
    }
}
