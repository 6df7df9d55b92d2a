//! Fields for passphrases: of an organiser's file that is locked, and for what is about to be locked.

use blockvote_words::message::say;
use yew::prelude::*;

use super::fields::typing;
use crate::page::words::t;

/// Asks for the passphrase of the organiser's file.
pub fn organiser_passphrase(passphrase: &UseStateHandle<String>) -> Html {
    html! {
        <div class="field">
            <label for="organiser-passphrase">{ t(say::organiser_passphrase()) }</label>
            <input id="organiser-passphrase" type="password" autocomplete="off"
                value={(**passphrase).clone()} oninput={typing(passphrase)} />
        </div>
    }
}

/// The field for the second time, once there is a first.
pub fn second_passphrase(id: &'static str, first: &str, again: &UseStateHandle<String>) -> Html {
    html! {
        if !first.is_empty() {
            <label for={id}>{ t(say::passphrase_again()) }</label>
            <input {id} type="password" autocomplete="new-password"
                value={(**again).clone()} oninput={typing(again)} />
        }
    }
}
