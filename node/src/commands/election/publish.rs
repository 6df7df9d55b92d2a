//! `blockvote election publish`.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use blockvote_core::{audit::archive::ArchiveWriter, custody::organiser::Organiser};
use blockvote_words::InWords;
use serde_json::json;

use crate::output::say;

pub fn run(organiser: &Organiser, file: &Path, out: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let context = organiser.context().in_words()?;
    let (writer, mut bytes) = ArchiveWriter::new(&context);
    bytes.extend(writer.finish());
    let shown = out.display();
    let mut options = std::fs::OpenOptions::new();
    let published = options.write(true).create_new(true).open(out);
    let mut published = published.with_context(|| {
        format!("cannot write {shown}; nothing is overwritten: choose another file with --out")
    })?;
    std::io::Write::write_all(&mut published, &bytes)
        .with_context(|| format!("cannot write {shown}"))?;
    if json {
        say!("{}", json!({"file": shown.to_string(), "id": context.id()}));
    } else {
        say!("Wrote {shown}: the election and its voter roll, nothing private.");
        say!("start a node   blockvote node --mine --election {shown} --relay ws://<relay>/ws");
        say!("voters open    http://<relay>/e/{}/vote", context.id());
        if organiser.codes().next().is_some() {
            say!(
                "their codes    blockvote election codes --organiser {} --csv codes.csv --relay http://<relay>",
                file.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
