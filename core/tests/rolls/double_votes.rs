//! Two ballots of one voter: proven wherever both votes meet.

use blockvote_core::{
    chain::{
        header::Height,
        statements::{DoubleVote, Statement},
    },
    node::{CastError, Input},
    testkit::{
        NOW,
        nodes::{HONEST, LIAR, drain_verified, hear_verified, no_votes, rejected, sent},
        rolls::{AFTER, context, node, vote},
    },
    wire::message::{Hello, Message, PROTOCOL_VERSION},
};

#[test]
fn a_double_vote_is_proven_where_the_halves_meet_and_told_to_who_asks() {
    let context = context();
    let (one, two) = (vote(&context, 0, 0, 0), vote(&context, 0, 0, 1));
    let mut node = node(&context);
    node.cast(NOW, one.clone()).unwrap();
    drain_verified(&mut node);
    let outputs = hear_verified(&mut node, LIAR, &Message::Votes(vec![two.clone()]));
    assert_eq!(rejected(&outputs), None, "the messenger is not to blame");
    let proof = Statement::DoubleVote(Box::new(DoubleVote::of(&one, &two).unwrap()));
    assert_eq!(sent(&outputs), [Message::Statements(vec![proof.clone()])]);
    assert_eq!(node.pending().len(), 1);
    assert!(node.statements().double_vote_of(one.token).is_some());
    // Another node learns of it by comparing digests, checks it, and passes it on.
    let mut other = self::node(&context);
    let hello = |digest, wants_reply| {
        Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            tip: node.chain().tip().hash(),
            height: Height(1),
            weight: node.chain().weight(),
            set: no_votes(),
            sealed: None,
            statements: digest,
            wants_reply,
        })
    };
    let question =
        sent(&hear_verified(&mut other, LIAR, &hello(node.statements().digest(), false)));
    assert!(
        matches!(&question[..], [Message::GetStatements(known)] if known.is_empty()),
        "{question:?}"
    );
    let answer = sent(&hear_verified(&mut node, HONEST, &question[0]));
    let outputs = hear_verified(&mut other, LIAR, &answer[0]);
    assert_eq!(rejected(&outputs), None);
    assert_eq!(other.statements().digest(), node.statements().digest());
    // What is known already is not passed on again.
    assert!(sent(&hear_verified(&mut other, LIAR, &answer[0])).is_empty());
}

#[test]
fn a_double_vote_is_proven_even_when_both_halves_come_together_or_from_the_user() {
    let context = context();
    let (one, two) = (vote(&context, 0, 0, 0), vote(&context, 0, 0, 1));
    let mut node = node(&context);
    hear_verified(&mut node, LIAR, &Message::Votes(vec![one.clone(), two.clone()]));
    assert_eq!((node.pending().len(), node.statements().double_votes().len()), (1, 1));
    let mut node = self::node(&context);
    node.cast(NOW, one.clone()).unwrap();
    assert!(matches!(node.cast(NOW, two.clone()), Err(CastError::AlreadyVoted { .. })));
    assert_eq!(node.statements().double_votes().len(), 1);
    // After closing, votes are not taken, but the proof is.
    let mut node = self::node(&context);
    let bytes = Message::Votes(vec![one, two]).encode();
    node.handle(AFTER, Input::Message { from: LIAR, broadcast: true, bytes });
    assert_eq!((node.pending().len(), node.statements().double_votes().len()), (0, 1));
}
