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
use yew::prelude::*;

use self::{earlier::earlier, paper::Paper};
use crate::{
    page::{
        components::{
            notice::{failed, notice},
            receipt::Receipt,
            unopened::Unopened,
        },
        format,
        hooks::{use_asking, use_clock, use_election, use_model, use_page},
        model::{Action, Casting},
        remembered,
    },
    shared::{
        asking::Failure,
        messages::{CheckRight, Right, millis, timestamp},
        views::{RightView, SealView},
        worker::now,
    },
};

fn hours_line(hours: Hours) -> String {
    let (time, relative) = (|at| format::time(millis(at)), |at| format::relative(millis(at)));
    match hours {
        Hours::Early(opens) => {
            format!("opens {} ({})", time(opens), relative(opens))
        }
        Hours::Open(Some(closes)) => {
            format!("closes {} ({})", time(closes), relative(closes))
        }
        Hours::Open(None) => "no closing time".into(),
        Hours::Closed(closes) => {
            format!("closed {} ({})", time(closes), relative(closes))
        }
        Hours::Sealed => "closed and sealed".into(),
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
                <div class="row between">
                    <h1 id="title" tabindex="-1">{ &definition.title }</h1>
                    <span class="soft" data-testid="hours">{ hours_line(hours) }</span>
                </div>
                if !definition.description.is_empty() {
                    <p class="soft">{ &definition.description }</p>
                }
            </header>
            if receipt.is_some() || stored {
                { failed(unsure) }
                if let Some(receipt) = receipt {
                    <Receipt {receipt} election={election.id.clone()} />
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
        Hours::Early(_) => notice(
            "warn",
            "The election is not open yet. Nothing is lost: come back when it opens.",
        ),
        Hours::Closed(closes) => notice(
            "warn",
            format!(
                "The election closed {}: votes are not taken any more. The result and the chain stay open to everyone.",
                format::time(millis(closes))
            ),
        ),
        Hours::Sealed => notice(
            "good",
            "The organiser sealed the result: votes are not taken any more. The result and the chain stay open to everyone.",
        ),
        Hours::Open(_) => Html::default(),
    }
}

fn again_words(definition: &Election) -> &'static str {
    match (&definition.eligibility, definition.counting) {
        (Eligibility::Open { .. }, _) => "Vote with another token",
        (Eligibility::Roll { .. }, Counting::LastCounts) => {
            "Change my vote, or vote with another code"
        }
        (Eligibility::Roll { credentials: Credentials::Codes, .. }, Counting::FirstCounts) => {
            "Vote with another code"
        }
        (Eligibility::Roll { credentials: Credentials::OwnKeys, .. }, Counting::FirstCounts) => {
            "Vote with another key"
        }
    }
}
