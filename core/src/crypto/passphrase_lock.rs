//! Stored secrets, locked with a passphrase: Argon2id (RFC 9106) makes the key, ChaCha20-Poly1305
//! (RFC 8439) locks. The browser keeps and exports the same text that the command line reads.
//!
//! ```text
//! blockvote-locked:1:<salt, 16 bytes in hex>:<ciphertext and tag in hex>
//! ```
//!
//! The nonce is zero: every salt makes its own key, and each key locks only one secret.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::Aead};
use zeroize::Zeroizing;

use crate::crypto::secret::{Passphrase, SecretText};

const PREFIX: &str = "blockvote-locked:1:";
/// RFC 9106's second recommendation scaled to a phone's browser: 32 MiB, three passes.
const MEMORY_KIB: u32 = 32 << 10;
const PASSES: u32 = 3;
/// Locked texts are keys and organisers' files; a longer text is not one of ours.
const MAX_TEXT: usize = 64 << 20;

/// Why a secret cannot be unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockError {
    /// Another kind of text.
    Format,
    /// The passphrase is wrong, or a letter was changed.
    Passphrase,
    /// The machine has no 32 MiB to spare.
    Memory,
}

fn cipher(passphrase: &Passphrase, salt: &[u8; 16]) -> Result<ChaCha20Poly1305, UnlockError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| UnlockError::Memory)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_str().as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| UnlockError::Memory)?;
    Ok(ChaCha20Poly1305::new(key.as_slice().try_into().map_err(|_| UnlockError::Memory)?))
}

/// Whether a text is a locked secret.
pub fn is_locked(text: &str) -> bool {
    text.trim_start().starts_with(PREFIX)
}

/// Locks a secret. The salt must be random and used once.
///
/// # Errors
/// [`UnlockError::Memory`] if there is too little of it.
pub fn lock(
    secret: &[u8],
    passphrase: &Passphrase,
    salt: &[u8; 16],
) -> Result<String, UnlockError> {
    let cipher = cipher(passphrase, salt)?;
    let locked = cipher.encrypt(&[0; 12].into(), secret).map_err(|_| UnlockError::Memory)?;
    Ok(format!("{PREFIX}{}:{}", hex::encode(salt), hex::encode(locked)))
}

/// Unlocks a secret.
///
/// # Errors
/// What is wrong with the text or the passphrase.
pub fn unlock(text: &str, passphrase: &Passphrase) -> Result<SecretText, UnlockError> {
    let text = text.trim();
    let parts = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_TEXT);
    let (salt_hex, locked) =
        parts.and_then(|parts| parts.split_once(':')).ok_or(UnlockError::Format)?;
    let mut salt = [0; 16];
    hex::decode_to_slice(salt_hex, &mut salt).map_err(|_| UnlockError::Format)?;
    let locked = hex::decode(locked).map_err(|_| UnlockError::Format)?;
    let cipher = cipher(passphrase, &salt)?;
    let secret = cipher.decrypt(&[0; 12].into(), locked.as_slice());
    let secret = secret.map_err(|_| UnlockError::Passphrase)?;
    // Locked secrets are text: digits of a key, an organiser's file.
    String::from_utf8(secret).map(SecretText::from).map_err(|_| UnlockError::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::typed(text.to_owned()).unwrap()
    }

    #[test]
    fn only_the_passphrase_unlocks_and_every_change_is_found() {
        let text = lock(b"secret", &passphrase("correct horse"), &[5; 16]).unwrap();
        assert!(is_locked(&text));
        assert_eq!(unlock(&text, &passphrase("correct horse")).unwrap().as_str(), "secret");
        assert_eq!(unlock(&text, &passphrase("Correct horse")), Err(UnlockError::Passphrase));
        assert_eq!(unlock("hello", &passphrase("correct horse")), Err(UnlockError::Format));
        let last = text.len() - 1;
        let other = if text.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{other}", &text[..last]);
        assert_eq!(unlock(&changed, &passphrase("correct horse")), Err(UnlockError::Passphrase));
        assert_eq!(unlock(&text[..last], &passphrase("correct horse")), Err(UnlockError::Format));
    }
}
