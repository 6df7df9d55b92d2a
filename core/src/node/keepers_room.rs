//! The keepers' room: looking for keepers, and answering as a keeper.
//!
//! Both take frames of the room and the time, and return what to say there. Nothing in this room is
//! trusted further than its signature; a short address is computed again by the peer that asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{LinkId, Peer, budget::Budget};
use crate::{
    crypto::{
        hash::{ElectionId, Tag, tagged},
        key::{PublicKey, SecretKey},
    },
    election::short_address::ShortAddress,
    time::Timestamp,
    wire::{
        frame::PeerId,
        keepers_room::{Answer, Card, MAX_FOUND, RoomMessage},
        message::Challenge,
    },
};

/// Keepers that a seeker remembers.
const MAX_CARDS: usize = 64;
/// The most elections that are found under one short address.
const MAX_FOUND_IN_ALL: usize = 4 * MAX_FOUND;
/// Roll-calls that may still be answered: on a slow line several can be open at once.
const MAX_OPEN: usize = 8;
/// Roll-calls that a keeper may leave unanswered before it counts as gone.
const MAX_MISSED: u64 = 3;
/// Answers of a keeper in this room, to all and to each: a signature takes about 20 µs.
const ANSWERS_PER_SECOND: u64 = 500;
const ANSWERS_AT_ONCE: u64 = 2_000;
const EACH_PER_SECOND: u64 = 2;
const EACH_AT_ONCE: u64 = 30;
/// Askers whose budget is remembered; when there are more, all are forgotten.
const MAX_ASKERS: usize = 1_024;

/// Something to be said in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// To everybody on a relay.
    Everybody(LinkId, Vec<u8>),
    /// To one peer.
    To(Peer, Vec<u8>),
}

/// A keeper that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKeeper {
    /// What it calls itself.
    pub name: String,
    /// Its key.
    pub key: PublicKey,
    /// What happened to the election that it was asked to hold.
    pub answer: Option<Answer>,
    /// Whether it said which elections it has under the short address that is looked up.
    pub looked_up: bool,
    peer: Peer,
    /// Which roll-call it answered last.
    call: u64,
    /// How many elections it named.
    named: usize,
}

/// A node that looks for keepers, or for an election by its short address.
pub struct Seeker {
    seed: Challenge,
    /// The last roll-calls, the newest first: a relay drops one that equals another from a moment
    /// ago.
    challenges: VecDeque<Challenge>,
    /// How many there were.
    calls: u64,
    /// This node's names on the relays.
    own: BTreeMap<LinkId, PeerId>,
    keepers: BTreeMap<PublicKey, FoundKeeper>,
    looked_up: Option<ShortAddress>,
    found: BTreeSet<ElectionId>,
    /// Which election to hold, and which keepers should hold it.
    wish: Option<(ElectionId, Vec<PublicKey>)>,
}

impl Seeker {
    /// Begins with random bytes, from which challenges are made.
    pub fn new(seed: Challenge) -> Self {
        Self {
            seed,
            challenges: VecDeque::new(),
            calls: 0,
            own: BTreeMap::new(),
            keepers: BTreeMap::new(),
            looked_up: None,
            found: BTreeSet::new(),
            wish: None,
        }
    }

    /// Looks up a short address. Each keeper is asked separately: a relay drops a broadcast that
    /// equals another one from a moment ago, as those of two voters with the same slip would.
    pub fn find(&mut self, address: ShortAddress) -> Vec<Say> {
        self.looked_up = Some(address);
        self.found.clear();
        for keeper in self.keepers.values_mut() {
            (keeper.looked_up, keeper.named) = (false, 0);
        }
        self.ask()
    }

    /// Asks these keepers to hold an election, each as soon as it is here. Only they are told its
    /// id.
    pub fn hold(&mut self, election: ElectionId, keepers: Vec<PublicKey>) -> Vec<Say> {
        self.wish = Some((election, keepers));
        self.keepers.values().filter_map(|keeper| self.wish_to(keeper)).collect()
    }

    fn wish_to(&self, keeper: &FoundKeeper) -> Option<Say> {
        let (election, named) = self.wish.as_ref()?;
        let wanted = named.contains(&keeper.key) && keeper.answer != Some(Answer::Here);
        wanted.then(|| Say::To(keeper.peer, RoomMessage::Hold(*election).encode()))
    }

    /// A relay let this node into the room, under this name.
    pub fn entered(&mut self, link: LinkId, own: PeerId) -> Vec<Say> {
        self.own.insert(link, own);
        self.ask()
    }

    /// A relay is gone.
    pub fn left(&mut self, link: LinkId) {
        self.own.remove(&link);
        self.keepers.retain(|_, keeper| keeper.peer.link != link);
    }

