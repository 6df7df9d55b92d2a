//! The chain in `IndexedDB`: one database for each election.
//!
//! ```text
//! meta     "election" -> the definition's bytes, "roll" -> the keys of the voter roll
//! blocks   height -> encoded block, without the genesis
//! pending  vote id in hexadecimal -> arrival number and vote
//! own      vote id in hexadecimal -> [`Own`]: the receipts of this browser
//! evidence short id in hexadecimal -> encoded statement
//! ```
//!
//! Invariant: a batch of changes is one transaction; it is there whole when [`Store::apply`]
//! returns, or not at all.

use std::cell::Cell;

use blockvote_core::{
    chain::{acknowledgements::Acknowledged, block::Block, header::Height, statements::Statement},
    crypto::{
        hash::{ElectionId, VoteId},
        key::PublicKey,
    },
    election::{definition::Election, election_context::ElectionContext, roll::Roll, vote::Vote},
    node::StoreChange,
    time::Timestamp,
};
use borsh::{BorshDeserialize, BorshSerialize};
use idb::{
    Database, DatabaseEvent, Error, Factory, KeyRange, ObjectStoreParams, Query, Transaction,
    TransactionMode,
};
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;

const META: &str = "meta";
const BLOCKS: &str = "blocks";
const PENDING: &str = "pending";
const OWN: &str = "own";
const EVIDENCE: &str = "evidence";

/// A vote that is followed in this browser: cast here, or opened by its receipt.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Own {
    /// When it was cast or opened here.
    pub at: Timestamp,
    /// Whether it was cast here.
    pub cast_here: bool,
    /// The vote.
    pub vote: Vote,
    /// Block that it was last seen in.
    pub seen: Option<Height>,
    /// Block that a reorganisation dropped it from.
    pub dropped: Option<Height>,
    /// What keepers signed for it.
    pub acknowledged: Vec<Acknowledged>,
}

impl Own {
    /// A vote that is followed from now on.
    pub fn new(at: Timestamp, cast_here: bool, vote: Vote) -> Self {
        Self { at, cast_here, vote, seen: None, dropped: None, acknowledged: Vec::new() }
    }
}

/// An open database.
pub struct Store {
    database: Database,
    arrivals: Cell<u64>,
}

/// What it held.
#[derive(Default)]
pub struct Contents {
    /// The definition.
    pub election: Option<Election>,
    /// The keys of the voter roll, not checked.
    pub roll: Option<Vec<PublicKey>>,
    /// Encoded blocks, oldest first: decoded one at a time, because memory of WebAssembly that was
    /// needed once is never given back.
    blocks: Vec<JsValue>,
    /// Pending votes in the order in which they came.
    pub pending: Vec<Vote>,
    /// Votes followed in this browser.
    pub own: Vec<Own>,
    /// Signed statements.
    pub statements: Vec<Statement>,
}

impl Contents {
    /// Blocks, oldest first; each can be had once.
    pub fn take_blocks(&mut self) -> impl Iterator<Item = Block> + use<> {
        let blocks = std::mem::take(&mut self.blocks).into_iter();
        blocks.filter_map(|value| borsh::from_slice(&bytes(&value)).ok())
    }

    /// Definition and roll, if they are here and belong together.
    pub fn context(&self) -> Option<ElectionContext> {
        let election = self.election.clone()?;
        let roll = match &self.roll {
            Some(keys) => Some(Roll::of_checked(keys.clone()).ok()?),
            None => None,
        };
        ElectionContext::new(election, roll).ok()
    }
}

fn bytes(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}

fn keys(bytes: &[u8]) -> Vec<PublicKey> {
    bytes.chunks_exact(32).filter_map(|key| key.try_into().ok()).map(PublicKey).collect()
}

/// Entries that cannot be read are passed over: whatever is missing comes from peers.
fn decode<T: BorshDeserialize>(values: &[JsValue]) -> Vec<T> {
    values.iter().filter_map(|value| borsh::from_slice(&bytes(value)).ok()).collect()
}

async fn finish(transaction: Transaction) -> Result<(), Error> {
    let raw: web_sys::IdbTransaction = transaction.into();
    let result = Transaction::from(raw.clone()).await?;
    if result.is_committed() {
        return Ok(());
    }
    Err(raw.error().map_or(Error::DomExceptionNotFound, Error::DomException))
}

impl Store {
    /// Opens the election's database.
    ///
    /// # Errors
    /// What the browser said: storage blocked, a private window, a damaged profile.
    pub async fn open(election: &ElectionId) -> Result<Self, Error> {
        let factory = Factory::new()?;
        let mut request = factory.open(&format!("blockvote-{election}"), Some(1))?;
        request.on_upgrade_needed(|event| {
            let Ok(database) = event.database() else {
                return;
            };
            for store in [META, BLOCKS, PENDING, OWN, EVIDENCE] {
                // A failure shows when the store is first used.
                let _ = database.create_object_store(store, ObjectStoreParams::new());
            }
        });
        Ok(Self { database: request.await?, arrivals: Cell::new(0) })
    }

