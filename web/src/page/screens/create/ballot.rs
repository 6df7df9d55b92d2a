//! What a ballot may hold.

use blockvote_core::{custody::organiser::Draft, election::ballot::BallotRules};
use blockvote_words::message::say;
use gloo_timers::callback::Timeout;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::fields::{Change, changing, number, tick};
use crate::page::{
    browser,
    components::icons::{Name, icon},
    words::t,
};

/// A field is there once the page was drawn again.
const DRAWN_MS: u32 = 30;

/// The step.
pub fn ballot(draft: &Draft, change: &Change) -> Html {
    let free = draft.choices.is_empty();
    let rules = draft.ballot_rules;
    let add = {
        let (change, at) = (change.clone(), draft.choices.len());
        move |_: MouseEvent| {
            change.emit(Box::new(|draft| draft.choices.push(String::new())));
            Timeout::new(DRAWN_MS, move || {
                browser::focus(&format!("draft-choice-{at}"));
            })
            .forget();
        }
    };
    let kind = {
        let change = change.clone();
        move |event: Event| {
            let several = event.target_unchecked_into::<HtmlSelectElement>().value() == "approval";
            change.emit(Box::new(move |draft| {
                let most = u16::try_from(draft.choices.len()).unwrap_or(1).max(2);
                draft.ballot_rules = BallotRules {
                    least: 1,
                    most: if several { most } else { 1 },
                    ..draft.ballot_rules
                };
            }));
        }
    };
    html! {
        <>
            <fieldset id="choice-list" tabindex="-1">
                <legend>{ t(say::draft_choices()) }</legend>
                if free {
                    <p class="soft">{ t(say::draft_free_text()) }</p>
                }
                for (index, choice) in draft.choices.iter().enumerate() {
                    <div class="choice-row">
                        <input id={format!("draft-choice-{index}")} type="text" maxlength="256" autocomplete="off" aria-label={t(say::draft_choice(index + 1))}
                            value={choice.clone()} oninput={changing(change, move |draft, text| draft.choices[index] = text)} />
                        { move_button(change, index, index.checked_sub(1), Name::Up, "up") }
                        { move_button(change, index, Some(index + 1).filter(|to| *to < draft.choices.len()), Name::Down, "down") }
                        <button type="button" class="button icon" aria-label={t(say::draft_remove(index + 1))}
                            onclick={{ let change = change.clone(); move |_: MouseEvent| change.emit(Box::new(move |draft| { draft.choices.remove(index); })) }}>
                            { icon(Name::Cross) }
                        </button>
                    </div>
                }
                <div><button type="button" class="button small" onclick={add} data-testid="add-choice">{ icon(Name::Plus) }{ t(say::draft_add()) }</button></div>
            </fieldset>
            <div class="field">
                <label for="kind">{ t(say::draft_kind()) }</label>
                <select id="kind" onchange={kind}>
                    <option value="one" selected={rules.most == 1}>{ t(say::draft_one()) }</option>
                    <option value="approval" selected={rules.most > 1}>{ t(say::draft_several()) }</option>
                </select>
            </div>
            if rules.most > 1 {
                <div class="row">
                    { number("least", t(say::draft_least()), rules.least.into(), changing(change, |draft, text| draft.ballot_rules.least = text.trim().parse().unwrap_or(0))) }
                    { number("most", t(say::draft_most()), rules.most.into(), changing(change, |draft, text| draft.ballot_rules.most = text.trim().parse().unwrap_or(2).max(2))) }
                </div>
            }
            <div class="choices">
                { tick("blank", t(say::draft_blank()), rules.blank, change, |draft, on| draft.ballot_rules.blank = on) }
                { tick("write-in", t(say::draft_write_in()), rules.write_in, change, |draft, on| draft.ballot_rules.write_in = on) }
            </div>
        </>
    }
}

fn move_button(
    change: &Change,
    from: usize,
    to: Option<usize>,
    name: Name,
    words: &'static str,
) -> Html {
    let change = change.clone();
    html! {
        <button type="button" class="button icon" aria-label={t(say::draft_move(words, from + 1))} disabled={to.is_none()}
            onclick={move |_: MouseEvent| if let Some(to) = to {
                change.emit(Box::new(move |draft| draft.choices.swap(from, to)));
                Timeout::new(DRAWN_MS, move || browser::focus(&format!("draft-choice-{to}"))).forget();
            }}>
            { icon(name) }
        </button>
    }
}
