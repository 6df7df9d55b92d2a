//! How hard a block must be. It depends only on the parent and is computed in integers.
//!
//! Two parts (chosen by simulation: `docs/adr/0003-difficulty.md`, `core/examples/difficulty.rs`):
//!
//! * The **difficulty** is passed on from block to block. With `gap` the time since the parent and
//!   `spacing` the election's block spacing, it is multiplied by
//!   `1 + (spacing - gap) / (8 spacing)`, where a gap counts for at most 5 spacings: it goes up by
//!   at most an eighth and down by at most half. It is rounded up, so that the lowest numbers can
//!   rise, too.
//! * The **easing** halves it for this one block, once for each spacing that the gap lasts beyond
//!   12 spacings, but never below the floor. A vote after a quiet hour gets its block at once, and
//!   the block after it costs what blocks cost before the pause. Twelve default spacings are the
//!   two minutes that a clock may be ahead, so a wrong clock alone eases nothing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::election::definition::ChainParameters;

/// The difficulty moves by an eighth of the relative error.
const DAMPING: u64 = 8;
/// A gap counts for at most this many spacings in the difficulty.
const LONGEST_GAP: u64 = 5;
/// Easing begins after this many spacings.
const EASING_AFTER: u64 = 12;

/// Expected number of hashes to find a block.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Difficulty(pub u64);

/// Expected number of hashes behind a chain: the sum over its blocks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct Work(pub u128);

impl Work {
    /// The sum, limited to the largest number.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// As decimal text: JSON numbers are not exact beyond 2^53.
impl Serialize for Work {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Work {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Difficulty and easing of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// [`Header::difficulty`].
    pub difficulty: Difficulty,
    /// [`Header::easing`].
    pub easing: u8,
}

/// What a block must meet if it is made `gap_ms` milliseconds after a parent of difficulty
/// `parent`.
pub fn demand(parameters: &ChainParameters, parent: Difficulty, gap_ms: u64) -> Demand {
    let spacing = parameters.spacing_ms.max(1);
    let floor = parameters.floor();

    let counted = gap_ms.min(LONGEST_GAP * spacing);
    let scale = u128::from(DAMPING * spacing);
    let factor = u128::from((DAMPING + 1) * spacing - counted);
    let moved = (u128::from(parent.0) * factor).div_ceil(scale);
    let difficulty = u64::try_from(moved).unwrap_or(u64::MAX).max(floor);

    let wanted = gap_ms.saturating_sub(EASING_AFTER * spacing) / spacing;
    let possible = (difficulty / floor).ilog2();
    let easing = wanted.min(possible.into());
    Demand { difficulty: Difficulty(difficulty), easing: u8::try_from(easing).unwrap_or(u8::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(difficulty: u64, gap_ms: u64) -> Demand {
        demand(&ChainParameters::default(), Difficulty(difficulty), gap_ms)
    }

    #[test]
    fn difficulty_moves_an_eighth_up_and_at_most_half_down() {
        let start = 1 << 24;
        assert_eq!(after(start, 0).difficulty.0, start / 8 * 9);
        assert_eq!(after(start, 10_000).difficulty.0, start);
        assert_eq!(after(start, 50_000).difficulty.0, start / 2);
        assert_eq!(after(start, 3_600_000).difficulty.0, start / 2);
    }

    #[test]
    fn easing_begins_beyond_what_a_fast_clock_can_claim_and_ends_at_the_floor() {
        let start = 1 << 24;
        assert_eq!(after(start, 120_000).easing, 0);
        assert_eq!(after(start, 129_999).easing, 0);
        assert_eq!(after(start, 130_000).easing, 1);
        assert_eq!(after(start, 3_600_000).easing, 7, "2^23 down to 2^16");
        assert_eq!(after(u64::MAX, 3_600_000).easing, 47);
    }

    #[test]
    fn a_low_difficulty_rises_too() {
        for start in 1..8 {
            let parameters = ChainParameters { starting_difficulty: start, spacing_ms: 10_000 };
            let next = demand(&parameters, Difficulty(start), 0);
            assert_eq!(next.difficulty.0, start + 1);
        }
    }

    #[test]
    fn the_floor_and_the_largest_number_hold() {
        assert_eq!(
            after(1 << 16, 3_600_000),
            Demand { difficulty: Difficulty(1 << 16), easing: 0 }
        );
        assert_eq!(after(u64::MAX, 0).difficulty.0, u64::MAX);
    }
}
