//! Proven double votes, for the result and for the organiser.

use blockvote_words::message::say;
use yew::prelude::*;

use super::icons::{Name, icon};
use crate::{
    page::words::t,
    shared::views::{DoubleVoteView, Status},
};

/// The list, where there are any.
pub fn double_votes(status: &Status) -> Html {
    if status.double_vote_count == 0 {
        return Html::default();
    }
    let ballots = |double: &DoubleVoteView| {
        let [(first, one), (second, other)] = &double.ballots;
        t(say::double_ballots(first, one.clone(), second, other.clone()))
    };
    html! {
        <section class="sheet" aria-labelledby="double-votes" data-testid="double-votes">
            <h2 id="double-votes">{ t(say::double_votes()) }</h2>
            <p class="soft">{ t(say::double_votes_words(status.double_vote_count)) }</p>
            <ul class="checks">
                for double in status.double_votes.iter() {
                    <li>
                        { icon(Name::Warning) }
                        <span>{ t(say::double_number(double.token.to_string())) }</span>
                        <span class="detail">{ ballots(double) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}
