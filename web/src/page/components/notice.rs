//! Framed remarks, and why something could not be done.

use yew::{html::IntoPropValue, prelude::*};

use super::icons::{Name, icon};
use crate::{page::format::capital, shared::asking::Failure};

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

/// Why there is no answer, in a sentence or two.
pub fn failure_words(failure: &Failure) -> String {
    match failure {
        Failure::Refused(why) => format!("{}.", capital(why)),
        Failure::Broke(why) => format!(
            "A part of this page broke off ({why}). Look whether it is done, and try again; if it breaks again, reload the page."
        ),
        Failure::Silent => {
            "A part of this page does not answer. Look whether it is done, and try again; if it stays silent, reload the page.".into()
        }
    }
}

/// Why what was asked could not be done, if it could not.
pub fn failed(failure: Option<&Failure>) -> Html {
    html! {
        if let Some(failure) = failure {
            <div role="alert" data-testid="told">{ notice("bad", failure_words(failure)) }</div>
        }
    }
}
