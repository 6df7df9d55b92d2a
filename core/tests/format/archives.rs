//! Audit files.

use blockvote_core::{audit::archive::ArchiveWriter, election::election_context::ElectionContext};

use crate::{Vectors, blocks, check, elections, hex, statements};

pub fn vectors() -> Vectors {
    let open = ElectionContext::open(elections::open()).unwrap();
    let (mut writer, mut archive) = ArchiveWriter::new(&open);
    archive.extend(writer.block(&blocks::second()));
    archive.extend(writer.finish());
    let (mut writer, mut with_roll) = ArchiveWriter::new(&elections::with_roll());
    with_roll.extend(writer.statement(&statements::double_vote()));
    with_roll.extend(writer.finish());
    vec![("archive", hex(archive)), ("roll: archive", hex(with_roll))]
}

#[test]
fn an_audit_file_is_as_documented() {
    check(vectors());
}
