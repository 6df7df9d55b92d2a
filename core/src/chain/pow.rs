//! Proof of work: targets, and the search for a nonce with at most one compression per try.

mod four_at_once;

use sha2::block_api::compress256;

pub use self::four_at_once::FourSearch;

use crate::{
    chain::{
        difficulty::Difficulty,
        header::{HEADER_BYTES, Header},
    },
    crypto::hash::{BlockHash, Tag},
};

/// Initial state of SHA-256 (FIPS 180-4, section 5.3.3).
const INITIAL_STATE: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
/// Length of the hash input: tag and header.
const INPUT_BYTES: usize = 16 + HEADER_BYTES;
/// Where the nonce is in the second SHA-256 block of the input.
const NONCE_AT: usize = 16 + 92 - 64;

/// The largest hash, as a big-endian number, that meets a difficulty: floor((2^256 - 1) / d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(pub [u8; 32]);

impl Target {
    /// Whether the hash is small enough.
    pub fn is_met_by(&self, hash: &BlockHash) -> bool {
        hash.0 <= self.0
    }
}

impl From<Difficulty> for Target {
    fn from(difficulty: Difficulty) -> Self {
        let divisor = u128::from(difficulty.0.max(1));
        let mut target = [0; 32];
        let mut remainder = 0_u128;
        for limb in target.chunks_exact_mut(8) {
            let dividend = (remainder << 64) | u128::from(u64::MAX);
            // The remainder is below the divisor, so the quotient fits in 64 bits.
            let quotient = u64::try_from(dividend / divisor).unwrap_or(u64::MAX);
            limb.copy_from_slice(&quotient.to_be_bytes());
            remainder = dividend % divisor;
        }
        Self(target)
    }
}

/// Whether the header's own hash meets the difficulty that it states.
pub fn is_proven(header: &Header) -> bool {
    Target::from(header.required()).is_met_by(&header.hash())
}

/// A search for the nonce of one header.
pub trait NonceSearch {
    /// Prepares the search for a header's nonce.
    fn new(header: &Header) -> Self;

    /// Makes the tries numbered `start` to `start + count` (wrapping around) and returns the nonce
    /// of the first that meets the target. Searches differ in which nonce has which number, but
    /// different numbers are always different nonces.
    fn run(&mut self, start: u64, count: u64) -> Option<u64>;
}

/// A header with everything but the nonce hashed in advance. It uses the machine's own instructions
/// for SHA-256 if it has them.
#[derive(Clone, Debug)]
pub struct Search {
    midstate: [u32; 8],
    block: [u8; 64],
    target: Target,
    /// First word of the target: it decides nearly every try.
    bound: u32,
}

impl NonceSearch for Search {
    fn new(header: &Header) -> Self {
        let mut input = [0; 128];
        input[..16].copy_from_slice(&Tag::HEADER.0);
        input[16..INPUT_BYTES].copy_from_slice(&header.encode());
        input[INPUT_BYTES] = 0x80;
        input[120..].copy_from_slice(&(INPUT_BYTES as u64 * 8).to_be_bytes());
        let (first, second) = input.split_at(64);
        let mut midstate = INITIAL_STATE;
        let mut block = [0; 64];
        block.copy_from_slice(first);
        compress256(&mut midstate, &[block]);
        block.copy_from_slice(second);
        let target = Target::from(header.required());
        let [a, b, c, d, ..] = target.0;
        Self { midstate, block, target, bound: u32::from_be_bytes([a, b, c, d]) }
    }

    /// The number of a try is its nonce.
    fn run(&mut self, start: u64, count: u64) -> Option<u64> {
        let mut nonces = (0..count).map(|offset| start.wrapping_add(offset));
        nonces.find(|nonce| self.state(*nonce)[0] <= self.bound && self.meets(*nonce))
    }
}

impl Search {
    /// Hash of the header with this nonce.
    pub fn hash(&mut self, nonce: u64) -> BlockHash {
        let state = self.state(nonce);
        let mut hash = [0; 32];
        for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        BlockHash(hash)
    }

    fn set_nonce(&mut self, nonce: u64) {
        self.block[NONCE_AT..NONCE_AT + 8].copy_from_slice(&nonce.to_le_bytes());
    }

    fn meets(&mut self, nonce: u64) -> bool {
        let hash = self.hash(nonce);
        self.target.is_met_by(&hash)
    }

    fn state(&mut self, nonce: u64) -> [u32; 8] {
        self.set_nonce(nonce);
        let mut state = self.midstate;
        compress256(&mut state, std::slice::from_ref(&self.block));
        state
    }
}

/// Mines a header on the spot: for tests and tools, where nothing else has to go on meanwhile.
pub fn mine(header: &mut Header) {
    let mut search = Search::new(header);
    let mut start = 0;
    header.nonce = loop {
        if let Some(nonce) = search.run(start, 1 << 20) {
            break nonce;
        }
        start += 1 << 20;
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        chain::header::{HEADER_VERSION, Height},
        crypto::hash::VotesRoot,
        time::Timestamp,
    };

    pub(super) fn header(seed: u64) -> Header {
        Header {
            height: Height(7),
            previous: BlockHash([3; 32]),
            votes_root: VotesRoot([7; 32]),
            timestamp: Timestamp(seed),
            difficulty: Difficulty(1 << 10),
            voters: 1 << 16,
            votes: 1 << 17,
            nonce: 0,
            version: HEADER_VERSION,
            easing: 2,
        }
    }

    #[test]
    fn the_floor_is_sixteen_zero_bits_exactly() {
        let target = Target::from(Difficulty(1 << 16));
        assert_eq!(target.0[..2], [0, 0]);
        assert!(target.0[2..].iter().all(|byte| *byte == 0xff));
        assert!(Target::from(Difficulty(1)).0.iter().all(|byte| *byte == 0xff));
        let third = Target::from(Difficulty(3));
        assert!(third.0.iter().all(|byte| *byte == 0x55));
    }

    #[test]
    fn easing_lowers_what_the_hash_must_meet() {
        let mut mined = header(1);
        mine(&mut mined);
        assert!(is_proven(&mined));
        assert_eq!(mined.required(), Difficulty(1 << 8));
        let harder = Header { easing: 0, difficulty: Difficulty(u64::MAX), ..mined };
        assert!(!is_proven(&harder));
    }

    proptest! {
        #[test]
        fn the_search_hashes_what_the_header_hashes(seed: u64, nonce: u64) {
            let mut header = header(seed);
            let mut search = Search::new(&header);
            header.nonce = nonce;
            prop_assert_eq!(search.hash(nonce), header.hash());
        }

        #[test]
        fn a_found_nonce_is_the_first_that_meets_the_target(seed: u64) {
            let mut header = header(seed);
            let found = Search::new(&header).run(0, 100_000);
            header.nonce = found.unwrap();
            prop_assert!(is_proven(&header));
            prop_assert_eq!(Search::new(&header).run(0, header.nonce), None);
        }
    }
}
