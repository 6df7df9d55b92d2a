//! `blockvote election codes`.

use std::{path::Path, process::ExitCode};

use anyhow::ensure;
use blockvote_core::{
    custody::{organiser::Organiser, voter_list},
    election::definition::Election,
};
use serde_json::json;

use crate::{commands::secret_files, output::say};

/// Where a relay listens by default.
const THIS_MACHINE: &str = "http://127.0.0.1:8080";

/// The link of a voter: the code comes after the `#`, which browsers send to no server.
fn link(relay: &str, election: &Election, code: &str) -> String {
    format!("{}/e/{}/vote#code={code}", relay.trim_end_matches('/'), election.id())
}

/// A relay's address, as a browser opens it.
pub fn relay(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.map(|_| text.to_owned())
        .ok_or_else(|| "expected an address such as https://vote.example.org".into())
}

pub fn run(
    organiser: &Organiser,
    csv: Option<&Path>,
    relay: Option<String>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    ensure!(organiser.codes().next().is_some(), "this election has no voting codes");
    if relay.is_none() && (csv.is_some() || json) {
        eprintln!("note: the links lead to {THIS_MACHINE}; give your relay's address with --relay");
    }
    let election = &organiser.election;
    let relay = relay.unwrap_or_else(|| THIS_MACHINE.into());
    let rows: Vec<_> = organiser
        .codes()
        .map(|(row, code)| (row, code.to_string()))
        .map(|(row, code)| (row, link(&relay, election, &code), code))
        .collect();
    if let Some(path) = csv {
        // As many columns as the longest line has; a mail merge needs their names.
        let width = rows.iter().map(|(row, ..)| row.len()).max().unwrap_or(0);
        let mut head: Vec<_> = (1..=width).map(|column| format!("voter {column}")).collect();
        head.extend(["code".to_owned(), "link".to_owned()]);
        let lines = rows.iter().map(|(row, link, code)| {
            let mut line: Vec<_> =
                row.iter().map(|field| voter_list::for_spreadsheet(field)).collect();
            line.resize(width, String::new());
            line.extend([code.clone(), link.clone()]);
            line
        });
        let lines = std::iter::once(head).chain(lines);
        secret_files::write_new(path, voter_list::write(lines), true, "--csv")?;
        let answer = json!({"file": path.display().to_string(), "codes": rows.len()});
        if json {
            say!("{answer}");
        } else {
            let line = if width > 0 { "the voter's line, " } else { "" };
            say!("Wrote {} codes to {}: {line}the code, the link.", rows.len(), path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if json {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(voter, link, code)| json!({"voter": voter, "code": code, "link": link}))
            .collect();
        say!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        for (row, _, code) in rows {
            say!("{}", format!("{code}  {}", row.join(", ")).trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}
