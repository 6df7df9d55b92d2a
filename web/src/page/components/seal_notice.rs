//! What the organiser's seals come to.

use blockvote_words::message::say;
use yew::prelude::*;

use super::notice::notice;
use crate::{page::words::t, shared::views::SealView};

/// In a notice, with what was left out.
pub fn seal_notice(seal: &SealView) -> Html {
    let (kind, words) = match seal {
        SealView::Unsealed => return Html::default(),
        SealView::Awaited => ("warn", say::seal_awaited()),
        SealView::Sealed { height, .. } => ("good", say::seal_good(*height)),
        SealView::Refuted => ("bad", say::seal_refuted()),
        SealView::Contested(one, other) => ("bad", say::seal_contested(*one, *other)),
    };
    let left_out = if let SealView::Sealed { left_out, .. } = seal { &left_out[..] } else { &[] };
    html! {
        <div class="field" data-testid="seal" data-seal={kind}>
            { notice(kind, t(words)) }
            for (reason, votes) in left_out {
                { notice("warn", t(say::left_out(*votes, reason))) }
            }
        </div>
    }
}
