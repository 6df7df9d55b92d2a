//! The receipt of a vote: one sentence that never says more than is known, and its steps folded below.

use blockvote_core::audit::standing::{Mark, Standing};
use blockvote_words::{
    message::{Message, say},
    standing,
};
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
        addresses, browser,
        hooks::{use_asking, use_model, use_workers},
        route::Route,
        words::{t, time},
    },
    shared::{
        messages::{SaveReceipt, millis},
        views::{ReceiptState, ReceiptView, SealView},
    },
};

struct Step {
    done: bool,
    title: Message,
    detail: Message,
}

fn steps(receipt: &ReceiptView, sealed: bool) -> [Step; 5] {
    let InRecord { recorded, when, confirmations } = recorded(&receipt.state);
    let counted = receipt.standing == Standing::Counted;
    [
        Step {
            done: !matches!(receipt.state, ReceiptState::Unknown | ReceiptState::Lost),
            title: say::step_here(),
            detail: receipt.cast.map_or_else(say::step_opened, |at| say::at_time(time(at))),
        },
        Step {
            done: receipt.holders > 0,
            title: say::step_others(),
            detail: match receipt.holders {
                0 => say::step_nobody_yet(),
                holders => say::step_others_said(holders),
            },
        },
        Step { done: recorded, title: say::step_recorded(), detail: when },
        Step {
            done: confirmations > 0,
            title: say::step_confirmed(),
            detail: match confirmations {
                0 => say::step_confirmed_none(),
                blocks => say::step_confirmed_by(blocks),
            },
        },
        Step {
            done: counted,
            title: say::step_final(),
            detail: match (counted, sealed) {
                (true, _) => say::step_final_yes(),
                (false, true) => say::step_final_without(),
                (false, false) => say::step_final_later(),
            },
        },
    ]
}

/// Whether a vote is recorded, since when, and by how many later blocks that is confirmed.
struct InRecord {
    recorded: bool,
    when: Message,
    confirmations: u32,
}

fn recorded(state: &ReceiptState) -> InRecord {
    let (recorded, when, confirmations) = match state {
        ReceiptState::InBlock { height, time: at, confirmations, .. } => {
            let when = say::step_recorded_at(height.to_string(), time(*at));
            (true, when, confirmations.saturating_sub(1))
        }
        ReceiptState::Replaced { .. } => (true, say::step_replaced(), 0),
        ReceiptState::AfterSeal { .. } => (false, say::step_after_seal(), 0),
        ReceiptState::Pending | ReceiptState::Lost | ReceiptState::Unknown => {
            (false, say::step_not_yet(), 0)
        }
    };
    InRecord { recorded, when, confirmations }
}

fn proof_line(state: &ReceiptState) -> Html {
    let ReceiptState::InBlock { problem, .. } = state else { return Html::default() };
    let (kind, name) = match problem {
        None => ("good", Name::Shield),
        Some(_) => ("bad", Name::Warning),
    };
    let words = problem.clone().unwrap_or_else(|| t(say::proof_good()));
    html! { <p class={classes!("hint", kind)} data-testid="proof">{ icon(name) }{ words }</p> }
}

/// The sentence that says how the vote stands, and what to do.
fn sentence(receipt: &ReceiptView, fresh: bool, refuted: bool, save: &Callback<bool>) -> Html {
    let standing::Said { what, then } =
        standing::said(&receipt.standing, &|at| t(say::at_time(time(millis(at)))));
    let (mark, name) = match receipt.standing.mark() {
        Mark::Good => ("good", Name::Tick),
        Mark::Open => ("warn", Name::Clock),
        Mark::Bad => ("bad", Name::Warning),
    };
    let complain = matches!(receipt.standing, Standing::LeftOut { .. });
    html! {
        <div class={classes!("standing", mark, fresh.then_some("fold"))} role="status" data-testid="standing">
            { icon(name) }
            <p><b>{ what }</b>{ " " }{ then }</p>
            if complain {
                <button type="button" class="button small" onclick={save.reform(|_: MouseEvent| true)} data-testid="complaint">{ t(say::save_complaint()) }</button>
            }
            if refuted {
                <p class="soft">{ t(say::refuted_result()) }</p>
            }
        </div>
    }
}

/// What was, where that is no more so.
fn alarms(receipt: &ReceiptView) -> Html {
    let (kind, then) = match receipt.state {
        ReceiptState::InBlock { .. } => ("warn", "again"),
        ReceiptState::Pending => ("bad", "waits"),
        ReceiptState::Unknown => ("bad", "lost"),
        ReceiptState::Lost | ReceiptState::Replaced { .. } | ReceiptState::AfterSeal { .. } => {
            ("bad", "")
        }
    };
    html! {
        <>
        if let Some(height) = receipt.dropped {
            <div role="alert" data-testid="dropped">{ notice(kind, t(say::dropped(height.to_string(), then))) }</div>
        }
        if receipt.double_vote {
            <div role="alert" data-testid="double">{ notice("bad", t(say::two_ballots())) }</div>
        }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub receipt: ReceiptView,
    /// The id of its election.
    pub election: AttrValue,
    /// Whether it was cast a moment ago.
    #[prop_or_default]
    pub fresh: bool,
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
        <section class="receipt" aria-label={t(say::receipt())} data-testid="receipt" data-state={state}>
            <div class="sheet">
                <div class="split">
                    <div class="stack">
                        <h2>{ t(say::you_voted(&receipt.selection)) }</h2>
                        { sentence(receipt, props.fresh, refuted, &save) }
                        { alarms(receipt) }
                        { failed(saving.asked().failure()) }
                        { folded(receipt, sealed) }
                    </div>
                    <div class="field">
                        <Qr text={address.clone()} label={t(say::receipt_qr())} />
                        <div class="chips no-print">
                            <button type="button" class="button small" disabled={saving.asked().is_waiting()}
                                onclick={save.reform(|_: MouseEvent| false)}>{ t(say::download()) }</button>
                            <button type="button" class="button small" onclick={|_: MouseEvent| browser::print()}>{ t(say::print()) }</button>
                        </div>
                    </div>
                </div>
                <small>
                    { t(say::receipt_how()) }{ " " }
                    <a href={address.clone()} onclick={going(here)}>{ t(say::receipt_address()) }</a>
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
            <summary>{ t(say::step_by_step()) }</summary>
            <ol class="steps">
                for step in steps(receipt, sealed) {
                    <li class={classes!(step.done.then_some("done"))}>
                        <b>{ t(step.title) }</b>
                        { t(step.detail) }
                        <span class="visually-hidden">
                            { " " }{ t(if step.done { say::is_done() } else { say::is_not_yet() }) }
                        </span>
                    </li>
                }
            </ol>
            { proof_line(&receipt.state) }
            <dl class="facts">
                <dt>{ t(say::your_number_is()) }</dt><dd>{ receipt.token }</dd>
                <dt>{ t(say::vote_id()) }</dt>
                <dd><Hash value={receipt.vote_id.clone()} of={t(say::vote_id_of())} /></dd>
                if let ReceiptState::InBlock { hash, .. } = &receipt.state {
                    <dt>{ t(say::block()) }</dt><dd><Hash value={hash.clone()} of={t(say::block_hash_of())} /></dd>
                }
            </dl>
        </details>
    }
}
