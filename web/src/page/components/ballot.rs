//! The ballot paper's own part: what can be chosen.

use blockvote_core::election::definition::{Counting, Credentials, Election, Eligibility};
use blockvote_words::message::say;
use yew::prelude::*;

use super::{
    fields::{is_checked, value},
    icons::{Name, icon},
};
use crate::page::{choosing::Chosen, words::t};

/// Selections offered under the free-text field.
const MAX_OFFERED: usize = 8;

/// How many may be chosen, in a sentence.
fn rule(election: &Election) -> String {
    t(match (election.ballot_rules.least, election.ballot_rules.most) {
        (1, 1) => say::choose_one(),
        (least, most) if least == most => say::choose_exactly(u32::from(most)),
        (least, most) => say::choose_from_to(u32::from(least), u32::from(most)),
    })
}

/// Below the choices: what is missing once casting was tried, else how many may be chosen.
fn hint(election: &Election, wrong: Option<&str>) -> Html {
    html! {
        <div id="selection-hint" class={classes!("hint", wrong.is_some().then_some("bad"))} role={wrong.is_some().then_some("alert")}>
            if let Some(wrong) = wrong {
                { icon(Name::Warning) }{ wrong }
            } else if election.ballot_rules.most > 1 {
                { rule(election) }
            }
        </div>
    }
}

/// The choices, or a field for free text. `wrong` says what is missing once casting was tried,
/// `offered` are selections of free text that others chose.
pub fn html(
    election: &Election,
    state: &UseStateHandle<Chosen>,
    wrong: Option<&str>,
    offered: &[String],
) -> Html {
    if election.choices.is_empty() {
        return free_text(election, state, wrong, offered);
    }
    let chosen = &**state;
    let several = election.ballot_rules.most > 1;
    let change = |change: fn(&mut Chosen, usize, bool), index: usize| {
        let state = state.clone();
        Callback::from(move |event: Event| {
            let mut next = Chosen { words: state.words.clone(), ..Chosen::default() };
            if several && !state.blank {
                next = (*state).clone();
            }
            change(&mut next, index, is_checked(&event));
            state.set(next);
        })
    };
    let kind = if several { "checkbox" } else { "radio" };
    let choose = |chosen: &mut Chosen, index, on| {
        if on {
            chosen.choices.insert(index);
        } else {
            chosen.choices.remove(&index);
        }
    };
    html! {
        <fieldset aria-describedby="selection-hint">
            <legend class="visually-hidden">{ &election.title }</legend>
            <div class="choices">
                for (index, choice) in election.choices.iter().cloned().enumerate() {
                    { row(kind, &format!("choice-{index}"), chosen.choices.contains(&index), choice, change(choose, index)) }
                }
                if election.ballot_rules.write_in {
                    { row(kind, "choice-own", chosen.writes, t(say::write_in_choice()),
                        change(|chosen, _, on| chosen.writes = on, 0)) }
                    <div class="field own">
                        <label for="own-words" class="visually-hidden">{ t(say::write_in()) }</label>
                        <input id="own-words" type="text" maxlength="256" autocomplete="off" placeholder={t(say::write_in())}
                            value={chosen.words.clone()} oninput={own_words(state, several)} />
                    </div>
                }
                if election.ballot_rules.blank {
                    { row(kind, "choice-blank", chosen.blank, t(say::blank()),
                        change(|chosen, _, on| *chosen = Chosen { blank: on, words: chosen.words.clone(), ..Chosen::default() }, 0)) }
                }
            </div>
            { hint(election, wrong) }
        </fieldset>
    }
}

/// Whoever writes own words chooses them.
fn own_words(state: &UseStateHandle<Chosen>, several: bool) -> Callback<InputEvent> {
    let state = state.clone();
    Callback::from(move |event: InputEvent| {
        let mut next = Chosen { words: value(&event), ..(*state).clone() };
        if !next.writes {
            if !several {
                next.choices.clear();
            }
            (next.writes, next.blank) = (true, false);
        }
        state.set(next);
    })
}

fn free_text(
    election: &Election,
    state: &UseStateHandle<Chosen>,
    wrong: Option<&str>,
    offered: &[String],
) -> Html {
    let write = |words: String| {
        let state = state.clone();
        move |_: MouseEvent| state.set(Chosen { words: words.clone(), ..Chosen::default() })
    };
    let onwords = {
        let state = state.clone();
        move |event: InputEvent| {
            state.set(Chosen { words: value(&event), ..Chosen::default() });
        }
    };
    let onblank = {
        let state = state.clone();
        Callback::from(move |event: Event| {
            state.set(Chosen { blank: is_checked(&event), ..Chosen::default() });
        })
    };
    html! {
        <div class="field">
            <label for="selection">{ t(say::your_answer()) }</label>
            <input id="selection" type="text" maxlength="256" autocomplete="off" value={state.words.clone()}
                oninput={onwords} aria-describedby="selection-hint" aria-invalid={wrong.is_some().then_some("true")} />
            { hint(election, wrong) }
            if !offered.is_empty() {
                <div class="chips" role="group" aria-label={t(say::answers_so_far())}>
                    for text in offered.iter().take(MAX_OFFERED).cloned() {
                        <button type="button" class="button small" onclick={write(text.clone())}>{ text }</button>
                    }
                </div>
            }
            if election.ballot_rules.blank {
                <div class="choices">{ row("checkbox", "choice-blank", state.blank, t(say::blank()), onblank) }</div>
            }
        </div>
    }
}

fn row(
    kind: &'static str,
    id: &str,
    checked: bool,
    words: String,
    onchange: Callback<Event>,
) -> Html {
    let id = id.to_owned();
    html! {
        <label class="choice" for={id.clone()}>
            <input type={kind} name="choice" {id} {checked} {onchange} />
            <span class={classes!("mark", (kind == "checkbox").then_some("square"))}></span>
            <span>{ words }</span>
        </label>
    }
}

/// Whether a vote can be changed, in a sentence.
pub fn may_change(election: &Election) -> String {
    t(match election.counting {
        Counting::LastCounts => say::may_change(),
        Counting::FirstCounts => say::cannot_change(),
    })
}

/// What the organiser's settings mean for a voter, in sentences.
pub fn rules(election: &Election) -> Vec<String> {
    let voters = election.electorate().unwrap_or(0);
    let who = match election.eligibility {
        Eligibility::Open { .. } => say::how_open(),
        Eligibility::Roll { credentials: Credentials::Codes, .. } => say::how_codes(voters),
        Eligibility::Roll { credentials: Credentials::OwnKeys, .. } => say::how_keys(voters),
    };
    vec![t(who), t(say::how_public())]
}
