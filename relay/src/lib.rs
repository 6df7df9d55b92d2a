//! The relay: forwards frames between the peers of an election's room, and serves the page.
//!
//! It has no chain, and nobody needs to trust it: it can drop or delay, but never forge. Everything
//! that a client can fill is bounded in [`config::Config`].

pub mod addresses;
pub mod bus;
pub mod config;
pub mod connection;
pub mod duplicates;
#[cfg(feature = "echo")]
pub mod echo;
pub mod mesh;
pub mod metered_socket;
pub mod metrics;
pub mod page;
pub mod refusals;
pub mod relay;
pub mod relay_frames;
pub mod relay_ids;
pub mod rooms;
pub mod server;
pub mod throttle;
pub mod tls;

pub use config::Config;
pub use relay::Relay;
pub use server::serve;
