//! Links that stay on the page: following one keeps the node running.

use yew::prelude::*;
use yew_router::{
    history::{BrowserHistory, History},
    prelude::*,
};

use crate::page::route::Route;

/// Shows a screen.
pub fn go(to: &Route) {
    BrowserHistory::new().push(to.to_path());
}

/// Shows a screen when a link to it is clicked, unless another tab or window is wanted.
pub fn going(to: Route) -> Callback<MouseEvent> {
    Callback::from(move |event: MouseEvent| {
        if event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() {
            return;
        }
        event.prevent_default();
        go(&to);
    })
}

/// A link to a screen.
pub fn to(route: Route, class: &'static str, words: impl Into<AttrValue>) -> Html {
    html! {
        <a href={route.to_path()} {class} onclick={going(route)}>{ words.into() }</a>
    }
}
