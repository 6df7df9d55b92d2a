//! The tools worker: started when a tool is first wanted, and again when it broke.

use std::{cell::RefCell, rc::Rc};

use blockvote_words::message::{Message, say};
use gloo_timers::callback::Timeout;
use js_sys::Array;

use super::Lines;
use crate::{
    page::{browser, model::Action, shown::Shown},
    shared::{
        asking::{Failure, Pending, Question, READY_WITHIN_MS},
        messages::{BUILD, FromWorker, ToTools, ToolsAsk, ToolsEvent, ToolsOrder},
        worker::Child,
    },
};

#[derive(Default)]
struct State {
    child: RefCell<Option<Child>>,
    /// Runs out when the worker does not get ready.
    ready_by: RefCell<Option<Timeout>>,
}

/// The tools worker.
#[derive(Clone)]
pub struct ToolsWorker {
    state: Rc<State>,
    lines: Lines,
    shown: Shown,
}

impl ToolsWorker {
    pub(super) fn new(lines: Lines, shown: Shown) -> Self {
        Self { state: Rc::default(), lines, shown }
    }

    /// Asks it.
    pub fn ask<Q: Question<All = ToolsAsk>>(&self, question: Q) -> Pending<Q::Answer> {
        self.start();
        self.lines.tools.ask(question, ToTools::Ask, None)
    }

    /// Asks it; `watch` gets what is said before the answer.
    pub fn ask_watching<Q: Question<All = ToolsAsk>>(
        &self,
        question: Q,
        watch: impl Fn(Q::Progress) + 'static,
    ) -> Pending<Q::Answer> {
        self.start();
        self.lines.tools.ask(question, ToTools::Ask, Some(Rc::new(watch)))
    }

    /// Has it do something that has no answer.
    pub fn order(&self, order: ToolsOrder) {
        self.start();
        self.lines.tools.send(&ToTools::Order(order), Array::new());
    }

    /// Starts it where there is none that runs.
    fn start(&self) {
        if self.state.child.borrow().is_some() {
            return;
        }
        let worker = self.clone();
        let child = Child::spawn("tools-worker", move |heard| match heard {
            Ok(message) => worker.heard(message),
            Err(why) => worker.broke(say::as_said(why)),
        });
        let worker = self.clone();
        match child {
            Ok(child) => {
                self.lines.tools.attach(child.post());
                self.state.child.replace(Some(child));
                let late = move || worker.broke(say::worker_silent());
                self.state.ready_by.replace(Some(Timeout::new(READY_WITHIN_MS, late)));
            }
            // What is asked now fails, not what is asked next.
            Err(_) => {
                Timeout::new(0, move || worker.broke(say::worker_refused())).forget();
            }
        }
    }

    fn heard(&self, message: FromWorker<ToolsEvent>) {
        match message {
            FromWorker::Ready { build } if build != BUILD => {
                self.shown.dispatch(Action::Ready(build));
                self.broke(say::build_newer());
            }
            FromWorker::Ready { .. } => {
                self.state.ready_by.replace(None);
                self.lines.tools.opened();
                self.lines.connect();
                browser::settled();
            }
            FromWorker::Event(event) => self.shown.dispatch(Action::Tools(event)),
            FromWorker::Fatal(why) => self.broke(say::as_said(why)),
            FromWorker::Reply(number, said) => self.lines.tools.hear(number, said),
        }
    }

    /// What it was asked is not done; the next question starts another one.
    fn broke(&self, why: Message) {
        self.state.ready_by.replace(None);
        self.lines.tools.close(&Failure::Broke(why));
        // Not from within one of its own messages.
        let child = self.state.child.take();
        Timeout::new(0, move || drop(child)).forget();
    }
}
