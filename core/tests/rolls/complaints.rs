//! Complaints: a vote that a keeper acknowledged but that is not in the sealed result.

use std::collections::BTreeMap;

use blockvote_core::{
    audit::{
        archive::{ArchiveReader, ArchiveWriter},
        complaint::{Complaint, ComplaintError, ComplaintFileError, Upheld},
        report::Report,
        verify::Verifier,
    },
    chain::{
        acknowledgements::{Acknowledged, Acknowledgement, ClosingList, KeeperError, Lack, Worth},
        statements::{LeftOut, Statement},
    },
    crypto::hash::VoteId,
    election::{ballot::Ballot, vote::Vote},
    node::{Input, Missing, Node, SealError},
    testkit::{
        NOW,
        nodes::{HONEST, drain, hear, sent_to},
        rolls::{AFTER, context_kept, extend, keeper, node, organiser, vote, voter},
    },
    wire::message::Message,
};

/// The organiser seals without the vote of voter 1, which the keeper had in time.
fn left_out(reason: Option<&str>) -> (Node, Node, Vote) {
    let context = context_kept();
    let (mut keeps, mut seals) = (node(&context), node(&context));
    assert!(keeps.keep(NOW, keeper(0), BTreeMap::new()));
    let victim = vote(&context, 1, 0, 1);
    let [counted, missing] = [vote(&context, 0, 0, 0), victim.clone()];
    keeps.handle(NOW, Input::Votes(vec![counted.clone(), missing]));
    extend(&mut seals, vec![counted]);
    let left_out = reason.map(|reason| LeftOut { reason: reason.into(), votes: vec![victim.id()] });
    let left_out = left_out.into_iter().collect();
    // No closing list is here.
    let lack = seals.seal(AFTER, Vec::new(), &organiser(), false);
    assert!(
        matches!(lack, Err(SealError::Missing(Missing::Lack(Lack { listed: None, .. })))),
        "{lack:?}"
    );
    seals.seal(AFTER, left_out, &organiser(), true).unwrap();
    keeps.handle(AFTER, Input::Tick);
    (keeps, seals, victim)
}

/// What the keeper answers.
fn acknowledged(keeps: &mut Node, id: VoteId) -> Vec<Acknowledged> {
    let outputs = hear(keeps, HONEST, &Message::GetAcknowledged(vec![id]));
    let answers = sent_to(&outputs, HONEST).into_iter().filter_map(|message| match message {
        Message::Acknowledged(signed) => Some(signed),
        _ => None,
    });
    answers.flatten().collect()
}

/// Verifies what the node that sealed has, with more statements such as the keeper's list.
fn verify(seals: &Node, more: Vec<Statement>, complaints: Vec<Complaint>) -> Report {
    let chain = seals.chain();
    let (mut writer, mut bytes) = ArchiveWriter::new(chain.context());
    for statement in seals.statements().all().chain(more) {
        bytes.extend(writer.statement(&statement));
    }
    bytes.extend(writer.block(&chain.tip().to_block()));
    bytes.extend(writer.finish());
    let (mut reader, mut verifier) = (ArchiveReader::new(), Verifier::new(AFTER));
    verifier.complain(complaints);
    reader.push(&bytes);
    while let Some(record) = reader.next_record().unwrap() {
        verifier.push(record);
    }
    verifier.report()
}

fn lists(keeps: &Node) -> Vec<Statement> {
    let list = |statement: &Statement| matches!(statement, Statement::ClosingList(_));
    keeps.statements().all().filter(list).collect()
}

#[test]
fn a_vote_that_was_acknowledged_and_left_out_is_a_complaint_that_holds() {
    for reason in [None, Some("came late")] {
        let (mut keeps, seals, victim) = left_out(reason);
        let signed = acknowledged(&mut keeps, victim.id());
        assert!(signed[0].listed.is_some());
        let complaint = Complaint::new(victim.clone(), signed, "Lunch?");
        let read = Complaint::read(&complaint.to_text()).unwrap();
        assert_eq!(read, complaint);
        let upheld = Upheld {
            vote: victim.id(),
            keeper: "Keeper 0".into(),
            at: NOW,
            reason: reason.map(str::to_owned),
        };
        // With the closing list in the audit file, and without it.
        for more in [lists(&keeps), Vec::new()] {
            let report = verify(&seals, more, vec![complaint.clone()]);
            assert!(report.passed());
            assert_eq!(report.complaints, [Ok(upheld.clone())]);
        }
    }
}

/// The keeper had one of them, and the other one arrived in a block: both are on its list.
#[test]
fn a_voter_who_signed_two_ballots_disputes_no_result() {
    let context = context_kept();
    let mut keeps = node(&context);
    assert!(keeps.keep(NOW, keeper(0), BTreeMap::new()));
    let of = |number, choice| vote(&context, number, 0, choice);
    keeps.handle(NOW, Input::Votes(vec![of(0, 0), of(2, 0)]));
    extend(&mut keeps, vec![of(0, 1), of(2, 0)]);
    keeps.handle(AFTER, Input::Tick);
    let [Statement::ClosingList(list)] = &lists(&keeps)[..] else { panic!("no list") };
    assert_eq!((list.votes, keeps.chain().votes()), (3, 2));
    keeps.seal(AFTER, Vec::new(), &organiser(), true).unwrap();
    let report = verify(&keeps, Vec::new(), Vec::new());
    assert!(report.passed() && report.sealed.is_some());
    assert!(!report.disputed(), "{report:?}");
}

