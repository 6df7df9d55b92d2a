//! A voter's node and a keeper's: who is here, who has the vote.

use std::collections::BTreeMap;

use blockvote_core::{
    audit::standing::{Mark, Standing},
    chain::{
        acknowledgements::{Acknowledged, Acknowledgement, ClosingList},
        statements::Statement,
    },
    crypto::{hash::VoteId, key::SecretKey},
    election::{
        definition::{Counting, Election},
        keepers::Keeper,
    },
    node::{
        Event, Input, LinkId, Node, Output, Peer, StoreChange, ballot_box::GRACE_MS,
        peers::Compared,
    },
    testkit::{
        NOW,
        nodes::{HONEST, LIAR, OWN, drain, hear, rejected, sent, sent_to},
        rolls::{
            AFTER, CLOSES, context, context_kept, context_with, extend, keeper, node, organiser,
            vote, voter,
        },
        with_roll,
    },
    time::Timestamp,
    wire::{
        frame::PeerId,
        message::{Challenge, Message, Presence},
    },
};

fn keeping(number: u8) -> Node {
    let mut node = node(&context_kept());
    assert!(node.keep(NOW, keeper(number), BTreeMap::new()));
    drain(&mut node);
    node
}

/// Passes everything on that two nodes say to each other until neither says anything. Each is
/// [`HONEST`] to the other.
fn talk(now: Timestamp, one: &mut Node, other: &mut Node) {
    talk_with(HONEST, now, one, other);
}

/// The same, if the first knows the other by another name.
fn talk_with(other_is: Peer, now: Timestamp, one: &mut Node, other: &mut Node) {
    let mut said = [drain(one), drain(other)];
    while said.iter().any(|outputs| !outputs.is_empty()) {
        let [by_one, by_other] = said;
        let both =
            [(&mut *other, HONEST, by_one, other_is), (&mut *one, other_is, by_other, HONEST)];
        for (node, from, outputs, to) in both {
            for output in outputs {
                let (bytes, broadcast) = match output {
                    Output::Broadcast(_, bytes) => (bytes, true),
                    Output::Send(peer, bytes) if peer == to => (bytes, false),
                    _ => continue,
                };
                node.handle(now, Input::Message { from, broadcast, bytes });
            }
        }
        said = [drain(one), drain(other)];
    }
}

/// The challenge of a node's next roll-call.
fn challenge_of(node: &mut Node) -> Challenge {
    drain(node);
    node.handle(LATE.plus_ms(900_000), Input::Tick);
    let call = sent(&drain(node)).into_iter().find_map(|message| match message {
        Message::RollCall(challenge) => Some(challenge),
        _ => None,
    });
    call.unwrap()
}

fn standing(node: &Node, now: Timestamp, number: u32) -> Standing {
    let vote = vote(&context_kept(), number, 0, 0);
    node.standing(now, &vote.id(), &vote, &|_| None)
}

/// A node whose voter has cast a vote that nobody else has yet.
fn voted() -> (Node, VoteId) {
    let mut node = node(&context_kept());
    let id = node.cast(NOW, vote(&context_kept(), 0, 0, 0)).unwrap();
    (node, id)
}

#[test]
fn a_vote_is_received_when_both_keepers_have_it_on_their_disks() {
    let ((mut voter, id), mut one, mut two) = (voted(), keeping(0), keeping(1));
    assert_eq!(standing(&voter, NOW, 0), Standing::Unconfirmed);
    // The roll was called when the node started; it is called again after five seconds.
    let soon = NOW.plus_ms(5_000);
    voter.handle(soon, Input::Tick);
    talk(soon, &mut voter, &mut one);
    assert_eq!(voter.keepers_here().count(), 1);
    let Standing::HalfReceived(witness) = standing(&voter, soon, 0) else { panic!() };
    assert_eq!((witness.name.as_str(), witness.at), ("Keeper 0", soon));
    // The other one comes later.
    let later = NOW.plus_ms(15_000);
    voter.handle(later, Input::Tick);
    talk_with(LIAR, later, &mut voter, &mut two);
    let standing = standing(&voter, later, 0);
    assert!(matches!(&standing, Standing::Received(both) if both.len() == 2), "{standing:?}");
    assert_eq!(standing.mark(), Mark::Good);
    assert_eq!(voter.acknowledgements(&id).len(), 2);
}

