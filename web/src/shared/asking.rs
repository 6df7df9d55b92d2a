//! Asking a worker, and getting its answer.
//!
//! A question has a number, and its answer completes a future. Invariant: nothing waits for ever. A
//! question ends with the answer, or with a [`Failure`] where the worker refuses, breaks, goes, or is
//! silent for longer than the question's patience. What answers nothing is an order or an event.

use std::{cell::RefCell, collections::BTreeMap, marker::PhantomData, pin::Pin, rc::Rc};

use blockvote_words::message::{Message, say};
use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use js_sys::Array;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

use super::{
    messages::{FromWorker, Replied},
    worker::{decode, encode},
};

/// A worker that is not there yet: its script and WebAssembly may still come, over a slow line.
pub const READY_WITHIN_MS: u32 = 50_000;

/// Something that can be asked of a worker.
pub trait Question: Sized + 'static {
    /// All that can be asked of the same worker.
    type All: Serialize;
    /// The answer.
    type Answer: Serialize + DeserializeOwned + 'static;
    /// What is said before the answer.
    type Progress: Serialize + DeserializeOwned + 'static;
    /// The longest silence, in milliseconds.
    const PATIENCE_MS: u32;

    /// The question under its number.
    fn numbered(self, number: u32) -> Self::All;
}

