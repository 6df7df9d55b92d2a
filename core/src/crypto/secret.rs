//! Secrets as types: parsed once when they come in, never printed, wiped when dropped.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// 32 random bytes that something else is made from, such as an organiser's voting codes.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes([u8; 32]);

impl SecretBytes {
    /// Takes bytes, which must be random.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits; `None` if the text is something else.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut bytes = Self([0; 32]);
        hex::decode_to_slice(digits, &mut bytes.0).ok()?;
        Some(bytes)
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(&self) -> SecretText {
        SecretText(hex::encode(self.0))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// Text with a secret in it: digits of a key, a file that contains one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// A value as JSON on several lines. Copies that are left behind while the text grows are
    /// wiped.
    ///
    /// # Panics
    /// Never for values of this crate: texts, numbers and lists under fixed names, all of which
    /// JSON can express. A file without meaning must not be written in place of a secret.
    pub fn json(value: &impl Serialize) -> Self {
        let mut growing = Growing(Zeroizing::new(Vec::with_capacity(4096)));
        let written = serde_json::to_writer_pretty(&mut growing, value);
        growing.0.push(b'\n');
        let text = String::from_utf8(std::mem::take(&mut *growing.0)).ok();
        match text.filter(|_| written.is_ok()) {
            Some(text) => Self(text),
            None => unreachable!("a value of this crate can be written as JSON"),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Bytes that are moved by our own code when they need more room, so that the old copy is wiped.
struct Growing(Zeroizing<Vec<u8>>);

impl std::io::Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // One byte is reserved for the end of the last line.
        let needed = self.0.len() + bytes.len() + 1;
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(2 * needed);
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// A passphrase as it was typed; never an empty one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SecretText", into = "SecretText")]
pub struct Passphrase(SecretText);

impl TryFrom<SecretText> for Passphrase {
    type Error = &'static str;

    fn try_from(text: SecretText) -> Result<Self, Self::Error> {
        Self::typed(text).ok_or("a passphrase is never empty")
    }
}

impl From<Passphrase> for SecretText {
    fn from(passphrase: Passphrase) -> Self {
        passphrase.0
    }
}

impl Passphrase {
    /// The passphrase that was typed; `None` if it is empty.
    pub fn typed(text: impl Into<SecretText>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let bytes = SecretBytes::new([0x5e; 32]);
        let text = SecretText::from("5e5e".to_owned());
        let passphrase = Passphrase::typed("5e5e".to_owned()).unwrap();
        for shown in [
            format!("{bytes:?}"),
            format!("{text:?}"),
            format!("{passphrase:?}"),
            format!("{:?}", bytes.to_hex()),
        ] {
            assert!(!shown.contains("5e") && !shown.contains("94"), "{shown}");
        }
    }

    #[test]
    fn json_is_written_as_serde_writes_it_however_long() {
        for length in [0, 10, 4_095, 4_096, 100_000] {
            let value = vec!["a".repeat(length); 3];
            let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
            assert_eq!(SecretText::json(&value).as_str(), text);
        }
    }

    #[test]
    fn only_64_digits_are_secret_bytes_and_nothing_typed_is_no_passphrase() {
        let bytes = SecretBytes::new([0x5e; 32]);
        assert_eq!(SecretBytes::from_hex(bytes.to_hex().as_str()), Some(bytes));
        for wrong in ["", "5e", &"g".repeat(64), &"5e".repeat(33)] {
            assert_eq!(SecretBytes::from_hex(wrong), None, "{wrong:?}");
        }
        assert_eq!(Passphrase::typed(String::new()), None);
        let passphrase: Passphrase = serde_json::from_str("\"horse\"").unwrap();
        assert_eq!(serde_json::to_string(&passphrase).unwrap(), "\"horse\"");
        assert!(serde_json::from_str::<Passphrase>("\"\"").is_err());
    }
}
