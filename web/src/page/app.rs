//! The app: starts the node worker, keeps the model, chooses the screen.

use gloo_timers::callback::Interval;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    browser, courier,
    frame::Frame,
    model::{Model, Shared},
    remembered,
    route::{Route, election_of},
    screens,
    workers::{Line, NodeWorker, ToolsWorker},
};
use crate::messages::{ToNode, ToTools};

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

fn switch(route: Route) -> Html {
    match route {
        Route::Home => html! { <screens::home::Home /> },
        Route::Create => html! { <screens::create::Create /> },
        Route::Keys => html! { <screens::keys::Keys /> },
        Route::HomeVerify => html! { <screens::verify::HomeVerify /> },
        Route::Organise { .. } => html! { <screens::organise::Organise /> },
        Route::Seal { .. } => html! { <screens::seal::Seal /> },
        Route::Slips { .. } => html! { <screens::slips::Slips /> },
        Route::HomeAbout | Route::About { .. } => screens::about::about(),
        Route::Election { .. } | Route::Vote { .. } => html! { <screens::vote::Vote /> },
        Route::Results { .. } => html! { <screens::results::Results /> },
        Route::Chain { .. } => html! { <screens::chain::Chain /> },
        Route::Verify { .. } => html! { <screens::verify::Verify /> },
        Route::Network { .. } => html! { <screens::network::Network /> },
        Route::Receipt { vote, .. } => html! { <screens::found::Found {vote} /> },
        Route::Short { address } => html! { <screens::short::Short {address} /> },
        Route::NotFound => screens::home::not_found(),
    }
}

/// The whole page.
#[component]
pub fn App() -> Html {
    // The code of a voter's link, read before the router looks at the address; a reload finds it again.
    let model = use_reducer(|| {
        let again = || remembered::draft(&election_of(&browser::path())?);
        let link_code = browser::take_fragment("code")
            .or_else(|| again().map(|draft| draft.link_code))
            .unwrap_or_default();
        Model { link_code: link_code.into(), ..Model::default() }
    });
    let line = use_mut_ref(Line::default);
    let tools = use_memo((), |()| ToolsWorker::new(line.clone(), model.dispatcher()));
    let election = use_memo((), |()| election_of(&browser::path()));
    {
        let (dispatch, line, tools) = (model.dispatcher(), line.clone(), tools.clone());
        use_effect_with(election.clone(), move |election| {
            // Pages of no election need no node, some of them tools.
            let Some(election) = &**election else {
                let path = browser::path();
                let tools = ["/create", "/keys", "/verify"].contains(&path.as_str());
                if !tools && !path.starts_with("/v/") {
                    browser::settled();
                }
                return;
            };
            let worker = NodeWorker::start(election, line, (*tools).clone(), dispatch);
            on_cached(&worker);
            on_awake(move || worker.send(&ToNode::Awake));
        });
    }
    let unconfirmed = model
        .receipts
        .iter()
        .any(|receipt| receipt.cast.is_some() && !receipt.standing.may_leave());
    {
        let election = election.clone();
        use_effect_with(unconfirmed, move |unconfirmed| {
            browser::warn_on_leaving(*unconfirmed);
            if let Some(election) = &*election {
                remembered::waits(election, *unconfirmed);
            }
        });
    }
    {
        // Votes of other elections that nobody has confirmed are sent from whatever page is open.
        let election = election.clone();
        use_effect_with((), move |()| courier::start(election.as_deref()));
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
    let send = use_callback((), move |message: ToNode, ()| line.borrow_mut().send(&message));
    let tools = use_callback((), move |message: ToTools, ()| tools.send(&message));
    let shared = Shared { model, send, tools, half_minute: *half_minute };
    html! {
        <ContextProvider<Shared> context={shared}>
            <BrowserRouter>
                <Frame election={(*election).clone()}>
                    <Switch<Route> render={switch} />
                </Frame>
            </BrowserRouter>
        </ContextProvider<Shared>>
    }
}
