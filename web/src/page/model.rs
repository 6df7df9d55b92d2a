//! What the page knows, and how each message of the worker changes it.

use std::rc::Rc;

use blockvote_core::{
    crypto::secret::SecretText, custody::organiser::Draft, election::tally::Tally,
};
use yew::prelude::*;

use crate::messages::{
    BUILD, BlockSummary, BlockView, CodeRow, ElectionView, FoundKeeper, FromNode, FromTools,
    ReceiptView, RightView, Search, Status, ToNode, ToTools, VerifyView,
};

/// How far the election is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// The worker starts.
    #[default]
    Starting,
    /// Peers are asked for definition and roll.
    Searching(Search),
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
    /// The voter, who has voted here, wants the paper once more.
    Again,
    /// Its key is being opened.
    Opening,
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

/// How a tool's work goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tool {
    /// Nothing under way.
    #[default]
    Idle,
    /// It works: parts done, and all, where that is known.
    Busy(Option<(u32, u32)>),
    /// It is done.
    Done(String),
    /// It could not be done.
    Failed(String),
}

/// Everything the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub phase: Phase,
    pub status: Option<Rc<Status>>,
    pub tally: Rc<Tally>,
    pub receipts: Rc<Vec<ReceiptView>>,
    pub cast: Cast,
    /// The right asked about, and what can be done with it.
    pub right: Option<Rc<RightView>>,
    /// The voting code of the link that the page was opened with.
    pub link_code: Rc<str>,
    /// What a tool came to.
    pub tool: Tool,
    /// Voting codes of an organiser's file.
    pub codes: Rc<Vec<CodeRow>>,
    /// A key that was made or read: file, public half, whether it is locked.
    pub key: Option<(SecretText, String, bool)>,
    /// An organiser's file that was read: its election, and a draft of the same.
    pub organiser: Option<(String, Rc<Draft>)>,
    /// An election that was published here: its id and the organiser's file.
    pub published: Option<(String, SecretText)>,
    /// The keepers that answered, once they were asked for.
    pub keepers: Option<Rc<Vec<FoundKeeper>>>,
    /// Elections with the short address that is looked up.
    pub found: Rc<Vec<String>>,
    /// How many keepers answered for it.
    pub looked_up: usize,
    /// The short address of the election that is open.
    pub short: Option<Rc<str>>,
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
    /// The node worker said something.
    Heard(Box<FromNode>),
    /// The tools worker said something.
    HeardTools(Box<FromTools>),
    /// It handed on a message for the node worker.
    ForNode,
    /// It broke, and how.
    ToolsBroke(String),
    /// The worker broke; whether it was once too often.
    Broke(String, bool),
    /// The key that a vote is cast with was handed to the tools worker.
    KeySent,
    /// A vote was handed to the node worker.
    CastSent {
        /// The voting code, kept on this page while it may be used again.
        code: String,
    },
    /// The voter begins again.
    CastAgain {
        /// With the same code: to change the vote.
        keep_code: bool,
    },
    /// A block was closed.
    CloseBlock,
    /// A verification was asked for.
    VerifySent,
    /// What was verified is no answer to what is asked now.
    VerifyCleared,
    /// A vote is looked up.
    FindSent,
    /// A tool was asked for something.
    ToolSent,
    /// What a tool came to was seen.
    ToolSeen,
}

impl Reducible for Model {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut model = (*self).clone();
        match action {
            Action::Heard(message) => model.hear(*message),
            Action::HeardTools(message) => model.hear_tools(*message),
            Action::ForNode if model.cast == Cast::Opening => model.cast = Cast::Sent,
            Action::ForNode => {}
            Action::ToolsBroke(why) => model.tools_broke(&why),
            Action::KeySent => {
                model.cast = Cast::Opening;
                model.forget_failure();
            }
            Action::Broke(why, given_up) => {
                (model.broken, model.given_up) = (Some(why), given_up);
                (model.status, model.verifying) = (None, false);
                if model.tool == Tool::Busy(None) {
                    let words = "the part of this page that holds the chain broke off: look whether it is done, and try again";
                    model.tool = Tool::Failed(words.into());
                }
                if model.cast == Cast::Sent {
                    // Whether it was stored shows when the worker is back.
                    model.cast = Cast::Idle;
                }
            }
            Action::CastSent { code } => (model.cast, model.link_code) = (Cast::Sent, code.into()),
            Action::CastAgain { keep_code } => {
                (model.cast, model.right) = (Cast::Again, None);
                if !keep_code {
                    model.link_code = "".into();
                }
            }
            Action::ToolSent => {
                (model.tool, model.codes) = (Tool::Busy(None), Rc::default());
            }
            Action::ToolSeen => (model.tool, model.key, model.organiser) = (Tool::Idle, None, None),
            Action::CloseBlock => model.block = None,
            Action::VerifySent => {
                (model.verify, model.verifying) = (None, true);
                model.forget_failure();
            }
            Action::VerifyCleared => {
                model.verify = None;
                model.forget_failure();
            }
            Action::FindSent => model.lookup = Lookup::Asked,
        }
        model.into()
    }
}

