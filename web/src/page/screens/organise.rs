//! What the organiser of an election does: hand it out, watch the turnout, close, seal.

mod codes_file;
mod duplicate;
mod open_file;

use std::rc::Rc;

use blockvote_core::{
    crypto::{passphrase_lock, secret::Passphrase},
    election::definition::{Credentials, Election, Eligibility},
};
use blockvote_words::standing::list;
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
    let status = use_model(|model| model.status.as_deref().cloned().unwrap_or_default());
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
                let text = codes_file::text(&codes.await?, &browser::origin(), &id);
                browser::download(&codes_file::name(&id), text.as_bytes());
                Ok(())
            });
        })
    };
    let close = {
        let (workers, closing, file) = (workers.clone(), closing.clone(), file.clone());
        Callback::from(move |_: MouseEvent| {
            let words = "Close the election now? Votes are not taken any more, those already taken still get into a block; it cannot be opened again.";
            if browser::confirm(words) {
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
                Asked::Waiting => html! { <p class="soft" role="status">{ "Closing…" }</p> },
                Asked::Answered(()) => html! {
                    <div role="status" data-testid="told">{ notice("good", "The election is closed: nodes that hear of it take no votes any more.") }</div>
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
            <section class="sheet" aria-label="The election">
                <h2>{ "Turnout and result" }</h2>
                <p data-testid="organise-turnout">{ turnout(definition, &status) }</p>
                { ending(&election.id, &status, is_closed, close) }
            </section>
            { double_votes(&status) }
            <section class="sheet" aria-label="Files">
                <h2>{ "Files" }</h2>
                <div class="row">
                    <button type="button" class="button" onclick={export}>{ "Download the audit file" }</button>
                    <button type="button" class="button" onclick={{
                        let (id, text) = (election.id.clone(), text.clone());
                        move |_: MouseEvent| browser::download(&format!("{}.organiser.json", id.get(..8).unwrap_or_default()), text.as_bytes())
                    }}>{ "Download your organiser's file" }</button>
                    <button type="button" class="button" onclick={again}>{ "Duplicate" }</button>
                </div>
                <small>{ "The audit file is for everybody. The organiser's file is private: it holds what closes and seals, and the codes if there are any; for here, another device, or the command line. Keep a copy: if this browser forgets it, nobody can seal." }</small>
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
        <section class="sheet" aria-label="Hand it out">
            <div class="split">
                <div class="stack">
                    <h2>{ "Hand it out" }</h2>
                    <div class="field">
                        <span class="soft">{ "The election's link, the same for everybody" }</span>
                        <a class="public" href={link.clone()} target="_blank" data-testid="link">{ &link }</a>
                        <Copy text={link.clone()} what="link" />
                    </div>
                    if let Some(short) = short {
                        <div class="field">
                            <span class="soft">{ "In short, to type, once a keeper has it" }</span>
                            <a class="public" href={short.clone()} target="_blank" data-testid="short-link">{ short }</a>
                        </div>
                    }
                    if by_codes {
                        <div class="field">
                            <span class="soft">{ format!("{}: each voter gets one, as a link, a QR code or on a slip of paper. They are made from your organiser's file; nobody else can make them.",
                                format::plural(definition.electorate().unwrap_or(0), "voting code", "voting codes")) }</span>
                            <div class="row">
                                { link::to(Route::Slips { election: id.clone() }, "button", "Codes and slips to print") }
                                <button type="button" class="button" onclick={props.save_codes.clone()}>{ "Download them as CSV" }</button>
                            </div>
                        </div>
                    }
                </div>
                <Qr text={link.clone()} label="QR code of the election's link" />
            </div>
            { kept(id, definition, &here) }
            for (name, why) in refused {
                { notice("warn", format!("{name} does not keep this election: {why}.")) }
            }
            if remembered::is_local(&browser::own_relay()) {
                { notice("warn", "This link and the codes' links lead to this very computer: nobody else can open them. For others, run a relay under an address that they can reach, and open this page there.") }
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
    let names: Vec<_> = here.iter().map(String::as_str).collect();
    let missing = definition.keepers.iter().map(|keeper| keeper.name.as_str());
    let missing: Vec<_> = missing.filter(|name| !names.contains(name)).collect();
    let has = if names.len() == 1 { "has" } else { "have" };
    let words = match (&names[..], &missing[..]) {
        ([], []) => {
            let command = format!(
                "blockvote node --mine --election {} --relay {}",
                format::audit_file(id),
                browser::own_relay()
            );
            return notice(
                "warn",
                html! {
                    <>{ "This election names no keeper. It lives while somebody has its page open: keep this tab open until others hold it. A native node can hold it for good: download the audit file below, and run " }
                    <code>{ command }</code>{ "." }</>
                },
            );
        }
        ([], missing) => format!(
            "Waiting for {}. Keep this page open until a keeper has the election.",
            list(missing)
        ),
        (names, []) => format!("{} {has} this election: you may close this page.", list(names)),
        (names, missing) => format!(
            "{} {has} this election: you may close this page. {} did not answer yet and will be asked while it is open.",
            list(names),
            list(missing)
        ),
    };
    let kind = if names.is_empty() { "warn" } else { "good" };
    html! { <div role="status" data-testid="keepers">{ notice(kind, words) }</div> }
}

fn turnout(definition: &Election, status: &Status) -> String {
    let waiting = match status.pending {
        0 => "No vote waits".to_owned(),
        1 => "1 vote waits".into(),
        n => format!("{n} votes wait"),
    };
    match definition.electorate() {
        Some(all) => format!(
            "{} of {} voted. {waiting} for a block.",
            format::count(status.voters),
            format::plural(all, "voter", "voters")
        ),
        None => format!(
            "{} voted. {waiting} for a block.",
            format::plural(status.voters, "voter", "voters")
        ),
    }
}

fn state_words(definition: &Election, status: &Status, closes: Option<f64>) -> String {
    let now = js_sys::Date::now();
    match (&status.seal, closes) {
        (SealView::Sealed { height, .. }, _) => format!("Sealed at block {height}."),
        (SealView::Contested(..) | SealView::Refuted, _) => "Contested: see the result.".into(),
        (SealView::Awaited, _) => "Sealed, over a block that this tab does not hold yet.".into(),
        (_, Some(closes)) if now >= closes => {
            let early = if status.closed_early { " by you" } else { "" };
            format!("Closed {}{early}; not sealed yet.", format::time(closes))
        }
        _ if definition.opens.is_some_and(|opens| now < millis(opens)) => "Not open yet.".into(),
        (_, Some(closes)) => {
            format!("Open; closes {} ({}).", format::time(closes), format::relative(closes))
        }
        (_, None) => "Open until you close it.".into(),
    }
}

/// Closing, then sealing: one thing at a time.
fn ending(id: &str, status: &Status, is_closed: bool, close: Callback<MouseEvent>) -> Html {
    let election = id.to_owned();
    if status.seal != SealView::Unsealed {
        return html! {
            <div class="row">{ link::to(Route::Results { election }, "button primary", "Result page to print") }</div>
        };
    }
    if is_closed {
        return html! {
            <div><span data-testid="to-seal">{ link::to(Route::Seal { election }, "button primary", "Seal the result") }</span></div>
        };
    }
    html! {
        <div><button type="button" class="button" onclick={close} data-testid="close-button">{ "Close the election now" }</button></div>
    }
}
