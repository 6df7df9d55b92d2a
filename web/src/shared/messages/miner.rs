//! What the node worker says to miner workers.

use serde::{Deserialize, Serialize};

use super::bytes;

/// Node worker to miner worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToMiner {
    /// Look for this nonce.
    Job {
        /// Answers carry it.
        id: u64,
        /// The encoded header.
        #[serde(with = "bytes")]
        header: Vec<u8>,
        /// First nonce of this worker: each has a range of its own.
        start: u64,
    },
    /// Stop looking.
    Rest,
}

/// Miner worker to node worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromMiner {
    /// The worker runs.
    Ready,
    /// A nonce that meets the target.
    Found {
        /// The job's id.
        id: u64,
        /// The nonce.
        nonce: u64,
    },
    /// Hashes since the last such message.
    Hashes(u32),
}
