//! The page's ways to its workers.

mod node;
mod tools;

pub use node::{NodeWorker, kept_wish};
use serde::Serialize;
pub use tools::ToolsWorker;
use wasm_bindgen::JsValue;

use crate::worker::{Child, encode};

/// The way to a worker. What is said before it is ready waits: it would be lost.
#[derive(Default)]
pub struct Line {
    child: Option<Child>,
    ready: bool,
    waiting: Vec<JsValue>,
}

impl Line {
    /// Sends a message.
    pub fn send(&mut self, message: &impl Serialize) {
        match encode(message) {
            Ok(message) => self.pass(message),
            Err(error) => web_sys::console::error_1(&error),
        }
    }

    /// Sends a message that is encoded already.
    fn pass(&mut self, message: JsValue) {
        match &self.child {
            Some(child) if self.ready => child.pass(&message),
            _ => self.waiting.push(message),
        }
    }

    /// The worker broke: what it was asked is not asked of the next one, what is said from now on
    /// waits for that.
    fn close(&mut self) {
        self.ready = false;
        self.waiting.clear();
    }

    /// The worker is ready: what it hears first goes before what waits.
    fn open(&mut self, first: &[impl Serialize]) {
        let waiting = std::mem::take(&mut self.waiting);
        self.ready = true;
        for message in first {
            self.send(message);
        }
        for message in waiting {
            self.pass(message);
        }
    }
}
