//! Verifying everything again, before the eyes of whoever asks.

use blockvote_words::report::Ended;
use web_sys::File;
use yew::prelude::*;

use super::{found::CheckVote, unopened};
use crate::{
    messages::{ToNode, ToTools, VerifyView},
    page::{
        browser, format,
        icons::{Name, icon},
        model::{Action, use_shared, use_tools},
        words::{Hash, failure, notice},
    },
};

/// The words that the command line prints too.
fn word(outcome: Ended, done: bool) -> &'static str {
    match (outcome, done) {
        (Ended::Pass, _) => "PASS",
        (Ended::Warn, _) => "WARN",
        (Ended::Fail, _) => "FAIL",
        (Ended::NotReached, false) => "UNDER WAY",
        (Ended::NotReached, true) => "NOT REACHED",
        (Ended::Skipped, _) => "SKIPPED",
    }
}

fn lines(view: &VerifyView) -> Html {
    html! {
        <ul class="checks" data-testid="checks">
            for line in view.report.lines.iter() {
                <li data-outcome={format!("{:?}", line.outcome)}>
                    { match (line.outcome, view.done) {
                        (Ended::Pass, _) => html! { <span class="pass">{ icon(Name::Tick) }</span> },
                        (Ended::Warn, _) => html! { <span class="warn">{ icon(Name::Warning) }</span> },
                        (Ended::Fail, _) => html! { <span class="fail">{ icon(Name::Cross) }</span> },
                        (Ended::NotReached, false) => html! { <span class="other">{ icon(Name::Clock) }</span> },
                        _ => html! { <span class="other">{ icon(Name::Dash) }</span> },
                    } }
                    <span>
                        { &line.check }
                        <span class="word">{ word(line.outcome, view.done) }</span>
                    </span>
                    <span class="detail">{ &line.detail }</span>
                </li>
            }
        </ul>
    }
}

fn outcome(view: &VerifyView) -> Html {
    if !view.done {
        return Html::default();
    }
    let report = &view.report;
    let kind = match (report.passed, report.disputed) {
        (false, _) => "bad",
        (true, true) => "warn",
        (true, false) => "good",
    };
    html! {
        <div class="stack" role="status" data-testid="verdict" data-passed={report.passed.to_string()}>
            { notice(kind, format!("{} Done by this tab in {}.", report.verdict, format::seconds(view.took_ms))) }
            for complaint in report.complaints.iter() {
                <div data-testid="judged" data-holds={complaint.holds.to_string()}>{ notice(if complaint.holds { "warn" } else { "bad" }, complaint.words.clone()) }</div>
            }
        </div>
    }
}

fn figures(view: &VerifyView) -> Html {
    if !(view.done && view.report.passed) {
        return Html::default();
    }
    let report = &view.report;
    html! {
        <section class="field" aria-label="Figures to compare">
            <h2>{ "To compare with someone else’s" }</h2>
            <dl class="facts">
                if !report.title.is_empty() {
                    <><dt>{ "Election" }</dt><dd>{ &report.title }</dd>
                    <dt>{ "Its id" }</dt><dd><Hash value={report.election.clone()} of="election id" /></dd></>
                }
                <dt>{ "Newest block" }</dt><dd>{ format::count(view.report.blocks.into()) }</dd>
                <dt>{ "Its hash" }</dt><dd><Hash value={view.report.tip.clone()} of="tip hash" /></dd>
                for (selection, count) in report.tally.ranked() {
                    <><dt>{ selection.to_owned() }</dt><dd>{ format::plural(count, "vote", "votes") }</dd></>
                }
                if report.tally.blank > 0 {
                    <><dt>{ "Blank" }</dt><dd>{ format::plural(report.tally.blank, "ballot", "ballots") }</dd></>
                }
                <dt>{ "Voters counted" }</dt><dd>{ format::count(report.tally.ballots) }</dd>
            </dl>
        </section>
    }
}

/// What was found so far, and how far it is.
fn progress(view: Option<&VerifyView>, busy: bool) -> Html {
    let report = view.map(|view| &view.report);
    let (done, total) = view.map_or((0.0, 1.0), |view| (view.progress, view.total));
    html! {
        <>
            if busy {
                <div class="field">
                    <progress max={total.to_string()} value={done.to_string()} aria-label="Verified so far" data-testid="progress" />
                    <span class="soft">{ format!("{:.0} %: {}, {}", done * 100.0 / total.max(1.0),
                        format::plural(report.map_or(0, |report| report.blocks.into()), "block", "blocks"),
                        format::plural(report.map_or(0, |report| report.votes), "vote", "votes")) }</span>
                </div>
            }
            if let Some(view) = view {
                if let Some(file) = &view.file {
                    <h2>{ file }</h2>
                }
                { outcome(view) }
                { lines(view) }
                { figures(view) }
            }
        </>
    }
}

