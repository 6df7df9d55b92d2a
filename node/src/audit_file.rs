//! The records of an audit file, read piece by piece.

use std::{fs::File, io::Read, path::Path};

use anyhow::Context;
use blockvote_core::audit::archive::{ArchiveReader, Record};
use blockvote_words::InWords;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// The records of a file in their order; ends with the first error.
pub struct Records {
    /// `None` after the end or an error.
    file: Option<File>,
    reader: ArchiveReader,
    piece: Vec<u8>,
}

impl Records {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file: Some(file), reader: ArchiveReader::new(), piece: vec![0; PIECE] })
    }

    fn read(&mut self) -> anyhow::Result<Option<Record>> {
        loop {
            if let Some(record) = self.reader.next_record().in_words()? {
                return Ok(Some(record));
            }
            let Some(file) = &mut self.file else { return Ok(None) };
            let read = file.read(&mut self.piece)?;
            if read == 0 {
                self.file = None;
                std::mem::take(&mut self.reader).finish().in_words()?;
                return Ok(None);
            }
            self.reader.push(&self.piece[..read]);
        }
    }
}

impl Iterator for Records {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.file.as_ref()?;
        let record = self.read().transpose();
        if !matches!(record, Some(Ok(_))) {
            self.file = None;
        }
        record
    }
}