    async fn all(&self, transaction: &Transaction, store: &str) -> Result<Vec<JsValue>, Error> {
        transaction.object_store(store)?.get_all(None, None)?.await
    }

    /// Reads everything.
    ///
    /// # Errors
    /// What the browser said.
    pub async fn read(&self) -> Result<Contents, Error> {
        let stores = [META, BLOCKS, PENDING, OWN, EVIDENCE];
        let transaction = self.database.transaction(&stores, TransactionMode::ReadOnly)?;
        let meta = transaction.object_store(META)?;
        let election = meta.get(JsValue::from_str("election"))?.await?;
        let roll = meta.get(JsValue::from_str("roll"))?.await?;
        let blocks = self.all(&transaction, BLOCKS).await?;
        let mut pending: Vec<(u64, Vote)> = decode(&self.all(&transaction, PENDING).await?);
        let own = decode(&self.all(&transaction, OWN).await?);
        let statements = decode(&self.all(&transaction, EVIDENCE).await?);
        pending.sort_by_key(|(arrival, _)| *arrival);
        self.arrivals.set(pending.last().map_or(0, |(arrival, _)| arrival + 1));
        Ok(Contents {
            election: election.and_then(|value| Election::decode(&bytes(&value)).ok()),
            roll: roll.map(|value| keys(&bytes(&value))),
            blocks,
            pending: pending.into_iter().map(|(_, vote)| vote).collect(),
            own,
            statements,
        })
    }

    /// Keeps definition and roll.
    ///
    /// # Errors
    /// What the browser said.
    pub async fn put_context(&self, context: &ElectionContext) -> Result<(), Error> {
        let transaction = self.database.transaction(&[META], TransactionMode::ReadWrite)?;
        let meta = transaction.object_store(META)?;
        let put = |key: &str, value: &[u8]| {
            meta.put(&Uint8Array::from(value), Some(&JsValue::from_str(key)))
        };
        put("election", &context.election().encode())?;
        if let Some(roll) = context.roll() {
            let keys: Vec<u8> =
                roll.all_pages().flat_map(|page| page.keys).flat_map(|key| key.0).collect();
            put("roll", &keys)?;
        }
        finish(transaction).await
    }

    /// Keeps what this browser knows of a vote that it follows.
    ///
    /// # Errors
    /// What the browser said.
    pub async fn put_own(&self, id: &VoteId, own: &Own) -> Result<(), Error> {
        let transaction = self.database.transaction(&[OWN], TransactionMode::ReadWrite)?;
        let value = borsh::to_vec(own).unwrap_or_default();
        let key = JsValue::from_str(&id.to_string());
        transaction.object_store(OWN)?.put(&Uint8Array::from(value.as_slice()), Some(&key))?;
        finish(transaction).await
    }

    /// Writes changes in order, in one transaction. `anew` forgets all pending votes before it.
    ///
    /// # Errors
    /// What the browser said; nothing of the batch is stored then.
    pub async fn apply(&self, changes: &[StoreChange], anew: bool) -> Result<(), Error> {
        let transaction =
            self.database.transaction(&[BLOCKS, PENDING, EVIDENCE], TransactionMode::ReadWrite)?;
        let blocks = transaction.object_store(BLOCKS)?;
        let pending = transaction.object_store(PENDING)?;
        let statements = transaction.object_store(EVIDENCE)?;
        if anew {
            pending.clear()?;
        }
        for change in changes {
            match change {
                StoreChange::PutPending(id, vote) => {
                    let arrival = self.arrivals.replace(self.arrivals.get() + 1);
                    let value = borsh::to_vec(&(arrival, vote)).unwrap_or_default();
                    let key = JsValue::from_str(&id.to_string());
                    pending.put(&Uint8Array::from(value.as_slice()), Some(&key))?;
                }
                StoreChange::Truncate(Height(height)) => {
                    let above = KeyRange::lower_bound(&JsValue::from(*height), Some(true))?;
                    blocks.delete(Query::from(above))?;
                }
                StoreChange::Append(block) => {
                    let value = borsh::to_vec(&block.to_block()).unwrap_or_default();
                    let key = JsValue::from(block.header().height.0);
                    blocks.put(&Uint8Array::from(value.as_slice()), Some(&key))?;
                }
                StoreChange::DropPending(id) => {
                    pending.delete(JsValue::from_str(&id.to_string()))?;
                }
                // No tab is a keeper.
                StoreChange::PutAcknowledged(..) => {}
                StoreChange::DropStatement(id) => {
                    statements.delete(JsValue::from_str(&hex::encode(id.0)))?;
                }
                StoreChange::PutStatement(statement) => {
                    let value = borsh::to_vec(statement).unwrap_or_default();
                    let key = JsValue::from_str(&hex::encode(statement.short_id().0));
                    statements.put(&Uint8Array::from(value.as_slice()), Some(&key))?;
                }
            }
        }
        finish(transaction).await
    }
}
