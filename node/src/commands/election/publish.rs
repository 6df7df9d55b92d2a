//! `blockvote election publish`.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, ensure};
use blockvote_core::{
    audit::archive::ArchiveWriter, custody::organiser::Organiser,
    election::short_address::ShortAddress,
};
use blockvote_words::InWords;
use serde_json::json;

use super::ask_keepers;
use crate::{output::say, relays::check_url};

/// Where a browser opens the page of a relay: `wss://host/ws` serves it at `https://host`.
fn page_of(relay: &str) -> String {
    let page = relay.trim_end_matches('/').trim_end_matches("/ws");
    page.strip_prefix("ws").map_or_else(|| page.to_owned(), |rest| format!("http{rest}"))
}

pub async fn run(
    organiser: &Organiser,
    file: &Path,
    out: &Path,
    relays: Vec<String>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    // Checked before anything is written.
    for url in &relays {
        check_url(url)?;
    }
    let context = organiser.context().in_words()?;
    let names = !context.election().keepers.is_empty();
    ensure!(relays.is_empty() || names, "the election names no keeper, so there is nobody to ask");
    let (writer, mut bytes) = ArchiveWriter::new(&context);
    bytes.extend(writer.finish());
    let shown = out.display();
    // A file that is there already is not written again.
    let same = std::fs::read(out).is_ok_and(|there| there == bytes);
    if !same {
        let mut options = std::fs::OpenOptions::new();
        let published = options.write(true).create_new(true).open(out);
        let mut published = published.with_context(|| {
            format!("cannot write {shown}; nothing is overwritten: choose another file with --out")
        })?;
        std::io::Write::write_all(&mut published, &bytes)
            .with_context(|| format!("cannot write {shown}"))?;
    }
    let id = context.id();
    let address = ShortAddress::of(&id).ok().context("too little memory")?;
    let page = relays.first().map_or_else(|| "http://<relay>".to_owned(), |url| page_of(url));
    if !json {
        let written =
            if same { format!("{shown} is there already") } else { format!("Wrote {shown}") };
        say!("{written}: the election and its voter roll, nothing private.");
        say!("voters open    {page}/e/{id}/vote");
        if names {
            say!("or, in short   {page}/v/{address}, once a keeper has it");
        }
        if organiser.codes().next().is_some() {
            say!(
                "their codes    blockvote election codes --organiser {} --csv codes.csv --relay {page}",
                file.display()
            );
        }
    }
    let asked = !relays.is_empty();
    let (have, have_not) = if asked {
        ask_keepers::ask(context, relays, !json).await?
    } else {
        (Vec::new(), Vec::new())
    };
    if json {
        let mut shown =
            json!({"file": shown.to_string(), "id": id, "address": address.to_string()});
        if asked {
            shown["keepers"] = json!({"have": have, "have_not": have_not});
        }
        say!("{shown}");
    } else if asked {
        say!("{}", ask_keepers::summary(&have, &have_not));
    } else {
        say!("start a node   blockvote node --mine --election {shown} --relay ws://<relay>/ws");
        if names {
            say!(
                "or have its keepers hold it: the same command once more, with --relay ws://<relay>/ws"
            );
        }
    }
    let nobody = asked && have.is_empty();
    Ok(if nobody { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_the_relay_is() {
        for (relay, page) in [
            ("ws://127.0.0.1:8080/ws", "http://127.0.0.1:8080"),
            ("wss://vote.example.org/ws/", "https://vote.example.org"),
            ("wss://example.org/club/ws", "https://example.org/club"),
        ] {
            assert_eq!(page_of(relay), page);
        }
    }
}
