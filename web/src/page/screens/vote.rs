//! The ballot paper, and after casting the receipt in its place.

mod earlier;
mod paper;
mod right;

use std::rc::Rc;

use blockvote_core::{
    custody::voting_code::Code,
    election::{
        definition::{Counting, Credentials, Election, Eligibility},
        opening_hours::Hours,
    },
};
use blockvote_words::message::say;
use yew::prelude::*;

use self::{earlier::earlier, paper::Paper};
use crate::{
    page::{
        components::{
            notice::{failed, notice},
            receipt::Receipt,
            unopened::Unopened,
        },
        hooks::{use_asking, use_clock, use_election, use_model, use_page},
        model::{Action, Casting},
        remembered,
        words::{from_now, t, time},
    },
    shared::{
        asking::Failure,
        messages::{CheckRight, Right, millis, timestamp},
        views::{RightView, SealView},
        worker::now,
    },
};

fn hours_line(hours: Hours) -> String {
    let (at, away) = (|at| time(millis(at)), |at| from_now(millis(at)));
    t(match hours {
        Hours::Early(opens) => say::opens_at(at(opens), away(opens)),
        Hours::Open(Some(closes)) => say::closes_at(at(closes), away(closes)),
        Hours::Open(None) => say::no_closing_time(),
        Hours::Closed(closes) => say::closed_at(at(closes), away(closes)),
        Hours::Sealed => say::closed_and_sealed(),
    })
}

/// A description that is longer than this is folded: question and answer come first.
const MAX_DESCRIPTION: usize = 160;

fn description(text: &str) -> Html {
    match text.chars().count() {
        0 => Html::default(),
        1..=MAX_DESCRIPTION => html! { <p class="soft">{ text.to_owned() }</p> },
        _ => html! {
            <details><summary>{ t(say::details()) }</summary><p class="soft">{ text.to_owned() }</p></details>
        },
    }
}

/// The token of the code that the voter came with, once the node has said it.
#[hook]
fn use_token_of_code() -> Option<u64> {
    let page = use_page();
    let code = use_model(|model| Rc::clone(&model.link_code));
    let opened = use_election().is_some();
    let asking = use_asking::<RightView>();
    {
        let asking = asking.clone();
        use_effect_with((code, opened), move |(code, opened)| {
            let code = Code::parse(code).ok().filter(|_| *opened);
            match code {
                Some(code) => {
                    let right = Right::Code(code.to_string().into());
                    asking.refresh(page.workers.node().ask(CheckRight(right)));
                }
                None => asking.clear(),
            }
        });
    }
    asking.asked().answer().and_then(|view| view.token)
}

/// The screen.
#[component]
pub fn Vote() -> Html {
    use_clock();
    let shown = use_page().shown;
    let election = use_election();
    let token = use_token_of_code();
    let receipt = use_model(move |model| model.shown_receipt(token).cloned());
    let (casting, receipts) =
        use_model(|model| (model.casting.clone(), Rc::clone(&model.receipts)));
    let stored = matches!(casting, Casting::Done(_));
    use_effect_with((stored, election.clone()), |(stored, election)| {
        if let (true, Some(election)) = (stored, election) {
            remembered::forget_paper(&election.id);
        }
    });
    let (closes, sealed) =
        use_model(|model| (model.closes(), matches!(model.seal(), SealView::Sealed { .. })));
    let Some(election) = election else {
        return html! { <Unopened /> };
    };
    let definition = &election.definition;
    let hours = Hours::at(now(), definition.opens, closes.map(timestamp), sealed);
    let unsure = match &casting {
        Casting::Failed(failure @ (Failure::Broke(_) | Failure::Silent), _) => Some(failure),
        _ => None,
    };
    let shown_id = receipt.as_ref().map(|receipt| receipt.vote_id.clone());
    let again = {
        let keep_code = definition.counting == Counting::LastCounts;
        move |_: MouseEvent| shown.dispatch(Action::CastAgain { keep_code })
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &definition.title }</h1>
                <span class="soft" data-testid="hours">{ hours_line(hours) }</span>
                { description(&definition.description) }
            </header>
            if receipt.is_some() || stored {
                { failed(unsure) }
                if let Some(receipt) = receipt {
                    <Receipt {receipt} election={election.id.clone()} fresh={stored} />
                }
                if hours.is_open() {
                    <div class="no-print">
                        <button type="button" class="button" onclick={again}>{ again_words(definition) }</button>
                    </div>
                }
            } else if hours.is_open() {
                <Paper election={election.clone()} />
            } else {
                { not_open(hours) }
            }
            { earlier(&receipts, shown_id.as_deref(), &election.id) }
        </div>
    }
}

/// Why no vote is taken.
fn not_open(hours: Hours) -> Html {
    match hours {
        Hours::Early(_) => notice("warn", t(say::not_open_yet())),
        Hours::Closed(closes) => notice("warn", t(say::closed_words(time(millis(closes))))),
        Hours::Sealed => notice("good", t(say::sealed_words())),
        Hours::Open(_) => Html::default(),
    }
}

fn again_words(definition: &Election) -> String {
    t(match (&definition.eligibility, definition.counting) {
        (Eligibility::Open { .. }, _) => say::vote_again_number(),
        (Eligibility::Roll { .. }, Counting::LastCounts) => say::vote_again_change(),
        (Eligibility::Roll { credentials: Credentials::Codes, .. }, Counting::FirstCounts) => {
            say::vote_again_code()
        }
        (Eligibility::Roll { credentials: Credentials::OwnKeys, .. }, Counting::FirstCounts) => {
            say::vote_again_key()
        }
    })
}
