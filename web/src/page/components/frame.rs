//! What stands around every screen: name, navigation, status line.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    browser, format,
    icons::{Name, icon},
    model::{Model, Phase, use_shared},
    remembered,
    route::Route,
    words::notice,
};
use crate::messages::{SealView, Status, StorageStatus};

#[derive(Properties, PartialEq)]
struct NavLinkProps {
    to: Route,
    icon: Name,
    words: &'static str,
}

#[component]
fn NavLink(props: &NavLinkProps) -> Html {
    let navigator = use_navigator();
    let current = use_route::<Route>();
    let here = match (&current, &props.to) {
        (Some(Route::Election { .. } | Route::Receipt { .. }), Route::Vote { .. })
        | (Some(Route::Seal { .. } | Route::Slips { .. }), Route::Organise { .. }) => true,
        (current, to) => current.as_ref() == Some(to),
    };
    let onclick = use_callback(
        (props.to.clone(), navigator),
        |event: MouseEvent, (to, navigator): &(Route, Option<Navigator>)| {
            if event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() {
                return;
            }
            event.prevent_default();
            if let Some(navigator) = navigator {
                navigator.push(to);
            }
        },
    );
    html! {
        <a href={props.to.to_path()} {onclick} aria-current={here.then_some("page")}>
            { icon(props.icon) }{ props.words }
        </a>
    }
}

fn toggle_theme() {
    let Some(root) = browser::document().document_element() else {
        return;
    };
    let dark = match root.get_attribute("data-theme").as_deref() {
        Some(theme) => theme == "dark",
        None => browser::prefers_dark(),
    };
    let theme = if dark { "light" } else { "dark" };
    let _ = root.set_attribute("data-theme", theme);
    browser::keep_setting("theme", theme);
}

#[derive(Properties, PartialEq)]
pub struct Props {
    /// The election of the address, if there is one.
    pub election: Option<String>,
    pub children: Html,
}

/// The frame. A new screen gets the focus on its heading, so that a screen reader reads it.
#[component]
pub fn Frame(props: &Props) -> Html {
    let route = use_route::<Route>();
    let first = use_mut_ref(|| true);
    use_effect_with(route, move |_| {
        if !first.replace(false) {
            let () = browser::window().scroll_to_with_x_and_y(0.0, 0.0);
            browser::focus("title");
        }
    });
    let shared = use_shared();
    html! {
        <div class="frame">
            <a class="skip" href="#content">{ "Skip to the content" }</a>
            <header class="head">
                <a class="brand" href="/">{ "Blockvote" }</a>
                if let Some(election) = props.election.clone() {
                    <nav class="nav" aria-label="Screens">
                        <NavLink to={Route::Vote { election: election.clone() }} icon={Name::Ballot} words="Vote" />
                        <NavLink to={Route::Results { election: election.clone() }} icon={Name::Bars} words="Results" />
                        <NavLink to={Route::Chain { election: election.clone() }} icon={Name::Link} words="Chain" />
                        <NavLink to={Route::Verify { election: election.clone() }} icon={Name::Shield} words="Verify" />
                        <NavLink to={Route::Network { election: election.clone() }} icon={Name::Nodes} words="Network" />
                        <NavLink to={Route::About { election: election.clone() }} icon={Name::Info} words="About" />
                        if remembered::organiser(&election).is_some() {
                            <NavLink to={Route::Organise { election }} icon={Name::Seal} words="Organise" />
                        }
                    </nav>
                } else {
                    <nav class="nav" aria-label="Screens">
                        <NavLink to={Route::Home} icon={Name::Ballot} words="Elections" />
                        <NavLink to={Route::Create} icon={Name::Plus} words="Create" />
                        <NavLink to={Route::Keys} icon={Name::Key} words="Keys" />
                        <NavLink to={Route::HomeVerify} icon={Name::Shield} words="Verify" />
                        <NavLink to={Route::HomeAbout} icon={Name::Info} words="About" />
                    </nav>
                }
                <button type="button" class="plain theme" aria-label="Switch between light and dark"
                    onclick={|_: MouseEvent| toggle_theme()}>
                    { icon(Name::Theme) }
                </button>
            </header>
            if let Some(election) = &props.election {
                <StatusLine election={election.clone()} />
            }
            <main id="content">
                if let Some(why) = &shared.model.broken {
                    <div class="screen">{ notice("warn", if shared.model.given_up {
                            format!("The part of this page that holds the chain broke off again and again ({why}). Load the page again; what was stored is kept.")
                        } else {
                            format!("The part of this page that holds the chain broke off and is started again from what is stored ({why}).")
                        }) }</div>
                }
                if let Some(dated) = shared.model.status.as_ref().and_then(|status| status.ahead) {
                    <div class="screen">{ notice("warn", format!("Another computer has a block that is dated {} ahead of this device's clock. If date or time are wrong here, put them right: with a slow clock this page cannot follow the chain.", format::span(dated - js_sys::Date::now()))) }</div>
                }
                if shared.model.stale {
                    <div class="screen">{ notice("warn", html! { <>{ "The relay has a newer build of this page. " }
                        <a href="">{ "Load it" }</a></> }) }</div>
                }
                { props.children.clone() }
            </main>
        </div>
    }
}

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

fn parts(model: &Model, election: &str) -> Vec<Part> {
    let network = Route::Network { election: election.to_owned() };
    let chain = Route::Chain { election: election.to_owned() };
    let verify = Route::Verify { election: election.to_owned() };
    let one = |words: &str| {
        let words = words.to_owned();
        vec![Part { kind: "", icon: Name::Clock, words, to: network.clone(), fine: false }]
    };
    match &model.phase {
        Phase::Starting => return one("starting the node in this tab"),
        Phase::Searching(_) => return one("asking peers for this election"),
        Phase::Failed(_) => return one("no election is open"),
        Phase::Open(_) => {}
    }
    let Some(status) = &model.status else {
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
struct StatusLineProps {
    election: String,
}

#[component]
fn StatusLine(props: &StatusLineProps) -> Html {
    let shared = use_shared();
    let navigator = use_navigator();
    let parts = parts(&shared.model, &props.election);
    // Screen readers hear when the connection changes, not every block.
    let spoken = parts.first().map(|part| part.words.clone()).unwrap_or_default();
    let up = parts.first().is_some_and(|part| part.kind == "good");
    html! {
        <section class="status" aria-label="State of this tab" data-testid="status">
            <span class="visually-hidden" role="status">
                { if up { "Connected".to_owned() } else { spoken } }
            </span>
            for (index, part) in parts.into_iter().enumerate() {
                <a href={part.to.to_path()}
                    class={classes!(part.kind, part.fine.then_some("fine"), (index == 0).then_some("first"))}
                    onclick={{
                        let (navigator, to) = (navigator.clone(), part.to.clone());
                        move |event: MouseEvent| {
                            event.prevent_default();
                            if let Some(navigator) = &navigator {
                                navigator.push(&to);
                            }
                        }
                    }}>
                    { icon(part.icon) }{ &part.words }
                </a>
            }
        </section>
    }
}
