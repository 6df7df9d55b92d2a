//! Without an election: a door for voters, a door for organisers, and the elections this browser knows.

use blockvote_core::{custody::voting_code::Code, election::definition::Election};
use blockvote_words::message::say;
use yew::prelude::*;

use crate::page::{
    addresses, browser,
    components::{
        check_vote::CheckVote,
        fields::typing,
        icons::{Name, icon},
    },
    remembered::{self, Known},
    words::{from_now, t},
};

fn line(known: &Known) -> Html {
    let state = known.state();
    let when = match (state, known.opens, known.closes) {
        ("upcoming", Some(opens), _) => t(say::opens_from_now(from_now(opens))),
        ("open", _, Some(closes)) => t(say::closes_from_now(from_now(closes))),
        _ => String::new(),
    };
    let name = match state {
        "sealed" => Name::Seal,
        "contested" => Name::Warning,
        "upcoming" | "open" => Name::Ballot,
        _ => Name::Bars,
    };
    let screen = if matches!(state, "open" | "upcoming") { "vote" } else { "results" };
    let organised = remembered::organiser(&known.id).is_some();
    html! {
        <li data-testid="known" data-state={state}>
            { icon(name) }
            <a href={format!("/e/{}/{screen}", known.id)}>{ &known.title }</a>
            <span class="detail">
                <span class={classes!("tag", state)}>{ t(say::state_of_election(state)) }</span>
                { format!(" {when} ") }
                if organised {
                    <a href={format!("/e/{}/organise", known.id)}>{ t(say::home_organise_this()) }</a>
                }
            </span>
        </li>
    }
}

/// Where what was pasted leads.
///
/// # Errors
/// In words, why it leads nowhere.
fn target(text: &str) -> Result<String, String> {
    if let Some(id) = addresses::election_in(text) {
        return Ok(format!("/e/{id}/vote"));
    }
    if let Some(address) = addresses::short_in(text) {
        return Ok(format!("/v/{address}"));
    }
    let Ok(code) = Code::parse(text) else { return Err(t(say::home_no_link())) };
    let known = remembered::elections();
    let mut open = known.iter().filter(|known| known.state() == "open");
    match (open.next(), open.next()) {
        (Some(only), None) => Ok(format!("/e/{}/vote#code={code}", only.id)),
        _ => Err(t(say::home_code_alone())),
    }
}

/// The screen.
#[component]
pub fn Home() -> Html {
    let text = use_state(String::new);
    let wrong = use_state(|| None::<String>);
    let onsubmit = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            match target(&text) {
                Ok(address) => browser::visit(&address),
                Err(why) => {
                    wrong.set(Some(why));
                    browser::focus("link");
                }
            }
        }
    };
    let elections = use_memo((), |()| remembered::elections());
    let demo = use_memo((), |()| Election::demo().id().to_string());
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ t(say::home_title()) }</h1></header>
            <div class="doors">
                <form class="sheet" {onsubmit}>
                    <h2>{ t(say::home_vote()) }</h2>
                    <div class="field">
                        <label for="link">{ t(say::home_link()) }</label>
                        <input id="link" type="text" autocomplete="off" spellcheck="false"
                            value={(*text).clone()} oninput={typing(&text)} aria-describedby="link-hint"
                            aria-invalid={wrong.is_some().then_some("true")} />
                        if let Some(wrong) = &*wrong {
                            <div id="link-hint" class="hint bad" role="alert">{ icon(Name::Warning) }{ wrong }</div>
                        }
                    </div>
                    <div><button class="button primary">{ t(say::home_open()) }</button></div>
                    <a href="/keys">{ t(say::home_keys()) }</a>
                </form>
                <section class="sheet" aria-labelledby="organise">
                    <h2 id="organise">{ t(say::home_organise()) }</h2>
                    <p>{ t(say::home_organise_words()) }</p>
                    <div><a class="button primary" href="/create">{ t(say::home_create()) }</a></div>
                </section>
            </div>
            if !elections.is_empty() {
                <section class="field" aria-labelledby="elections">
                    <h2 id="elections">{ t(say::home_elections()) }</h2>
                    <ul class="checks">{ for elections.iter().map(line) }</ul>
                </section>
            }
            <details>
                <summary>{ t(say::home_check()) }</summary>
                <CheckVote />
            </details>
            <div class="row">
                <a href="/verify">{ t(say::home_verify()) }</a>
                <a href={format!("/e/{demo}/vote")}>{ t(say::home_demo()) }</a>
            </div>
        </div>
    }
}

/// An address that leads nowhere.
pub fn not_found() -> Html {
    html! {
        <div class="screen">
            <h1 id="title" tabindex="-1">{ t(say::no_such_page()) }</h1>
            <p><a href="/">{ t(say::go_home()) }</a></p>
        </div>
    }
}
