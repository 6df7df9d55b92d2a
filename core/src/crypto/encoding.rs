//! The one encoding that is hashed, signed, sent and stored: Borsh, which gives each value exactly
//! one form.

use borsh::BorshSerialize;

use crate::crypto::hash::{Tag, tagged};

/// The canonical bytes of a value.
///
/// # Panics
/// Never for values of this crate: writing to memory does not fail, and no list in them has 2^32
/// entries, which is the only thing that Borsh cannot write. Bytes without a meaning must not be
/// hashed or signed in their place.
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).unwrap_or_else(|_| no_encoding())
}

/// A separate function, so that each kind of value does not bring its own copy of the message.
#[cold]
#[inline(never)]
fn no_encoding() -> ! {
    unreachable!("a value in memory has an encoding")
}

/// SHA-256 of the tag and the canonical bytes.
pub fn hash_of<T: BorshSerialize + ?Sized>(tag: Tag, value: &T) -> [u8; 32] {
    tagged(tag, &encode(value))
}