impl Model {
    fn hear(&mut self, message: FromNode) {
        match message {
            FromNode::Ready { build } => self.stale |= build != BUILD,
            FromNode::Searching(search) => self.phase = Phase::Searching(search),
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
            FromNode::Right(view) => self.right = Some(Rc::from(view)),
            FromNode::ToolDone(words) => self.tool = Tool::Done(words),
            FromNode::ToolFailed(why) => self.tool = Tool::Failed(why),
            FromNode::Blocks(blocks) => self.blocks = Rc::new(blocks),
            FromNode::Block(block) => self.block = Some(Rc::from(block)),
            FromNode::Verify(view) => self.verification(view),
            FromNode::Found(Some(receipt)) => self.lookup = Lookup::Found(Rc::new(receipt)),
            FromNode::Found(None) => self.lookup = Lookup::Missing,
            // The worker's line deals with these before they come here.
            FromNode::Exported(_) | FromNode::Fatal(_) | FromNode::Receipt(_) => {}
        }
    }

    fn hear_tools(&mut self, message: FromTools) {
        match message {
            FromTools::Ready { build } if build != BUILD => self.stale = true,
            FromTools::KeyRefused(why) => self.cast = Cast::Refused(why),
            FromTools::Publishing(done, all) => self.tool = Tool::Busy(Some((done, all))),
            FromTools::Published { id, organiser } => {
                self.tool = Tool::Idle;
                self.published = Some((id, organiser));
            }
            FromTools::Codes(codes) => (self.tool, self.codes) = (Tool::Idle, Rc::new(codes)),
            FromTools::Organiser(id, draft) => {
                self.tool = Tool::Idle;
                self.organiser = Some((id, Rc::from(draft)));
            }
            FromTools::Key { file, public, locked } => {
                self.tool = Tool::Idle;
                self.key = Some((file, public, locked));
            }
            FromTools::Verify(view) => self.verification(view),
            FromTools::Keepers(keepers) => self.keepers = Some(Rc::new(keepers)),
            FromTools::FoundElections { ids, answered } => {
                (self.found, self.looked_up) = (Rc::new(ids), answered);
            }
            FromTools::ShortAddress(address) => self.short = Some(address.into()),
            FromTools::Failed(why) => {
                self.forget_verification();
                self.tool = Tool::Failed(why);
            }
            FromTools::Ready { .. } | FromTools::Save(..) => self.forget_failure(),
            // The worker's line deals with these before they come here.
            FromTools::ForNode(_) | FromTools::ReceiptRead { .. } | FromTools::Fatal(_) => {}
        }
    }

    /// What went wrong before says nothing of what is done now.
    fn forget_failure(&mut self) {
        if matches!(self.tool, Tool::Failed(_)) {
            self.tool = Tool::Idle;
        }
    }

    fn verification(&mut self, view: Box<VerifyView>) {
        self.verifying = !view.done;
        self.verify = Some(Rc::from(view));
    }

    /// The verification of a file has no end.
    fn forget_verification(&mut self) {
        let of_file = self.verify.as_ref().is_none_or(|view| view.file.is_some());
        if self.verifying && of_file {
            (self.verify, self.verifying) = (None, false);
        }
    }

    /// What the tools worker had to do is not done.
    fn tools_broke(&mut self, why: &str) {
        let words = format!(
            "the part of the page that works with files and keys broke ({why}): try again, or reload the page when its relay is back"
        );
        self.forget_verification();
        if self.cast == Cast::Opening {
            self.cast = Cast::Refused(words);
        } else {
            self.tool = Tool::Failed(words);
        }
    }

    /// When votes are not taken any more.
    pub fn closes(&self) -> Option<f64> {
        match &self.status {
            Some(status) => status.closes,
            None => self.election().and_then(|election| election.closes),
        }
    }

    /// The receipt that stands in place of the paper: of the vote that was cast a moment ago, or of the last
    /// one that was cast here, unless the voter wants the paper again or came with another code.
    pub fn shown_receipt(&self) -> Option<&ReceiptView> {
        let mut receipts = self.receipts.iter();
        if let Cast::Done(id) = &self.cast {
            return receipts.find(|receipt| receipt.vote_id == *id);
        }
        let token = self.right.as_ref().and_then(|view| view.token);
        let of_code =
            |receipt: &&ReceiptView| self.link_code.is_empty() || token == Some(receipt.token);
        let wanted = |receipt: &&ReceiptView| receipt.cast.is_some() && of_code(receipt);
        receipts.find(wanted).filter(|_| self.cast == Cast::Idle)
    }

    /// The election, once it is open.
    pub fn election(&self) -> Option<&Rc<ElectionView>> {
        match &self.phase {
            Phase::Open(election) => Some(election),
            _ => None,
        }
    }
}

/// What every screen gets: the model, and ways to speak to the workers.
#[derive(Clone, PartialEq)]
pub struct Shared {
    pub model: UseReducerHandle<Model>,
    pub send: Callback<ToNode>,
    pub tools: Callback<ToTools>,
    /// Changes twice a minute: times such as "in 3 days" go on by themselves, and hours end.
    pub half_minute: u32,
}

/// The shared context; screens stand inside the app.
#[hook]
pub fn use_shared() -> Shared {
    use_context::<Shared>().unwrap_or_else(|| unreachable!("screens stand inside the app"))
}

/// The same for screens with tools: their worker is there before the first is wanted, which may be
/// when the relay is away.
#[hook]
pub fn use_tools() -> Shared {
    let shared = use_shared();
    let tools = shared.tools.clone();
    use_effect_with((), move |()| tools.emit(ToTools::Hello));
    shared
}
