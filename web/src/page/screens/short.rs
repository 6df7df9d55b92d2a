//! A short address, as it is printed on slips: keepers are asked for the election behind it.

use blockvote_core::election::short_address::ShortAddress;
use blockvote_words::{Words, message::say};
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::notice::notice,
        format::capital,
        hooks::{use_model, use_tools},
        remembered,
        words::t,
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
            <h1 id="title" tabindex="-1">{ t(say::short_title(props.address.to_uppercase())) }</h1>
            if let Err(wrong) = read {
                <div role="alert">{ notice("bad", format!("{}.", capital(&wrong.words()))) }</div>
                <p><a href="/">{ t(say::go_home()) }</a></p>
            } else if found.ids.is_empty() {
                <progress aria-label={t(say::short_asking())} />
                <p role="status" data-testid="short">{ t(match (keepers, found.answered) {
                    (0, _) => say::short_nobody(),
                    (all, 0) => say::short_asked(all),
                    (_, answered) => say::short_unknown(answered),
                }) }</p>
                <p><a href="/">{ t(say::go_home()) }</a></p>
            } else {
                <p>{ t(say::short_several()) }</p>
                <ul class="checks">
                    for id in found.ids.iter() {
                        <li><a href={format!("/e/{id}/vote")}>{ id }</a></li>
                    }
                </ul>
            }
        </div>
    }
}
