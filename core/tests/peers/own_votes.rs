//! Own votes, until peers say that they have them.

use std::collections::{BTreeMap, BTreeSet};

use blockvote_core::{
    crypto::hash::{BlockHash, VoteId},
    node::{Input, LinkId, Output, Peer},
    testkit::{
        NOW, block,
        nodes::{HONEST, LIAR, drain, hear, hello, node, sent_to},
        vote,
    },
    wire::{frame::PeerId, message::Message},
};

/// The ids that each peer is asked about: whether it has them.
fn asked_held(outputs: &[Output]) -> BTreeMap<Peer, Vec<VoteId>> {
    let mut asked = BTreeMap::new();
    for output in outputs {
        if let Output::Send(peer, bytes) = output
            && let Message::AskHeld(ids) = Message::decode(bytes).unwrap()
        {
            asked.entry(*peer).or_insert_with(Vec::new).extend(ids);
        }
    }
    asked
}

#[test]
fn only_a_peer_that_was_asked_can_say_that_it_holds_a_vote_and_one_is_not_enough() {
    let mut node = node();
    for name in 1..=40 {
        let peer = Peer { link: LinkId(0), id: PeerId(name) };
        hear(&mut node, peer, &hello(BlockHash([7; 32]), 1, 0));
    }
    let cast = vote(1, "Yes");
    let id = node.cast(NOW, cast.clone()).unwrap();
    let asked = asked_held(&drain(&mut node));
    assert_eq!(asked.len(), 3);
    for name in 1..=40 {
        let peer = Peer { link: LinkId(0), id: PeerId(name) };
        if !asked.contains_key(&peer) {
            hear(&mut node, peer, &Message::Held(vec![id]));
        }
    }
    assert_eq!(node.holders(&id), 0, "nobody of them was asked");

    // One says that it has the vote, and lies. The others get the vote itself, past any relay's
    // filter of repeated broadcasts.
    let (liar, others) = (*asked.keys().next().unwrap(), asked.keys().skip(1));
    hear(&mut node, liar, &Message::Held(vec![id]));
    assert_eq!(node.holders(&id), 1);
    node.handle(NOW.plus_ms(5_000), Input::Tick);
    let outputs = drain(&mut node);
    for other in others {
        assert!(sent_to(&outputs, *other).contains(&Message::Votes(vec![cast.clone()])));
        hear(&mut node, *other, &Message::Held(vec![id]));
    }
    assert_eq!(node.holders(&id), 3);
    node.handle(NOW.plus_ms(10_000), Input::Tick);
    assert!(asked_held(&drain(&mut node)).is_empty(), "enough hold it");
}

#[test]
fn when_those_asked_stay_silent_others_get_the_vote() {
    let mut node = node();
    let peer = |name| Peer { link: LinkId(0), id: PeerId(name) };
    for name in 1..=12 {
        hear(&mut node, peer(name), &hello(BlockHash([7; 32]), 1, 0));
    }
    let cast = vote(1, "Yes");
    node.cast(NOW, cast.clone()).unwrap();
    drain(&mut node);
    let mut reached = BTreeSet::new();
    for round in 1..=12 {
        node.handle(NOW.plus_ms(5_000 * round), Input::Tick);
        let outputs = drain(&mut node);
        let votes = Message::Votes(vec![cast.clone()]);
        reached.extend((1..=12).filter(|name| sent_to(&outputs, peer(*name)).contains(&votes)));
    }
    assert!(reached.len() > 8, "{reached:?}");
}

#[test]
fn who_asks_too_often_what_is_held_is_not_answered() {
    let mut node = node();
    let ids: Vec<_> = (0..256).map(|token| node.cast(NOW, vote(token, "Yes")).unwrap()).collect();
    drain(&mut node);
    let ask = Message::AskHeld(ids);
    let answers = (0..2_000).filter(|_| !sent_to(&hear(&mut node, LIAR, &ask), LIAR).is_empty());
    assert!(answers.count() < 1_100, "8 MiB at once");
}

#[test]
fn a_vote_that_was_mined_alone_is_asked_for_when_peers_come() {
    let mut node = node();
    let cast = vote(1, "Yes");
    let id = node.cast(NOW, cast.clone()).unwrap();
    let alone = block(node.chain(), vec![cast], |_| ());
    node.handle(NOW, Input::Blocks(vec![alone]));
    hear(&mut node, HONEST, &hello(BlockHash([7; 32]), 1, 0));
    node.handle(NOW.plus_ms(5_000), Input::Tick);
    assert_eq!(asked_held(&drain(&mut node)).get(&HONEST), Some(&vec![id]));
    hear(&mut node, HONEST, &Message::Held(vec![id]));
    assert_eq!(node.holders(&id), 1);
    node.handle(NOW.plus_ms(10_000), Input::Tick);
    assert!(asked_held(&drain(&mut node)).is_empty(), "the chain is what counts now");
}
