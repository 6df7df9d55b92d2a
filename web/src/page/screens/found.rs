//! A receipt looked up by its vote id: what its address and QR code lead to.

use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{ReceiptState, ReceiptView, ToNode},
    page::{
        format,
        icons::{Icon, Name},
        model::{Action, Lookup, use_shared},
        receipt::Receipt,
    },
};

/// Where a vote stands, in words.
pub fn state_words(receipt: &ReceiptView) -> String {
    match &receipt.state {
        ReceiptState::Pending => "waits for a block".into(),
        ReceiptState::Unknown => "not held by this tab at the moment".into(),
        ReceiptState::Lost => "does not count: its token went to another vote".into(),
        ReceiptState::InBlock { height, confirmations, .. } => {
            format!(
                "in block {height}, {}",
                format::plural((*confirmations).into(), "confirmation", "confirmations")
            )
        }
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
            <header><h1 id="title" tabindex="-1">{ "Receipt" }</h1>
            <p class="soft">{ &election.title }</p></header>
            if let Some(receipt) = receipt {
                <Receipt {receipt} election={election.id.clone()} />
            } else if model.lookup == Lookup::Missing {
                <div class="sheet" data-testid="not-found">
                    <p class="row"><Icon name={Name::Clock} />{ "This tab does not know such a vote: it is neither in the chain that it holds nor among the votes that wait." }</p>
                    <p class="soft">{ "If it was cast a moment ago or this tab is not in sync yet, wait: the page looks again by itself. Otherwise compare the vote id with your receipt, and make sure that this is the right election." }</p>
                    <span class="hash">{ &props.vote }</span>
                </div>
            } else {
                <p class="soft">{ "Looking it up…" }</p>
            }
        </div>
    }
}
