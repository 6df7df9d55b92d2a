//! What the organiser of an election does: hand it out, watch the turnout, close, seal.

use std::rc::Rc;

use blockvote_core::{
    crypto::{passphrase_lock, secret::Passphrase},
    custody::{organiser::Draft, voter_list::for_spreadsheet},
};
use blockvote_words::standing::list;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{results::double_votes, short::use_short_link, unopened};
use crate::{
    messages::{Act, ElectionView, OrganiserFile, SealView, Status, ToNode, ToTools, Who},
    page::{
        browser, format,
        model::{Action, Shared, Tool, use_shared, use_tools},
        qr::Qr,
        remembered,
        route::Route,
        screens::keys::Copy,
        words::{failure, notice},
    },
};

/// The organiser's file of the open election with the passphrase as typed.
fn file(election: &ElectionView, passphrase: &str) -> Option<OrganiserFile> {
    let text = remembered::organiser(&election.id)?;
    Some(OrganiserFile { text: text.into(), passphrase: Passphrase::typed(passphrase.to_owned()) })
}

/// CSV of one field: quoted where it must be.
fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A voter's link: the code stands behind the `#`, which is sent to no server.
pub fn voter_link(election: &str, code: &str) -> String {
    format!("{}/e/{election}/vote#code={code}", browser::origin())
}

/// What is wanted of the organiser's file.
#[derive(Clone)]
enum Wish {
    Codes,
    Do(Act),
}

