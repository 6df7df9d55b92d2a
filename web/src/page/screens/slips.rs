//! Voting codes to print: one slip for each voter, with the link as a QR code.

use blockvote_core::{
    crypto::{passphrase_lock, secret::Passphrase},
    election::definition::Election,
};
use yew::prelude::*;

use crate::{
    page::{
        addresses, browser,
        components::{
            link, notice::failed, organiser_passphrase::organiser_passphrase, qr::Qr,
            unopened::Unopened,
        },
        format,
        hooks::{use_asking, use_election, use_model, use_short_link, use_tools},
        remembered,
        route::Route,
    },
    shared::messages::{CodeRow, Codes, OrganiserFile, millis},
};

/// Slips on one page: more make a browser slow.
const PER_PAGE: usize = 200;

/// The screen.
#[component]
pub fn Slips() -> Html {
    let workers = use_tools();
    let passphrase = use_state(String::new);
    let page = use_state(|| 0_usize);
    let codes = use_asking::<Vec<CodeRow>>();
    // Printed only where somebody answers for it.
    let short = use_short_link();
    let is_held = use_model(|model| {
        model.status.as_ref().is_some_and(|status| !status.keepers_here.is_empty())
    });
    let short = short.filter(|_| is_held);
    let election = use_election();
    let text = election.as_ref().and_then(|election| remembered::organiser(&election.id));
    let locked = text.as_deref().is_some_and(passphrase_lock::is_locked);
    let ask = {
        let codes = codes.clone();
        Callback::from(move |file: OrganiserFile| codes.wait(workers.tools().ask(Codes(file))))
    };
    {
        let ask = ask.clone();
        use_effect_with(text.clone(), move |text| {
            if let Some(text) = text.clone().filter(|_| !locked) {
                ask.emit(OrganiserFile { text: text.into(), passphrase: None });
            }
        });
    }
    let (Some(election), Some(text)) = (election, text) else {
        return html! { <Unopened /> };
    };
    let rows = codes.asked().answer().map_or(&[][..], Vec::as_slice);
    let pages = rows.len().div_ceil(PER_PAGE);
    let onsubmit = {
        let passphrase = passphrase.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            let passphrase = Passphrase::typed((*passphrase).clone());
            ask.emit(OrganiserFile { text: text.clone().into(), passphrase });
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
                    <button type="button" class="button primary" disabled={rows.is_empty()}
                        onclick={|_: MouseEvent| browser::print()}>{ "Print the slips" }</button>
                    { link::to(Route::Organise { election: election.id.clone() }, "button", "Back") }
                </div>
                if pages > 1 {
                    <div class="row">
                        { turn(page.checked_sub(1), "Before") }
                        <span class="soft">{ format!("Slips {} to {} of {}", format::count((*page * PER_PAGE + 1) as u64),
                            format::count(((*page + 1) * PER_PAGE).min(rows.len()) as u64), format::count(rows.len() as u64)) }</span>
                        { turn(Some(*page + 1).filter(|next| *next < pages), "Next") }
                    </div>
                }
            </header>
            { failed(codes.asked().failure()) }
            if locked && rows.is_empty() {
                <form class="sheet" {onsubmit}>
                    { organiser_passphrase(&passphrase) }
                    <div><button class="button primary" disabled={codes.asked().is_waiting()}>{ "Show the codes" }</button></div>
                </form>
            } else if codes.asked().is_waiting() {
                <p class="soft" role="status">{ "Making the codes…" }</p>
            }
            <ul class="slips" data-testid="slips">
                for row in rows.iter().skip(*page * PER_PAGE).take(PER_PAGE) {
                    { slip(row, &election.definition, &election.id, short.as_deref()) }
                }
            </ul>
        </div>
    }
}

fn slip(row: &CodeRow, election: &Election, id: &str, short: Option<&str>) -> Html {
    let origin = browser::origin();
    let address = short.map_or_else(|| addresses::vote(&origin, id), str::to_owned);
    html! {
        <li class="slip">
            <div>
                <b>{ &election.title }</b>
                if let Some(name) = row.voter.first() { <p>{ format!("for {name}") }</p> }
                <code class="slip-code">{ row.code.as_str() }</code>
                <small>{ "Scan the square, or open the address below and type the letters and digits above. " }
                    { election.closes.map_or_else(String::new, |closes| format!("Closes {}.", format::time(millis(closes)))) }</small>
                <small class="public">{ address }</small>
            </div>
            <Qr text={addresses::with_code(&origin, id, row.code.as_str())} label="QR code of the voter's link" />
        </li>
    }
}
