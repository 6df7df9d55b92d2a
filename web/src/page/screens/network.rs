//! Relays, peers, sync, mining, storage.

use blockvote_words::message::say;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::{
            copy::Hash,
            fields::typing,
            icons::{Name, icon},
            unopened::Unopened,
        },
        format,
        hooks::{use_election, use_model, use_workers},
        remembered,
        words::t,
        workers::kept_wish,
    },
    shared::{
        messages::{MiningWish, NodeOrder},
        views::{MiningStatus, Status, StorageStatus},
    },
};

fn relays(status: &Status, remove: &Callback<String>) -> Html {
    let added = remembered::added_relays();
    let remove = |url: &str| {
        let (remove, url) = (remove.clone(), url.to_owned());
        move |_: MouseEvent| remove.emit(url.clone())
    };
    html! {
        <ul class="checks" data-testid="relays">
            for relay in status.relays.clone() {
                <li>
                    <span class={if relay.connected { "pass" } else { "fail" }}>
                        { icon(if relay.connected { Name::Tick } else { Name::Broken }) }
                    </span>
                    <span class="hash">{ relay.url.clone() }</span>
                    <span class="detail">
                        { t(match relay.problem {
                            _ if relay.connected => say::relay_connected(),
                            Some(why) if !why.is_empty() => say::relay_away(why),
                            _ => say::relay_connecting(),
                        }) }
                    </span>
                    if added.contains(&relay.url) {
                        <button type="button" class="button small" onclick={remove(&relay.url)}
                            aria-label={t(say::relay_remove_this(&relay.url))}>{ t(say::relay_remove()) }</button>
                    }
                </li>
            }
        </ul>
    }
}

/// A field for a further relay.
#[component]
fn AddRelay(properties: &AddRelayProperties) -> Html {
    let text = use_state(String::new);
    let problem = use_state(|| None::<String>);
    let onsubmit = {
        let (text, problem, changed) = (text.clone(), problem.clone(), properties.changed.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            match remembered::add_relay(&text) {
                Ok(()) => {
                    text.set(String::new());
                    problem.set(None);
                    changed.emit(());
                }
                Err(why) => {
                    problem.set(Some(t(why)));
                    browser::focus("relay");
                }
            }
        }
    };
    html! {
        <form class="field" {onsubmit} novalidate=true>
            <label for="relay">{ t(say::relay_add_label()) }</label>
            <div class="row">
                <input id="relay" type="text" inputmode="url" autocomplete="off" spellcheck="false"
                    placeholder="wss://relay.example.org/ws" value={(*text).clone()} oninput={typing(&text)}
                    aria-describedby="relay-hint" aria-invalid={problem.is_some().then_some("true")} />
                <button type="submit" class="button">{ t(say::relay_add()) }</button>
            </div>
            if let Some(why) = &*problem {
                <p class="hint bad" id="relay-hint" role="alert">{ icon(Name::Warning) }{ why }</p>
            } else {
                <small id="relay-hint">{ t(say::relay_why()) }</small>
            }
        </form>
    }
}

#[derive(Properties, PartialEq)]
struct AddRelayProperties {
    changed: Callback<()>,
}

fn storage_words(status: &Status) -> (&'static str, String) {
    let (kind, words) = match &status.storage {
        StorageStatus::Writing => ("good", say::storage_here()),
        StorageStatus::Sharing => ("good", say::storage_other_tab()),
        StorageStatus::Memory(why) => return ("bad", t(say::storage_none(why.clone()))),
    };
    let promise = status.persisted.map(|promised| {
        t(if promised { say::storage_promised() } else { say::storage_not_promised() })
    });
    (kind, [t(words), promise.unwrap_or_default()].join(" "))
}

fn mining_words(mining: &MiningStatus) -> String {
    t(match (mining.on, mining.active) {
        (true, true) => say::mining_now(format::hash_rate(mining.rate), mining.difficulty),
        (true, false) => say::mining_rests(),
        (false, _) if mining.elsewhere => say::mining_other_tab(),
        (false, _) => say::mining_is_off(),
    })
}

fn sync_words(status: &Status) -> String {
    let height = status.height;
    t(match (status.syncing_to, status.highest_peer) {
        (Some(to), _) if to > height => say::fetching(height, to),
        (_, Some(highest)) if highest > height => say::sync_claim(height, highest),
        (_, Some(_)) if status.sure => say::in_sync(height),
        (_, Some(_)) => say::sync_unsure(status.peers, height),
        (_, None) => say::sync_alone(height),
    })
}

