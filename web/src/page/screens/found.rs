//! A receipt looked up by its vote id: what its address and QR code lead to.

use blockvote_words::message::say;
use yew::prelude::*;

use crate::{
    page::{
        components::{
            check_vote::CheckVote,
            icons::{Name, icon},
            notice::failed,
            receipt::Receipt,
            unopened::Unopened,
        },
        hooks::{Asked, use_asking, use_election, use_model, use_workers},
        words::t,
    },
    shared::{messages::Find, views::ReceiptView},
};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub vote: String,
}

/// The screen.
#[component]
pub fn Found(props: &Props) -> Html {
    let workers = use_workers();
    let lookup = use_asking::<Option<ReceiptView>>();
    let watch_failed = use_model(|model| model.watch_failed.clone());
    let own = {
        let vote = props.vote.clone();
        use_model(move |model| model.receipts.iter().find(|it| it.vote_id == vote).cloned())
    };
    // Asked again whenever the chain or the pending votes change.
    let moment = use_model(|model| {
        let status = model.status.as_ref();
        status.map(|status| (status.height, status.tip.clone(), status.pending))
    });
    {
        let lookup = lookup.clone();
        use_effect_with((props.vote.clone(), moment), move |(vote, moment)| {
            if moment.is_some() {
                lookup.refresh(workers.node().ask(Find { id: vote.clone() }));
            }
        });
    }
    let Some(election) = use_election() else {
        return html! { <Unopened /> };
    };
    let receipt = own.or_else(|| lookup.asked().answer().cloned().flatten());
    html! {
        <div class="screen">
            { failed(watch_failed.as_ref()) }
            <header><h1 id="title" tabindex="-1">{ t(say::receipt()) }</h1>
            <p class="soft">{ &election.definition.title }</p></header>
            if let Some(receipt) = receipt {
                <Receipt {receipt} election={election.id.clone()} />
            } else if *lookup.asked() == Asked::Answered(None) {
                <div class="sheet" data-testid="not-found">
                    <p class="row">{ icon(Name::Clock) }{ t(say::vote_not_found()) }</p>
                    <p class="soft">{ t(say::vote_not_found_then()) }</p>
                    <CheckVote />
                    <span class="hash">{ &props.vote }</span>
                </div>
            } else if lookup.asked().failure().is_some() {
                { failed(lookup.asked().failure()) }
            } else {
                <p class="soft">{ t(say::looking_up()) }</p>
            }
        </div>
    }
}
