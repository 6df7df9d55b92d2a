//! The page: shows what the node worker says, and says what people want.

mod app;
mod ballot;
mod browser;
mod courier;
mod format;
mod frame;
mod icons;
mod model;
mod qr;
mod receipt;
mod remembered;
mod route;
mod screens;
mod words;
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
