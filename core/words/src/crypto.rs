//! Keys and locked secrets.

use blockvote_core::crypto::{key::KeyError, passphrase_lock::UnlockError};

use crate::Words;

impl Words for KeyError {
    fn words(&self) -> String {
        match self {
            Self::NotAPoint(what) => format!("the key {what} is not a point of the curve"),
            Self::NotCanonical(what) => format!("the key {what} is not in canonical form"),
            Self::SmallOrder(what) => {
                format!("the key {what} is of small order: anybody could sign with it")
            }
            Self::Text(what) => format!(
                "{what:?} is not a public key; one begins with bvk1 and has 76 letters and digits"
            ),
            Self::Typo(what) => {
                format!("there is a typo in the public key {what:?}: its check digits do not fit")
            }
        }
    }
}

impl Words for UnlockError {
    fn words(&self) -> String {
        match self {
            Self::Format => "this is not a secret that Blockvote locked".into(),
            Self::Passphrase => "the passphrase does not fit, or what it locks was damaged".into(),
            Self::Memory => "there is not enough memory to work with the passphrase".into(),
        }
    }
}
