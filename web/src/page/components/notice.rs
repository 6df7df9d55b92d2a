//! Framed remarks, and why something could not be done.

use blockvote_words::message::say;
use yew::{html::IntoPropValue, prelude::*};

use super::icons::{Name, icon};
use crate::{
    page::{format::capital, words::t},
    shared::asking::Failure,
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

/// Why there is no answer, in a sentence or two.
pub fn failure_words(failure: &Failure) -> String {
    match failure {
        Failure::Refused(why) => format!("{}.", capital(&t(why.clone()))),
        Failure::Broke(why) => t(say::broke_off(why.clone())),
        Failure::Silent => t(say::silent()),
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
