//! The paper: what is chosen, by what right, and casting.

use std::rc::Rc;

use blockvote_core::crypto::secret::Passphrase;
use blockvote_words::{election::choosing, message::say};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::right::{self, By, Entry, Pick};
use crate::{
    page::{
        browser,
        choosing::{Chosen, NotYet},
        components::{
            ballot,
            notice::{failure_words, notice},
        },
        hooks::{Asking, Page, use_asking, use_model, use_page},
        model::{Action, Casting, OpenElection},
        remembered::{self, OwnKey, Paper as Begun},
        words::t,
    },
    shared::{
        asking::{Failure, Pending},
        messages::{Cast, CastByKey, CheckRight, Right, ToolsOrder, millis},
        views::RightView,
        worker::now,
    },
};

/// Follows what becomes of a vote.
fn follow(page: &Page, stored: Pending<String>) {
    let (shown, since) = (page.shown.clone(), millis(now()));
    shown.dispatch(Action::Casting(Casting::Sent));
    spawn_local(async move {
        shown.dispatch(Action::Casting(match stored.await {
            Ok(id) => Casting::Done(id),
            Err(failure) => Casting::Failed(failure, since),
        }));
    });
}

/// Casts; a key is opened by the tools worker.
fn cast(
    page: &Page,
    right: &Right,
    key: Option<(OwnKey, Option<Passphrase>)>,
    selections: Vec<String>,
    change: bool,
) {
    if let (Right::Key { .. }, Some((key, passphrase))) = (right, key) {
        let vote = CastByKey { file: key.file.into(), passphrase, selections, change };
        return follow(page, page.workers.tools().ask(vote));
    }
    if let Right::Code(code) = right {
        page.shown.dispatch(Action::Used(code.as_str().to_owned()));
    }
    follow(page, page.workers.node().ask(Cast { right: right.clone(), selections, change }));
}

/// What the node says of the right: asked whenever another one is typed, and when what the answer
/// depends on changes: the chain, the pending votes, and whether others may have more.
#[hook]
fn use_right(right: &Result<Right, String>) -> Asking<RightView> {
    let page = use_page();
    let asking = use_asking::<RightView>();
    let moment = use_model(|model| {
        model.status.as_ref().map(|status| {
            let others = (status.peers, status.syncing_to, status.sure);
            (status.tip.clone(), status.pending, others)
        })
    });
    {
        let asking = asking.clone();
        use_effect_with((right.clone(), moment), move |(right, _)| {
            if let Ok(right) = right {
                asking.refresh(page.workers.node().ask(CheckRight(right.clone())));
            }
        });
    }
    asking
}

/// What this tab kept of a paper that was begun, kept up to date.
#[hook]
fn use_begun(election: &OpenElection) -> (UseStateHandle<Chosen>, UseStateHandle<String>) {
    let link_code = use_model(|model| Rc::clone(&model.link_code));
    let begun = use_memo((), |()| {
        let begun = remembered::paper(&election.id);
        begun.filter(|paper| paper.link_code == *link_code).unwrap_or_else(|| {
            let by_code = By::of(&election.definition) == By::Code;
            let typed = if by_code { link_code.to_string() } else { String::new() };
            Begun { link_code: link_code.to_string(), typed, chosen: Chosen::default() }
        })
    });
    let chosen = use_state(|| begun.chosen.clone());
    let typed = use_state(|| begun.typed.clone());
    let paper = Begun {
        link_code: link_code.to_string(),
        typed: (*typed).clone(),
        chosen: (*chosen).clone(),
    };
    use_effect_with((paper, election.id.clone()), |(paper, election)| {
        remembered::keep_paper(election, paper);
    });
    (chosen, typed)
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub election: Rc<OpenElection>,
}

