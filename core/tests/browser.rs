//! The browser's four tries at a time, compared with the hash of the `sha2` crate: the same test as
//! on other machines, on the browser's own 128-bit instructions.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use blockvote_core::{
    chain::{
        difficulty::Difficulty,
        header::{HEADER_VERSION, Header, Height},
        pow::{FourSearch, NonceSearch, Search, is_proven},
    },
    crypto::hash::{BlockHash, VotesRoot},
    time::Timestamp,
};
use wasm_bindgen_test::wasm_bindgen_test;

/// Tries in one test of a header: about twenty of them meet the target.
const TRIES: u64 = 5_000;

fn header(seed: u64) -> Header {
    let bytes = |salt: u64| {
        let word = (seed ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        [word; 4].concat().try_into().unwrap()
    };
    Header {
        height: Height(7),
        previous: BlockHash(bytes(1)),
        votes_root: VotesRoot(bytes(2)),
        timestamp: Timestamp(seed),
        difficulty: Difficulty(256),
        voters: 3,
        votes: 4,
        nonce: 0,
        version: HEADER_VERSION,
        easing: 0,
    }
}

#[wasm_bindgen_test]
fn four_tries_find_what_one_finds_and_miss_nothing() {
    for seed in 0..200_u64 {
        let mut header = header(seed);
        let mut one = Search::new(&header);
        let mut four = FourSearch::new(&header);
        // Also if the low half of the number is used up.
        let start = seed.wrapping_mul(0x1234_5678_9abc_def1) | 0xffff_ff00;
        let (mut from, end) = (start, start.wrapping_add(TRIES));
        let mut found = 0;
        while let Some(nonce) = four.run(from, end.wrapping_sub(from)) {
            header.nonce = nonce;
            assert!(is_proven(&header), "seed {seed}");
            // It is the first one.
            loop {
                let tried = FourSearch::nonce_of(from);
                from = from.wrapping_add(1);
                if tried == nonce {
                    break;
                }
                assert_eq!(one.run(tried, 1), None, "seed {seed} misses {tried}");
            }
            found += 1;
        }
        while from != end {
            assert_eq!(one.run(FourSearch::nonce_of(from), 1), None, "seed {seed}");
            from = from.wrapping_add(1);
        }
        assert!(found > 0, "seed {seed}");
    }
}
