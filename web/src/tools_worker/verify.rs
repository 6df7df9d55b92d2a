//! Verifying an audit file from the disk, piece by piece.

use blockvote_core::audit::{archive::ArchiveReader, complaint::Complaint};
use blockvote_words::Words;
use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::shared::{asking::Reply, messages::VerifyFile, verification::Run};

/// Bytes of a file read at a time.
const PIECE: f64 = 1_048_576.0;

/// Verifies an audit file, and judges a complaint by it.
pub async fn file(file: File, complaint: Option<Complaint>, reply: Reply<VerifyFile>) {
    let mut run = Run::new(Some(file.name()), file.size(), reply);
    run.complain(complaint);
    let mut reader = ArchiveReader::new();
    let mut at = 0.0;
    while at < file.size() {
        let until = (at + PIECE).min(file.size());
        let piece = match file.slice_with_f64_and_f64(at, until) {
            Ok(piece) => JsFuture::from(piece.array_buffer()).await,
            Err(error) => Err(error),
        };
        let Ok(piece) = piece else {
            return run.broken("the file cannot be read on; was it moved?").await;
        };
        reader.push(&Uint8Array::new(&piece).to_vec());
        at = until;
        loop {
            match reader.next_record() {
                Ok(Some(record)) => {
                    if !run.push(record, at).await {
                        return run.end().await;
                    }
                }
                Ok(None) => break,
                Err(error) => return run.broken(&error.words()).await,
            }
        }
    }
    match reader.finish() {
        Ok(()) => run.end().await,
        Err(error) => run.broken(&error.words()).await,
    }
}
