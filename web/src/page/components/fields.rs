//! What is typed into fields.

use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

/// The text of a field, of one line or of several, as it is typed.
pub fn value(event: &InputEvent) -> String {
    let target = event.target_unchecked_into::<web_sys::HtmlElement>();
    match target.dyn_ref::<HtmlTextAreaElement>() {
        Some(area) => area.value(),
        None => target.unchecked_into::<HtmlInputElement>().value(),
    }
}

/// Whether a box or a circle is marked.
pub fn is_checked(event: &Event) -> bool {
    event.target_unchecked_into::<HtmlInputElement>().checked()
}

/// Follows a text field.
pub fn typing(state: &UseStateHandle<String>) -> Callback<InputEvent> {
    let state = state.clone();
    Callback::from(move |event: InputEvent| state.set(value(&event)))
}
