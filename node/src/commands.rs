//! One file for each command.

pub mod ask_node;
pub mod election;
pub mod key;
pub mod node;
mod numbers;
mod own_node;
pub mod receipt;
pub mod secret_files;
mod take_in;
mod verified_export;
pub mod verify;
pub mod vote;
