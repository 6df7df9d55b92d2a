//! Verifying everything again, before the eyes of whoever asks.

use blockvote_core::verify::Outcome;
use web_sys::HtmlInputElement;
use yew::prelude::*;
use yew_router::prelude::*;

use super::unopened;
use crate::{
    messages::{ToNode, VerifyView},
    page::{
        format,
        icons::{Icon, Name},
        model::{Action, use_shared},
        route::Route,
        words::{Hash, Notice},
    },
};

fn lines(view: &VerifyView) -> Html {
    html! {
        <ul class="checks" data-testid="checks">
            for line in view.report.lines.iter() {
                <li data-outcome={format!("{:?}", line.outcome)}>
                    { match (line.outcome, view.done) {
                        (Outcome::Pass, _) => html! { <span class="pass"><Icon name={Name::Tick} /></span> },
                        (Outcome::Fail, _) => html! { <span class="fail"><Icon name={Name::Cross} /></span> },
                        (Outcome::NotReached, false) => html! { <span class="other"><Icon name={Name::Clock} /></span> },
                        _ => html! { <span class="other"><Icon name={Name::Dash} /></span> },
                    } }
                    <span>
                        { &line.check }
                        <span class="visually-hidden">{ match (line.outcome, view.done) {
                            (Outcome::Pass, _) => ": holds",
                            (Outcome::Fail, _) => ": does not hold",
                            (Outcome::Skipped, _) => ": skipped",
                            (Outcome::NotReached, false) => ": under way",
                            (Outcome::NotReached, true) => ": not reached",
                        } }</span>
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
    let kind = if report.passed { "good" } else { "bad" };
    html! {
        <div role="status" data-testid="verdict" data-passed={report.passed.to_string()}>
            <Notice {kind}>{ format!("{} Done by this tab in {}.", report.verdict, format::seconds(view.took_ms)) }</Notice>
        </div>
    }
}

fn figures(view: &VerifyView) -> Html {
    if !(view.done && view.report.passed) {
        return Html::default();
    }
    let mut counts: Vec<_> = view.report.tally.iter().collect();
    counts.sort_by_key(|(selection, count)| (std::cmp::Reverse(*count), *selection));
    html! {
        <section class="field" aria-label="Figures to compare">
            <h2>{ "To compare with someone else’s" }</h2>
            <dl class="facts">
                <dt>{ "Newest block" }</dt><dd>{ format::count(view.report.blocks.into()) }</dd>
                <dt>{ "Its hash" }</dt><dd><Hash value={view.report.tip.clone()} of="tip hash" /></dd>
                for (selection, count) in counts {
                    <><dt>{ selection.to_owned() }</dt><dd>{ format::plural(count, "vote", "votes") }</dd></>
                }
            </dl>
        </section>
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
    let view = model.verify.clone();
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
    let (done, total) = view.as_ref().map_or((0, 1), |view| (view.report.blocks, view.total));
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
                    <button type="button" class="button" onclick={export}>{ "Download the chain" }</button>
                </div>
                if busy {
                    <div class="field">
                        <progress max={total.to_string()} value={done.to_string()} aria-label="Blocks verified" data-testid="progress" />
                        <span class="soft">{ format!("{} of {} blocks, {} votes", format::count(done.into()), format::count(total.into()),
                            format::count(view.as_ref().map_or(0, |view| view.report.votes))) }</span>
                    </div>
                }
                if let Some(view) = &view {
                    { outcome(view) }
                    { lines(view) }
                    { figures(view) }
                } else if !busy {
                    <p class="soft">{ "The downloaded chain is one file: anyone can check it with the command " }<code>{ "blockvote verify" }</code>{ "." }</p>
                }
            </section>
            <FindVote />
        </div>
    }
}

#[component]
fn FindVote() -> Html {
    let shared = use_shared();
    let navigator = use_navigator();
    let text = use_state(String::new);
    let wrong = use_state(|| false);
    let election = shared.model.election().map(|election| election.id.clone()).unwrap_or_default();
    let oninput = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: InputEvent| {
            text.set(event.target_unchecked_into::<HtmlInputElement>().value());
            wrong.set(false);
        }
    };
    let onsubmit = {
        let (text, wrong) = (text.clone(), wrong.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let id = text.rsplit('/').next().unwrap_or_default().trim().to_owned();
            match (id.parse::<blockvote_core::hash::VoteId>(), &navigator) {
                (Ok(vote), Some(navigator)) => {
                    navigator.push(&Route::Receipt {
                        election: election.clone(),
                        vote: vote.to_string(),
                    });
                }
                _ => wrong.set(true),
            }
        }
    };
    html! {
        <form class="sheet" {onsubmit} aria-label="Check one vote">
            <h2>{ "Check one vote" }</h2>
            <div class="field">
                <label for="vote-id">{ "Vote id or address of a receipt" }</label>
                <input id="vote-id" type="text" autocomplete="off" spellcheck="false" value={(*text).clone()} {oninput}
                    aria-describedby="vote-id-hint" aria-invalid={wrong.then_some("true")} />
                <div id="vote-id-hint" class={classes!("hint", wrong.then_some("bad"))} role={wrong.then_some("alert")}>
                    if *wrong {
                        <Icon name={Name::Warning} />{ "A vote id is 64 digits from 0 to 9 and a to f. It stands on the receipt." }
                    }
                </div>
            </div>
            <div><button class="button">{ "Look it up" }</button></div>
        </form>
    }
}
