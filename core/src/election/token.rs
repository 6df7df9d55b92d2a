//! Tokens: who may vote, as a number.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A voter's right to one vote: a number, as in the seed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct TokenId(pub u64);

impl TokenId {
    /// The largest number that JSON and JavaScript represent exactly: 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A voter can change a vote this many times if the last vote counts.
pub const MAX_SEQUENCE: u8 = 99;
