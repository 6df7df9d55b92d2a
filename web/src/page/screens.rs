//! The screens, one file each.

pub mod about;
pub mod chain;
pub mod create;
pub mod found;
pub mod home;
pub mod keys;
pub mod network;
pub mod organise;
pub mod results;
pub mod slips;
pub mod verify;
pub mod vote;

use yew::prelude::*;

use super::{
    model::{Model, Phase},
    words::notice,
};

/// What stands in place of a screen while no election is open.
pub fn unopened(model: &Model) -> Html {
    match &model.phase {
        Phase::Starting => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "Opening the election" }</h1>
                <p class="soft">{ "The node in this tab starts and verifies what is stored here." }</p>
            </div>
        },
        Phase::Searching(pages) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "Looking for the election" }</h1>
                <p>{ "This browser does not know it yet, so other nodes are asked for its definition and its voter roll. Both check themselves: the link commits to every word and every key." }</p>
                if let Some((have, of)) = pages {
                    <progress aria-label="Pages of the voter roll" max={of.to_string()} value={have.to_string()} />
                    <p class="soft">{ format!("Voter roll: {have} of {} here.", super::format::plural((*of).into(), "page", "pages")) }</p>
                } else {
                    <progress aria-label="Asking peers" />
                }
                <p class="soft">{ "If this takes long, nobody who holds the election is connected to this relay right now. Leave the page open, or ask whoever sent you the link." }</p>
            </div>
        },
        Phase::Failed(why) => html! {
            <div class="screen">
                <h1 id="title" tabindex="-1">{ "This link does not work" }</h1>
                { notice("bad", why.clone()) }
                <p><a href="/">{ "Go to your elections" }</a></p>
            </div>
        },
        Phase::Open(_) => Html::default(),
    }
}