#[test]
fn nothing_is_acknowledged_before_it_is_stored() {
    let mut keeps = keeping(0);
    let ballot = vote(&context_kept(), 0, 0, 0);
    let message = |message: &Message| Input::Message {
        from: HONEST,
        broadcast: false,
        bytes: message.encode(),
    };
    keeps.handle(NOW, message(&Message::Votes(vec![ballot.clone()])));
    keeps.handle(NOW, message(&Message::GetAcknowledged(vec![ballot.id()])));
    let outputs = drain(&mut keeps);
    let Some(Output::Persist(changes)) = outputs.first() else { panic!("{outputs:?}") };
    let stored = |change: &StoreChange| matches!(change, StoreChange::PutAcknowledged(id, NOW) if *id == ballot.id());
    assert!(changes.iter().any(stored));
    let acknowledges = |message: &Message| matches!(message, Message::Acknowledged(_));
    assert!(sent_to(&outputs, HONEST).iter().any(acknowledges));
}

#[test]
fn a_vote_that_came_in_a_block_is_acknowledged_too_and_a_restart_forgets_none() {
    let mut keeps = keeping(0);
    let ballot = vote(&context_kept(), 0, 0, 0);
    extend(&mut keeps, vec![ballot.clone()]);
    let ask = Message::GetAcknowledged(vec![ballot.id()]);
    let first = sent_to(&hear(&mut keeps, HONEST, &ask), HONEST);
    assert_eq!(first.len(), 1);
    // The time was in the store.
    let mut again = node(&context_kept());
    extend(&mut again, vec![ballot.clone()]);
    again.keep(NOW.plus_ms(9), keeper(0), [(ballot.id(), NOW)].into());
    assert_eq!(sent_to(&hear(&mut again, HONEST, &ask), HONEST), first);
}

#[test]
fn a_forged_acknowledgement_costs_its_sender_the_connection_and_changes_nothing() {
    let (mut voter, id) = voted();
    let mut keeps = keeping(0);
    keeps.handle(NOW, Input::Votes(vec![vote(&context_kept(), 0, 0, 0)]));
    let ask = Message::GetAcknowledged(vec![id]);
    let answer = sent_to(&hear(&mut keeps, HONEST, &ask), HONEST).remove(0);
    let Message::Acknowledged(mut signed) = answer else { panic!() };
    signed[0].acknowledgement.at = NOW.plus_ms(1);
    let outputs = hear(&mut voter, LIAR, &Message::Acknowledged(signed.clone()));
    assert!(rejected(&outputs).is_some());
    assert_eq!(standing(&voter, NOW, 0), Standing::Unconfirmed);
    signed[0].acknowledgement.at = NOW;
    // For a vote that is not followed here: ignored.
    let mut other = node(&context_kept());
    assert_eq!(rejected(&hear(&mut other, LIAR, &Message::Acknowledged(signed.clone()))), None);
    let outputs = hear(&mut voter, HONEST, &Message::Acknowledged(signed.clone()));
    let told =
        |output: &Output| matches!(output, Output::Event(Event::Acknowledged(of)) if *of == id);
    assert!(outputs.iter().any(told));
    // The same again is not news.
    let outputs = hear(&mut voter, HONEST, &Message::Acknowledged(signed));
    assert!(!outputs.iter().any(told));
}