    fn find_at(&self, keeper: &FoundKeeper) -> Option<Say> {
        let address = self.looked_up?;
        Some(Say::To(keeper.peer, RoomMessage::Find(address).encode()))
    }

    /// What a keeper is asked: for the election, and what happened to the wish.
    fn questions(&self, keeper: &FoundKeeper) -> impl Iterator<Item = Say> {
        self.wish_to(keeper).into_iter().chain(self.find_at(keeper))
    }

    /// Asks again: everybody for keepers, and the keepers that are known. A keeper that missed
    /// several roll-calls is forgotten.
    pub fn ask(&mut self) -> Vec<Say> {
        self.calls += 1;
        let calls = self.calls;
        self.keepers.retain(|_, keeper| keeper.call + MAX_MISSED >= calls);
        let challenge = tagged(Tag::ROLL_CALL, &[&self.seed[..], &calls.to_le_bytes()].concat());
        self.challenges.push_front(challenge);
        self.challenges.truncate(MAX_OPEN);
        let call = RoomMessage::RollCall(challenge).encode();
        let all = self.own.keys().map(|link| Say::Everybody(*link, call.clone()));
        all.chain(self.keepers.values().flat_map(|keeper| self.questions(keeper))).collect()
    }

    /// Hears an answer; returns what to say next, or `None` if it changes nothing.
    pub fn hear(&mut self, from: Peer, bytes: &[u8]) -> Option<Vec<Say>> {
        match RoomMessage::decode(bytes)? {
            RoomMessage::Card(card) => {
                let own = self.own.get(&from.link)?;
                // One program is one keeper: a program that shows many cards does not fill the
                // list.
                let shown = self.keepers.values().find(|keeper| keeper.peer == from);
                if shown.is_some_and(|keeper| keeper.key != card.key) {
                    return None;
                }
                // Keepers that the wish names always have a place, whoever else is here.
                let named = self.wish.as_ref().is_some_and(|(_, named)| named.contains(&card.key));
                let known = named || self.keepers.contains_key(&card.key);
                let room = known || self.keepers.len() < MAX_CARDS;
                let answers = |challenge| card.answers(challenge, *own);
                if !room || !self.challenges.iter().any(answers) {
                    return None;
                }
                let Card { name, key, .. } = card;
                let known = self.keepers.get(&key);
                let answer = known.and_then(|keeper| keeper.answer);
                let looked_up = known.is_some_and(|keeper| keeper.looked_up);
                let named = known.map_or(0, |keeper| keeper.named);
                let call = self.calls;
                let keeper = FoundKeeper { name, key, answer, looked_up, peer: from, call, named };
                let questions = self.questions(&keeper).collect();
                self.keepers.insert(key, keeper);
                Some(questions)
            }
            RoomMessage::Answer(election, answer) => {
                let asked = self.wish.as_ref().is_some_and(|(wish, _)| *wish == election);
                let keeper = self.keepers.values_mut().find(|keeper| keeper.peer == from)?;
                keeper.answer = asked.then_some(answer).or(keeper.answer);
                Some(Vec::new())
            }
            RoomMessage::Found(address, ids) => {
                // Only answers of keepers are taken: others could fill the list with wrong ids.
                let keeper = self.keepers.values_mut().find(|keeper| keeper.peer == from)?;
                if self.looked_up != Some(address) {
                    return None;
                }
                let first = !std::mem::replace(&mut keeper.looked_up, true);
                let new = ids.into_iter().filter(|id| !self.found.contains(id));
                let room = MAX_FOUND_IN_ALL.saturating_sub(self.found.len());
                let new: Vec<_> = new.take(room.min(MAX_FOUND - keeper.named)).collect();
                keeper.named += new.len();
                let news = first || !new.is_empty();
                self.found.extend(new);
                news.then(Vec::new)
            }
            RoomMessage::RollCall(_) | RoomMessage::Hold(_) | RoomMessage::Find(_) => None,
        }
    }

    /// The keepers that answered, by key.
    pub fn keepers(&self) -> impl Iterator<Item = &FoundKeeper> {
        self.keepers.values()
    }

    /// Elections that keepers say they have under the short address: it must be computed again.
    pub fn found(&self) -> &BTreeSet<ElectionId> {
        &self.found
    }
}

/// What a keeper heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Say this.
    Say(Say),
    /// A peer wishes that this keeper holds an election: answer it with [`RoomMessage::Answer`].
    Wish(Peer, ElectionId),
}

/// A keeper in the keepers' room.
pub struct Reception {
    name: String,
    key: SecretKey,
    answers: Budget,
    askers: BTreeMap<Peer, Budget>,
}

