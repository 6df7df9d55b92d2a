//! Who keeps the election while everybody else is away.

use blockvote_core::{
    custody::organiser::{Draft, Who},
    election::keepers::Keeper,
};
use blockvote_words::message::say;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::fields::Change;
use crate::{
    page::{
        components::{fields::is_checked, notice::notice},
        format,
        hooks::{use_model, use_workers},
        remembered,
        words::t,
    },
    shared::messages::ToolsOrder,
};

/// Keepers answer within this time, as a rule.
const OTHERS_ANSWER_MS: u32 = 1_500;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub draft: Draft,
    pub change: Change,
}

/// Who holds the election while everybody else is away.
#[component]
pub fn Keepers(props: &Props) -> Html {
    let workers = use_workers();
    let Props { draft, change } = props;
    use_effect_with((), move |()| {
        workers.tools().order(ToolsOrder::LookForKeepers(remembered::relays()));
    });
    let found = use_model(|model| model.keepers.clone());
    let bounded = !matches!(draft.who, Who::Anyone { highest_token: None });
    {
        // The only one that is there is named, once others had time to answer.
        let (change, empty) = (change.clone(), draft.keepers.is_empty());
        let first = use_mut_ref(|| true);
        let latest = use_mut_ref(|| None::<Keeper>);
        let only = found.as_ref().and_then(|found| match found.as_slice() {
            [only] => Some(only.keeper.clone()),
            _ => None,
        });
        latest.borrow_mut().clone_from(&only);
        use_effect_with(only.is_some(), move |some| {
            if *some && empty && bounded && first.replace(false) {
                Timeout::new(OTHERS_ANSWER_MS, move || {
                    let only = latest.borrow().clone();
                    change.emit(Box::new(move |draft| {
                        if draft.keepers.is_empty() {
                            draft.keepers.extend(only);
                        }
                    }));
                })
                .forget();
            }
        });
    }
    let away = |keeper: &&Keeper| {
        let here = found.iter().flat_map(|found| found.iter());
        !here.map(|found| &found.keeper).any(|here| here == *keeper)
    };
    let listed = found.iter().flat_map(|found| found.iter()).map(|found| (&found.keeper, true));
    let listed = listed.chain(draft.keepers.iter().filter(away).map(|keeper| (keeper, false)));
    let listed: Vec<_> = listed.map(|(keeper, here)| (keeper.clone(), here)).collect();
    let choose = |keeper: &Keeper| {
        let (change, keeper) = (change.clone(), keeper.clone());
        move |event: Event| {
            let on = is_checked(&event);
            let keeper = keeper.clone();
            change.emit(Box::new(move |draft| {
                draft.keepers.retain(|known| known.key != keeper.key);
                if on {
                    draft.keepers.push(keeper);
                }
            }));
        }
    };
    html! {
        <>
            <p class="soft">{ t(say::keepers_words()) }</p>
            <fieldset id="keepers" tabindex="-1">
                <legend>{ t(say::keepers_on_relays()) }</legend>
                if !bounded {
                    { notice("warn", t(say::keepers_unbounded())) }
                } else if listed.is_empty() && found.is_some() {
                    { notice("warn", t(say::keepers_none())) }
                } else if listed.is_empty() {
                    <p class="soft">{ t(say::keepers_asking()) }</p>
                }
                <div class="choices">
                    for (index, (keeper, here)) in listed.iter().enumerate() {
                        <label class="choice" for={format!("keeper-{index}")} data-testid="keeper">
                            <input id={format!("keeper-{index}")} type="checkbox" onchange={choose(keeper)}
                                checked={draft.keepers.iter().any(|named| named.key == keeper.key)} />
                            <span class="mark square"></span>
                            <span><b>{ &keeper.name }</b><br /><small>{ if *here { format::short(&keeper.key.to_text()) } else { t(say::keeper_silent()) } }</small></span>
                        </label>
                    }
                </div>
            </fieldset>
            <p class="soft">{ t(say::keepers_chosen(draft.keepers.len())) }</p>
        </>
    }
}
