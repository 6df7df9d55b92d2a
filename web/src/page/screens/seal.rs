//! Sealing the result: what it will hold, what is missing, what is left out and why, and afterwards who has it.

use std::rc::Rc;

use blockvote_core::{
    chain::statements::check_reason,
    crypto::{passphrase_lock, secret::Passphrase},
    node::ballot_box::GRACE_MS,
};
use blockvote_words::Words;
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::{
            copy::Hash,
            fields::{is_checked, typing},
            icons::{Name, icon},
            link,
            notice::{failed, notice},
            organiser_passphrase::organiser_passphrase,
            seal_notice::seal_notice,
            unopened::Unopened,
        },
        format::{self, capital},
        hooks::{Asking, use_asking, use_clock, use_election, use_model, use_tools},
        model::Model,
        remembered,
        route::Route,
        workers::{Workers, download_audit_file},
    },
    shared::{
        messages::{Act, HaveOrganise, LeaveOut, NodeOrder, OrganiserFile, WishedSeal},
        views::{KeeperView, ListsView, SealView, Status, StorageStatus},
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
                { line(false, "Came after closing".into(), format!("{}: not counted unless a keeper shows that it had {} in time",
                    format::plural(status.late.into(), "vote", "votes"), if status.late == 1 { "it" } else { "them" })) }
            }
            if status.syncing_to.is_some() {
                { line(false, "Still fetching".into(), "a peer claims a better chain than this tab has".into()) }
            }
        </ul>
    }
}

/// What no keeper had in time, and what becomes of it.
fn lists(lists: &ListsView, workers: &Workers, leaving: &Asking<()>) -> Html {
    let leave_out = |on: bool| {
        let (workers, leaving) = (workers.clone(), leaving.clone());
        let anyway = !lists.unshown.is_empty();
        move |_: MouseEvent| leaving.wait(workers.node().ask(LeaveOut { on, anyway }))
    };
    let showed = |(name, shown, all): &(String, u32, u32)| {
        format!("{name} has shown {shown} of {all} votes of its closing list.")
    };
    let partly = lists.partly.iter().map(showed).collect::<Vec<_>>().join(" ");
    let partly =
        html! { if !partly.is_empty() { <p class="soft" data-testid="partly">{ partly }</p> } };
    if lists.built.is_none() && lists.whole == 0 {
        return partly;
    }
    let votes = |number: u32| format::plural(number.into(), "vote", "votes");
    match (&lists.built, lists.unlisted) {
        (None, 0) => html! {
            <>{ partly }<ul class="checks">{ line(true, "In time".into(), "every vote in the chain is on a keeper's closing list".into()) }</ul></>
        },
        (None, unlisted) => html! {
            <div class="field" data-testid="unlisted">
                { notice("warn", format!("On no keeper's closing list: {} in the chain.", votes(unlisted))) }
                { partly }
                if !lists.unshown.is_empty() {
                    { notice("bad", format!("No whole closing list: {}. Votes that were received there in time may be among these.", lists.unshown.join(", "))) }
                }
                <small>{ "Such votes may have come after closing, or in time from voters who reached no keeper. They count unless you leave them out; the blocks are then built again without them." }</small>
                <div><button type="button" class="button" onclick={leave_out(true)} data-testid="leave-out">{ format!("Leave out {}{}", votes(unlisted), if lists.unshown.is_empty() { "" } else { " all the same" }) }</button></div>
            </div>
        },
        (Some(built), _) => {
            let (made, all) = built.progress;
            let left_out = votes(built.left_out);
            let words = if made < all {
                format!("Left out of the chain: {left_out}. Blocks built again: {made} of {all}.")
            } else {
                format!("Left out of the chain: {left_out}.")
            };
            html! {
                <div class="row" role="status" data-testid="built">
                    <span>{ words }</span>
                    <button type="button" class="button" onclick={leave_out(false)}>{ "Count all votes" }</button>
                </div>
            }
        }
    }
}

/// A reason for leaving votes out.
fn reason_field(
    id: &'static str,
    label: String,
    hint: &str,
    reason: &UseStateHandle<String>,
    wrong: Option<&String>,
) -> Html {
    html! {
        <div class="field">
            <label for={id}>{ label }</label>
            <input {id} class="wide" type="text" maxlength="200" autocomplete="off" value={(**reason).clone()} oninput={typing(reason)} />
            <small>{ hint.to_owned() }</small>
            if let Some(wrong) = wrong {
                <div class="hint bad" role="alert">{ icon(Name::Warning) }{ wrong.clone() }</div>
            }
        </div>
    }
}

