//! The ballot paper, and after casting the receipt in its place.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{ElectionView, ToNode},
    page::{
        browser, format,
        icons::{Icon, Name},
        model::{Action, Cast, Shared, use_shared},
        receipt::Receipt,
        words::Notice,
    },
};

/// Selections offered under the free-text field.
const MAX_OFFERED: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Hours {
    Early(f64),
    Open(Option<f64>),
    Closed(f64),
}

fn hours(election: &ElectionView) -> Hours {
    let now = js_sys::Date::now();
    match (election.opens, election.closes) {
        (Some(opens), _) if now < opens => Hours::Early(opens),
        (_, Some(closes)) if now >= closes => Hours::Closed(closes),
        (_, closes) => Hours::Open(closes),
    }
}

fn hours_line(hours: Hours) -> String {
    match hours {
        Hours::Early(opens) => {
            format!("opens {} ({})", format::time(opens), format::relative(opens))
        }
        Hours::Open(Some(closes)) => {
            format!("closes {} ({})", format::time(closes), format::relative(closes))
        }
        Hours::Open(None) => "no closing time".into(),
        Hours::Closed(closes) => {
            format!("closed {} ({})", format::time(closes), format::relative(closes))
        }
    }
}

/// A token as typed: the number, or what is wrong with it.
fn read_token(text: &str, electorate: Option<u64>) -> Result<u64, String> {
    let highest = electorate.unwrap_or(blockvote_core::vote::TokenId::MAX.0);
    let lowest = u64::from(electorate.is_some());
    let wrong = || format!("A token is a whole number from {lowest} to {highest}.");
    let token: u64 = text.trim().parse().map_err(|_| wrong())?;
    if (lowest..=highest).contains(&token) { Ok(token) } else { Err(wrong()) }
}

/// The screen.
#[component]
pub fn Vote() -> Html {
    let shared = use_shared();
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    html! {
        <div class="screen">
            <header>
                <div class="row between">
                    <h1 id="title" tabindex="-1">{ &election.title }</h1>
                    <span class="soft">{ hours_line(hours(&election)) }</span>
                </div>
                if !election.description.is_empty() {
                    <p class="soft">{ &election.description }</p>
                }
            </header>
            { paper(&shared, &election) }
            { earlier(&shared, &election) }
        </div>
    }
}

fn paper(shared: &Shared, election: &ElectionView) -> Html {
    if let Cast::Done(id) = &shared.model.cast {
        let again = {
            let model = shared.model.clone();
            move |_: MouseEvent| model.dispatch(Action::CastAgain)
        };
        let receipt = shared.model.receipts.iter().find(|receipt| receipt.vote_id == *id);
        return html! {
            <>
                if let Some(receipt) = receipt {
                    <Receipt receipt={receipt.clone()} election={election.id.clone()} />
                }
                <div class="no-print">
                    <button type="button" class="button" onclick={again}>{ "Vote with another token" }</button>
                </div>
            </>
        };
    }
    match hours(election) {
        Hours::Early(_) => html! {
            <Notice kind="warn">{ "The election is not open yet. Nothing is lost: come back when it opens." }</Notice>
        },
        Hours::Closed(_) => html! {
            <Notice kind="warn">{ "The election is closed: votes are not taken any more. The result and the chain stay open to everyone." }</Notice>
        },
        Hours::Open(_) => html! { <Paper election={election.clone()} /> },
    }
}

