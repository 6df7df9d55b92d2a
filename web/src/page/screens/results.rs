//! The count, as bars or as a table.

use blockvote_core::election::tally::Tally;
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{ElectionView, SealView, Status, Who},
    page::{
        browser, format,
        icons::{Name, icon},
        model::use_shared,
        words::{Hash, notice},
    },
};

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Selections with their counts, the highest first; choices nobody chose are there with 0.
fn rows(tally: &Tally, election: &ElectionView) -> Vec<(String, u64)> {
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

/// The screen.
#[component]
pub fn Results() -> Html {
    let shared = use_shared();
    let table = use_state(|| false);
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    let tally = &shared.model.tally;
    // Shares are of the ballots: with several choices on one they add up to more than all.
    let total = tally.ballots;
    let rows = rows(tally, &election);
    let most = rows.first().map_or(0, |(_, count)| *count);
    let closed = shared.model.closes().is_some_and(|closes| js_sys::Date::now() >= closes);
    let status = shared.model.status.as_deref().cloned().unwrap_or_default();
    let (height, pending) = (status.height.max(1), status.pending);
    let sealed = matches!(status.seal, SealView::Sealed { .. });
    let toggle = {
        let table = table.clone();
        move |_: MouseEvent| table.set(!*table)
    };
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ &election.title }</h1>
                if let Some(electorate) = election.electorate {
                    <p class="soft" data-testid="turnout">{ format!("Turnout {:.1} %: {} of {} {} voted", percent(total, electorate), format::count(total), format::count(electorate),
                        match (election.who, electorate) { (Who::Anyone, 1) => "token", (Who::Anyone, _) => "tokens", (_, 1) => "voter", _ => "voters" }) }</p>
                    { bar(percent(total, electorate), true) }
                }
            </header>
            { seal_notice(&status.seal) }
            <section class="sheet" aria-label="Count">
                <div class="row between">
                    <h2>{ if sealed { "Sealed result" } else if closed { "Count after closing" } else { "Count so far" } }</h2>
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
                        for (selection, count) in rows {
                            <li class={classes!((closed && count == most && count > 0).then_some("lead"))}>
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
                if election.blank {
                    <p class="soft" data-testid="blank">{ format!("Blank: {}.", format::plural(tally.blank, "ballot", "ballots")) }</p>
                }
                if election.most > 1 {
                    <p class="soft">{ "A ballot may hold several choices, so the shares add up to more than 100 %." }</p>
                }
            </section>
            { double_votes(&status) }
            <p class="soft" data-testid="counted" aria-live="polite">
                { format!("Counted by this tab from {} in {}.", format::plural(status.votes, "vote", "votes"), format::plural(u64::from(height), "block", "blocks")) }
                if status.votes > status.voters && election.last_counts {
                    { format!(" {} counted, one for each voter: the last.", if status.voters == 1 { "1 vote is".to_owned() } else { format!("{} votes are", format::count(status.voters)) }) }
                }
                if pending > 0 && !sealed {
                    { format!(" {} for a block and {} not counted yet.",
                        if pending == 1 { "1 vote waits".to_owned() } else { format!("{} votes wait", format::count(pending.into())) },
                        if pending == 1 { "is" } else { "are" }) }
                }
            </p>
            <section class="field" aria-label="How to check it">
                <h2>{ "How anyone can check it" }</h2>
                <dl class="facts">
                    <dt>{ "Election" }</dt><dd><Hash value={election.id.clone()} of="election id" /></dd>
                    <dt>{ "Newest block" }</dt><dd>{ format::count(height.into()) }</dd>
                    <dt>{ "Its hash" }</dt><dd><Hash value={status.tip.clone()} of="tip hash" /></dd>
                    if let SealView::Sealed { height, tip, id, .. } = &status.seal {
                        <><dt>{ "Sealed at block" }</dt><dd>{ format!("{height}, {}", format::short(tip)) }</dd>
                        <dt>{ "Seal" }</dt><dd><Hash value={id.clone()} of="seal id" /></dd></>
                    }
                    if let Some(organiser) = &election.organiser {
                        <><dt>{ "Organiser's key" }</dt><dd><Hash value={organiser.clone()} of="organiser's key" /></dd></>
                    }
                </dl>
                <p class="soft">{ "Get the audit file under Verify, and check it there in another browser or with " }<code>{ "blockvote verify FILE" }</code>{ ": definition, voter roll, proofs of work, signatures, seal and count, all without trusting anybody. Compare the hashes above." }</p>
                <div class="no-print"><button type="button" class="button"
                    onclick={|_: MouseEvent| { let _ = browser::window().print(); }}>{ "Print this result" }</button></div>
            </section>
        </div>
    }
}

/// What the seals come to.
pub fn seal_notice(seal: &SealView) -> Html {
    let (kind, words) = match seal {
        SealView::Unsealed => return Html::default(),
        SealView::Awaited => (
            "warn",
            "The organiser sealed a result over a block that this tab does not hold yet. What is counted below may change.".to_owned(),
        ),
        SealView::Sealed { height, .. } => (
            "good",
            format!("Sealed by the organiser at block {height}. The seal's signature, block and count were checked by this tab."),
        ),
        SealView::Refuted => (
            "bad",
            "Contested: the organiser signed a seal over another count than the chain has. It binds nobody.".into(),
        ),
        SealView::Contested(one, other) => (
            "bad",
            format!("Contested: the organiser signed two seals that differ, over block {one} and over block {other}. Both are kept as proof; neither binds."),
        ),
    };
    let left_out = if let SealView::Sealed { left_out, .. } = seal { &left_out[..] } else { &[] };
    html! {
        <div class="field" data-testid="seal" data-seal={kind}>
            { notice(kind, words) }
            for (reason, votes) in left_out {
                { notice("warn", format!("The organiser left out {}: “{reason}”", format::plural((*votes).into(), "vote", "votes"))) }
            }
        </div>
    }
}

/// Proven double votes, for the result and for the organiser.
pub fn double_votes(status: &Status) -> Html {
    if status.double_vote_count == 0 {
        return Html::default();
    }
    html! {
        <section class="sheet" aria-label="Double votes" data-testid="double-votes">
            <h2>{ "Double votes" }</h2>
            <p class="soft">{ format!("{} signed two different ballots. Each proof is two signatures that anyone can check; it is kept beside the chain and in the audit file.",
                format::plural(status.double_vote_count.into(), "voter", "voters")) }</p>
            <ul class="checks">
                for double in status.double_votes.iter() {
                    <li>
                        { icon(Name::Warning) }
                        <span>{ format!("Token {}", double.token) }</span>
                        <span class="detail">{ format!("“{}” {}; “{}” {}", double.ballots[0].0, double.ballots[0].1, double.ballots[1].0, double.ballots[1].1) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}
