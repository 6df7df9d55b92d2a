//! Verifying everything again, before the eyes of whoever asks.

use blockvote_words::message::{Value, say};
use yew::prelude::*;

use crate::{
    page::{
        components::{
            check_vote::CheckVote, file_verification::FileVerification, notice::failed,
            report::report, unopened::Unopened,
        },
        hooks::{use_asking, use_election, use_model, use_page},
        model::Verification,
        verifying,
        words::{t, t_with},
        workers::download_audit_file,
    },
    shared::messages::VerifyChain,
};

/// Without an election: an audit file from the disk.
#[component]
pub fn HomeVerify() -> Html {
    let verification = use_model(|model| model.verification.clone());
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::verify_file_title()) }</h1>
                <p class="soft">{ t(say::verify_file_words()) }</p>
            </header>
            <section class="sheet" aria-label={t(say::verification())}>
                <FileVerification />
                { report(&verification) }
            </section>
        </div>
    }
}

/// The screen.
#[component]
pub fn Verify() -> Html {
    let page = use_page();
    let verification = use_model(|model| model.verification.clone());
    let exporting = use_asking::<()>();
    let Some(election) = use_election() else {
        return html! { <Unopened /> };
    };
    let busy = matches!(verification, Verification::Running(_));
    let start = {
        let page = page.clone();
        move |_: MouseEvent| {
            let (watch, node) = (verifying::watch(&page.shown), page.workers.node());
            verifying::run(&page.shown, node.ask_watching(VerifyChain, watch));
        }
    };
    let export = {
        let exporting = exporting.clone();
        move |_: MouseEvent| {
            exporting.wait(download_audit_file(page.workers.clone(), election.id.clone()));
        }
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::verify_title()) }</h1>
                <p class="soft">{ t(say::verify_words()) }</p>
            </header>
            <section class="sheet" aria-label={t(say::verification())}>
                <div class="row">
                    <button type="button" class="button primary" onclick={start} disabled={busy} data-testid="verify">
                        { t(if busy { say::verifying() } else { say::verify_again() }) }
                    </button>
                    <button type="button" class="button" onclick={export}>{ t(say::download_audit()) }</button>
                </div>
                { failed(exporting.asked().failure()) }
                { report(&verification) }
                <FileVerification />
                <p class="soft">{ t_with(say::audit_is_for(Value::Slot(0)), &[html! { <code>{ "blockvote verify FILE" }</code> }]) }</p>
            </section>
            <CheckVote />
        </div>
    }
}
