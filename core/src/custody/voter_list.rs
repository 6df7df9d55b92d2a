//! The organiser's list of voters: CSV with one voter in each line.

use std::collections::HashMap;

use crate::{
    crypto::key::{KeyError, PublicKey},
    election::roll::MAX_ROLL,
};

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VotersError {
    /// It is empty.
    Empty,
    /// More voters than a roll can have.
    TooMany,
    /// A line that is not text, or whose quotes do not match.
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        what: LineError,
    },
    /// One voter would get two votes.
    Twice {
        /// Counted from 1.
        line: u64,
        /// The earlier line.
        earlier: u64,
        /// What it says.
        words: String,
    },
    /// A line has no key; a list of keys has one in each line.
    NoKey {
        /// Counted from 1.
        line: u64,
    },
    /// A key that must not vote, or that has a typo.
    Key {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        error: KeyError,
    },
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineError {
    /// It is not text in UTF-8.
    NotText,
    /// It has a control character.
    Control(char),
    /// It is not CSV.
    Csv,
}

/// A voter as the organiser wrote it: the fields of a line.
pub type Row = Vec<String>;

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).map(|_| 1).sum()
}

fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |byte: u8| first.split(char::from(byte)).count();
    // The one that occurs most; a comma if there is none.
    [b'\t', b';', b','].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',')
}

/// Reads a list: comma, semicolon or tab between fields, quotes where needed. Empty lines and a
/// byte order mark are skipped.
///
/// # Errors
/// The first line that cannot be used, and why.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>, VotersError> {
    Ok(read_lines(bytes)?.into_iter().map(|(_, row)| row).collect())
}

fn read_lines(bytes: &[u8]) -> Result<Vec<(u64, Row)>, VotersError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = line_breaks(&bytes[..error.valid_up_to()]);
        VotersError::Line { line: before + 1, what: LineError::NotText }
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut seen: HashMap<Row, u64> = HashMap::new();
    // The reader's own line numbers do not count empty lines before a record.
    let (mut counted, mut line) = (0, 1);
    for record in reader.records() {
        let record = record.map_err(|_| VotersError::Line { line, what: LineError::Csv })?;
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(text.len());
        let empty = text.as_bytes()[start..].iter().take_while(|byte| b"\r\n".contains(byte));
        let start = start + empty.count();
        line += line_breaks(&text.as_bytes()[counted..start]);
        counted = start;
        let row: Row = record.iter().map(str::to_owned).collect();
        if let Some(control) = row.iter().flat_map(|field| field.chars()).find(|c| c.is_control()) {
            return Err(VotersError::Line { line, what: LineError::Control(control) });
        }
        if row.iter().all(String::is_empty) {
            continue;
        }
        if let Some(earlier) = seen.insert(row.clone(), line) {
            let words = row.join(", ");
            return Err(VotersError::Twice { line, earlier, words });
        }
        rows.push((line, row));
        if rows.len() > MAX_ROLL as usize {
            return Err(VotersError::TooMany);
        }
    }
    if rows.is_empty() { Err(VotersError::Empty) } else { Ok(rows) }
}

/// Reads a list with a public key in each line, in any column.
///
/// # Errors
/// The first line that cannot be used, and why.
pub fn read_keys(bytes: &[u8]) -> Result<Vec<(Row, PublicKey)>, VotersError> {
    let mut keys = Vec::new();
    let mut seen: HashMap<PublicKey, u64> = HashMap::new();
    for (line, row) in read_lines(bytes)? {
        let field = row.iter().find(|field| field.to_ascii_lowercase().starts_with("bvk1"));
        let field = field.ok_or(VotersError::NoKey { line })?;
        let key = PublicKey::from_text(field).map_err(|error| VotersError::Key { line, error })?;
        if let Some(earlier) = seen.insert(key, line) {
            return Err(VotersError::Twice { line, earlier, words: field.clone() });
        }
        keys.push((row, key));
    }
    Ok(keys)
}

/// A field that no spreadsheet takes for a formula: an apostrophe is put before a field that could
/// be one.
pub fn for_spreadsheet(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() }
}

/// Writes rows as CSV, quoted where needed.
pub fn write(rows: impl IntoIterator<Item = Row>) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        // Writing to memory does not fail.
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key::SecretKey;

    #[test]
    fn lists_as_people_save_them_are_read() {
        let text =
            "\u{feff}Ann Archer,ann@example.org\r\n\r\n\"Bert, Jr.\",\"b\"\"b\"\r\n , \r\nZoë\n";
        let rows = read(text.as_bytes()).unwrap();
        assert_eq!(
            rows,
            [vec!["Ann Archer", "ann@example.org"], vec!["Bert, Jr.", "b\"b"], vec!["Zoë"]]
        );
        assert_eq!(read(write(rows.clone()).as_bytes()), Ok(rows));
        assert_eq!(read(b"Ann;ann@x.org\nBert;b@x.org").unwrap()[1], ["Bert", "b@x.org"]);
    }

    #[test]
    fn what_cannot_stand_is_named_by_its_line() {
        for nothing in ["", "\n\n", "\u{feff}", " , \n"] {
            assert_eq!(read(nothing.as_bytes()), Err(VotersError::Empty));
        }
        let escape = read(b"Ann\nB\x1b[2Jert\n").unwrap_err();
        let what = LineError::Control('\u{1b}');
        assert_eq!(escape, VotersError::Line { line: 2, what });
        assert_eq!(for_spreadsheet("=1+1"), "'=1+1");
        let twice = read(b"Ann\nBert\n\nAnn\n").unwrap_err();
        assert_eq!(twice, VotersError::Twice { line: 4, earlier: 1, words: "Ann".into() });
        let latin = read(b"Ann\nZo\xeb\n").unwrap_err();
        assert_eq!(latin, VotersError::Line { line: 2, what: LineError::NotText });
        let many = write((0..=MAX_ROLL).map(|number| vec![format!("voter {number}")]));
        assert_eq!(read(many.as_bytes()), Err(VotersError::TooMany));
        let most = many.rsplit_once("voter").unwrap().0;
        assert_eq!(read(most.as_bytes()).unwrap().len(), MAX_ROLL as usize);
    }

    #[test]
    fn keys_are_found_in_any_column_and_checked() {
        let (one, two) = (SecretKey::new([1; 32]).public(), SecretKey::new([2; 32]).public());
        let text = format!("Ann,{}\n{},Bert\n", one.to_text(), two.to_text());
        let keys: Vec<_> = read_keys(text.as_bytes()).unwrap().into_iter().map(|k| k.1).collect();
        assert_eq!(keys, [one, two]);
        assert_eq!(read_keys(b"Ann\n"), Err(VotersError::NoKey { line: 1 }));
        let twice = format!("Ann,{}\nBert,{}\n", one.to_text(), one.to_text());
        let twice = read_keys(twice.as_bytes()).unwrap_err();
        assert!(matches!(twice, VotersError::Twice { line: 2, earlier: 1, .. }));
        let typo = format!("Ann,{}\n", one.to_text().replace('a', "b"));
        let typo = read_keys(typo.as_bytes()).unwrap_err();
        assert!(matches!(typo, VotersError::Key { line: 1, error: KeyError::Typo(_) }));
    }
}
