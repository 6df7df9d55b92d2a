//! Relays, peers, sync, mining, storage.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{MiningWish, Status, StorageStatus, ToNode},
    page::{
        browser, format,
        icons::{Name, icon},
        model::use_shared,
        remembered,
        words::Hash,
        workers::kept_wish,
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
                        { if relay.connected { "connected".to_owned() } else {
                            match relay.problem {
                                Some(why) if !why.is_empty() => format!("not connected: {why}. This tab keeps trying."),
                                _ => "connecting".to_owned(),
                            }
                        } }
                    </span>
                    if added.contains(&relay.url) {
                        <button type="button" class="button small" onclick={remove(&relay.url)}
                            aria-label={format!("Remove the relay {}", relay.url)}>{ "Remove" }</button>
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
    let problem = use_state(|| None::<&'static str>);
    let oninput = {
        let text = text.clone();
        move |event: InputEvent| {
            text.set(event.target_unchecked_into::<HtmlInputElement>().value());
        }
    };
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
                    problem.set(Some(why));
                    browser::focus("relay");
                }
            }
        }
    };
    html! {
        <form class="field" {onsubmit} novalidate=true>
            <label for="relay">{ "Follow another relay too" }</label>
            <div class="row">
                <input id="relay" type="text" inputmode="url" autocomplete="off" spellcheck="false"
                    placeholder="wss://relay.example.org/ws" value={(*text).clone()} {oninput}
                    aria-describedby="relay-hint" aria-invalid={problem.is_some().then_some("true")} />
                <button type="submit" class="button">{ "Add" }</button>
            </div>
            if let Some(why) = *problem {
                <p class="hint bad" id="relay-hint" role="alert">{ icon(Name::Warning) }{ why }</p>
            } else {
                <small id="relay-hint">{ "One relay alone could hide a heavier chain from this tab. With two, the tips of both are compared, and the better chain wins. A relay can refuse pages of other origins; its operator can allow them." }</small>
            }
        </form>
    }
}

#[derive(Properties, PartialEq)]
struct AddRelayProperties {
    changed: Callback<()>,
}

fn storage_words(status: &Status) -> (&'static str, String) {
    let kept = match status.persisted {
        Some(true) => " The browser promised not to clear it by itself.",
        Some(false) => {
            " The browser may clear it when space is short; the chain then comes back from peers."
        }
        None => "",
    };
    match &status.storage {
        StorageStatus::Writing => {
            ("good", format!("The chain and the votes that wait are kept in this browser.{kept}"))
        }
        StorageStatus::Sharing => (
            "good",
            format!(
                "Another tab of this browser keeps the chain; this one adds the votes that you cast here.{kept}"
            ),
        ),
        StorageStatus::Memory(why) => (
            "bad",
            format!(
                "Nothing is kept when this tab closes: {why}. Voting works all the same as long as the tab is open or a peer holds the vote."
            ),
        ),
    }
}