impl Reception {
    /// A keeper with this name and key.
    pub fn new(name: String, key: SecretKey) -> Self {
        Self {
            name,
            key,
            answers: Budget::new(ANSWERS_PER_SECOND, ANSWERS_AT_ONCE),
            askers: BTreeMap::new(),
        }
    }

    /// Hears a question. `find` returns the elections that are here under a short address.
    pub fn hear(
        &mut self,
        now: Timestamp,
        from: Peer,
        broadcast: bool,
        bytes: &[u8],
        find: &dyn Fn(ShortAddress) -> Vec<ElectionId>,
    ) -> Option<Heard> {
        let message = RoomMessage::decode(bytes)?;
        if broadcast && !message.may_be_broadcast() {
            return None;
        }
        if self.askers.len() >= MAX_ASKERS && !self.askers.contains_key(&from) {
            self.askers.clear();
        }
        let new = || Budget::new(EACH_PER_SECOND, EACH_AT_ONCE);
        let asker = self.askers.entry(from).or_insert_with(new);
        if !asker.refill(now) || !self.answers.refill(now) {
            return None;
        }
        asker.take(1);
        self.answers.take(1);
        let answer = match message {
            RoomMessage::RollCall(challenge) => {
                RoomMessage::Card(Card::sign(&challenge, from.id, &self.name, &self.key))
            }
            RoomMessage::Find(address) => {
                let mut ids = find(address);
                ids.truncate(MAX_FOUND);
                // An empty list is an answer, too: the peer that asked should not have to wait for
                // one.
                RoomMessage::Found(address, ids)
            }
            RoomMessage::Hold(election) => return Some(Heard::Wish(from, election)),
            RoomMessage::Card(_) | RoomMessage::Answer(..) | RoomMessage::Found(..) => {
                return None;
            }
        };
        Some(Heard::Say(Say::To(from, answer.encode())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testkit::{
            NOW,
            nodes::{HONEST, LIAR},
        },
        wire::keepers_room::Refusal,
    };

    const OWN: PeerId = PeerId(77);
    const ELECTION: ElectionId = ElectionId([9; 32]);

    fn reception(seed: u8) -> Reception {
        Reception::new(format!("Keeper {seed}"), SecretKey::new([seed; 32]))
    }

    fn key(seed: u8) -> PublicKey {
        SecretKey::new([seed; 32]).public()
    }

    /// What a keeper answers to a seeker's question.
    fn answer(reception: &mut Reception, say: &Say, holds: &[ElectionId]) -> Option<Heard> {
        let asker = Peer { id: OWN, ..HONEST };
        let (broadcast, bytes) = match say {
            Say::Everybody(_, bytes) => (true, bytes),
            Say::To(_, bytes) => (false, bytes),
        };
        let find = |_: ShortAddress| holds.to_vec();
        reception.hear(NOW, asker, broadcast, bytes, &find)
    }

    fn bytes(heard: Option<Heard>) -> Vec<u8> {
        let Some(Heard::Say(Say::To(_, bytes))) = heard else { panic!("{heard:?}") };
        bytes
    }

    #[test]
    fn only_named_keepers_that_signed_are_told_the_election() {
        let mut seeker = Seeker::new([5; 32]);
        assert!(seeker.hold(ELECTION, vec![key(1)]).is_empty());
        let call = seeker.entered(HONEST.link, OWN).remove(0);
        let [one, two] = [1, 2].map(|seed| bytes(answer(&mut reception(seed), &call, &[])));
        assert_eq!(seeker.hear(LIAR, &two), Some(vec![]), "not named");
        let wish = seeker.hear(HONEST, &one).unwrap().remove(0);
        assert_eq!(wish, Say::To(HONEST, RoomMessage::Hold(ELECTION).encode()));
        let names: Vec<_> = seeker.keepers().map(|keeper| keeper.name.clone()).collect();
        assert_eq!(names.len(), 2);
        // Another peer passes a keeper's answer on to another asker.
        let mut other = Seeker::new([5; 32]);
        other.entered(HONEST.link, PeerId(78));
        assert_eq!(other.hear(LIAR, &one), None);
        let heard = answer(&mut reception(1), &wish, &[]);
        assert_eq!(heard, Some(Heard::Wish(Peer { id: OWN, ..HONEST }, ELECTION)));
    }

    #[test]
    fn what_became_of_a_wish_is_what_the_keeper_itself_says() {
        let mut seeker = Seeker::new([5; 32]);
        let call = seeker.entered(HONEST.link, OWN).remove(0);
        seeker.hear(HONEST, &bytes(answer(&mut reception(1), &call, &[])));
        seeker.hold(ELECTION, vec![key(1)]);
        let said = |seeker: &Seeker| seeker.keepers().next().unwrap().answer;
        let here = RoomMessage::Answer(ELECTION, Answer::Here).encode();
        assert_eq!(seeker.hear(LIAR, &here), None);
        let full = RoomMessage::Answer(ELECTION, Answer::Refused(Refusal::Full)).encode();
        seeker.hear(HONEST, &full);
        assert_eq!(said(&seeker), Some(Answer::Refused(Refusal::Full)));
        assert!(matches!(seeker.ask().last(), Some(Say::To(..))), "asked again");
        seeker.hear(HONEST, &here);
        assert_eq!(said(&seeker), Some(Answer::Here));
        assert!(matches!(seeker.ask().last(), Some(Say::Everybody(..))));
        seeker.left(HONEST.link);
        assert_eq!(seeker.keepers().count(), 0);
    }

    #[test]
    fn elections_are_found_by_their_short_address_within_bounds() {
        let address = ShortAddress([1; 5]);
        let mut seeker = Seeker::new([5; 32]);
        seeker.entered(HONEST.link, OWN);
        let call = seeker.find(address).remove(0);
        let answered = seeker.hear(HONEST, &bytes(answer(&mut reception(1), &call, &[])));
        let find = answered.unwrap().remove(0);
        assert_eq!(find, Say::To(HONEST, RoomMessage::Find(address).encode()));
        assert_eq!(seeker.ask().last(), Some(&find));
        let many: Vec<_> = (0..99).map(|byte| ElectionId([byte; 32])).collect();
        let found = bytes(answer(&mut reception(1), &find, &many));
        assert_eq!(seeker.hear(LIAR, &found), None, "of nobody that showed to be a keeper");
        assert_eq!(seeker.hear(HONEST, &found), Some(vec![]));
        assert_eq!(seeker.found().len(), MAX_FOUND);
        assert_eq!(seeker.hear(HONEST, &found), None, "nothing new");
        // A keeper that has none says so.
        seeker.hear(LIAR, &bytes(answer(&mut reception(2), &call, &[])));
        let said = |seeker: &Seeker| seeker.keepers().filter(|keeper| keeper.looked_up).count();
        assert_eq!(said(&seeker), 1);
        let none = bytes(answer(&mut reception(2), &find, &[]));
        assert_eq!(seeker.hear(LIAR, &none), Some(vec![]));
        assert_eq!((said(&seeker), seeker.found().len()), (2, MAX_FOUND));
        let unasked = RoomMessage::Found(ShortAddress([2; 5]), vec![ELECTION]).encode();
        assert_eq!(seeker.hear(HONEST, &unasked), None);
    }

    #[test]
    fn whoever_shows_many_cards_takes_one_place() {
        let mut seeker = Seeker::new([5; 32]);
        let call = seeker.entered(HONEST.link, OWN).remove(0);
        let cards = (1..=99).map(|seed| bytes(answer(&mut reception(seed), &call, &[])));
        let heard = cards.filter(|card| seeker.hear(LIAR, card).is_some()).count();
        assert_eq!((heard, seeker.keepers().count()), (1, 1));
        let card = bytes(answer(&mut reception(100), &call, &[]));
        assert_eq!(seeker.hear(HONEST, &card), Some(vec![]));
    }

    #[test]
    fn a_keeper_that_misses_roll_calls_is_not_here_any_more() {
        let mut seeker = Seeker::new([5; 32]);
        let first = seeker.entered(HONEST.link, OWN).remove(0);
        let card = bytes(answer(&mut reception(1), &first, &[]));
        assert_ne!(seeker.ask().remove(0), first, "a relay would drop it");
        assert_eq!(seeker.hear(HONEST, &card), Some(vec![]), "a slow line");
        for _ in 0..MAX_MISSED {
            seeker.ask();
            assert_eq!(seeker.keepers().count(), 1);
        }
        seeker.ask();
        assert_eq!(seeker.keepers().count(), 0);
    }

    #[test]
    fn a_keeper_answers_no_flood_and_no_wish_to_everybody() {
        let mut here = reception(1);
        let call = RoomMessage::RollCall([1; 32]).encode();
        let hear = |here: &mut Reception| here.hear(NOW, LIAR, true, &call, &|_| vec![]).is_some();
        let answered = (0..10_000).filter(|_| hear(&mut here)).count();
        assert_eq!(answered as u64, EACH_AT_ONCE);
        assert!(here.hear(NOW, HONEST, true, &call, &|_| vec![]).is_some(), "others are heard");
        let address = ShortAddress([1; 5]);
        for message in [RoomMessage::Hold(ELECTION), RoomMessage::Find(address)] {
            let bytes = message.encode();
            assert_eq!(reception(1).hear(NOW, LIAR, true, &bytes, &|_| vec![]), None);
        }
    }
}
