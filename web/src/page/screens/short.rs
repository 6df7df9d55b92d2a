//! A short address, as it is printed on slips: keepers are asked for the election behind it.

use blockvote_core::election::short_address::ShortAddress;
use blockvote_words::Words;
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::notice::notice,
        format::capital,
        hooks::{use_model, use_tools},
        remembered,
    },
    shared::messages::ToolsOrder,
};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub address: String,
}

/// The screen.
#[component]
pub fn Short(props: &Props) -> Html {
    let workers = use_tools();
    let read = props.address.parse::<ShortAddress>();
    {
        let address = read.as_ref().ok().map(ShortAddress::to_string);
        use_effect_with(address, move |address| {
            if let Some(address) = address.clone() {
                let relays = remembered::relays();
                workers.tools().order(ToolsOrder::FindElection { relays, address });
            }
        });
    }
    let found = use_model(|model| model.found.clone());
    use_effect_with(found.clone(), |found| {
        if let [only] = found.ids.as_slice() {
            browser::visit(&format!("/e/{only}/vote"));
        }
    });
    let keepers = use_model(|model| model.keepers.as_ref().map_or(0, |keepers| keepers.len()));
    html! {
        <div class="screen">
            <h1 id="title" tabindex="-1">{ format!("Looking for {}", props.address.to_uppercase()) }</h1>
            if let Err(wrong) = read {
                <div role="alert">{ notice("bad", format!("{}.", capital(&wrong.words()))) }</div>
                <p><a href="/">{ "Go to your elections" }</a></p>
            } else if found.ids.is_empty() {
                <progress aria-label="Asking keepers" />
                <p role="status" data-testid="short">{ match (keepers, found.answered) {
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
                    for id in found.ids.iter() {
                        <li><a href={format!("/e/{id}/vote")}>{ id }</a></li>
                    }
                </ul>
            }
        </div>
    }
}
