//! Who may vote.

use blockvote_core::{
    custody::organiser::{Draft, Who},
    election::definition::Counting,
};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::fields::{Change, changing, number, tick};
use crate::page::browser;

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
    let option = |id: &'static str, title: &'static str, words: &'static str| {
        html! {
            <label class="choice" for={format!("who-{id}")}>
                <input id={format!("who-{id}")} type="radio" name="who" value={id} checked={value == id} onchange={onchange.clone()} />
                <span class="mark"></span>
                <span><b>{ title }</b><br /><small>{ words }</small></span>
            </label>
        }
    };
    html! {
        <>
            <fieldset>
                <legend>{ "Who may vote" }</legend>
                <div class="choices">
                    { option("codes", "Whoever has a voting code", "You hand out codes, as links, QR codes or slips of paper. You made them, so voters have to trust you not to use them.") }
                    { option("keys", "Voters with keys of their own", "Each voter makes a key and sends you the public half. Nobody else can vote in their place, not even you.") }
                    { option("anyone", "Anybody with an unused number", "No roll and no signatures: for shows of hands among people who trust each other.") }
                </div>
            </fieldset>
            { match &draft.who {
                Who::Anyone { highest_token } => number("highest", "Numbers go from 1 to", highest_token.unwrap_or(0),
                    changing(change, |draft, text| draft.who = Who::Anyone { highest_token: Some(text.trim().parse().unwrap_or(0)) })),
                Who::Codes { count, voters } => html! {
                    <>
                        if voters.trim().is_empty() {
                            { number("count", "Number of codes", (*count).into(), changing(change, |draft, text| {
                                if let Who::Codes { count, .. } = &mut draft.who { *count = text.trim().replace([',', '.'], "").parse().unwrap_or(0); }
                            })) }
                        }
                        { list(voters, "Or a list of voters, one in each line, no heading (CSV; names never leave this browser)", change) }
                    </>
                },
                Who::OwnKeys { voters } => list(voters, "Public keys, one in each line; names beside them are welcome (CSV; names never leave this browser)", change),
            } }
            if !matches!(draft.who, Who::Anyone { .. }) {
                <div class="choices">
                    { tick("last", "Voters can change their vote while the election is open: the last one counts", draft.counting == Counting::LastCounts, change,
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

fn list(voters: &str, words: &'static str, change: &Change) -> Html {
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
            <textarea id="voters" rows="6" value={voters.to_owned()} oninput={changing(change, set_list)} />
            <div>
                <label class="button small" for="voters-file">{ "Take it from a file" }</label>
                <input id="voters-file" class="visually-hidden" type="file" accept=".csv,.txt,text/csv,text/plain" onchange={onfile} />
            </div>
        </div>
    }
}