#[test]
fn a_complaint_that_proves_nothing_says_why() {
    let (mut keeps, seals, victim) = left_out(None);
    let context = context_kept();
    let good = acknowledged(&mut keeps, victim.id()).remove(0);
    let of =
        |vote: &Vote, signed: Vec<Acknowledged>| Complaint::new(vote.clone(), signed, "Lunch?");
    let signed = |vote: &Vote, at, number| {
        let acknowledgement = Acknowledgement::sign(context.id(), vote.id(), at, &keeper(number));
        Acknowledged { acknowledgement, listed: None }
    };
    let counted = vote(&context, 0, 0, 0);
    let other = vote(&context, 0, 0, 1);
    let mut forged = good.clone();
    forged.acknowledgement.at = NOW.plus_ms(1);
    let mut changed = victim.clone();
    changed.ballot = Ballot::Choices(vec![0]);
    let worthless = |worth| Err(ComplaintError::Worthless { keeper: "Keeper 0".into(), worth });
    let cases = [
        (of(&counted, vec![signed(&counted, NOW, 1)]), Err(ComplaintError::Counted)),
        (of(&other, vec![signed(&other, NOW, 1)]), Err(ComplaintError::OtherBallot(counted.id()))),
        (of(&victim, vec![]), Err(ComplaintError::Acknowledgements(0))),
        (
            of(&victim, vec![good.clone(), good.clone()]),
            Err(ComplaintError::Twice(keeper(0).public())),
        ),
        (of(&victim, vec![forged]), Err(ComplaintError::Keeper(KeeperError::Signature))),
        (of(&counted, vec![good.clone()]), Err(ComplaintError::OtherVote(victim.id()))),
        (of(&victim, vec![signed(&victim, AFTER, 0)]), worthless(Worth::Late)),
        // Dated back: it is not on the list.
        (of(&victim, vec![signed(&victim, NOW, 0)]), worthless(Worth::NotListed)),
        (
            of(&victim, vec![signed(&victim, NOW, 7)]),
            Err(ComplaintError::Keeper(KeeperError::NotNamed(keeper(7).public()))),
        ),
    ];
    let (complaints, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    assert_eq!(verify(&seals, lists(&keeps), complaints).complaints, expected);
    let tampered = verify(&seals, Vec::new(), vec![of(&changed, vec![good.clone()])]).complaints;
    assert!(matches!(tampered[..], [Err(ComplaintError::Vote(_))]), "{tampered:?}");
    // Two lists of the keeper: its signature is worth nothing, wherever the vote is.
    let two = ClosingList::sign(context.id(), &[], &keeper(0));
    let both = lists(&keeps).into_iter().chain([Statement::ClosingList(two)]).collect();
    let complaint = of(&victim, vec![good]);
    let contradicted = verify(&seals, both, vec![complaint.clone()]);
    assert!(contradicted.passed(), "the election itself is sound");
    assert_eq!(contradicted.complaints, [worthless(Worth::Contradicted)]);
    // Nothing is left out before there is a result.
    let mut open = node(&context);
    extend(&mut open, vec![counted]);
    let early = verify(&open, Vec::new(), vec![complaint]).complaints;
    assert_eq!(early, [Err(ComplaintError::NotSealed)]);
    assert_eq!(Complaint::read("{}"), Err(ComplaintFileError::Format));
    let cut = "{\"format\": \"blockvote complaint 1\"}";
    assert_eq!(Complaint::read(cut), Err(ComplaintFileError::Malformed));
}

#[test]
fn a_keeper_acknowledges_what_came_in_time_and_nothing_afterwards() {
    let (mut keeps, _, victim) = left_out(None);
    let context = context_kept();
    let late = vote(&context, 2, 0, 0);
    // It arrives a minute after closing: taken, and not acknowledged.
    let mut other = node(&context);
    other.keep(NOW, keeper(1), BTreeMap::new());
    let grace = context.election().closes.unwrap().plus_ms(60_000);
    other.handle(grace, Input::Votes(vec![late.clone()]));
    drain(&mut other);
    assert!(other.pending().contains(&late.id()));
    assert_eq!(acknowledged(&mut other, late.id()), []);
    assert_eq!(acknowledged(&mut keeps, victim.id()).len(), 1);
    assert_eq!((keeps.acknowledged_here(), other.acknowledged_here()), (Some(2), Some(0)));
    // A key that the definition does not name signs nothing.
    let mut stranger = node(&context);
    assert!(!stranger.keep(NOW, voter(0), BTreeMap::new()));
    stranger.handle(NOW, Input::Votes(vec![victim.clone()]));
    assert_eq!(acknowledged(&mut stranger, victim.id()), []);
}
