//! Joining an election with only its link: definition and voter roll are fetched from peers, and
//! both can be checked against the id in the link.
//!
//! A state machine like [`super::Node`], which takes over when it is done.

use std::collections::HashMap;

use super::Peer;
use crate::{
    crypto::hash::ElectionId,
    election::{
        definition::{Election, Eligibility},
        election_context::{ContextError, ElectionContext},
        roll::{RollBuilder, RollError},
    },
    time::Timestamp,
    wire::message::Message,
};

/// After this time a question that was not answered is asked of another peer.
const ANSWER_WITHIN_MS: u64 = 4_000;
/// Pages asked for at a time, spread over the peers: 32 KiB each.
const MAX_ASKED: usize = 8;
/// Peers remembered; if these do not answer, the relay names others.
const MAX_PEERS: usize = 32;

/// How far the joining is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nobody sent the definition yet.
    Definition,
    /// Pages of the voter roll that are here, and the number of all pages.
    Roll {
        /// Pages here.
        have: u32,
        /// Pages in all.
        of: u32,
    },
}

/// What a message led to.
#[derive(Debug)]
pub enum Step {
    /// Send these.
    Ask(Vec<(Peer, Vec<u8>)>),
    /// Everything is here.
    Done(ElectionContext),
    /// The election itself is broken: its roll breaks a rule, or is not the one that it commits to.
    Broken(ContextError),
}

/// An election that is being fetched.
pub struct Join {
    id: ElectionId,
    election: Option<Election>,
    roll: Option<RollBuilder>,
    peers: Vec<Peer>,
    /// Pages that were asked for: from whom, and until when.
    asked: HashMap<u32, (Peer, Timestamp)>,
    turn: usize,
}

impl Join {
    /// Begins with the id in the link. `known` is a definition that is already here.
    pub fn new(id: ElectionId, known: Option<Election>) -> Self {
        let mut join = Self {
            id,
            election: None,
            roll: None,
            peers: Vec::new(),
            asked: HashMap::new(),
            turn: 0,
        };
        if let Some(election) = known {
            join.take_election(election);
        }
        join
    }

    fn take_election(&mut self, election: Election) -> bool {
        if self.election.is_some() || election.id() != self.id || election.validate().is_err() {
            return false;
        }
        if let Eligibility::Roll { root, size, .. } = election.eligibility {
            self.roll = Some(RollBuilder::new(root, size));
        }
        self.election = Some(election);
        true
    }

    /// The definition, once it is here.
    pub fn election(&self) -> Option<&Election> {
        self.election.as_ref()
    }

    /// Peers that are asked.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// How far the joining is.
    pub fn progress(&self) -> Progress {
        match (&self.election, &self.roll) {
            (Some(_), Some(roll)) => {
                let of = roll.page_count();
                let missing = u32::try_from(roll.missing().count()).unwrap_or(of);
                Progress::Roll { have: of - missing, of }
            }
            _ => Progress::Definition,
        }
    }

    /// The relay named peers.
    pub fn peers(&mut self, now: Timestamp, peers: impl IntoIterator<Item = Peer>) -> Step {
        let peers: Vec<_> = peers.into_iter().collect();
        for peer in &peers {
            if !self.peers.contains(peer) {
                self.peers.push(*peer);
            }
        }
        while self.peers.len() > MAX_PEERS {
            self.peers.remove(0);
        }
        if self.election.is_none() {
            let question = Message::GetElection.encode();
            return Step::Ask(peers.into_iter().map(|peer| (peer, question.clone())).collect());
        }
        self.step(now)
    }

    /// A peer, or every peer of a relay, is gone.
    pub fn gone(&mut self, gone: impl Fn(&Peer) -> bool) {
        self.peers.retain(|peer| !gone(peer));
        self.asked.retain(|_, (peer, _)| !gone(peer));
    }

    /// Takes a message. A message that does not fit is ignored, and its sender is not asked again.
    pub fn message(&mut self, now: Timestamp, from: Peer, bytes: &[u8]) -> Step {
        match Message::decode(bytes) {
            Ok(Message::Election(election)) if self.election.is_none() => {
                let taken = self.take_election(*election);
                self.gone(|peer| !taken && *peer == from);
            }
            Ok(Message::RollPage(page)) => {
                let expected = self.asked.get(&page.index).is_some_and(|(peer, _)| *peer == from);
                if let Some(roll) = self.roll.as_mut().filter(|_| expected) {
                    let index = page.index;
                    self.asked.remove(&index);
                    match roll.add(page) {
                        Ok(()) => {}
                        // Its proof was valid, so the organiser put it there.
                        Err(RollError::Key(error)) => {
                            return Step::Broken(RollError::Key(error).into());
                        }
                        Err(_) => self.gone(|peer| *peer == from),
                    }
                }
            }
            _ => {}
        }
        self.step(now)
    }

    /// What to do now; must also be called about every second.
    pub fn step(&mut self, now: Timestamp) -> Step {
        let done = match (&self.election, &self.roll) {
            (Some(_), None) => true,
            (Some(_), Some(roll)) => roll.missing().next().is_none(),
            (None, _) => false,
        };
        if done && let Some(election) = self.election.take() {
            return match self.roll.take().map(RollBuilder::finish).transpose() {
                Ok(roll) => ElectionContext::new(election, roll.flatten())
                    .map_or_else(Step::Broken, Step::Done),
                Err(error) => Step::Broken(error.into()),
            };
        }
        let mut questions = Vec::new();
        let Some(roll) = &self.roll else {
            return Step::Ask(questions);
        };
        self.asked.retain(|_, (_, until)| now < *until);
        for index in roll.missing() {
            if self.asked.len() >= MAX_ASKED || self.peers.is_empty() {
                break;
            }
            if self.asked.contains_key(&index) {
                continue;
            }
            self.turn = (self.turn + 1) % self.peers.len();
            let peer = self.peers[self.turn];
            self.asked.insert(index, (peer, now.plus_ms(ANSWER_WITHIN_MS)));
            questions.push((peer, Message::GetRollPage(index).encode()));
        }
        Step::Ask(questions)
    }
}
