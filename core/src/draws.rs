//! Random choices that must be fair but not secret. They follow from a seed: the same seed makes
//! the same choices.

/// Numbers of a splitmix64 sequence (Steele, Lea, Flood 2014).
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    /// A sequence that begins with this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let drawn = self.next().checked_rem(bound as u64).unwrap_or_default();
        usize::try_from(drawn).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers for the seed 0, as published with the generator.
    #[test]
    fn the_sequence_is_the_published_one() {
        let mut draws = Draws::new(0);
        let numbers = [draws.next(), draws.next(), draws.next()];
        assert_eq!(numbers, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn a_draw_is_below_its_bound() {
        let mut draws = Draws::new(1);
        assert!((1..100).all(|bound| draws.below(bound) < bound));
        assert_eq!(draws.below(0), 0);
    }
}
