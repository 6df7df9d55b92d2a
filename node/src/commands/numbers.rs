//! Numbers given as options.

use std::ops::RangeInclusive;

/// Reads a whole number within a range; for anything else the error says what was expected.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match *range.end() {
            u64::MAX => format!("expected a whole number, {} or more", range.start()),
            end => format!("expected a whole number from {} to {end}", range.start()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_expected_is_named() {
        let threads = whole::<u16>(1..=1024);
        assert_eq!(threads("1024"), Ok(1024));
        for text in ["0", "1025", "-1", "1.5", "many", "", "99999999999999999999"] {
            assert_eq!(threads(text).unwrap_err(), "expected a whole number from 1 to 1024");
        }
        let minutes = whole::<u64>(1..=u64::MAX);
        assert_eq!(minutes("0").unwrap_err(), "expected a whole number, 1 or more");
    }
}
