//! The voting chain as one state machine without I/O.
//!
//! The modules, each of which knows only those named before it: [`time`] and [`crypto`];
//! [`election`], what is voted on and by whom; [`chain`], the blocks and their rules; [`wire`],
//! what peers say; [`audit`], what anybody can check; [`custody`], what people keep to themselves;
//! [`node`], which puts it all together. `docs/format.md` describes the byte formats,
//! `docs/protocol.md` the wire.

// If a new kind of anything is added, every place that distinguishes kinds must consider it.
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
