//! The chain as a thread of knots, newest on top.

use std::rc::Rc;

use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{BlockSummary, BlockView, MAX_VOTES_SHOWN, ToNode},
    page::{
        format,
        icons::{Name, icon},
        model::{Action, Shared, use_shared},
        words::Hash,
    },
};

/// Blocks shown at first, and more with each press.
const PAGE: u32 = 25;

/// A knot: its size is the block's share of the work shown.
fn knot(block: &BlockSummary, most: f64) -> Html {
    let share = if most > 0.0 { (block.work / most).sqrt() } else { 0.0 };
    let radius = format!("{:.1}", 6.0 + 9.0 * share);
    html! {
        <svg class="knot" viewBox="0 0 44 44" aria-hidden="true">
            if !block.forks.is_empty() {
                <circle class="rival" cx="34" cy="12" r="6" />
            }
            <circle cx="22" cy="22" r={radius} />
        </svg>
    }
}

fn details(view: &BlockView) -> Html {
    let hash = &view.summary.hash;
    let zeros = view.zeros as usize;
    let shown = view.votes.len();
    html! {
        <div class="opened">
            <p class="hash" data-testid="proof-zeros">
                <span class="zeros">{ hash.get(..zeros).unwrap_or_default() }</span>
                { hash.get(zeros..).unwrap_or_default() }
                <br/>
                <small>{ if view.summary.height == 1 {
                    "The first block follows from the election itself and needs no proof of work.".to_owned()
                } else {
                    format!("The proof: {} leading zeros, found by trying about {} nonces.", view.zeros, format::count(view.summary.work as u64))
                } }</small>
            </p>
            <dl class="facts">
                for (name, value) in view.fields.clone() {
                    <><dt>{ name }</dt><dd>
                        if value.len() == 64 {
                            <Hash value={value} of="hash" />
                        } else {
                            { value }
                        }
                    </dd></>
                }
            </dl>
            if shown > 0 {
                <div class="scroll">
                    <table>
                        <caption class="visually-hidden">{ "Votes of this block" }</caption>
                        <thead><tr><th scope="col" class="number">{ "Token" }</th><th scope="col">{ "Selection" }</th></tr></thead>
                        <tbody>
                            for (token, selection) in view.votes.clone() {
                                <tr><td class="number">{ token }</td><td>{ selection }</td></tr>
                            }
                        </tbody>
                    </table>
                </div>
                if view.summary.votes as usize > MAX_VOTES_SHOWN {
                    <small>{ format!("The first {shown} of {} votes. The rest is in the exported chain.", format::count(view.summary.votes.into())) }</small>
                }
            }
        </div>
    }
}

/// The screen.
#[component]
pub fn Chain() -> Html {
    let shared = use_shared();
    let wanted = use_state(|| PAGE);
    let model = shared.model.clone();
    let tip = model.status.as_ref().map(|status| (status.height, status.tip.clone()));
    {
        let send = shared.send.clone();
        use_effect_with((tip, *wanted), move |(tip, wanted)| {
            if let Some((height, _)) = tip {
                send.emit(ToNode::Blocks { from: *height, count: *wanted });
            }
        });
    }
    let Some(_) = model.election() else {
        return unopened(&model);
    };
    let pending = model.status.as_ref().map_or(0, |status| status.pending);
    let blocks = Rc::clone(&model.blocks);
    let most = blocks.iter().map(|block| block.work).fold(0.0, f64::max);
    let more = blocks.last().is_some_and(|block| block.height > 1);
    let onmore = {
        let wanted = wanted.clone();
        move |_: MouseEvent| wanted.set((*wanted * 2).min(200))
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "The chain" }</h1>
                <p class="soft">{ "Every block holds the hash of the one before it. Change a vote anywhere, and every block above it breaks." }</p>
            </header>
            <ol class="thread" data-testid="thread">
                if pending > 0 {
                    <li>
                        <svg class="dots" viewBox="0 0 20 40" aria-hidden="true">
                            for index in 0..pending.min(3) {
                                <circle cx="10" cy={(8 + 12 * index).to_string()} r="5" />
                            }
                        </svg>
                        <div class="waiting">{ format!("{} for a block", if pending == 1 { "1 vote waits".to_owned() } else { format!("{} votes wait", format::count(pending.into())) }) }</div>
                    </li>
                }
                for block in blocks.iter() {
                    { row(&shared, block, most) }
                }
            </ol>
            if more && *wanted < 200 {
                <div><button type="button" class="button" onclick={onmore}>{ "Show older blocks" }</button></div>
            } else if more {
                <p class="soft">{ "Older blocks are in the exported chain: see Verify." }</p>
            }
        </div>
    }
}

fn row(shared: &Shared, block: &BlockSummary, most: f64) -> Html {
    let view = shared.model.block.clone();
    let view = view.filter(|view| view.summary.hash == block.hash);
    let opened = view.is_some();
    let onclick = {
        let (shared, height) = (shared.clone(), block.height);
        move |_: MouseEvent| {
            if opened {
                shared.model.dispatch(Action::CloseBlock);
            } else {
                shared.send.emit(ToNode::Block(height));
            }
        }
    };
    html! {
        <li key={block.height}>
            { knot(block, most) }
            <button type="button" class="plain block" {onclick} aria-expanded={opened.to_string()}>
                <span class="name">{ format!("Block {}", block.height) }</span>
                <span class="soft when">{ if block.height == 1 { "the election".to_owned() } else { format!("{} · {}", format::time(block.time), format::plural(block.votes.into(), "vote", "votes")) } }</span>
                <span class="hash soft">{ format::short(&block.hash) }</span>
            </button>
            if !block.forks.is_empty() {
                <div class="forked">{ icon(Name::Broken) }
                    { format!("A fork: {} of the same height did not make it ({}).",
                        format::plural(block.forks.len() as u64, "block", "blocks"),
                        block.forks.iter().map(|hash| format::short(hash)).collect::<Vec<_>>().join(", ")) }
                </div>
            }
            if let Some(view) = view {
                { details(&view) }
            }
        </li>
    }
}
