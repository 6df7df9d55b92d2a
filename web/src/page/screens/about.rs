//! What is promised, and what is not.

use blockvote_words::message::{Message, say};
use yew::prelude::*;

use crate::page::{
    components::icons::{Name, icon},
    words::t,
};

fn list(
    items: impl IntoIterator<Item = (Message, Message)>,
    name: Name,
    class: &'static str,
) -> Html {
    html! {
        <ul class="checks">
            for (title, words) in items {
                <li>
                    <span {class}>{ icon(name) }</span>
                    <b>{ t(title) }</b>
                    <span class="detail">{ t(words) }</span>
                </li>
            }
        </ul>
    }
}

/// The screen.
pub fn about() -> Html {
    let promised = [
        (say::promise_only_the_voter(), say::promise_only_the_voter_words()),
        (say::promise_no_second_vote(), say::promise_no_second_vote_words()),
        (say::promise_no_silent_change(), say::promise_no_silent_change_words()),
        (say::promise_received(), say::promise_received_words()),
        (say::promise_count(), say::promise_count_words()),
        (say::promise_a_final_result(), say::promise_a_final_result_words()),
        (say::promise_it_outlives_the(), say::promise_it_outlives_the_words()),
    ];
    let not_promised = [
        (say::no_a_secret_ballot(), say::no_a_secret_ballot_words()),
        (say::no_a_stolen_code(), say::no_a_stolen_code_words()),
        (say::no_who_is_on(), say::no_who_is_on_words()),
        (say::no_who_may_use(), say::no_who_may_use_words()),
        (say::no_equal_miners(), say::no_equal_miners_words()),
        (say::no_your_machine(), say::no_your_machine_words()),
    ];
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::about_title()) }</h1>
                <p>{ t(say::about_words()) }</p>
            </header>
            <section class="sheet"><h2>{ t(say::about_promised()) }</h2>{ list(promised, Name::Tick, "pass") }</section>
            <section class="sheet"><h2>{ t(say::about_not_promised()) }</h2>{ list(not_promised, Name::Dash, "other") }</section>
        </div>
    }
}
