//! Voting codes: a secret key in a form that people can read, type and say on the phone.
//!
//! A code has 28 letters and digits in groups of four: 26 of them encode 130 random bits, and two
//! are check symbols of a Reed–Solomon code over GF(32). It finds every error in one or two
//! symbols, so every single typo and every swap of two symbols. The alphabet is Crockford's: no I,
//! L, O, U, and I, L, O are read as 1, 1, 0.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::{
    hash::{Tag, tagged},
    key::SecretKey,
    symbols,
};

/// Symbols that encode random bits: 130 bits.
const DATA: usize = 26;
/// All symbols.
pub const SYMBOLS: usize = DATA + 2;
/// Symbols of a group.
const GROUP: usize = 4;

/// x^5 + x^2 + 1 over GF(2), which makes 2 a generator of GF(32).
const POLYNOMIAL: u16 = 0b10_0101;

/// The product in GF(32).
const fn multiply(a: u8, b: u8) -> u8 {
    let (mut product, mut shifted, mut bit) = (0_u16, a as u16, 0);
    while bit < 5 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted <<= 1;
        if shifted & 0b10_0000 != 0 {
            shifted ^= POLYNOMIAL;
        }
        bit += 1;
    }
    (product & 0b1_1111) as u8
}

const fn power(base: u8, exponent: usize) -> u8 {
    let (mut value, mut step) = (1, 0);
    while step < exponent {
        value = multiply(value, base);
        step += 1;
    }
    value
}

/// 2^i for each position i.
const WEIGHTS: [u8; SYMBOLS] = {
    let (mut weights, mut at) = ([0; SYMBOLS], 0);
    while at < SYMBOLS {
        weights[at] = power(2, at);
        at += 1;
    }
    weights
};

/// The two sums that are zero for a code: over symbol times 2^i, and over symbol times 4^i.
fn syndromes(symbols: &[u8; SYMBOLS]) -> (u8, u8) {
    symbols.iter().enumerate().fold((0, 0), |(one, two), (at, symbol)| {
        let once = multiply(*symbol, WEIGHTS[at]);
        (one ^ once, two ^ multiply(once, WEIGHTS[at]))
    })
}

/// Why a text is not a voting code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeError {
    /// A letter that no code has.
    Character(char),
    /// Cut off, or two codes at once.
    Length(usize),
    /// The check symbols do not match; the position of the typo if it can be told.
    Typo(Option<usize>),
}

/// A voting code: 28 symbols of five bits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Code([u8; SYMBOLS]);

impl Code {
    /// The code of 17 random bytes, of which 130 bits are used.
    pub fn from_random(random: &[u8; 17]) -> Self {
        let bit = |at: usize| random[at / 8] >> (at % 8) & 1;
        let mut symbols = [0; SYMBOLS];
        for (at, symbol) in symbols.iter_mut().take(DATA).enumerate() {
            *symbol = (0..5).fold(0, |value, part| value | bit(at * 5 + part) << part);
        }
        // Two equations for two check symbols x, y with the weights a, b:
        // x·a + y·b = one and x·a² + y·b² = two; in GF(32) an inverse is the 30th power.
        let (a, b) = (WEIGHTS[DATA], WEIGHTS[DATA + 1]);
        let (one, two) = syndromes(&symbols);
        let over = power(multiply(a, a ^ b), 30);
        let x = multiply(two ^ multiply(one, b), over);
        symbols[DATA] = x;
        symbols[DATA + 1] = multiply(one ^ multiply(x, a), power(b, 30));
        Self(symbols)
    }

    /// The organiser's code with this number, counted from 0, made from one secret of 32 bytes:
    /// only the secret has to be kept.
    pub fn derive(secret: &[u8; 32], number: u32) -> Self {
        let mut hasher = Sha256::new_with_prefix(Tag::CODES.0);
        hasher.update(secret);
        let digest = hasher.chain_update(number.to_le_bytes()).finalize();
        let mut random = Zeroizing::new([0; 17]);
        random.copy_from_slice(&digest[..17]);
        Self::from_random(&random)
    }

    /// Reads a code; hyphens, spaces and case do not matter.
    ///
    /// # Errors
    /// What is wrong with it, and where a typo probably is.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let mut symbols = Vec::new();
        for character in text.chars().filter(|character| !symbols::is_gap(*character)) {
            let value = symbols::value(character);
            symbols.push(value.ok_or(CodeError::Character(character))?);
        }
        let length = symbols.len();
        let symbols = <[u8; SYMBOLS]>::try_from(symbols).map_err(|_| CodeError::Length(length))?;
        match syndromes(&symbols) {
            (0, 0) => Ok(Self(symbols)),
            (one, two) => {
                // A single error e at position i gives e·2^i and e·4^i.
                let at = (0..SYMBOLS).find(|at| one != 0 && multiply(one, WEIGHTS[*at]) == two);
                Err(CodeError::Typo(at.map(|at| at / GROUP + 1)))
            }
        }
    }

    /// The key of this code: SHA-256 of the tag and the 28 symbols in text.
    pub fn secret_key(&self) -> SecretKey {
        let text: Zeroizing<Vec<u8>> = Zeroizing::new(self.letters().collect());
        SecretKey::new(tagged(Tag::CODE, &text))
    }

    fn letters(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|symbol| symbols::ALPHABET[usize::from(*symbol & 31)])
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// In groups of four.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.letters().enumerate() {
            if at > 0 && at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

/// Never printed by accident, because it is a secret.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> impl Iterator<Item = Code> {
        (0..50).map(|number| Code::derive(&[3; 32], number))
    }

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        for code in codes() {
            let text = code.to_string();
            assert_eq!(text.len(), 34);
            assert_eq!(Code::parse(&text), Ok(code.clone()));
            assert_eq!(Code::parse(&text.to_lowercase().replace('-', " ")), Ok(code.clone()));
            let lookalike = text.replace('0', "o").replace('1', "l");
            assert_eq!(Code::parse(&lookalike), Ok(code));
        }
        assert_ne!(Code::derive(&[3; 32], 0), Code::derive(&[4; 32], 0));
    }

    #[test]
    fn every_typo_and_every_swap_is_found() {
        for code in codes().take(5) {
            let text: Vec<char> = code.to_string().replace('-', "").chars().collect();
            for at in 0..SYMBOLS {
                for letter in symbols::ALPHABET {
                    let mut wrong = text.clone();
                    wrong[at] = char::from(*letter);
                    let read = Code::parse(&wrong.iter().collect::<String>());
                    if wrong == text {
                        assert!(read.is_ok());
                    } else {
                        assert_eq!(read, Err(CodeError::Typo(Some(at / 4 + 1))));
                    }
                }
                for other in at + 1..SYMBOLS {
                    let mut swapped = text.clone();
                    swapped.swap(at, other);
                    let read = Code::parse(&swapped.iter().collect::<String>());
                    assert_eq!(read.is_ok(), swapped == text, "{at} and {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_code_is_said_in_words() {
        assert_eq!(Code::parse("ABCD"), Err(CodeError::Length(4)));
        assert_eq!(Code::parse("AB!D"), Err(CodeError::Character('!')));
        assert_eq!(Code::parse("UUUU"), Err(CodeError::Character('U')));
        assert!(!format!("{:?}", Code::derive(&[3; 32], 0)).contains('0'));
    }
}
