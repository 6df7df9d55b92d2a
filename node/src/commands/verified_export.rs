//! A node's chain, verified here: what this machine signs depends on it, not on what the node says.

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::{
        archive::{ArchiveReader, Record},
        report::Report,
        verify::Verifier,
    },
    crypto::hash::ElectionId,
};
use blockvote_words::{InWords, report::WordedReport};

use super::ask_node::{self, At};
use crate::clock;

/// Fetches a node's chain and verifies all of it. `look` sees each record before it is verified,
/// with the verifier of the records before it.
///
/// # Errors
/// If it is another election, or does not verify.
pub async fn verified_export(
    at: &At,
    election: ElectionId,
    look: &mut dyn FnMut(&Record, &mut Verifier) -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    let mut response = at.export().await?;
    let (mut reader, mut verifier) = (ArchiveReader::new(), Verifier::new(clock::now()));
    while let Some(piece) = ask_node::piece(&mut response).await? {
        reader.push(&piece);
        while let Some(record) = reader.next_record().in_words()? {
            if let Record::Election(found) = &record {
                ensure!(
                    found.id() == election,
                    "{} holds another election ({}) than yours ({})",
                    at.node,
                    found.id().short(),
                    election.short()
                );
            }
            look(&record, &mut verifier)?;
            if !verifier.push(record) {
                bail!(
                    "the node's chain does not verify: {}",
                    WordedReport::from(&verifier.report()).verdict
                );
            }
        }
    }
    reader.finish().in_words()?;
    let report = verifier.report();
    ensure!(report.passed(), "{}", WordedReport::from(&report).verdict);
    report.election.context("the node sent no election")?;
    Ok(report)
}
