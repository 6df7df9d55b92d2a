//! The app: starts the node worker, keeps the model, chooses the screen.

use gloo_timers::callback::Interval;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    addresses::election_of,
    browser,
    components::frame::Frame,
    courier,
    hooks::{HalfMinute, Page},
    model::Model,
    remembered,
    route::Route,
    screens,
    shown::Shown,
    workers::{NodeWorker, Workers},
};
use crate::shared::messages::NodeOrder;

/// Calls back when the network returns or the tab comes to the front: workers are not told.
fn on_awake(awake: impl Fn() + Clone + 'static) {
    let listen = |target: &web_sys::EventTarget, event: &str| {
        let awake = awake.clone();
        let closure = Closure::<dyn FnMut(JsValue)>::new(move |_| awake());
        let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
        closure.forget();
    };
    listen(&browser::window(), "online");
    listen(&browser::window(), "focus");
    listen(&browser::document(), "visibilitychange");
}

/// Lets go of the worker while the page lies in the browser's back/forward cache.
fn on_cached(worker: &NodeWorker) {
    for (event, rests) in [("pagehide", true), ("pageshow", false)] {
        let worker = worker.clone();
        let listener = Closure::<dyn FnMut(web_sys::PageTransitionEvent)>::new(
            move |event: web_sys::PageTransitionEvent| match (event.persisted(), rests) {
                (true, true) => worker.rest(),
                (true, false) => worker.resume(),
                (false, _) => {}
            },
        );
        let function = listener.as_ref().unchecked_ref();
        let _ = browser::window().add_event_listener_with_callback(event, function);
        listener.forget();
    }
}

/// A screen that is not on every page.
pub type More = Callback<Route, Html>;

fn switch(route: Route, more: &More) -> Html {
    match route {
        Route::Home => html! { <screens::home::Home /> },
        Route::HomeVerify => html! { <screens::verify::HomeVerify /> },
        Route::HomeAbout | Route::About { .. } => screens::about::about(),
        Route::Election { .. } | Route::Vote { .. } => html! { <screens::vote::Vote /> },
        Route::Results { .. } => html! { <screens::results::Results /> },
        Route::Chain { .. } => html! { <screens::chain::Chain /> },
        Route::Verify { .. } => html! { <screens::verify::Verify /> },
        Route::Network { .. } => html! { <screens::network::Network /> },
        Route::Receipt { vote, .. } => html! { <screens::found::Found {vote} /> },
        Route::Short { address } => html! { <screens::short::Short {address} /> },
        Route::NotFound => screens::home::not_found(),
        Route::Create
        | Route::Keys
        | Route::Organise { .. }
        | Route::Seal { .. }
        | Route::Slips { .. } => more.emit(route),
    }
}

/// The screens of organisers, and of voters who make keys.
pub fn desk(route: &Route) -> Html {
    match route {
        Route::Create => html! { <screens::create::Create /> },
        Route::Keys => html! { <screens::keys::Keys /> },
        Route::Organise { .. } => html! { <screens::organise::Organise /> },
        Route::Seal { .. } => html! { <screens::seal::Seal /> },
        Route::Slips { .. } => html! { <screens::slips::Slips /> },
        // These are on every page.
        Route::Home
        | Route::HomeVerify
        | Route::HomeAbout
        | Route::About { .. }
        | Route::Election { .. }
        | Route::Vote { .. }
        | Route::Results { .. }
        | Route::Chain { .. }
        | Route::Verify { .. }
        | Route::Network { .. }
        | Route::Receipt { .. }
        | Route::Short { .. }
        | Route::NotFound => Html::default(),
    }
}

/// Loads the address again: `boot.js` then takes the page that has the screen.
pub fn elsewhere(route: &Route) -> Html {
    browser::visit(&route.to_path());
    Html::default()
}

#[derive(Properties, PartialEq)]
pub struct Props {
    /// The screens that are not on every page.
    pub more: More,
}

/// The model at the beginning: with the code of a voter's link, read before the router looks at the
/// address; a reload finds it again.
fn first() -> Model {
    let again = || remembered::paper(&election_of(&browser::path())?);
    let link_code = browser::take_fragment("code")
        .or_else(|| again().map(|paper| paper.link_code))
        .unwrap_or_default();
    Model { link_code: link_code.into(), ..Model::default() }
}

/// Starts what the page that was opened needs.
fn start(workers: &Workers, election: Option<&str>) {
    // Votes of other elections that nobody has confirmed are sent from whatever page is open.
    courier::start(election);
    // Pages of no election need no node, some of them tools.
    let Some(election) = election else {
        let path = browser::path();
        let tools = ["/create", "/keys", "/verify"].contains(&path.as_str());
        if !tools && !path.starts_with("/v/") {
            browser::settled();
        }
        return;
    };
    let node = workers.node().clone();
    node.start(election);
    on_cached(&node);
    on_awake(move || node.order(NodeOrder::Awake));
}

/// The whole page.
#[component]
pub fn App(props: &Props) -> Html {
    let page = use_memo((), |()| {
        let shown = Shown::new(first());
        Page { workers: Workers::new(&shown), shown }
    });
    let election = use_memo((), |()| election_of(&browser::path()));
    {
        let workers = page.workers.clone();
        use_effect_with(election.clone(), move |election| start(&workers, election.as_deref()));
    }
    let half_minute = use_state(|| 0_u32);
    {
        let half_minute = half_minute.clone();
        use_effect_with((), move |()| {
            let interval = Interval::new(30_000, move || {
                half_minute.set((js_sys::Date::now() / 30_000.0) as u32);
            });
            move || drop(interval)
        });
    }
    let render = {
        let more = props.more.clone();
        Callback::from(move |route| switch(route, &more))
    };
    html! {
        <ContextProvider<Page> context={(*page).clone()}>
        <ContextProvider<HalfMinute> context={HalfMinute(*half_minute)}>
            <BrowserRouter>
                <Frame election={(*election).clone()}>
                    <Switch<Route> {render} />
                </Frame>
            </BrowserRouter>
        </ContextProvider<HalfMinute>>
        </ContextProvider<Page>>
    }
}