/// What is wrong with a reason where one is needed.
fn wrong(needed: bool, reason: &str) -> Option<String> {
    let error = needed.then(|| check_reason(reason.trim()).err()).flatten()?;
    Some(format!("The reason {}.", error.words()))
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

/// Why the result cannot be sealed now.
fn too_early(status: &Status, closes: Option<f64>) -> Option<String> {
    let now = js_sys::Date::now();
    let Some(closes) = closes else {
        return Some("Voting goes on until you close it.".into());
    };
    let from = closes + SEAL_AFTER_MS;
    if now < closes {
        return Some(format!(
            "Voting goes on until {}. Close it first, or wait.",
            format::time(closes)
        ));
    }
    if now < from {
        return Some(format!(
            "Votes that were cast in time may still be on their way: the result can be sealed from {} on.",
            format::time(from)
        ));
    }
    (status.storage == StorageStatus::Sharing).then(|| {
        "Another tab of this browser has this election open and stores it. Seal there, or close that tab first."
            .into()
    })
}

fn head(words: &str) -> Html {
    html! {
        <header>
            <h1 id="title" tabindex="-1">{ "Seal the result" }</h1>
            <p class="soft" data-testid="seal-state">{ words.to_owned() }</p>
        </header>
    }
}

/// The screen.
#[component]
pub fn Seal() -> Html {
    use_clock();
    let workers = use_tools();
    let status = use_model(|model| model.status.clone());
    let closes = use_model(Model::closes);
    let saving = use_asking::<()>();
    {
        let workers = workers.clone();
        use_effect_with((), move |()| move || workers.node().order(NodeOrder::LookAtLists(false)));
    }
    {
        // Asked again of a node that was started again.
        let unasked = status.as_ref().is_some_and(|status| status.lists.is_none());
        let workers = workers.clone();
        use_effect_with(unasked, move |unasked| {
            if *unasked {
                workers.node().order(NodeOrder::LookAtLists(true));
            }
        });
    }
    let Some(election) = use_election() else {
        return html! { <Unopened /> };
    };
    let id = election.id.clone();
    let organise = Route::Organise { election: id.clone() };
    let back = html! { <p>{ link::to(organise, "", "Back to organising") }</p> };
    let Some(status) = status else {
        return html! { <div class="screen">{ head("The node of this tab starts.") }{ back }</div> };
    };
    let screen = match &status.seal {
        SealView::Sealed { height, id: seal, .. } => {
            let export = {
                let (saving, id) = (saving.clone(), id.clone());
                move |_: MouseEvent| saving.wait(download_audit_file(workers.clone(), id.clone()))
            };
            html! {
                <>
                    { head(&format!("Sealed: the votes up to block {height} and their count are final.")) }
                    <section class="sheet">
                        { handed_out(&status) }
                        <dl class="facts"><dt>{ "Seal" }</dt><dd><Hash value={seal.clone()} of="seal id" /></dd></dl>
                        { failed(saving.asked().failure()) }
                        <div class="row">
                            <button type="button" class="button primary" onclick={export}>{ "Save the audit file" }</button>
                            { link::to(Route::Results { election: id.clone() }, "button", "Result page to print") }
                        </div>
                    </section>
                </>
            }
        }
        SealView::Awaited | SealView::Refuted | SealView::Contested(..) => html! {
            <>
                { head("There is a seal already.") }
                { seal_notice(&status.seal) }
                <p>{ link::to(Route::Results { election: id }, "", "See the result") }</p>
            </>
        },
        SealView::Unsealed => match (remembered::organiser(&id), too_early(&status, closes)) {
            (None, _) => head("This needs the organiser’s file: open it where you organise."),
            (_, Some(words)) => html! {
                <>
                    { head(&words) }
                    <section class="sheet"><h2>{ "What is here so far" }</h2>{ reached(&status) }</section>
                </>
            },
            (Some(organiser), None) => html! {
                <>
                    { head("It cannot be taken back. What you sign is what this tab verified and counted; a second seal over other votes would contest the first.") }
                    <Sealing {organiser} {status} />
                </>
            },
        },
    };
    html! { <div class="screen">{ screen }{ back }</div> }
}

#[derive(Properties, PartialEq)]
struct SealingProps {
    /// Text of the organiser's file.
    organiser: String,
    status: Rc<Status>,
}

/// What is sealed, and what it takes.
#[component]
fn Sealing(props: &SealingProps) -> Html {
    let workers = use_tools();
    let counted_here = use_model(|model| Rc::clone(&model.tally));
    let passphrase = use_state(String::new);
    let (reason, why_unlisted) = (use_state(String::new), use_state(String::new));
    let anyway = use_state(|| false);
    let tried = use_state(|| false);
    let sealing = use_asking::<()>();
    let leaving = use_asking::<()>();
    let SealingProps { organiser, status } = props;
    let alone = !status.missing.is_empty();
    let built = status.lists.as_ref().and_then(|lists| lists.built.clone());
    let waiting = built.as_ref().map_or(status.pending, |built| built.waiting);
    // Nothing is sealed before the node has said what it would be.
    let counted = status.lists.as_ref().map(|lists| lists.counted.clone());
    let building = counted.is_none()
        || built.as_ref().is_some_and(|built| built.progress.0 < built.progress.1);
    let wrong_unlisted = wrong(built.is_some(), &why_unlisted);
    let wrong_reason = wrong(waiting > 0, &reason);
    let onsubmit = {
        let (reason, why_unlisted) = (reason.clone(), why_unlisted.clone());
        let (anyway, tried, passphrase) = (anyway.clone(), tried.clone(), passphrase.clone());
        let (sealing, workers, organiser) = (sealing.clone(), workers.clone(), organiser.clone());
        let is_built = built.is_some();
        let wrong_field = match (&wrong_unlisted, &wrong_reason) {
            (Some(_), _) => Some("why-unlisted"),
            (None, Some(_)) => Some("reason"),
            (None, None) => None,
        };
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if let Some(field) = wrong_field {
                return browser::focus(field);
            }
            if alone && !*anyway {
                return browser::focus("anyway");
            }
            let Some(counted) = counted.clone() else { return };
            let act = Act::Seal(WishedSeal {
                counted,
                pending: waiting,
                anyway: alone && *anyway,
                leave_out: (waiting > 0).then(|| reason.trim().to_owned()),
                unlisted: is_built.then(|| why_unlisted.trim().to_owned()),
            });
            let passphrase = Passphrase::typed((*passphrase).clone());
            let file = OrganiserFile { text: organiser.clone().into(), passphrase };
            sealing.wait(workers.tools().ask(HaveOrganise(act, file)));
        }
    };
    let agree = {
        let anyway = anyway.clone();
        move |event: Event| anyway.set(is_checked(&event))
    };
    let busy = sealing.asked().is_waiting();
    let tally = built.as_ref().map_or(&*counted_here, |built| &built.tally);
    let (voters, votes) = built
        .as_ref()
        .map_or((status.voters, status.votes), |built| (built.tally.ballots, built.votes));
    let shown = |wrong: &Option<String>| wrong.clone().filter(|_| *tried);
    html! {
        <form class="sheet" {onsubmit} novalidate=true>
            <h2>{ "What the result will hold" }</h2>
            <dl class="facts">
                <dt>{ "Voters" }</dt><dd data-testid="seal-voters">{ format::count(voters) }</dd>
                <dt>{ "Votes" }</dt><dd>{ format::count(votes) }</dd>
                for (selection, count) in tally.ranked() {
                    <><dt>{ selection.to_owned() }</dt><dd>{ format::count(count) }</dd></>
                }
            </dl>
            <h2>{ "Who else is here" }</h2>
            { reached(status) }
            if alone {
                <div data-testid="missing">{ notice("warn", html! { <>
                    for missing in status.missing.iter() { { capital(missing) }{ ". " } }
                    { "If you can, wait." }
                </> }) }</div>
            }
            if let Some(seen) = &status.lists {
                { lists(seen, &workers, &leaving) }
            }
            { failed(leaving.asked().failure()) }
            if built.is_some() {
                { reason_field("why-unlisted", "Reason for leaving out votes".into(), "Everybody can read the reason beside the result.", &why_unlisted, shown(&wrong_unlisted).as_ref()) }
            }
            if waiting > 0 {
                { reason_field("reason", match waiting {
                        1 => "1 vote waits for a block and would be left out. Why?".to_owned(),
                        n => format!("{n} votes wait for a block and would be left out. Why?"),
                    }, if built.is_some() {
                        "Everybody can read the reason beside the result. Better: count all votes, wait until they are in a block, and leave out again."
                    } else {
                        "Everybody can read the reason beside the result. Better: wait until they are in a block."
                    }, &reason, shown(&wrong_reason).as_ref()) }
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
            if passphrase_lock::is_locked(organiser) {
                { organiser_passphrase(&passphrase) }
            }
            { failed(sealing.asked().failure()) }
            <div><button class="button primary" disabled={busy || building} data-testid="seal-button">{ if busy { "Sealing…" } else { "Seal the result" } }</button></div>
        </form>
    }
}
