//! The voting chain as one state machine without I/O.
//!
//! Rooms, each of which knows only those above it: [`time`] and [`crypto`]; [`election`], what is voted
//! on and by whom; [`chain`], the blocks and the rules they keep; [`wire`], what peers say; [`audit`],
//! what anybody can check; [`custody`], what people keep to themselves; [`node`], which puts it
//! together. The byte formats are drawn in `docs/format.md`, the wire in `docs/protocol.md`.

// A new kind of anything must be thought about wherever kinds are told apart.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod audit;
pub mod chain;
pub mod crypto;
pub mod custody;
mod draws;
pub mod election;
pub mod node;
mod sorted;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod wire;
