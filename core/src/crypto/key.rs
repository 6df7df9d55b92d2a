//! Ed25519 keys and signatures by the rule of ZIP 215 (<https://zips.z.cash/zip-0215>).
//!
//! The rule is chosen because whole chains are verified in batches. Under ZIP 215 a batch is valid
//! exactly if each of its signatures is valid, for every input. RFC 8032 leaves that open, and two
//! nodes that disagree on one signature would never agree on a chain again.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::{SigningKey, VerificationKey, VerificationKeyBytes, batch};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::crypto::{
    hash::{Tag, hash_type, tagged},
    secret::SecretBytes,
};

/// Signatures verified together: a larger batch gains little, and each signature needs 320 bytes of
/// prepared data.
const BATCH: usize = 2048;
/// If one of at most this many signatures is not valid, they are checked one by one.
const FEW: usize = 8;
/// Begins a public key in text.
const TEXT_PREFIX: &str = "bvk1";

hash_type!(
    /// An Ed25519 public key, as its 32 bytes.
    PublicKey
);

/// Why bytes or a text are not a key that may vote or seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// No point of the curve has this encoding.
    NotAPoint(PublicKey),
    /// A shorter number gives the same point: two keys that look different would be one voter.
    NotCanonical(PublicKey),
    /// Anybody could sign with it.
    SmallOrder(PublicKey),
    /// Another kind of text, or cut off.
    Text(String),
    /// A letter was lost or changed.
    Typo(String),
}

impl PublicKey {
    /// Checks that votes signed with this key can only come from a holder of its secret.
    ///
    /// # Errors
    /// Why the key must not be on any roll.
    pub fn check(&self) -> Result<(), KeyError> {
        let point = CompressedEdwardsY(self.0).decompress().ok_or(KeyError::NotAPoint(*self))?;
        if !self.is_canonical() {
            return Err(KeyError::NotCanonical(*self));
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder(*self));
        }
        Ok(())
    }

    /// Whether y is below p = 2^255 - 19 and the sign bit is clear if x is 0. This saves the
    /// inversion that encoding the point again would need.
    fn is_canonical(&self) -> bool {
        let mut y = self.0;
        let negative = y[31] & 0x80 != 0;
        y[31] &= 0x7f;
        let low_is =
            |low| y[0] == low && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
        let reduced = !(0xed..=0xff).any(low_is);
        // x is 0 where y is 1 or p - 1.
        let no_x = (y[0] == 1 && y[1..].iter().all(|byte| *byte == 0)) || low_is(0xec);
        reduced && !(negative && no_x)
    }

    /// The key in the form that people pass on: `bvk1`, 64 hexadecimal digits, 8 check digits.
    pub fn to_text(&self) -> String {
        format!("{TEXT_PREFIX}{self}{}", hex::encode(&tagged(Tag::KEY_TEXT, &self.0)[..4]))
    }

    /// Reads a key from text. Spaces within it are ignored.
    ///
    /// # Errors
    /// What is wrong with the text or the key.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let shown = || compact.chars().take(90).collect();
        let digits = compact.to_ascii_lowercase();
        let digits = digits.strip_prefix(TEXT_PREFIX).filter(|digits| digits.len() == 72);
        let mut bytes = [0; 36];
        digits
            .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
            .ok_or_else(|| KeyError::Text(shown()))?;
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[..32]);
        if tagged(Tag::KEY_TEXT, &key)[..4] != bytes[32..] {
            return Err(KeyError::Typo(shown()));
        }
        let key = Self(key);
        key.check()?;
        Ok(key)
    }
}

/// An Ed25519 signature: R and s, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", hex::encode(&self.0[..4]))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = [0; 64];
        let text = <String as Deserialize>::deserialize(deserializer)?;
        hex::decode_to_slice(text, &mut bytes).map_err(D::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// A secret key: the 32 random bytes of RFC 8032. Never printed, wiped when dropped.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {:?}", self.public())
    }
}

impl SecretKey {
    /// The key made from 32 bytes, which must be random or derived from as much randomness.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(VerificationKeyBytes::from(&self.0).into())
    }

    /// Signs as RFC 8032 does: the same message gets the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// A signature to be verified, with its key and message.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Who is said to have signed.
    pub key: &'a PublicKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

impl Signed<'_> {
    /// Whether the signature is valid by ZIP 215.
    pub fn holds(&self) -> bool {
        VerificationKey::try_from(self.key.0)
            .and_then(|key| key.verify(&self.signature.0.into(), self.message))
            .is_ok()
    }

    fn item(&self) -> batch::Item {
        let key = VerificationKeyBytes::from(self.key.0);
        (key, self.signature.0.into(), self.message).into()
    }
}

