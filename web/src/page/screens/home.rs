//! Without an election: the ones this browser knows, and a place for a link.

use blockvote_core::{custody::voting_code::Code, election::definition::Election};
use yew::prelude::*;

use crate::page::{
    addresses, browser,
    components::{
        check_vote::CheckVote,
        fields::value,
        icons::{Name, icon},
    },
    format,
    remembered::{self, Known},
};

fn line(known: &Known) -> Html {
    let state = known.state();
    let when = match (state, known.opens, known.closes) {
        ("upcoming", Some(opens), _) => format!("opens {}", format::relative(opens)),
        ("open", _, Some(closes)) => format!("closes {}", format::relative(closes)),
        ("closed", _, Some(closes)) => format::relative(closes),
        _ => String::new(),
    };
    let organised = remembered::organiser(&known.id).is_some();
    html! {
        <li data-testid="known" data-state={state}>
            { icon(match state { "sealed" => Name::Seal, "contested" => Name::Warning, "upcoming" | "open" => Name::Ballot, _ => Name::Bars }) }
            <a href={format!("/e/{}/{}", known.id, if state == "open" || state == "upcoming" { "vote" } else { "results" })}>{ &known.title }</a>
            <span class="detail">
                <span class={classes!("tag", state)}>{ state }</span>
                { format!(" {when} ") }
                if organised {
                    <a href={format!("/e/{}/organise", known.id)}>{ "organise" }</a>
                }
            </span>
        </li>
    }
}

/// The screen.
#[component]
pub fn Home() -> Html {
    let text = use_state(String::new);
    let wrong = use_state(|| false);
    let is_code = use_state(|| false);
    let oninput = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: InputEvent| {
            text.set(value(&event));
            wrong.set(false);
        }
    };
    let onsubmit = {
        let (text, wrong, is_code) = (text.clone(), wrong.clone(), is_code.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let code = Code::parse(&text).ok();
            let open: Vec<_> = remembered::elections()
                .into_iter()
                .filter(|known| known.state() == "open")
                .collect();
            if let Some(id) = addresses::election_in(&text) {
                browser::visit(&format!("/e/{id}/vote"));
            } else if let Some(address) = addresses::short_in(&text) {
                browser::visit(&format!("/v/{address}"));
            } else if let (Some(code), [only]) = (&code, open.as_slice()) {
                browser::visit(&format!("/e/{}/vote#code={code}", only.id));
            } else {
                is_code.set(code.is_some());
                wrong.set(true);
                browser::focus("link");
            }
        }
    };
    let elections = use_memo((), |()| remembered::elections());
    let demo = use_memo((), |()| Election::demo().id().to_string());
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "Which election?" }</h1>
                <p class="soft">{ "Open the link that you were sent, or paste it here. This tab then holds and verifies the whole chain of votes itself." }</p>
            </header>
            <form class="sheet" {onsubmit}>
                <div class="field">
                    <label for="link">{ "Link, id or short address of the election" }</label>
                    <input id="link" type="text" autocomplete="off" spellcheck="false"
                        value={(*text).clone()} {oninput} aria-describedby="link-hint"
                        aria-invalid={wrong.then_some("true")} />
                    <div id="link-hint" class={classes!("hint", wrong.then_some("bad"))} role={wrong.then_some("alert")}>
                        if *wrong {
                            { icon(Name::Warning) }
                            { if *is_code {
                                "This is a voting code. It needs its election: open the election's link, which stands on the slip and which the organiser has, and type the code there."
                            } else {
                                "There is no election in this. Its id is 64 digits from 0 to 9 and a to f, a short address is 8 letters and digits such as K7QF-2M9X; copy the whole link."
                            } }
                        }
                    </div>
                </div>
                <div><button class="button primary">{ "Open the election" }</button></div>
            </form>
            if !elections.is_empty() {
                <section class="field" aria-label="Known elections">
                    <h2>{ "Your elections" }</h2>
                    <ul class="checks">{ for elections.iter().map(line) }</ul>
                </section>
            }
            <div class="row">
                <a class="button" href="/create">{ "Create an election" }</a>
                <a class="button" href="/verify">{ "Verify an audit file" }</a>
            </div>
            <CheckVote />
            <p><a href={format!("/e/{demo}/vote")}>{ "Look around in the demo election" }</a></p>
        </div>
    }
}

/// An address that leads nowhere.
pub fn not_found() -> Html {
    html! {
        <div class="screen">
            <h1 id="title" tabindex="-1">{ "There is no such page" }</h1>
            <p><a href="/">{ "Go to your elections" }</a></p>
        </div>
    }
}
