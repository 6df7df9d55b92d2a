//! What anybody can check without a node: audit files, the verification of a whole election, chains of
//! the Python system, receipts.
//!
//! Knows no peers and no secrets.

pub mod archive;
pub mod complaint;
pub mod python_chain;
pub mod receipt;
pub mod report;
pub mod standing;
pub mod verify;