/// The screen.
#[component]
pub fn Organise() -> Html {
    let shared = use_tools();
    let passphrase = use_state(String::new);
    let refresh = use_force_update();
    let wants_csv = use_mut_ref(|| false);
    let short = use_short_link();
    {
        // The codes came, and they are to be written to a file.
        let wants_csv = wants_csv.clone();
        let election = shared.model.election().cloned();
        use_effect_with(shared.model.codes.clone(), move |codes| {
            let Some(election) = election.filter(|_| !codes.is_empty()) else { return };
            if wants_csv.replace(false) {
                let width = codes.iter().map(|row| row.voter.len()).max().unwrap_or(0);
                let head = (1..=width).map(|column| format!("voter {column}"));
                let head = head.chain(["code".into(), "link".into()]).collect::<Vec<_>>().join(",");
                let lines = codes.iter().map(|row| {
                    let fields = row.voter.iter().map(|field| for_spreadsheet(field));
                    let more =
                        [row.code.as_str().to_owned(), voter_link(&election.id, row.code.as_str())];
                    let padding = std::iter::repeat_n(String::new(), width - row.voter.len());
                    let fields = fields.chain(padding).chain(more);
                    let fields: Vec<_> = fields.map(|text| csv_field(&text)).collect();
                    fields.join(",") + "\r\n"
                });
                let text = std::iter::once(head + "\r\n").chain(lines).collect::<String>();
                let name = format!("codes-{}.csv", election.id.get(..8).unwrap_or_default());
                browser::download(&name, text.as_bytes());
            }
        });
    }
    {
        // An organiser's file that was opened here belongs to an election from now on.
        let model = shared.model.clone();
        use_effect_with((), move |()| move || model.dispatch(Action::ToolSeen));
    }
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    let Some(text) = remembered::organiser(&election.id) else {
        return html! { <OpenFile election={election.id.clone()} done={Callback::from(move |()| refresh.force_update())} /> };
    };
    let locked = text.starts_with("blockvote-locked");
    let status = shared.model.status.as_deref().cloned().unwrap_or_default();
    let send = {
        let (shared, election, passphrase) = (shared.clone(), election.clone(), passphrase.clone());
        Callback::from(move |wish: Wish| {
            if let Some(file) = file(&election, &passphrase) {
                shared.model.dispatch(Action::ToolSent);
                shared.tools.emit(match wish {
                    Wish::Codes => ToTools::Codes(file),
                    Wish::Do(act) => ToTools::Organise(act, file),
                });
            }
        })
    };
    let link = format!("{}/e/{}/vote", browser::origin(), election.id);
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &election.title }</h1>
                <p class="soft" data-testid="organise-state">{ state_words(&shared, &election, &status) }</p>
            </header>
            { told(&shared.model.tool) }
            if locked {
                <div class="sheet field">
                    <label for="organiser-passphrase">{ "Passphrase of your organiser's file" }</label>
                    <input id="organiser-passphrase" type="password" autocomplete="off" value={(*passphrase).clone()} oninput={super::create::typing(&passphrase)} />
                </div>
            }
            if !is_closed(&shared) {
            <section class="sheet" aria-label="Hand it out">
                <div class="split">
                    <div class="stack">
                        <h2>{ "Hand it out" }</h2>
                        <div class="field">
                            <span class="soft">{ "The election's link, the same for everybody" }</span>
                            <a class="public" href={link.clone()} data-testid="link">{ &link }</a>
                            <Copy text={link.clone()} what="link" />
                        </div>
                        if let Some(short) = short {
                            <div class="field">
                                <span class="soft">{ "In short, to type, once a keeper has it" }</span>
                                <a class="public" href={short.clone()} data-testid="short-link">{ short }</a>
                            </div>
                        }
                        if election.who == Who::Codes {
                            <div class="field">
                                <span class="soft">{ format!("{}: each voter gets one, as a link, a QR code or on a slip of paper. They are made from your organiser's file; nobody else can make them.",
                                    format::plural(election.electorate.unwrap_or(0), "voting code", "voting codes")) }</span>
                                <div class="row">
                                    <Link<Route> classes="button" to={Route::Slips { election: election.id.clone() }}>{ "Codes and slips to print" }</Link<Route>>
                                    <button type="button" class="button" onclick={{
                                        let (send, wants_csv) = (send.clone(), wants_csv.clone());
                                        move |_: MouseEvent| { *wants_csv.borrow_mut() = true; send.emit(Wish::Codes); }
                                    }}>{ "Download them as CSV" }</button>
                                </div>
                            </div>
                        }
                    </div>
                    <Qr text={link.clone()} label="QR code of the election's link" />
                </div>
                { held(&election, &status) }
                <AskKeepers election={election.clone()} here={status.keepers_here.len()} />
                if remembered::is_local(&browser::own_relay()) {
                    { notice("warn", "This link and the codes' links lead to this very computer: nobody else can open them. For others, run a relay under an address that they can reach, and open this page there.") }
                }
            </section>
            }
            <section class="sheet" aria-label="The election">
                <h2>{ "Turnout and result" }</h2>
                <p data-testid="organise-turnout">{ match election.electorate {
                    Some(all) => format!("{} of {} voted. {} for a block.", format::count(status.voters), format::plural(all, "voter", "voters"), waiting(status.pending)),
                    None => format!("{} voted. {} for a block.", format::plural(status.voters, "voter", "voters"), waiting(status.pending)),
                } }</p>
                { ending(&shared, &election, &status, &send) }
            </section>
            { double_votes(&status) }
            <section class="sheet" aria-label="Files">
                <h2>{ "Files" }</h2>
                <div class="row">
                    <button type="button" class="button" onclick={{ let send = shared.send.clone(); move |_: MouseEvent| send.emit(ToNode::Export) }}>{ "Download the audit file" }</button>
                    <button type="button" class="button" onclick={{
                        let (id, text) = (election.id.clone(), text.clone());
                        move |_: MouseEvent| browser::download(&format!("{}.organiser.json", id.get(..8).unwrap_or_default()), text.as_bytes())
                    }}>{ "Download your organiser's file" }</button>
                    <Duplicate organiser={OrganiserFile { text: text.clone().into(), passphrase: Passphrase::typed((*passphrase).clone()) }} />
                </div>
                <small>{ "The audit file is for everybody. The organiser's file is private: it holds what closes and seals, and the codes if there are any; for here, another device, or the command line. Keep a copy: if this browser forgets it, nobody can seal." }</small>
            </section>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct AskKeepersProps {
    election: Rc<ElectionView>,
    /// How many of them are here.
    here: usize,
}

/// Asks the keepers that are not here to hold the election, for as long as this page is open.
#[component]
fn AskKeepers(props: &AskKeepersProps) -> Html {
    let shared = use_shared();
    let (election, tools) = (props.election.clone(), shared.tools.clone());
    use_effect_with(props.here < election.keepers.len(), move |missing| {
        if *missing {
            let keepers = election.keepers.iter().map(|keeper| keeper.key).collect();
            let (relays, election) = (remembered::relays(), election.id.clone());
            tools.emit(ToTools::AskKeepers { relays, election, keepers });
        }
    });
    Html::default()
}

