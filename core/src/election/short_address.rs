//! Short addresses of elections, for slips of paper and for speech: eight symbols, such as
//! K7QF-2M9X.
//!
//! They are the first 40 bits of a slow hash of the election's id. A plain hash of that length
//! could be forged in minutes, and the forgery could copy title and voter roll. So each try costs
//! 32 MiB and three passes. A program that looks an address up computes it again from the id that
//! was found.

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::crypto::{
    hash::{ElectionId, Tag},
    symbols,
};

const BYTES: usize = 5;
const SYMBOLS: usize = 8;
/// As for passphrases: RFC 9106's second recommendation scaled to a phone's browser.
const MEMORY_KIB: u32 = 32 << 10;
const PASSES: u32 = 3;

/// A short address.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct ShortAddress(pub [u8; BYTES]);

/// There is not enough memory to compute one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittleMemory;

/// Why a text is not a short address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortAddressError {
    /// A letter that no address has.
    Character(char),
    /// Too few symbols, or too many.
    Length(usize),
}

impl ShortAddress {
    /// The short address of an election: Argon2id, version 1.3, 32 MiB, 3 passes, 1 lane, the first
    /// 5 of 32 bytes; the salt is a tag.
    ///
    /// # Errors
    /// [`TooLittleMemory`].
    pub fn of(id: &ElectionId) -> Result<Self, TooLittleMemory> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| TooLittleMemory)?;
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&id.0, &Tag::SHORT_ADDRESS.0, &mut hash)
            .map_err(|_| TooLittleMemory)?;
        let mut short = [0; BYTES];
        short.copy_from_slice(&hash[..BYTES]);
        Ok(Self(short))
    }
}

impl fmt::Display for ShortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for at in 0..SYMBOLS {
            if at == SYMBOLS / 2 {
                f.write_str("-")?;
            }
            let five = bits >> (5 * (SYMBOLS - 1 - at)) & 0b1_1111;
            write!(f, "{}", symbols::symbol(u8::try_from(five).unwrap_or_default()))?;
        }
        Ok(())
    }
}

impl FromStr for ShortAddress {
    type Err = ShortAddressError;

    fn from_str(text: &str) -> Result<Self, ShortAddressError> {
        let (mut bits, mut count) = (0_u64, 0);
        for character in text.chars().filter(|character| !symbols::is_gap(*character)) {
            let value = symbols::value(character).ok_or(ShortAddressError::Character(character))?;
            bits = bits << 5 | u64::from(value);
            count += 1;
            if count > SYMBOLS {
                return Err(ShortAddressError::Length(text.chars().count()));
            }
        }
        if count < SYMBOLS {
            return Err(ShortAddressError::Length(count));
        }
        let mut short = [0; BYTES];
        short.copy_from_slice(&bits.to_be_bytes()[8 - BYTES..]);
        Ok(Self(short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_is_written_and_as_people_say_it() {
        let address = ShortAddress([0x9d, 0xce, 0xf1, 0x52, 0x3d]);
        let text = address.to_string();
        assert_eq!(text.len(), 9);
        assert_eq!(text.parse(), Ok(address));
        assert_eq!(text.to_lowercase().replace('-', " ").parse(), Ok(address));
        let zeros: ShortAddress = "OO0o-iIlL".parse().unwrap();
        assert_eq!(zeros.to_string(), "0000-1111");
        let read = |text: &str| text.parse::<ShortAddress>();
        assert_eq!(read("K7QF-2M9"), Err(ShortAddressError::Length(7)));
        assert_eq!(read("K7QF-2M9X-1"), Err(ShortAddressError::Length(11)));
        assert_eq!(read("K7QF-2M9U"), Err(ShortAddressError::Character('U')));
    }

    #[test]
    fn every_election_has_one_of_its_own() {
        let of = |byte| ShortAddress::of(&ElectionId([byte; 32])).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
