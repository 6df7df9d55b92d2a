//! The voting chain as one state machine without I/O.
//!
//! Read in this order: [`election`], [`vote`], [`block`], [`chain`], [`node`].
//! The byte formats are drawn in `docs/format.md`, the wire in `docs/protocol.md`.

pub mod archive;
pub mod ballot;
pub mod block;
pub mod chain;
pub mod code;
pub mod difficulty;
pub mod election;
pub mod evidence;
pub mod hash;
pub mod header;
pub mod key;
pub mod keyfile;
pub mod ledger;
pub mod lineage;
pub mod locked;
pub mod merkle;
pub mod message;
pub mod node;
mod order;
pub mod organiser;
pub mod pending;
pub mod pow;
pub mod receipt;
pub mod relay_frame;
pub mod roll;
pub mod seed;
pub mod tally;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod verify;
pub mod vote;
pub mod voters;
