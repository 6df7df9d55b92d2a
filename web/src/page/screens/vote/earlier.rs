//! Votes followed in this browser, besides the one that is shown.

use blockvote_words::message::say;
use yew::prelude::*;

use crate::{
    page::{
        components::{
            icons::{Name, icon},
            link,
        },
        route::Route,
        words::t,
    },
    shared::views::{ReceiptState, ReceiptView},
};

/// Where a vote is, in words.
fn state_words(receipt: &ReceiptView) -> String {
    t(match &receipt.state {
        ReceiptState::Pending => say::vote_pending(),
        ReceiptState::Unknown => say::vote_unknown(),
        ReceiptState::Lost => say::vote_lost(),
        ReceiptState::AfterSeal { .. } => say::vote_after_seal(),
        ReceiptState::Replaced { .. } => say::vote_replaced(),
        ReceiptState::InBlock { .. } => say::vote_recorded(),
    })
}

/// The list, where there are any besides the one that is shown.
pub fn earlier(receipts: &[ReceiptView], shown: Option<&str>, election: &str) -> Html {
    let earlier: Vec<_> = receipts.iter().filter(|it| Some(&*it.vote_id) != shown).collect();
    if earlier.is_empty() {
        return Html::default();
    }
    let to = |receipt: &ReceiptView| {
        let (election, vote) = (election.to_owned(), receipt.vote_id.clone());
        let words = t(say::vote_listed(receipt.token.to_string(), &receipt.selection));
        link::to(Route::Receipt { election, vote }, "", words)
    };
    html! {
        <section class="field" aria-label={t(say::your_votes_label())}>
            <h2>{ t(say::your_votes()) }</h2>
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
