//! The chain as a thread of knots, newest on top.

use blockvote_words::message::say;
use yew::prelude::*;

use crate::{
    page::{
        components::{
            copy::Hash,
            icons::{Name, icon},
            notice::failed,
            unopened::Unopened,
        },
        format,
        hooks::{Asking, use_asking, use_election, use_model, use_workers},
        words::{t, time},
        workers::Workers,
    },
    shared::{
        messages::{BlockAt, Blocks},
        views::{BlockSummary, BlockView, MAX_VOTES_SHOWN},
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
    let proof = if view.summary.height == 1 {
        say::no_proof()
    } else {
        say::proof_zeros(view.zeros, view.summary.work as u64)
    };
    html! {
        <div class="opened">
            <p class="hash" data-testid="proof-zeros">
                <span class="zeros">{ hash.get(..zeros).unwrap_or_default() }</span>
                { hash.get(zeros..).unwrap_or_default() }
                <br/>
                <small>{ t(proof) }</small>
            </p>
            <dl class="facts">
                for (name, value) in view.fields.clone() {
                    <><dt>{ t(name) }</dt><dd>
                        if value.len() == 64 {
                            <Hash value={value} of={t(say::of_hash())} />
                        } else {
                            { value }
                        }
                    </dd></>
                }
            </dl>
            if shown > 0 {
                <div class="scroll">
                    <table>
                        <caption class="visually-hidden">{ t(say::votes_of_block()) }</caption>
                        <thead><tr><th scope="col" class="number">{ t(say::number_heading()) }</th><th scope="col">{ t(say::answer_heading()) }</th></tr></thead>
                        <tbody>
                            for (token, selection) in view.votes.clone() {
                                <tr><td class="number">{ token }</td><td>{ selection }</td></tr>
                            }
                        </tbody>
                    </table>
                </div>
                if view.summary.votes as usize > MAX_VOTES_SHOWN {
                    <small>{ t(say::first_votes(shown, view.summary.votes)) }</small>
                }
            }
        </div>
    }
}

/// The screen.
#[component]
pub fn Chain() -> Html {
    let workers = use_workers();
    let wanted = use_state(|| PAGE);
    let blocks = use_asking::<Vec<BlockSummary>>();
    let opened = use_asking::<Option<BlockView>>();
    let tip =
        use_model(|model| model.status.as_ref().map(|status| (status.height, status.tip.clone())));
    let pending = use_model(|model| model.status.as_ref().map_or(0, |status| status.pending));
    {
        let (blocks, workers) = (blocks.clone(), workers.clone());
        use_effect_with((tip, *wanted), move |(tip, wanted)| {
            if let Some((from, _)) = *tip {
                blocks.refresh(workers.node().ask(Blocks { from, count: *wanted }));
            }
        });
    }
    if use_election().is_none() {
        return html! { <Unopened /> };
    }
    let list = blocks.asked().answer().map_or(&[][..], Vec::as_slice);
    let most = list.iter().map(|block| block.work).fold(0.0, f64::max);
    let more = list.last().is_some_and(|block| block.height > 1);
    let onmore = {
        let wanted = wanted.clone();
        move |_: MouseEvent| wanted.set((*wanted * 2).min(200))
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::chain_title()) }</h1>
                <p class="soft">{ t(say::chain_words()) }</p>
            </header>
            { failed(blocks.asked().failure().or(opened.asked().failure())) }
            <ol class="thread" data-testid="thread">
                if pending > 0 {
                    <li>
                        <svg class="dots" viewBox="0 0 20 40" aria-hidden="true">
                            for index in 0..pending.min(3) {
                                <circle cx="10" cy={(8 + 12 * index).to_string()} r="5" />
                            }
                        </svg>
                        <div class="waiting">{ t(say::pending_votes(pending)) }</div>
                    </li>
                }
                for block in list {
                    { row(&workers, &opened, block, most) }
                }
            </ol>
            if more && *wanted < 200 {
                <div><button type="button" class="button" onclick={onmore}>{ t(say::older_blocks()) }</button></div>
            } else if more {
                <p class="soft">{ t(say::older_in_file()) }</p>
            }
        </div>
    }
}

fn row(
    workers: &Workers,
    opened: &Asking<Option<BlockView>>,
    block: &BlockSummary,
    most: f64,
) -> Html {
    let view = opened.asked().answer().and_then(Option::as_ref);
    let view = view.filter(|view| view.summary.hash == block.hash);
    let is_open = view.is_some();
    let onclick = {
        let (workers, opened, height) = (workers.clone(), opened.clone(), block.height);
        move |_: MouseEvent| {
            if is_open {
                opened.clear();
            } else {
                opened.refresh(workers.node().ask(BlockAt(height)));
            }
        }
    };
    html! {
        <li key={block.height}>
            { knot(block, most) }
            <button type="button" class="plain block" {onclick} aria-expanded={is_open.to_string()}>
                <span class="name">{ t(say::block_number(block.height.to_string())) }</span>
                <span class="soft when">{ t(if block.height == 1 { say::first_block() } else { say::block_line(time(block.time), block.votes) }) }</span>
                <span class="hash soft">{ format::short(&block.hash) }</span>
            </button>
            if !block.forks.is_empty() {
                <div class="forked">{ icon(Name::Broken) }
                    { t(say::fork(block.forks.len(), block.forks.iter().map(|hash| format::short(hash)).collect::<Vec<_>>().join(", "))) }
                </div>
            }
            if let Some(view) = view {
                { details(view) }
            }
        </li>
    }
}
