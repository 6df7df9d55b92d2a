//! An election with a voter roll at the command line, by subject.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

mod audit_file;
mod closing_and_sealing;
mod desk;
mod keepers;
mod lying_node;
mod making;
#[path = "../network/mod.rs"]
mod network;
mod own_keys;
#[path = "../process/mod.rs"]
mod process;
mod refused_input;
mod voting;
