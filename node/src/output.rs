//! Lines for people and scripts.

/// `println!`, but if the reader is gone (`| head`, a closed terminal), the program goes on.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}
pub(crate) use say;

/// An error and its causes on one line. Some libraries repeat the text of the cause in the error:
/// it is printed once.
pub fn problem(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if said.is_empty() {
            said = words;
        } else if !said.ends_with(&words) {
            said = format!("{said}: {words}");
        }
    }
    said
}

/// Why a text is not the JSON that was expected: which part is missing or wrong, or where the text
/// stops being JSON.
pub fn json_problem(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_data() {
        let words = error.to_string();
        let place = format!(" at line {line} column {column}");
        return words.strip_suffix(&place).unwrap_or(&words).to_owned();
    }
    format!("not JSON at line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_a_cause_repeats_is_said_once() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = anyhow::Error::new(refused()).context(format!("IO error: {}", refused()));
        assert_eq!(problem(&error), "IO error: connection refused");
        assert_eq!(
            problem(&error.context("at the relay")),
            "at the relay: IO error: connection refused"
        );
    }

    #[test]
    fn json_that_cannot_be_read_is_named_by_place_or_by_part() {
        let problem =
            |text: &str| json_problem(&serde_json::from_str::<[u8; 1]>(text).unwrap_err());
        assert_eq!(problem("{"), "invalid type: map, expected an array of length 1");
        assert_eq!(problem("[1"), "not JSON at line 1, column 2");
        assert_eq!(problem("x"), "not JSON at line 1, column 1");
    }
}
