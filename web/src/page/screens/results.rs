//! The count, as bars or as a table.

use std::rc::Rc;

use blockvote_core::election::{
    definition::{Counting, Election, Eligibility},
    tally::Tally,
};
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

/// What this screen shows of the node's state: it is drawn again when this changes.
fn figures(model: &Model) -> Status {
    let Some(status) = &model.status else { return Status::default() };
    Status {
        height: status.height,
        tip: status.tip.clone(),
        votes: status.votes,
        voters: status.voters,
        pending: status.pending,
        seal: status.seal.clone(),
        double_votes: status.double_votes.clone(),
        double_vote_count: status.double_vote_count,
        ..Status::default()
    }
}

fn bar(share: f64, thin: bool) -> Html {
    let width = format!("{share:.2}");
    html! {
        <svg class={classes!("bar", thin.then_some("thin"))} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect x="0" y="0" {width} height="10" />
        </svg>
    }
}

fn table(rows: &[(String, u64)], total: u64) -> Html {
    html! {
        <div class="scroll">
            <table data-testid="table">
                <caption class="visually-hidden">{ "Votes by selection" }</caption>
                <thead><tr>
                    <th scope="col">{ "Selection" }</th>
                    <th scope="col" class="number">{ "Votes" }</th>
                    <th scope="col" class="number">{ "Share" }</th>
                </tr></thead>
                <tbody>
                    for (selection, count) in rows {
                        <tr>
                            <th scope="row">{ selection }</th>
                            <td class="number">{ format::count(*count) }</td>
                            <td class="number">{ format!("{:.1} %", percent(*count, total)) }</td>
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
                            <b>{ format::count(*count) }</b>
                            <span class="soft">{ format!("  {:.1} %", percent(*count, total)) }</span>
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
    let who = match (&election.eligibility, electorate) {
        (Eligibility::Open { .. }, 1) => "token",
        (Eligibility::Open { .. }, _) => "tokens",
        (Eligibility::Roll { .. }, 1) => "voter",
        (Eligibility::Roll { .. }, _) => "voters",
    };
    html! {
        <>
            <p class="soft" data-testid="turnout">{ format!("Turnout {:.1} %: {} of {} {who} voted",
                percent(total, electorate), format::count(total), format::count(electorate)) }</p>
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
    let status = use_model(figures);
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
            <section class="sheet" aria-label="Count">
                <div class="row between">
                    <h2>{ if sealed { "Sealed result" } else if closed { "Count after closing" } else { "Count so far" } }</h2>
                    <button type="button" class="button small no-print" onclick={toggle}>
                        { if *as_table { "Show bars" } else { "Show as table" } }
                    </button>
                </div>
                if rows.is_empty() {
                    <p class="soft">{ "No vote is in the chain yet. The first one shows here as soon as its block is found." }</p>
                } else if *as_table {
                    { table(&rows, total) }
                } else {
                    { bars(&rows, total, closed) }
                }
                if election.ballot_rules.blank {
                    <p class="soft" data-testid="blank">{ format!("Blank: {}.", format::plural(tally.blank, "ballot", "ballots")) }</p>
                }
                if election.ballot_rules.most > 1 {
                    <p class="soft">{ "A ballot may hold several choices, so the shares add up to more than 100 %." }</p>
                }
            </section>
            { double_votes(&status) }
            { counted(&status, election, sealed) }
            { how_to_check(&open, &status) }
        </div>
    }
}

fn counted(status: &Status, election: &Election, sealed: bool) -> Html {
    let pending = status.pending;
    html! {
        <p class="soft" data-testid="counted" aria-live="polite">
            { format!("Counted by this tab from {} in {}.", format::plural(status.votes, "vote", "votes"),
                format::plural(u64::from(status.height.max(1)), "block", "blocks")) }
            if status.votes > status.voters && election.counting == Counting::LastCounts {
                { format!(" {} counted, one for each voter: the last.", if status.voters == 1 { "1 vote is".to_owned() } else { format!("{} votes are", format::count(status.voters)) }) }
            }
            if pending > 0 && !sealed {
                { format!(" {} for a block and {} not counted yet.",
                    if pending == 1 { "1 vote waits".to_owned() } else { format!("{} votes wait", format::count(pending.into())) },
                    if pending == 1 { "is" } else { "are" }) }
            }
        </p>
    }
}

fn how_to_check(open: &OpenElection, status: &Status) -> Html {
    html! {
        <section class="field" aria-label="How to check it">
            <h2>{ "How anyone can check it" }</h2>
            <dl class="facts">
                <dt>{ "Election" }</dt><dd><Hash value={open.id.clone()} of="election id" /></dd>
                <dt>{ "Newest block" }</dt><dd>{ format::count(status.height.max(1).into()) }</dd>
                <dt>{ "Its hash" }</dt><dd><Hash value={status.tip.clone()} of="tip hash" /></dd>
                if let SealView::Sealed { height, tip, id, .. } = &status.seal {
                    <><dt>{ "Sealed at block" }</dt><dd>{ format!("{height}, {}", format::short(tip)) }</dd>
                    <dt>{ "Seal" }</dt><dd><Hash value={id.clone()} of="seal id" /></dd></>
                }
                if let Some(organiser) = &open.definition.organiser {
                    <><dt>{ "Organiser's key" }</dt><dd><Hash value={organiser.to_text()} of="organiser's key" /></dd></>
                }
            </dl>
            <p class="soft">{ "Get the audit file under Verify, and check it there in another browser or with " }<code>{ "blockvote verify FILE" }</code>{ ": definition, voter roll, proofs of work, signatures, seal and count, all without trusting anybody. Compare the hashes above." }</p>
            <div class="no-print"><button type="button" class="button" onclick={|_: MouseEvent| browser::print()}>{ "Print this result" }</button></div>
        </section>
    }
}
