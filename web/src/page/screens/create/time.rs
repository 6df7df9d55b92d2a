//! When it opens and closes.

use blockvote_core::{custody::organiser::Draft, time::Timestamp};
use blockvote_words::message::say;
use yew::prelude::*;

use super::fields::{Change, changing};
use crate::{
    page::{format, words::t},
    shared::messages::millis,
};

/// The step.
pub fn time(draft: &Draft, change: &Change) -> Html {
    let field = |id: &'static str,
                 words: String,
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
            <p class="soft">{ t(say::draft_zone(format::time_zone())) }</p>
            <div class="row">
                { field("opens", t(say::draft_opens()), draft.opens, |draft, time| draft.opens = time) }
                { field("closes", t(say::draft_closes()), draft.closes, |draft, time| draft.closes = time) }
            </div>
        </>
    }
}
