//! Hashes that cannot be confused, and the tags that keep their domains apart.
//!
//! Invariant: two values of different kinds never share a hash input, because each input begins
//! with the 16 bytes of its own tag (the Merkle tree uses the prefixes of RFC 9162 instead).

use sha2::{Digest, Sha256};

/// What is hashed, as the first 16 bytes of the input: ASCII, filled up with zero bytes.
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
    /// What an organiser signs to end the count.
    pub const SEAL: Self = Self(*b"blockvote seal\0\0");
    /// What an organiser signs to close early.
    pub const CLOSING: Self = Self(*b"blockvote close\0");
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
    /// What is kept as proof, for comparing with peers.
    pub const EVIDENCE: Self = Self(*b"blockvote proofs");
}

/// SHA-256 of the tag and the bytes.
pub fn tagged(tag: Tag, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(tag.0);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, found {found:?}")]
pub struct ParseHashError {
    found: String,
}

impl ParseHashError {
    pub(crate) fn new(text: &str) -> Self {
        Self { found: text.chars().take(80).collect() }
    }
}

/// Compares as big-endian numbers. Not inlined: each sort would repeat it dozens of times.
#[inline(never)]
pub(crate) fn compare(one: &[u8; 32], other: &[u8; 32]) -> std::cmp::Ordering {
    one.cmp(other)
}

/// A newtype of 32 bytes, written as 64 hexadecimal digits for people.
macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            PartialEq,
            Eq,
            Hash,
            borsh::BorshSerialize,
            borsh::BorshDeserialize,
        )]
        pub struct $name(pub [u8; 32]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                $crate::crypto::hash::compare(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The first 8 and the last 4 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let hex = hex::encode(self.0);
                format!("{}…{}", &hex[..8], &hex[60..])
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::crypto::hash::ParseHashError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| {
                    $crate::crypto::hash::ParseHashError::new(text)
                })?;
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

hash_type!(
    /// SHA-256 of an election's encoding: a link that carries it commits to the whole definition.
    ElectionId
);
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
    /// SHA-256 of what a seal says.
    SealId
);
hash_type!(
    /// SHA-256 of a count.
    TallyHash
);

pub(crate) use hash_type;

/// The first 8 bytes of a vote's id: enough to ask for it. A collision costs a fetch, never
/// correctness.
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
