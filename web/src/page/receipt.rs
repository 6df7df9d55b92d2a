//! The receipt of a vote: a line that fills in four steps, and never says more than is known.

use yew::prelude::*;

use super::{
    browser, format,
    icons::{Name, icon},
    model::Shared,
    qr::Qr,
    words::{Hash, notice},
};
use crate::messages::{ReceiptState, ReceiptView, SealView, ToNode};

struct Step {
    done: bool,
    title: String,
    detail: String,
}

fn steps(receipt: &ReceiptView, sealed: Option<u32>) -> Vec<Step> {
    let here = receipt.cast.map_or_else(|| "opened from its receipt".into(), format::time);
    let (in_chain, block, depth, when) = match &receipt.state {
        ReceiptState::InBlock { height, confirmations, time, .. } => {
            (true, Some(*height), *confirmations, format::time(*time))
        }
        ReceiptState::Replaced { height } => (true, Some(*height), 0, "replaced since".into()),
        ReceiptState::AfterSeal { height } => (true, Some(*height), 0, "after the seal".into()),
        _ => (false, None, 0, String::new()),
    };
    let held = match receipt.holders {
        0 => "no peer confirmed it yet".to_owned(),
        n => format!("{} confirmed it", format::plural(n.into(), "peer", "peers")),
    };
    vec![
        Step {
            done: !matches!(receipt.state, ReceiptState::Unknown | ReceiptState::Lost),
            title: "In this tab".into(),
            detail: here,
        },
        Step { done: receipt.holders > 0, title: "Held by peers".into(), detail: held },
        Step {
            done: in_chain,
            title: block.map_or("In a block".into(), |height| format!("In block {height}")),
            detail: if in_chain { when } else { "waits for a miner".into() },
        },
        Step {
            done: depth > 1 || (in_chain && sealed.is_some()),
            title: match depth {
                _ if in_chain && sealed.is_some() => "Sealed".into(),
                0 | 1 => "Blocks on top".into(),
                n => format!("{} deep", format::plural(n.into(), "block", "blocks")),
            },
            detail: match depth {
                _ if in_chain && sealed.is_some() => "the organiser's seal makes it final".into(),
                0 => String::new(),
                1 => "it is the newest block".into(),
                _ => "each makes it harder to undo".into(),
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
        ReceiptState::AfterSeal { .. } => html! {
            { notice("bad", "This vote is in a block after the one that the organiser sealed, so it does not count.") }
        },
        ReceiptState::Replaced { .. } => html! {
            { notice("warn", "This vote was replaced: a later vote of the same voter counts. If that was not you, somebody else has your code or key: tell the organiser, and change the vote once more.") }
        },
        ReceiptState::Pending => html! {
            <p class="hint">{ icon(Name::Clock) }{ "Waiting for a block. This page keeps watching by itself." }</p>
        },
        ReceiptState::Unknown => html! {
            <p class="hint">{ icon(Name::Clock) }{ "This tab does not hold the vote at the moment. It asks its peers." }</p>
        },
        ReceiptState::Lost => html! {
            { notice("bad", "This vote does not count: another vote with the same token is in the chain, or was taken first.") }
        },
    }
}

/// The address at which any browser finds this receipt again. The vote itself stands behind the
/// `#`, which is sent to no server; with it the browser can cast the vote again.
fn address(election: &str, receipt: &ReceiptView) -> String {
    let ReceiptView { vote_id, bytes, .. } = receipt;
    format!("{}/e/{election}/receipt/{vote_id}#vote={bytes}", browser::origin())
}

/// What is wrong, besides the state itself.
fn alarms(receipt: &ReceiptView) -> Html {
    let back = matches!(receipt.state, ReceiptState::InBlock { .. });
    html! {
        <>
            if let Some(height) = receipt.dropped {
                <div role="alert" data-testid="dropped">{ notice(if back { "warn" } else { "bad" }, html! { <>{ format!("A reorganisation of the chain dropped this vote from block {height}. ") }
                    { match receipt.state {
                        ReceiptState::InBlock { .. } => "This tab cast it again by itself, and it is in the chain again.",
                        ReceiptState::Pending => "This tab cast it again by itself; it waits for a block once more. Keep the page open.",
                        ReceiptState::Unknown => "It could not be cast again: the election is closed or sealed. Tell the organiser.",
                        ReceiptState::Lost | ReceiptState::Replaced { .. } | ReceiptState::AfterSeal { .. } => "It does not count as it stands; see below.",
                    } }</> }) }</div>
            }
            if receipt.double_vote {
                <div role="alert" data-testid="double">{ notice("bad", "Two different ballots were signed with this code or key; the proof is kept beside the result. If the other one is not yours, tell the organiser: somebody else has it.") }</div>
            }
        </>
    }
}

/// A receipt.
pub fn html(shared: &Shared, receipt: &ReceiptView, election: &str) -> Html {
    let address = address(election, receipt);
    let sealed = match shared.model.status.as_ref().map(|status| &status.seal) {
        Some(SealView::Sealed { height, .. }) => Some(*height),
        _ => None,
    };
    let state = match receipt.state {
        ReceiptState::Pending => "pending",
        ReceiptState::InBlock { .. } => "mined",
        ReceiptState::Replaced { .. } => "replaced",
        ReceiptState::AfterSeal { .. } => "after-seal",
        ReceiptState::Lost => "lost",
        ReceiptState::Unknown => "unknown",
    };
    html! {
        <section class="receipt" aria-label="Receipt" data-testid="receipt" data-state={state}>
            <div class="sheet">
                <div class="split">
                    <div class="stack">
                        <h2>{ format!("Your vote: “{}”", receipt.selection) }</h2>
                        <ol class="steps" aria-live="polite">
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
                        { alarms(receipt) }
                        { proof_line(&receipt.state) }
                        <dl class="facts">
                            <dt>{ "Token" }</dt><dd>{ receipt.token }</dd>
                            <dt>{ "Vote id" }</dt>
                            <dd><Hash value={receipt.vote_id.clone()} of="vote id" /></dd>
                            if let ReceiptState::InBlock { hash, .. } = &receipt.state {
                                <dt>{ "Block" }</dt><dd><Hash value={hash.clone()} of="block hash" /></dd>
                            }
                        </dl>
                    </div>
                    <div class="field">
                        <Qr text={address.clone()} label="QR code of this receipt's address" />
                        <div class="chips no-print">
                            <button type="button" class="button small" onclick={{
                                let (send, id) = (shared.send.clone(), receipt.vote_id.clone());
                                move |_: MouseEvent| send.emit(ToNode::Receipt(id.clone()))
                            }}>{ "Download" }</button>
                            <button type="button" class="button small"
                                onclick={|_: MouseEvent| { let _ = browser::window().print(); }}>
                                { "Print" }
                            </button>
                        </div>
                    </div>
                </div>
                <small>
                    { "Opened in any browser, by its file, its QR code or its address, this receipt checks itself again and keeps watching. It proves that the vote is in the chain. Ballots of this election are public, so it also shows what was chosen: keep it to yourself if that is nobody's business. " }
                    <a href={address.clone()}>{ "Address of this receipt" }</a>
                    <span class="print-only public">{ format!(" {address}") }</span>
                </small>
            </div>
        </section>
    }
}
