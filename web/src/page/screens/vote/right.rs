//! The field in which a voter says by what right they vote: a number, a code, or a key.

use blockvote_core::{
    custody::voting_code::Code,
    election::definition::{Credentials, Election, Eligibility},
};
use blockvote_words::{Words, message::say};
use yew::prelude::*;

use crate::{
    page::{
        components::{
            fields::typing,
            icons::{Name, icon},
            notice::failure_words,
        },
        format::capital,
        hooks::Asked,
        remembered::OwnKey,
        words::t,
    },
    shared::{messages::Right, views::RightView},
};

/// How voters are known in an election.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    Number,
    Code,
    OwnKey,
}

impl By {
    pub fn of(election: &Election) -> Self {
        match election.eligibility {
            Eligibility::Open { .. } => Self::Number,
            Eligibility::Roll { credentials: Credentials::Codes, .. } => Self::Code,
            Eligibility::Roll { credentials: Credentials::OwnKeys, .. } => Self::OwnKey,
        }
    }

    /// The field that has the focus when something is wrong.
    pub fn field(self, passphrase: bool) -> &'static str {
        match self {
            Self::Number => "token",
            Self::Code => "code",
            Self::OwnKey if passphrase => "passphrase",
            Self::OwnKey => "key",
        }
    }
}

/// A token as typed: the number, or what is wrong with it.
fn read_token(text: &str, election: &Election) -> Result<u64, String> {
    let tokens = election.tokens();
    let token = text.trim().parse().ok().filter(|token| tokens.contains(token));
    token.ok_or_else(|| t(say::number_range(tokens.start().to_string(), tokens.end().to_string())))
}

/// The right that was typed or picked.
///
/// # Errors
/// In a sentence, what is wrong with it.
pub fn read(election: &Election, typed: &str, key: Option<&OwnKey>) -> Result<Right, String> {
    match By::of(election) {
        By::Number => read_token(typed, election).map(Right::Token),
        By::Code => match Code::parse(typed) {
            // Written one way, so that the answer is recognised.
            Ok(code) => Ok(Right::Code(code.to_string().into())),
            Err(error) => Err(format!("{}.", capital(&error.words()))),
        },
        By::OwnKey => key
            .map(|key| Right::Key { public: key.public.clone(), secret: None })
            .ok_or_else(|| t(say::no_key())),
    }
}

/// What the voter typed as a right, and what the field says about it.
pub struct Entry {
    pub right: Result<Right, String>,
    pub view: Option<RightView>,
    pub kind: &'static str,
    pub words: String,
}

impl Entry {
    /// What the node says of this right; `quiet` while nothing is wrong with an empty field.
    pub fn new(right: Result<Right, String>, asked: &Asked<RightView>, quiet: bool) -> Self {
        let view = asked.answer().filter(|view| right.as_ref() == Ok(&view.right)).cloned();
        let (kind, words) = match (&right, &view) {
            (Err(_), _) if quiet => ("", String::new()),
            (Err(wrong), _) => ("bad", wrong.clone()),
            (Ok(_), None) => match asked.failure() {
                None => ("", t(say::checking())),
                Some(failure) => ("warn", failure_words(failure)),
            },
            (Ok(_), Some(view)) => said(view),
        };
        Self { right, view, kind, words }
    }

    /// Whether nothing can be cast with it.
    pub fn is_bad(&self) -> bool {
        self.kind == "bad"
    }
}

fn said(view: &RightView) -> (&'static str, String) {
    let by_key = matches!(view.right, Right::Key { .. });
    match (&view.problem, &view.voted, &view.unsure) {
        (Some(problem), ..) => ("bad", format!("{}.", capital(&t(problem.clone())))),
        (None, Some(voted), _) => ("warn", t(say::voted_already(voted))),
        (None, None, _) if matches!(view.right, Right::Token(_)) => ("good", t(say::number_free())),
        // Signing twice would be a double vote for everybody to see.
        (None, None, Some(why)) if by_key => ("warn", t(say::key_unsure(why.clone()))),
        (None, None, Some(why)) => ("warn", t(say::code_unsure(why.clone()))),
        (None, None, None) if by_key => ("good", t(say::key_good())),
        (None, None, None) => ("good", t(say::code_good())),
    }
}

fn hint(id: &'static str, entry: &Entry) -> Html {
    html! {
        <div {id} class={classes!("hint", entry.kind)} aria-live="polite" data-testid={id}>
            { match entry.kind {
                "good" => html! { { icon(Name::Tick) } },
                "bad" | "warn" => html! { { icon(Name::Warning) } },
                _ => Html::default(),
            } }
            { &entry.words }
        </div>
    }
}

pub fn token_field(typed: &UseStateHandle<String>, entry: &Entry) -> Html {
    html! {
        <div class="field">
            <label for="token">{ t(say::your_number()) }</label>
            <input id="token" class="narrow" type="text" inputmode="numeric" autocomplete="off"
                value={(**typed).clone()} oninput={typing(typed)} aria-describedby="token-hint"
                aria-invalid={entry.is_bad().then_some("true")} />
            { hint("token-hint", entry) }
        </div>
    }
}

pub fn code_field(typed: &UseStateHandle<String>, entry: &Entry, from_link: bool) -> Html {
    html! {
        <div class="field">
            <label for="code">{ t(say::your_code()) }</label>
            <input id="code" class="code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"
                placeholder="XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX"
                value={(**typed).clone()} oninput={typing(typed)} aria-describedby="code-hint"
                aria-invalid={entry.is_bad().then_some("true")} />
            { hint("code-hint", entry) }
            if from_link {
                <small>{ t(say::code_stays()) }</small>
            }
        </div>
    }
}

/// Of several keys, the one that is picked.
#[derive(Clone)]
pub struct Pick {
    pub picked: UseStateHandle<usize>,
    /// The voter picked it.
    pub by_hand: UseStateHandle<bool>,
}

pub fn key_field(
    keys: &[OwnKey],
    pick: &Pick,
    passphrase: &UseStateHandle<String>,
    needs_passphrase: bool,
    tried: bool,
    entry: &Entry,
) -> Html {
    let onchange = {
        let pick = pick.clone();
        move |event: Event| {
            pick.by_hand.set(true);
            let value = event.target_unchecked_into::<web_sys::HtmlSelectElement>().value();
            pick.picked.set(value.parse().unwrap_or(0));
        }
    };
    html! {
        <div class="field">
            <label for="key">{ t(say::your_key()) }</label>
            if !keys.is_empty() {
                <select id="key" {onchange} aria-describedby="key-hint">
                    for (index, key) in keys.iter().enumerate() {
                        <option value={index.to_string()} selected={*pick.picked == index}>
                            { format!("{} ({}…)", key.label, key.public.get(..12).unwrap_or_default()) }
                        </option>
                    }
                </select>
            }
            { hint("key-hint", entry) }
            if needs_passphrase {
                <label for="passphrase">{ t(say::key_passphrase()) }</label>
                <input id="passphrase" type="password" autocomplete="off" value={(**passphrase).clone()} oninput={typing(passphrase)} />
                if tried && passphrase.is_empty() {
                    <div class="hint bad" role="alert">{ icon(Name::Warning) }{ t(say::key_locked()) }</div>
                }
            }
            <p><a href="/keys">{ t(say::your_keys()) }</a></p>
        </div>
    }
}
