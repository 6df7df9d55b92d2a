//! Voting codes as a CSV for a mail merge.

use blockvote_core::custody::voter_list::for_spreadsheet;

use crate::{page::addresses, shared::messages::CodeRow};

/// What the file is called.
pub fn name(election: &str) -> String {
    format!("codes-{}.csv", election.get(..8).unwrap_or_default())
}

/// A field: quoted where it must be.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A line for each voter: their own columns, the code, the link. `heading` names a column of the
/// voter, `last` code and link.
pub fn text(
    codes: &[CodeRow],
    origin: &str,
    election: &str,
    heading: impl Fn(usize) -> String,
    last: [String; 2],
) -> String {
    let width = codes.iter().map(|row| row.voter.len()).max().unwrap_or(0);
    let heads = (1..=width).map(heading).chain(last).collect::<Vec<_>>().join(",");
    let lines = codes.iter().map(|row| {
        let code = row.code.as_str();
        let voter = row.voter.iter().map(|field| for_spreadsheet(field));
        let padding = std::iter::repeat_n(String::new(), width - row.voter.len());
        let more = [code.to_owned(), addresses::with_code(origin, election, code)];
        let fields = voter.chain(padding).chain(more).map(|text| field(&text));
        fields.collect::<Vec<_>>().join(",") + "\r\n"
    });
    std::iter::once(heads + "\r\n").chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_voter_has_a_line_with_code_and_link() {
        let row = |voter: &[&str], code: &str| CodeRow {
            voter: voter.iter().map(|field| (*field).to_owned()).collect(),
            code: code.to_owned().into(),
        };
        let codes = [row(&["Ann, the first", "=1+1"], "AAAA"), row(&["Bert"], "BBBB")];
        let last = ["code".into(), "link".into()];
        let heading = |column| format!("voter {column}");
        let text = text(&codes, "https://v.example", "ab", heading, last);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "voter 1,voter 2,code,link");
        assert!(
            lines[1]
                .starts_with("\"Ann, the first\",'=1+1,AAAA,https://v.example/e/ab/vote#code=AAAA")
        );
        assert_eq!(lines[2], "Bert,,BBBB,https://v.example/e/ab/vote#code=BBBB");
    }
}
