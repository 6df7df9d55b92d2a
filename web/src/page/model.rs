//! What the page knows, and what each event changes in it. A pure function: no browser, no clock.

use std::rc::Rc;

use blockvote_core::{
    crypto::hash::ElectionId,
    election::{definition::Election, tally::Tally},
};
use blockvote_words::message::Message;

use crate::shared::{
    asking::{Answered, Failure},
    messages::{BUILD, FoundKeeper, NodeEvent, ToolsEvent, Watch, millis},
    views::{ReceiptView, SealView, Search, Status, VerifyView},
};

/// The election that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenElection {
    /// Its id, 64 hexadecimal digits.
    pub id: String,
    /// Its definition.
    pub definition: Election,
}

/// How far the election is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// The worker starts.
    #[default]
    Starting,
    /// Peers are asked for definition and roll.
    Searching(Search),
    /// It is open.
    Open(Rc<OpenElection>),
    /// It cannot be.
    Failed(Message),
}

/// A vote on its way into the node.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Casting {
    /// Nothing under way.
    #[default]
    Idle,
    /// The voter, who has voted here, wants the paper once more.
    Again,
    /// A worker has it.
    Sent,
    /// It was not taken, or nobody said whether it was: in milliseconds since 1970, when it was sent.
    Failed(Failure, f64),
    /// It is stored; its id.
    Done(String),
}

/// A verification, of the chain or of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Verification {
    /// None was asked for.
    #[default]
    Idle,
    /// It goes on: what is known so far.
    Running(Option<Rc<VerifyView>>),
    /// It is over.
    Done(Rc<VerifyView>),
    /// It could not be done.
    Failed(Failure),
}

impl Verification {
    /// What is known so far.
    pub fn view(&self) -> Option<&Rc<VerifyView>> {
        match self {
            Self::Running(view) => view.as_ref(),
            Self::Done(view) => Some(view),
            Self::Idle | Self::Failed(_) => None,
        }
    }
}

/// Elections that keepers have under a short address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundElections {
    /// Their ids.
    pub ids: Vec<String>,
    /// How many keepers answered.
    pub answered: usize,
}

/// Everything that the page knows of its workers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub phase: Phase,
    pub status: Option<Rc<Status>>,
    pub tally: Rc<Tally>,
    pub receipts: Rc<Vec<ReceiptView>>,
    pub casting: Casting,
    /// The voting code of the link that the page was opened with, and later the one that was used.
    pub link_code: Rc<str>,
    pub verification: Verification,
    /// The keepers that answered, once they were asked for.
    pub keepers: Option<Rc<Vec<FoundKeeper>>>,
    pub found: Rc<FoundElections>,
    /// Why the vote of a receipt's address is not followed.
    pub watch_failed: Option<Failure>,
    /// The node worker broke, and what it said.
    pub broken: Option<Message>,
    /// It broke too often to be started once more.
    pub given_up: bool,
    /// Page and a worker are of different builds.
    pub stale: bool,
}

/// What can happen to the page.
pub enum Action {
    /// The node worker said something by itself.
    Node(NodeEvent),
    /// The tools worker did.
    Tools(ToolsEvent),
    /// A worker is ready; its build.
    Ready(String),
    /// The node worker broke; whether it was once too often.
    Broke(Message, bool),
    /// A vote goes on its way, or what became of it.
    Casting(Casting),
    /// The voter begins again: with the same code, to change the vote, or with none.
    CastAgain {
        /// Whether the code stays.
        keep_code: bool,
    },
    /// The code that a vote was cast with, kept on this page while it may be used again.
    Used(String),
    /// A verification goes on, or what became of it.
    Verification(Verification),
    /// What became of following the vote of a receipt's address.
    Watched(Answered<Watch>),
}

impl Model {
    /// Changes what the event changes.
    pub fn take(&mut self, action: Action) {
        match action {
            Action::Node(event) => self.node(event),
            Action::Tools(event) => self.tools(event),
            Action::Ready(build) => self.stale |= build != BUILD,
            Action::Broke(why, given_up) => {
                (self.broken, self.given_up, self.status) = (Some(why), given_up, None);
            }
            Action::Casting(casting) => self.casting = casting,
            Action::CastAgain { keep_code } => {
                self.casting = Casting::Again;
                if !keep_code {
                    self.link_code = "".into();
                }
            }
            Action::Used(code) => self.link_code = code.into(),
            Action::Verification(verification) => self.verification = verification,
            Action::Watched(watched) => self.watch_failed = watched.err(),
        }
    }

