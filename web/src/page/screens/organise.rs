//! What the organiser of an election does: hand it out, watch the turnout, close, seal.

mod codes_file;
mod duplicate;
mod open_file;

use std::rc::Rc;

use blockvote_core::{
    crypto::{passphrase_lock, secret::Passphrase},
    election::definition::{Credentials, Election, Eligibility},
};
use blockvote_words::message::{Value, say};
use yew::prelude::*;

use self::{duplicate::duplicate, open_file::OpenFile};
use crate::{
    page::{
        addresses, browser,
        components::{
            copy::Copy,
            double_votes::double_votes,
            link,
            notice::{failed, notice},
            organiser_passphrase::organiser_passphrase,
            qr::Qr,
            unopened::Unopened,
        },
        format,
        hooks::{Asked, use_asking, use_clock, use_election, use_model, use_short_link, use_tools},
        model::{Model, OpenElection},
        remembered,
        route::Route,
        words::{from_now, t, t_with, time},
        workers::download_audit_file,
    },
    shared::{
        messages::{Act, Codes, HaveOrganise, OrganiserFile, ToolsOrder, millis},
        views::{SealView, Status},
    },
};

/// The screen.
#[component]
pub fn Organise() -> Html {
    let refresh = use_force_update();
    let Some(election) = use_election() else {
        return html! { <Unopened /> };
    };
    if let Some(text) = remembered::organiser(&election.id) {
        return html! { <Organising {election} {text} /> };
    }
    let done = Callback::from(move |()| refresh.force_update());
    html! { <OpenFile election={election.id.clone()} {done} /> }
}

#[derive(Properties, PartialEq)]
struct OrganisingProps {
    election: Rc<OpenElection>,
    /// Of the organiser's file.
    text: String,
}