/// Who has the election, and so whether this page may be closed.
fn held(election: &ElectionView, status: &Status) -> Html {
    let names: Vec<_> = status.keepers_here.iter().map(String::as_str).collect();
    let missing = election.keepers.iter().filter(|keeper| !names.contains(&keeper.name.as_str()));
    let missing: Vec<_> = missing.map(|keeper| keeper.name.as_str()).collect();
    let words = match (&names[..], &missing[..]) {
        ([], []) => {
            return html! {
                { notice("warn", html! { <>{ "This election names no keeper. It lives while somebody has its page open: keep this tab open until others hold it. A native node can hold it for good: download the audit file below, and run " }
                    <code>{ format!("blockvote node --mine --election {} --relay {}", format::audit_file(&election.id), browser::own_relay()) }</code>{ "." }</> }) }
            };
        }
        ([], missing) => format!(
            "Waiting for {}. Keep this page open until a keeper has the election.",
            list(missing)
        ),
        (names, []) => format!(
            "{} {} this election: you may close this page.",
            list(names),
            if names.len() == 1 { "has" } else { "have" }
        ),
        (names, missing) => format!(
            "{} {} this election: you may close this page. {} did not answer yet and will be asked while it is open.",
            list(names),
            if names.len() == 1 { "has" } else { "have" },
            list(missing)
        ),
    };
    let kind = if names.is_empty() { "warn" } else { "good" };
    html! { <div role="status" data-testid="keepers">{ notice(kind, words) }</div> }
}

fn waiting(pending: u32) -> String {
    match pending {
        0 => "No vote waits".into(),
        1 => "1 vote waits".into(),
        n => format!("{n} votes wait"),
    }
}

fn told(tool: &Tool) -> Html {
    match tool {
        Tool::Done(words) => {
            html! { <div role="status" data-testid="told">{ notice("good", words.clone()) }</div> }
        }
        Tool::Failed(_) => failure(tool),
        Tool::Busy(_) => html! { <p class="soft" role="status">{ "Working…" }</p> },
        Tool::Idle => Html::default(),
    }
}

fn is_closed(shared: &Shared) -> bool {
    shared.model.closes().is_some_and(|closes| js_sys::Date::now() >= closes)
}

fn state_words(shared: &Shared, election: &ElectionView, status: &Status) -> String {
    let now = js_sys::Date::now();
    match (&status.seal, shared.model.closes()) {
        (SealView::Sealed { height, .. }, _) => format!("Sealed at block {height}."),
        (SealView::Contested(..) | SealView::Refuted, _) => "Contested: see the result.".into(),
        (SealView::Awaited, _) => "Sealed, over a block that this tab does not hold yet.".into(),
        (_, Some(closes)) if now >= closes => {
            let early = if status.closed_early { " by you" } else { "" };
            format!("Closed {}{early}; not sealed yet.", format::time(closes))
        }
        _ if election.opens.is_some_and(|opens| now < opens) => "Not open yet.".into(),
        (_, Some(closes)) => {
            format!("Open; closes {} ({}).", format::time(closes), format::relative(closes))
        }
        (_, None) => "Open until you close it.".into(),
    }
}

/// Closing, then sealing: one thing at a time.
fn ending(
    shared: &Shared,
    election: &ElectionView,
    status: &Status,
    send: &Callback<Wish>,
) -> Html {
    let ask = |words: &'static str, act: Act| {
        let send = send.clone();
        move |_: MouseEvent| {
            if browser::window().confirm_with_message(words).unwrap_or(false) {
                send.emit(Wish::Do(act.clone()));
            }
        }
    };
    if status.seal != SealView::Unsealed {
        return html! {
            <div class="row">
                <a class="button primary" href={format!("/e/{}/results", election.id)}>{ "Result page to print" }</a>
            </div>
        };
    }
    if is_closed(shared) {
        return html! {
            <div><Link<Route> classes="button primary" to={Route::Seal { election: election.id.clone() }}><span data-testid="to-seal">{ "Seal the result" }</span></Link<Route>></div>
        };
    }
    let words = "Close the election now? Votes are not taken any more, those already taken still get into a block; it cannot be opened again.";
    html! {
        <div><button type="button" class="button" onclick={ask(words, Act::Close)} data-testid="close-button">{ "Close the election now" }</button></div>
    }
}

#[derive(Properties, PartialEq)]
struct OpenFileProps {
    election: String,
    done: Callback<()>,
}

