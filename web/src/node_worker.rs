//! The node worker: a thin driver around `core::Node`. It owns the socket, the store and the
//! miners; the page only shows what it says.

mod driver;
mod lock;
mod miners;
mod open;
mod rights;
mod tabs;
mod verify;
mod views;

use crate::{
    messages::{BUILD, FromNode, ToNode},
    worker,
};

/// Runs the worker.
pub fn run() {
    worker::report_panics(FromNode::Fatal);
    let opening = open::Opening::default();
    worker::listen(move |message: ToNode| opening.hear(message));
    worker::post(&FromNode::Ready { build: BUILD.to_owned() });
}
