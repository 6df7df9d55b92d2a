//! Passphrases for what is about to be locked.

use blockvote_words::message::{Message, say};

/// Shorter ones are guessed in minutes by whoever gets hold of the file.
const MIN_PASSPHRASE: usize = 8;

/// What is wrong with a passphrase that locks something; none at all is a choice.
///
/// # Errors
/// Too short, or typed differently the second time.
pub fn check(first: &str, again: &str) -> Result<(), Message> {
    match first.chars().count() {
        0 => Ok(()),
        length if length < MIN_PASSPHRASE => Err(say::passphrase_short(length, MIN_PASSPHRASE)),
        _ if first == again => Ok(()),
        _ => Err(say::passphrases_differ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_a_choice_and_others_are_long_and_typed_twice() {
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("ünlösbar", "ünlösbar"), Ok(()));
        assert!(check("short", "short").is_err());
        assert!(check("long enough", "long enuogh").is_err());
    }
}
