//! The node worker: a thin driver around `core::Node`. It owns the socket, the store and the
//! miners; the page only shows what it says.

mod driver;
mod lock;
mod miners;
mod open;
mod rights;
mod state;
mod tabs;
mod verify;
mod views;

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::JsCast;
use web_sys::MessagePort;

use self::open::{Opening, Wanted};
use crate::shared::{
    asking::Asker,
    messages::{BUILD, FromWorker, NodeAsk, NodeEvent, ToNode},
    worker::{self, PortEnd},
};

/// Tells the page what happens.
fn tell(event: NodeEvent) {
    worker::post(&FromWorker::Event(event));
}

thread_local! {
    /// The way to the tools worker.
    static TOOLS: RefCell<Option<Rc<PortEnd>>> = const { RefCell::new(None) };
}

/// Answers what the tools worker asks at this port.
fn listen_at(port: MessagePort, opening: Opening) {
    let end = PortEnd::listen(port, move |question: NodeAsk| {
        let end = TOOLS.with_borrow(Clone::clone);
        if let Some(end) = end {
            opening.hear(Wanted::Ask(question, Asker::new(end.post())));
        }
    });
    TOOLS.set(Some(Rc::new(end)));
}

/// Runs the worker.
pub fn run() {
    worker::report_panics(FromWorker::<NodeEvent>::Fatal);
    let opening = Opening::default();
    worker::listen(move |message: ToNode| match message {
        ToNode::Ask(question) => opening.hear(Wanted::Ask(question, worker::starter())),
        ToNode::Order(order) => opening.hear(Wanted::Order(order)),
        ToNode::Port(port) => {
            if let Ok(port) = port.dyn_into() {
                listen_at(port, opening.clone());
            }
        }
    });
    worker::post(&FromWorker::<NodeEvent>::Ready { build: BUILD.to_owned() });
}
