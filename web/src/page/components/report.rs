//! What a verification found so far, and how far it is.

use blockvote_words::{message::say, report::Ended};
use yew::prelude::*;

use super::{
    copy::Hash,
    icons::{Name, icon},
    notice::{failed, notice},
};
use crate::{
    page::{
        format,
        model::Verification,
        words::{self, t},
    },
    shared::views::VerifyView,
};

/// The words that the command line prints too.
fn word(outcome: Ended, done: bool) -> String {
    t(say::outcome_word(match (outcome, done) {
        (Ended::Pass, _) => "pass",
        (Ended::Warn, _) => "warn",
        (Ended::Fail, _) => "fail",
        (Ended::NotReached, false) => "under-way",
        (Ended::NotReached, true) => "reached",
        (Ended::Skipped, _) => "skipped",
    }))
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
            { notice(kind, t(say::done_in(&report.verdict, format::seconds(view.took_ms)))) }
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
        <section class="field" aria-label={t(say::figures_label())}>
            <h2>{ t(say::figures()) }</h2>
            <dl class="facts">
                if !report.title.is_empty() {
                    <><dt>{ t(say::fact_election()) }</dt><dd>{ &report.title }</dd>
                    <dt>{ t(say::its_id()) }</dt><dd><Hash value={report.election.clone()} of={t(say::of_election())} /></dd></>
                }
                <dt>{ t(say::fact_newest()) }</dt><dd>{ words::count(view.report.blocks.into()) }</dd>
                <dt>{ t(say::fact_hash()) }</dt><dd><Hash value={view.report.tip.clone()} of={t(say::of_tip())} /></dd>
                for (selection, count) in report.tally.ranked() {
                    <><dt>{ selection.to_owned() }</dt><dd>{ t(say::of_votes(count)) }</dd></>
                }
                if report.tally.blank > 0 {
                    <><dt>{ t(say::fact_blank()) }</dt><dd>{ t(say::of_ballots(report.tally.blank)) }</dd></>
                }
                <dt>{ t(say::voters_counted()) }</dt><dd>{ words::count(report.tally.ballots) }</dd>
            </dl>
        </section>
    }
}

/// What was found so far, and how far it is.
pub fn report(verification: &Verification) -> Html {
    let view = verification.view();
    let busy = matches!(verification, Verification::Running(_));
    let failure = match verification {
        Verification::Failed(failure) => Some(failure),
        Verification::Idle | Verification::Running(_) | Verification::Done(_) => None,
    };
    let report = view.map(|view| &view.report);
    let (done, total) = view.map_or((0.0, 1.0), |view| (view.progress, view.total));
    html! {
        <>
            { failed(failure) }
            if busy {
                <div class="field">
                    <progress max={total.to_string()} value={done.to_string()} aria-label={t(say::verified_so_far())} data-testid="progress" />
                    <span class="soft">{ t(say::verified_part((done * 100.0 / total.max(1.0)) as u64, report.map_or(0, |report| report.blocks), report.map_or(0, |report| report.votes))) }</span>
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
