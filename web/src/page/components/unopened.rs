//! What is shown in place of a screen while no election is open.

use blockvote_words::message::say;
use yew::prelude::*;

use super::notice::notice;
use crate::{
    page::{
        hooks::use_model,
        model::Phase,
        words::{t, time},
    },
    shared::views::Search,
};

/// Whom this tab asked, since when, and what to do.
fn searching(search: &Search) -> String {
    let since = time(search.since);
    t(match (search.relays, search.peers) {
        (0, _) => say::searching_no_relay(since),
        (_, 0) => say::searching_nobody(since),
        (_, peers) => say::searching_asked(peers, since),
    })
}

/// What is shown in place of a screen while no election is open.
#[component]
pub fn Unopened() -> Html {
    let phase = use_model(|model| model.phase.clone());
    match &phase {
        Phase::Starting => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ t(say::opening_title()) }</h1>
                <p class="soft">{ t(say::opening_words()) }</p>
            </div>
        },
        Phase::Searching(search) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ t(say::searching_title()) }</h1>
                <p>{ t(say::searching_words()) }</p>
                if let Some((have, all)) = search.pages {
                    <progress aria-label={t(say::roll_pages_label())} max={all.to_string()} value={have.to_string()} />
                    <p class="soft">{ t(say::roll_pages(have, all)) }</p>
                } else {
                    <progress aria-label={t(say::asking_label())} />
                }
                <p class="soft" role="status" data-testid="searching">{ searching(search) }</p>
            </div>
        },
        Phase::Failed(why) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ t(say::link_broken_title()) }</h1>
                { notice("bad", t(why.clone())) }
                <p><a href="/">{ t(say::go_home()) }</a></p>
            </div>
        },
        Phase::Open(_) => Html::default(),
    }
}
