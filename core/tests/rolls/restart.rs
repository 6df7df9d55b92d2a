//! The content of a store, taken in again.

use blockvote_core::{
    chain::{
        block::Block,
        pow,
        statements::{Seal, Sealing, Statement},
    },
    election::vote::Authorization,
    node::Node,
    testkit::{
        nodes::{LIAR, hear_verified},
        rolls::{AFTER, context, extend, node, organiser, sealed_of, vote, voter},
    },
    wire::message::Message,
};

#[test]
fn what_was_proven_and_sealed_is_there_after_a_restart() {
    let context = context();
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    hear_verified(&mut node, LIAR, &Message::Votes(vec![vote(&context, 0, 0, 1)]));
    node.seal(AFTER, Vec::new(), &organiser(), false).unwrap();
    let statements: Vec<_> = node.statements().all().collect();
    let blocks = [node.chain().tip().to_block()];
    let mut again = Node::new(context.clone(), 1);
    let checked = || blocks.iter().map(|block| block.clone().check(&context));
    again.restore(AFTER, checked(), [], statements.clone()).unwrap();
    assert_eq!(again.ballot_box().sealing(), node.ballot_box().sealing());
    assert_eq!(again.statements().digest(), node.statements().digest());
    // A store into which somebody wrote a forged seal.
    let forged = Seal::sign(sealed_of(node.chain()), &voter(1));
    let mut again = Node::new(context.clone(), 1);
    again.restore(AFTER, checked(), [], [Statement::Seal(forged)]).unwrap();
    assert_eq!(*again.ballot_box().sealing(), Sealing::Unsealed);
}

#[test]
fn a_stored_block_is_held_to_its_votes_root_and_with_signatures_to_those() {
    let context = context();
    let mut node = node(&context);
    extend(&mut node, vec![vote(&context, 0, 0, 0)]);
    let stored = node.chain().tip().to_block();
    let forge = |block: &mut Block| {
        let Authorization::Signed(signature) = &mut block.votes[0].authorization else { panic!() };
        signature.0[40] ^= 1;
    };
    let restore = |signatures, block: Block| {
        let checked =
            if signatures { block.check(&context) } else { block.check_but_signatures(&context) };
        Node::new(context.clone(), 1).restore(AFTER, [checked], [], [])
    };
    assert!(restore(false, stored.clone()).is_ok() && restore(true, stored.clone()).is_ok());
    let mut changed = stored.clone();
    forge(&mut changed);
    assert!(restore(false, changed.clone()).is_err() && restore(true, changed.clone()).is_err());
    // The block was mined again, so the folder matches itself: only the signatures show the change.
    changed.header.votes_root = Block::votes_root(&changed.votes);
    pow::mine(&mut changed.header);
    assert!(restore(false, changed.clone()).is_ok());
    assert!(restore(true, changed).is_err());
}