    fn node(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Searching(search) => self.phase = Phase::Searching(search),
            NodeEvent::Opened(definition) => match borsh::from_slice::<Election>(&definition) {
                Ok(definition) => {
                    let id = ElectionId::to_string(&definition.id());
                    self.phase = Phase::Open(Rc::new(OpenElection { id, definition }));
                    self.broken = None;
                }
                // A worker of another build: the page says so beside it.
                Err(_) => self.stale = true,
            },
            NodeEvent::Failed(why) => self.phase = Phase::Failed(why),
            NodeEvent::Status(status) => self.status = Some(Rc::from(status)),
            NodeEvent::Tally(tally) => self.tally = Rc::new(tally),
            NodeEvent::Receipts(receipts) => {
                if *self.receipts != receipts {
                    self.receipts = Rc::new(receipts);
                }
            }
        }
    }

    fn tools(&mut self, event: ToolsEvent) {
        match event {
            ToolsEvent::Keepers(keepers) => self.keepers = Some(Rc::new(keepers)),
            ToolsEvent::FoundElections { ids, answered } => {
                self.found = Rc::new(FoundElections { ids, answered });
            }
        }
    }

    /// The election, once it is open.
    pub fn election(&self) -> Option<&Rc<OpenElection>> {
        match &self.phase {
            Phase::Open(election) => Some(election),
            Phase::Starting | Phase::Searching(_) | Phase::Failed(_) => None,
        }
    }

    /// When votes are not taken any more, in milliseconds since 1970.
    pub fn closes(&self) -> Option<f64> {
        match &self.status {
            Some(status) => status.closes,
            None => self.election().and_then(|election| election.definition.closes).map(millis),
        }
    }

    /// What the organiser's seals come to.
    pub fn seal(&self) -> SealView {
        self.status.as_ref().map(|status| status.seal.clone()).unwrap_or_default()
    }

    /// What results and organisers are shown of the node's state. The rest of it changes all the time.
    pub fn figures(&self) -> Status {
        let Some(status) = &self.status else { return Status::default() };
        Status {
            height: status.height,
            tip: status.tip.clone(),
            votes: status.votes,
            voters: status.voters,
            pending: status.pending,
            closed_early: status.closed_early,
            seal: status.seal.clone(),
            double_votes: status.double_votes.clone(),
            double_vote_count: status.double_vote_count,
            ..Status::default()
        }
    }

    /// The receipt in place of the paper: of the vote that was cast a moment ago, or of the last one
    /// that was cast here, unless the voter wants the paper again or came with another code. `token`
    /// belongs to the code of the link, once that is known.
    pub fn shown_receipt(&self, token: Option<u64>) -> Option<&ReceiptView> {
        let mut receipts = self.receipts.iter();
        let of_code =
            |receipt: &&ReceiptView| self.link_code.is_empty() || token == Some(receipt.token);
        match &self.casting {
            Casting::Done(id) => receipts.find(|receipt| receipt.vote_id == *id),
            Casting::Idle => receipts.filter(of_code).find(|receipt| receipt.cast.is_some()),
            // Nobody said whether it was stored: here it shows.
            Casting::Failed(Failure::Broke(_) | Failure::Silent, since) => {
                receipts.find(|receipt| receipt.cast.is_some_and(|cast| cast >= *since))
            }
            Casting::Again | Casting::Sent | Casting::Failed(Failure::Refused(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use blockvote_core::audit::standing::Standing;
    use blockvote_words::message::say;

    use super::*;
    use crate::shared::views::ReceiptState;

    fn receipt(id: &str, token: u64, cast: Option<f64>) -> ReceiptView {
        ReceiptView {
            vote_id: id.into(),
            token,
            selection: "Yes".into(),
            cast,
            holders: 0,
            standing: Standing::Unconfirmed,
            state: ReceiptState::Pending,
            dropped: None,
            double_vote: false,
            bytes: String::new(),
        }
    }

    fn after(actions: impl IntoIterator<Item = Action>) -> Model {
        let mut model = Model::default();
        actions.into_iter().for_each(|action| model.take(action));
        model
    }

    fn shown(model: &Model, token: Option<u64>) -> Option<&str> {
        model.shown_receipt(token).map(|receipt| receipt.vote_id.as_str())
    }

    fn receipts() -> Action {
        let all = [receipt("b", 2, Some(20.0)), receipt("a", 1, Some(10.0)), receipt("c", 3, None)];
        Action::Node(NodeEvent::Receipts(all.to_vec()))
    }

    #[test]
    fn the_last_vote_cast_here_is_shown_until_the_voter_wants_the_paper() {
        assert_eq!(shown(&after([receipts()]), None), Some("b"));
        let again = after([receipts(), Action::CastAgain { keep_code: false }]);
        assert_eq!(shown(&again, None), None);
        let done = after([receipts(), Action::Casting(Casting::Done("a".into()))]);
        assert_eq!(shown(&done, None), Some("a"));
    }

    #[test]
    fn whoever_comes_with_a_code_sees_the_receipt_of_that_code_alone() {
        let model = after([receipts(), Action::Used("code".into())]);
        assert_eq!(shown(&model, None), None);
        assert_eq!(shown(&model, Some(1)), Some("a"));
        assert_eq!(shown(&model, Some(4)), None);
    }

    #[test]
    fn a_vote_of_which_nobody_said_whether_it_was_stored_shows_when_it_was() {
        let failed = |failure| after([receipts(), Action::Casting(Casting::Failed(failure, 15.0))]);
        assert_eq!(shown(&failed(Failure::Silent), None), Some("b"));
        assert_eq!(shown(&failed(Failure::Broke(say::page_left())), None), Some("b"));
        assert_eq!(shown(&failed(Failure::Refused(say::no_form())), None), None);
        let later = after([receipts(), Action::Casting(Casting::Failed(Failure::Silent, 30.0))]);
        assert_eq!(shown(&later, None), None);
    }

    #[test]
    fn a_worker_that_broke_leaves_what_is_known_but_its_state() {
        let status = || Action::Node(NodeEvent::Status(Box::default()));
        let broke = after([receipts(), status(), Action::Broke(say::worker_silent(), false)]);
        assert_eq!((broke.status.as_ref(), broke.receipts.len()), (None, 3));
        assert_eq!(broke.broken, Some(say::worker_silent()));
        let definition = Election::demo().encode();
        let mut back = broke;
        back.take(Action::Node(NodeEvent::Opened(definition)));
        assert_eq!(back.broken, None);
        assert_eq!(back.election().unwrap().id, Election::demo().id().to_string());
    }

    #[test]
    fn a_worker_of_another_build_is_noticed() {
        assert!(!after([Action::Ready(BUILD.into())]).stale);
        assert!(after([Action::Ready("another".into()), Action::Ready(BUILD.into())]).stale);
    }
}
