//! The ballot paper's own part: what can be chosen.

use blockvote_core::election::definition::{Counting, Credentials, Election, Eligibility};
use yew::prelude::*;

use super::{
    fields::{is_checked, value},
    icons::{Name, icon},
};
use crate::page::{choosing::Chosen, format};

/// Selections offered under the free-text field.
const MAX_OFFERED: usize = 8;

/// How many may be chosen, in a sentence.
pub fn rule(election: &Election) -> String {
    match (election.ballot_rules.least, election.ballot_rules.most) {
        (1, 1) => "Choose one.".into(),
        (least, most) if least == most => format!("Choose exactly {most}."),
        (least, most) => format!("Choose {least} to {most}."),
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
    let chosen = &**state;
    let onchange = {
        let state = state.clone();
        Callback::from(move |next| state.set(next))
    };
    let several = election.ballot_rules.most > 1;
    let hint = html! {
        <div id="selection-hint" class={classes!("hint", wrong.is_some().then_some("bad"))} role={wrong.is_some().then_some("alert")}>
            if let Some(wrong) = wrong {
                { icon(Name::Warning) }{ wrong }
            } else if several {
                { rule(election) }
            }
        </div>
    };
    let change = |change: fn(&mut Chosen, usize, bool), index: usize| {
        let (chosen, onchange, several) = (chosen.clone(), onchange.clone(), several);
        Callback::from(move |event: Event| {
            let on = is_checked(&event);
            let mut next = Chosen { words: chosen.words.clone(), ..Chosen::default() };
            if several && !chosen.blank {
                next = chosen.clone();
            }
            change(&mut next, index, on);
            onchange.emit(next);
        })
    };
    let onwords = {
        let (chosen, onchange) = (chosen.clone(), onchange.clone());
        let listed = !election.choices.is_empty();
        move |event: InputEvent| {
            let words = value(&event);
            let mut next = Chosen { words, ..chosen.clone() };
            if listed && !next.writes {
                if !several {
                    next.choices.clear();
                }
                (next.writes, next.blank) = (true, false);
            }
            next.blank &= listed;
            onchange.emit(next);
        }
    };
    if election.choices.is_empty() {
        return html! {
            <div class="field">
                <label for="selection">{ "Your selection" }</label>
                <input id="selection" type="text" maxlength="256" autocomplete="off" value={chosen.words.clone()}
                    oninput={onwords} aria-describedby="selection-hint" aria-invalid={wrong.is_some().then_some("true")} />
                { hint }
                if !offered.is_empty() {
                    <div class="chips" role="group" aria-label="Selections so far">
                        for text in offered.iter().take(MAX_OFFERED).cloned() {
                            <button type="button" class="button small" onclick={{
                                let (onchange, words) = (onchange.clone(), text.clone());
                                move |_: MouseEvent| onchange.emit(Chosen { words: words.clone(), ..Chosen::default() })
                            }}>{ text }</button>
                        }
                    </div>
                }
                if election.ballot_rules.blank {
                    <div class="choices">{ row("checkbox", "choice-blank", chosen.blank, html! { "Blank ballot" },
                        change(|chosen, _, on| { chosen.blank = on; chosen.words.clear(); }, 0)) }</div>
                }
            </div>
        };
    }
    let kind = if several { "checkbox" } else { "radio" };
    html! {
        <fieldset aria-describedby="selection-hint">
            <legend class="visually-hidden">{ &election.title }</legend>
            <div class="choices">
                for (index, choice) in election.choices.iter().cloned().enumerate() {
                    { row(kind, &format!("choice-{index}"), chosen.choices.contains(&index), html! { choice },
                        change(|chosen, index, on| { if on { chosen.choices.insert(index); } else { chosen.choices.remove(&index); } }, index)) }
                }
                if election.ballot_rules.write_in {
                    { row(kind, "choice-own", chosen.writes, html! { "Own words" },
                        change(|chosen, _, on| chosen.writes = on, 0)) }
                    <div class="field own">
                        <label for="own-words" class="visually-hidden">{ "Your own words" }</label>
                        <input id="own-words" type="text" maxlength="256" autocomplete="off" placeholder="Your own words"
                            value={chosen.words.clone()} oninput={onwords} />
                    </div>
                }
                if election.ballot_rules.blank {
                    { row(kind, "choice-blank", chosen.blank, html! { "Blank ballot" },
                        change(|chosen, _, on| *chosen = Chosen { blank: on, words: chosen.words.clone(), ..Chosen::default() }, 0)) }
                }
            </div>
            { hint }
        </fieldset>
    }
}

fn row(
    kind: &'static str,
    id: &str,
    checked: bool,
    words: Html,
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

/// What the organiser's settings mean for a voter, in sentences.
pub fn rules(election: &Election) -> Vec<String> {
    let many = |one, more| format::plural(election.electorate().unwrap_or(0), one, more);
    let who = match election.eligibility {
        Eligibility::Open { .. } => {
            "Open election: whoever uses an unused number first has it.".to_owned()
        }
        Eligibility::Roll { credentials: Credentials::Codes, .. } => format!(
            "{} made by the organiser: whoever has a code can vote with it, so keep yours to yourself. The organiser made them and could use them too.",
            many("voting code", "voting codes")
        ),
        Eligibility::Roll { credentials: Credentials::OwnKeys, .. } => format!(
            "{} with keys of their own: nobody else can vote in your place, not even the organiser.",
            many("voter", "voters")
        ),
    };
    let change = match election.counting {
        Counting::LastCounts => {
            "You can change your vote while the election is open: the last one counts."
        }
        Counting::FirstCounts => "Your first vote counts and cannot be changed.",
    };
    let public = "Ballots are public: your token is a pseudonym, and whoever knows which token is yours can see your choice.";
    vec![who, change.into(), public.into()]
}