/// Verifies many signatures together; the result is the same as from [`Signed::holds`] on each.
///
/// # Errors
/// The index of the first signature that is not valid.
pub fn verify_all(signed: &[Signed<'_>]) -> Result<(), usize> {
    for (number, part) in signed.chunks(BATCH).enumerate() {
        if !hold(part)
            && let Some(index) = first_offender(part)
        {
            return Err(number * BATCH + index);
        }
    }
    Ok(())
}

/// Whether all signatures of a batch are valid.
fn hold(signed: &[Signed<'_>]) -> bool {
    let mut verifier = batch::Verifier::new();
    for signed in signed {
        verifier.queue(signed.item());
    }
    verifier.verify(Coefficients::new(signed)).is_ok()
}

/// Halves a batch that is not valid until few signatures are left. That costs less than checking
/// one by one from the start.
fn first_offender(signed: &[Signed<'_>]) -> Option<usize> {
    if signed.len() <= FEW {
        return signed.iter().position(|signed| !signed.holds());
    }
    let (first, second) = signed.split_at(signed.len() / 2);
    if hold(first) {
        return first_offender(second).map(|index| first.len() + index);
    }
    first_offender(first)
}

/// The coefficients of a batch, derived from a hash of everything in it: a signature that was made
/// to fit the coefficients would change them. So core needs no randomness, and every node gets the
/// same coefficients.
struct Coefficients {
    seed: [u8; 32],
    counter: u64,
}

impl Coefficients {
    fn new(signed: &[Signed<'_>]) -> Self {
        let mut hasher = Sha256::new_with_prefix(Tag::BATCH.0);
        for Signed { key, message, signature } in signed {
            hasher.update(key.0);
            hasher.update(signature.0);
            hasher.update((message.len() as u64).to_le_bytes());
            hasher.update(message);
        }
        Self { seed: hasher.finalize().into(), counter: 0 }
    }
}

impl RngCore for Coefficients {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let hasher = Sha256::new_with_prefix(self.seed);
            let drawn = hasher.chain_update(self.counter.to_le_bytes()).finalize();
            part.copy_from_slice(&drawn[..part.len()]);
            self.counter += 1;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Coefficients {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text_and_a_typo_is_found() {
        let key = SecretKey::new([7; 32]).public();
        let text = key.to_text();
        assert_eq!(text.len(), 76);
        assert_eq!(PublicKey::from_text(&text), Ok(key));
        assert_eq!(PublicKey::from_text(&format!(" {}\n{} ", &text[..40], &text[40..])), Ok(key));
        assert!(matches!(PublicKey::from_text(&text[..75]), Err(KeyError::Text(_))));
        assert!(matches!(PublicKey::from_text("hello"), Err(KeyError::Text(_))));
        for at in 4..text.len() {
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            let wrong = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(matches!(PublicKey::from_text(&wrong), Err(KeyError::Typo(_))), "{at}");
        }
    }

    #[test]
    fn a_key_is_canonical_when_its_point_is_written_so() {
        let near_p = (0..=0xff).map(|low| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f);
            bytes
        });
        let near_zero = (0..=0xff).map(|low| {
            let mut bytes = [0; 32];
            bytes[0] = low;
            bytes
        });
        let random = (0..200_u32).map(|number| tagged(Tag::CODE, &number.to_le_bytes()));
        let mut points = 0;
        for mut bytes in near_p.chain(near_zero).chain(random) {
            for sign in [0, 0x80] {
                bytes[31] ^= sign;
                let Some(point) = CompressedEdwardsY(bytes).decompress() else { continue };
                points += 1;
                assert_eq!(PublicKey(bytes).is_canonical(), point.compress().0 == bytes);
            }
        }
        assert!(points > 300, "{points}");
    }

    #[test]
    fn the_first_offender_of_a_long_batch_is_named() {
        let secrets: Vec<_> = (0..2600_u32)
            .map(|number| SecretKey::new(tagged(Tag::CODE, &number.to_le_bytes())))
            .collect();
        let keys: Vec<_> = secrets.iter().map(SecretKey::public).collect();
        let mut signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(b"yes")).collect();
        let check = |signatures: &[Signature]| {
            let signed: Vec<_> = keys
                .iter()
                .zip(signatures)
                .map(|(key, signature)| Signed { key, message: b"yes", signature })
                .collect();
            verify_all(&signed)
        };
        assert_eq!(check(&signatures), Ok(()));
        for first in [2590, 2048, 2047, 1050, 7, 0] {
            signatures[first].0[0] ^= 1;
            assert_eq!(check(&signatures), Err(first));
        }
    }
}