/// Makes the enum of all questions for one worker, and says for each its answer, what is said
/// before that, and how long silence may last.
macro_rules! asks {
    (
        $(#[$all_doc:meta])* $all:ident:
        $($(#[$doc:meta])* $name:ident -> $answer:ty, $progress:ty, $patience:expr;)*
    ) => {
        $(#[$all_doc])*
        #[derive(Debug, Serialize, Deserialize)]
        pub enum $all {
            $($(#[$doc])* $name(u32, $name),)*
        }

        impl $all {
            /// The question's number.
            pub fn number(&self) -> u32 {
                match self {
                    $(Self::$name(number, _) => *number,)*
                }
            }
        }

        $(impl Question for $name {
            type All = $all;
            type Answer = $answer;
            type Progress = $progress;
            const PATIENCE_MS: u32 = $patience;

            fn numbered(self, number: u32) -> $all {
                $all::$name(number, self)
            }
        })*
    };
}
pub(crate) use asks;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// It could not be done, and why.
    Refused(Message),
    /// The worker broke or went, and how: whether it was done is not known.
    Broke(Message),
    /// The worker was silent for too long: whether it was done is not known.
    Silent,
}

/// What came of a question.
pub type Answered<Q> = Result<<Q as Question>::Answer, Failure>;

/// What is to come of a question: one type for all questions with the same answer, as each type of
/// future makes the page bigger.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

type Post = Box<dyn Fn(&JsValue, &Array)>;
type Watch = Rc<dyn Fn(JsValue)>;
type Answer = oneshot::Receiver<Result<JsValue, Failure>>;

struct Waiting {
    sender: oneshot::Sender<Result<JsValue, Failure>>,
    watch: Option<Watch>,
    patience: u32,
    timer: Timeout,
}

#[derive(Default)]
struct State {
    post: Option<Post>,
    ready: bool,
    /// What is to be sent once the worker is ready, with the number of a question.
    queue: Vec<(Option<u32>, JsValue, Array)>,
    waiting: BTreeMap<u32, Waiting>,
    asked: u32,
}

/// The way to a worker: what is said before it is ready waits, as it would be lost.
#[derive(Clone, Default)]
pub struct Line(Rc<RefCell<State>>);

impl Line {
    /// Has what is said go this way from now on, once [`Line::opened`] was called.
    pub fn attach(&self, post: impl Fn(&JsValue, &Array) + 'static) {
        let mut state = self.0.borrow_mut();
        state.post = Some(Box::new(post));
        state.ready = false;
    }

    /// Whether the worker is ready.
    pub fn is_open(&self) -> bool {
        self.0.borrow().ready
    }

    /// Says something before all that waits: the worker is about to be [`Line::opened`].
    pub fn send_first(&self, message: &impl Serialize) {
        let state = self.0.borrow();
        if let (Some(post), Ok(message)) = (&state.post, encode(message)) {
            post(&message, &Array::new());
        }
    }

    /// The worker is ready: it gets what waits.
    pub fn opened(&self) {
        let queue = {
            let mut state = self.0.borrow_mut();
            state.ready = true;
            std::mem::take(&mut state.queue)
        };
        for (question, message, transfer) in queue {
            self.pass(question, message, transfer);
        }
    }

    /// The worker is gone: what it was asked fails, and is not asked of the next one.
    pub fn close(&self, why: &Failure) {
        let waiting = {
            let mut state = self.0.borrow_mut();
            (state.post, state.ready) = (None, false);
            state.queue.clear();
            std::mem::take(&mut state.waiting)
        };
        for (_, question) in waiting {
            let _ = question.sender.send(Err(why.clone()));
        }
    }

    fn pass(&self, question: Option<u32>, message: JsValue, transfer: Array) {
        let mut state = self.0.borrow_mut();
        match &state.post {
            Some(post) if state.ready => post(&message, &transfer),
            Some(_) | None => state.queue.push((question, message, transfer)),
        }
    }

    /// Sends a message that has no answer, with what it transfers.
    pub fn send(&self, message: &impl Serialize, transfer: Array) {
        match encode(message) {
            Ok(message) => self.pass(None, message, transfer),
            Err(error) => web_sys::console::error_1(&error),
        }
    }

    /// Asks; `wrap` makes the message of the numbered question, `watch` gets what is said before the
    /// answer.
    ///
    /// # Errors
    /// The future ends with a [`Failure`] where there is no answer.
    pub fn ask<Q: Question, M: Serialize>(
        &self,
        question: Q,
        wrap: impl FnOnce(Q::All) -> M,
        watch: Option<Rc<dyn Fn(Q::Progress)>>,
    ) -> Pending<Q::Answer> {
        let watch = watch.map(|watch| {
            Rc::new(move |progress| decode(progress).map(&*watch).unwrap_or_default()) as Watch
        });
        let (number, answer) = self.wait(Q::PATIENCE_MS, watch);
        match encode(&wrap(question.numbered(number))) {
            Ok(message) => self.pass(Some(number), message, Array::new()),
            Err(error) => web_sys::console::error_1(&error),
        }
        decoded(answer)
    }

    /// A number for a question, and the end at which its answer comes.
    fn wait(&self, patience: u32, watch: Option<Watch>) -> (u32, Answer) {
        let (sender, answer) = oneshot::channel();
        let mut state = self.0.borrow_mut();
        state.asked = state.asked.wrapping_add(1);
        let number = state.asked;
        let timer = self.timer(number, if state.ready { patience } else { READY_WITHIN_MS });
        state.waiting.insert(number, Waiting { sender, watch, patience, timer });
        (number, answer)
    }

    fn timer(&self, number: u32, patience: u32) -> Timeout {
        let line = self.clone();
        Timeout::new(patience, move || line.end(number, Err(Failure::Silent)))
    }

    /// A question ends. One that was not sent yet is not sent any more: whoever asked has been told
    /// that nothing came of it.
    fn end(&self, number: u32, answer: Result<JsValue, Failure>) {
        let waiting = {
            let mut state = self.0.borrow_mut();
            state.queue.retain(|(question, ..)| *question != Some(number));
            state.waiting.remove(&number)
        };
        if let Some(Waiting { sender, .. }) = waiting {
            let _ = sender.send(answer);
        }
    }

    fn progress(&self, number: u32, progress: JsValue) {
        let watch = {
            let mut state = self.0.borrow_mut();
            let Some(waiting) = state.waiting.get_mut(&number) else { return };
            waiting.timer = self.timer(number, waiting.patience);
            waiting.watch.clone()
        };
        if let Some(watch) = watch {
            watch(progress);
        }
    }

    /// Takes what a worker says of a question.
    pub fn hear(&self, number: u32, said: Replied) {
        match said {
            Replied::Answer(answer) => self.end(number, Ok(answer)),
            Replied::Refused(why) => self.end(number, Err(Failure::Refused(why))),
            Replied::Progress(progress) => self.progress(number, progress),
        }
    }
}

fn decoded<T: DeserializeOwned + 'static>(answer: Answer) -> Pending<T> {
    Box::pin(async move {
        let answer = answer.await.unwrap_or(Err(Failure::Silent))?;
        decode(answer).map_err(|error| Failure::Broke(say::as_said(error)))
    })
}

/// Whoever asked: the page, or another worker at the other end of a port.
#[derive(Clone)]
pub struct Asker(Rc<dyn Fn(&JsValue)>);

impl Asker {
    /// Answers go this way.
    pub fn new(post: impl Fn(&JsValue) + 'static) -> Self {
        Self(Rc::new(post))
    }

    fn say(&self, number: u32, said: Replied) {
        match encode(&FromWorker::<()>::Reply(number, said)) {
            Ok(message) => (self.0)(&message),
            Err(error) => web_sys::console::error_1(&error),
        }
    }

    /// The question of this number will not be answered, and why.
    pub fn refuse(&self, number: u32, why: Message) {
        self.say(number, Replied::Refused(why));
    }

    /// The right and duty to answer the question of this number.
    pub fn reply<Q: Question>(&self, number: u32) -> Reply<Q> {
        Reply { number, asker: Some(self.clone()), question: PhantomData }
    }
}

/// The right and duty to answer a question: one that is dropped refuses.
pub struct Reply<Q: Question> {
    number: u32,
    asker: Option<Asker>,
    question: PhantomData<Q>,
}

impl<Q: Question> Reply<Q> {
    /// Says how far the answer is.
    pub fn progress(&self, progress: &Q::Progress) {
        if let (Some(asker), Ok(progress)) = (&self.asker, encode(progress)) {
            asker.say(self.number, Replied::Progress(progress));
        }
    }

    /// Answers, or says why not.
    pub fn end(mut self, answer: Result<Q::Answer, Message>) {
        let Some(asker) = self.asker.take() else { return };
        let encoded = answer.and_then(|answer| encode(&answer).map_err(|_| say::no_form()));
        match encoded {
            Ok(answer) => asker.say(self.number, Replied::Answer(answer)),
            Err(why) => asker.refuse(self.number, why),
        }
    }
}

impl<Q: Question> Drop for Reply<Q> {
    fn drop(&mut self) {
        if let Some(asker) = self.asker.take() {
            asker.refuse(self.number, say::broken_off());
        }
    }
}
