//! The count, as bars or as a table.

use blockvote_core::tally::Tally;
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::ElectionView,
    page::{format, model::use_shared},
};

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Selections with their counts, the highest first; choices nobody chose are there with 0.
fn rows(tally: &Tally, election: &ElectionView) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> =
        tally.iter().map(|(selection, count)| (selection.to_owned(), count)).collect();
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

/// The screen.
#[component]
pub fn Results() -> Html {
    let shared = use_shared();
    let table = use_state(|| false);
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    let tally = &shared.model.tally;
    let total = tally.total();
    let rows = rows(tally, &election);
    let closed = election.closes.is_some_and(|closes| js_sys::Date::now() >= closes);
    let (height, pending) =
        shared.model.status.as_ref().map_or((1, 0), |status| (status.height, status.pending));
    let toggle = {
        let table = table.clone();
        move |_: MouseEvent| table.set(!*table)
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &election.title }</h1>
                if let Some(electorate) = election.electorate {
                    <p class="soft" data-testid="turnout">{ format!("Turnout {:.1} %: {} of {} tokens voted", percent(total, electorate), format::count(total), format::count(electorate)) }</p>
                    { bar(percent(total, electorate), true) }
                }
            </header>
            <section class="sheet" aria-label="Count">
                <div class="row between">
                    <h2>{ if closed { "Count after closing" } else { "Count so far" } }</h2>
                    <button type="button" class="button small no-print" onclick={toggle}>
                        { if *table { "Show bars" } else { "Show as table" } }
                    </button>
                </div>
                if rows.is_empty() {
                    <p class="soft">{ "No vote is in the chain yet. The first one shows here as soon as its block is found." }</p>
                } else if *table {
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
                                        <td class="number">{ format::count(count) }</td>
                                        <td class="number">{ format!("{:.1} %", percent(count, total)) }</td>
                                    </tr>
                                }
                            </tbody>
                        </table>
                    </div>
                } else {
                    <ol class="bars" data-testid="bars">
                        for (index, (selection, count)) in rows.into_iter().enumerate() {
                            <li class={classes!((closed && index == 0 && count > 0).then_some("lead"))}>
                                <div class="line">
                                    <span>{ selection }</span>
                                    <span class="count">
                                        <b>{ format::count(count) }</b>
                                        <span class="soft">{ format!("  {:.1} %", percent(count, total)) }</span>
                                    </span>
                                </div>
                                { bar(percent(count, total), false) }
                            </li>
                        }
                    </ol>
                }
            </section>
            <p class="soft" data-testid="counted" aria-live="polite">
                { format!("Counted by this tab from {} in {}.", format::plural(total, "vote", "votes"), format::plural(u64::from(height), "block", "blocks")) }
                if pending > 0 {
                    { format!(" {} for a block and {} not counted yet.",
                        if pending == 1 { "1 vote waits".to_owned() } else { format!("{} votes wait", format::count(pending.into())) },
                        if pending == 1 { "is" } else { "are" }) }
                }
            </p>
        </div>
    }
}
