//! The node worker: starts it, and starts it again when it breaks.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{Line, ToolsWorker};
use crate::{
    messages::{FromNode, MiningWish, ToNode, ToTools},
    page::{
        browser, format,
        model::{Action, Model},
        remembered,
    },
    worker::Child,
};

/// A worker that breaks is started again this many times; then something is wrong for good.
const MAX_RESTARTS: u32 = 5;
const RESTART_AFTER_MS: u32 = 1_000;

/// What the user wants of the miners, as kept.
pub fn kept_wish() -> MiningWish {
    let on = browser::setting("mining").is_none_or(|kept| kept == "on");
    let default = (browser::processors() / 2).max(1);
    let workers = browser::setting("miners").and_then(|kept| kept.parse().ok()).unwrap_or(default);
    MiningWish { on, workers }
}

/// The node worker of an election's pages.
#[derive(Clone)]
pub struct NodeWorker {
    line: Rc<RefCell<Line>>,
    /// Since the election was last open.
    restarts: Rc<RefCell<u32>>,
    /// A panic is heard of twice: by its message and by the worker's error.
    restarting: Rc<RefCell<bool>>,
    election: Rc<str>,
    tools: ToolsWorker,
    dispatch: UseReducerDispatcher<Model>,
}

impl NodeWorker {
    /// Starts it for this election, at the end of this line.
    pub fn start(
        election: &str,
        line: Rc<RefCell<Line>>,
        tools: ToolsWorker,
        dispatch: UseReducerDispatcher<Model>,
    ) -> Self {
        let worker = Self {
            line,
            restarts: Rc::default(),
            restarting: Rc::default(),
            election: election.into(),
            tools,
            dispatch,
        };
        worker.spawn();
        worker
    }

    fn spawn(&self) {
        let worker = self.clone();
        let child =
            Child::spawn("node-worker", move |heard: Result<FromNode, String>| match heard {
                Ok(message) => worker.heard(message),
                Err(why) => worker.broke(&why),
            });
        if let Ok(child) = child {
            self.line.borrow_mut().child = Some(child);
        } else {
            let why = "the browser refused the worker".to_owned();
            self.dispatch.dispatch(Action::Broke(why, true));
        }
    }

    /// The page enters the browser's back/forward cache: it lets go of its worker, and so of the lock and
    /// the relays, which another page may want.
    pub fn rest(&self) {
        let mut line = self.line.borrow_mut();
        line.close();
        line.child = None;
    }

    /// The page is back: a worker takes up what the store holds.
    pub fn resume(&self) {
        if self.line.borrow().child.is_none() {
            self.spawn();
        }
    }

    /// Sends a message.
    pub fn send(&self, message: &ToNode) {
        self.line.borrow_mut().send(message);
    }

    fn heard(&self, message: FromNode) {
        match &message {
            FromNode::Ready { .. } => {
                // A link can carry relays: what they bring is verified like everything.
                for relay in browser::query("relay") {
                    let _ = remembered::add_relay(&relay);
                }
                let open = ToNode::Open {
                    election: self.election.to_string(),
                    relays: remembered::relays(),
                    mining: kept_wish(),
                };
                let watch = browser::take_fragment("vote").map(|vote| {
                    // What the receipt's file held beside the vote.
                    let id = browser::path().rsplit('/').next().unwrap_or_default().to_owned();
                    let acknowledged = browser::handed_on(&id);
                    ToNode::Watch { vote, acknowledged: acknowledged.unwrap_or_default() }
                });
                let first: Vec<_> = std::iter::once(open).chain(watch).collect();
                self.line.borrow_mut().open(&first);
                self.ask_persistence();
            }
            FromNode::Opened(election) => remembered::opened(election),
            FromNode::Status(status) => {
                *self.restarts.borrow_mut() = 0;
                if status.relays.iter().any(|relay| relay.connected) {
                    browser::settled();
                }
                remembered::state(&self.election, status);
            }
            FromNode::Exported(bytes) => {
                return browser::download(&format::audit_file(&self.election), bytes);
            }
            FromNode::Receipt(receipt) => {
                return self.tools.send(&ToTools::WriteReceipt(receipt.clone()));
            }
            FromNode::Fatal(why) => return self.broke(why),
            _ => {}
        }
        self.dispatch.dispatch(Action::Heard(Box::new(message)));
    }

    /// Starts the worker again, from the store.
    fn broke(&self, why: &str) {
        if self.restarting.replace(true) {
            return;
        }
        let mut restarts = self.restarts.borrow_mut();
        *restarts += 1;
        let given_up = *restarts > MAX_RESTARTS;
        self.line.borrow_mut().close();
        self.dispatch.dispatch(Action::Broke(why.to_owned(), given_up));
        if !given_up {
            let worker = self.clone();
            Timeout::new(RESTART_AFTER_MS, move || {
                *worker.restarting.borrow_mut() = false;
                worker.spawn();
            })
            .forget();
        }
    }

    /// Asks the browser not to clear the storage by itself.
    fn ask_persistence(&self) {
        if !browser::window().is_secure_context() {
            return;
        }
        let Ok(asked) = browser::window().navigator().storage().persist() else {
            return;
        };
        let worker = self.clone();
        spawn_local(async move {
            let answer = wasm_bindgen_futures::JsFuture::from(asked).await;
            let persisted = answer.ok().and_then(|answer| answer.as_bool()).unwrap_or(false);
            worker.send(&ToNode::Persisted(persisted));
        });
    }
}
