//! What is shown in place of a screen while no election is open.

use yew::prelude::*;

use super::notice::notice;
use crate::{
    page::{format, hooks::use_model, model::Phase},
    shared::views::Search,
};

/// Whom this tab asked, since when, and what to do.
fn searching(search: &Search) -> String {
    let since = format::time(search.since);
    let (asked, what) = match (search.relays, search.peers) {
        (0, _) => (
            "no relay is connected yet".to_owned(),
            "Check your connection to the internet; this page goes on trying.",
        ),
        (_, 0) => (
            "the relay is connected, and nobody else is there who could have the election"
                .to_owned(),
            "Nobody who has it is here, no keeper either. Leave this page open, and tell whoever sent you the link: their page, or a keeper, has to be there.",
        ),
        (_, peers) => (
            format!(
                "{} asked",
                if peers == 1 {
                    "1 other computer is".to_owned()
                } else {
                    format!("{peers} other computers are")
                }
            ),
            "None of them has sent it yet. Leave this page open, or ask whoever sent you the link.",
        ),
    };
    format!("Since {since} {asked}. {what}")
}

/// What is shown in place of a screen while no election is open.
#[component]
pub fn Unopened() -> Html {
    let phase = use_model(|model| model.phase.clone());
    match &phase {
        Phase::Starting => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "Opening the election" }</h1>
                <p class="soft">{ "The node in this tab starts and verifies what is stored here." }</p>
            </div>
        },
        Phase::Searching(search) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "Looking for the election" }</h1>
                <p>{ "This browser does not know it yet, so other nodes are asked for its definition and its voter roll. Both check themselves: the link commits to every word and every key." }</p>
                if let Some((have, of)) = search.pages {
                    <progress aria-label="Pages of the voter roll" max={of.to_string()} value={have.to_string()} />
                    <p class="soft">{ format!("Voter roll: {have} of {} here.", format::plural(of.into(), "page", "pages")) }</p>
                } else {
                    <progress aria-label="Asking peers" />
                }
                <p class="soft" role="status" data-testid="searching">{ searching(search) }</p>
            </div>
        },
        Phase::Failed(why) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "This link does not work" }</h1>
                { notice("bad", why.clone()) }
                <p><a href="/">{ "Go to your elections" }</a></p>
            </div>
        },
        Phase::Open(_) => Html::default(),
    }
}
