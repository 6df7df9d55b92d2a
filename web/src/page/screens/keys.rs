//! The user's own keys: made here, kept here, brought to another device.

use blockvote_core::crypto::secret::Passphrase;
use blockvote_words::message::{Message, say};
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::{
            copy::Copy,
            fields::typing,
            notice::{failure_words, notice},
            organiser_passphrase::second_passphrase,
            qr::Qr,
        },
        hooks::{use_asking, use_tools},
        passphrases,
        remembered::{self, OwnKey},
        words::t,
    },
    shared::messages::{NewKey, ReadKey, SavedKey},
};

/// Puts a key on the list that this browser keeps.
///
/// # Errors
/// Why it is not there.
fn keep(made: &SavedKey, label: &str) -> Result<Vec<OwnKey>, Message> {
    // Another tab may have made one meanwhile.
    let mut all = remembered::keys();
    if all.iter().any(|key| key.public == made.public) {
        return Err(say::key_here_already());
    }
    let label = match label.trim() {
        "" => t(say::key_number(all.len() + 1)),
        label => label.to_owned(),
    };
    let SavedKey { file, public, locked } = made.clone();
    all.push(OwnKey { label, file: file.as_str().to_owned(), public, locked });
    if remembered::keep_keys(&all) { Ok(all) } else { Err(say::key_not_kept()) }
}

/// The screen.
#[component]
pub fn Keys() -> Html {
    let workers = use_tools();
    let keys = use_state(remembered::keys);
    let label = use_state(String::new);
    let passphrase = use_state(String::new);
    let again = use_state(String::new);
    let wrong = use_state(|| None::<String>);
    let making = use_asking::<SavedKey>();
    {
        // A key that was made or read joins the list.
        let (keys, label, passphrase) = (keys.clone(), label.clone(), passphrase.clone());
        let (again, wrong, making) = (again.clone(), wrong.clone(), making.clone());
        use_effect_with(making.asked().answer().cloned(), move |made| {
            let Some(made) = made else { return };
            match keep(made, &label) {
                Ok(all) => {
                    keys.set(all);
                    for field in [label, passphrase, again] {
                        field.set(String::new());
                    }
                }
                Err(why) => wrong.set(Some(t(why))),
            }
            making.clear();
        });
    }
    let busy = making.asked().is_waiting();
    let onsubmit = {
        let (passphrase, wrong, again) = (passphrase.clone(), wrong.clone(), again.clone());
        let (workers, making) = (workers.clone(), making.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Err(why) = passphrases::check(&passphrase, &again) {
                wrong.set(Some(t(why)));
                return browser::focus("passphrase");
            }
            wrong.set(None);
            let lock = Passphrase::typed((*passphrase).clone());
            making.wait(workers.tools().ask(NewKey(lock)));
        }
    };
    let onfile = {
        let (wrong, making) = (wrong.clone(), making.clone());
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            wrong.set(None);
            let workers = workers.clone();
            making.wait(async move {
                let text = browser::text_of(&file).await.unwrap_or_default();
                workers.tools().ask(ReadKey(text.into())).await
            });
        }
    };
    let failed = making.asked().failure().map(failure_words).or_else(|| (*wrong).clone());
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::keys_title()) }</h1>
                <p class="soft">{ t(say::keys_words()) }</p>
            </header>
            for key in keys.iter() {
                { own_key(&keys, key) }
            }
            <form class="sheet" {onsubmit}>
                <h2>{ t(say::key_make()) }</h2>
                <div class="field">
                    <label for="label">{ t(say::key_name()) }</label>
                    <input id="label" type="text" maxlength="60" autocomplete="off" value={(*label).clone()} oninput={typing(&label)} />
                </div>
                <div class="field">
                    <label for="passphrase">{ t(say::key_passphrase_optional()) }</label>
                    <input id="passphrase" type="password" autocomplete="new-password" value={(*passphrase).clone()} oninput={typing(&passphrase)} aria-describedby="passphrase-hint" />
                    { second_passphrase("passphrase-again", &passphrase, &again) }
                    <small id="passphrase-hint">{ t(say::key_passphrase_hint()) }</small>
                </div>
                if let Some(why) = failed {
                    <div role="alert">{ notice("bad", why) }</div>
                }
                <div class="row">
                    <button class="button primary" disabled={busy}>{ t(if busy { say::key_making() } else { say::key_make() }) }</button>
                    <label class="button" for="key-file">{ t(say::key_from_file()) }</label>
                    <input id="key-file" class="visually-hidden" type="file" accept=".json,application/json" onchange={onfile} />
                </div>
            </form>
        </div>
    }
}

fn own_key(keys: &UseStateHandle<Vec<OwnKey>>, key: &OwnKey) -> Html {
    let download = {
        let file = key.file.clone();
        let name = format!("{}.key.json", key.public.get(4..12).unwrap_or("voter"));
        move |_: MouseEvent| browser::download(&name, file.as_bytes())
    };
    let forget = {
        let (keys, public) = (keys.clone(), key.public.clone());
        move |_: MouseEvent| {
            if browser::confirm(&t(say::key_forget_sure())) {
                let mut all = remembered::keys();
                all.retain(|key| key.public != public);
                remembered::keep_keys(&all);
                keys.set(all);
            }
        }
    };
    html! {
        <section class="sheet" aria-label={key.label.clone()} data-testid="own-key">
            <div class="split">
                <div class="stack">
                    <h2>{ &key.label }</h2>
                    <div class="field">
                        <span class="soft">{ t(say::key_public()) }</span>
                        <code class="public" data-testid="public-key">{ &key.public }</code>
                        <Copy text={key.public.clone()} what={t(say::key_public_what())} />
                    </div>
                    <p class="soft">{ t(if key.locked { say::key_is_locked() } else { say::key_is_open() }) }</p>
                    <div class="row">
                        <button type="button" class="button small" onclick={download}>{ t(say::key_download()) }</button>
                        <button type="button" class="button small" onclick={forget}>{ t(say::key_forget()) }</button>
                    </div>
                </div>
                <Qr text={key.public.clone()} label={t(say::key_qr())} />
            </div>
        </section>
    }
}
