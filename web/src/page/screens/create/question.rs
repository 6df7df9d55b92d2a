//! What is asked.

use blockvote_core::custody::organiser::Draft;
use blockvote_words::message::say;
use yew::prelude::*;

use super::fields::{Change, changing};
use crate::page::words::t;

/// The step.
pub fn question(draft: &Draft, change: &Change) -> Html {
    html! {
        <>
            <div class="field">
                <label for="draft-title">{ t(say::draft_question()) }</label>
                <input id="draft-title" type="text" class="wide" maxlength="200" autocomplete="off" value={draft.title.clone()}
                    oninput={changing(change, |draft, text| draft.title = text)} />
            </div>
            <div class="field">
                <label for="draft-description">{ t(say::draft_details()) }</label>
                <textarea id="draft-description" rows="5" maxlength="3900" value={draft.description.clone()}
                    oninput={changing(change, |draft, text| draft.description = text)} />
            </div>
        </>
    }
}
