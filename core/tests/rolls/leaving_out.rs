//! Sealing without votes that are in blocks: the chain is rebuilt without them.

use std::collections::BTreeMap;

use blockvote_core::{
    chain::{
        acknowledgements::ClosingList,
        statements::{LeftOut, Sealing, Statement},
    },
    crypto::hash::VoteId,
    election::{
        definition::{Counting, Election},
        keepers::Keeper,
    },
    node::{Input, Missing, Node, Output, SealError, Signatures, StoreChange},
    testkit::{
        NOW, block,
        nodes::{HONEST, LIAR, OWN, drain, mine, sent},
        rolls::{
            AFTER, CLOSES, context_kept, context_with, extend, keeper, node, organiser, vote, voter,
        },
        with_roll,
    },
    time::Timestamp,
    wire::message::{Message, Presence},
};

/// A node with votes of voters 0 to 4, each in its own block; voter 1 changed the vote.
fn voted() -> Node {
    let context = context_with(Counting::LastCounts, 6);
    let mut node = node(&context);
    for number in 0..5 {
        extend(&mut node, vec![vote(&context, number, 0, 0)]);
    }
    extend(&mut node, vec![vote(&context, 1, 1, 1)]);
    drain(&mut node);
    node
}

fn id(node: &Node, number: u32, sequence: u8) -> VoteId {
    vote(node.chain().context(), number, sequence, 0).id()
}

/// Leaves votes of voter 3 out of the blocks.
fn leave_out(node: &mut Node) -> VoteId {
    let late = id(node, 3, 0);
    node.leave_out(AFTER, &[late], false).unwrap();
    late
}

fn build(node: &mut Node) {
    while node.ballot_box().rebuilding().is_some_and(|it| !it.is_done()) {
        let mined = mine(node);
        node.handle(AFTER, mined);
    }
}

fn named(votes: Vec<VoteId>) -> Vec<LeftOut> {
    vec![LeftOut { reason: "came after closing".into(), votes }]
}

/// Lets two nodes talk until neither says anything.
fn talk(now: Timestamp, one: &mut Node, other: &mut Node) {
    let mut said = [drain(one), drain(other)];
    while said.iter().any(|outputs| !outputs.is_empty()) {
        let [by_one, by_other] = said;
        for (from, to, outputs) in [(0, 1, by_one), (1, 0, by_other)] {
            for output in outputs {
                let nodes = [&mut *one, &mut *other];
                match output {
                    Output::Broadcast(_, bytes) => {
                        nodes[to]
                            .handle(now, Input::Message { from: HONEST, broadcast: true, bytes });
                    }
                    Output::Send(HONEST, bytes) => {
                        nodes[to]
                            .handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
                    }
                    Output::Verify(Signatures { id, .. }) => {
                        nodes[from].handle(now, Input::Verified { id, verdict: Ok(()) });
                    }
                    _ => {}
                }
            }
        }
        said = [drain(one), drain(other)];
    }
}

#[test]
fn a_seal_leaves_out_what_stands_in_a_block_and_every_node_follows() {
    let (mut seals, mut other) = (voted(), voted());
    let heavier = seals.chain().tip().hash();
    let late = leave_out(&mut seals);
    let begun = seals.seal(AFTER, named(vec![late]), &organiser(), false);
    assert_eq!(begun, Err(SealError::Building { made: 0, all: 1 }));
    build(&mut seals);
    assert_eq!(seals.chain().tip().hash(), heavier, "nothing is decided before the seal");
    assert_eq!(seals.ballot_box().to_be_sealed().tally().count("Yes"), 3);
    assert_eq!(seals.seal(AFTER, Vec::new(), &organiser(), false), Err(SealError::Unnamed(1)));
    assert_eq!(seals.seal(AFTER, named(vec![late]), &organiser(), false), Ok(()));
    let outputs = drain(&mut seals);
    let Some(Output::Persist(changes)) = outputs.first() else { panic!("{outputs:?}") };
    let appended = changes.iter().filter(|change| matches!(change, StoreChange::Append(_))).count();
    assert_eq!(appended, 1, "the seal and its blocks are stored together");
    for output in outputs {
        if let Output::Broadcast(_, bytes) = output {
            other.handle(AFTER, Input::Message { from: HONEST, broadcast: true, bytes });
        }
    }
    other.handle(AFTER, Input::Peers(HONEST.link, vec![HONEST.id]));
    talk(AFTER, &mut seals, &mut other);
    for node in [&seals, &other] {
        let Sealing::Sealed { seal, tally } = node.ballot_box().sealing() else { panic!() };
        assert_eq!((tally.ballots, tally.count("Yes"), tally.count("No")), (4, 3, 1));
        assert_eq!(seal.sealed.left_out().map(|(id, _)| *id).collect::<Vec<_>>(), [late]);
        assert!(node.chain().place_of(&late).is_none());
        assert_eq!(node.chain().tip().hash(), seal.sealed.tip);
        assert!(node.ballot_box().rebuilding().is_none());
    }
}

