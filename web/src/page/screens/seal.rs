//! Sealing the result: what it will hold, what is missing, what is left out and why, and afterwards who has it.

use blockvote_core::{
    chain::statements::check_reason, crypto::secret::Passphrase, node::ballot_box::GRACE_MS,
};
use blockvote_words::Words;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{results::seal_notice, unopened};
use crate::{
    messages::{Act, KeeperView, OrganiserFile, SealView, Status, ToNode, ToTools},
    page::{
        browser, format,
        icons::{Name, icon},
        model::{Action, Tool, use_tools},
        remembered,
        route::Route,
        words::{Hash, capital, failure, notice},
    },
};

/// The result is sealed no earlier than so long after closing.
const SEAL_AFTER_MS: f64 = GRACE_MS as f64;

fn line(good: bool, title: String, detail: String) -> Html {
    html! {
        <li>
            <span class={if good { "pass" } else { "other" }}>{ icon(if good { Name::Tick } else { Name::Warning }) }</span>
            <b>{ title }</b>
            <span class="detail">{ detail }</span>
        </li>
    }
}

/// Who is there, and what they have.
fn reached(status: &Status) -> Html {
    let peers = match (status.peers, status.sure) {
        (0, _) => "none: this tab cannot know whether others have more".to_owned(),
        (n, true) => format!("{n}; nobody claims a better chain than this tab has"),
        (n, false) => format!("{n}; whether they have more is not known yet"),
    };
    let here = status.votes + u64::from(status.pending);
    let compared = |keeper: &KeeperView| match keeper.compared {
        None => "; what it has was not compared with what is here yet".to_owned(),
        Some((at, 0)) => format!("; at {} it had no vote that is not here", format::time(at)),
        Some((at, lacked)) => format!(
            "; at {} it had {} here",
            format::time(at),
            format::plural(lacked.into(), "vote that was not", "votes that were not")
        ),
    };
    let listed = |lists: &[u32]| match lists {
        [] => (false, "its closing list has not been heard of".to_owned()),
        [votes] if u64::from(*votes) > here => (
            false,
            format!(
                "acknowledged {} in time: more than are here",
                format::plural((*votes).into(), "vote", "votes")
            ),
        ),
        [votes] => (
            true,
            format!("acknowledged {} in time", format::plural((*votes).into(), "vote", "votes")),
        ),
        _ => (
            false,
            "signed closing lists that contradict each other: its word counts for nothing".into(),
        ),
    };
    html! {
        <ul class="checks" data-testid="reached">
            { line(status.sure, "Connections".into(), peers) }
            for keeper in status.keepers.iter() {
                { { let (good, words) = listed(&keeper.lists);
                    line(good && matches!(keeper.compared, Some((_, 0))), keeper.name.clone(), words + &compared(keeper)) } }
            }
            if status.late > 0 {
                { line(false, "Came after closing".into(), format!("{}: not counted unless a keeper shows that it had them in time",
                    format::plural(status.late.into(), "vote", "votes"))) }
            }
            if status.syncing_to.is_some() {
                { line(false, "Still fetching".into(), "a peer claims a better chain than this tab has".into()) }
            }
        </ul>
    }
}

/// Who says that they have the sealed result.
fn handed_out(status: &Status) -> Html {
    let words = match (&status.keepers_have_seal[..], status.have_seal) {
        ([], 0) => "Nobody says yet that they have the sealed result. Keep this page open, or save the audit file before you close it.".to_owned(),
        ([], n) => format!("{} that they have the sealed result; other tabs of this browser may be among them. Save the audit file before you close this page.",
            if n == 1 { "1 connection says".to_owned() } else { format!("{n} connections say") }),
        ([one], _) => format!("{one} says that it has the sealed result: you may close this page."),
        (names, _) => format!("{} say that they have the sealed result: you may close this page.", names.join(", ")),
    };
    let kind = if status.keepers_have_seal.is_empty() { "warn" } else { "good" };
    html! { <div role="status" data-testid="handed-out">{ notice(kind, words) }</div> }
}

