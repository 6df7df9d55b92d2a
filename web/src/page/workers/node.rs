//! The node worker: starts it, and starts it again when it breaks.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use blockvote_words::message::{Message, say};
use gloo_timers::callback::Timeout;
use js_sys::Array;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::Lines;
use crate::{
    page::{browser, model::Action, remembered, shown::Shown},
    shared::{
        asking::{Failure, Pending, Question, READY_WITHIN_MS},
        messages::{BUILD, FromWorker, MiningWish, NodeAsk, NodeEvent, NodeOrder, ToNode, Watch},
        worker::Child,
    },
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

#[derive(Default)]
struct State {
    election: RefCell<Option<Rc<str>>>,
    child: RefCell<Option<Child>>,
    /// Runs out when the worker does not get ready.
    ready_by: RefCell<Option<Timeout>>,
    /// Since the election was last open.
    restarts: Cell<u32>,
    /// A panic is heard of twice: by its message and by the worker's error.
    restarting: Cell<bool>,
}

/// The node worker of an election's pages.
#[derive(Clone)]
pub struct NodeWorker {
    state: Rc<State>,
    lines: Lines,
    shown: Shown,
}

impl NodeWorker {
    pub(super) fn new(lines: Lines, shown: Shown) -> Self {
        Self { state: Rc::default(), lines, shown }
    }

    /// Starts it for this election.
    pub fn start(&self, election: &str) {
        self.state.election.replace(Some(election.into()));
        self.spawn();
    }

    /// Asks it.
    pub fn ask<Q: Question<All = NodeAsk>>(&self, question: Q) -> Pending<Q::Answer> {
        self.lines.node.ask(question, ToNode::Ask, None)
    }

    /// Asks it; `watch` gets what is said before the answer.
    pub fn ask_watching<Q: Question<All = NodeAsk>>(
        &self,
        question: Q,
        watch: impl Fn(Q::Progress) + 'static,
    ) -> Pending<Q::Answer> {
        self.lines.node.ask(question, ToNode::Ask, Some(Rc::new(watch)))
    }

    /// Has it do something that has no answer.
    pub fn order(&self, order: NodeOrder) {
        self.lines.node.send(&ToNode::Order(order), Array::new());
    }

    fn spawn(&self) {
        let worker = self.clone();
        let child = Child::spawn("node-worker", move |heard| match heard {
            Ok(message) => worker.heard(message),
            Err(why) => worker.broke(say::as_said(why)),
        });
        let Ok(child) = child else {
            return self.shown.dispatch(Action::Broke(say::worker_refused(), true));
        };
        self.lines.node.attach(child.post());
        self.state.child.replace(Some(child));
        let worker = self.clone();
        let late = Timeout::new(READY_WITHIN_MS, move || worker.broke(say::worker_silent()));
        self.state.ready_by.replace(Some(late));
    }

    /// The page enters the browser's back/forward cache: it gives up its worker, and so the lock and
    /// the relays, which another page may want.
    pub fn rest(&self) {
        self.lines.node.close(&Failure::Broke(say::page_left()));
        self.lines.disconnect();
        self.state.child.replace(None);
        self.state.ready_by.replace(None);
    }

    /// The page is back: a worker takes up what is stored.
    pub fn resume(&self) {
        if self.state.child.borrow().is_none() {
            self.spawn();
        }
    }

    fn heard(&self, message: FromWorker<NodeEvent>) {
        match message {
            FromWorker::Ready { build } => self.ready(build),
            FromWorker::Event(event) => self.happened(event),
            FromWorker::Fatal(why) => self.broke(say::as_said(why)),
            FromWorker::Reply(number, said) => self.lines.node.hear(number, said),
        }
    }

    fn ready(&self, build: String) {
        self.state.ready_by.replace(None);
        let of_this_build = build == BUILD;
        self.shown.dispatch(Action::Ready(build));
        if !of_this_build {
            return self.lines.node.close(&Failure::Broke(say::other_build()));
        }
        let Some(election) = self.state.election.borrow().clone() else { return };
        // A link can carry relays: what they bring is verified like everything.
        for relay in browser::query("relay") {
            let _ = remembered::add_relay(&relay);
        }
        let open = NodeOrder::Open {
            election: election.to_string(),
            relays: remembered::relays(),
            mining: kept_wish(),
        };
        self.lines.node.send_first(&ToNode::Order(open));
        self.lines.node.opened();
        self.lines.connect();
        // The vote of a receipt's address: the node follows it, and casts it again if nobody has it.
        if let Some(vote) = browser::take_fragment("vote") {
            let id = browser::path().rsplit('/').next().unwrap_or_default().to_owned();
            let acknowledged = browser::handed_on(&id).unwrap_or_default();
            let (shown, asked) = (self.shown.clone(), self.ask(Watch { vote, acknowledged }));
            spawn_local(async move { shown.dispatch(Action::Watched(asked.await)) });
        }
        self.ask_persistence();
    }

    fn happened(&self, event: NodeEvent) {
        match &event {
            NodeEvent::Status(status) => {
                self.state.restarts.set(0);
                if status.relays.iter().any(|relay| relay.connected) {
                    browser::settled();
                }
                if let Some(election) = &*self.state.election.borrow() {
                    remembered::state(election, status);
                }
            }
            NodeEvent::Searching(_)
            | NodeEvent::Opened(_)
            | NodeEvent::Failed(_)
            | NodeEvent::Tally(_)
            | NodeEvent::Receipts(_) => {}
        }
        let opened = matches!(event, NodeEvent::Opened(_));
        self.shown.dispatch(Action::Node(event));
        if let Some(election) = self.shown.model().election().filter(|_| opened) {
            remembered::opened(election);
        }
    }

    /// Starts the worker again, from what is stored.
    fn broke(&self, why: Message) {
        if self.state.restarting.replace(true) {
            return;
        }
        let restarts = self.state.restarts.get() + 1;
        self.state.restarts.set(restarts);
        let given_up = restarts > MAX_RESTARTS;
        self.state.ready_by.replace(None);
        self.lines.node.close(&Failure::Broke(why.clone()));
        self.lines.disconnect();
        self.shown.dispatch(Action::Broke(why, given_up));
        if !given_up {
            let worker = self.clone();
            Timeout::new(RESTART_AFTER_MS, move || {
                worker.state.restarting.set(false);
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
            let answer = JsFuture::from(asked).await;
            let persisted = answer.ok().and_then(|answer| answer.as_bool()).unwrap_or(false);
            worker.order(NodeOrder::Persisted(persisted));
        });
    }
}
