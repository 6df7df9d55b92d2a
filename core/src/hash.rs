//! Hashes that cannot be confused, and the tags that keep their domains apart.
//!
//! Invariant: two values of different kinds never share a hash input, because each input begins
//! with the 16 bytes of its own tag (the Merkle tree uses the prefixes of RFC 9162 instead).

use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
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

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The first 8 and the last 4 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let hex = hex::encode(self.0);
                format!("{}…{}", &hex[..8], &hex[60..])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseHashError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| ParseHashError {
                    found: text.chars().take(80).collect(),
                })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as Deserialize>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
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