/// The screen.
#[component]
pub fn Seal() -> Html {
    let shared = use_tools();
    let passphrase = use_state(String::new);
    let reason = use_state(String::new);
    let anyway = use_state(|| false);
    let tried = use_state(|| false);
    {
        let model = shared.model.clone();
        use_effect_with((), move |()| move || model.dispatch(Action::ToolSeen));
    }
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    let organise = Route::Organise { election: election.id.clone() };
    let back = html! { <p><Link<Route> to={organise}>{ "Back to organising" }</Link<Route>></p> };
    let head = |words: &str| {
        html! {
            <header>
                <h1 id="title" tabindex="-1">{ "Seal the result" }</h1>
                <p class="soft" data-testid="seal-state">{ words.to_owned() }</p>
            </header>
        }
    };
    let Some(status) = shared.model.status.as_deref().cloned() else {
        return html! { <div class="screen">{ head("The node of this tab starts.") }{ back }</div> };
    };
    let results = Route::Results { election: election.id.clone() };
    match &status.seal {
        SealView::Unsealed => {}
        SealView::Sealed { height, id, .. } => {
            let export = {
                let send = shared.send.clone();
                move |_: MouseEvent| send.emit(ToNode::Export)
            };
            return html! {
                <div class="screen">
                    { head(&format!("Sealed: the votes up to block {height} and their count are final.")) }
                    <section class="sheet">
                        { handed_out(&status) }
                        <dl class="facts"><dt>{ "Seal" }</dt><dd><Hash value={id.clone()} of="seal id" /></dd></dl>
                        <div class="row">
                            <button type="button" class="button primary" onclick={export}>{ "Save the audit file" }</button>
                            <Link<Route> classes="button" to={results}>{ "Result page to print" }</Link<Route>>
                        </div>
                    </section>
                    { back }
                </div>
            };
        }
        SealView::Awaited | SealView::Refuted | SealView::Contested(..) => {
            return html! {
                <div class="screen">
                    { head("There is a seal already.") }
                    { seal_notice(&status.seal) }
                    <p><Link<Route> to={results}>{ "See the result" }</Link<Route>></p>
                    { back }
                </div>
            };
        }
    }
    let Some(text) = remembered::organiser(&election.id) else {
        return html! {
            <div class="screen">
                { head("This needs the organiser’s file: open it where you organise.") }
                { back }
            </div>
        };
    };
    let now = js_sys::Date::now();
    let from = shared.model.closes().map(|closes| closes + SEAL_AFTER_MS);
    let too_early = match (from, shared.model.closes()) {
        (Some(_), Some(closes)) if now < closes => {
            Some(format!("Voting goes on until {}. Close it first, or wait.", format::time(closes)))
        }
        (Some(from), _) if now < from => Some(format!(
            "Votes that were cast in time may still be on their way: the result can be sealed from {} on.",
            format::time(from)
        )),
        (None, _) => Some("Voting goes on until you close it.".to_owned()),
        _ => None,
    };
    if let Some(words) = too_early {
        return html! {
            <div class="screen">
                { head(&words) }
                <section class="sheet"><h2>{ "What is here so far" }</h2>{ reached(&status) }</section>
                { back }
            </div>
        };
    }
    let locked = text.starts_with("blockvote-locked");
    let alone = !status.sure || status.keepers_lack.is_some();
    let wrong = (status.pending > 0).then(|| check_reason(reason.trim()).err()).flatten();
    let wrong = wrong.map(|error| format!("The reason {}.", error.words()));
    let onsubmit = {
        let (shared, status, election) = (shared.clone(), status.clone(), election.clone());
        let (reason, anyway, tried) = (reason.clone(), anyway.clone(), tried.clone());
        let (passphrase, blocked) = (passphrase.clone(), wrong.is_some());
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if blocked {
                return browser::focus("reason");
            }
            if alone && !*anyway {
                return browser::focus("anyway");
            }
            let Some(text) = remembered::organiser(&election.id) else { return };
            let passphrase = Passphrase::typed((*passphrase).clone());
            let leave_out = (status.pending > 0).then(|| reason.trim().to_owned());
            let (tip, pending) = (status.tip.clone(), status.pending);
            let act = Act::Seal { tip, pending, anyway: alone && *anyway, leave_out };
            shared.model.dispatch(Action::ToolSent);
            let file = OrganiserFile { text: text.into(), passphrase };
            shared.tools.emit(ToTools::Organise(act, file));
        }
    };
    let agree = {
        let anyway = anyway.clone();
        move |event: Event| {
            let input = event.target_unchecked_into::<web_sys::HtmlInputElement>();
            anyway.set(input.checked());
        }
    };
    let busy = matches!(shared.model.tool, Tool::Busy(_));
    html! {
        <div class="screen">
            { head("It cannot be taken back. What you sign is what this tab verified and counted; a second seal over other votes would contest the first.") }
            <form class="sheet" {onsubmit} novalidate=true>
                <h2>{ "What the result will hold" }</h2>
                <dl class="facts">
                    <dt>{ "Voters" }</dt><dd data-testid="seal-voters">{ format::count(status.voters) }</dd>
                    <dt>{ "Votes" }</dt><dd>{ format::count(status.votes) }</dd>
                    for (selection, count) in shared.model.tally.ranked() {
                        <><dt>{ selection.to_owned() }</dt><dd>{ format::count(count) }</dd></>
                    }
                </dl>
                <h2>{ "Who else is here" }</h2>
                { reached(&status) }
                if let Some(lack) = &status.keepers_lack {
                    <div data-testid="lack">{ notice("warn", format!("{}. Wait until this page has heard of them, if you can.", capital(lack))) }</div>
                }
                if status.pending > 0 {
                    <div class="field">
                        <label for="reason">{ match status.pending {
                            1 => "1 vote waits for a block and would be left out. Why?".to_owned(),
                            n => format!("{n} votes wait for a block and would be left out. Why?"),
                        } }</label>
                        <input id="reason" class="wide" type="text" maxlength="200" autocomplete="off" value={(*reason).clone()} oninput={super::create::typing(&reason)} />
                        <small>{ "Everybody can read the reason beside the result. Better: wait until they are in a block." }</small>
                        if let (true, Some(wrong)) = (*tried, &wrong) {
                            <div class="hint bad" role="alert">{ icon(Name::Warning) }{ wrong.clone() }</div>
                        }
                    </div>
                }
                if alone {
                    <label class="choice" for="anyway">
                        <input id="anyway" type="checkbox" checked={*anyway} onchange={agree} />
                        <span class="mark square"></span>
                        <span>{ "Seal all the same: votes that others have could be missing" }</span>
                    </label>
                    if *tried && !*anyway {
                        <div class="hint bad" role="alert">{ icon(Name::Warning) }{ "Say that you want this, or wait." }</div>
                    }
                }
                if locked {
                    <div class="field">
                        <label for="organiser-passphrase">{ "Passphrase of your organiser's file" }</label>
                        <input id="organiser-passphrase" type="password" autocomplete="off" value={(*passphrase).clone()} oninput={super::create::typing(&passphrase)} />
                    </div>
                }
                { failure(&shared.model.tool) }
                <div><button class="button primary" disabled={busy} data-testid="seal-button">{ if busy { "Sealing…" } else { "Seal the result" } }</button></div>
            </form>
            { back }
        </div>
    }
}
