//! Voting codes to print: one slip for each voter, with the link as a QR code.

use blockvote_core::{
    crypto::{passphrase_lock, secret::Passphrase},
    election::definition::Election,
};
use blockvote_words::message::say;
use yew::prelude::*;

use crate::{
    page::{
        addresses, browser,
        components::{
            link, notice::failed, organiser_passphrase::organiser_passphrase, qr::Qr,
            unopened::Unopened,
        },
        hooks::{use_asking, use_election, use_model, use_short_link, use_tools},
        remembered,
        route::Route,
        words::{t, time},
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
    let turn = |to: Option<usize>, words: String| {
        let page = page.clone();
        html! {
            <button type="button" class="button small" disabled={to.is_none()}
                onclick={move |_: MouseEvent| if let Some(to) = to { page.set(to) }}>{ words }</button>
        }
    };
    html! {
        <div class="screen">
            <header class="no-print">
                <h1 id="title" tabindex="-1">{ t(say::slips_title()) }</h1>
                <p class="soft">{ t(say::slips_words()) }</p>
                <div class="row">
                    <button type="button" class="button primary" disabled={rows.is_empty()}
                        onclick={|_: MouseEvent| browser::print()}>{ t(say::slips_print()) }</button>
                    { link::to(Route::Organise { election: election.id.clone() }, "button", t(say::create_back())) }
                </div>
                if pages > 1 {
                    <div class="row">
                        { turn(page.checked_sub(1), t(say::slips_before())) }
                        <span class="soft">{ t(say::slips_of(*page * PER_PAGE + 1, ((*page + 1) * PER_PAGE).min(rows.len()), rows.len())) }</span>
                        { turn(Some(*page + 1).filter(|next| *next < pages), t(say::create_next())) }
                    </div>
                }
            </header>
            { failed(codes.asked().failure()) }
            if locked && rows.is_empty() {
                <form class="sheet" {onsubmit}>
                    { organiser_passphrase(&passphrase) }
                    <div><button class="button primary" disabled={codes.asked().is_waiting()}>{ t(say::slips_show()) }</button></div>
                </form>
            } else if codes.asked().is_waiting() {
                <p class="soft" role="status">{ t(say::slips_making()) }</p>
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
                if let Some(name) = row.voter.first() { <p>{ t(say::slip_for(name)) }</p> }
                <code class="slip-code">{ row.code.as_str() }</code>
                <small>{ t(say::slip_how()) }{ " " }
                    { election.closes.map(|closes| t(say::slip_closes(time(millis(closes))))).unwrap_or_default() }</small>
                <small class="public">{ address }</small>
            </div>
            <Qr text={addresses::with_code(&origin, id, row.code.as_str())} label={t(say::slip_qr())} />
        </li>
    }
}
