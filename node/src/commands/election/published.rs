//! An election, read from a file: a definition, a published or exported file, or an organiser's.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use blockvote_core::{
    audit::archive::{ArchiveReader, Record},
    custody::organiser::Organiser,
    election::{
        definition::{Election, Eligibility},
        election_context::ElectionContext,
        roll::RollBuilder,
    },
};
use blockvote_words::InWords;

use crate::{audit_file::Records, commands::secret_files, output::json_problem};

/// An election, read from a file.
pub struct Published {
    /// Definition and roll.
    pub context: ElectionContext,
    /// Whether the file is the organiser's, with secrets in it.
    pub private: bool,
    /// The file, if it is an archive: it may have blocks and statements, too.
    pub archive: Option<PathBuf>,
}

impl Published {
    /// Reads a definition in JSON, or a published or exported file.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let mut head = vec![0; 16];
        let read = file.read(&mut head).with_context(|| format!("cannot read {shown}"))?;
        if ArchiveReader::recognises(&head[..read]) {
            return Self::of_archive(path).with_context(|| shown.to_string());
        }
        let bytes = secret_files::read_bytes(path)?;
        let wrong = |why: &str| {
            anyhow!(
                "{shown} is not an election definition ({why}); `blockvote election new` writes one"
            )
        };
        let text = String::from_utf8(bytes).map_err(|_| wrong("not text"))?;
        if let Ok(organiser) = Organiser::read(&text) {
            let context = organiser.context().in_words().with_context(|| shown.to_string())?;
            return Ok(Self { context, private: true, archive: None });
        }
        let election: Election =
            serde_json::from_str(&text).map_err(|error| wrong(&json_problem(&error)))?;
        election.validate().in_words().with_context(|| shown.to_string())?;
        ensure!(
            !election.has_roll(),
            "{shown} holds no voter roll: take the file that `blockvote election publish` writes"
        );
        let context = ElectionContext::open(election).in_words()?;
        Ok(Self { context, private: false, archive: None })
    }

    /// Reads all of it, so that an incomplete file is refused before anything is done with it.
    fn of_archive(path: &Path) -> anyhow::Result<Self> {
        let (mut election, mut roll) = (None, None);
        for record in Records::open(path)? {
            match record? {
                Record::Election(found) => {
                    if let Eligibility::Roll { root, size, .. } = found.eligibility {
                        roll = Some(RollBuilder::new(root, size));
                    }
                    election = Some(*found);
                }
                Record::RollPage(page) => {
                    let roll = roll.as_mut().context("keys without a voter roll")?;
                    let next: Option<u32> = roll.missing().next();
                    ensure!(
                        next == Some(page.index),
                        "the pages of the voter roll are not in order"
                    );
                    roll.add(page).in_words()?;
                }
                Record::Block(_) | Record::Statement(_) | Record::End { .. } => {}
            }
        }
        let election = election.context("the file holds no election")?;
        let roll = roll.map(RollBuilder::finish).transpose().in_words()?.flatten();
        Ok(Self {
            context: ElectionContext::new(election, roll).in_words()?,
            private: false,
            archive: Some(path.to_owned()),
        })
    }
}