/// Takes an organiser's file, if it is one and this election's.
#[component]
fn OpenFile(props: &OpenFileProps) -> Html {
    let shared = use_shared();
    let text = use_state(String::new);
    let passphrase = use_state(String::new);
    let wrong = use_state(|| None::<&'static str>);
    let onfile = {
        let (shared, text, wrong) = (shared.clone(), text.clone(), wrong.clone());
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let (shared, text) = (shared.clone(), text.clone());
            wrong.set(None);
            shared.model.dispatch(Action::ToolSent);
            browser::read_text(&file, move |read| {
                let read = read.unwrap_or_default();
                text.set(read.clone());
                let file = OrganiserFile { text: read.into(), passphrase: None };
                shared.tools.emit(ToTools::ReadOrganiser(file));
            });
        }
    };
    {
        let (election, done) = (props.election.clone(), props.done.clone());
        let (text, wrong, model) = (text.clone(), wrong.clone(), shared.model.clone());
        use_effect_with(shared.model.organiser.clone(), move |read| {
            let Some((id, _)) = read else { return };
            if *id == election {
                remembered::keep_organiser(id, &text);
                done.emit(());
            } else {
                wrong.set(Some("This is the organiser's file of another election."));
            }
            model.dispatch(Action::ToolSeen);
        });
    }
    let locked = text.starts_with("blockvote-locked");
    let onsubmit = {
        let (shared, text, passphrase) = (shared.clone(), text.clone(), passphrase.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let file = OrganiserFile {
                text: (*text).clone().into(),
                passphrase: Passphrase::typed((*passphrase).clone()),
            };
            shared.model.dispatch(Action::ToolSent);
            shared.tools.emit(ToTools::ReadOrganiser(file));
        }
    };
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ "Organise" }</h1></header>
            <form class="sheet" {onsubmit}>
                <p>{ "This browser does not organise this election. If it is yours, bring your organiser's file." }</p>
                <div><label class="button" for="organiser-file">{ "Open the organiser's file" }</label>
                <input id="organiser-file" class="visually-hidden" type="file" accept=".json,.txt" onchange={onfile} /></div>
                if locked {
                    <div class="field">
                        <label for="organiser-passphrase">{ "Passphrase of your organiser's file" }</label>
                        <input id="organiser-passphrase" type="password" autocomplete="off" value={(*passphrase).clone()} oninput={super::create::typing(&passphrase)} />
                    </div>
                    <div><button class="button primary">{ "Unlock" }</button></div>
                }
                if let Some(words) = *wrong {
                    <div role="alert">{ notice("bad", words) }</div>
                }
            </form>
            { told(&shared.model.tool) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct DuplicateProps {
    organiser: OrganiserFile,
}

fn forget_names(draft: &mut Draft) {
    match &mut draft.who {
        blockvote_core::custody::organiser::Who::Codes { count, voters } => {
            let lines = voters.lines().count();
            *count = if lines > 0 { u32::try_from(lines).unwrap_or(*count) } else { *count };
            voters.clear();
        }
        blockvote_core::custody::organiser::Who::OwnKeys { voters } => {
            let is_key = |word: &&str| word.starts_with("bvk1");
            let keys: Vec<_> = voters.split([',', '\n', '\r', '"']).filter(is_key).collect();
            *voters = keys.join("\n");
        }
        blockvote_core::custody::organiser::Who::Anyone { .. } => {}
    }
}

/// Begins a draft of the same election.
#[component]
fn Duplicate(props: &DuplicateProps) -> Html {
    let shared = use_shared();
    let locked = passphrase_lock::is_locked(props.organiser.text.as_str());
    use_effect_with(shared.model.organiser.clone(), move |read| {
        let Some((_, draft)) = read else { return };
        let mut draft = (**draft).clone();
        if locked {
            // Names that rest locked do not go into a draft that does not.
            forget_names(&mut draft);
        }
        let other = super::create::kept_draft().is_some_and(|kept| !kept.title.is_empty());
        let words = "There is a draft of another election in this browser. Replace it?";
        let go = !other || browser::window().confirm_with_message(words).unwrap_or(false);
        if go && super::create::keep_draft(&draft) {
            browser::visit("/create");
        }
    });
    let onclick = {
        let (shared, organiser) = (shared.clone(), props.organiser.clone());
        move |_: MouseEvent| shared.tools.emit(ToTools::ReadOrganiser(organiser.clone()))
    };
    html! { <button type="button" class="button" {onclick}>{ "Duplicate" }</button> }
}
