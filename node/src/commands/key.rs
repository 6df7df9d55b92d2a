//! `blockvote key`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    crypto::{key::SecretKey, secret::Passphrase},
    custody::keyfile::{KeyFile, KeyFileError},
};
use blockvote_words::InWords;
use clap::Subcommand;

use super::secret_files;
use crate::output::say;

/// Where scripts put the passphrase.
const PASSPHRASE: &str = "BLOCKVOTE_PASSPHRASE";

#[derive(Subcommand)]
pub enum Command {
    /// Make a key: the file holds the secret half, the organiser gets the public half.
    New {
        /// Where to write it; nothing there is overwritten.
        #[arg(long, short, default_value = "voter.key.json")]
        out: PathBuf,
        /// Lock it with a passphrase. It is asked for, or taken from `BLOCKVOTE_PASSPHRASE`; it is not
        /// given here.
        #[arg(long)]
        passphrase: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the public half of a key file.
    Show {
        /// The file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New { out, passphrase, json } => create(&out, passphrase, json),
        Command::Show { file, json } => show(&file, json),
    }
}

fn create(out: &Path, locked: bool, json: bool) -> anyhow::Result<ExitCode> {
    let key = SecretKey::new(*secret_files::secret().bytes());
    let file = if locked {
        let passphrase = secret_files::ask_twice("passphrase", PASSPHRASE)?;
        let length = passphrase.as_str().chars().count();
        ensure!(length >= 8, "the passphrase has {length} letters; take at least 8");
        let passphrase = Passphrase::typed(passphrase).context("the passphrase is empty")?;
        KeyFile::new(&key, Some((&passphrase, &secret_files::random()))).in_words()?
    } else {
        KeyFile::new(&key, None).in_words()?
    };
    secret_files::write_new(out, file.to_text().as_str(), true, "--out")?;
    eprintln!("wrote {}; keep it: without it you cannot vote", out.display());
    print(&file, json)
}

fn show(path: &Path, json: bool) -> anyhow::Result<ExitCode> {
    print(&read_file(path)?, json)
}

fn print(file: &KeyFile, json: bool) -> anyhow::Result<ExitCode> {
    let public = file.public().in_words()?.to_text();
    if json {
        say!("{}", serde_json::json!({"public": public, "locked": file.is_locked()}));
    } else {
        say!("public key {public}");
        say!(
            "the secret half is {}",
            if file.is_locked() { "locked with a passphrase" } else { "not locked" }
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn read_file(path: &Path) -> anyhow::Result<KeyFile> {
    let text = secret_files::read_secret(path, "a Blockvote key file")?;
    KeyFile::read(text.as_str()).in_words().with_context(|| path.display().to_string())
}

/// The secret half; the passphrase is asked for if one is needed.
pub fn open(path: &Path) -> anyhow::Result<SecretKey> {
    let file = read_file(path)?;
    let opened = match file.open(None) {
        Err(KeyFileError::Locked) => file.open(Some(&secret_files::passphrase(PASSPHRASE)?)),
        other => other,
    };
    opened.in_words().with_context(|| path.display().to_string())
}
