//! Texts to copy.

use blockvote_words::message::say;
use yew::prelude::*;

use super::icons::{Name, icon};
use crate::page::{browser, format, words::t};

#[derive(Properties, PartialEq)]
pub struct HashProps {
    pub value: AttrValue,
    /// What it is the hash of, for the button's name.
    pub of: AttrValue,
}

/// A hash, short, with a button that copies the whole of it.
#[component]
pub fn Hash(props: &HashProps) -> Html {
    let copied = use_state(|| None::<bool>);
    let onclick = {
        let (copied, value) = (copied.clone(), props.value.clone());
        move |_: MouseEvent| copied.set(Some(browser::copy(&value)))
    };
    let words = match *copied {
        None => t(say::copy()),
        Some(true) => t(say::copied()),
        Some(false) => t(say::copy_by_hand()),
    };
    let label = t(say::copy_this(props.of.as_str()));
    let whole = *copied == Some(false);
    html! {
        <span class="row">
            <span class="hash no-print" title={props.value.clone()}>
                { if whole { props.value.to_string() } else { format::short(&props.value) } }
            </span>
            <span class="hash print-only">{ props.value.clone() }</span>
            <button type="button" class="button small no-print" {onclick}
                aria-label={label}>
                { icon(Name::Copy) }{ words }
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
    let done = use_state(|| None::<bool>);
    let onclick = {
        let (done, text) = (done.clone(), props.text.clone());
        move |_: MouseEvent| done.set(Some(browser::copy(&text)))
    };
    let words = match *done {
        None => t(say::copy_this(props.what.as_str())),
        Some(true) => t(say::copied()),
        Some(false) => t(say::copy_by_hand()),
    };
    html! {
        <div class="no-print"><button type="button" class="button small" {onclick}>
            { icon(Name::Copy) }{ words }
        </button></div>
    }
}