#[component]
pub fn Paper(props: &Props) -> Html {
    let page = use_page();
    let definition = &props.election.definition;
    let by = By::of(definition);
    let (chosen, typed) = use_begun(&props.election);
    let (casting, from_link, offered, broken) = use_model(|model| {
        let offered: Vec<_> =
            model.tally.ranked().into_iter().map(|(words, _)| words.to_owned()).collect();
        (model.casting.clone(), !model.link_code.is_empty(), offered, model.broken.is_some())
    });
    let passphrase = use_state(String::new);
    let tried = use_state(|| false);
    let keys = use_memo((), |()| remembered::keys());
    let pick = Pick { picked: use_state(|| 0_usize), by_hand: use_state(|| false) };
    let key = keys.get(*pick.picked);
    let right = right::read(definition, &typed, key);
    let asking = use_right(&right);
    {
        // A key is opened there.
        let workers = page.workers.clone();
        use_effect_with(by == By::OwnKey, move |by_key| {
            if *by_key {
                workers.tools().order(ToolsOrder::Hello);
            }
        });
    }
    let quiet = typed.is_empty() && by != By::OwnKey && !*tried;
    let entry = Entry::new(right, asking.asked(), quiet);
    {
        // Of several keys, the one that is on the roll, unless the voter picked another.
        let lost = entry.view.as_ref().is_some_and(|view| view.token.is_none());
        let next = *pick.picked + 1;
        let advance = lost && by == By::OwnKey && !*pick.by_hand && next < keys.len();
        let picked = pick.picked.clone();
        use_effect_with((advance, next), move |(advance, next)| {
            if *advance {
                picked.set(*next);
            }
        });
    }
    let change = entry.view.as_ref().is_some_and(|view| view.voted.is_some());
    let needs_passphrase = key.is_some_and(|key| key.locked)
        && entry.view.as_ref().is_some_and(|view| view.problem.is_none());
    let lacks_passphrase = needs_passphrase && passphrase.is_empty();
    let ballot = chosen.ballot(definition);
    let wrong = ballot.as_ref().err().filter(|_| *tried).map(|error| match error {
        NotYet::Nothing => t(say::choose_first()),
        NotYet::Refused(error) => choosing(error),
    });
    let sending = casting == Casting::Sent;
    let onsubmit = {
        let (page, election, tried) = (page.clone(), props.election.clone(), tried.clone());
        let (chosen, right, may_cast) = (chosen.clone(), entry.right.clone(), ballot.is_ok());
        let key = key.cloned().map(|key| (key, Passphrase::typed((*passphrase).clone())));
        let blocked = entry.is_bad() || lacks_passphrase;
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            let definition = &election.definition;
            match &right {
                _ if !may_cast => {
                    let free = definition.choices.is_empty();
                    browser::focus(if free { "selection" } else { "choice-0" });
                }
                Ok(right) if !blocked => {
                    cast(&page, right, key.clone(), chosen.selections(definition), change);
                }
                Ok(_) | Err(_) => browser::focus(by.field(lacks_passphrase)),
            }
        }
    };
    let button = match (sending, change) {
        (true, _) => say::storing(),
        (false, false) => say::cast_your_vote(),
        (false, true) => say::change_your_vote(),
    };
    let token = entry.view.as_ref().and_then(|view| view.token);
    html! {
        <form class="sheet" {onsubmit} novalidate=true>
            { ballot::html(definition, &chosen, wrong.as_deref(), &offered) }
            { match by {
                By::Number => right::token_field(&typed, &entry),
                By::Code => right::code_field(&typed, &entry, from_link),
                By::OwnKey => right::key_field(&keys, &pick, &passphrase, needs_passphrase, *tried, &entry),
            } }
            { not_cast(&casting) }
            <div class="stack tight">
                <div><button class="button primary" disabled={sending || broken} data-testid="cast">{ t(button) }</button></div>
                <small>{ ballot::may_change(definition) }</small>
                <details>
                    <summary>{ t(say::how_it_works()) }</summary>
                    <ul class="small-print">
                        for rule in ballot::rules(definition) { <li>{ rule }</li> }
                        if let Some(token) = token { <li data-testid="listed-as">{ t(say::how_you_are_listed(token.to_string())) }</li> }
                    </ul>
                </details>
            </div>
        </form>
    }
}

/// Why the vote was not cast, or that nobody knows whether it was.
fn not_cast(casting: &Casting) -> Html {
    let words = match casting {
        Casting::Failed(failure @ Failure::Refused(_), _) => {
            t(say::not_cast(failure_words(failure)))
        }
        Casting::Failed(failure, _) => failure_words(failure),
        Casting::Idle | Casting::Again | Casting::Sent | Casting::Done(_) => {
            return Html::default();
        }
    };
    html! { <div role="alert" data-testid="refused">{ notice("bad", words) }</div> }
}
