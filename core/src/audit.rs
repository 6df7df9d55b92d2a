//! What anybody can check without a node: audit files, the verification of a whole election, chains
//! of the Python system, and receipts.
//!
//! Knows nothing of peers and secrets.

pub mod archive;
pub mod complaint;
pub mod python_chain;
pub mod receipt;
pub mod report;
pub mod standing;
pub mod verify;