#[test]
fn who_answers_a_roll_call_for_nobody_or_for_another_one_is_not_present() {
    let mut node = node(&context_kept());
    node.handle(NOW.plus_ms(400_000), Input::Tick);
    let challenge = sent(&drain(&mut node)).into_iter().find_map(|message| match message {
        Message::RollCall(challenge) => Some(challenge),
        _ => None,
    });
    let (id, challenge) = (context_kept().id(), challenge.unwrap());
    let stranger = Presence::sign(id, &challenge, OWN, &voter(0));
    let forged = Presence { keeper: keeper(1).public(), ..stranger };
    // What the keeper signed for somebody else cannot be passed on as one's own.
    let others = Presence::sign(id, &challenge, LIAR.id, &keeper(0));
    for presence in [stranger, forged, others] {
        hear(&mut node, LIAR, &Message::Present(presence));
        assert_eq!(node.keepers_here().count(), 0);
    }
    hear(&mut node, HONEST, &Message::Present(Presence::sign(id, &challenge, OWN, &keeper(0))));
    assert_eq!(node.keepers_here().count(), 1);
}

#[test]
fn the_receipt_gets_the_proof_that_the_vote_is_on_the_closing_list() {
    let ((mut voter, id), mut keeps) = (voted(), keeping(0));
    let soon = NOW.plus_ms(5_000);
    voter.handle(soon, Input::Tick);
    talk(soon, &mut voter, &mut keeps);
    assert!(voter.acknowledgements(&id)[0].listed.is_none());
    // The list arrives before the proof, perhaps from another peer.
    keeps.handle(AFTER, Input::Tick);
    let list = keeps.statements().all().next().unwrap();
    voter.handle(AFTER, Input::Statements(vec![list]));
    assert!(matches!(standing(&voter, AFTER, 0), Standing::Unproven(_)), "no false alarm");
    // The proof is asked for at once.
    talk(AFTER, &mut voter, &mut keeps);
    assert_eq!(voter.statements().closing_lists().count(), 1);
    let signed = voter.acknowledgements(&id);
    assert!(signed[0].listed.is_some(), "{signed:?}");
    assert!(matches!(standing(&voter, AFTER, 0), Standing::HalfReceived(_)), "one of two has it");
}

#[test]
fn a_burst_of_votes_costs_a_keeper_nothing_and_each_is_acknowledged() {
    let context = context_kept();
    let (mut many, mut keeps) = (node(&context), keeping(0));
    many.handle(NOW.plus_ms(5_000), Input::Tick);
    talk(NOW.plus_ms(5_000), &mut many, &mut keeps);
    let votes: Vec<_> = (0..6).map(|number| vote(&context, number, 0, 0)).collect();
    let now = NOW.plus_ms(6_000);
    let ids: Vec<_> = votes.into_iter().map(|vote| many.cast(now, vote).unwrap()).collect();
    // Nothing was answered meanwhile, and the keeper still counts as present.
    assert_eq!(many.keepers_here().count(), 1);
    talk(now, &mut many, &mut keeps);
    assert!(ids.iter().all(|id| many.acknowledgements(id).len() == 1));
}

/// When nodes take no votes any more.
const LATE: Timestamp = Timestamp(CLOSES.0 + GRACE_MS);

#[test]
fn who_comes_after_closing_still_gets_what_a_keeper_acknowledged_in_time() {
    let (mut keeps, ballot) = (keeping(0), vote(&context_kept(), 0, 0, 0));
    hear(&mut keeps, HONEST, &Message::Votes(vec![ballot.clone()]));
    let mut organiser = node(&context_kept());
    for now in [LATE, LATE.plus_ms(5_000)] {
        for node in [&mut keeps, &mut organiser] {
            node.handle(now, Input::Tick);
        }
        talk(now, &mut organiser, &mut keeps);
    }
    assert!(organiser.pending().contains(&ballot.id()));
    assert!(organiser.ballot_box().late().is_empty());
    // The keeper had one more vote: the next comparison shows that it has no more than is here.
    let compared = |node: &Node| node.compared_with(&keeper(0).public());
    assert_eq!(compared(&organiser).map(|it| it.lacked), Some(1));
    let later = LATE.plus_ms(30_000);
    organiser.handle(later, Input::Peers(LinkId(0), vec![HONEST.id]));
    talk(later, &mut organiser, &mut keeps);
    assert_eq!(compared(&organiser), Some(Compared { at: later, lacked: 0 }));
    // A peer that passes the keeper's answer on speaks for it, too: nothing is known until both say
    // the same.
    let presence =
        Presence::sign(context_kept().id(), &challenge_of(&mut organiser), OWN, &keeper(0));
    hear(&mut organiser, LIAR, &Message::Present(presence));
    assert_eq!(compared(&organiser), None);
    assert_eq!(organiser.keepers_lack().map(|lack| lack.keeper), Some("Keeper 1".into()));
}

