//! The receipt of a vote: one sentence that never says more than is known, and its steps folded below.

use blockvote_core::audit::standing::{Mark, Standing};
use blockvote_words::standing::{Said, said};
use yew::prelude::*;

use super::{
    copy::Hash,
    icons::{Name, icon},
    link::going,
    notice::{failed, notice},
    qr::Qr,
};
use crate::{
    page::{
        addresses, browser, format,
        hooks::{use_asking, use_model, use_workers},
        route::Route,
    },
    shared::{
        messages::{SaveReceipt, millis},
        views::{ReceiptState, ReceiptView, SealView},
    },
};

struct Step {
    done: bool,
    title: String,
    detail: String,
}

fn steps(receipt: &ReceiptView, sealed: bool) -> Vec<Step> {
    let here = receipt.cast.map_or_else(|| "opened from its receipt".into(), format::time);
    let (block, when) = match &receipt.state {
        ReceiptState::InBlock { height, time, .. } => (Some(*height), format::time(*time)),
        ReceiptState::Replaced { height } => (Some(*height), "replaced since".into()),
        ReceiptState::AfterSeal { height } => (Some(*height), "after the seal".into()),
        ReceiptState::Pending | ReceiptState::Lost | ReceiptState::Unknown => {
            (None, "waits for a block".into())
        }
    };
    let held = match receipt.holders {
        0 => "no other computer said so yet".to_owned(),
        n => format!("{} said so", format::plural(n.into(), "other computer", "other computers")),
    };
    vec![
        Step {
            done: !matches!(receipt.state, ReceiptState::Unknown | ReceiptState::Lost),
            title: "In this tab".into(),
            detail: here,
        },
        Step { done: receipt.holders > 0, title: "Held by others".into(), detail: held },
        Step {
            done: block.is_some() && !matches!(receipt.state, ReceiptState::AfterSeal { .. }),
            title: block.map_or("In a block".into(), |height| format!("In block {height}")),
            detail: when,
        },
        Step {
            done: receipt.standing == Standing::Counted,
            title: "Sealed".into(),
            detail: if receipt.standing == Standing::Counted {
                "the result is final".into()
            } else if sealed {
                "the sealed result does not hold this vote".into()
            } else {
                "after voting has closed".into()
            },
        },
    ]
}

fn proof_line(state: &ReceiptState) -> Html {
    match state {
        ReceiptState::InBlock { problem: None, path, .. } => html! {
            <p class="hint good" data-testid="proof">
                { icon(Name::Shield) }
                { match path {
                    0 => "Inclusion proof checked by this tab: the block holds this vote alone.".to_owned(),
                    path => format!("Inclusion proof checked by this tab: {} lead from this vote to the block's header.",
                        format::plural((*path).into(), "hash", "hashes")),
                } }
            </p>
        },
        ReceiptState::InBlock { problem: Some(problem), .. } => html! {
            <p class="hint bad" data-testid="proof">{ icon(Name::Warning) }{ problem.clone() }</p>
        },
        ReceiptState::AfterSeal { .. }
        | ReceiptState::Replaced { .. }
        | ReceiptState::Pending
        | ReceiptState::Unknown
        | ReceiptState::Lost => Html::default(),
    }
}

/// The sentence that says how the vote stands, and what to do.
fn standing(receipt: &ReceiptView, refuted: bool, save: &Callback<bool>) -> Html {
    let Said { what, then } = said(&receipt.standing, &|at| format::time(millis(at)));
    let (mark, name) = match receipt.standing.mark() {
        Mark::Good => ("good", Name::Tick),
        Mark::Open => ("warn", Name::Clock),
        Mark::Bad => ("bad", Name::Warning),
    };
    let complain = matches!(receipt.standing, Standing::LeftOut { .. });
    html! {
        <div class={classes!("standing", mark)} role="status" data-testid="standing">
            { icon(name) }
            <p><b>{ what }</b>{ " " }{ then }</p>
            if complain {
                <button type="button" class="button small" onclick={save.reform(|_: MouseEvent| true)} data-testid="complaint">{ "Save the complaint" }</button>
            }
            if refuted {
                <p class="soft">{ "A result was signed that does not fit the votes; it binds nobody." }</p>
            }
        </div>
    }
}

