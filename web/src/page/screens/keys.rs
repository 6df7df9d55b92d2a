//! The user's own keys: made here, kept here, brought to another device.

use blockvote_core::crypto::secret::Passphrase;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    messages::ToTools,
    page::{
        browser,
        model::{Action, Tool, use_tools},
        qr::Qr,
        remembered::{self, OwnKey},
        words::notice,
    },
};

/// Shorter ones are guessed in minutes by whoever gets hold of the file.
const MIN_PASSPHRASE: usize = 8;

/// What is wrong with a passphrase that locks something; none at all is a choice.
///
/// # Errors
/// Too short, or typed differently the second time.
pub fn check_passphrase(first: &str, again: &str) -> Result<(), String> {
    let length = first.chars().count();
    if length == 0 {
        return Ok(());
    }
    if length < MIN_PASSPHRASE {
        return Err(format!(
            "The passphrase has {length} letters; take at least {MIN_PASSPHRASE}, or none."
        ));
    }
    if first == again {
        Ok(())
    } else {
        Err("The two passphrases differ: a typo would lock for ever.".into())
    }
}

/// The field for the second time, once there is a first.
pub fn second_passphrase(
    id: &'static str,
    first: &UseStateHandle<String>,
    again: &UseStateHandle<String>,
) -> Html {
    if first.is_empty() {
        return Html::default();
    }
    html! {
        <>
            <label for={id}>{ "The passphrase again" }</label>
            <input {id} type="password" autocomplete="new-password" value={(**again).clone()} oninput={super::create::typing(again)} />
        </>
    }
}

/// The screen.
#[component]
pub fn Keys() -> Html {
    let shared = use_tools();
    let keys = use_state(remembered::keys);
    let label = use_state(String::new);
    let passphrase = use_state(String::new);
    let again = use_state(String::new);
    let wrong = use_state(|| None::<String>);
    {
        // A key that was made or read joins the list.
        let (keys, label, passphrase, wrong) =
            (keys.clone(), label.clone(), passphrase.clone(), wrong.clone());
        let again = again.clone();
        let model = shared.model.clone();
        use_effect_with(shared.model.key.clone(), move |made| {
            let Some((file, public, locked)) = made.clone() else { return };
            // Another tab may have made one meanwhile.
            let mut all = remembered::keys();
            if all.iter().any(|key| key.public == public) {
                wrong.set(Some("This key is in this browser already.".into()));
            } else {
                let name = label.trim();
                let name = if name.is_empty() {
                    format!("Key {}", all.len() + 1)
                } else {
                    name.to_owned()
                };
                all.push(OwnKey { label: name, file: file.as_str().to_owned(), public, locked });
                if remembered::keep_keys(&all) {
                    keys.set(all);
                    label.set(String::new());
                    passphrase.set(String::new());
                    again.set(String::new());
                } else {
                    wrong.set(Some("This browser refuses to keep the key: leave the private window, or allow storage.".into()));
                }
            }
            model.dispatch(Action::ToolSeen);
        });
    }
    let busy = matches!(shared.model.tool, Tool::Busy(_));
    let onsubmit = {
        let (shared, passphrase, wrong) = (shared.clone(), passphrase.clone(), wrong.clone());
        let again = again.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Err(why) = check_passphrase(&passphrase, &again) {
                wrong.set(Some(why));
                return browser::focus("passphrase");
            }
            wrong.set(None);
            shared.model.dispatch(Action::ToolSent);
            shared.tools.emit(ToTools::NewKey(Passphrase::typed((*passphrase).clone())));
        }
    };
    let onfile = {
        let (shared, wrong) = (shared.clone(), wrong.clone());
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            wrong.set(None);
            let shared = shared.clone();
            shared.model.dispatch(Action::ToolSent);
            browser::read_text(&file, move |text| {
                shared.tools.emit(ToTools::ReadKey(text.unwrap_or_default().into()));
            });
        }
    };
    let failed = match &shared.model.tool {
        Tool::Failed(why) => Some(format!("{}.", crate::page::words::capital(why))),
        _ => (*wrong).clone(),
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "Your keys" }</h1>
                <p class="soft">{ "With a key of your own nobody else can vote in your place, not even the organiser. Make it here, give the organiser the public half, and vote in this browser; the secret half stays here." }</p>
            </header>
            for key in keys.iter() {
                { own_key(&keys, key) }
            }
            <form class="sheet" {onsubmit}>
                <h2>{ "Make a key" }</h2>
                <div class="field">
                    <label for="label">{ "Name for it, for yourself" }</label>
                    <input id="label" type="text" maxlength="60" autocomplete="off" value={(*label).clone()} oninput={super::create::typing(&label)} />
                </div>
                <div class="field">
                    <label for="passphrase">{ "Passphrase (may be left out)" }</label>
                    <input id="passphrase" type="password" autocomplete="new-password" value={(*passphrase).clone()} oninput={super::create::typing(&passphrase)} aria-describedby="passphrase-hint" />
                    { second_passphrase("passphrase-again", &passphrase, &again) }
                    <small id="passphrase-hint">{ "With one the key rests locked in this browser and is asked for when you vote. Forgotten, the key is lost: nobody can reset it." }</small>
                </div>
                if let Some(why) = failed {
                    <div role="alert">{ notice("bad", why) }</div>
                }
                <div class="row">
                    <button class="button primary" disabled={busy}>{ if busy { "Making the key…" } else { "Make a key" } }</button>
                    <label class="button" for="key-file">{ "Bring one from a file" }</label>
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
            let words = "Forget this key? Without its file nobody can ever vote with it again.";
            if browser::window().confirm_with_message(words).unwrap_or(false) {
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
                        <span class="soft">{ "Public half, for the organiser" }</span>
                        <code class="public" data-testid="public-key">{ &key.public }</code>
                        <Copy text={key.public.clone()} what="public half" />
                    </div>
                    <p class="soft">{ if key.locked { "The secret half is locked with your passphrase." } else { "The secret half rests in this browser unlocked." } }</p>
                    <div class="row">
                        <button type="button" class="button small" onclick={download}>{ "Download for another device" }</button>
                        <button type="button" class="button small" onclick={forget}>{ "Forget" }</button>
                    </div>
                </div>
                <Qr text={key.public.clone()} label="QR code of the public half" />
            </div>
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct CopyProps {
    pub text: AttrValue,
    /// What is copied, for the button's name.
    pub what: AttrValue,
}

/// A button that copies a text that stands beside it.
#[component]
pub fn Copy(props: &CopyProps) -> Html {
    let done = use_state(|| None::<bool>);
    let onclick = {
        let (done, text) = (done.clone(), props.text.clone());
        move |_: MouseEvent| done.set(Some(browser::copy(&text)))
    };
    let words = match *done {
        None => format!("Copy the {}", props.what),
        Some(true) => "Copied".to_owned(),
        Some(false) => "Select it by hand: this page is not secure".to_owned(),
    };
    html! {
        <div class="no-print"><button type="button" class="button small" {onclick}>
            { crate::page::icons::icon(crate::page::icons::Name::Copy) }{ words }
        </button></div>
    }
}

/// The text of a field, as it is typed.
pub fn value(event: &InputEvent) -> String {
    event.target_unchecked_into::<HtmlInputElement>().value()
}
