//! The way to the node worker: what it is asked holds keys and votes, which the page need not read.

use std::cell::RefCell;

use blockvote_words::message::{Message, say};
use web_sys::MessagePort;

use crate::shared::{
    asking::{Failure, Line, Question},
    messages::{FromWorker, NodeAsk},
    worker::PortEnd,
};

#[derive(Default)]
struct Way {
    line: Line,
    end: Option<PortEnd>,
}

thread_local! {
    static NODE: RefCell<Way> = RefCell::default();
}

/// The node worker is at this port from now on, or nowhere.
pub fn reach(port: Option<MessagePort>) {
    let (line, before) = NODE.with_borrow_mut(|way| (way.line.clone(), way.end.take()));
    // What was asked before there was a way is asked now.
    if before.is_some() || port.is_none() {
        line.close(&Failure::Broke(say::worker_again()));
    }
    let Some(port) = port else { return };
    let heard = line.clone();
    let end = PortEnd::listen(port, move |message: FromWorker<()>| match message {
        FromWorker::Reply(number, said) => heard.hear(number, said),
        // These go to whoever started the node worker, not through the port.
        FromWorker::Ready { .. } | FromWorker::Event(()) | FromWorker::Fatal(_) => {}
    });
    let post = end.post();
    line.attach(move |message, _| post(message));
    line.opened();
    NODE.with_borrow_mut(|way| way.end = Some(end));
}

/// Asks the node worker.
///
/// # Errors
/// Why there is no answer.
pub async fn ask<Q: Question<All = NodeAsk>>(question: Q) -> Result<Q::Answer, Message> {
    let line = NODE.with_borrow(|way| way.line.clone());
    line.ask(question, |question| question, None).await.map_err(|failure| match failure {
        Failure::Refused(why) => why,
        Failure::Broke(why) => say::node_broke(why),
        Failure::Silent => say::node_silent(),
    })
}
