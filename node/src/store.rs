//! The chain on disk: redb, one file in the data folder.
//!
//! ```text
//! meta     text -> bytes      "format" = version (2 bytes, little-endian), "election" = definition,
//!                             "roll" = the keys of the voter roll, one after the other
//! blocks   u32  -> bytes      height -> encoded block, without the genesis
//! pending  bytes -> bytes     vote id -> arrival number (8 bytes, little-endian), encoded vote
//! evidence bytes -> bytes     short id -> encoded statement
//! received bytes -> u64       vote id -> when this keeper acknowledged it
//! ```
//!
//! Invariant: a batch of changes is in the file whole or not at all, and durable when
//! [`Store::apply`] returns.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use blockvote_core::{
    chain::{header::Height, statements::Statement},
    crypto::{hash::VoteId, key::PublicKey},
    election::{definition::Election, election_context::ElectionContext, roll::Roll, vote::Vote},
    node::StoreChange,
    time::Timestamp,
};
use blockvote_words::InWords;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const BLOCKS: TableDefinition<u32, &[u8]> = TableDefinition::new("blocks");
const PENDING: TableDefinition<&[u8], &[u8]> = TableDefinition::new("pending");
const EVIDENCE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("evidence");
const RECEIVED: TableDefinition<&[u8], u64> = TableDefinition::new("received");
const FORMAT: u16 = 3;

/// Memory for what was read and what will be written.
#[derive(Clone, Copy, Debug)]
pub enum Cache {
    /// For a node's only election.
    One = 64 << 20,
    /// For one election among many.
    OfMany = 1 << 20,
}

/// An open data folder.
pub struct Store {
    database: Database,
    arrivals: u64,
}

/// The content of a data folder.
pub struct Contents {
    /// The election that the folder belongs to.
    pub context: ElectionContext,
    /// Encoded blocks with their heights, oldest first; each is read when it is asked for.
    pub blocks: Box<dyn Iterator<Item = anyhow::Result<(u32, Vec<u8>)>> + Send>,
    /// Pending votes in the order in which they arrived.
    pub pending: Vec<Vote>,
    /// Signed statements.
    pub statements: Vec<Statement>,
    /// Votes that this node acknowledged as a keeper.
    pub acknowledged: BTreeMap<VoteId, Timestamp>,
}

impl Contents {
    /// The content for an election without votes.
    pub fn empty(context: ElectionContext) -> Self {
        Self {
            context,
            blocks: Box::new(std::iter::empty()),
            pending: Vec::new(),
            statements: Vec::new(),
            acknowledged: BTreeMap::new(),
        }
    }
}

fn open(file: &Path, cache: Cache) -> anyhow::Result<Database> {
    let path = file.display();
    let mut builder = Database::builder();
    builder.set_cache_size(cache as usize).set_check_integrity_on_open(true);
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
            anyhow::anyhow!("{path} is not a chain store: move it away, or choose another folder with --data")
        }
        DatabaseError::Storage(StorageError::Io(error)) => {
            anyhow::anyhow!("cannot open {path}: {error}; choose a folder that can be written with --data")
        }
        other => anyhow::anyhow!("cannot open {path}: {other}"),
    })
}

fn roll_of(bytes: &[u8]) -> anyhow::Result<Roll> {
    let keys = bytes.chunks(32).map(<[u8; 32]>::try_from);
    let keys = keys.map(|key| key.map(PublicKey)).collect::<Result<Vec<_>, _>>();
    Ok(Roll::of_checked(keys.context("the voter roll cannot be read")?).in_words()?)
}

impl Store {
    /// Opens a data folder and makes it if it is missing. `asked` is the election asked for;
    /// without one the folder's own is taken, or [`Election::plain`] if the folder is new.
    ///
    /// # Errors
    /// In words for people: locked, not writable, damaged, of another election.
    pub fn open(
        folder: &Path,
        asked: Option<ElectionContext>,
        cache: Cache,
    ) -> anyhow::Result<(Self, Contents)> {
        let shown = folder.display();
        fs::create_dir_all(folder).with_context(|| {
            format!(
                "cannot make the data folder {shown}; choose one that can be written with --data"
            )
        })?;
        let file: PathBuf = folder.join("chain.redb");
        let database = open(&file, cache)?;
        let mut store = Self { database, arrivals: 0 };
        let stored = store.stored_context().with_context(|| format!("the data folder {shown}"))?;
        let context = match (stored, asked) {
            (Some(stored), Some(asked)) if stored.id() != asked.id() => bail!(
                "the data folder {shown} holds another election (\"{}\", {}): choose another folder with --data, or leave --election out to go on with that one",
                stored.election().title,
                stored.id().short(),
            ),
            (Some(stored), _) => stored,
            (None, asked) => {
                let context = asked
                    .map_or_else(|| ElectionContext::open(Election::plain()), Ok)
                    .in_words()?;
                store.write_context(&context)?;
                context
            }
        };
        let contents = store.read(context).with_context(|| format!("the data folder {shown}"))?;
        Ok((store, contents))
    }