#[test]
fn what_comes_while_the_chain_is_built_again_is_named_too_or_the_seal_waits() {
    let mut seals = voted();
    let late = leave_out(&mut seals);
    build(&mut seals);
    // Somebody goes on mining on the chain that all others have.
    let context = seals.chain().context().clone();
    extend(&mut seals, vec![vote(&context, 5, 0, 0)]);
    let more = id(&seals, 5, 0);
    let mut both = vec![late, more];
    both.sort_unstable();
    assert_eq!(seals.ballot_box().not_to_be_sealed(), both);
    let forgets = seals.seal(AFTER, named(vec![late]), &organiser(), false);
    assert_eq!(forgets, Err(SealError::Unnamed(1)));
    assert_eq!(seals.seal(AFTER, named(both), &organiser(), false), Ok(()));
    assert!(matches!(seals.ballot_box().sealing(), Sealing::Sealed { .. }));
}

#[test]
fn whoever_seals_learns_which_votes_no_keeper_had_in_time() {
    let context = context_kept();
    let mut keeps = node(&context);
    assert!(keeps.keep(NOW, keeper(0), BTreeMap::new()));
    let mut seals = node(&context);
    let in_time = vote(&context, 0, 0, 0);
    keeps.handle(NOW, Input::Votes(vec![in_time.clone()]));
    // Somebody mines another vote after voting is over.
    extend(&mut seals, vec![in_time.clone(), vote(&context, 1, 0, 0)]);
    let late = id(&seals, 1, 0);
    assert!(seals.lists().is_none(), "nobody asked");
    seals.look_at_lists(true);
    assert_eq!(seals.leave_out(AFTER, &[late], false), Err(SealError::NoList("Keeper 0".into())));
    let mut now = AFTER;
    // A peer passes the keeper's answer on and drops what is asked.
    seals.handle(now, Input::Tick);
    let challenge = sent(&drain(&mut seals)).into_iter().find_map(|message| match message {
        Message::RollCall(challenge) => Some(challenge),
        _ => None,
    });
    let presence = Presence::sign(context.id(), &challenge.unwrap(), OWN, &keeper(0));
    let bytes = Message::Present(presence).encode();
    seals.handle(now, Input::Message { from: LIAR, broadcast: false, bytes });
    assert_eq!(seals.keepers_here().count(), 1);
    for _ in 0..12 {
        now = now.plus_ms(1_000);
        keeps.handle(now, Input::Tick);
        seals.handle(now, Input::Tick);
        talk(now, &mut seals, &mut keeps);
    }
    let lists = seals.lists().unwrap();
    assert_eq!((seals.unlisted(), lists.whole, lists.partly.len()), (vec![late], 1, 0));
    let listed = [in_time.id()];
    assert_eq!(seals.leave_out(AFTER, &listed, true), Err(SealError::Listed(1)));
    assert!(seals.ballot_box().rebuilding().is_none());
    // The list of the other keeper is not here: it may have had the vote in time.
    let other = Err(SealError::NoList("Keeper 1".into()));
    assert_eq!(seals.leave_out(AFTER, &[late], false), other);
    let names = seals.sign_seal(AFTER, named(listed.to_vec()), &organiser(), true);
    assert_eq!(names.err(), Some(SealError::Listed(1)));
    // Nobody answers for the other keeper, and one of those that answer for the first is silent.
    let (known, unknown): (Vec<_>, Vec<_>) =
        seals.missing().into_iter().partition(Missing::is_known);
    assert!(matches!(&known[..], [Missing::Lack(lack)] if lack.keeper == "Keeper 1"), "{known:?}");
    let uncompared = [0, 1].map(|number| Missing::Uncompared(format!("Keeper {number}")));
    assert_eq!(unknown, [&[Missing::Unsure(2)][..], &uncompared].concat());
    seals.leave_out(AFTER, &[late], true).unwrap();
}

