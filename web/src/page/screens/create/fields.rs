//! Fields that change a draft.

use blockvote_core::custody::organiser::Draft;
use yew::prelude::*;

use crate::page::components::fields::{is_checked, value};

/// Changes the draft, and keeps it.
pub type Change = Callback<Box<dyn FnOnce(&mut Draft)>>;

/// Changes the draft by what is typed.
pub fn changing(
    change: &Change,
    what: impl Fn(&mut Draft, String) + Clone + 'static,
) -> Callback<InputEvent> {
    change.reform(move |event: InputEvent| {
        let (what, text) = (what.clone(), value(&event));
        Box::new(move |draft: &mut Draft| what(draft, text)) as Box<dyn FnOnce(&mut Draft)>
    })
}

/// A box to mark.
pub fn tick(
    id: &'static str,
    words: String,
    on: bool,
    change: &Change,
    set: fn(&mut Draft, bool),
) -> Html {
    let change = change.clone();
    html! {
        <label class="choice" for={id}>
            <input {id} type="checkbox" checked={on} onchange={move |event: Event| {
                let on = is_checked(&event);
                change.emit(Box::new(move |draft| set(draft, on)));
            }} />
            <span class="mark square"></span>
            <span>{ words }</span>
        </label>
    }
}

/// A field for a number.
pub fn number(id: &'static str, words: String, value: u64, oninput: Callback<InputEvent>) -> Html {
    html! {
        <div class="field">
            <label for={id}>{ words }</label>
            <input {id} class="narrow" type="text" inputmode="numeric" autocomplete="off" value={value.to_string()} {oninput} />
        </div>
    }
}
