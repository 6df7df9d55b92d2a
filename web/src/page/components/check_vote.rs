//! Takes a receipt in any form: its file, the address behind its QR code, a vote id.

use blockvote_words::message::say;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{
    fields::value,
    icons::{Name, icon},
    link::go,
    notice::failed,
};
use crate::{
    page::{
        addresses::{self, ReceiptParts},
        browser,
        hooks::{Page, use_asking, use_election, use_page},
        model::Action,
        route::Route,
        words::t,
    },
    shared::messages::{ReadReceipt, ReceiptRead, Watch},
};

/// Opens a receipt. Within the election that is open the node goes on, and follows the vote.
fn open(page: &Page, here: Option<&str>, read: ReceiptRead) {
    let ReceiptRead { election, vote_id, vote, acknowledged } = read;
    if here == Some(&election) {
        go(&Route::Receipt { election, vote: vote_id });
        if !vote.is_empty() {
            let (shown, watch) = (page.shown.clone(), Watch { vote, acknowledged });
            let asked = page.workers.node().ask(watch);
            spawn_local(async move { shown.dispatch(Action::Watched(asked.await)) });
        }
        return;
    }
    let fragment = if vote.is_empty() { String::new() } else { format!("#vote={vote}") };
    browser::hand_on(&vote_id, &browser::to_json(&acknowledged));
    browser::visit(&format!("/e/{election}/receipt/{vote_id}{fragment}"));
}

/// The form.
#[component]
pub fn CheckVote() -> Html {
    let page = use_page();
    let text = use_state(String::new);
    let wrong = use_state(|| None::<String>);
    let reading = use_asking::<()>();
    let here = use_election().map(|election| election.id.clone());
    let opened = {
        let (page, here) = (page.clone(), here.clone());
        Callback::from(move |read: ReceiptRead| {
            open(&page, here.as_deref(), read);
        })
    };
    let oninput = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: InputEvent| {
            text.set(value(&event));
            wrong.set(None);
        }
    };
    let onsubmit = {
        let (text, wrong, opened) = (text.clone(), wrong.clone(), opened.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let ReceiptParts { election, vote_id, vote } = addresses::receipt_in(&text);
            match (election.or(here.clone()), vote_id) {
                (Some(election), Some(vote_id)) => {
                    let (vote, acknowledged) = (vote.unwrap_or_default(), String::new());
                    opened.emit(ReceiptRead { election, vote_id, vote, acknowledged });
                }
                (None, Some(_)) => wrong.set(Some(t(say::vote_id_alone()))),
                (_, None) => wrong.set(Some(t(say::no_vote_id()))),
            }
        }
    };
    let onfile = {
        let reading = reading.clone();
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let (workers, opened) = (page.workers.clone(), opened.clone());
            reading.wait(async move {
                let text = browser::text_of(&file).await.unwrap_or_default();
                opened.emit(workers.tools().ask(ReadReceipt(text)).await?);
                Ok(())
            });
        }
    };
    html! {
        <form class="sheet" {onsubmit} aria-labelledby="check-vote">
            <h2 id="check-vote">{ t(say::check_my_vote()) }</h2>
            <div class="field">
                <label for="vote-id">{ t(say::vote_id_or_address()) }</label>
                <input id="vote-id" type="text" autocomplete="off" spellcheck="false" value={(*text).clone()} {oninput}
                    aria-describedby="vote-id-hint" aria-invalid={wrong.is_some().then_some("true")} />
                <div id="vote-id-hint" class={classes!("hint", wrong.is_some().then_some("bad"))} role={wrong.is_some().then_some("alert")}>
                    if let Some(words) = &*wrong {
                        { icon(Name::Warning) }{ words }
                    } else {
                        { t(say::qr_by_camera()) }
                    }
                </div>
            </div>
            <div class="row">
                <button class="button">{ t(say::look_it_up()) }</button>
                <label class="button" for="receipt-file">{ t(say::open_receipt_file()) }</label>
                <input id="receipt-file" class="visually-hidden" type="file" accept=".json,application/json" onchange={onfile} />
            </div>
            { failed(reading.asked().failure()) }
        </form>
    }
}