/// What was, where that is no more so.
fn alarms(receipt: &ReceiptView) -> Html {
    html! {
        <>
        if let Some(height) = receipt.dropped {
            <div role="alert" data-testid="dropped">{ notice(if matches!(receipt.state, ReceiptState::InBlock { .. }) { "warn" } else { "bad" }, html! { <>{ format!("It was recorded in block {height}, and the chain was reorganised. ") }
                { match receipt.state {
                    ReceiptState::InBlock { .. } => "This tab cast it again by itself, and it is recorded again.",
                    ReceiptState::Pending => "This tab cast it again by itself; it is being recorded again. Keep the page open.",
                    ReceiptState::Unknown => "It could not be cast again: the election is closed or sealed. Tell the organiser.",
                    ReceiptState::Lost | ReceiptState::Replaced { .. } | ReceiptState::AfterSeal { .. } => "",
                } }</> }) }</div>
        }
        if receipt.double_vote {
            <div role="alert" data-testid="double">{ notice("bad", "Two different ballots were signed with this code or key; the proof is kept beside the result. If the other one is not yours, tell the organiser: somebody else has it.") }</div>
        }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub receipt: ReceiptView,
    /// The id of its election.
    pub election: AttrValue,
}

/// A receipt.
#[component]
pub fn Receipt(props: &Props) -> Html {
    let workers = use_workers();
    let saving = use_asking::<()>();
    let (sealed, refuted) = use_model(|model| {
        let seal = model.seal();
        (matches!(seal, SealView::Sealed { .. }), seal == SealView::Refuted)
    });
    let receipt = &props.receipt;
    let address =
        addresses::receipt(&browser::origin(), &props.election, &receipt.vote_id, &receipt.bytes);
    let state = match receipt.state {
        ReceiptState::Pending => "pending",
        ReceiptState::InBlock { .. } => "mined",
        ReceiptState::Replaced { .. } => "replaced",
        ReceiptState::AfterSeal { .. } => "after-seal",
        ReceiptState::Lost => "lost",
        ReceiptState::Unknown => "unknown",
    };
    let here =
        Route::Receipt { election: props.election.to_string(), vote: receipt.vote_id.clone() };
    let save = {
        let (saving, id) = (saving.clone(), receipt.vote_id.clone());
        Callback::from(move |complaint: bool| {
            let written = workers.tools().ask(SaveReceipt { id: id.clone(), complaint });
            saving.wait(async move {
                let file = written.await?;
                browser::download(&file.name, file.text.as_bytes());
                Ok(())
            });
        })
    };
    html! {
        <section class="receipt" aria-label="Receipt" data-testid="receipt" data-state={state}>
            <div class="sheet">
                <div class="split">
                    <div class="stack">
                        <h2>{ format!("You voted “{}”", receipt.selection) }</h2>
                        { standing(receipt, refuted, &save) }
                        { alarms(receipt) }
                        { failed(saving.asked().failure()) }
                        { folded(receipt, sealed) }
                    </div>
                    <div class="field">
                        <Qr text={address.clone()} label="QR code of this receipt's address" />
                        <div class="chips no-print">
                            <button type="button" class="button small" disabled={saving.asked().is_waiting()}
                                onclick={save.reform(|_: MouseEvent| false)}>{ "Download" }</button>
                            <button type="button" class="button small" onclick={|_: MouseEvent| browser::print()}>{ "Print" }</button>
                        </div>
                    </div>
                </div>
                <small>
                    { "Opened in any browser, by its file, its QR code or its address, this receipt checks itself again and keeps watching. Ballots of this election are public, so it also shows what was chosen: keep it to yourself if that is nobody's business. " }
                    <a href={address.clone()} onclick={going(here)}>{ "Address of this receipt" }</a>
                    <span class="print-only public">{ format!(" {address}") }</span>
                </small>
            </div>
        </section>
    }
}

/// The steps, and the numbers to compare.
fn folded(receipt: &ReceiptView, sealed: bool) -> Html {
    html! {
        <details>
            <summary>{ "Step by step" }</summary>
            <ol class="steps">
                for step in steps(receipt, sealed) {
                    <li class={classes!(step.done.then_some("done"))}>
                        <b>{ &step.title }</b>
                        { &step.detail }
                        <span class="visually-hidden">
                            { if step.done { " (done)" } else { " (not yet)" } }
                        </span>
                    </li>
                }
            </ol>
            { proof_line(&receipt.state) }
            <dl class="facts">
                <dt>{ "Token" }</dt><dd>{ receipt.token }</dd>
                <dt>{ "Vote id" }</dt>
                <dd><Hash value={receipt.vote_id.clone()} of="vote id" /></dd>
                if let ReceiptState::InBlock { hash, .. } = &receipt.state {
                    <dt>{ "Block" }</dt><dd><Hash value={hash.clone()} of="block hash" /></dd>
                }
            </dl>
        </details>
    }
}
