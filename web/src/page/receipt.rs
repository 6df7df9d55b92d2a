//! The receipt of a vote: a line that fills in four steps, and never says more than is known.

use fast_qr::{
    ECL, QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use yew::prelude::*;

use super::{
    browser, format,
    icons::{Icon, Name},
    words::{Hash, Notice},
};
use crate::messages::{ReceiptState, ReceiptView};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub receipt: ReceiptView,
    pub election: AttrValue,
}

struct Step {
    done: bool,
    title: String,
    detail: String,
}

fn steps(receipt: &ReceiptView) -> Vec<Step> {
    let here = receipt.cast.map_or_else(String::new, format::time);
    let (in_chain, block, depth, when) = match &receipt.state {
        ReceiptState::InBlock { height, confirmations, time, .. } => {
            (true, Some(*height), *confirmations, format::time(*time))
        }
        _ => (false, None, 0, String::new()),
    };
    let held = match receipt.holders {
        0 => "no peer confirmed it yet".to_owned(),
        n => format!("{} confirmed it", format::plural(n.into(), "peer", "peers")),
    };
    vec![
        Step { done: true, title: "In this tab".into(), detail: here },
        Step { done: receipt.holders > 0, title: "Held by peers".into(), detail: held },
        Step {
            done: in_chain,
            title: block.map_or("In a block".into(), |height| format!("In block {height}")),
            detail: if in_chain { when } else { "waits for a miner".into() },
        },
        Step {
            done: depth > 1,
            title: match depth {
                0 | 1 => "Blocks on top".into(),
                n => format!("{} deep", format::plural(n.into(), "block", "blocks")),
            },
            detail: match depth {
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
                <Icon name={Name::Shield} />
                { match path {
                    0 => "Inclusion proof checked by this tab: the block holds this vote alone.".to_owned(),
                    path => format!("Inclusion proof checked by this tab: {} lead from this vote to the block's header.",
                        format::plural((*path).into(), "hash", "hashes")),
                } }
            </p>
        },
        ReceiptState::InBlock { problem: Some(problem), .. } => html! {
            <p class="hint bad" data-testid="proof"><Icon name={Name::Warning} />{ problem.clone() }</p>
        },
        ReceiptState::Pending => html! {
            <p class="hint"><Icon name={Name::Clock} />{ "Waiting for a block. This page keeps watching by itself." }</p>
        },
        ReceiptState::Unknown => html! {
            <p class="hint"><Icon name={Name::Clock} />{ "This tab does not hold the vote at the moment. It asks its peers." }</p>
        },
        ReceiptState::Lost => html! {
            <Notice kind="bad">{ "This vote does not count: another vote with the same token is in the chain, or was taken first." }</Notice>
        },
    }
}

/// The address at which any browser finds this receipt again.
fn address(election: &str, vote: &str) -> String {
    format!("{}/e/{election}/receipt/{vote}", browser::origin())
}

fn qr(text: &str) -> Html {
    let Ok(code) = QRBuilder::new(text).ecl(ECL::L).build() else {
        return Html::default();
    };
    let svg = SvgBuilder::default().margin(3).to_str(&code);
    html! {
        <div class="qr" role="img" aria-label="QR code of this receipt's address">
            { Html::from_html_unchecked(AttrValue::from(svg)) }
        </div>
    }
}

/// A receipt.
#[component]
pub fn Receipt(props: &Props) -> Html {
    let receipt = &props.receipt;
    let address = address(&props.election, &receipt.vote_id);
    let code = use_memo(address.clone(), |address| qr(address));
    let state = match receipt.state {
        ReceiptState::Pending => "pending",
        ReceiptState::InBlock { .. } => "mined",
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
                            for step in steps(receipt) {
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
                    </div>
                    <div class="field">
                        { (*code).clone() }
                        <button type="button" class="button small no-print"
                            onclick={|_: MouseEvent| { let _ = browser::window().print(); }}>
                            { "Print" }
                        </button>
                    </div>
                </div>
                <small>
                    { "The receipt proves that the vote is in the chain. In this election it also shows what was chosen: keep it to yourself if that is nobody's business. " }
                    <a href={address.clone()}>{ "Address of this receipt" }</a>
                </small>
            </div>
        </section>
    }
}