/// The screen.
#[component]
pub fn Network() -> Html {
    let shared = use_shared();
    let wish = use_state(kept_wish);
    let Some(_) = shared.model.election() else {
        return unopened(&shared.model);
    };
    let Some(status) = shared.model.status.clone() else {
        return unopened(&shared.model);
    };
    let change = {
        let (wish, send) = (wish.clone(), shared.send.clone());
        move |new: MiningWish| {
            browser::keep_setting("mining", if new.on { "on" } else { "off" });
            browser::keep_setting("miners", &new.workers.to_string());
            wish.set(new);
            send.emit(ToNode::Mining(new));
        }
    };
    let changed = {
        let send = shared.send.clone();
        Callback::from(move |()| send.emit(ToNode::Relays(remembered::relays())))
    };
    let remove = {
        let changed = changed.clone();
        Callback::from(move |url: String| {
            remembered::remove_relay(&url);
            changed.emit(());
        })
    };
    let mining = &status.mining;
    let toggle = {
        let (change, on, workers) = (change.clone(), mining.on, wish.workers);
        move |_: MouseEvent| change(MiningWish { on: !on, workers })
    };
    let onworkers = {
        let (change, on) = (change, mining.on);
        move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            if let Ok(workers) = value.parse() {
                change(MiningWish { on, workers });
            }
        }
    };
    let (storage_kind, storage) = storage_words(&status);
    let mining_words = match (mining.on, mining.active) {
        (true, true) => format!(
            "Hashing now, {}. A block takes about {} tries.",
            format::hash_rate(mining.rate),
            format::count(mining.difficulty)
        ),
        (true, false) => "Resting: no votes wait for a block.".into(),
        (false, _) if mining.elsewhere => {
            "Another tab of this browser mines. Switch it on here to mine in both.".into()
        }
        (false, _) => "Off. Votes then wait until somebody else mines.".into(),
    };
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ "Network" }</h1>
            <p class="soft">{ "The relay only forwards. It can drop or delay, never forge: everything it brings is verified here." }</p></header>
            <section class="sheet" aria-label="Relays">
                <h2>{ "Relays" }</h2>
                { relays(&status, &remove) }
                <AddRelay {changed} />
                <dl class="facts">
                    <dt>{ "Peers" }</dt>
                    <dd data-testid="peers">{ match status.peers { 0 => "none heard of yet".to_owned(), n => format!("{} heard of", format::count(n.into())) } }</dd>
                    <dt>{ "Other tabs of this browser" }</dt>
                    <dd data-testid="tabs">{ match status.tabs { 0 => "none".to_owned(), n => format!("{} heard of; they agree without a relay too", format::count(n.into())) } }</dd>
                    <dt>{ "Sync" }</dt>
                    <dd>{ match (status.syncing_to, status.highest_peer) {
                        (Some(to), _) if to > status.height => format!("fetching block {} of {to}", status.height),
                        (_, Some(highest)) if highest > status.height => format!("at block {}; a peer claims block {highest}, which is not shown to be better yet", status.height),
                        (_, Some(_)) if status.sure => format!("in sync at block {}", status.height),
                        (_, Some(_)) => format!("at block {}, as far as {}; none handed out anything yet", status.height, format::peers_say(status.peers)),
                        (_, None) => format!("at block {}; no peer to compare with", status.height),
                    } }
                    if let (Some(to), true) = (status.syncing_to, status.syncing_to > Some(status.height)) {
                        <progress max={to.to_string()} value={status.height.to_string()} aria-label="Blocks fetched" />
                    }
                    </dd>
                    <dt>{ "Newest block" }</dt><dd><Hash value={status.tip.clone()} of="tip hash" /></dd>
                    <dt>{ "Work in the chain" }</dt><dd>{ format!("about {} hashes", format::count(status.work.parse().unwrap_or(0))) }</dd>
                    if status.rejected > 0 {
                        <dt>{ "Peers rejected" }</dt>
                        <dd data-testid="rejected">{ format!("{}, the last because: {}", status.rejected, status.last_rejection.clone().unwrap_or_default()) }</dd>
                    }
                </dl>
            </section>
            <section class="sheet" aria-label="Mining">
                <div class="row between">
                    <h2>{ "Mining" }</h2>
                    <button type="button" role="switch" class="plain switch" aria-checked={mining.on.to_string()}
                        onclick={toggle} data-testid="mining">
                        <span>{ "Mine in this tab" }</span><span class="track"></span>
                    </button>
                </div>
                <p data-testid="mining-words">{ mining_words }</p>
                <div class="field">
                    <label for="workers">{ "Workers" }</label>
                    <select id="workers" class="narrow" onchange={onworkers}>
                        for number in 1..=browser::processors().min(64) {
                            <option value={number.to_string()} selected={number == wish.workers}>{ number }</option>
                        }
                    </select>
                    <small>{ format!("{} found by this tab. Half the processors is the default; mining needs power only while votes wait.", format::plural(mining.found.into(), "block", "blocks")) }</small>
                </div>
            </section>
            <section class="sheet" aria-label="Storage">
                <h2>{ "Storage" }</h2>
                <p class={classes!("hint", storage_kind)} data-testid="storage">
                    { icon(if storage_kind == "bad" { Name::Warning } else { Name::Tick }) }{ storage }
                </p>
                <small>{ format!("Build {}", status.build) }</small>
            </section>
        </div>
    }
}