    /// Opens a folder that has an election; `None` if it has none.
    ///
    /// # Errors
    /// In words for people, as [`Store::open`].
    pub fn open_kept(folder: &Path) -> anyhow::Result<Option<(Self, Contents)>> {
        let file = folder.join("chain.redb");
        if !file.exists() {
            return Ok(None);
        }
        let mut store = Self { database: open(&file, Cache::OfMany)?, arrivals: 0 };
        let Some(context) = store.stored_context()? else { return Ok(None) };
        let contents = store.read(context)?;
        Ok(Some((store, contents)))
    }

    fn stored_context(&self) -> anyhow::Result<Option<ElectionContext>> {
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
                    "it was written by another build (format {found:?}); this one reads {FORMAT}: move the folder away"
                );
            }
        }
        let Some(election) = meta.get("election")? else {
            return Ok(None);
        };
        let roll = meta.get("roll")?.map(|keys| roll_of(keys.value())).transpose()?;
        Ok(Some(
            ElectionContext::new(Election::decode(election.value()).in_words()?, roll)
                .in_words()?,
        ))
    }

    fn write_context(&self, context: &ElectionContext) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
            meta.insert("election", context.election().encode().as_slice())?;
            if let Some(roll) = context.roll() {
                let keys: Vec<u8> =
                    roll.all_pages().flat_map(|page| page.keys).flat_map(|key| key.0).collect();
                meta.insert("roll", keys.as_slice())?;
            }
            transaction.open_table(BLOCKS)?;
            transaction.open_table(PENDING)?;
            transaction.open_table(EVIDENCE)?;
            transaction.open_table(RECEIVED)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn read(&mut self, context: ElectionContext) -> anyhow::Result<Contents> {
        let transaction = self.database.begin_read()?;
        let blocks = transaction.open_table(BLOCKS)?.range::<u32>(..)?.map(|entry| {
            let (height, bytes) = entry?;
            Ok((height.value(), bytes.value().to_vec()))
        });
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
        let mut statements = Vec::new();
        for entry in transaction.open_table(EVIDENCE)?.iter()? {
            let (_, bytes) = entry?;
            statements.push(
                borsh::from_slice(bytes.value()).context("a signed statement cannot be read")?,
            );
        }
        let mut acknowledged = BTreeMap::new();
        for entry in transaction.open_table(RECEIVED)?.iter()? {
            let (id, at) = entry?;
            let id = id.value().try_into().context("an acknowledgement cannot be read")?;
            acknowledged.insert(VoteId(id), Timestamp(at.value()));
        }
        Ok(Contents { context, blocks: Box::new(blocks), pending, statements, acknowledged })
    }

    /// Writes changes in order, all or nothing.
    ///
    /// # Errors
    /// The error of the disk. In that case nothing of the batch may be acknowledged.
    pub fn apply(&mut self, changes: &[StoreChange]) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut blocks = transaction.open_table(BLOCKS)?;
            let mut pending = transaction.open_table(PENDING)?;
            let mut statements = transaction.open_table(EVIDENCE)?;
            let mut received = transaction.open_table(RECEIVED)?;
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
                    StoreChange::DropStatement(id) => {
                        statements.remove(id.0.as_slice())?;
                    }
                    StoreChange::PutAcknowledged(VoteId(id), Timestamp(at)) => {
                        received.insert(id.as_slice(), *at)?;
                    }
                    StoreChange::PutStatement(statement) => {
                        let bytes = borsh::to_vec(statement)?;
                        statements.insert(statement.short_id().0.as_slice(), bytes.as_slice())?;
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
