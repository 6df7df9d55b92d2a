//! Small pieces of text and markup that several screens use.

use yew::{html::IntoPropValue, prelude::*};

use super::{
    browser, format,
    icons::{Name, icon},
    model::Tool,
};

/// A framed remark with an icon; of the kinds `good`, `warn` and `bad`.
pub fn notice(kind: &'static str, words: impl IntoPropValue<Html>) -> Html {
    let name = match kind {
        "good" => Name::Shield,
        _ => Name::Warning,
    };
    html! {
        <div class={classes!("notice", kind)}>
            { icon(name) }
            <p>{ words.into_prop_value() }</p>
        </div>
    }
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
    let copied = use_state(|| None::<bool>);
    let onclick = {
        let (copied, value) = (copied.clone(), props.value.clone());
        move |_: MouseEvent| copied.set(Some(browser::copy(&value)))
    };
    let words = match *copied {
        None => "Copy",
        Some(true) => "Copied",
        Some(false) => "Select it by hand: this page is not secure",
    };
    let whole = *copied == Some(false);
    html! {
        <span class="row">
            <span class="hash no-print" title={props.value.clone()}>
                { if whole { props.value.to_string() } else { format::short(&props.value) } }
            </span>
            <span class="hash print-only">{ props.value.clone() }</span>
            <button type="button" class="button small no-print" {onclick}
                aria-label={format!("{words} the {}", props.of)}>
                { icon(Name::Copy) }{ words }
            </button>
        </span>
    }
}

/// Why a tool could not do what was asked, if it could not.
pub fn failure(tool: &Tool) -> Html {
    match tool {
        Tool::Failed(why) => html! {
            <div role="alert" data-testid="told">{ notice("bad", format!("{}.", capital(why))) }</div>
        },
        Tool::Idle | Tool::Busy(_) | Tool::Done(_) => Html::default(),
    }
}

/// With a capital letter, to begin a sentence.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
