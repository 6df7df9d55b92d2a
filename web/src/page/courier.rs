//! Votes that nobody has confirmed, of elections other than the one that is open: any page of this address
//! sends them, so that a voter need not find the right one again.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::Timeout;

use super::{remembered, workers::kept_wish};
use crate::shared::{
    messages::{FromWorker, MiningWish, NodeEvent, NodeOrder, ToNode},
    worker::Child,
};

/// Time for each; the next visit goes on.
const FOR_MS: u32 = 120_000;
/// After the page itself has what it needs.
const AFTER_MS: u32 = 3_000;

/// Sends what waits, in elections other than this one.
pub fn start(open: Option<&str>) {
    for election in remembered::waiting().into_iter().filter(|id| Some(id.as_str()) != open) {
        let election: Rc<str> = election.into();
        Timeout::new(AFTER_MS, move || send(&election)).forget();
    }
}

/// Runs the node of an election until its votes are confirmed.
fn send(election: &Rc<str>) {
    let worker: Rc<RefCell<Option<Child>>> = Rc::default();
    let ends = {
        let worker = Rc::clone(&worker);
        // Not from within one of its own messages.
        move || {
            let worker = Rc::clone(&worker);
            Timeout::new(0, move || drop(worker.borrow_mut().take())).forget();
        }
    };
    let heard = {
        let (worker, ends, election) = (Rc::clone(&worker), ends.clone(), Rc::clone(election));
        move |message: Result<FromWorker<NodeEvent>, String>| match message {
            Ok(FromWorker::Ready { .. }) => {
                let mining = MiningWish { on: false, ..kept_wish() };
                let (election, relays) = (election.to_string(), remembered::relays());
                if let Some(worker) = &*worker.borrow() {
                    let open = NodeOrder::Open { election, relays, mining };
                    worker.send(&ToNode::Order(open));
                }
            }
            Ok(FromWorker::Event(NodeEvent::Receipts(receipts))) => {
                let waits = receipts.iter().any(|it| it.cast.is_some() && !it.standing.may_leave());
                if !waits {
                    remembered::waits(&election, false);
                    ends();
                }
            }
            Ok(FromWorker::Event(NodeEvent::Failed(_)) | FromWorker::Fatal(_)) | Err(_) => ends(),
            Ok(
                FromWorker::Reply(..)
                | FromWorker::Event(
                    NodeEvent::Searching(_)
                    | NodeEvent::Opened(_)
                    | NodeEvent::Status(_)
                    | NodeEvent::Tally(_),
                ),
            ) => {}
        }
    };
    *worker.borrow_mut() = Child::spawn("node-worker", heard).ok();
    Timeout::new(FOR_MS, ends).forget();
}
