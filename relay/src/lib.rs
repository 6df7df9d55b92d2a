//! The relay: forwards frames between the peers of an election's room, and serves the page.
//!
//! It holds no chain and is trusted with nothing: it can drop or delay, never forge. Everything a
//! client can fill is bounded in [`config::Config`].

pub mod addresses;
pub mod config;
pub mod connection;
pub mod duplicates;
pub mod metrics;
pub mod page;
pub mod rooms;
pub mod server;
pub mod throttle;

pub use config::Config;
pub use server::{Relay, serve};