#[test]
fn a_late_vote_is_kept_apart_and_only_a_keeper_takes_it_in() {
    let ballot = vote(&context_kept(), 0, 0, 0);
    let mut late = node(&context_kept());
    let hear = |node: &mut Node, message: &Message| {
        let bytes = message.encode();
        node.handle(LATE, Input::Message { from: HONEST, broadcast: false, bytes });
        drain(node)
    };
    hear(&mut late, &Message::Votes(vec![ballot.clone()]));
    assert_eq!((late.pending().len(), late.ballot_box().late().len()), (0, 1));
    let election = context_kept().id();
    let signed = |at, key: &SecretKey| {
        let acknowledgement = Acknowledgement::sign(election, ballot.id(), at, key);
        Message::Acknowledged(vec![Acknowledged { acknowledgement, listed: None }])
    };
    // Dated after closing; not on the keeper's list; from a keeper that signed two lists.
    hear(&mut late, &signed(CLOSES, &keeper(0)));
    let list =
        |ids: &[VoteId]| Statement::ClosingList(ClosingList::sign(election, ids, &keeper(0)));
    hear(&mut late, &Message::Statements(vec![list(&[])]));
    hear(&mut late, &signed(NOW, &keeper(0)));
    hear(&mut late, &Message::Statements(vec![list(&[ballot.id()])]));
    hear(&mut late, &signed(NOW, &keeper(0)));
    assert_eq!((late.pending().len(), late.ballot_box().late().len()), (0, 1));
    assert_eq!(rejected(&hear(&mut late, &Message::Votes(vec![ballot.clone()]))), None);
    let outputs = hear(&mut late, &signed(NOW, &keeper(1)));
    assert_eq!((late.pending().len(), late.ballot_box().late().len()), (1, 0));
    let told = |output: &Output| matches!(output, Output::Event(Event::Acknowledged(_)));
    assert!(!outputs.iter().any(told), "nobody here waits for it");
}

#[test]
fn of_two_late_votes_of_one_token_the_one_that_was_cast_in_time_is_taken_in_and_the_other_goes() {
    let votes = [0, 1].map(|choice| vote(&context_kept(), 0, 0, choice));
    let mut late = node(&context_kept());
    let from_peer = |message: Message| Input::Message {
        from: HONEST,
        broadcast: false,
        bytes: message.encode(),
    };
    late.handle(LATE, from_peer(Message::Votes(votes.to_vec())));
    assert_eq!(late.ballot_box().late().len(), 2);
    let signed = |number: u8| {
        let id = votes[usize::from(number)].id();
        let acknowledgement = Acknowledgement::sign(context_kept().id(), id, NOW, &keeper(number));
        Message::Acknowledged(vec![Acknowledged { acknowledgement, listed: None }])
    };
    late.handle(LATE, from_peer(signed(1)));
    assert!(late.pending().contains(&votes[1].id()) && late.ballot_box().late().is_empty());
    late.handle(LATE, from_peer(signed(0)));
    assert_eq!(late.pending().len(), 1);
}

