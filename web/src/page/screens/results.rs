//! The count, as bars or as a table.

use std::rc::Rc;

use blockvote_core::election::{
    definition::{Counting, Election, Eligibility},
    tally::Tally,
};
use blockvote_words::message::{Value, say};
use yew::prelude::*;

use crate::{
    page::{
        browser,
        components::{
            copy::Hash, double_votes::double_votes, seal_notice::seal_notice, unopened::Unopened,
        },
        format,
        hooks::{use_clock, use_election, use_model},
        model::{Model, OpenElection},
        words::{self, t, t_with},
    },
    shared::views::{SealView, Status},
};

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Selections with their counts, the highest first; choices nobody chose are there with 0.
fn rows(tally: &Tally, election: &Election) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> =
        tally.selections.iter().map(|(words, count)| (words.clone(), *count)).collect();
    let unchosen = election.choices.iter().filter(|choice| tally.count(choice) == 0);
    rows.extend(unchosen.map(|choice| (choice.clone(), 0)));
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows
}

fn bar(share: f64, thin: bool) -> Html {
    let width = format!("{share:.2}");
    html! {
        <svg class={classes!("bar", thin.then_some("thin"))} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect x="0" y="0" {width} height="10" />
        </svg>
    }
}

/// A share of all, in words.
fn share(part: u64, whole: u64) -> String {
    t(say::share(Value::Decimal(percent(part, whole))))
}

fn table(rows: &[(String, u64)], total: u64) -> Html {
    html! {
        <div class="scroll">
            <table data-testid="table">
                <caption class="visually-hidden">{ t(say::votes_by_choice()) }</caption>
                <thead><tr>
                    <th scope="col">{ t(say::choice()) }</th>
                    <th scope="col" class="number">{ t(say::votes_heading()) }</th>
                    <th scope="col" class="number">{ t(say::share_heading()) }</th>
                </tr></thead>
                <tbody>
                    for (selection, count) in rows {
                        <tr>
                            <th scope="row">{ selection }</th>
                            <td class="number">{ words::count(*count) }</td>
                            <td class="number">{ share(*count, total) }</td>
                        </tr>
                    }
                </tbody>
            </table>
        </div>
    }
}

fn bars(rows: &[(String, u64)], total: u64, closed: bool) -> Html {
    let most = rows.first().map_or(0, |(_, count)| *count);
    html! {
        <ol class="bars" data-testid="bars">
            for (selection, count) in rows {
                <li class={classes!((closed && *count == most && *count > 0).then_some("lead"))}>
                    <div class="line">
                        <span>{ selection }</span>
                        <span class="count">
                            <b>{ words::count(*count) }</b>
                            <span class="soft">{ "  " }{ share(*count, total) }</span>
                        </span>
                    </div>
                    { bar(percent(*count, total), false) }
                </li>
            }
        </ol>
    }
}

fn turnout(election: &Election, total: u64) -> Html {
    let Some(electorate) = election.electorate() else { return Html::default() };
    let share = Value::Decimal(percent(total, electorate));
    let words = match &election.eligibility {
        Eligibility::Open { .. } => say::turnout_numbers(share, total, electorate),
        Eligibility::Roll { .. } => say::turnout_voters(share, total, electorate),
    };
    html! {
        <>
            <p class="soft" data-testid="turnout">{ t(words) }</p>
            { bar(percent(total, electorate), true) }
        </>
    }
}

/// The screen.
#[component]
pub fn Results() -> Html {
    use_clock();
    let as_table = use_state(|| false);
    let tally = use_model(|model| Rc::clone(&model.tally));
    let closes = use_model(Model::closes);
    let status = use_model(Model::figures);
    let Some(open) = use_election() else {
        return html! { <Unopened /> };
    };
    let election = &open.definition;
    // Shares are of the ballots: with several choices on one they add up to more than all.
    let total = tally.ballots;
    let rows = rows(&tally, election);
    let closed = closes.is_some_and(|closes| js_sys::Date::now() >= closes);
    let sealed = matches!(status.seal, SealView::Sealed { .. });
    let toggle = {
        let as_table = as_table.clone();
        move |_: MouseEvent| as_table.set(!*as_table)
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &election.title }</h1>
                { turnout(election, total) }
            </header>
            { seal_notice(&status.seal) }
            <section class="sheet" aria-label={t(say::count_label())}>
                <div class="row between">
                    <h2>{ t(if sealed { say::sealed_result() } else if closed { say::count_closed() } else { say::count_so_far() }) }</h2>
                    <button type="button" class="button small no-print" onclick={toggle}>
                        { t(if *as_table { say::show_bars() } else { say::show_table() }) }
                    </button>
                </div>
                if rows.is_empty() {
                    <p class="soft">{ t(say::no_votes_counted()) }</p>
                } else if *as_table {
                    { table(&rows, total) }
                } else {
                    { bars(&rows, total, closed) }
                }
                if election.ballot_rules.blank {
                    <p class="soft" data-testid="blank">{ t(say::blank_count(tally.blank)) }</p>
                }
                if election.ballot_rules.most > 1 {
                    <p class="soft">{ t(say::several_shares()) }</p>
                }
            </section>
            { double_votes(&status) }
            { counted(&status, election, sealed) }
            { how_to_check(&open, &status) }
        </div>
    }
}

fn counted(status: &Status, election: &Election, sealed: bool) -> Html {
    let replaced = status.votes > status.voters && election.counting == Counting::LastCounts;
    let last = replaced.then(|| say::counted_last(status.voters));
    let pending = (status.pending > 0 && !sealed).then(|| say::not_counted_yet(status.pending));
    let blocks = status.height.max(1);
    let all = std::iter::once(say::counted_here(status.votes, blocks)).chain(last).chain(pending);
    html! {
        <p class="soft" data-testid="counted" aria-live="polite">{ all.map(t).collect::<Vec<_>>().join(" ") }</p>
    }
}

fn how_to_check(open: &OpenElection, status: &Status) -> Html {
    html! {
        <section class="field" aria-label={t(say::how_to_check_label())}>
            <h2>{ t(say::how_to_check()) }</h2>
            <dl class="facts">
                <dt>{ t(say::fact_election()) }</dt><dd><Hash value={open.id.clone()} of={t(say::of_election())} /></dd>
                <dt>{ t(say::fact_newest()) }</dt><dd>{ words::count(status.height.max(1).into()) }</dd>
                <dt>{ t(say::fact_hash()) }</dt><dd><Hash value={status.tip.clone()} of={t(say::of_tip())} /></dd>
                if let SealView::Sealed { height, tip, id, .. } = &status.seal {
                    <><dt>{ t(say::fact_sealed_at()) }</dt><dd>{ format!("{height}, {}", format::short(tip)) }</dd>
                    <dt>{ t(say::fact_seal()) }</dt><dd><Hash value={id.clone()} of={t(say::of_seal())} /></dd></>
                }
                if let Some(organiser) = &open.definition.organiser {
                    <><dt>{ t(say::fact_organiser()) }</dt><dd><Hash value={organiser.to_text()} of={t(say::of_organiser())} /></dd></>
                }
            </dl>
            <p class="soft">{ t_with(say::check_with(Value::Slot(0)), &[html! { <code>{ "blockvote verify FILE" }</code> }]) }</p>
            <div class="no-print"><button type="button" class="button" onclick={|_: MouseEvent| browser::print()}>{ t(say::print_result()) }</button></div>
        </section>
    }
}
