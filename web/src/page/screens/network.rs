//! Relays, peers, sync, mining, storage.

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
                    placeholder="wss://relay.example.org/ws" value={(*text).clone()} oninput={typing(&text)}
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

fn mining_words(mining: &MiningStatus) -> String {
    match (mining.on, mining.active) {
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
    }
}

fn sync_words(status: &Status) -> String {
    match (status.syncing_to, status.highest_peer) {
        (Some(to), _) if to > status.height => format!("fetching block {} of {to}", status.height),
        (_, Some(highest)) if highest > status.height => format!(
            "at block {}; a peer claims block {highest}, which is not shown to be better yet",
            status.height
        ),
        (_, Some(_)) if status.sure => format!("in sync at block {}", status.height),
        (_, Some(_)) => format!(
            "at block {}, as far as {}; none handed out anything yet",
            status.height,
            format::peers_say(status.peers)
        ),
        (_, None) => format!("at block {}; no peer to compare with", status.height),
    }
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
            <header><h1 id="title" tabindex="-1">{ "Network" }</h1>
            <p class="soft">{ "The relay only forwards. It can drop or delay, never forge: everything it brings is verified here." }</p></header>
            <section class="sheet" aria-label="Relays">
                <h2>{ "Relays" }</h2>
                { relays(&status, &remove) }
                <AddRelay {changed} />
                { peers(&status) }
            </section>
            <Mining status={status.mining.clone()} />
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

fn peers(status: &Status) -> Html {
    html! {
        <dl class="facts">
            <dt>{ "Peers" }</dt>
            <dd data-testid="peers">{ match status.peers { 0 => "none heard of yet".to_owned(), n => format!("{} heard of", format::count(n.into())) } }</dd>
            <dt>{ "Other tabs of this browser" }</dt>
            <dd data-testid="tabs">{ match status.tabs { 0 => "none".to_owned(), n => format!("{} heard of; they agree without a relay too", format::count(n.into())) } }</dd>
            <dt>{ "Sync" }</dt>
            <dd>{ sync_words(status) }
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
        <section class="sheet" aria-label="Mining">
            <div class="row between">
                <h2>{ "Mining" }</h2>
                <button type="button" role="switch" class="plain switch" aria-checked={mining.on.to_string()}
                    onclick={toggle} data-testid="mining">
                    <span>{ "Mine in this tab" }</span><span class="track"></span>
                </button>
            </div>
            <p data-testid="mining-words">{ mining_words(mining) }</p>
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
    }
}
