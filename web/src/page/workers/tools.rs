//! The tools worker: started when a tool is first wanted, and again when it broke.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use yew::prelude::*;

use super::Line;
use crate::{
    messages::{FromTools, ToTools},
    page::{
        browser,
        model::{Action, Model},
    },
    worker::Child,
};

/// The tools worker.
#[derive(Clone)]
pub struct ToolsWorker {
    line: Rc<RefCell<Line>>,
    broken: Rc<Cell<bool>>,
    node: Rc<RefCell<Line>>,
    dispatch: UseReducerDispatcher<Model>,
}

impl ToolsWorker {
    /// Not yet started. What it has for the node goes into that line.
    pub fn new(node: Rc<RefCell<Line>>, dispatch: UseReducerDispatcher<Model>) -> Self {
        Self { line: Rc::default(), broken: Rc::default(), node, dispatch }
    }

    /// Sends a message, to a new worker where there is none that runs.
    pub fn send(&self, message: &ToTools) {
        if self.broken.replace(false) {
            self.line.borrow_mut().child = None;
        }
        if self.line.borrow().child.is_none() {
            let worker = self.clone();
            let child =
                Child::spawn("tools-worker", move |heard: Result<FromTools, String>| match heard {
                    Ok(message) => worker.heard(message),
                    Err(why) => worker.broke(&why),
                });
            match child {
                Ok(child) => self.line.borrow_mut().child = Some(child),
                Err(_) => return self.broke("the browser refused it"),
            }
        }
        self.line.borrow_mut().send(message);
    }

    fn heard(&self, message: FromTools) {
        match &message {
            FromTools::Ready { .. } => self.line.borrow_mut().open(&[] as &[ToTools]),
            FromTools::ForNode(message) => {
                self.dispatch.dispatch(Action::ForNode);
                return self.node.borrow_mut().pass(message.clone());
            }
            FromTools::Save(name, text) => return browser::download(name, text.as_bytes()),
            FromTools::ReceiptRead { election, vote_id, vote } => {
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
