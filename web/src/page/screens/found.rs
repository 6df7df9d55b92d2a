//! A receipt looked up by its vote id: what its address and QR code lead to.

use blockvote_core::crypto::hash::VoteId;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{ReceiptState, ReceiptView, ToNode, ToTools},
    page::{
        browser, format,
        icons::{Name, icon},
        model::{Action, Lookup, use_shared},
        receipt,
        words::failure,
    },
};

/// Where a vote stands, in words.
pub fn state_words(receipt: &ReceiptView) -> String {
    match &receipt.state {
        ReceiptState::Pending => "waits for a block".into(),
        ReceiptState::Unknown => "not held by this tab at the moment".into(),
        ReceiptState::Lost => "does not count: its token went to another vote".into(),
        ReceiptState::AfterSeal { height } => {
            format!("in block {height}, after the sealed one: it does not count")
        }
        ReceiptState::Replaced { height } => {
            format!("in block {height}, replaced by a later vote of this voter")
        }
        ReceiptState::InBlock { height, confirmations, .. } => {
            format!(
                "in block {height}, {}",
                format::plural((*confirmations).into(), "confirmation", "confirmations")
            )
        }
    }
}

/// The part of an address that leads to a receipt: election, if it names one, vote id, and the
/// vote itself, if it is there.
fn parts(text: &str) -> (Option<String>, Option<String>, Option<String>) {
    let (path, vote) = text
        .trim()
        .split_once("#vote=")
        .map_or((text.trim(), None), |(path, vote)| (path, Some(vote.to_owned())));
    let is_hash = |part: &&str| part.parse::<VoteId>().is_ok();
    let mut hashes = path.split('/').filter(is_hash).map(str::to_owned);
    match (hashes.next(), hashes.next()) {
        (Some(election), Some(id)) => (Some(election), Some(id), vote),
        (id, _) => (None, id, vote),
    }
}

/// Takes a receipt in any form: its file, the address behind its QR code, a vote id.
#[component]
pub fn CheckVote() -> Html {
    let shared = use_shared();
    let text = use_state(String::new);
    let wrong = use_state(|| None::<&'static str>);
    let here = shared.model.election().map(|election| election.id.clone());
    let oninput = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: InputEvent| {
            text.set(event.target_unchecked_into::<HtmlInputElement>().value());
            wrong.set(None);
        }
    };
    let onsubmit = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let (election, vote_id, vote) = parts(&text);
            let fragment = vote.map(|vote| format!("#vote={vote}")).unwrap_or_default();
            match (election.or(here.clone()), vote_id) {
                (Some(election), Some(id)) => {
                    browser::visit(&format!("/e/{election}/receipt/{id}{fragment}"));
                }
                (None, Some(_)) => wrong.set(Some("This is a vote id alone: open its election first, or take the whole address of the receipt.")),
                (_, None) => wrong.set(Some("A vote id is 64 digits from 0 to 9 and a to f. It stands on the receipt; its address and its QR code hold it too.")),
            }
        }
    };
    let onfile = {
        let shared = shared.clone();
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let shared = shared.clone();
            shared.model.dispatch(Action::ToolSent);
            browser::read_text(&file, move |text| {
                shared.tools.emit(ToTools::ReadReceipt(text.unwrap_or_default()));
            });
        }
    };
    html! {
        <form class="sheet" {onsubmit} aria-label="Check my vote">
            <h2>{ "Check my vote" }</h2>
            <div class="field">
                <label for="vote-id">{ "Vote id or address of a receipt" }</label>
                <input id="vote-id" type="text" autocomplete="off" spellcheck="false" value={(*text).clone()} {oninput}
                    aria-describedby="vote-id-hint" aria-invalid={wrong.is_some().then_some("true")} />
                <div id="vote-id-hint" class={classes!("hint", wrong.is_some().then_some("bad"))} role={wrong.is_some().then_some("alert")}>
                    if let Some(words) = *wrong {
                        { icon(Name::Warning) }{ words }
                    } else {
                        { "A QR code is read by your phone's camera, which opens its address." }
                    }
                </div>
            </div>
            <div class="row">
                <button class="button">{ "Look it up" }</button>
                <label class="button" for="receipt-file">{ "Open a receipt file" }</label>
                <input id="receipt-file" class="visually-hidden" type="file" accept=".json,application/json" onchange={onfile} />
            </div>
            { failure(&shared.model.tool) }
        </form>
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub vote: String,
}

/// The screen.
#[component]
pub fn Found(props: &Props) -> Html {
    let shared = use_shared();
    let model = shared.model.clone();
    // Asked again whenever the chain or the pending votes change.
    let moment =
        model.status.as_ref().map(|status| (status.height, status.tip.clone(), status.pending));
    {
        let (shared, vote) = (shared.clone(), props.vote.clone());
        use_effect_with((vote, moment), move |(vote, moment)| {
            if moment.is_some() {
                shared.send.emit(ToNode::Find(vote.clone()));
            }
        });
    }
    {
        let shared = shared.clone();
        use_effect_with((), move |()| move || shared.model.dispatch(Action::FindSent));
    }
    let Some(election) = model.election().cloned() else {
        return unopened(&model);
    };
    let own = model.receipts.iter().find(|receipt| receipt.vote_id == props.vote).cloned();
    let receipt = own.or_else(|| match &model.lookup {
        Lookup::Found(found) => Some((**found).clone()),
        Lookup::Asked | Lookup::Missing => None,
    });
    html! {
        <div class="screen">
            { failure(&model.tool) }
            <header><h1 id="title" tabindex="-1">{ "Receipt" }</h1>
            <p class="soft">{ &election.title }</p></header>
            if let Some(receipt) = receipt {
                { receipt::html(&shared, &receipt, &election.id) }
            } else if model.lookup == Lookup::Missing {
                <div class="sheet" data-testid="not-found">
                    <p class="row">{ icon(Name::Clock) }{ "This tab does not know such a vote: it is neither in the chain that it holds nor among the votes that wait." }</p>
                    <p class="soft">{ "If it was cast a moment ago or this tab is not in sync yet, wait: the page looks again by itself. With the receipt itself (its file, or the address behind its QR code) this tab can cast the vote again. Otherwise compare the vote id with your receipt, and make sure that this is the right election." }</p>
                    <CheckVote />
                    <span class="hash">{ &props.vote }</span>
                </div>
            } else {
                <p class="soft">{ "Looking it up…" }</p>
            }
        </div>
    }
}
