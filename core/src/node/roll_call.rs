//! Which named keepers are here: they are asked to sign a fresh challenge.
//!
//! Takes answers and the time; answers with when to ask. A keeper that is passed on by somebody else counts
//! too: what it acknowledges is signed anyway. Invariant: at most
//! [`MAX_EACH`] peers for each keeper.

use std::collections::BTreeMap;

use super::interface::{LinkId, Peer};
use crate::{
    crypto::{
        hash::{ElectionId, Tag, tagged},
        key::PublicKey,
    },
    draws::Draws,
    time::Timestamp,
    wire::message::{Challenge, Presence},
};

/// Peers that answered for one keeper: on a few relays, or passing its answer on.
const MAX_EACH: usize = 4;
/// A peer that was asked so often and acknowledged nothing makes room for others.
const MAX_ASKED: u32 = 4;
/// A second roll-call comes so long after the first; each further wait is twice as long.
const AGAIN_MS: u64 = 5_000;
const MAX_AGAIN_MS: u64 = 300_000;

/// For whom a peer answered, and how often it was asked since it last acknowledged something.
#[derive(Clone, Copy)]
struct Here {
    keeper: PublicKey,
    asked: u32,
}

/// The keepers that answered.
#[derive(Default)]
pub(super) struct RollCall {
    /// The last one: answers to earlier ones are stale.
    challenge: Option<Challenge>,
    present: BTreeMap<Peer, Here>,
    next: Timestamp,
    wait: u64,
}

impl RollCall {
    /// Somebody waits for keepers, or a relay let this node in: ask again soon.
    pub fn hurry(&mut self, now: Timestamp) {
        if self.wait > AGAIN_MS || self.challenge.is_none() {
            self.wait = AGAIN_MS;
            self.next = now;
        }
    }

    /// The challenge, when it is time for a roll-call. `wanted` says whether a named keeper has not
    /// answered.
    pub fn due(&mut self, now: Timestamp, wanted: bool, draws: &mut Draws) -> Option<Challenge> {
        if !wanted || now < self.next {
            return None;
        }
        self.wait = self.wait.clamp(AGAIN_MS, MAX_AGAIN_MS);
        self.next = now.plus_ms(self.wait);
        self.wait *= 2;
        // Hashed, so that a challenge tells nothing of the next one.
        let drawn = draws.next().to_le_bytes();
        let challenge = tagged(Tag::ROLL_CALL, &drawn);
        self.challenge = Some(challenge);
        Some(challenge)
    }

    /// A peer answered. Says whether it did so for a keeper that was not here; nothing where the answer
    /// is none to the last roll-call.
    pub fn answered(
        &mut self,
        from: Peer,
        election: ElectionId,
        presence: &Presence,
    ) -> Option<bool> {
        let challenge = self.challenge?;
        if !presence.answers(election, &challenge) {
            return None;
        }
        let keeper = presence.keeper;
        let others = self.present.iter().filter(|(peer, it)| it.keeper == keeper && **peer != from);
        let others = others.count();
        if others < MAX_EACH {
            self.present.insert(from, Here { keeper, asked: 0 });
        }
        Some(others == 0)
    }

    /// Whether a keeper is here.
    pub fn is_present(&self, keeper: &PublicKey) -> bool {
        self.present.values().any(|here| here.keeper == *keeper)
    }

    /// A peer is asked to acknowledge votes.
    pub fn asked(&mut self, peer: Peer) {
        let asked = self.present.get_mut(&peer).map(|here| {
            here.asked += 1;
            here.asked
        });
        if asked.is_some_and(|asked| asked > MAX_ASKED) {
            self.present.remove(&peer);
        }
    }

    /// It did.
    pub fn acknowledged(&mut self, peer: Peer) {
        self.present.entry(peer).and_modify(|here| here.asked = 0);
    }

    /// Peers that answered, and for whom.
    pub fn present(&self) -> impl Iterator<Item = (Peer, PublicKey)> {
        self.present.iter().map(|(peer, here)| (*peer, here.keeper))
    }

    /// Keeps only peers that are still heard of; says whether one went.
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

    const ELECTION: ElectionId = ElectionId([1; 32]);

    #[test]
    fn a_keeper_is_here_when_it_signed_the_last_challenge() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let early = Presence::sign(ELECTION, &[0; 32], &keeper(0));
        assert_eq!(call.answered(HONEST, ELECTION, &early), None);
        let first = call.due(NOW, true, &mut draws).unwrap();
        let second = call.due(NOW.plus_ms(AGAIN_MS), true, &mut draws).unwrap();
        assert_ne!(first, second);
        let answer = |challenge| Presence::sign(ELECTION, challenge, &keeper(0));
        assert_eq!(call.answered(HONEST, ELECTION, &answer(&first)), None, "stale");
        let forged = Presence { keeper: keeper(1).public(), ..answer(&second) };
        assert_eq!(call.answered(LIAR, ELECTION, &forged), None);
        assert_eq!(call.answered(HONEST, ElectionId([2; 32]), &answer(&second)), None);
        assert_eq!(call.answered(HONEST, ELECTION, &answer(&second)), Some(true));
        assert_eq!(call.answered(LIAR, ELECTION, &answer(&second)), Some(false));
        assert!(call.is_present(&keeper(0).public()));
        assert!(call.retain(|peer| *peer == LIAR));
        call.forget_link(LIAR.link);
        assert!(!call.is_present(&keeper(0).public()));
    }

    #[test]
    fn it_is_called_ever_more_seldom_until_somebody_waits() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        assert_eq!(call.due(NOW, false, &mut draws), None, "all are here");
        let mut at = |ms| call.due(NOW.plus_ms(ms), true, &mut draws).is_some();
        let calls: Vec<bool> = [0, 4_999, 5_000, 14_999, 15_000].map(&mut at).to_vec();
        assert_eq!(calls, [true, false, true, false, true]);
        call.hurry(NOW.plus_ms(15_001));
        assert!(call.due(NOW.plus_ms(15_001), true, &mut draws).is_some());
    }

    #[test]
    fn the_bound_holds() {
        let (mut call, mut draws) = (RollCall::default(), Draws::new(1));
        let challenge = call.due(NOW, true, &mut draws).unwrap();
        let presence = Presence::sign(ELECTION, &challenge, &keeper(0));
        for number in 0..100 {
            let from = Peer { id: PeerId(number), ..HONEST };
            call.answered(from, ELECTION, &presence);
        }
        assert_eq!(call.present().count(), MAX_EACH);
        let silent = call.present().next().unwrap().0;
        (0..MAX_ASKED).for_each(|_| call.asked(silent));
        assert_eq!(call.present().count(), MAX_EACH);
        call.asked(silent);
        assert_eq!(call.present().count(), MAX_EACH - 1, "it makes room for the keeper itself");
    }
}
