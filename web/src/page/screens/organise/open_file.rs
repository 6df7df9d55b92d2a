//! Takes an organiser's file, if it is one and this election's.

use blockvote_core::crypto::{passphrase_lock, secret::Passphrase};
use blockvote_words::message::say;
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::{
            notice::{failed, notice},
            organiser_passphrase::organiser_passphrase,
        },
        hooks::{use_asking, use_tools},
        remembered,
        words::t,
    },
    shared::messages::{OrganiserFile, ReadOrganiser},
};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub election: String,
    /// It is kept.
    pub done: Callback<()>,
}

#[component]
pub fn OpenFile(props: &Props) -> Html {
    let workers = use_tools();
    let text = use_state(String::new);
    let passphrase = use_state(String::new);
    let wrong = use_state(|| false);
    let reading = use_asking::<()>();
    let read = {
        let (reading, wrong) = (reading.clone(), wrong.clone());
        let (election, done) = (props.election.clone(), props.done.clone());
        Callback::from(move |(text, passphrase): (String, Option<Passphrase>)| {
            let file = OrganiserFile { text: text.clone().into(), passphrase };
            let asked = workers.tools().ask(ReadOrganiser(file));
            let (wrong, election, done) = (wrong.clone(), election.clone(), done.clone());
            wrong.set(false);
            reading.wait(async move {
                let (id, _) = asked.await?;
                if id == election {
                    remembered::keep_organiser(&id, &text);
                    done.emit(());
                } else {
                    wrong.set(true);
                }
                Ok(())
            });
        })
    };
    let onfile = {
        let (text, read) = (text.clone(), read.clone());
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let (text, read) = (text.clone(), read.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let chosen = browser::text_of(&file).await.unwrap_or_default();
                text.set(chosen.clone());
                // One that is locked waits for its passphrase.
                if !passphrase_lock::is_locked(&chosen) {
                    read.emit((chosen, None));
                }
            });
        }
    };
    let onsubmit = {
        let (text, passphrase) = (text.clone(), passphrase.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            read.emit(((*text).clone(), Passphrase::typed((*passphrase).clone())));
        }
    };
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ t(say::organise_title()) }</h1></header>
            <form class="sheet" {onsubmit}>
                <p>{ t(say::organise_bring()) }</p>
                <div><label class="button" for="organiser-file">{ t(say::organise_open_file()) }</label>
                <input id="organiser-file" class="visually-hidden" type="file" accept=".json,.txt" onchange={onfile} /></div>
                if passphrase_lock::is_locked(&text) {
                    { organiser_passphrase(&passphrase) }
                    <div><button class="button primary" disabled={reading.asked().is_waiting()}>{ t(say::organise_unlock()) }</button></div>
                }
                if *wrong {
                    <div role="alert">{ notice("bad", t(say::organise_other_file())) }</div>
                }
                { failed(reading.asked().failure()) }
            </form>
        </div>
    }
}
