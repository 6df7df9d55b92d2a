//! A short address, as it stands on slips: the election behind it is asked of keepers.

use yew::prelude::*;

use crate::{
    messages::ToTools,
    page::{
        browser,
        model::{Tool, use_tools},
        remembered,
        words::{capital, notice},
    },
};

/// The short link of the open election, once it is known; nothing where no keeper could answer for it.
#[hook]
pub fn use_short_link() -> Option<String> {
    let shared = use_tools();
    let named = shared.model.election().filter(|election| !election.keepers.is_empty());
    let named = named.map(|election| election.id.clone());
    {
        let (tools, known) = (shared.tools.clone(), shared.model.short.is_some());
        use_effect_with(named.clone(), move |id| {
            if let Some(id) = id.clone().filter(|_| !known) {
                tools.emit(ToTools::ShortAddress(id));
            }
        });
    }
    let short = shared.model.short.as_ref().filter(|_| named.is_some())?;
    Some(format!("{}/v/{short}", browser::origin()))
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub address: String,
}

/// The screen.
#[component]
pub fn Short(props: &Props) -> Html {
    let shared = use_tools();
    {
        let tools = shared.tools.clone();
        use_effect_with(props.address.clone(), move |address| {
            let (relays, address) = (remembered::relays(), address.clone());
            tools.emit(ToTools::FindElection { relays, address });
        });
    }
    let found = shared.model.found.clone();
    use_effect_with(found.clone(), |found| {
        if let [only] = found.as_slice() {
            browser::visit(&format!("/e/{only}/vote"));
        }
    });
    let wrong = match &shared.model.tool {
        Tool::Failed(why) => Some(capital(why)),
        Tool::Idle | Tool::Busy(_) | Tool::Done(_) => None,
    };
    let keepers = shared.model.keepers.as_ref().map_or(0, |keepers| keepers.len());
    html! {
        <div class="screen">
            <h1 id="title" tabindex="-1">{ format!("Looking for {}", props.address.to_uppercase()) }</h1>
            if let Some(wrong) = wrong {
                <div role="alert">{ notice("bad", format!("{wrong}.")) }</div>
                <p><a href="/">{ "Go to your elections" }</a></p>
            } else if found.is_empty() {
                <progress aria-label="Asking keepers" />
                <p role="status" data-testid="short">{ match (keepers, shared.model.looked_up) {
                    (0, _) => "Keepers are asked which election has this short address. None answers yet: check that you are on the page that your slip names, or open the election's whole link.".to_owned(),
                    (1, 0) => "1 keeper is here and is asked which election has this short address.".to_owned(),
                    (all, 0) => format!("{all} keepers are here and are asked which election has this short address."),
                    (_, 1) => "1 keeper answered, and knows no election with this short address. Compare it with your slip, letter by letter.".to_owned(),
                    (_, n) => format!("{n} keepers answered, and know no election with this short address. Compare it with your slip, letter by letter."),
                } }</p>
                <p><a href="/">{ "Go to your elections" }</a></p>
            } else {
                <p>{ "More than one election has this short address. Open the one whose question stands on your slip." }</p>
                <ul class="checks">
                    for id in found.iter() {
                        <li><a href={format!("/e/{id}/vote")}>{ id }</a></li>
                    }
                </ul>
            }
        </div>
    }
}
