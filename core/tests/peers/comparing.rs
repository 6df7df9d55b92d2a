//! Comparing pending votes.

use blockvote_core::{
    chain::{header::Height, statements::StatementBook},
    node::{Node, Rejection},
    testkit::{
        nodes::{HONEST, LIAR, greet, hear, hello, no_votes, node, rejected, sent_to},
        vote,
    },
    wire::message::{Hello, MAX_VOTES, Message, PROTOCOL_VERSION, VotesDigest},
};

/// Carries messages between two nodes until both are silent; returns how many bytes were sent.
fn talk(a: &mut Node, b: &mut Node, mut for_b: Vec<Message>) -> usize {
    let mut bytes = 0;
    let mut for_a: Vec<Message> = Vec::new();
    for _ in 0..1_000 {
        for message in std::mem::take(&mut for_b) {
            bytes += message.encode().len();
            for_a.extend(sent_to(&hear(b, HONEST, &message), HONEST));
        }
        for message in std::mem::take(&mut for_a) {
            bytes += message.encode().len();
            for_b.extend(sent_to(&hear(a, HONEST, &message), HONEST));
        }
        if for_b.is_empty() {
            return bytes;
        }
    }
    panic!("they never stop");
}

#[test]
fn pending_votes_are_compared_by_their_difference() {
    let (mut a, mut b) = (node(), node());
    for from in (0..6_000).step_by(1_000) {
        let votes: Vec<_> = (from..from + 1_000).map(|token| vote(token, "Yes")).collect();
        for node in [&mut a, &mut b] {
            hear(node, LIAR, &Message::Votes(votes.clone()));
        }
    }
    hear(&mut a, LIAR, &Message::Votes((10_000..10_005).map(|n| vote(n, "a")).collect()));
    hear(&mut b, LIAR, &Message::Votes((20_000..20_007).map(|n| vote(n, "b")).collect()));
    let greeting = Message::Hello(Hello {
        version: PROTOCOL_VERSION,
        tip: b.chain().tip().hash(),
        height: Height(1),
        weight: b.chain().weight(),
        set: VotesDigest { votes: 6_007, ..no_votes() },
        sealed: None,
        statements: StatementBook::default().digest(),
        wants_reply: false,
    });
    // An answer without a greeting begins nothing.
    assert_eq!(sent_to(&hear(&mut a, HONEST, &greeting), HONEST), []);
    greet(&mut a);
    let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
    assert!(matches!(begun[..], [Message::Reconcile(_)]), "{begun:?}");
    let bytes = talk(&mut a, &mut b, begun);
    assert_eq!((a.pending().len(), b.pending().len()), (6_012, 6_012));
    // The ids alone would be 48,000 bytes, the votes 300,000.
    assert!(bytes < 24_000, "{bytes} bytes");
}

#[test]
fn one_side_that_lacks_everything_gets_everything() {
    for (here, there) in [(0, 9_000), (9_000, 0)] {
        let (mut a, mut b) = (node(), node());
        for (node, count) in [(&mut a, here), (&mut b, there)] {
            for from in (0..count).step_by(3_000) {
                let votes = (from..from + 3_000).map(|token| vote(token, "Yes")).collect();
                hear(node, LIAR, &Message::Votes(votes));
            }
        }
        let mut greeting = hello(a.chain().tip().hash(), 1, a.chain().work().0);
        if let Message::Hello(hello) = &mut greeting {
            hello.set.votes = u32::try_from(there).unwrap();
        }
        greet(&mut a);
        let begun = sent_to(&hear(&mut a, HONEST, &greeting), HONEST);
        talk(&mut a, &mut b, begun);
        assert_eq!((a.pending().len(), b.pending().len()), (9_000, 9_000), "{here} and {there}");
    }
}

#[test]
fn a_broken_comparison_is_refused_and_an_answer_to_no_question_ignored() {
    let mut node = node();
    assert!(sent_to(&hear(&mut node, HONEST, &Message::Reconciled(vec![0x61])), HONEST).is_empty());
    let outputs = hear(&mut node, LIAR, &Message::Reconcile(vec![0x61, 0, 33, 1]));
    assert!(matches!(rejected(&outputs), Some(Rejection::Comparison(_))));
}

#[test]
fn copies_of_a_vote_begin_no_comparison() {
    let mut node = node();
    greet(&mut node);
    for token in 0..4 {
        let copies = vec![vote(token, "Yes"); MAX_VOTES];
        let outputs = hear(&mut node, HONEST, &Message::Votes(copies));
        assert_eq!((sent_to(&outputs, HONEST), rejected(&outputs)), (vec![], None));
    }
    let fresh = (100..100 + MAX_VOTES as u64).map(|token| vote(token, "Yes")).collect();
    let begun = sent_to(&hear(&mut node, HONEST, &Message::Votes(fresh)), HONEST);
    assert!(matches!(begun[..], [Message::Reconcile(_)]), "there was more: {begun:?}");
}