#[test]
fn what_was_mined_for_other_votes_does_not_get_into_what_is_built() {
    let mut seals = voted();
    let one = [id(&seals, 2, 0)];
    let two = {
        let mut two = vec![id(&seals, 2, 0), id(&seals, 3, 0)];
        two.sort_unstable();
        two
    };
    seals.leave_out(AFTER, &one, false).unwrap();
    let old = mine(&mut seals);
    seals.leave_out(AFTER, &two, false).unwrap();
    seals.handle(AFTER, old);
    build(&mut seals);
    assert_eq!(seals.ballot_box().to_be_sealed().tally().ballots, 3);
    assert_eq!(seals.seal(AFTER, named(two.clone()), &organiser(), false), Ok(()));
    assert!(two.iter().all(|id| seals.chain().place_of(id).is_none()));
}

#[test]
fn nothing_is_left_out_too_early_or_of_a_sealed_result_and_it_can_be_given_up() {
    let mut seals = voted();
    let late = [id(&seals, 3, 0)];
    assert_eq!(seals.leave_out(NOW, &late, false), Err(SealError::NotClosed));
    seals.leave_out(AFTER, &late, false).unwrap();
    seals.leave_out(AFTER, &[], false).unwrap();
    assert!(seals.ballot_box().rebuilding().is_none());
    assert_eq!(seals.seal(AFTER, Vec::new(), &organiser(), false), Ok(()));
    assert_eq!(seals.leave_out(AFTER, &late, false), Err(SealError::AlreadySealed));
}

/// A voter votes and changes the vote at the keeper just before closing, and right after closing
/// shows a block with another first vote. The change, which is on the list, then depends on a vote
/// that is not.
#[test]
fn a_vote_stays_that_a_listed_change_stands_on() {
    let base = context_with(Counting::LastCounts, 6);
    let keepers = vec![Keeper { name: "Keeper 0".into(), key: keeper(0).public() }];
    let keys: Vec<_> = (0..6).map(voter).collect();
    let context = with_roll(Election { keepers, ..base.election().clone() }, &keys, &organiser());
    let of = |number, sequence, choice| vote(&context, number, sequence, choice);
    let mut keeps = node(&context);
    assert!(keeps.keep(NOW, keeper(0), BTreeMap::new()));
    let in_time = [of(2, 0, 0), of(0, 0, 0), of(0, 1, 0)];
    keeps.handle(NOW, Input::Votes(in_time.to_vec()));
    drain(&mut keeps);
    let late = of(1, 0, 1);
    let shown = block(keeps.chain(), vec![of(2, 0, 0), of(0, 0, 1), late.clone()], |_| ());
    let after = CLOSES.plus_ms(200);
    keeps.handle(after, Input::Blocks(vec![shown]));
    drain(&mut keeps);
    keeps.set_mining(after, true);
    let mined = mine(&mut keeps);
    keeps.handle(after.plus_ms(3_000), mined);
    let mut seals = node(&context);
    seals.look_at_lists(true);
    seals.handle(AFTER, Input::Peers(HONEST.link, vec![HONEST.id]));
    let mut now = AFTER;
    for _ in 0..30 {
        now = now.plus_ms(1_000);
        keeps.handle(now, Input::Tick);
        seals.handle(now, Input::Tick);
        talk(now, &mut seals, &mut keeps);
    }
    assert_eq!(seals.chain().votes(), 4);
    assert_eq!(seals.unlisted(), [late.id()]);
    seals.leave_out(now, &[late.id()], false).unwrap();
    build(&mut seals);
    assert_eq!(seals.seal(now, named(vec![late.id()]), &organiser(), false), Ok(()));
    // Votes that are left out together with a vote are checked, too.
    assert!(seals.chain().place_of(&of(0, 1, 0).id()).is_some());
}

#[test]
fn nothing_is_left_out_where_all_keepers_contradict_themselves() {
    let context = context_kept();
    let mut seals = node(&context);
    let ballot = vote(&context, 0, 0, 0);
    extend(&mut seals, vec![ballot.clone()]);
    seals.look_at_lists(true);
    let list = |number, ids: &[VoteId]| {
        Statement::ClosingList(ClosingList::sign(context.id(), ids, &keeper(number)))
    };
    let both = |number| [list(number, &[]), list(number, &[ballot.id()])];
    seals.handle(AFTER, Input::Statements([both(0), both(1)].concat()));
    assert_eq!(seals.unshown(), ["Keeper 0", "Keeper 1"]);
    let nothing = Err(SealError::NoList("Keeper 0".into()));
    assert_eq!(seals.leave_out(AFTER, &[ballot.id()], true), nothing);
}