/// The screen.
#[component]
pub fn Network() -> Html {
    let workers = use_workers();
    let status = use_model(|model| model.status.clone());
    let (Some(_), Some(status)) = (use_election(), status) else {
        return html! { <Unopened /> };
    };
    let changed = Callback::from(move |()| {
        workers.node().order(NodeOrder::Relays(remembered::relays()));
    });
    let remove = {
        let changed = changed.clone();
        Callback::from(move |url: String| {
            remembered::remove_relay(&url);
            changed.emit(());
        })
    };
    let (storage_kind, storage) = storage_words(&status);
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ t(say::network_title()) }</h1>
            <p class="soft">{ t(say::network_words()) }</p></header>
            <section class="sheet" aria-label={t(say::relays())}>
                <h2>{ t(say::relays()) }</h2>
                { relays(&status, &remove) }
                <AddRelay {changed} />
                { peers(&status) }
            </section>
            <Mining status={status.mining.clone()} />
            <section class="sheet" aria-label={t(say::storage())}>
                <h2>{ t(say::storage()) }</h2>
                <p class={classes!("hint", storage_kind)} data-testid="storage">
                    { icon(if storage_kind == "bad" { Name::Warning } else { Name::Tick }) }{ storage }
                </p>
                <small>{ t(say::build_number(&status.build)) }</small>
            </section>
        </div>
    }
}

fn peers(status: &Status) -> Html {
    html! {
        <dl class="facts">
            <dt>{ t(say::peers()) }</dt>
            <dd data-testid="peers">{ t(match status.peers { 0 => say::peers_none(), peers => say::peers_heard(peers) }) }</dd>
            <dt>{ t(say::other_tabs()) }</dt>
            <dd data-testid="tabs">{ t(match status.tabs { 0 => say::other_tabs_none(), tabs => say::other_tabs_heard(tabs) }) }</dd>
            <dt>{ t(say::sync()) }</dt>
            <dd>{ sync_words(status) }
                if let (Some(to), true) = (status.syncing_to, status.syncing_to > Some(status.height)) {
                    <progress max={to.to_string()} value={status.height.to_string()} aria-label={t(say::blocks_fetched())} />
                }
            </dd>
            <dt>{ t(say::fact_newest()) }</dt><dd><Hash value={status.tip.clone()} of={t(say::of_tip())} /></dd>
            <dt>{ t(say::work_in_chain()) }</dt><dd>{ t(say::about_hashes(status.work.parse::<u64>().unwrap_or(0))) }</dd>
            if status.rejected > 0 {
                <dt>{ t(say::peers_rejected()) }</dt>
                <dd data-testid="rejected">{ t(say::rejected_last(status.rejected, status.last_rejection.clone().unwrap_or_default())) }</dd>
            }
        </dl>
    }
}

#[derive(Properties, PartialEq)]
struct MiningProps {
    status: MiningStatus,
}

#[component]
fn Mining(props: &MiningProps) -> Html {
    let workers = use_workers();
    let wish = use_state(kept_wish);
    let mining = &props.status;
    let change = {
        let wish = wish.clone();
        Callback::from(move |new: MiningWish| {
            browser::keep_setting("mining", if new.on { "on" } else { "off" });
            browser::keep_setting("miners", &new.workers.to_string());
            wish.set(new);
            workers.node().order(NodeOrder::Mining(new));
        })
    };
    let toggle = {
        let wanted = MiningWish { on: !mining.on, workers: wish.workers };
        change.reform(move |_: MouseEvent| wanted)
    };
    let onworkers = {
        let (on, kept) = (mining.on, wish.workers);
        change.reform(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            MiningWish { on, workers: value.parse().unwrap_or(kept) }
        })
    };
    html! {
        <section class="sheet" aria-label={t(say::mining())}>
            <div class="row between">
                <h2>{ t(say::mining()) }</h2>
                <button type="button" role="switch" class="plain switch" aria-checked={mining.on.to_string()}
                    onclick={toggle} data-testid="mining">
                    <span>{ t(say::mine_here()) }</span><span class="track"></span>
                </button>
            </div>
            <p data-testid="mining-words">{ mining_words(mining) }</p>
            <div class="field">
                <label for="workers">{ t(say::mining_workers()) }</label>
                <select id="workers" class="narrow" onchange={onworkers}>
                    for number in 1..=browser::processors().min(64) {
                        <option value={number.to_string()} selected={number == wish.workers}>{ number }</option>
                    }
                </select>
                <small>{ t(say::mining_found(mining.found)) }</small>
            </div>
        </section>
    }
}
