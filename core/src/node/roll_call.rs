//! Which named keepers are here: they are asked to sign a fresh challenge.
//!
//! Takes answers and the time; returns when to ask. An answer is bound to the asker's name, so that
//! no peer can pass it on as its own. A relay can, because it gives the names. That does little
//! harm: what a keeper acknowledges is signed anyway, a peer that acknowledges nothing makes room,
//! and the roll is called again while something is owed. Invariant: at most [`MAX_EACH`] peers for
//! each keeper.

use std::collections::{BTreeMap, VecDeque};

use super::{
    backoff::{Backoff, SELDOM_MS, SOON_MS},
    interface::{LinkId, Peer},
};
use crate::{
    crypto::{
        hash::{Tag, tagged},
        key::PublicKey,
    },
    draws::Draws,
    time::Timestamp,
    wire::message::Challenge,
};

/// Peers that may answer for one keeper: it is on a few relays.
const MAX_EACH: usize = 4;
/// A peer that was asked this often and acknowledged nothing makes room for others.
const MAX_ASKED: u32 = 4;
/// Challenges that may still be answered: on a slow line several can be open at once.
const MAX_OPEN: usize = 4;
/// Calls that a peer may leave unanswered before it counts as gone.
const MAX_MISSED: u64 = 3;

/// The keeper that a peer answered for.
#[derive(Clone, Copy)]
struct Here {
    keeper: PublicKey,
    /// Which call it answered last.
    call: u64,
    /// How often it was asked since it last acknowledged something.
    asked: u32,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The keeper is here.
    New,
    /// It was known; or it is a late answer to an earlier call.
    Again,
    /// No keeper signed it.
    Nonsense,
}

/// The keepers that answered.
#[derive(Default)]
pub(super) struct RollCall {
    /// The last challenges, the newest first.
    challenges: VecDeque<Challenge>,
    /// How many there were.
    calls: u64,
    present: BTreeMap<Peer, Here>,
    times: Backoff,
}

impl RollCall {
    /// Somebody waits for keepers, or a relay let this node in: ask again soon, but not in a burst.
    pub fn hurry(&mut self, now: Timestamp) {
        self.times.hurry(now);
    }

    /// The challenge from a moment ago: a peer that is reached only now can answer that one, too.
    pub fn recent(&self, now: Timestamp) -> Option<Challenge> {
        self.challenges.front().copied().filter(|_| self.times.was_asked_within(SOON_MS, now))
    }

    /// The challenge, if it is time for a roll-call. `wanted` says whether a keeper is missing or
    /// owes something; otherwise the roll is called rarely, to see whether they are still here.
    pub fn due(&mut self, now: Timestamp, wanted: bool, draws: &mut Draws) -> Option<Challenge> {
        let seldom = !wanted && self.times.was_asked_within(SELDOM_MS, now);
        if seldom || !self.times.is_due(now) {
            return None;
        }
        self.times.asked(now);
        self.calls += 1;
        let calls = self.calls;
        self.present.retain(|_, here| here.call + MAX_MISSED >= calls);
        // Hashed, so that a challenge reveals nothing about the next one.
        let challenge = tagged(Tag::ROLL_CALL, &draws.next().to_le_bytes());
        self.challenges.push_front(challenge);
        self.challenges.truncate(MAX_OPEN);
        Some(challenge)
    }

    /// A peer answered for a keeper. `signed` says whether the keeper signed this challenge for
    /// this node.
    pub fn answered(
        &mut self,
        from: Peer,
        keeper: PublicKey,
        signed: impl Fn(&Challenge) -> bool,
    ) -> Answered {
        let Some(age) = self.challenges.iter().position(signed) else {
            return Answered::Nonsense;
        };
        if let Some(here) = self.present.get_mut(&from) {
            // A peer answers for one keeper: a relay that passes on the answers of several speaks
            // for one.
            if here.keeper == keeper {
                here.call = self.calls;
            }
            return Answered::Again;
        }
        let others = self.present.values().filter(|here| here.keeper == keeper).count();
        if others >= MAX_EACH || age > 0 {
            return Answered::Again;
        }
        self.present.insert(from, Here { keeper, call: self.calls, asked: 0 });
        Answered::New
    }

    /// Whether a keeper is here.
    pub fn is_present(&self, keeper: &PublicKey) -> bool {
        self.present.values().any(|here| here.keeper == *keeper)
    }

