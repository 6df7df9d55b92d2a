//! Who may vote.

use blockvote_core::{
    custody::organiser::{Draft, Who},
    election::definition::Counting,
};
use blockvote_words::message::{Message, say};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::fields::{Change, changing, number, tick};
use crate::page::{browser, words::t};

/// The step.
pub fn voters(draft: &Draft, change: &Change) -> Html {
    let value = match &draft.who {
        Who::Anyone { .. } => "anyone",
        Who::Codes { .. } => "codes",
        Who::OwnKeys { .. } => "keys",
    };
    let onchange = {
        let change = change.clone();
        move |event: Event| {
            let value = event.target_unchecked_into::<HtmlInputElement>().value();
            change.emit(Box::new(move |draft| {
                draft.who = match value.as_str() {
                    "anyone" => Who::Anyone { highest_token: Some(500) },
                    "keys" => Who::OwnKeys { voters: String::new() },
                    _ => Who::Codes { count: 10, voters: String::new() },
                };
                if value == "anyone" {
                    draft.counting = Counting::FirstCounts;
                }
            }));
        }
    };
    let option = |id: &'static str, title: Message, words: Message| {
        html! {
            <label class="choice" for={format!("who-{id}")}>
                <input id={format!("who-{id}")} type="radio" name="who" value={id} checked={value == id} onchange={onchange.clone()} />
                <span class="mark"></span>
                <span><b>{ t(title) }</b><br /><small>{ t(words) }</small></span>
            </label>
        }
    };
    html! {
        <>
            <fieldset>
                <legend>{ t(say::draft_who()) }</legend>
                <div class="choices">
                    { option("codes", say::draft_codes(), say::draft_codes_words()) }
                    { option("keys", say::draft_keys(), say::draft_keys_words()) }
                    { option("anyone", say::draft_anyone(), say::draft_anyone_words()) }
                </div>
            </fieldset>
            { match &draft.who {
                Who::Anyone { highest_token } => number("highest", t(say::draft_highest()), highest_token.unwrap_or(0),
                    changing(change, |draft, text| draft.who = Who::Anyone { highest_token: Some(text.trim().parse().unwrap_or(0)) })),
                Who::Codes { count, voters } => html! {
                    <>
                        if voters.trim().is_empty() {
                            { number("count", t(say::draft_count()), (*count).into(), changing(change, |draft, text| {
                                if let Who::Codes { count, .. } = &mut draft.who { *count = text.trim().replace([',', '.'], "").parse().unwrap_or(0); }
                            })) }
                        }
                        { list(voters, t(say::draft_list()), change) }
                    </>
                },
                Who::OwnKeys { voters } => list(voters, t(say::draft_key_list()), change),
            } }
            if !matches!(draft.who, Who::Anyone { .. }) {
                <div class="choices">
                    { tick("last", t(say::draft_last()), draft.counting == Counting::LastCounts, change,
                        |draft, on| draft.counting = if on { Counting::LastCounts } else { Counting::FirstCounts }) }
                </div>
            }
        </>
    }
}

fn set_list(draft: &mut Draft, text: String) {
    if let Who::Codes { voters, .. } | Who::OwnKeys { voters } = &mut draft.who {
        *voters = text;
    }
}

fn list(voters: &str, words: String, change: &Change) -> Html {
    let onfile = {
        let change = change.clone();
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let change = change.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let text = browser::text_of(&file).await.unwrap_or_default();
                change.emit(Box::new(move |draft| set_list(draft, text)));
            });
        }
    };
    html! {
        <div class="field">
            <label for="voters">{ words }</label>
            <textarea id="voters" rows="6" spellcheck="false" value={voters.to_owned()} oninput={changing(change, set_list)} />
            <div>
                <label class="button small" for="voters-file">{ t(say::draft_load()) }</label>
                <input id="voters-file" class="visually-hidden" type="file" accept=".csv,.txt,text/csv,text/plain" onchange={onfile} />
            </div>
        </div>
    }
}
