//! What node and tools worker say to verifier workers.

use serde::{Deserialize, Serialize};

use super::bytes;

/// Node or tools worker to verifierworker: encoded signatures, answered in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ToVerifier(#[serde(with = "bytes")] pub Vec<u8>);

/// Verifier worker to whichever asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromVerifier {
    /// The worker runs.
    Ready {
        /// [`BUILD`] of the worker.
        build: String,
    },
    /// The index of the first signature that does not hold, if there is one.
    Verified(Option<usize>),
    /// A worker of another build: it knows another form.
    Unreadable,
}
