//! The ballot paper's own part: what can be chosen, and what was.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{
    format,
    icons::{Name, icon},
};
use crate::messages::ElectionView;

/// Selections offered under the free-text field.
const MAX_OFFERED: usize = 8;

/// What was chosen so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Choices of the list.
    pub choices: BTreeSet<usize>,
    /// Whether the own words are chosen.
    pub writes: bool,
    /// The own words, or the free text.
    pub words: String,
    /// A blank ballot.
    pub blank: bool,
}

impl Chosen {
    /// The selections to cast; what is missing otherwise.
    pub fn selections(&self, election: &ElectionView) -> Result<Vec<String>, String> {
        if self.blank {
            return Ok(Vec::new());
        }
        let words = self.words.trim().to_owned();
        if election.choices.is_empty() {
            return if words.is_empty() { Err("Choose first.".into()) } else { Ok(vec![words]) };
        }
        let mut all: Vec<_> =
            self.choices.iter().filter_map(|index| election.choices.get(*index)).cloned().collect();
        if self.writes {
            if words.is_empty() {
                return Err("Write your own words, or take their mark away.".into());
            }
            if election.choices.contains(&words) {
                return Err(format!("“{words}” is one of the choices: choose it instead."));
            }
            all.push(words);
        }
        let (least, most) = (usize::from(election.least), usize::from(election.most));
        match all.len() {
            0 => Err("Choose first.".into()),
            n if (least..=most).contains(&n) => Ok(all),
            n => Err(format!("{} You chose {n}.", rule(election))),
        }
    }

    /// In words, for the button and the review.
    pub fn words(&self, election: &ElectionView) -> Option<String> {
        let selections = self.selections(election).ok()?;
        Some(if self.blank { "blank ballot".into() } else { selections.join(", ") })
    }
}

/// How many may be chosen, in a sentence.
pub fn rule(election: &ElectionView) -> String {
    match (election.least, election.most) {
        (1, 1) => "Choose one.".into(),
        (least, most) if least == most => format!("Choose exactly {most}."),
        (least, most) => format!("Choose {least} to {most}."),
    }
}

/// The choices, or a field for free text. `wrong` says what is missing once casting was tried,
/// `offered` are selections of free text that others chose.
pub fn html(
    election: &ElectionView,
    state: &UseStateHandle<Chosen>,
    wrong: Option<&str>,
    offered: &[String],
) -> Html {
    let chosen = &**state;
    let onchange = {
        let state = state.clone();
        Callback::from(move |next| state.set(next))
    };
    let several = election.most > 1;
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
            let on = event.target_unchecked_into::<HtmlInputElement>().checked();
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
            let words = event.target_unchecked_into::<HtmlInputElement>().value();
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
                if election.blank {
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
                if election.write_in {
                    { row(kind, "choice-own", chosen.writes, html! { "Own words" },
                        change(|chosen, _, on| chosen.writes = on, 0)) }
                    <div class="field own">
                        <label for="own-words" class="visually-hidden">{ "Your own words" }</label>
                        <input id="own-words" type="text" maxlength="256" autocomplete="off" placeholder="Your own words"
                            value={chosen.words.clone()} oninput={onwords} />
                    </div>
                }
                if election.blank {
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
pub fn rules(election: &ElectionView) -> Vec<String> {
    use crate::messages::Who;
    let mut rules = Vec::new();
    rules.push(match election.who {
        Who::Anyone => "Open election: whoever uses an unused number first has it.".to_owned(),
        Who::Codes => format!(
            "{} made by the organiser: whoever has a code can vote with it, so keep yours to yourself. The organiser made them and could use them too.",
            format::plural(election.electorate.unwrap_or(0), "voting code", "voting codes")
        ),
        Who::OwnKeys => format!(
            "{} with keys of their own: nobody else can vote in your place, not even the organiser.",
            format::plural(election.electorate.unwrap_or(0), "voter", "voters")
        ),
    });
    rules.push(if election.last_counts {
        "You can change your vote while the election is open: the last one counts.".into()
    } else {
        "Your first vote counts and cannot be changed.".into()
    });
    rules.push("Ballots are public: your token is a pseudonym, and whoever knows which token is yours can see your choice.".into());
    rules
}
