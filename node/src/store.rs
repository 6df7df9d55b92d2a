//! The chain on disk: redb, one file in the data folder.
//!
//! ```text
//! meta     text -> bytes      "format" = version (2 bytes, little-endian), "election" = definition
//! blocks   u32  -> bytes      height -> encoded block, without the genesis
//! pending  bytes -> bytes     vote id -> arrival number (8 bytes, little-endian), encoded vote
//! ```
//!
//! Invariant: a batch of changes is in the file whole or not at all, and durable when
//! [`Store::apply`] returns.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use blockvote_core::{
    block::Block, election::Election, hash::VoteId, header::Height, node::StoreChange, vote::Vote,
};
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const BLOCKS: TableDefinition<u32, &[u8]> = TableDefinition::new("blocks");
const PENDING: TableDefinition<&[u8], &[u8]> = TableDefinition::new("pending");
const FORMAT: u16 = 1;

/// An open data folder.
pub struct Store {
    database: Database,
    arrivals: u64,
}

/// What a data folder held.
pub struct Contents {
    /// The definition that the folder belongs to.
    pub election: Election,
    /// Blocks, oldest first.
    pub blocks: Vec<Block>,
    /// Pending votes in the order in which they came.
    pub pending: Vec<Vote>,
}

fn open(file: &Path) -> anyhow::Result<Database> {
    let path = file.display();
    let mut builder = Database::builder();
    builder.set_cache_size(64 << 20).set_check_integrity_on_open(true);
    builder.create(file).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => {
            anyhow::anyhow!("{path} is in use by another node: stop that one, or choose another folder with --data")
        }
        DatabaseError::UpgradeRequired(version) => {
            anyhow::anyhow!("{path} has the old database format {version}, which this build cannot read")
        }
        DatabaseError::Storage(StorageError::Corrupted(what)) => anyhow::anyhow!(
            "{path} is damaged or from a newer build ({what}): move the folder away, and the node fetches the chain again"
        ),
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            anyhow::anyhow!("{path} is no chain store: move it away, or choose another folder with --data")
        }
        DatabaseError::Storage(StorageError::Io(error)) => {
            anyhow::anyhow!("cannot open {path}: {error}; choose a folder that can be written with --data")
        }
        other => anyhow::anyhow!("cannot open {path}: {other}"),
    })
}

impl Store {
    /// Opens a data folder, making it if need be. `election` is the one asked for; without one the
    /// folder's own is taken, and [`Election::plain`] where the folder is new.
    ///
    /// # Errors
    /// In words for people: locked, not writable, damaged, of another election.
    pub fn open(folder: &Path, election: Option<Election>) -> anyhow::Result<(Self, Contents)> {
        let shown = folder.display();
        fs::create_dir_all(folder).with_context(|| {
            format!(
                "cannot make the data folder {shown}; choose one that can be written with --data"
            )
        })?;
        let file: PathBuf = folder.join("chain.redb");
        let database = open(&file)?;
        let mut store = Self { database, arrivals: 0 };
        let stored = store.stored_election().with_context(|| format!("the data folder {shown}"))?;
        let election = match (stored, election) {
            (Some(stored), Some(asked)) if stored.id() != asked.id() => bail!(
                "the data folder {shown} holds another election (\"{}\", {}): choose another folder with --data, or leave --election out to go on with that one",
                stored.title,
                stored.id().short(),
            ),
            (Some(stored), _) => stored,
            (None, asked) => {
                let election = asked.unwrap_or_else(Election::plain);
                store.write_election(&election)?;
                election
            }
        };
        let contents = store.read(election).with_context(|| format!("the data folder {shown}"))?;
        Ok((store, contents))
    }

    fn stored_election(&self) -> anyhow::Result<Option<Election>> {
        let transaction = self.database.begin_read()?;
        let meta = match transaction.open_table(META) {
            Ok(meta) => meta,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Some(format) = meta.get("format")? {
            let found = format.value();
            if found != FORMAT.to_le_bytes() {
                bail!(
                    "it was written by another build (format {found:?}); this one reads {FORMAT}"
                );
            }
        }
        let Some(election) = meta.get("election")? else {
            return Ok(None);
        };
        Ok(Some(Election::decode(election.value())?))
    }

    fn write_election(&self, election: &Election) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
            meta.insert("election", election.encode().as_slice())?;
            transaction.open_table(BLOCKS)?;
            transaction.open_table(PENDING)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn read(&mut self, election: Election) -> anyhow::Result<Contents> {
        let transaction = self.database.begin_read()?;
        let mut blocks = Vec::new();
        for entry in transaction.open_table(BLOCKS)?.iter()? {
            let (height, bytes) = entry?;
            let block: Block = borsh::from_slice(bytes.value())
                .with_context(|| format!("block {} cannot be read", height.value()))?;
            blocks.push(block);
        }
        let mut pending = Vec::new();
        for entry in transaction.open_table(PENDING)?.iter()? {
            let (_, bytes) = entry?;
            let (arrival, vote): (u64, Vote) =
                borsh::from_slice(bytes.value()).context("a pending vote cannot be read")?;
            self.arrivals = self.arrivals.max(arrival + 1);
            pending.push((arrival, vote));
        }
        pending.sort_by_key(|(arrival, _)| *arrival);
        let pending = pending.into_iter().map(|(_, vote)| vote).collect();
        Ok(Contents { election, blocks, pending })
    }

    /// Writes changes in order, all or nothing.
    ///
    /// # Errors
    /// What the disk said; nothing of the batch may be acknowledged then.
    pub fn apply(&mut self, changes: &[StoreChange]) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut blocks = transaction.open_table(BLOCKS)?;
            let mut pending = transaction.open_table(PENDING)?;
            for change in changes {
                match change {
                    StoreChange::Truncate(Height(height)) => {
                        blocks.retain_in(height + 1.., |_, _| false)?;
                    }
                    StoreChange::Append(block) => {
                        let bytes = borsh::to_vec(&block.to_block())?;
                        blocks.insert(block.header().height.0, bytes.as_slice())?;
                    }
                    StoreChange::PutPending(VoteId(id), vote) => {
                        let bytes = borsh::to_vec(&(self.arrivals, vote))?;
                        self.arrivals += 1;
                        pending.insert(id.as_slice(), bytes.as_slice())?;
                    }
                    StoreChange::DropPending(VoteId(id)) => {
                        pending.remove(id.as_slice())?;
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