/// Votes cast in this browser before.
fn earlier(shared: &Shared, election: &ElectionView) -> Html {
    let shown = match &shared.model.cast {
        Cast::Done(id) => Some(id),
        _ => None,
    };
    let earlier: Vec<_> =
        shared.model.receipts.iter().filter(|receipt| Some(&receipt.vote_id) != shown).collect();
    if earlier.is_empty() {
        return Html::default();
    }
    html! {
        <section class="field" aria-label="Earlier votes">
            <h2>{ "Cast in this browser" }</h2>
            <ul class="checks">
                for receipt in earlier {
                    <li>
                        <Icon name={Name::Ballot} />
                        <a href={format!("/e/{}/receipt/{}", election.id, receipt.vote_id)}>
                            { format!("Token {}: “{}”", receipt.token, receipt.selection) }
                        </a>
                        <span class="detail">{ super::found::state_words(receipt) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct PaperProps {
    election: ElectionView,
}

#[component]
fn Paper(props: &PaperProps) -> Html {
    let shared = use_shared();
    let election = &props.election;
    let selection = use_state(String::new);
    let token = use_state(String::new);
    let tried = use_state(|| false);
    let parsed = read_token(&token, election.electorate);
    let free_text = election.choices.is_empty();
    let model = &shared.model;

    let choose = {
        let selection = selection.clone();
        Callback::from(move |value: String| selection.set(value))
    };
    let ontoken = {
        let (token, send, electorate) = (token.clone(), shared.send.clone(), election.electorate);
        move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            if let Ok(number) = read_token(&text, electorate) {
                send.emit(ToNode::CheckToken(number));
            }
            token.set(text);
        }
    };
    let known = model.token.as_ref().filter(|(asked, _)| parsed.as_ref() == Ok(asked));
    let (token_kind, token_words) = match (&parsed, known) {
        (Err(_), _) if token.is_empty() && !*tried => ("", String::new()),
        (Err(wrong), _) => ("bad", wrong.clone()),
        (Ok(_), Some((_, Some(problem)))) => ("bad", format!("{}.", capital(problem))),
        (Ok(_), Some((_, None))) => ("good", "unused so far".to_owned()),
        (Ok(_), None) => ("", "checking…".to_owned()),
    };
    let selection_missing = *tried && selection.trim().is_empty();
    let refused = match &model.cast {
        Cast::Refused(why) => Some(capital(why)),
        _ => None,
    };
    let sending = model.cast == Cast::Sent;
    let onsubmit = {
        let (shared, selection, tried) = (shared.clone(), selection.clone(), tried.clone());
        let parsed = parsed.clone();
        let used = token_kind == "bad";
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            match (&parsed, selection.trim()) {
                (_, "") => browser::focus(if free_text { "selection" } else { "choice-0" }),
                (Err(_), _) => browser::focus("token"),
                (Ok(_), _) if used => browser::focus("token"),
                (Ok(token), selection) => {
                    shared.model.dispatch(Action::CastSent);
                    let selection = selection.to_owned();
                    shared.send.emit(ToNode::Cast { token: *token, selection });
                }
            }
        }
    };
    let words = match selection.trim() {
        "" => "Cast vote".to_owned(),
        chosen => format!("Cast vote for “{chosen}”"),
    };
    html! {
        <form class="sheet" {onsubmit} novalidate=true>
            if free_text {
                { text_field(&shared, &selection, &choose, selection_missing) }
            } else {
                { choice_list(election, &selection, &choose, selection_missing) }
            }
            <div class="field">
                <label for="token">{ "Your token" }</label>
                <input id="token" class="narrow" type="text" inputmode="numeric" autocomplete="off"
                    value={(*token).clone()} oninput={ontoken} aria-describedby="token-hint"
                    aria-invalid={(token_kind == "bad").then_some("true")} />
                <div id="token-hint" class={classes!("hint", token_kind)} aria-live="polite" data-testid="token-hint">
                    { match token_kind {
                        "good" => html! { <Icon name={Name::Tick} /> },
                        "bad" => html! { <Icon name={Name::Warning} /> },
                        _ => Html::default(),
                    } }
                    { token_words }
                </div>
            </div>
            if let Some(why) = refused {
                <div role="alert" data-testid="refused"><Notice kind="bad">{ format!("The vote was not cast: {why}.") }</Notice></div>
            }
            <div><button class="button primary" disabled={sending} data-testid="cast">
                { if sending { "Storing the vote…".to_owned() } else { words } }
            </button></div>
            <small>{ "Ballots of this election are public: the token is a pseudonym, and whoever knows which token is yours can see your choice." }</small>
        </form>
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn missing(shown: bool) -> Html {
    html! {
        <div id="selection-hint" class={classes!("hint", shown.then_some("bad"))} role={shown.then_some("alert")}>
            if shown {
                <Icon name={Name::Warning} />{ "Choose first." }
            }
        </div>
    }
}

fn choice_list(
    election: &ElectionView,
    selection: &UseStateHandle<String>,
    choose: &Callback<String>,
    wrong: bool,
) -> Html {
    html! {
        <fieldset aria-describedby="selection-hint">
            <legend class="visually-hidden">{ &election.title }</legend>
            <div class="choices">
                for (index, choice) in election.choices.iter().cloned().enumerate() {
                    <label class="choice" for={format!("choice-{index}")}>
                        <input type="radio" name="choice" id={format!("choice-{index}")}
                            checked={**selection == choice}
                            onchange={{
                                let (choose, choice) = (choose.clone(), choice.clone());
                                move |_: Event| choose.emit(choice.clone())
                            }} />
                        <span class="mark"></span>
                        <span>{ choice }</span>
                    </label>
                }
            </div>
            { missing(wrong) }
        </fieldset>
    }
}

fn text_field(
    shared: &Shared,
    selection: &UseStateHandle<String>,
    choose: &Callback<String>,
    wrong: bool,
) -> Html {
    let mut offered: Vec<_> = shared.model.tally.iter().collect();
    offered.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
    let offered: Vec<String> =
        offered.into_iter().take(MAX_OFFERED).map(|(text, _)| text.to_owned()).collect();
    let oninput = {
        let choose = choose.clone();
        move |event: InputEvent| {
            choose.emit(event.target_unchecked_into::<HtmlInputElement>().value());
        }
    };
    html! {
        <div class="field">
            <label for="selection">{ "Your selection" }</label>
            <input id="selection" type="text" maxlength="256" autocomplete="off" value={(**selection).clone()}
                {oninput} aria-describedby="selection-hint" aria-invalid={wrong.then_some("true")} />
            { missing(wrong) }
            if !offered.is_empty() {
                <div class="chips" role="group" aria-label="Selections so far">
                    for text in offered {
                        <button type="button" class="button small" onclick={{
                            let (choose, text) = (choose.clone(), text.clone());
                            move |_: MouseEvent| choose.emit(text.clone())
                        }}>{ text }</button>
                    }
                </div>
            }
        </div>
    }
}
