//! Hashes that cannot be confused, and the tags that keep their domains apart.
//!
//! Invariant: two values of different kinds never share a hash input, because each input begins
//! with the 16 bytes of its own tag (the Merkle tree uses the prefixes of RFC 9162 instead).

pub(crate) use blockvote_frames::hash_type;
pub use blockvote_frames::ids::{ElectionId, ParseHashError};
use sha2::{Digest, Sha256};

/// What is hashed, as the first 16 bytes of the input: ASCII, padded with zero bytes.
#[derive(Clone, Copy, Debug)]
pub struct Tag(pub(crate) [u8; 16]);

impl Tag {
    /// An election's definition.
    pub const ELECTION: Self = Self(*b"blockvote electn");
    /// A vote without its authorization.
    pub const VOTE: Self = Self(*b"blockvote vote\0\0");
    /// A block header.
    pub const HEADER: Self = Self(*b"blockvote header");
    /// What a voter signs: the vote's id.
    pub const SIGN_VOTE: Self = Self(*b"blockvote sign\0\0");
    /// What an organiser signs to fix the result.
    pub const SEAL: Self = Self(*b"blockvote seal\0\0");
    /// What an organiser signs to close early.
    pub const CLOSING: Self = Self(*b"blockvote close\0");
    /// What a keeper signs for a vote.
    pub const ACKNOWLEDGEMENT: Self = Self(*b"blockvote acknow");
    /// What a keeper signs at closing.
    pub const CLOSING_LIST: Self = Self(*b"blockvote clolst");
    /// What a keeper signs to show that it is there.
    pub const ROLL_CALL: Self = Self(*b"blockvote rollca");
    /// The salt of short addresses.
    pub const SHORT_ADDRESS: Self = Self(*b"blockvote addres");
    /// A count.
    pub const TALLY: Self = Self(*b"blockvote tally\0");
    /// A voting code, from which its key is made.
    pub const CODE: Self = Self(*b"blockvote code\0\0");
    /// The secret from which an organiser's codes are made.
    pub const CODES: Self = Self(*b"blockvote codes\0");
    /// The check digits of a public key in text.
    pub const KEY_TEXT: Self = Self(*b"blockvote key\0\0\0");
    /// The coefficients of a batch of signatures.
    pub const BATCH: Self = Self(*b"blockvote batch\0");
    /// The votes that a node has, for comparing with peers.
    pub const VOTES: Self = Self(*b"blockvote votes\0");
    /// Statements and the set of them that is kept, for comparing with peers.
    pub const EVIDENCE: Self = Self(*b"blockvote proofs");
}

/// SHA-256 of the tag and the bytes.
pub fn tagged(tag: Tag, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(tag.0);
    hasher.update(bytes);
    hasher.finalize().into()
}

hash_type!(
    /// SHA-256 of a vote without its authorization.
    VoteId
);
hash_type!(
    /// SHA-256 of a header. Compared as a big-endian number with the target.
    BlockHash
);
hash_type!(
    /// Root of the Merkle tree (RFC 9162) over the votes of a block.
    VotesRoot
);
hash_type!(
    /// Root of the Merkle tree (RFC 9162) over the keys of a voter roll.
    RollRoot
);
hash_type!(
    /// Root of the Merkle tree (RFC 9162) over the ids of a set of votes in ascending order.
    VoteSetRoot
);
hash_type!(
    /// SHA-256 of what a seal says.
    SealId
);
hash_type!(
    /// SHA-256 of a count.
    TallyHash
);

/// The first 8 bytes of a vote's id: enough to ask for it. A collision costs one more fetch, but
/// never makes a result wrong.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
)]
pub struct ShortId(pub [u8; 8]);

impl From<&VoteId> for ShortId {
    fn from(id: &VoteId) -> Self {
        let mut short = [0; 8];
        short.copy_from_slice(&id.0[..8]);
        Self(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_from_its_text_and_from_nothing_else() {
        let hash = BlockHash([0xab; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in ["", "ab", &"g".repeat(64), &"ab".repeat(33)] {
            assert!(bad.parse::<BlockHash>().is_err(), "{bad}");
        }
        assert_eq!(hash.short(), "abababab…abab");
    }
}
