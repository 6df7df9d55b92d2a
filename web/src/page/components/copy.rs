//! Texts to copy.

use blockvote_words::message::{Message, say};
use yew::prelude::*;

use super::icons::{Name, icon};
use crate::page::{browser, format, words::t};

/// Copies a text when called; returns whether it could, once it was tried.
#[hook]
fn use_copying(text: &AttrValue) -> (Option<bool>, Callback<MouseEvent>) {
    let copied = use_state(|| None::<bool>);
    let onclick = {
        let (copied, text) = (copied.clone(), text.clone());
        Callback::from(move |_: MouseEvent| copied.set(Some(browser::copy(&text))))
    };
    (*copied, onclick)
}

/// What a button that copies says, before and afterwards.
fn words(copied: Option<bool>, before: Message) -> String {
    t(match copied {
        None => before,
        Some(true) => say::copied(),
        Some(false) => say::copy_by_hand(),
    })
}

#[derive(Properties, PartialEq)]
pub struct HashProps {
    pub value: AttrValue,
    /// What it is the hash of, for the button's name.
    pub of: AttrValue,
}

/// A hash, short, with a button that copies the whole of it.
#[component]
pub fn Hash(props: &HashProps) -> Html {
    let (copied, onclick) = use_copying(&props.value);
    // What became of it is its name afterwards.
    let label = copied.is_none().then(|| t(say::copy_this(props.of.as_str())));
    let whole = copied == Some(false);
    html! {
        <span class="row">
            <span class="hash no-print" title={props.value.clone()}>
                { if whole { props.value.to_string() } else { format::short(&props.value) } }
            </span>
            <span class="hash print-only">{ props.value.clone() }</span>
            <button type="button" class="button small no-print" {onclick} aria-label={label}>
                { icon(Name::Copy) }{ words(copied, say::copy()) }
            </button>
        </span>
    }
}

#[derive(Properties, PartialEq)]
pub struct CopyProps {
    pub text: AttrValue,
    /// What is copied, for the button's name.
    pub what: AttrValue,
}

/// A button that copies a text that is shown beside it.
#[component]
pub fn Copy(props: &CopyProps) -> Html {
    let (copied, onclick) = use_copying(&props.text);
    html! {
        <div class="no-print"><button type="button" class="button small" {onclick}>
            { icon(Name::Copy) }{ words(copied, say::copy_this(props.what.as_str())) }
        </button></div>
    }
}
