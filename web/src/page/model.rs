//! What the page knows, and how each message of the worker changes it.

use std::rc::Rc;

use blockvote_core::tally::Tally;
use yew::prelude::*;

use crate::messages::{
    BUILD, BlockSummary, BlockView, ElectionView, FromNode, ReceiptView, Status, VerifyView,
};

/// How far the election is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// The worker starts.
    #[default]
    Starting,
    /// Peers are asked for the definition.
    Searching,
    /// It is open.
    Open(Rc<ElectionView>),
    /// It cannot be.
    Failed(String),
}

/// A vote on its way into the node.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cast {
    /// Nothing under way.
    #[default]
    Idle,
    /// The worker has it.
    Sent,
    /// It was not taken, and why.
    Refused(String),
    /// It is stored; its id.
    Done(String),
}

/// A vote that is looked up by its id.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Lookup {
    /// No answer yet.
    #[default]
    Asked,
    /// It is not known here.
    Missing,
    /// It is.
    Found(Rc<ReceiptView>),
}

/// Everything the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub phase: Phase,
    pub status: Option<Rc<Status>>,
    pub tally: Rc<Tally>,
    pub receipts: Rc<Vec<ReceiptView>>,
    pub cast: Cast,
    /// Token asked about, and what is wrong with it.
    pub token: Option<(u64, Option<String>)>,
    pub blocks: Rc<Vec<BlockSummary>>,
    pub block: Option<Rc<BlockView>>,
    pub verify: Option<Rc<VerifyView>>,
    pub lookup: Lookup,
    /// The worker broke, and what it said.
    pub broken: Option<String>,
    /// It broke too often to be started once more.
    pub given_up: bool,
    /// A verification is under way.
    pub verifying: bool,
    /// Page and worker are of different builds.
    pub stale: bool,
}

/// What can happen to the page.
pub enum Action {
    /// The worker said something.
    Heard(Box<FromNode>),
    /// The worker broke; whether it was once too often.
    Broke(String, bool),
    /// A vote was handed to the worker.
    CastSent,
    /// The voter begins anew.
    CastAgain,
    /// A block was closed.
    CloseBlock,
    /// A verification was asked for.
    VerifySent,
    /// A vote is looked up.
    FindSent,
}

impl Reducible for Model {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut model = (*self).clone();
        match action {
            Action::Heard(message) => model.hear(*message),
            Action::Broke(why, given_up) => {
                (model.broken, model.given_up) = (Some(why), given_up);
                (model.status, model.verifying) = (None, false);
                if model.cast == Cast::Sent {
                    // Whether it was stored shows when the worker is back.
                    model.cast = Cast::Idle;
                }
            }
            Action::CastSent => model.cast = Cast::Sent,
            Action::CastAgain => (model.cast, model.token) = (Cast::Idle, None),
            Action::CloseBlock => model.block = None,
            Action::VerifySent => (model.verify, model.verifying) = (None, true),
            Action::FindSent => model.lookup = Lookup::Asked,
        }
        model.into()
    }
}

impl Model {
    fn hear(&mut self, message: FromNode) {
        match message {
            FromNode::Ready { build } => self.stale = build != BUILD,
            FromNode::Searching => self.phase = Phase::Searching,
            FromNode::Opened(election) => {
                self.phase = Phase::Open(Rc::from(election));
                self.broken = None;
            }
            FromNode::Failed(why) => self.phase = Phase::Failed(why),
            FromNode::Status(status) => self.status = Some(Rc::from(status)),
            FromNode::Tally(tally) => self.tally = Rc::new(tally),
            FromNode::Receipts(receipts) => {
                if *self.receipts != receipts {
                    self.receipts = Rc::new(receipts);
                }
            }
            FromNode::CastDone(id) => self.cast = Cast::Done(id),
            FromNode::CastRefused(why) => self.cast = Cast::Refused(why),
            FromNode::Token { token, problem } => self.token = Some((token, problem)),
            FromNode::Blocks(blocks) => self.blocks = Rc::new(blocks),
            FromNode::Block(block) => self.block = Some(Rc::from(block)),
            FromNode::Verify(view) => {
                self.verifying = !view.done;
                self.verify = Some(Rc::from(view));
            }
            FromNode::Found(Some(receipt)) => self.lookup = Lookup::Found(Rc::new(receipt)),
            FromNode::Found(None) => self.lookup = Lookup::Missing,
            // The app deals with these before they come here.
            FromNode::Exported(_) | FromNode::Fatal(_) => {}
        }
    }

    /// The election, once it is open.
    pub fn election(&self) -> Option<&Rc<ElectionView>> {
        match &self.phase {
            Phase::Open(election) => Some(election),
            _ => None,
        }
    }
}

/// What every screen gets: the model, and a way to speak to the worker.
#[derive(Clone, PartialEq)]
pub struct Shared {
    pub model: UseReducerHandle<Model>,
    pub send: Callback<crate::messages::ToNode>,
}

/// The shared context; screens stand inside the app.
#[hook]
pub fn use_shared() -> Shared {
    use_context::<Shared>().unwrap_or_else(|| unreachable!("screens stand inside the app"))
}