    /// The peer did not acknowledge yet what it was asked for, and is asked again.
    pub fn asked(&mut self, peer: Peer) {
        let asked = self.present.get_mut(&peer).map(|here| {
            here.asked += 1;
            here.asked
        });
        if asked.is_some_and(|asked| asked > MAX_ASKED) {
            self.present.remove(&peer);
        }
    }

    /// The peer acknowledged something.
    pub fn acknowledged(&mut self, peer: Peer) {
        self.present.entry(peer).and_modify(|here| here.asked = 0);
    }

    /// Peers that answered, and for whom.
    pub fn present(&self) -> impl Iterator<Item = (Peer, PublicKey)> {
        self.present.iter().map(|(peer, here)| (*peer, here.keeper))
    }

    /// Keeps only peers that are still here; returns whether one left.
    pub fn retain(&mut self, is_heard: impl Fn(&Peer) -> bool) -> bool {
        let before = self.present.len();
        self.present.retain(|peer, _| is_heard(peer));
        self.present.len() < before
    }

    /// A relay is gone.
    pub fn forget_link(&mut self, link: LinkId) {
        self.present.retain(|peer, _| peer.link != link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testkit::{
            NOW,
            nodes::{HONEST, LIAR},
            rolls::keeper,
        },
        wire::frame::PeerId,
    };

    fn key(number: u8) -> PublicKey {
        keeper(number).public()
    }

    /// Whether what was signed is the answer to a challenge.
    fn to(signed: Challenge) -> impl Fn(&Challenge) -> bool {
        move |challenge| *challenge == signed
    }

    #[test]
    fn a_keeper_is_here_when_it_signed_the_last_challenge() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        assert_eq!(call.answered(HONEST, key(0), to([0; 32])), Answered::Nonsense);
        let first = call.due(NOW, true, &mut draws).unwrap();
        let second = call.due(NOW.plus_ms(SOON_MS), true, &mut draws).unwrap();
        assert_ne!(first, second);
        // A late answer is not an offence, and makes nobody present.
        assert_eq!(call.answered(HONEST, key(0), to(first)), Answered::Again);
        assert!(!call.is_present(&key(0)));
        assert_eq!(call.answered(HONEST, key(0), to(second)), Answered::New);
        assert_eq!(call.answered(HONEST, key(0), to(second)), Answered::Again);
        assert!(call.is_present(&key(0)));
        assert!(call.retain(|peer| *peer == LIAR));
        assert!(!call.is_present(&key(0)));
    }

    #[test]
    fn where_all_are_here_and_owe_nothing_it_is_called_seldom() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let mut at = |ms, wanted| call.due(NOW.plus_ms(ms), wanted, &mut draws).is_some();
        assert!(at(0, true) && !at(SELDOM_MS - 1, false) && at(SELDOM_MS, false));
    }

    #[test]
    fn a_peer_that_answers_for_two_keepers_speaks_for_one() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let challenge = call.due(NOW, true, &mut draws).unwrap();
        let answers = [0, 1].map(|number| call.answered(LIAR, key(number), to(challenge)));
        assert_eq!(answers, [Answered::New, Answered::Again]);
        assert!(!call.is_present(&key(1)));
    }

    #[test]
    fn who_answers_for_a_keeper_and_acknowledges_nothing_makes_room() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let challenge = call.due(NOW, true, &mut draws).unwrap();
        for number in 0..100 {
            let from = Peer { id: PeerId(number), ..HONEST };
            call.answered(from, key(0), to(challenge));
        }
        assert_eq!(call.present().count(), MAX_EACH);
        let silent = call.present().next().unwrap().0;
        for _ in 0..MAX_ASKED {
            call.asked(silent);
            // The same answer again resets nothing.
            assert_eq!(call.answered(silent, key(0), to(challenge)), Answered::Again);
        }
        call.asked(silent);
        assert_eq!(call.present().count(), MAX_EACH - 1);
    }

    #[test]
    fn who_misses_calls_is_not_here_any_more() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let challenge = call.due(NOW, true, &mut draws).unwrap();
        call.answered(HONEST, key(0), to(challenge));
        for number in 1..=MAX_MISSED + 1 {
            assert!(call.is_present(&key(0)));
            call.due(NOW.plus_ms(number * SELDOM_MS * 2), true, &mut draws).unwrap();
        }
        assert!(!call.is_present(&key(0)));
    }
}
