//! Sealing the result: what it will hold, what is missing, what is left out and why, and afterwards who has it.

use std::rc::Rc;

use blockvote_core::{
    chain::statements::check_reason,
    crypto::{passphrase_lock, secret::Passphrase},
    node::ballot_box::GRACE_MS,
};
use blockvote_words::{
    Words,
    message::{Message, say},
};
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
        format::capital,
        hooks::{Asking, use_asking, use_clock, use_election, use_model, use_tools},
        model::Model,
        remembered,
        route::Route,
        words::{self, t, time},
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

/// What a keeper's closing list says of what is here, and whether that is good.
fn listed(lists: &[u32], here: u64) -> (bool, Message) {
    match lists {
        [] => (false, say::list_none()),
        [votes] if u64::from(*votes) > here => (false, say::list_more(*votes)),
        [votes] => (true, say::list_good(*votes)),
        _ => (false, say::list_two()),
    }
}

fn keeper_line(keeper: &KeeperView, here: u64) -> Html {
    let (good, list) = listed(&keeper.lists, here);
    let compared = match keeper.compared {
        None => say::keeper_not_compared(),
        Some((at, 0)) => say::keeper_same(time(at)),
        Some((at, more)) => say::keeper_more(more, time(at)),
    };
    let good = good && matches!(keeper.compared, Some((_, 0)));
    line(good, keeper.name.clone(), t(say::keeper_line(list, compared)))
}

