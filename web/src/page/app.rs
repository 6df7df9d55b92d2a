//! The app: starts the node worker, keeps the model, chooses the screen.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::{Interval, Timeout};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{
    browser,
    frame::Frame,
    model::{Action, Model, Shared},
    remembered,
    route::{Route, election_of},
    screens,
};
use crate::{
    messages::{FromNode, MiningWish, ToNode},
    worker::Child,
};

const WORKER: &str = "/node-worker_loader.js";
/// A worker that breaks is started again this many times; then something is wrong for good.
const MAX_RESTARTS: u32 = 5;
const RESTART_AFTER_MS: u32 = 1_000;

/// What the user wants of the miners, as kept.
pub fn kept_wish() -> MiningWish {
    let on = browser::setting("mining").is_none_or(|kept| kept == "on");
    let default = (browser::processors() / 2).max(1);
    let workers = browser::setting("miners").and_then(|kept| kept.parse().ok()).unwrap_or(default);
    MiningWish { on, workers }
}

/// The way to the worker. What is said before it is ready waits: it would be lost.
#[derive(Default)]
struct Line {
    child: Option<Child>,
    ready: bool,
    waiting: Vec<ToNode>,
}

impl Line {
    fn send(&mut self, message: &ToNode) {
        match &self.child {
            Some(child) if self.ready => child.send(message),
            _ => self.waiting.push(message.clone()),
        }
    }
}

#[derive(Clone)]
struct Worker {
    line: Rc<RefCell<Line>>,
    /// Since the election was last open.
    restarts: Rc<RefCell<u32>>,
    /// A panic is heard of twice: by its message and by the worker's error.
    restarting: Rc<RefCell<bool>>,
    /// None on the pages that need no election: then the worker is a tool.
    election: Option<Rc<str>>,
    dispatch: UseReducerDispatcher<Model>,
}

impl Worker {
    fn start(&self) {
        let worker = self.clone();
        let child = Child::spawn(WORKER, move |heard: Result<FromNode, String>| match heard {
            Ok(message) => worker.heard(message),
            Err(why) => worker.broke(&why),
        });
        if let Ok(child) = child {
            self.line.borrow_mut().child = Some(child);
        } else {
            let why = "the browser refused the worker".to_owned();
            self.dispatch.dispatch(Action::Broke(why, true));
        }
    }

    fn send(&self, message: &ToNode) {
        self.line.borrow_mut().send(message);
    }

    fn heard(&self, message: FromNode) {
        match &message {
            FromNode::Ready { .. } => {
                let early = {
                    let mut line = self.line.borrow_mut();
                    line.ready = true;
                    std::mem::take(&mut line.waiting)
                };
                if self.election.is_none() {
                    browser::settled();
                }
                if let Some(election) = &self.election {
                    // A link can carry relays: what they bring is verified like everything.
                    for relay in browser::query("relay") {
                        let _ = remembered::add_relay(&relay);
                    }
                    self.send(&ToNode::Open {
                        election: election.to_string(),
                        relays: remembered::relays(),
                        mining: kept_wish(),
                    });
                    self.ask_persistence();
                    if let Some(vote) = browser::take_fragment("vote") {
                        self.send(&ToNode::Watch(vote));
                    }
                }
                for message in early {
                    self.send(&message);
                }
            }
            FromNode::Opened(election) => remembered::opened(election),
            FromNode::Status(status) => {
                *self.restarts.borrow_mut() = 0;
                if status.relays.iter().any(|relay| relay.connected) {
                    browser::settled();
                }
                if let Some(election) = &self.election {
                    remembered::state(election, status);
                }
            }
            FromNode::Exported(bytes) => {
                let name = self.election.as_ref().and_then(|id| id.get(..8)).unwrap_or("chain");
                return browser::download(&format!("{name}.blockvote"), bytes);
            }
            FromNode::Save(name, text) => return browser::download(name, text.as_bytes()),
            FromNode::ReceiptRead { election, vote_id, vote } => {
                return browser::visit(&format!("/e/{election}/receipt/{vote_id}#vote={vote}"));
            }
            FromNode::Fatal(why) => return self.broke(why),
            _ => {}
        }
        self.dispatch.dispatch(Action::Heard(Box::new(message)));
    }

    /// Starts the worker again, from the store.
    fn broke(&self, why: &str) {
        if self.restarting.replace(true) {
            return;
        }
        let mut restarts = self.restarts.borrow_mut();
        *restarts += 1;
        let given_up = *restarts > MAX_RESTARTS;
        self.dispatch.dispatch(Action::Broke(why.to_owned(), given_up));
        if !given_up {
            let worker = self.clone();
            Timeout::new(RESTART_AFTER_MS, move || {
                *worker.restarting.borrow_mut() = false;
                // What the broken worker was asked is not asked of the next one.
                *worker.line.borrow_mut() = Line::default();
                worker.start();
            })
            .forget();
        }
    }

    /// Asks the browser not to clear the storage by itself.
    fn ask_persistence(&self) {
        if !browser::window().is_secure_context() {
            return;
        }
        let Ok(asked) = browser::window().navigator().storage().persist() else {
            return;
        };
        let worker = self.clone();
        spawn_local(async move {
            let answer = wasm_bindgen_futures::JsFuture::from(asked).await;
            let persisted = answer.ok().and_then(|answer| answer.as_bool()).unwrap_or(false);
            worker.send(&ToNode::Persisted(persisted));
        });
    }
}

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

fn switch(route: Route) -> Html {
    match route {
        Route::Home => html! { <screens::home::Home /> },
        Route::Create => html! { <screens::create::Create /> },
        Route::Keys => html! { <screens::keys::Keys /> },
        Route::HomeVerify => html! { <screens::verify::HomeVerify /> },
        Route::Organise { .. } => html! { <screens::organise::Organise /> },
        Route::Slips { .. } => html! { <screens::slips::Slips /> },
        Route::HomeAbout | Route::About { .. } => screens::about::about(),
        Route::Election { .. } | Route::Vote { .. } => html! { <screens::vote::Vote /> },
        Route::Results { .. } => html! { <screens::results::Results /> },
        Route::Chain { .. } => html! { <screens::chain::Chain /> },
        Route::Verify { .. } => html! { <screens::verify::Verify /> },
        Route::Network { .. } => html! { <screens::network::Network /> },
        Route::Receipt { vote, .. } => html! { <screens::found::Found {vote} /> },
        Route::NotFound => screens::home::not_found(),
    }
}

/// The whole page.
#[component]
pub fn App() -> Html {
    // The code of a voter's link, read before the router looks at the address.
    let model = use_reducer(|| Model {
        link_code: browser::take_fragment("code").unwrap_or_default().into(),
        ..Model::default()
    });
    let line = use_mut_ref(Line::default);
    let election = use_memo((), |()| election_of(&browser::path()));
    {
        let (dispatch, line, election) = (model.dispatcher(), line.clone(), (*election).clone());
        use_effect_with((), move |()| {
            let worker = Worker {
                line,
                restarts: Rc::default(),
                restarting: Rc::default(),
                election: election.map(Rc::from),
                dispatch,
            };
            worker.start();
            on_awake(move || worker.send(&ToNode::Awake));
        });
    }
    // Times such as "in 3 days" go on by themselves.
    let minute = use_force_update();
    use_effect_with((), move |()| {
        let interval = Interval::new(30_000, move || minute.force_update());
        move || drop(interval)
    });
    let send = {
        let line = line.clone();
        use_callback((), move |message: ToNode, ()| line.borrow_mut().send(&message))
    };
    let shared = Shared { model, send };
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
