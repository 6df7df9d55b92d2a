//! Double votes, closings and seals, and the tally that a seal is over.

use blockvote_core::{
    chain::{
        acknowledgements::{
            Acknowledged, Acknowledgement, ClosingList, ProvenSet, Worth, set_root,
        },
        header::Height,
        statements::{Closing, DoubleVote, LeftOut, Seal, Sealed, Statement, StatementBook},
    },
    crypto::hash::{BlockHash, VoteId},
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

fn received() -> ProvenSet {
    ProvenSet::new([0x11, 0x22, 0x33].map(|byte| VoteId([byte; 32])).to_vec())
}

fn closing_list() -> ClosingList {
    ClosingList::sign(elections::with_roll().id(), received().ids(), &elections::keeper())
}

/// What a keeper says of a vote that is on its closing list.
pub fn acknowledged() -> Acknowledged {
    let (id, at, vote) =
        (elections::with_roll().id(), Timestamp(1_800_000_050_000), VoteId([0x22; 32]));
    let acknowledgement = Acknowledgement::sign(id, vote, at, &elections::keeper());
    Acknowledged { acknowledgement, listed: received().prove(&vote) }
}

fn tally() -> Tally {
    let selections = [("Bread".to_owned(), 1), ("Soup".to_owned(), 1)].into();
    Tally { ballots: 1, selections, ..Tally::default() }
}

fn seal() -> Seal {
    let left_out = vec![LeftOut { reason: "late".into(), votes: vec![VoteId([0x44; 32])] }];
    let sealed = Sealed {
        election: elections::with_roll().id(),
        trustee: 1,
        height: Height(2),
        tip: BlockHash([0x33; 32]),
        tally: tally().hash(),
        set: set_root(&[VoteId([0x11; 32]), VoteId([0x22; 32])]),
        left_out,
    };
    Seal::sign(sealed, &elections::organiser())
}

pub fn vectors() -> Vectors {
    let (double, closing, seal, tally) = (double_vote(), closing(), seal(), tally());
    let sealed = Statement::Seal(seal.clone());
    let list = Statement::ClosingList(closing_list());
    let short = |statement: &Statement| hex(statement.short_id().0);
    vec![
        ("roll: tally", encoded(&tally)),
        ("roll: tally hash", tally.hash().to_string()),
        ("roll: double vote", encoded(&double)),
        ("roll: closing", encoded(&closing)),
        ("roll: seal", encoded(&sealed)),
        ("roll: seal id", seal.id().to_string()),
        ("roll: root of the sealed set", seal.sealed.set.to_string()),
        ("roll: closing list", encoded(&list)),
        ("roll: acknowledgement", encoded(&acknowledged())),
        ("roll: short id of the closing list", short(&list)),
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
    let list = Statement::ClosingList(closing_list());
    assert_eq!(list.check(&elections::with_roll()), Ok(()));
    let acknowledged = acknowledged();
    assert!(acknowledged.acknowledgement.check(&elections::with_roll()).is_ok());
    let (list, election) = (closing_list(), elections::with_roll());
    assert_eq!(acknowledged.worth(election.election(), &[list]), Worth::InTime);
}
