//! The screens, one file each. None imports another: what two of them need is a component.

pub mod about;
pub mod chain;
pub mod create;
pub mod found;
pub mod home;
pub mod keys;
pub mod network;
pub mod organise;
pub mod results;
pub mod seal;
pub mod short;
pub mod slips;
pub mod verify;
pub mod vote;
