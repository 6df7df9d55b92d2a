//! The page: shows what the node worker says, and asks for what people want.
//!
//! It comes in two sizes: what every voter needs, and the same with the desk of organisers. Which of
//! them an address needs, `static/boot.js` knows.

mod addresses;
mod app;
mod browser;
mod choosing;
mod components;
mod courier;
mod format;
mod hooks;
mod model;
mod passphrases;
mod remembered;
mod route;
mod screens;
mod shown;
mod verifying;
mod words;
mod workers;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::Callback;

/// Runs the page of voters: what organisers need is not loaded for them.
pub fn run() {
    render(Callback::from(|route| app::elsewhere(&route)));
}

/// Runs the page with all screens, the organiser's too.
pub fn run_desk() {
    render(Callback::from(|route| app::desk(&route)));
}

fn render(more: app::More) {
    let root = browser::document().get_element_by_id("app");
    let root = root.and_then(|root| root.parent_element()).unwrap_or_else(body);
    yew::Renderer::<app::App>::with_root_and_props(root, app::Props { more }).render();
}

fn body() -> Element {
    // A document that runs scripts has a body.
    browser::document().body().map_or_else(
        || {
            browser::document()
                .create_element("div")
                .unwrap_or_else(|_| unreachable!("no document"))
        },
        JsCast::unchecked_into,
    )
}