#[test]
fn keepers_are_asked_of_late_votes_again_and_ever_more_seldom() {
    let mut late = node(&context_kept());
    let presence = Presence::sign(context_kept().id(), &challenge_of(&mut late), OWN, &keeper(0));
    let ballot = vote(&context_kept(), 0, 0, 0);
    for message in [Message::Present(presence), Message::Votes(vec![ballot.clone()])] {
        let bytes = message.encode();
        late.handle(LATE, Input::Message { from: HONEST, broadcast: false, bytes });
    }
    drain(&mut late);
    let mut asked = |seconds: u64| {
        late.handle(LATE.plus_ms(1_000 * seconds), Input::Tick);
        let about = Message::GetAcknowledged(vec![ballot.id()]);
        sent_to(&drain(&mut late), HONEST).contains(&about)
    };
    let seconds = (0..60).filter(|seconds| asked(*seconds)).collect::<Vec<_>>();
    assert_eq!(seconds, [0, 5, 15, 35]);
}

#[test]
fn late_votes_fill_no_memory_where_no_keeper_could_take_them_in() {
    let mut without = node(&context());
    let bytes = Message::Votes(vec![vote(&context(), 0, 0, 0)]).encode();
    without.handle(LATE, Input::Message { from: HONEST, broadcast: false, bytes });
    assert!(without.ballot_box().late().is_empty());
}

#[test]
fn the_roll_is_called_at_once_on_every_connection() {
    let mut voter = node(&context_kept());
    drain(&mut voter);
    for link in [LinkId(7), LinkId(8)] {
        voter.handle(NOW, Input::LinkUp(link, OWN));
        let called = |output: &Output| match output {
            Output::Broadcast(on, bytes) => {
                *on == link && matches!(Message::decode(bytes), Ok(Message::RollCall(_)))
            }
            _ => false,
        };
        assert_eq!(drain(&mut voter).iter().filter(|output| called(output)).count(), 1, "{link:?}");
    }
}

/// A few peers take everything that a keeper hands out in a second, again and again, and stay
/// within their own budgets; others ask rarely, for just as much.
#[test]
fn who_asks_for_little_is_answered_whatever_others_take() {
    const VOTERS: u32 = 2_000;
    let keepers = vec![Keeper { name: "Keeper 0".into(), key: keeper(0).public() }];
    let keys: Vec<_> = (0..VOTERS).map(voter).collect();
    let base = context_with(Counting::FirstCounts, 1).election().clone();
    let context = with_roll(Election { keepers, ..base }, &keys, &organiser());
    let mut keeps = node(&context);
    assert!(keeps.keep(NOW, keeper(0), BTreeMap::new()));
    extend(&mut keeps, (0..VOTERS - 1).map(|number| vote(&context, number, 0, 0)).collect());
    let all = Message::GetBlocks(vec![keeps.chain().tip().hash()]).encode();
    let one = vote(&context, 0, 0, 0).id();
    let (mut answers, mut taken) = (0, 0);
    for ms in (0..60_000_u64).step_by(10) {
        let now = NOW.plus_ms(ms);
        let ask = |keeps: &mut Node, number: u64, broadcast: bool, bytes: &[u8]| {
            let from = Peer { id: PeerId(number), ..LIAR };
            keeps.handle(now, Input::Message { from, broadcast, bytes: bytes.to_vec() });
            let sent = drain(keeps).into_iter();
            sent.filter_map(|output| match output {
                Output::Send(to, bytes) if to == from => Some(bytes.len()),
                _ => None,
            })
            .sum::<usize>()
        };
        taken += ask(&mut keeps, 100 + ms / 10 % 8, false, &all);
        taken += ask(&mut keeps, 200 + ms / 10 % 40, false, &all);
        if ms % 5_000 == 2_500 {
            let call = Message::RollCall([u8::try_from(ms / 5_000).unwrap(); 32]).encode();
            answers += usize::from(ask(&mut keeps, 7, true, &call) > 0);
            let acknowledged = Message::GetAcknowledged(vec![one]).encode();
            answers += usize::from(ask(&mut keeps, 7, false, &acknowledged) > 0);
        }
    }
    assert_eq!(answers, 2 * 12);
    assert!(taken > 60 * (3 << 20), "the others took all there was: {taken}");
    assert!(taken < 60 * (6 << 20), "and no more than that: {taken}");
}
