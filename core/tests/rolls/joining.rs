//! Joining with only a link.

use blockvote_core::{
    crypto::key::SecretKey,
    election::definition::{Counting, Election},
    node::join::{Join, Progress, Step},
    testkit::{
        NOW,
        nodes::{HONEST, LIAR},
        rolls::{context_with, node},
    },
    wire::message::Message,
};

#[test]
fn an_election_is_joined_by_its_link_alone_and_a_forged_page_leads_nowhere() {
    let context = context_with(Counting::FirstCounts, 3000);
    let served = node(&context);
    let roll = context.roll().unwrap();
    let mut join = Join::new(context.id(), None);
    let Step::Ask(asked) = join.peers(NOW, [LIAR, HONEST]) else { panic!() };
    assert_eq!(asked.len(), 2);
    // Another election is not the one in the link.
    let other = Message::Election(Box::new(Election::demo())).encode();
    assert!(matches!(join.message(NOW, LIAR, &other), Step::Ask(asked) if asked.is_empty()));
    let election = Message::Election(Box::new(served.chain().election().clone())).encode();
    let Step::Ask(asked) = join.message(NOW, HONEST, &election) else { panic!() };
    assert_eq!(asked.len(), 3, "all three pages, of the peer that is left");
    assert_eq!(join.progress(), Progress::Roll { have: 0, of: 3 });
    let Step::Ask(_) = join.peers(NOW, [LIAR]) else { panic!() };
    let mut forged = roll.page(0).unwrap();
    forged.keys[5] = SecretKey::new([1; 32]).public();
    let Step::Ask(asked) = join.message(NOW, HONEST, &Message::RollPage(forged).encode()) else {
        panic!()
    };
    assert!(asked.iter().all(|(peer, _)| *peer == LIAR), "the forger is not asked again");
    assert_eq!(asked.len(), 3);
    // The node waits out a silence, then asks again.
    assert!(matches!(join.step(NOW), Step::Ask(asked) if asked.is_empty()));
    assert!(matches!(join.step(NOW.plus_ms(9_000)), Step::Ask(asked) if asked.len() == 3));
    let page = |index| Message::RollPage(roll.page(index).unwrap()).encode();
    assert!(matches!(join.message(NOW, LIAR, &page(2)), Step::Ask(_)));
    assert!(matches!(join.message(NOW, LIAR, &page(0)), Step::Ask(_)));
    assert_eq!(join.progress(), Progress::Roll { have: 2, of: 3 });
    let Step::Done(joined) = join.message(NOW, LIAR, &page(1)) else { panic!() };
    assert_eq!(joined, context);
}
