//! Files and texts that must stay secret, and other small files.

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

/// Writes a file that does not exist yet. A private one can be read only by its owner.
///
/// # Errors
/// If the file exists, or cannot be written.
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
        // A part of the file would be worse than none.
        fs::remove_file(path).ok();
    }
    written.with_context(|| format!("cannot write {shown}"))
}

/// Replaces the content of a private file that this command made: whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_added_extension("part");
    write_new(&part, text, true, "--receipt")?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a file of limited size as text. `what` says what the file should be; the error names it if
/// the file is not text.
///
/// # Errors
/// If it cannot be read, is too big, or is not text.
pub fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    let text = String::from_utf8(read_bytes(path)?).ok();
    text.with_context(|| format!("{} is not {what}", path.display()))
}

/// The same for a file with a secret in it.
///
/// # Errors
/// The errors of [`read`].
pub fn read_secret(path: &Path, what: &str) -> anyhow::Result<SecretText> {
    read(path, what).map(SecretText::from)
}

/// The same as bytes.
///
/// # Errors
/// If it cannot be read or is too big.
pub fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let file = fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {shown}"))?;
    ensure!(bytes.len() as u64 <= MAX_FILE, "{shown} has over {MAX_FILE} bytes");
    Ok(bytes)
}

/// Asks for a passphrase, as [`ask`] does.
///
/// # Errors
/// If there is none.
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

/// The same; if it is typed, it is typed twice: a typo would lock the secret for ever.
///
/// # Errors
/// If there is none, or the two differ.
pub fn ask_twice(what: &str, variable: &str) -> anyhow::Result<SecretText> {
    let word = ask(what, variable)?;
    if std::env::var_os(variable).is_none() && std::io::stdin().is_terminal() {
        let again = ask(&format!("{what} again"), variable)?;
        ensure!(word == again, "the two differ; try again");
    }
    Ok(word)
}

/// A secret text: from the variable, typed without being shown, or the first line of the input.
///
/// # Errors
/// If there is none.
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