/// A place for an audit file: chosen or dropped.
#[component]
fn FileVerification() -> Html {
    let shared = use_tools();
    let over = use_state(|| false);
    let complaint = use_state(|| None::<(String, String)>);
    let last = use_mut_ref(|| None::<File>);
    let verify = {
        let (shared, complaint, last) = (shared.clone(), complaint.clone(), last.clone());
        Callback::from(move |file: File| {
            if shared.model.verifying {
                return;
            }
            let send = {
                let shared = shared.clone();
                move |file: File, complaint| {
                    shared.model.dispatch(Action::VerifySent);
                    shared.tools.emit(ToTools::VerifyFile { file: file.into(), complaint });
                }
            };
            if file.type_() == "application/json" {
                shared.model.dispatch(Action::VerifyCleared);
                let (complaint, name, last) = (complaint.clone(), file.name(), last.clone());
                return browser::read_text(&file, move |text| {
                    match (text, last.borrow().clone()) {
                        (Some(text), Some(file)) => send(file, Some(text)),
                        (text, _) => complaint.set(text.map(|text| (name.clone(), text))),
                    }
                });
            }
            last.replace(Some(file.clone()));
            // It is judged once: where it is none, the next file is verified all the same.
            send(file, complaint.as_ref().map(|(_, text)| text.clone()));
            complaint.set(None);
        })
    };
    let onchange = {
        let verify = verify.clone();
        Callback::from(move |event: Event| {
            if let Some(file) = browser::chosen_file(&event) {
                verify.emit(file);
            }
        })
    };
    let drag = |on: bool| {
        let over = over.clone();
        move |event: DragEvent| {
            event.prevent_default();
            over.set(on);
        }
    };
    let ondrop = {
        let over = over.clone();
        move |event: DragEvent| {
            event.prevent_default();
            over.set(false);
            let files = event.data_transfer().and_then(|data| data.files());
            if let Some(file) = files.and_then(|files| files.get(0)) {
                verify.emit(file);
            }
        }
    };
    html! {
        <div class={classes!("drop", over.then_some("over"))} data-testid="drop"
            ondragover={drag(true)} ondragleave={drag(false)} {ondrop}>
            <label class="button" for="audit-file">{ "Choose an audit file" }</label>
            <input id="audit-file" class="visually-hidden" type="file" accept=".blockvote" disabled={shared.model.verifying} onchange={onchange.clone()} />
            <label class="button" for="complaint-file">{ "Add a complaint" }</label>
            <input id="complaint-file" class="visually-hidden" type="file" accept=".json,application/json" disabled={shared.model.verifying} {onchange} />
            if let Some((name, _)) = &*complaint {
                <span data-testid="complaint-chosen">{ format!("{name} is judged by the audit file that you choose next. ") }</span>
            }
            <span class="soft">{ "or drop it here. It is read in this tab and sent nowhere; no network is needed." }</span>
        </div>
    }
}

/// Without an election: an audit file from the disk.
#[component]
pub fn HomeVerify() -> Html {
    let shared = use_shared();
    let model = &shared.model;
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "Verify an audit file" }</h1>
                <p class="soft">{ "One file holds an election whole: definition, voter roll, every block and vote, proofs of double votes, the organiser's seal. This tab checks all of it by itself." }</p>
            </header>
            <section class="sheet" aria-label="Verification">
                <FileVerification />
                { failure(&model.tool) }
                { progress(model.verify.as_deref(), model.verifying) }
            </section>
        </div>
    }
}

/// The screen.
#[component]
pub fn Verify() -> Html {
    let shared = use_shared();
    let model = shared.model.clone();
    let Some(_) = model.election() else {
        return unopened(&model);
    };
    let busy = model.verifying;
    let start = {
        let shared = shared.clone();
        move |_: MouseEvent| {
            shared.model.dispatch(Action::VerifySent);
            shared.send.emit(ToNode::Verify);
        }
    };
    let export = {
        let send = shared.send.clone();
        move |_: MouseEvent| send.emit(ToNode::Export)
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "Verify it yourself" }</h1>
                <p class="soft">{ "This tab checked every vote when it came in. It can do all of it again, from the first block on, and say what it checked. Nobody else is asked." }</p>
            </header>
            <section class="sheet" aria-label="Verification">
                <div class="row">
                    <button type="button" class="button primary" onclick={start} disabled={busy} data-testid="verify">
                        { if busy { "Verifying…" } else { "Verify everything again" } }
                    </button>
                    <button type="button" class="button" onclick={export}>{ "Download the audit file" }</button>
                </div>
                { progress(model.verify.as_deref(), busy) }
                <FileVerification />
                <p class="soft">{ "The audit file holds everything. Anyone can check it here, or with the command " }<code>{ "blockvote verify FILE" }</code>{ "." }</p>
            </section>
            <CheckVote />
        </div>
    }
}
