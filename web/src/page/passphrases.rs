//! Passphrases for what is about to be locked.

/// Shorter ones are guessed in minutes by whoever gets hold of the file.
const MIN_PASSPHRASE: usize = 8;

/// What is wrong with a passphrase that locks something; none at all is a choice.
///
/// # Errors
/// Too short, or typed differently the second time.
pub fn check(first: &str, again: &str) -> Result<(), String> {
    match first.chars().count() {
        0 => Ok(()),
        length if length < MIN_PASSPHRASE => Err(format!(
            "The passphrase has {length} letters; take at least {MIN_PASSPHRASE}, or none."
        )),
        _ if first == again => Ok(()),
        _ => Err("The two passphrases differ: a typo would lock for ever.".into()),
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
