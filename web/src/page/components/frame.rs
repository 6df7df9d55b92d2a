//! What is around every screen: name, navigation, state of this tab, and what needs attention everywhere.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    icons::{Name, icon},
    link::going,
    notice::notice,
    status_line::StatusLine,
};
use crate::page::{
    browser, format,
    hooks::{use_model, use_unconfirmed},
    remembered,
    route::Route,
};

/// A link of the navigation.
fn nav_link(route: Option<&Route>, to: &Route, name: Name, words: &'static str) -> Html {
    let current = match (route, to) {
        (Some(Route::Election { .. } | Route::Receipt { .. }), Route::Vote { .. })
        | (Some(Route::Seal { .. } | Route::Slips { .. }), Route::Organise { .. }) => true,
        (route, to) => route == Some(to),
    };
    // Outside of an election nothing runs that a load would end, and not every page has every screen.
    let onclick = browser::path().starts_with("/e/").then(|| going(to.clone()));
    html! {
        <a href={to.to_path()} {onclick} aria-current={current.then_some("page")}>
            { icon(name) }{ words }
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
            <a class="skip" href="#content">{ "Skip to the content" }</a>
            <header class="head">
                <a class="brand" href="/">{ "Blockvote" }</a>
                if let Some(election) = props.election.clone() {
                    <nav class="nav" aria-label="Screens">
                        { nav_link(route.as_ref(), &Route::Vote { election: election.clone() }, Name::Ballot, "Vote") }
                        { nav_link(route.as_ref(), &Route::Results { election: election.clone() }, Name::Bars, "Results") }
                        { nav_link(route.as_ref(), &Route::Chain { election: election.clone() }, Name::Link, "Chain") }
                        { nav_link(route.as_ref(), &Route::Verify { election: election.clone() }, Name::Shield, "Verify") }
                        { nav_link(route.as_ref(), &Route::Network { election: election.clone() }, Name::Nodes, "Network") }
                        { nav_link(route.as_ref(), &Route::About { election: election.clone() }, Name::Info, "About") }
                        if remembered::organiser(&election).is_some() {
                            { nav_link(route.as_ref(), &Route::Organise { election }, Name::Seal, "Organise") }
                        }
                    </nav>
                } else {
                    <nav class="nav" aria-label="Screens">
                        { nav_link(route.as_ref(), &Route::Home, Name::Ballot, "Elections") }
                        { nav_link(route.as_ref(), &Route::Create, Name::Plus, "Create") }
                        { nav_link(route.as_ref(), &Route::Keys, Name::Key, "Keys") }
                        { nav_link(route.as_ref(), &Route::HomeVerify, Name::Shield, "Verify") }
                        { nav_link(route.as_ref(), &Route::HomeAbout, Name::Info, "About") }
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
                { alarms(broken.as_deref(), given_up, stale, ahead) }
                { props.children.clone() }
            </main>
        </div>
    }
}

/// What needs attention on whatever screen.
fn alarms(broken: Option<&str>, given_up: bool, stale: bool, ahead: Option<f64>) -> Html {
    html! {
        <>
            if let Some(why) = broken {
                <div class="screen">{ notice("warn", if given_up {
                    format!("The part of this page that has the chain broke off again and again ({why}). Load the page again; what was stored is kept.")
                } else {
                    format!("The part of this page that has the chain broke off and is started again from what is stored ({why}).")
                }) }</div>
            }
            if let Some(dated) = ahead {
                <div class="screen">{ notice("warn", format!("Another computer has a block that is dated {} ahead of this device's clock. If date or time are wrong here, put them right: with a slow clock this page cannot follow the chain.", format::span(dated - js_sys::Date::now()))) }</div>
            }
            if stale {
                <div class="screen">{ notice("warn", html! { <>{ "The relay has a newer build of this page. " }
                    <a href="">{ "Load it" }</a></> }) }</div>
            }
        </>
    }
}
