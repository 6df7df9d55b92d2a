//! What is around every screen: name, navigation, state of this tab, and what needs attention everywhere.

use blockvote_words::message::{Message, say};
use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    icons::{Name, icon},
    link::going,
    notice::notice,
    status_line::StatusLine,
};
use crate::page::{
    browser,
    hooks::{use_model, use_unconfirmed},
    remembered,
    route::Route,
    words::{span_of, t},
};

/// A link of the navigation.
fn nav_link(route: Option<&Route>, to: &Route, words: Message) -> Html {
    let current = match (route, to) {
        (Some(Route::Election { .. } | Route::Receipt { .. }), Route::Vote { .. })
        | (Some(Route::Seal { .. } | Route::Slips { .. }), Route::Organise { .. }) => true,
        (route, to) => route == Some(to),
    };
    // Outside of an election nothing runs that a load would end, and not every page has every screen.
    let onclick = browser::path().starts_with("/e/").then(|| going(to.clone()));
    html! {
        <a href={to.to_path()} {onclick} aria-current={current.then_some("page")}>{ t(words) }</a>
    }
}

/// Screens, and what they are called.
type Places = Vec<(Route, Message)>;

/// The places of an election: two for voters, the organiser's before them, the others for those who
/// want to know.
fn places(election: &str) -> (Places, Places) {
    let election = || election.to_owned();
    let mut first = Vec::new();
    if remembered::organiser(&election()).is_some() {
        first.push((Route::Organise { election: election() }, say::nav_organise()));
    }
    first.push((Route::Vote { election: election() }, say::nav_vote()));
    first.push((Route::Results { election: election() }, say::nav_results()));
    let more = vec![
        (Route::Chain { election: election() }, say::nav_chain()),
        (Route::Verify { election: election() }, say::nav_verify()),
        (Route::Network { election: election() }, say::nav_network()),
        (Route::About { election: election() }, say::nav_about()),
    ];
    (first, more)
}

/// The places without an election.
fn home_places() -> (Places, Places) {
    let first = vec![(Route::Home, say::nav_elections()), (Route::Create, say::nav_create())];
    let more = vec![
        (Route::Keys, say::nav_keys()),
        (Route::HomeVerify, say::nav_verify()),
        (Route::HomeAbout, say::nav_about()),
    ];
    (first, more)
}

fn navigation(route: Option<&Route>, election: Option<&str>) -> Html {
    let (first, more) = election.map_or_else(home_places, places);
    // Another screen closes the menu.
    let key = route.map(Route::to_path).unwrap_or_default();
    html! {
        <nav class="nav" aria-label={t(say::screens())}>
            for (to, words) in first {
                { nav_link(route, &to, words) }
            }
            <details class="more" {key}>
                <summary>{ t(say::more()) }</summary>
                <div class="menu">
                    for (to, words) in more {
                        { nav_link(route, &to, words) }
                    }
                </div>
            </details>
        </nav>
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
    use_unconfirmed(props.election.clone());
    let (broken, given_up, stale) =
        use_model(|model| (model.broken.clone(), model.given_up, model.stale));
    let ahead = use_model(|model| model.status.as_ref().and_then(|status| status.ahead));
    use_effect_with(route.clone(), move |_| {
        if !first.replace(false) {
            let () = browser::window().scroll_to_with_x_and_y(0.0, 0.0);
            browser::focus("title");
        }
    });
    html! {
        <div class="frame">
            <a class="skip" href="#content">{ t(say::skip()) }</a>
            <header class="head">
                <a class="brand" href="/">{ "Blockvote" }</a>
                { navigation(route.as_ref(), props.election.as_deref()) }
                <button type="button" class="plain theme" aria-label={t(say::switch_theme())}
                    onclick={|_: MouseEvent| toggle_theme()}>
                    { icon(Name::Theme) }
                </button>
            </header>
            <main id="content">
                { alarms(broken, given_up, stale, ahead) }
                { props.children.clone() }
            </main>
            if let Some(election) = &props.election {
                <StatusLine election={election.clone()} />
            }
        </div>
    }
}

/// What needs attention on whatever screen.
fn alarms(broken: Option<Message>, given_up: bool, stale: bool, ahead: Option<f64>) -> Html {
    let broke = broken
        .map(|why| t(if given_up { say::broke_for_good(why) } else { say::broke_restarts(why) }));
    let behind = ahead.map(|dated| t(say::clock_behind(span_of(dated - js_sys::Date::now()))));
    html! {
        <>
            for words in broke.into_iter().chain(behind) {
                <div class="screen">{ notice("warn", words) }</div>
            }
            if stale {
                <div class="screen">{ notice("warn", html! {
                    <>{ t(say::stale()) }{ " " }<a href="">{ t(say::load_it()) }</a></>
                }) }</div>
            }
        </>
    }
}
