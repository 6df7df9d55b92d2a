//! Proven double votes, for the result and for the organiser.

use yew::prelude::*;

use super::icons::{Name, icon};
use crate::{
    page::format,
    shared::views::{DoubleVoteView, Status},
};

/// The list, where there are any.
pub fn double_votes(status: &Status) -> Html {
    if status.double_vote_count == 0 {
        return Html::default();
    }
    let ballots = |double: &DoubleVoteView| {
        let [(first, one), (second, other)] = &double.ballots;
        format!("“{first}” {one}; “{second}” {other}")
    };
    html! {
        <section class="sheet" aria-label="Double votes" data-testid="double-votes">
            <h2>{ "Double votes" }</h2>
            <p class="soft">{ format!("{} signed two different ballots. Each proof is two signatures that anyone can check; it is kept beside the chain and in the audit file.",
                format::plural(status.double_vote_count.into(), "voter", "voters")) }</p>
            <ul class="checks">
                for double in status.double_votes.iter() {
                    <li>
                        { icon(Name::Warning) }
                        <span>{ format!("Token {}", double.token) }</span>
                        <span class="detail">{ ballots(double) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}
