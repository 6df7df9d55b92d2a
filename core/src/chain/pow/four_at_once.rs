//! The search for a nonce, four tries at a time, for machines that have no instructions for
//! SHA-256: browsers.
//!
//! From try to try only the high word of the nonce changes. It is word 12 of the header's second
//! SHA-256 block (FIPS 180-4, section 6.2.2). So the first twelve rounds, and the parts of the
//! other words that do not change, are computed once for each job. Only the first word of the hash
//! is computed: it decides nearly every try, and the rest is left to [`super::Search`].
//!
//! It is written once over operations on four words and compiled twice: with the browser's 128-bit
//! instructions, and with arrays, so that every machine can check it against the other hash.

use super::{NonceSearch, Search};
use crate::chain::header::Header;

/// The round constants (FIPS 180-4, section 4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Number of the word that changes.
const NONCE_WORD: usize = 12;

/// Whether a word of the message schedule depends on the word that changes.
fn changes(word: usize) -> bool {
    matches!(word, NONCE_WORD | 19 | 21 | 23 | 25..)
}

fn small_sigma_0(x: u32) -> u32 {
    x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3)
}

fn small_sigma_1(x: u32) -> u32 {
    x.rotate_right(17) ^ x.rotate_right(19) ^ (x >> 10)
}

/// What is computed once for each job.
#[derive(Clone, Debug)]
struct Prepared {
    /// The eight variables after twelve rounds.
    state: [u32; 8],
    /// Variables a and e after the round of the word that changes, with 0 for that word.
    a: u32,
    e: u32,
    /// Round constants, with the word added if it does not change.
    k: [u32; 64],
    /// For each word, the sum of the parts that do not change.
    stays: [u32; 64],
    /// First word of the state before the block.
    first: u32,
}

impl Prepared {
    /// `block` is the second block; its word 12 is not read.
    #[allow(clippy::many_single_char_names, reason = "the letters of FIPS 180-4")]
    fn new(midstate: [u32; 8], block: &[u8; 64]) -> Self {
        let mut stays = [0; 64];
        for (word, bytes) in stays.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        stays[NONCE_WORD] = 0;
        for t in 16..64 {
            let part = |word: usize, value: u32| if changes(word) { 0 } else { value };
            stays[t] = part(t - 2, small_sigma_1(stays[t - 2]))
                .wrapping_add(part(t - 7, stays[t - 7]))
                .wrapping_add(part(t - 15, small_sigma_0(stays[t - 15])))
                .wrapping_add(part(t - 16, stays[t - 16]));
        }
        let mut constants = K;
        for (t, constant) in constants.iter_mut().enumerate().filter(|(t, _)| !changes(*t)) {
            *constant = constant.wrapping_add(stays[t]);
        }
        let mut state = midstate;
        let mut ends = (0, 0);
        for constant in &constants[..=NONCE_WORD] {
            let [a, b, c, d, e, f, g, h] = state;
            let t1 = h
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
                .wrapping_add(g ^ (e & (f ^ g)))
                .wrapping_add(*constant);
            let t2 = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
                .wrapping_add((a & b) ^ (a & c) ^ (b & c));
            ends = (t1.wrapping_add(t2), d.wrapping_add(t1));
            state = [ends.0, a, b, c, ends.1, e, f, g];
        }
        Self { state, a: ends.0, e: ends.1, k: constants, stays, first: midstate[0] }
    }
}

/// Repeats a macro: loops are not always unrolled, and then the words would be kept in memory.
macro_rules! unrolled {
    ($repeated:ident: $($number:literal)*) => {
        $( $repeated!($number); )*
    };
}

