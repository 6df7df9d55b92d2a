//! Symbols that people can read, type and say on the phone: Crockford's, without I, L, O and U.
//! Each encodes five bits.

/// The symbols, by value.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The symbol of five bits.
pub fn symbol(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 0b1_1111)])
}

/// Whether a character only separates symbols.
pub fn is_gap(character: char) -> bool {
    character.is_whitespace() || "-‐‑–".contains(character)
}

/// The five bits of a symbol, in any case; I, L and O are read as 1, 1 and 0.
pub fn value(character: char) -> Option<u8> {
    let upper = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let value = ALPHABET.iter().position(|symbol| char::from(*symbol) == upper);
    value.and_then(|value| u8::try_from(value).ok())
}
