//! Votes followed in this browser, besides the one that is shown.

use yew::prelude::*;

use crate::{
    page::{
        components::{
            icons::{Name, icon},
            link,
        },
        format,
        route::Route,
    },
    shared::views::{ReceiptState, ReceiptView},
};

/// Where a vote stands, in words.
fn state_words(receipt: &ReceiptView) -> String {
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

/// The list, where there are any besides the one that is shown.
pub fn earlier(receipts: &[ReceiptView], shown: Option<&str>, election: &str) -> Html {
    let earlier: Vec<_> = receipts.iter().filter(|it| Some(&*it.vote_id) != shown).collect();
    if earlier.is_empty() {
        return Html::default();
    }
    let to = |receipt: &ReceiptView| {
        let (election, vote) = (election.to_owned(), receipt.vote_id.clone());
        let words = format!("Token {}: “{}”", receipt.token, receipt.selection);
        link::to(Route::Receipt { election, vote }, "", words)
    };
    html! {
        <section class="field" aria-label="Earlier votes">
            <h2>{ "Watched in this browser" }</h2>
            <ul class="checks">
                for receipt in earlier {
                    <li>
                        { icon(Name::Ballot) }
                        { to(receipt) }
                        <span class="detail">{ state_words(receipt) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}
