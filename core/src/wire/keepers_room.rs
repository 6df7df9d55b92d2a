//! What is said in the keepers' room: a well-known room on every relay, where people who make
//! elections find keepers, and where keepers answer for short addresses. `docs/protocol.md`
//! describes every byte.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::{
        encoding::encode,
        hash::{ElectionId, Tag, tagged},
        key::{PublicKey, SecretKey, Signature, Signed},
    },
    election::{keepers::check_name, short_address::ShortAddress},
    wire::{frame::PeerId, message::Challenge},
};

/// Elections in one answer to a short address: more than one is rare.
pub const MAX_FOUND: usize = 8;
/// Bytes of one message in this room: the longest is an answer with [`MAX_FOUND`] ids.
pub const MAX_BYTES: usize = 512;

/// The room.
pub fn room() -> ElectionId {
    ElectionId(tagged(Tag::ELECTION, b"the room of the keepers"))
}

/// A keeper that is here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Card {
    /// What people call it.
    pub name: String,
    /// Its key.
    pub key: PublicKey,
    /// The keeper's signature over the tag, the room, the challenge, the asker and the name.
    pub signature: Signature,
}

impl Card {
    fn message(challenge: &Challenge, asker: PeerId, name: &str) -> Vec<u8> {
        let mut message = Tag::ROLL_CALL.0.to_vec();
        // The asker is included, so that nobody can pass the answer on as their own.
        message.extend(encode(&(room(), challenge, asker.0, name)));
        message
    }

    /// Answers a roll-call.
    pub fn sign(challenge: &Challenge, asker: PeerId, name: &str, key: &SecretKey) -> Self {
        let signature = key.sign(&Self::message(challenge, asker, name));
        Self { name: name.into(), key: key.public(), signature }
    }

    /// Whether the keeper signed this for this asker, and its name and key are allowed.
    pub fn answers(&self, challenge: &Challenge, asker: PeerId) -> bool {
        let Self { name, key, signature } = self;
        let message = Self::message(challenge, asker, name);
        check_name(name).is_ok()
            && key.check().is_ok()
            && Signed { key, message: &message, signature }.holds()
    }
}

/// Why a keeper does not hold an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// The definition does not name it.
    NotNamed,
    /// It has no room left.
    Full,
    /// The election could take more room than it gives to one.
    TooBig,
    /// It holds only elections of certain organisers.
    NotAllowed,
    /// Anybody could fill it: there is neither a voter roll nor a highest token.
    Unbounded,
    /// It could not fetch the election in time.
    NotFound,
    /// It could not write the election to its disk.
    NotStored,
}

/// What happened to a wish that a keeper holds an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// It is being fetched from the election's room.
    Fetching,
    /// It is here.
    Here,
    /// It is not held.
    Refused(Refusal),
}

/// A message. Borsh writes the variant as one byte, counted from 0 in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RoomMessage {
    /// Keepers, show that you are here: sign this.
    RollCall(Challenge),
    /// I am a keeper.
    Card(Card),
    /// Hold this election.
    Hold(ElectionId),
    /// What happened to that wish.
    Answer(ElectionId, Answer),
    /// Which elections have this short address?
    Find(ShortAddress),
    /// These; perhaps none. The peer that asked computes the address again.
    Found(ShortAddress, Vec<ElectionId>),
}

impl RoomMessage {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a message within its bounds; `None` if it breaks the format.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let message =
            (bytes.len() <= MAX_BYTES).then(|| borsh::from_slice(bytes).ok()).flatten()?;
        match &message {
            Self::Found(_, ids) if ids.len() > MAX_FOUND => None,
            Self::RollCall(_)
            | Self::Card(_)
            | Self::Hold(_)
            | Self::Answer(..)
            | Self::Find(_)
            | Self::Found(..) => Some(message),
        }
    }

    /// Whether it may be sent to everybody in the room at once: only messages that keepers alone
    /// answer.
    pub fn may_be_broadcast(&self) -> bool {
        match self {
            Self::RollCall(_) => true,
            Self::Card(_) | Self::Hold(_) | Self::Answer(..) | Self::Find(_) | Self::Found(..) => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_for_one_asker_one_challenge_and_one_name() {
        let key = SecretKey::new([1; 32]);
        let (challenge, asker) = ([2; 32], PeerId(3));
        let card = Card::sign(&challenge, asker, "Club", &key);
        assert!(card.answers(&challenge, asker));
        assert!(!card.answers(&challenge, PeerId(4)), "passed on by somebody else");
        assert!(!card.answers(&[3; 32], asker));
        let renamed = Card { name: "Union".into(), ..card.clone() };
        assert!(!renamed.answers(&challenge, asker));
        let nameless = Card::sign(&challenge, asker, "\n", &key);
        assert!(!nameless.answers(&challenge, asker));
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let found = |ids| RoomMessage::Found(ShortAddress([0; 5]), vec![room(); ids]);
        assert_eq!(RoomMessage::decode(&found(MAX_FOUND).encode()), Some(found(MAX_FOUND)));
        assert_eq!(RoomMessage::decode(&found(MAX_FOUND + 1).encode()), None);
        assert_eq!(RoomMessage::decode(&[9]), None);
        let card = Card::sign(&[0; 32], PeerId(0), &"x".repeat(1000), &SecretKey::new([1; 32]));
        assert_eq!(RoomMessage::decode(&RoomMessage::Card(card).encode()), None);
    }
}
