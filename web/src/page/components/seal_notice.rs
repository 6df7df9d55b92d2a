//! What the organiser's seals come to.

use yew::prelude::*;

use super::notice::notice;
use crate::{page::format, shared::views::SealView};

/// In a notice, with what was left out.
pub fn seal_notice(seal: &SealView) -> Html {
    let (kind, words) = match seal {
        SealView::Unsealed => return Html::default(),
        SealView::Awaited => (
            "warn",
            "The organiser sealed a result over a block that this tab does not hold yet. What is counted below may change.".to_owned(),
        ),
        SealView::Sealed { height, .. } => (
            "good",
            format!("Sealed by the organiser at block {height}. The seal's signature, block and count were checked by this tab."),
        ),
        SealView::Refuted => (
            "bad",
            "Contested: the organiser signed a seal over another count than the chain has. It binds nobody.".into(),
        ),
        SealView::Contested(one, other) => (
            "bad",
            format!("Contested: the organiser signed two seals that differ, over block {one} and over block {other}. Both are kept as proof; neither binds."),
        ),
    };
    let left_out = if let SealView::Sealed { left_out, .. } = seal { &left_out[..] } else { &[] };
    html! {
        <div class="field" data-testid="seal" data-seal={kind}>
            { notice(kind, words) }
            for (reason, votes) in left_out {
                { notice("warn", format!("The organiser left out {}: “{reason}”", format::plural((*votes).into(), "vote", "votes"))) }
            }
        </div>
    }
}
