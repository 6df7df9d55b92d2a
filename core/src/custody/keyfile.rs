//! A voter's or organiser's own key as a file: readable text, with the secret half locked by a
//! passphrase if its owner wants that.

use serde::{Deserialize, Serialize};

use crate::crypto::{
    key::{KeyError, PublicKey, SecretKey},
    passphrase_lock::{UnlockError, is_locked, lock, unlock},
    secret::{Passphrase, SecretBytes, SecretText},
};

const FORMAT: &str = "blockvote key 1";

/// A key file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    format: String,
    /// The public half in the form that people pass on.
    public: String,
    /// 64 hexadecimal digits, or locked.
    secret: SecretText,
}

/// Why a key file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum KeyFileError {
    /// Another kind of file.
    Format,
    /// The public half is damaged.
    #[from]
    Public(KeyError),
    /// The secret half is damaged or belongs to another key.
    Secret,
    /// It needs a passphrase.
    Locked,
    /// The passphrase is wrong.
    #[from]
    Unlock(UnlockError),
}

impl KeyFile {
    /// Writes a key as a file; with a passphrase and a random salt it is locked.
    ///
    /// # Errors
    /// [`UnlockError::Memory`] if there is too little of it for the passphrase.
    pub fn new(
        key: &SecretKey,
        passphrase: Option<(&Passphrase, &[u8; 16])>,
    ) -> Result<Self, UnlockError> {
        let plain = key.to_bytes().to_hex();
        let secret = match passphrase {
            None => plain,
            Some((passphrase, salt)) => lock(plain.as_str().as_bytes(), passphrase, salt)?.into(),
        };
        Ok(Self { format: FORMAT.into(), public: key.public().to_text(), secret })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`KeyFileError::Format`] or [`KeyFileError::Public`].
    pub fn read(text: &str) -> Result<Self, KeyFileError> {
        let file: Self = serde_json::from_str(text).map_err(|_| KeyFileError::Format)?;
        if file.format != FORMAT {
            return Err(KeyFileError::Format);
        }
        file.public()?;
        Ok(file)
    }

    /// The file's text.
    pub fn to_text(&self) -> SecretText {
        SecretText::json(self)
    }

    /// The public half.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn public(&self) -> Result<PublicKey, KeyFileError> {
        Ok(PublicKey::from_text(&self.public)?)
    }

    /// Whether a passphrase is needed.
    pub fn is_locked(&self) -> bool {
        is_locked(self.secret.as_str())
    }

    /// The key.
    ///
    /// # Errors
    /// If a passphrase is needed and none or a wrong one is given, or the file is damaged.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeyFileError> {
        let digits = match passphrase {
            _ if !self.is_locked() => self.secret.clone(),
            None => return Err(KeyFileError::Locked),
            Some(passphrase) => unlock(self.secret.as_str(), passphrase)?,
        };
        let bytes = SecretBytes::from_hex(digits.as_str()).ok_or(KeyFileError::Secret)?;
        let key = SecretKey::new(*bytes.bytes());
        if key.public() == self.public()? { Ok(key) } else { Err(KeyFileError::Secret) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::typed(text.to_owned()).unwrap()
    }

    #[test]
    fn a_key_comes_back_from_its_file_locked_or_not() {
        let key = SecretKey::new([4; 32]);
        let plain = KeyFile::new(&key, None).unwrap();
        let read = KeyFile::read(plain.to_text().as_str()).unwrap();
        assert_eq!(read.open(None).unwrap().public(), key.public());
        let locked = KeyFile::new(&key, Some((&passphrase("horse"), &[1; 16]))).unwrap();
        assert!(!locked.to_text().as_str().contains(&hex::encode([4; 32])));
        let read = KeyFile::read(locked.to_text().as_str()).unwrap();
        assert_eq!(read.public(), Ok(key.public()));
        assert!(matches!(read.open(None), Err(KeyFileError::Locked)));
        assert!(matches!(
            read.open(Some(&passphrase("cow"))),
            Err(KeyFileError::Unlock(UnlockError::Passphrase))
        ));
        assert_eq!(read.open(Some(&passphrase("horse"))).unwrap().to_bytes().bytes(), &[4; 32]);
        let other = KeyFile { public: SecretKey::new([5; 32]).public().to_text(), ..plain };
        assert!(matches!(other.open(None), Err(KeyFileError::Secret)));
        assert_eq!(KeyFile::read("{}"), Err(KeyFileError::Format));
    }
}
