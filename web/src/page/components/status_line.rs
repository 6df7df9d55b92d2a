//! The state of this tab, in a line.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    icons::{Name, icon},
    link::going,
};
use crate::{
    page::{format, hooks::use_model, model::Phase, route::Route},
    shared::views::{SealView, Status, StorageStatus},
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

fn connection(status: &Status) -> (&'static str, String) {
    let up = status.relays.iter().any(|relay| relay.connected);
    match (up, status.peers) {
        (true, 0) => ("good", "connected, no peers yet".into()),
        (true, n) => ("good", format!("connected, {}", format::plural(n.into(), "peer", "peers"))),
        (false, _) => ("warn", "not connected: votes wait here and travel later".into()),
    }
}

fn parts(phase: &Phase, status: Option<&Status>, election: &str) -> Vec<Part> {
    let network = Route::Network { election: election.to_owned() };
    let chain = Route::Chain { election: election.to_owned() };
    let verify = Route::Verify { election: election.to_owned() };
    let one = |words: &str| {
        let words = words.to_owned();
        vec![Part { kind: "", icon: Name::Clock, words, to: network.clone(), fine: false }]
    };
    match phase {
        Phase::Starting => return one("starting the node in this tab"),
        Phase::Searching(_) => return one("asking peers for this election"),
        Phase::Failed(_) => return one("no election is open"),
        Phase::Open(_) => {}
    }
    let Some(status) = status else {
        return one("verifying the stored chain");
    };
    let (kind, words) = connection(status);
    let icon = if kind == "good" { Name::Dot } else { Name::Broken };
    let part = |kind, icon, words: String, to: &Route| {
        let to = to.clone();
        Part { kind, icon, words, to, fine: true }
    };
    let mut parts = vec![part(kind, icon, words, &network)];
    let target = status.syncing_to.filter(|target| *target > status.height);
    let words = match (target, status.highest_peer, kind) {
        (Some(target), _, _) => format!("fetching block {} of {target}", status.height),
        // Without a peer to compare with, nobody knows.
        (None, None, _) | (None, _, "warn") => format!("at block {}", status.height),
        (None, Some(highest), _) if highest > status.height => {
            format!("at block {}, a peer claims {highest}", status.height)
        }
        (None, Some(_), _) if status.sure => format!("in sync at block {}", status.height),
        (None, Some(_), _) if status.peers == 0 => format!("at block {}", status.height),
        (None, Some(_), _) => {
            let say = format::peers_say(status.peers);
            format!("at block {}, as far as {say}", status.height)
        }
    };
    parts.push(part("", Name::Link, words, &chain));
    let words = match status.votes {
        0 if status.sure => "no votes in the chain yet".into(),
        0 => "no votes here yet".into(),
        1 => "the one vote verified here".into(),
        votes => format!("all {} votes verified here", format::count(votes)),
    };
    parts.push(part("", Name::Shield, words, &verify));
    let mining = &status.mining;
    let words = match (mining.on, mining.active) {
        (true, true) => format!("mining at {}", format::hash_rate(mining.rate)),
        (true, false) => "mining when votes wait".into(),
        (false, _) if mining.elsewhere => "mining in another tab".into(),
        (false, _) => "mining off".into(),
    };
    parts.push(part("", Name::Nodes, words, &network));
    let words = match &status.seal {
        SealView::Sealed { height, .. } => Some(("good", format!("sealed at block {height}"))),
        SealView::Awaited => Some(("warn", "sealed at a block that is not here yet".into())),
        SealView::Contested(..) => Some(("bad", "the result is contested".into())),
        SealView::Refuted => Some(("bad", "the seal does not hold".into())),
        SealView::Unsealed => None,
    };
    if let Some((kind, words)) = words {
        let results = Route::Results { election: election.to_owned() };
        parts.push(part(kind, Name::Seal, words, &results));
    }
    if let StorageStatus::Memory(_) = status.storage {
        let words = "nothing is kept when this tab closes".to_owned();
        parts.push(part("warn", Name::Warning, words, &network));
    }
    // The worst: a contested result, no storage, no connection, then what is under way, then that
    // all is well.
    let bad = parts.iter().rposition(|part| part.kind == "bad");
    let warned = parts.iter().rposition(|part| part.kind == "warn");
    let worst = match (bad.or(warned), kind, target) {
        (Some(worst), _, _) => worst,
        (None, "good", Some(_)) => 1,
        _ => 0,
    };
    parts[worst].fine = false;
    parts
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
        <section class="status" aria-label="State of this tab" data-testid="status">
            <span class="visually-hidden" role="status">
                { if up { "Connected".to_owned() } else { spoken } }
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
