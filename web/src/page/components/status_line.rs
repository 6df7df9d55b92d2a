//! The state of this tab, in a line.

use blockvote_words::message::{Message, say};
use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    icons::{Name, icon},
    link::going,
};
use crate::{
    page::{format, hooks::use_model, model::Phase, route::Route, words::t},
    shared::views::{MiningStatus, SealView, Status, StorageStatus},
};

#[derive(Clone, PartialEq)]
struct Part {
    kind: &'static str,
    icon: Name,
    words: String,
    to: Route,
    /// Left out on a phone, where only the worst part stays.
    fine: bool,
}

fn connection(status: &Status) -> (&'static str, Message) {
    let up = status.relays.iter().any(|relay| relay.connected);
    match (up, status.peers) {
        (true, 0) => ("good", say::online_alone()),
        (true, peers) => ("good", say::online(peers)),
        (false, _) => ("warn", say::offline()),
    }
}

fn sync(status: &Status, target: Option<u32>, up: bool) -> Message {
    let Status { height, peers, .. } = *status;
    match (target, status.highest_peer) {
        (Some(target), _) => say::fetching(height, target),
        // Without a peer to compare with, nobody knows.
        (None, None) => say::at_block(height),
        (None, _) if !up => say::at_block(height),
        (None, Some(highest)) if highest > height => say::at_block_claim(height, highest),
        (None, Some(_)) if status.sure => say::in_sync(height),
        (None, Some(_)) if peers == 0 => say::at_block(height),
        (None, Some(_)) => say::at_block_as_far(peers, height),
    }
}

fn mining(mining: &MiningStatus) -> Message {
    match (mining.on, mining.active) {
        (true, true) => say::mining_at(format::hash_rate(mining.rate)),
        (true, false) => say::mining_ready(),
        (false, _) if mining.elsewhere => say::mining_elsewhere(),
        (false, _) => say::mining_off(),
    }
}

fn parts(phase: &Phase, status: Option<&Status>, election: &str) -> Vec<Part> {
    let election = || election.to_owned();
    let network = Route::Network { election: election() };
    let part = |kind, icon, words, to: &Route| {
        let to = to.clone();
        Part { kind, icon, words: t(words), to, fine: true }
    };
    let one = |words| vec![Part { fine: false, ..part("", Name::Clock, words, &network) }];
    match (phase, status) {
        (Phase::Starting, _) => one(say::state_starting()),
        (Phase::Searching(_), _) => one(say::state_searching()),
        (Phase::Failed(_), _) => one(say::state_none_open()),
        (Phase::Open(_), None) => one(say::state_verifying()),
        (Phase::Open(_), Some(status)) => {
            let chain = Route::Chain { election: election() };
            let verify = Route::Verify { election: election() };
            let results = Route::Results { election: election() };
            let (kind, words) = connection(status);
            let up = kind == "good";
            let icon = if up { Name::Dot } else { Name::Broken };
            let target = status.syncing_to.filter(|target| *target > status.height);
            let votes = match status.votes {
                0 if status.sure => say::no_votes_yet(),
                0 => say::no_votes_here_yet(),
                votes => say::votes_verified(votes),
            };
            let mut parts = vec![
                part(kind, icon, words, &network),
                part("", Name::Link, sync(status, target, up), &chain),
                part("", Name::Shield, votes, &verify),
                part("", Name::Nodes, mining(&status.mining), &network),
            ];
            let seal = match &status.seal {
                SealView::Sealed { height, .. } => Some(("good", say::state_sealed(*height))),
                SealView::Awaited => Some(("warn", say::state_seal_awaited())),
                SealView::Contested(..) => Some(("bad", say::state_contested())),
                SealView::Refuted => Some(("bad", say::state_refuted())),
                SealView::Unsealed => None,
            };
            parts.extend(seal.map(|(kind, words)| part(kind, Name::Seal, words, &results)));
            if let StorageStatus::Memory(_) = status.storage {
                parts.push(part("warn", Name::Warning, say::state_memory(), &network));
            }
            shorten(&mut parts, up, target.is_some());
            parts
        }
    }
}

/// Which of them a phone shows: the worst, that is a contested result, no storage, no connection; then
/// what is under way, then that all is well.
fn shorten(parts: &mut [Part], up: bool, fetching: bool) {
    let of_kind = |kind| parts.iter().rposition(|part: &Part| part.kind == kind);
    let worst = match of_kind("bad").or(of_kind("warn")) {
        Some(worst) => worst,
        None if up && fetching => 1,
        None => 0,
    };
    parts[worst].fine = false;
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub election: String,
}

/// The line.
#[component]
pub fn StatusLine(props: &Props) -> Html {
    let election = props.election.clone();
    let parts = use_model(move |model| parts(&model.phase, model.status.as_deref(), &election));
    // Screen readers hear when the connection changes, not every block.
    let spoken = parts.first().map(|part| part.words.clone()).unwrap_or_default();
    let up = parts.first().is_some_and(|part| part.kind == "good");
    html! {
        <section class="status" aria-label={t(say::state_label())} data-testid="status">
            <span class="visually-hidden" role="status">
                { if up { t(say::state_connected()) } else { spoken } }
            </span>
            for (index, part) in parts.into_iter().enumerate() {
                <a href={part.to.to_path()} onclick={going(part.to)}
                    class={classes!(part.kind, part.fine.then_some("fine"), (index == 0).then_some("first"))}>
                    { icon(part.icon) }{ part.words }
                </a>
            }
        </section>
    }
}