/// Who is there, and what they have.
fn reached(status: &Status) -> Html {
    let peers = match (status.peers, status.sure) {
        (0, _) => say::connections_none(),
        (peers, true) => say::connections_sure(peers),
        (peers, false) => say::connections_unsure(peers),
    };
    let here = status.votes + u64::from(status.pending);
    html! {
        <ul class="checks" data-testid="reached">
            { line(status.sure, t(say::connections()), t(peers)) }
            for keeper in status.keepers.iter() {
                { keeper_line(keeper, here) }
            }
            if status.late > 0 {
                { line(false, t(say::late()), t(say::late_votes(status.late))) }
            }
            if status.syncing_to.is_some() {
                { line(false, t(say::still_fetching()), t(say::still_fetching_words())) }
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
    let showed = |(name, shown, all): &(String, u32, u32)| t(say::list_shown(name, *shown, *all));
    let partly = lists.partly.iter().map(showed).collect::<Vec<_>>().join(" ");
    let partly =
        html! { if !partly.is_empty() { <p class="soft" data-testid="partly">{ partly }</p> } };
    if lists.built.is_none() && lists.whole == 0 {
        return partly;
    }
    match (&lists.built, lists.unlisted) {
        (None, 0) => html! {
            <>{ partly }<ul class="checks">{ line(true, t(say::in_time()), t(say::in_time_words())) }</ul></>
        },
        (None, unlisted) => html! {
            <div class="field" data-testid="unlisted">
                { notice("warn", t(say::unlisted(unlisted))) }
                { partly }
                if !lists.unshown.is_empty() {
                    { notice("bad", t(say::unshown(lists.unshown.clone()))) }
                }
                <small>{ t(say::unlisted_words()) }</small>
                <div><button type="button" class="button" onclick={leave_out(true)} data-testid="leave-out">
                    { t(say::leave_out(if lists.unshown.is_empty() { "plain" } else { "anyway" }, unlisted)) }
                </button></div>
            </div>
        },
        (Some(built), _) => {
            let (made, all) = built.progress;
            let words = if made < all {
                say::built_so_far(built.left_out, made, all)
            } else {
                say::built(built.left_out)
            };
            html! {
                <div class="row" role="status" data-testid="built">
                    <span>{ t(words) }</span>
                    <button type="button" class="button" onclick={leave_out(false)}>{ t(say::count_all()) }</button>
                </div>
            }
        }
    }
}

/// A reason for leaving votes out.
fn reason_field(
    id: &'static str,
    label: Message,
    hint: Message,
    reason: &UseStateHandle<String>,
    wrong: Option<&String>,
) -> Html {
    html! {
        <div class="field">
            <label for={id}>{ t(label) }</label>
            <input {id} class="wide" type="text" maxlength="200" autocomplete="off" value={(**reason).clone()} oninput={typing(reason)} />
            <small>{ t(hint) }</small>
            if let Some(wrong) = wrong {
                <div class="hint bad" role="alert">{ icon(Name::Warning) }{ wrong.clone() }</div>
            }
        </div>
    }
}

/// What is wrong with a reason where one is needed.
fn wrong(needed: bool, reason: &str) -> Option<String> {
    let error = needed.then(|| check_reason(reason.trim()).err()).flatten()?;
    Some(t(say::seal_reason_wrong(error.words())))
}

/// Who says that they have the sealed result.
fn handed_out(status: &Status) -> Html {
    let keepers = &status.keepers_have_seal;
    let words = match (keepers.len(), status.have_seal) {
        (0, 0) => say::handed_nobody(),
        (0, connections) => say::handed_connections(connections),
        (count, _) => say::handed_keepers(count, keepers.clone()),
    };
    let kind = if keepers.is_empty() { "warn" } else { "good" };
    html! { <div role="status" data-testid="handed-out">{ notice(kind, t(words)) }</div> }
}

/// Why the result cannot be sealed now.
fn too_early(status: &Status, closes: Option<f64>) -> Option<Message> {
    let now = js_sys::Date::now();
    let Some(closes) = closes else { return Some(say::seal_open_until_closed()) };
    let from = closes + SEAL_AFTER_MS;
    match () {
        () if now < closes => Some(say::seal_open_until(time(closes))),
        () if now < from => Some(say::seal_from(time(from))),
        () => (status.storage == StorageStatus::Sharing).then(say::seal_other_tab),
    }
}

fn head(words: Message) -> Html {
    html! {
        <header>
            <h1 id="title" tabindex="-1">{ t(say::seal_title()) }</h1>
            <p class="soft" data-testid="seal-state">{ t(words) }</p>
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
    let back = html! { <p>{ link::to(organise, "", t(say::seal_back())) }</p> };
    let Some(status) = status else {
        return html! { <div class="screen">{ head(say::seal_starting()) }{ back }</div> };
    };
    let screen = match &status.seal {
        SealView::Sealed { height, id: seal, .. } => {
            let export = {
                let (saving, id) = (saving.clone(), id.clone());
                move |_: MouseEvent| saving.wait(download_audit_file(workers.clone(), id.clone()))
            };
            html! {
                <>
                    { head(say::seal_done(*height)) }
                    <section class="sheet">
                        { handed_out(&status) }
                        <dl class="facts"><dt>{ t(say::fact_seal()) }</dt><dd><Hash value={seal.clone()} of={t(say::of_seal())} /></dd></dl>
                        { failed(saving.asked().failure()) }
                        <div class="row">
                            <button type="button" class="button primary" onclick={export}>{ t(say::seal_save_audit()) }</button>
                            { link::to(Route::Results { election: id.clone() }, "button", t(say::organise_result())) }
                        </div>
                    </section>
                </>
            }
        }
        SealView::Awaited | SealView::Refuted | SealView::Contested(..) => html! {
            <>
                { head(say::seal_already()) }
                { seal_notice(&status.seal) }
                <p>{ link::to(Route::Results { election: id }, "", t(say::seal_see_result())) }</p>
            </>
        },
        SealView::Unsealed => match (remembered::organiser(&id), too_early(&status, closes)) {
            (None, _) => head(say::seal_needs_file()),
            (_, Some(words)) => html! {
                <>
                    { head(words) }
                    <section class="sheet"><h2>{ t(say::seal_here_so_far()) }</h2>{ reached(&status) }</section>
                </>
            },
            (Some(organiser), None) => html! {
                <>
                    { head(say::seal_words()) }
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
            <h2>{ t(say::seal_what()) }</h2>
            <dl class="facts">
                <dt>{ t(say::seal_voters()) }</dt><dd data-testid="seal-voters">{ words::count(voters) }</dd>
                <dt>{ t(say::seal_votes()) }</dt><dd>{ words::count(votes) }</dd>
                for (selection, count) in tally.ranked() {
                    <><dt>{ selection.to_owned() }</dt><dd>{ words::count(count) }</dd></>
                }
            </dl>
            <h2>{ t(say::seal_who_else()) }</h2>
            { reached(status) }
            if alone {
                <div data-testid="missing">{ notice("warn", html! { <>
                    for missing in status.missing.iter() { { capital(missing) }{ ". " } }
                    { t(say::seal_wait()) }
                </> }) }</div>
            }
            if let Some(seen) = &status.lists {
                { lists(seen, &workers, &leaving) }
            }
            { failed(leaving.asked().failure()) }
            if built.is_some() {
                { reason_field("why-unlisted", say::seal_why_unlisted(), say::seal_public_reason(), &why_unlisted, shown(&wrong_unlisted).as_ref()) }
            }
            if waiting > 0 {
                { reason_field("reason", say::seal_why_pending(waiting), if built.is_some() { say::seal_better_count() } else { say::seal_better_wait() }, &reason, shown(&wrong_reason).as_ref()) }
            }
            if alone {
                <label class="choice" for="anyway">
                    <input id="anyway" type="checkbox" checked={*anyway} onchange={agree} />
                    <span class="mark square"></span>
                    <span>{ t(say::seal_anyway()) }</span>
                </label>
                if *tried && !*anyway {
                    <div class="hint bad" role="alert">{ icon(Name::Warning) }{ t(say::seal_say_so()) }</div>
                }
            }
            if passphrase_lock::is_locked(organiser) {
                { organiser_passphrase(&passphrase) }
            }
            { failed(sealing.asked().failure()) }
            <div><button class="button primary" disabled={busy || building} data-testid="seal-button">{ t(if busy { say::sealing() } else { say::organise_seal() }) }</button></div>
        </form>
    }
}
