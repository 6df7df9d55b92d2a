//! One module for each command of the command line.

pub mod ask;
pub mod election;
pub mod node;
pub mod verify;
