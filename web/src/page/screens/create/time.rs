//! When it opens and closes.

use blockvote_core::{custody::organiser::Draft, time::Timestamp};
use yew::prelude::*;

use super::fields::{Change, changing};
use crate::{page::format, shared::messages::millis};

/// The step.
pub fn time(draft: &Draft, change: &Change) -> Html {
    let field = |id: &'static str,
                 words: &'static str,
                 value: Option<Timestamp>,
                 set: fn(&mut Draft, Option<Timestamp>)| {
        let value = value.map(|time| format::to_field(millis(time))).unwrap_or_default();
        html! {
            <div class="field">
                <label for={id}>{ words }</label>
                <input {id} type="datetime-local" {value}
                    oninput={changing(change, move |draft, text| set(draft, format::from_field(&text).map(Timestamp)))} />
            </div>
        }
    };
    html! {
        <>
            <p class="soft">{ format!("Times are in your time zone, {}; voters see them in theirs.", format::time_zone()) }</p>
            <div class="row">
                { field("opens", "Opens (empty: at once)", draft.opens, |draft, time| draft.opens = time) }
                { field("closes", "Closes (empty: when you close it)", draft.closes, |draft, time| draft.closes = time) }
            </div>
        </>
    }
}