/// Whoever has the organiser's file.
#[component]
fn Organising(props: &OrganisingProps) -> Html {
    use_clock();
    let workers = use_tools();
    let status = use_model(Model::figures);
    let closes = use_model(Model::closes);
    let passphrase = use_state(String::new);
    let closing = use_asking::<()>();
    let saving = use_asking::<()>();
    let OrganisingProps { election, text } = props;
    let definition = &election.definition;
    let is_closed = closes.is_some_and(|closes| js_sys::Date::now() >= closes);
    let file = OrganiserFile {
        text: text.clone().into(),
        passphrase: Passphrase::typed((*passphrase).clone()),
    };
    let save_codes = {
        let (workers, saving) = (workers.clone(), saving.clone());
        let (file, id) = (file.clone(), election.id.clone());
        Callback::from(move |_: MouseEvent| {
            let (codes, id) = (workers.tools().ask(Codes(file.clone())), id.clone());
            saving.wait(async move {
                let last = [t(say::csv_code()), t(say::csv_link())];
                let heading = |column: usize| t(say::csv_voter(column));
                let text = codes_file::text(&codes.await?, &browser::origin(), &id, heading, last);
                browser::download(&codes_file::name(&id), text.as_bytes());
                Ok(())
            });
        })
    };
    let close = {
        let (workers, closing, file) = (workers.clone(), closing.clone(), file.clone());
        Callback::from(move |_: MouseEvent| {
            if browser::confirm(&t(say::organise_close_sure())) {
                closing.wait(workers.tools().ask(HaveOrganise(Act::Close, file.clone())));
            }
        })
    };
    let again = {
        let (workers, saving) = (workers.clone(), saving.clone());
        move |_: MouseEvent| duplicate(&workers, &file, &saving)
    };
    let export = {
        let (saving, id) = (saving.clone(), election.id.clone());
        move |_: MouseEvent| saving.wait(download_audit_file(workers.clone(), id.clone()))
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &definition.title }</h1>
                <p class="soft" data-testid="organise-state">{ state_words(definition, &status, closes) }</p>
            </header>
            { match closing.asked() {
                Asked::Idle => Html::default(),
                Asked::Waiting => html! { <p class="soft" role="status">{ t(say::organise_closing()) }</p> },
                Asked::Answered(()) => html! {
                    <div role="status" data-testid="told">{ notice("good", t(say::organise_is_closed())) }</div>
                },
                Asked::Failed(failure) => failed(Some(failure)),
            } }
            { failed(saving.asked().failure()) }
            if passphrase_lock::is_locked(text) {
                <div class="sheet">{ organiser_passphrase(&passphrase) }</div>
            }
            if !is_closed {
                <Invite election={election.clone()} {save_codes} />
            }
            <section class="sheet" aria-labelledby="turnout">
                <h2 id="turnout">{ t(say::organise_turnout_title()) }</h2>
                <p data-testid="organise-turnout">{ turnout(definition, &status) }</p>
                { ending(&election.id, &status, is_closed, close) }
            </section>
            { double_votes(&status) }
            <section class="sheet" aria-labelledby="files">
                <h2 id="files">{ t(say::organise_files()) }</h2>
                <div class="row">
                    <button type="button" class="button" onclick={export}>{ t(say::download_audit()) }</button>
                    <button type="button" class="button" onclick={{
                        let (id, text) = (election.id.clone(), text.clone());
                        move |_: MouseEvent| browser::download(&format!("{}.organiser.json", id.get(..8).unwrap_or_default()), text.as_bytes())
                    }}>{ t(say::organise_file()) }</button>
                    <button type="button" class="button" onclick={again}>{ t(say::organise_again()) }</button>
                </div>
                <small>{ t(say::organise_files_words()) }</small>
            </section>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct InviteProps {
    election: Rc<OpenElection>,
    save_codes: Callback<MouseEvent>,
}

/// How voters find the election, and who has it.
#[component]
fn Invite(props: &InviteProps) -> Html {
    let short = use_short_link();
    let here = use_model(|model| {
        model.status.as_ref().map(|status| status.keepers_here.clone()).unwrap_or_default()
    });
    let refused = use_asked_keepers(&props.election, here.len());
    let OpenElection { id, definition } = &*props.election;
    let link = addresses::vote(&browser::origin(), id);
    let by_codes =
        matches!(definition.eligibility, Eligibility::Roll { credentials: Credentials::Codes, .. });
    html! {
        <section class="sheet" aria-labelledby="invite">
            <div class="split">
                <div class="stack">
                    <h2 id="invite">{ t(say::invite_title()) }</h2>
                    <div class="field">
                        <span class="soft">{ t(say::invite_link()) }</span>
                        <a class="public" href={link.clone()} target="_blank" data-testid="link">{ &link }</a>
                        <Copy text={link.clone()} what={t(say::invite_link_what())} />
                    </div>
                    if let Some(short) = short {
                        <div class="field">
                            <span class="soft">{ t(say::invite_short()) }</span>
                            <a class="public" href={short.clone()} target="_blank" data-testid="short-link">{ short }</a>
                        </div>
                    }
                    if by_codes {
                        <div class="field">
                            <span class="soft">{ t(say::invite_codes(definition.electorate().unwrap_or(0))) }</span>
                            <div class="row">
                                { link::to(Route::Slips { election: id.clone() }, "button", t(say::invite_slips())) }
                                <button type="button" class="button" onclick={props.save_codes.clone()}>{ t(say::invite_csv()) }</button>
                            </div>
                        </div>
                    }
                </div>
                <Qr text={link.clone()} label={t(say::invite_qr())} />
            </div>
            { kept(id, definition, &here) }
            for (name, why) in refused {
                { notice("warn", t(say::keeper_refuses(name, why))) }
            }
            if remembered::is_local(&browser::own_relay()) {
                { notice("warn", t(say::invite_local())) }
            }
        </section>
    }
}

/// Asks the keepers that are not here to keep the election, for as long as this page is open; returns
/// which refuse, and why.
#[hook]
fn use_asked_keepers(election: &Rc<OpenElection>, here: usize) -> Vec<(String, String)> {
    let workers = use_tools();
    let named: Vec<_> = election.definition.keepers.iter().map(|keeper| keeper.key).collect();
    {
        let (election, named) = (election.clone(), named.clone());
        use_effect_with(here < named.len(), move |missing| {
            if *missing {
                let (relays, election) = (remembered::relays(), election.id.clone());
                workers.tools().order(ToolsOrder::AskKeepers { relays, election, keepers: named });
            }
        });
    }
    use_model(move |model| {
        let found = model.keepers.iter().flat_map(|found| found.iter());
        let named = found.filter(|found| named.contains(&found.keeper.key));
        let refused =
            named.filter_map(|found| Some((found.keeper.name.clone(), found.refused.clone()?)));
        refused.collect()
    })
}

/// Who has the election, and so whether this page may be closed.
fn kept(id: &str, definition: &Election, here: &[String]) -> Html {
    let missing = definition.keepers.iter().map(|keeper| keeper.name.clone());
    let missing: Vec<_> = missing.filter(|name| !here.contains(name)).collect();
    let names = || here.to_vec();
    let words = match (here.len(), missing.is_empty()) {
        (0, true) => {
            let command = format!(
                "blockvote node --mine --election {} --relay {}",
                format::audit_file(id),
                browser::own_relay()
            );
            let command = html! { <code>{ command }</code> };
            return notice("warn", t_with(say::kept_nobody(Value::Slot(0)), &[command]));
        }
        (0, false) => say::kept_waiting(missing),
        (count, true) => say::kept_all(count, names()),
        (count, false) => say::kept_some(count, names(), missing),
    };
    let kind = if here.is_empty() { "warn" } else { "good" };
    html! { <div role="status" data-testid="keepers">{ notice(kind, t(words)) }</div> }
}

fn turnout(definition: &Election, status: &Status) -> String {
    t(match definition.electorate() {
        Some(all) => say::organise_turnout_of(status.voters, all, status.pending),
        None => say::organise_turnout(status.voters, status.pending),
    })
}

fn state_words(definition: &Election, status: &Status, closes: Option<f64>) -> String {
    let now = js_sys::Date::now();
    t(match (&status.seal, closes) {
        (SealView::Sealed { height, .. }, _) => say::organise_sealed(*height),
        (SealView::Contested(..) | SealView::Refuted, _) => say::organise_contested(),
        (SealView::Awaited, _) => say::organise_seal_awaited(),
        (_, Some(closes)) if now >= closes && status.closed_early => {
            say::organise_closed_early(time(closes))
        }
        (_, Some(closes)) if now >= closes => say::organise_closed(time(closes)),
        _ if definition.opens.is_some_and(|opens| now < millis(opens)) => say::organise_not_open(),
        (_, Some(closes)) => say::organise_open_until(time(closes), from_now(closes)),
        (_, None) => say::organise_open(),
    })
}

/// Closing, then sealing: one thing at a time.
fn ending(id: &str, status: &Status, is_closed: bool, close: Callback<MouseEvent>) -> Html {
    let election = id.to_owned();
    if status.seal != SealView::Unsealed {
        return html! {
            <div class="row">{ link::to(Route::Results { election }, "button primary", t(say::organise_result())) }</div>
        };
    }
    if is_closed {
        return html! {
            <div><span data-testid="to-seal">{ link::to(Route::Seal { election }, "button primary", t(say::organise_seal())) }</span></div>
        };
    }
    html! {
        <div><button type="button" class="button" onclick={close} data-testid="close-button">{ t(say::organise_close()) }</button></div>
    }
}
