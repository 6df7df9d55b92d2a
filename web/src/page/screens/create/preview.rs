//! What a voter will see, and what publishing means.

use blockvote_core::{
    custody::{
        organiser::{Draft, Who},
        voting_code::Code,
    },
    election::{definition::Election, keepers::Keeper},
};
use blockvote_words::standing;
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
        format,
        hooks::{use_asking, use_model, use_workers},
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
    let hours = match (election.opens.map(millis), election.closes.map(millis)) {
        (None, None) => "open from the start, until you close it".to_owned(),
        (Some(opens), None) => format!("opens {}, until you close it", format::time(opens)),
        (None, Some(closes)) => format!("closes {}", format::time(closes)),
        (Some(opens), Some(closes)) => {
            format!("opens {}, closes {}", format::time(opens), format::time(closes))
        }
    };
    let example = Code::from_random(&[0x5a; 17]).to_string();
    html! {
        <>
            <p class="soft">{ "This is what voters will see. Try it: nothing is cast." }</p>
            <div class="preview" data-testid="preview">
                <div class="row between"><h2>{ &election.title }</h2><span class="soft">{ hours }</span></div>
                if !election.description.is_empty() { <p class="soft">{ &election.description }</p> }
                { ballot::html(&election, &chosen, None, &[]) }
                if matches!(props.draft.who, Who::Codes { .. }) {
                    <p class="soft">{ "Each voter types a code such as " }<code>{ example }</code>{ ", or opens a link that holds it." }</p>
                }
                <ul class="small-print">for rule in ballot::rules(&election) { <li>{ rule }</li> }</ul>
            </div>
            <div class="field">
                <label for="organiser-passphrase">{ "Passphrase for your organiser's file (may be left out)" }</label>
                <input id="organiser-passphrase" type="password" autocomplete="new-password" value={(*props.passphrase).clone()} oninput={typing(&props.passphrase)} />
                { second_passphrase("organiser-passphrase-again", &props.passphrase, &props.again) }
                <small>{ "The file holds the key that closes and seals, the codes and the names. It rests in this browser; with a passphrase it rests locked." }</small>
            </div>
            { keepers }
            { notice("warn", "Once published nothing can be changed: the link commits to every word and every voter.") }
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
        standing::list(&those.map(|keeper| keeper.name.as_str()).collect::<Vec<_>>())
    };
    match (names(true), names(false)) {
        (there, away) if there.is_empty() && away.is_empty() => Html::default(),
        (there, away) if away.is_empty() => {
            html! { <p data-testid="kept-by">{ format!("Will be held by {there}.") }</p> }
        }
        (there, away) => notice(
            "warn",
            match there.as_str() {
                "" => format!(
                    "{away}: no answer at the moment. After publishing, keep the page open until a keeper has the election."
                ),
                there => format!("Will be held by {there}. {away}: no answer at the moment."),
            },
        ),
    }
}
