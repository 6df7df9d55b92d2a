//! Hashes as newtypes, and the one hash that relays know: an election's id, which names its room.

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, found {found:?}")]
pub struct ParseHashError {
    found: String,
}

impl ParseHashError {
    #[doc(hidden)]
    pub fn new(text: &str) -> Self {
        Self { found: text.chars().take(80).collect() }
    }
}

/// Compares as big-endian numbers. Not inlined: each sort would contain dozens of copies of it.
#[doc(hidden)]
#[inline(never)]
pub fn compare(one: &[u8; 32], other: &[u8; 32]) -> std::cmp::Ordering {
    one.cmp(other)
}

/// A newtype of 32 bytes, written as 64 hexadecimal digits for people. A crate that uses it needs
/// `borsh`, `hex` and `serde` as dependencies.
#[macro_export]
macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Copy,
            PartialEq,
            Eq,
            Hash,
            borsh::BorshSerialize,
            borsh::BorshDeserialize,
        )]
        pub struct $name(pub [u8; 32]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                $crate::ids::compare(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The first 8 and the last 4 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let hex = hex::encode(self.0);
                format!("{}…{}", &hex[..8], &hex[60..])
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::ParseHashError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| {
                    $crate::ids::ParseHashError::new(text)
                })?;
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

hash_type!(
    /// SHA-256 of an election's encoding: a link that contains it commits to the whole definition.
    ElectionId
);
