//! Voting codes to print: one slip for each voter, with the link as a QR code.

use blockvote_core::crypto::secret::Passphrase;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{organise::voter_link, short::use_short_link, unopened};
use crate::{
    messages::{OrganiserFile, ToTools},
    page::{
        browser, format,
        model::{Action, use_tools},
        qr::Qr,
        remembered,
        route::Route,
        words::failure,
    },
};

/// Slips on one page: more make a browser slow.
const PER_PAGE: usize = 200;

/// The screen.
#[component]
pub fn Slips() -> Html {
    let shared = use_tools();
    let passphrase = use_state(String::new);
    let page = use_state(|| 0_usize);
    let short = use_short_link();
    let election = shared.model.election().cloned();
    let text = election.as_ref().and_then(|election| remembered::organiser(&election.id));
    let locked = text.as_ref().is_some_and(|text| text.starts_with("blockvote-locked"));
    let ask = {
        let shared = shared.clone();
        Callback::from(move |file: OrganiserFile| {
            shared.model.dispatch(Action::ToolSent);
            shared.tools.emit(ToTools::Codes(file));
        })
    };
    {
        let ask = ask.clone();
        use_effect_with(text.clone(), move |text| {
            if let Some(text) = text.clone().filter(|_| !locked) {
                ask.emit(OrganiserFile { text: text.into(), passphrase: None });
            }
        });
    }
    // Printed only where somebody answers for it.
    let is_held = shared.model.status.as_ref().is_some_and(|it| !it.keepers_here.is_empty());
    let short = short.filter(|_| is_held);
    let (Some(election), Some(text)) = (election, text) else {
        return unopened(&shared.model);
    };
    let codes = shared.model.codes.clone();
    let pages = codes.len().div_ceil(PER_PAGE);
    let onsubmit = {
        let (ask, passphrase, text) = (ask.clone(), passphrase.clone(), text.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            ask.emit(OrganiserFile {
                text: text.clone().into(),
                passphrase: Passphrase::typed((*passphrase).clone()),
            });
        }
    };
    let turn = |to: Option<usize>, words: &'static str| {
        let page = page.clone();
        html! {
            <button type="button" class="button small" disabled={to.is_none()}
                onclick={move |_: MouseEvent| if let Some(to) = to { page.set(to) }}>{ words }</button>
        }
    };
    html! {
        <div class="screen">
            <header class="no-print">
                <h1 id="title" tabindex="-1">{ "Voting codes" }</h1>
                <p class="soft">{ "Whoever has a code can vote with it: hand out each to one voter, and do not leave them lying about." }</p>
                <div class="row">
                    <button type="button" class="button primary" disabled={codes.is_empty()}
                        onclick={|_: MouseEvent| { let _ = browser::window().print(); }}>{ "Print the slips" }</button>
                    <Link<Route> classes="button" to={Route::Organise { election: election.id.clone() }}>{ "Back" }</Link<Route>>
                </div>
                if pages > 1 {
                    <div class="row">
                        { turn(page.checked_sub(1), "Before") }
                        <span class="soft">{ format!("Slips {} to {} of {}", format::count((*page * PER_PAGE + 1) as u64),
                            format::count(((*page + 1) * PER_PAGE).min(codes.len()) as u64), format::count(codes.len() as u64)) }</span>
                        { turn(Some(*page + 1).filter(|next| *next < pages), "Next") }
                    </div>
                }
            </header>
            { failure(&shared.model.tool) }
            if locked && codes.is_empty() {
                <form class="sheet field" {onsubmit}>
                    <label for="organiser-passphrase">{ "Passphrase of your organiser's file" }</label>
                    <input id="organiser-passphrase" type="password" autocomplete="off" value={(*passphrase).clone()} oninput={super::create::typing(&passphrase)} />
                    <div><button class="button primary">{ "Show the codes" }</button></div>
                </form>
            }
            <ul class="slips" data-testid="slips">
                for row in codes.iter().skip(*page * PER_PAGE).take(PER_PAGE) {
                    <li class="slip">
                        <div>
                            <b>{ &election.title }</b>
                            if let Some(name) = row.voter.first() { <p>{ format!("for {name}") }</p> }
                            <code class="slip-code">{ row.code.as_str() }</code>
                            <small>{ "Scan the square, or open the address below and type the letters and digits above. " }
                                { election.closes.map_or_else(String::new, |closes| format!("Closes {}.", format::time(closes))) }</small>
                            <small class="public">{ short.clone().unwrap_or_else(|| format!("{}/e/{}/vote", browser::origin(), election.id)) }</small>
                        </div>
                        <Qr text={voter_link(&election.id, row.code.as_str())} label="QR code of the voter's link" />
                    </li>
                }
            </ul>
        </div>
    }
}
