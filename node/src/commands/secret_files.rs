//! Files and words that are nobody else's business.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, IsTerminal, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail, ensure};
use blockvote_core::crypto::secret::{Passphrase, SecretBytes, SecretText};
use rand::RngCore;

/// Files that are read whole: keys, receipts, organisers' files with 100,000 names.
const MAX_FILE: u64 = 64 << 20;

/// Writes a file that is not there yet. A private one can be read by its owner only.
///
/// # Errors
/// When there is such a file, or it cannot be written.
pub fn write_new(
    path: &Path,
    text: impl AsRef<[u8]>,
    private: bool,
    option: &str,
) -> anyhow::Result<()> {
    let shown = path.display();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(if private { 0o600 } else { 0o644 });
    let mut file = options.open(path).map_err(|error| {
        let words = match error.kind() {
            ErrorKind::AlreadyExists => "nothing is overwritten: ",
            _ => "",
        };
        anyhow::Error::new(error)
            .context(format!("cannot write {shown}; {words}choose another file with {option}"))
    })?;
    let written = file.write_all(text.as_ref()).and_then(|()| file.sync_all());
    if written.is_err() {
        // A part of it is worse than nothing.
        fs::remove_file(path).ok();
    }
    written.with_context(|| format!("cannot write {shown}"))
}

/// Puts other contents into a private file that this command made: whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_added_extension("part");
    write_new(&part, text, true, "--receipt")?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a file of bounded size as text. `what` it should be is named where it is not text at all.
///
/// # Errors
/// When it cannot be read, is too big, or is not text.
pub fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    let text = String::from_utf8(read_bytes(path)?).ok();
    text.with_context(|| format!("{} is not {what}", path.display()))
}

/// The same for a file with a secret in it.
///
/// # Errors
/// As [`read`].
pub fn read_secret(path: &Path, what: &str) -> anyhow::Result<SecretText> {
    read(path, what).map(SecretText::from)
}

/// The same as bytes.
///
/// # Errors
/// When it cannot be read or is too big.
pub fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let file = fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {shown}"))?;
    ensure!(bytes.len() as u64 <= MAX_FILE, "{shown} has over {MAX_FILE} bytes");
    Ok(bytes)
}

/// A passphrase: as [`ask`].
///
/// # Errors
/// When there is none.
pub fn passphrase(variable: &str) -> anyhow::Result<Passphrase> {
    Passphrase::typed(ask("passphrase", variable)?)
        .with_context(|| format!("no passphrase was given: {variable} is empty"))
}

/// 32 random bytes that nobody else may know.
pub fn secret() -> SecretBytes {
    SecretBytes::new(random())
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// The same, typed twice where it is typed: a typo would lock for ever.
///
/// # Errors
/// When there is none, or the two differ.
pub fn ask_twice(what: &str, variable: &str) -> anyhow::Result<SecretText> {
    let word = ask(what, variable)?;
    if std::env::var_os(variable).is_none() && std::io::stdin().is_terminal() {
        let again = ask(&format!("{what} again"), variable)?;
        ensure!(word == again, "the two differ; try again");
    }
    Ok(word)
}

/// A secret word: from the variable, typed unseen, or the first line of the input.
///
/// # Errors
/// When there is none.
pub fn ask(what: &str, variable: &str) -> anyhow::Result<SecretText> {
    if let Ok(word) = std::env::var(variable) {
        return Ok(word.into());
    }
    let word = if std::io::stdin().is_terminal() {
        SecretText::from(rpassword::prompt_password(format!("{what}: "))?)
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        line.into()
    };
    if word.is_empty() {
        bail!("no {what} was given: type it, pipe it in, or set {variable}");
    }
    Ok(word)
}
