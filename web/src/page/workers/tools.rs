//! The tools worker: started when a tool is first wanted, and again when it broke.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::Line;
use crate::{
    messages::{BUILD, FromTools, ToTools},
    page::{
        browser,
        model::{Action, Model},
    },
    worker::Child,
};

/// A worker whose script or WebAssembly never comes says nothing; 240 kB take so long on a line of
/// 32 kbit/s.
const READY_WITHIN_MS: u32 = 60_000;

/// The tools worker.
#[derive(Clone)]
pub struct ToolsWorker {
    line: Rc<RefCell<Line>>,
    broken: Rc<Cell<bool>>,
    /// Number of the present one.
    started: Rc<Cell<u32>>,
    node: Rc<RefCell<Line>>,
    dispatch: UseReducerDispatcher<Model>,
}

impl ToolsWorker {
    /// Not yet started. What it has for the node goes into that line.
    pub fn new(node: Rc<RefCell<Line>>, dispatch: UseReducerDispatcher<Model>) -> Self {
        let (line, broken, started) = (Rc::default(), Rc::default(), Rc::default());
        Self { line, broken, started, node, dispatch }
    }

    /// Sends a message, to a new worker where there is none that runs.
    pub fn send(&self, message: &ToTools) {
        if self.broken.replace(false) {
            let mut line = self.line.borrow_mut();
            line.close();
            line.child = None;
        }
        if self.line.borrow().child.is_none() {
            let worker = self.clone();
            let child =
                Child::spawn("tools-worker", move |heard: Result<FromTools, String>| match heard {
                    Ok(message) => worker.heard(message),
                    Err(why) => worker.broke(&why),
                });
            match child {
                Ok(child) => {
                    self.line.borrow_mut().child = Some(child);
                    self.started.set(self.started.get() + 1);
                    let (worker, started) = (self.clone(), self.started.get());
                    Timeout::new(READY_WITHIN_MS, move || {
                        let waits = worker.started.get() == started && !worker.line.borrow().ready;
                        if waits {
                            worker.broke("it does not answer");
                        }
                    })
                    .forget();
                }
                Err(_) => return self.broke("the browser refused it"),
            }
        }
        self.line.borrow_mut().send(message);
    }

    fn heard(&self, message: FromTools) {
        if self.broken.get() && !matches!(message, FromTools::Ready { .. }) {
            return;
        }
        match &message {
            FromTools::Ready { build } if build != BUILD => {
                self.broke("the relay has a newer build of this page");
            }
            FromTools::Ready { .. } => {
                // It may only have been late.
                self.broken.set(false);
                self.line.borrow_mut().open(&[] as &[ToTools]);
                browser::settled();
            }
            FromTools::ForNode(message) => {
                self.dispatch.dispatch(Action::ForNode);
                return self.node.borrow_mut().pass(message.clone());
            }
            FromTools::Save(name, text) => browser::download(name, text.as_bytes()),
            FromTools::ReceiptRead { election, vote_id, vote, acknowledged } => {
                browser::hand_on(vote_id, &browser::to_json(acknowledged));
                return browser::visit(&format!("/e/{election}/receipt/{vote_id}#vote={vote}"));
            }
            FromTools::Fatal(why) => return self.broke(why),
            _ => {}
        }
        self.dispatch.dispatch(Action::HeardTools(Box::new(message)));
    }

    /// What it was asked is not done; the next message starts another one.
    fn broke(&self, why: &str) {
        if !self.broken.replace(true) {
            self.line.borrow_mut().close();
            self.dispatch.dispatch(Action::ToolsBroke(why.to_owned()));
        }
    }
}