/// The kernel over one type of four words.
macro_rules! kernel {
    ($words:ty, $($attribute:meta)?) => {
        $(#[$attribute])?
        #[inline]
        fn rotr<const RIGHT: u32, const LEFT: u32>(x: $words) -> $words {
            xor(shr::<RIGHT>(x), shl::<LEFT>(x))
        }

        $(#[$attribute])?
        #[inline]
        fn sigma_0(x: $words) -> $words {
            xor(xor(rotr::<7, 25>(x), rotr::<18, 14>(x)), shr::<3>(x))
        }

        $(#[$attribute])?
        #[inline]
        fn sigma_1(x: $words) -> $words {
            xor(xor(rotr::<17, 15>(x), rotr::<19, 13>(x)), shr::<10>(x))
        }

        /// First words of the four hashes for these values of the changing word.
        $(#[$attribute])?
        #[inline]
        pub(super) fn first_words(job: &Prepared, w12: $words) -> $words {
            // The variables a and e are set below.
            let [_, b, c, d, _, f, g, h] = job.state;
            let (mut a, mut e) = (add(splat(job.a), w12), add(splat(job.e), w12));
            let (mut b, mut c, mut d) = (splat(b), splat(c), splat(d));
            let (mut f, mut g, mut h) = (splat(f), splat(g), splat(h));
            // The majority of a, b, c is b ^ ((a ^ b) & (b ^ c)); the next round's b ^ c is this
            // round's a ^ b.
            let mut b_xor_c = xor(b, c);
            macro_rules! round {
                ($k:expr) => {{
                    let sum = xor(xor(rotr::<6, 26>(e), rotr::<11, 21>(e)), rotr::<25, 7>(e));
                    let choice = xor(g, and(e, xor(f, g)));
                    let t1 = add(add(add(h, $k), sum), choice);
                    let sum = xor(xor(rotr::<2, 30>(a), rotr::<13, 19>(a)), rotr::<22, 10>(a));
                    let a_xor_b = xor(a, b);
                    let majority = xor(b, and(a_xor_b, b_xor_c));
                    (h, g, f, e) = (g, f, e, add(d, t1));
                    (d, c, b, a) = (c, b, a, add(t1, add(sum, majority)));
                    b_xor_c = a_xor_b;
                }};
            }
            let k = |t: usize| splat(job.k[t]);
            let stays = |t: usize| splat(job.stays[t]);
            macro_rules! plain {
                ($t:expr) => {
                    round!(k($t))
                };
            }
            unrolled!(plain: 13 14 15 16 17 18);
            let w19 = add(w12, stays(19));
            round!(add(k(19), w19));
            round!(k(20));
            let w21 = add(sigma_1(w19), stays(21));
            round!(add(k(21), w21));
            round!(k(22));
            let w23 = add(sigma_1(w21), stays(23));
            round!(add(k(23), w23));
            round!(k(24));
            let w25 = add(sigma_1(w23), stays(25));
            round!(add(k(25), w25));
            let w26 = add(w19, stays(26));
            round!(add(k(26), w26));
            let w27 = add(add(sigma_1(w25), sigma_0(w12)), stays(27));
            round!(add(k(27), w27));
            let w28 = add(add(add(sigma_1(w26), w21), w12), stays(28));
            round!(add(k(28), w28));
            let w29 = add(sigma_1(w27), stays(29));
            round!(add(k(29), w29));
            let w30 = add(add(sigma_1(w28), w23), stays(30));
            round!(add(k(30), w30));
            let w31 = add(sigma_1(w29), stays(31));
            round!(add(k(31), w31));
            let w32 = add(add(sigma_1(w30), w25), stays(32));
            round!(add(k(32), w32));
            let w33 = add(add(sigma_1(w31), w26), stays(33));
            round!(add(k(33), w33));
            let w34 = add(add(add(sigma_1(w32), w27), sigma_0(w19)), stays(34));
            round!(add(k(34), w34));
            let w35 = add(add(add(sigma_1(w33), w28), w19), stays(35));
            round!(add(k(35), w35));
            let w36 = add(add(add(sigma_1(w34), w29), sigma_0(w21)), stays(36));
            round!(add(k(36), w36));
            let w37 = add(add(add(sigma_1(w35), w30), w21), stays(37));
            round!(add(k(37), w37));
            let w38 = add(add(add(sigma_1(w36), w31), sigma_0(w23)), stays(38));
            round!(add(k(38), w38));
            let w39 = add(add(add(sigma_1(w37), w32), w23), stays(39));
            round!(add(k(39), w39));
            let w40 = add(add(add(sigma_1(w38), w33), sigma_0(w25)), stays(40));
            round!(add(k(40), w40));
            // Words 25 to 40. From here on each is computed from earlier ones alone and replaces
            // the one that is not needed any more.
            let mut w = [
                w25, w26, w27, w28, w29, w30, w31, w32, w33, w34, w35, w36, w37, w38, w39, w40,
            ];
            macro_rules! full {
                ($t:expr) => {{
                    const AT: usize = $t - 41;
                    let word = add(
                        add(sigma_1(w[(AT + 14) % 16]), w[(AT + 9) % 16]),
                        add(sigma_0(w[(AT + 1) % 16]), w[AT % 16]),
                    );
                    w[AT % 16] = word;
                    round!(add(k($t), word));
                }};
            }
            unrolled!(full: 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62);
            // Of the last round only a is needed, and it needs neither c nor d.
            let _ = (c, d);
            let word = add(add(sigma_1(w[4]), w[15]), add(sigma_0(w[7]), w[6]));
            let sum = xor(xor(rotr::<6, 26>(e), rotr::<11, 21>(e)), rotr::<25, 7>(e));
            let t1 = add(add(add(h, add(k(63), word)), sum), xor(g, and(e, xor(f, g))));
            let sum = xor(xor(rotr::<2, 30>(a), rotr::<13, 19>(a)), rotr::<22, 10>(a));
            let t2 = add(sum, xor(b, and(xor(a, b), b_xor_c)));
            add(add(t1, t2), splat(job.first))
        }

        /// The first of `groups` of four values of the changing word, beginning with `from`, that
        /// has a value whose hash begins with a word of at most `bound`.
        $(#[$attribute])?
        pub(super) fn scan(job: &Prepared, from: u32, groups: u32, bound: u32) -> Option<u32> {
            let bound = splat(bound);
            let mut words = add(splat(from), count());
            for group in 0..groups {
                if any_at_most(first_words(job, words), bound) {
                    return Some(group);
                }
                words = add(words, splat(4));
            }
            None
        }
    };
}

#[cfg(target_arch = "wasm32")]
mod words {
    use core::arch::wasm32::{
        u32x4, u32x4_add as add, u32x4_le, u32x4_shl, u32x4_shr, u32x4_splat as splat, v128,
        v128_and as and, v128_any_true, v128_xor as xor,
    };

    use super::Prepared;

    #[target_feature(enable = "simd128")]
    #[inline]
    fn shr<const BITS: u32>(x: v128) -> v128 {
        u32x4_shr(x, BITS)
    }

    #[target_feature(enable = "simd128")]
    #[inline]
    fn shl<const BITS: u32>(x: v128) -> v128 {
        u32x4_shl(x, BITS)
    }

    #[target_feature(enable = "simd128")]
    #[inline]
    fn count() -> v128 {
        u32x4(0, 1, 2, 3)
    }

    #[target_feature(enable = "simd128")]
    #[inline]
    fn any_at_most(x: v128, bound: v128) -> bool {
        v128_any_true(u32x4_le(x, bound))
    }

    kernel!(v128, target_feature(enable = "simd128"));
}

#[cfg(not(target_arch = "wasm32"))]
mod words {
    use std::array::from_fn;

    use super::Prepared;

    type Words = [u32; 4];

    fn splat(word: u32) -> Words {
        [word; 4]
    }

    fn add(x: Words, y: Words) -> Words {
        from_fn(|lane| x[lane].wrapping_add(y[lane]))
    }

    fn xor(x: Words, y: Words) -> Words {
        from_fn(|lane| x[lane] ^ y[lane])
    }

    fn and(x: Words, y: Words) -> Words {
        from_fn(|lane| x[lane] & y[lane])
    }

    fn shr<const BITS: u32>(x: Words) -> Words {
        x.map(|word| word >> BITS)
    }

    fn shl<const BITS: u32>(x: Words) -> Words {
        x.map(|word| word << BITS)
    }

    fn count() -> Words {
        [0, 1, 2, 3]
    }

    fn any_at_most(x: Words, bound: Words) -> bool {
        (0..4).any(|lane| x[lane] <= bound[lane])
    }

    kernel!(Words,);
}

/// The high and the low half.
#[allow(clippy::cast_possible_truncation, reason = "each half is kept whole")]
fn halves(number: u64) -> (u32, u32) {
    ((number >> 32) as u32, number as u32)
}

/// A header with everything but the nonce hashed in advance, for four tries at a time.
#[derive(Clone, Debug)]
pub struct FourSearch {
    search: Search,
    prepared: Prepared,
    /// Low word of the nonce that `prepared` is for.
    low: u32,
}

impl FourSearch {
    /// The nonce of a try: the low half of its number changes word 12, the high half word 11.
    pub fn nonce_of(index: u64) -> u64 {
        let (high, low) = halves(index);
        u64::from(low.swap_bytes()) << 32 | u64::from(high)
    }

    fn prepare(&mut self, low: u32) {
        if low != self.low {
            self.search.set_nonce(u64::from(low));
            self.prepared = Prepared::new(self.search.midstate, &self.search.block);
            self.low = low;
        }
    }
}

impl NonceSearch for FourSearch {
    fn new(header: &Header) -> Self {
        let mut search = Search::new(header);
        search.set_nonce(0);
        Self { prepared: Prepared::new(search.midstate, &search.block), search, low: 0 }
    }

    fn run(&mut self, start: u64, count: u64) -> Option<u64> {
        let (mut index, mut left) = (start, count);
        while left > 0 {
            let (high, low) = halves(index);
            self.prepare(high);
            // Up to where the high half stays the same.
            let stretch = left.min((1 << 32) - u64::from(low));
            let (_, groups) = halves(stretch.div_ceil(4));
            let close = words::scan(&self.prepared, low, groups, self.search.bound);
            let tried = match close {
                Some(group) => {
                    let first = 4 * u64::from(group);
                    let end = stretch.min(first + 4);
                    let mut nonces = (first..end).map(|n| Self::nonce_of(index.wrapping_add(n)));
                    if let Some(nonce) = nonces.find(|nonce| self.search.meets(*nonce)) {
                        return Some(nonce);
                    }
                    end
                }
                None => stretch,
            };
            index = index.wrapping_add(tried);
            left -= tried;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chain::{difficulty::Difficulty, pow::tests::header};

    proptest! {
        #[test]
        fn four_tries_hash_what_one_hashes(seed: u64, index: u64) {
            let mut search = Search::new(&header(seed));
            let mut four = FourSearch::new(&header(seed));
            let (high, low) = halves(index);
            four.prepare(high);
            let word = |n: u32| {
                let index = u64::from(high) << 32 | u64::from(low.wrapping_add(n));
                search.state(FourSearch::nonce_of(index))[0]
            };
            let words: Vec<_> = (0..4).map(word).collect();
            // The lowest is found, and nothing is found below it.
            let lowest = *words.iter().min().unwrap();
            let scan = |bound| words::scan(&four.prepared, low, 1, bound);
            prop_assert_eq!(scan(lowest), Some(0));
            if let Some(below) = lowest.checked_sub(1) {
                prop_assert_eq!(scan(below), None);
            }
        }

        #[test]
        fn what_four_find_is_proven_and_nothing_before_it_is_missed(seed: u64, start: u64) {
            let mut header = header(seed);
            header.difficulty = Difficulty(1 << 8);
            header.easing = 0;
            let mut search = Search::new(&header);
            let met = |search: &mut Search, n| search.meets(FourSearch::nonce_of(start.wrapping_add(n)));
            let first = (0..10_000).find(|n| met(&mut search, *n)).unwrap();
            let found = FourSearch::new(&header).run(start, 10_000);
            prop_assert_eq!(found, Some(FourSearch::nonce_of(start.wrapping_add(first))));
            prop_assert_eq!(FourSearch::new(&header).run(start, first), None);
            header.nonce = found.unwrap();
            prop_assert!(crate::chain::pow::is_proven(&header));
        }
    }

    #[test]
    fn the_halves_of_the_number_meet_where_the_low_one_is_used_up() {
        let header = Header { difficulty: Difficulty(1 << 10), easing: 0, ..header(3) };
        let start = (5 << 32) - 2;
        let mut search = Search::new(&header);
        let first = (0..20_000).find(|n| search.meets(FourSearch::nonce_of(start + n))).unwrap();
        assert!(first > 2);
        assert_eq!(
            FourSearch::new(&header).run(start, 20_000),
            Some(FourSearch::nonce_of(start + first))
        );
    }
}
