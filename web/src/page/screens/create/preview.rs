//! What a voter will see, and what publishing means.

use blockvote_core::{
    custody::{
        organiser::{Draft, Who},
        voting_code::Code,
    },
    election::{definition::Election, keepers::Keeper},
};
use blockvote_words::message::{Value, say};
use yew::prelude::*;

use crate::{
    page::{
        choosing::Chosen,
        components::{
            ballot,
            fields::typing,
            notice::{failed, notice},
            organiser_passphrase::second_passphrase,
        },
        hooks::{use_asking, use_model, use_workers},
        words::{t, t_with, time},
    },
    shared::messages::{FoundKeeper, PreviewDraft, Previewed, millis},
};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub draft: Draft,
    pub passphrase: UseStateHandle<String>,
    pub again: UseStateHandle<String>,
}

/// What a voter will see; a ballot to try, which is cast nowhere.
#[component]
pub fn Preview(props: &Props) -> Html {
    let chosen = use_state(Chosen::default);
    let found = use_model(|model| model.keepers.clone());
    let keepers = kept_by(&props.draft.keepers, found.as_deref());
    let preview = use_asking::<Previewed>();
    let workers = use_workers();
    {
        let preview = preview.clone();
        use_effect_with(props.draft.clone(), move |draft| {
            preview.refresh(workers.tools().ask(PreviewDraft(Box::new(draft.clone()))));
        });
    }
    let election = preview.asked().answer();
    let Some(election) = election.and_then(|Previewed(bytes)| borsh::from_slice(bytes).ok()) else {
        return failed(preview.asked().failure());
    };
    let election: Election = election;
    let hours = t(match (election.opens.map(millis), election.closes.map(millis)) {
        (None, None) => say::preview_open(),
        (Some(opens), None) => say::preview_opens(time(opens)),
        (None, Some(closes)) => say::preview_closes(time(closes)),
        (Some(opens), Some(closes)) => say::preview_both(time(opens), time(closes)),
    });
    let example = Code::from_random(&[0x5a; 17]).to_string();
    html! {
        <>
            <p class="soft">{ t(say::preview_words()) }</p>
            <div class="preview" data-testid="preview">
                <div class="row between"><h2>{ &election.title }</h2><span class="soft">{ hours }</span></div>
                if !election.description.is_empty() { <p class="soft">{ &election.description }</p> }
                { ballot::html(&election, &chosen, None, &[]) }
                if matches!(props.draft.who, Who::Codes { .. }) {
                    <p class="soft">{ t_with(say::preview_code(Value::Slot(0)), &[html! { <code>{ example }</code> }]) }</p>
                }
                <ul class="small-print">for rule in ballot::rules(&election) { <li>{ rule }</li> }</ul>
            </div>
            <div class="field">
                <label for="organiser-passphrase">{ t(say::organiser_passphrase_new()) }</label>
                <input id="organiser-passphrase" type="password" autocomplete="new-password" value={(*props.passphrase).clone()} oninput={typing(&props.passphrase)} />
                { second_passphrase("organiser-passphrase-again", &props.passphrase, &props.again) }
                <small>{ t(say::organiser_passphrase_hint()) }</small>
            </div>
            { keepers }
            { notice("warn", t(say::preview_final())) }
        </>
    }
}

/// Who will hold the election, and who of them is not there to take it.
fn kept_by(named: &[Keeper], here: Option<&Vec<FoundKeeper>>) -> Html {
    let here = |keeper: &Keeper| {
        here.is_some_and(|found| found.iter().any(|found| found.keeper.key == keeper.key))
    };
    let names = |wanted: bool| {
        let those = named.iter().filter(|keeper| here(keeper) == wanted);
        those.map(|keeper| keeper.name.clone()).collect::<Vec<_>>()
    };
    let (there, away) = (names(true), names(false));
    match (there.is_empty(), away.is_empty()) {
        (true, true) => Html::default(),
        (false, true) => html! { <p data-testid="kept-by">{ t(say::kept_by(there)) }</p> },
        (false, false) => notice("warn", t(say::kept_by_some(there, away))),
        (true, false) => notice("warn", t(say::kept_by_none(away))),
    }
}
