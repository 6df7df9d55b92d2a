//! What screens and components are given: parts of the model, the workers, and what came of questions.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{
    addresses, browser,
    model::{Model, OpenElection},
    remembered,
    shown::Shown,
    workers::Workers,
};
use crate::shared::{
    asking::{Failure, Pending},
    messages::{ShortAddressOf, ToolsOrder},
};

/// What everything on the page can reach. It never changes, so nothing is drawn again for it.
#[derive(Clone, PartialEq)]
pub struct Page {
    /// The model.
    pub shown: Shown,
    /// The workers.
    pub workers: Workers,
}

/// Changes twice a minute: times such as "in 3 days" go on by themselves, and hours end.
#[derive(Clone, Copy, PartialEq)]
pub struct HalfMinute(pub u32);

/// The page; everything stands inside the app.
#[hook]
pub fn use_page() -> Page {
    use_context::<Page>().unwrap_or_else(|| unreachable!("screens stand inside the app"))
}

/// The workers.
#[hook]
pub fn use_workers() -> Workers {
    use_page().workers
}

/// The same for screens with tools: their worker is there before the first is wanted, which may be
/// when the relay is away.
#[hook]
pub fn use_tools() -> Workers {
    let workers = use_workers();
    let tools = workers.clone();
    use_effect_with((), move |()| tools.tools().order(ToolsOrder::Hello));
    workers
}

/// Has whoever calls it drawn again twice a minute.
#[hook]
pub fn use_clock() {
    use_context::<HalfMinute>();
}

/// A part of the model: whoever calls it is drawn again when that part changes, and at no other
/// change.
#[hook]
pub fn use_model<T, F>(select: F) -> T
where
    T: Clone + PartialEq + 'static,
    F: Fn(&Model) -> T + 'static,
{
    let shown = use_page().shown;
    let value = select(&shown.model());
    let drawn = RefCell::new(value.clone());
    use_changes(Box::new(move |model| {
        let now = select(model);
        let changed = *drawn.borrow() != now;
        drawn.replace(now);
        changed
    }));
    value
}

/// Returns whether what was drawn has changed.
type Changed = Box<dyn Fn(&Model) -> bool>;

/// Has whoever calls it drawn again when it has changed. One for all types: each would make the page
/// bigger.
#[hook]
fn use_changes(changed: Changed) {
    let shown = use_page().shown;
    let latest = use_mut_ref(|| None::<Changed>);
    latest.replace(Some(changed));
    let update = use_force_update();
    use_effect_with(shown, move |shown| {
        let look = move |model: &Model| {
            if latest.borrow().as_ref().is_some_and(|changed| changed(model)) {
                update.force_update();
            }
        };
        // It may have changed since it was drawn.
        look(&shown.model());
        let (shown, listener) = (shown.clone(), shown.listen(look));
        move || shown.forget(listener)
    });
}

/// The election, once it is open.
#[hook]
pub fn use_election() -> Option<Rc<OpenElection>> {
    use_model(|model| model.election().cloned())
}

/// Asks before the page is left while nobody else has a vote that was cast here, and remembers that.
#[hook]
pub fn use_unconfirmed(election: Option<String>) {
    let unconfirmed = use_model(|model| {
        let mut receipts = model.receipts.iter();
        receipts.any(|receipt| receipt.cast.is_some() && !receipt.standing.may_leave())
    });
    use_effect_with((unconfirmed, election), |(unconfirmed, election)| {
        browser::warn_on_leaving(*unconfirmed);
        if let Some(election) = election {
            remembered::waits(election, *unconfirmed);
        }
    });
}

/// What came of a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Asked<T> {
    /// Nothing was asked.
    #[default]
    Idle,
    /// No answer yet.
    Waiting,
    /// The answer.
    Answered(T),
    /// There is none.
    Failed(Failure),
}

impl<T> Asked<T> {
    /// The answer, once it is here.
    pub fn answer(&self) -> Option<&T> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Idle | Self::Waiting | Self::Failed(_) => None,
        }
    }

    /// Whether the answer is awaited.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting)
    }

    /// Why there is no answer.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Idle | Self::Waiting | Self::Answered(_) => None,
        }
    }
}

/// A place for what comes of questions, the last one's alone.
pub struct Asking<T: 'static> {
    state: UseStateHandle<Asked<T>>,
    /// Number of the last question.
    latest: Rc<RefCell<u32>>,
}

impl<T> Clone for Asking<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), latest: Rc::clone(&self.latest) }
    }
}

impl<T: PartialEq> PartialEq for Asking<T> {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl<T: Clone + 'static> Asking<T> {
    /// What came of the last question.
    pub fn asked(&self) -> &Asked<T> {
        &self.state
    }

    /// The number of another question.
    fn next(&self) -> u32 {
        let mut latest = self.latest.borrow_mut();
        *latest = latest.wrapping_add(1);
        *latest
    }

    /// Nothing is asked.
    pub fn clear(&self) {
        self.next();
        self.state.set(Asked::Idle);
    }

    /// Waits for this answer.
    pub fn wait(&self, answer: impl Future<Output = Result<T, Failure>> + 'static) {
        self.state.set(Asked::Waiting);
        self.refresh(Box::pin(answer));
    }

    /// Waits for this answer, with what was answered before shown meanwhile.
    pub fn refresh(&self, answer: Pending<T>) {
        let number = self.next();
        let place = self.clone();
        spawn_local(async move {
            let answer = answer.await;
            if *place.latest.borrow() == number {
                place.state.set(match answer {
                    Ok(answer) => Asked::Answered(answer),
                    Err(failure) => Asked::Failed(failure),
                });
            }
        });
    }
}

/// A place for what comes of questions.
#[hook]
pub fn use_asking<T: Clone + 'static>() -> Asking<T> {
    Asking { state: use_state(|| Asked::Idle), latest: use_mut_ref(|| 0) }
}

/// The short link of the open election, once it is known; nothing where no keeper could answer for it.
#[hook]
pub fn use_short_link() -> Option<String> {
    let workers = use_tools();
    let named = use_election().filter(|election| !election.definition.keepers.is_empty());
    let short = use_asking::<String>();
    {
        let short = short.clone();
        use_effect_with(named.map(|election| election.id.clone()), move |id| {
            if let Some(id) = id.clone() {
                short.refresh(workers.tools().ask(ShortAddressOf(id)));
            }
        });
    }
    let address = short.asked().answer()?;
    Some(addresses::short(&browser::origin(), address))
}
