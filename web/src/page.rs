//! The page: shows what the node worker says, and asks for what people want.

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
mod workers;

use wasm_bindgen::JsCast;
use web_sys::Element;

/// Runs the page.
pub fn run() {
    let root = browser::document().get_element_by_id("app");
    let root = root.and_then(|root| root.parent_element()).unwrap_or_else(body);
    yew::Renderer::<app::App>::with_root(root).render();
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
