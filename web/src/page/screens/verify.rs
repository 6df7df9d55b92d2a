//! Verifying everything again, before the eyes of whoever asks.

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
                <h1 id="title" tabindex="-1">{ "Verify an audit file" }</h1>
                <p class="soft">{ "One file holds an election whole: definition, voter roll, every block and vote, proofs of double votes, the organiser's seal. This tab checks all of it by itself." }</p>
            </header>
            <section class="sheet" aria-label="Verification">
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
                <h1 id="title" tabindex="-1">{ "Verify it yourself" }</h1>
                <p class="soft">{ "This tab checked every vote when it came in. It can do all of it again, from the first block on, and say what it checked. Nobody else is asked." }</p>
            </header>
            <section class="sheet" aria-label="Verification">
                <div class="row">
                    <button type="button" class="button primary" onclick={start} disabled={busy} data-testid="verify">
                        { if busy { "Verifying…" } else { "Verify everything again" } }
                    </button>
                    <button type="button" class="button" onclick={export}>{ "Download the audit file" }</button>
                </div>
                { failed(exporting.asked().failure()) }
                { report(&verification) }
                <FileVerification />
                <p class="soft">{ "The audit file holds everything. Anyone can check it here, or with the command " }<code>{ "blockvote verify FILE" }</code>{ "." }</p>
            </section>
            <CheckVote />
        </div>
    }
}
