//! Creating an election: six steps, the draft kept in this browser all the while.

mod ballot;
mod fields;
mod keepers;
mod preview;
mod question;
mod time;
mod voters;

use blockvote_core::{
    crypto::secret::Passphrase,
    custody::organiser::{Draft, DraftField},
};
use blockvote_words::message::say;
use yew::prelude::*;

use self::{fields::Change, keepers::Keepers, preview::Preview};
use crate::{
    page::{
        browser,
        components::{
            icons::{Name, icon},
            notice::{failed, failure_words, notice},
        },
        hooks::{Asked, use_asking, use_tools},
        passphrases, remembered,
        words::t,
    },
    shared::messages::{CheckDraft, Publish, Published},
};

/// Question, ballot, time, voters, keepers, preview.
const STEPS: usize = 6;

/// The step of the wizard that asks for a field, and the field's element there.
fn place(field: DraftField) -> (usize, &'static str) {
    match field {
        DraftField::Title => (0, "draft-title"),
        DraftField::Description => (0, "draft-description"),
        DraftField::Choices => (1, "choice-list"),
        DraftField::Least => (1, "least"),
        DraftField::Most => (1, "most"),
        DraftField::Closes => (2, "closes"),
        DraftField::Count => (3, "count"),
        DraftField::Voters => (3, "voters"),
        DraftField::HighestToken => (3, "highest"),
        DraftField::Keepers => (4, "keepers"),
        // The form offers nothing else than what can be.
        DraftField::Counting | DraftField::Parameters => (3, "who-anyone"),
    }
}

fn begun() -> Draft {
    remembered::draft()
        .unwrap_or_else(|| Draft { choices: vec!["Yes".into(), "No".into()], ..Draft::default() })
}

/// The screen.
#[component]
pub fn Create() -> Html {
    let workers = use_tools();
    let draft = use_state(begun);
    let step = use_state(|| 0_usize);
    let wrong = use_state(|| None::<String>);
    let (passphrase, again) = (use_state(String::new), use_state(String::new));
    let made = use_state(|| None::<(u32, u32)>);
    let checking = use_asking::<()>();
    let publishing = use_asking::<Published>();
    let kept = use_state(|| true);
    let unkept = use_state(|| false);
    let change: Change = {
        let (draft, kept, wrong) = (draft.clone(), kept.clone(), wrong.clone());
        Callback::from(move |what: Box<dyn FnOnce(&mut Draft)>| {
            let mut next = (*draft).clone();
            what(&mut next);
            kept.set(remembered::keep_draft(&next));
            draft.set(next);
            wrong.set(None);
        })
    };
    {
        // Published: keep what only the organiser has, and go there.
        let (published, unkept) = (publishing.asked().answer().cloned(), unkept.clone());
        use_effect_with(published, move |published| {
            let Some(Published { id, organiser }) = published else { return };
            remembered::forget_draft();
            if remembered::keep_organiser(id, organiser.as_str()) {
                browser::visit(&format!("/e/{id}/organise"));
            } else {
                // Going on would lose the only copy.
                unkept.set(true);
            }
        });
    }
    if let (true, Some(Published { id, organiser })) = (*unkept, publishing.asked().answer()) {
        return saved_by_hand(id, organiser.as_str());
    }
    let last = *step + 1 == STEPS;
    let go_to = {
        let (step, wrong) = (step.clone(), wrong.clone());
        move |to: usize| {
            step.set(to);
            wrong.set(None);
            browser::focus("title");
        }
    };
    let publish = {
        let (draft, passphrase) = (draft.clone(), passphrase.clone());
        let (workers, publishing, made) = (workers.clone(), publishing.clone(), made.clone());
        Callback::from(move |()| {
            let passphrase = Passphrase::typed((*passphrase).clone());
            let publish = Publish { draft: Box::new((*draft).clone()), passphrase };
            let made = made.clone();
            let watch = move |progress| made.set(Some(progress));
            publishing.wait(workers.tools().ask_watching(publish, watch));
        })
    };
    let onsubmit = {
        let (step, checking, wrong, go_to) =
            (*step, checking.clone(), wrong.clone(), go_to.clone());
        let (draft, passphrase, again) = (draft.clone(), passphrase.clone(), again.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if let (true, Err(why)) = (last, passphrases::check(&passphrase, &again)) {
                wrong.set(Some(t(why)));
                return browser::focus("organiser-passphrase");
            }
            let problems = workers.tools().ask(CheckDraft(Box::new((*draft).clone())));
            let (wrong, go_to, publish) = (wrong.clone(), go_to.clone(), publish.clone());
            checking.wait(async move {
                let problems = problems.await?.into_iter();
                let mut here = problems.map(|(field, why)| (place(field), why));
                match here.find(|((of, _), _)| *of == step) {
                    Some(((_, field), why)) => {
                        wrong.set(Some(why));
                        browser::focus(field);
                    }
                    None if last => publish.emit(()),
                    None => go_to(step + 1),
                }
                Ok(())
            });
        }
    };
    let back = {
        let before = step.saturating_sub(1);
        move |_: MouseEvent| go_to(before)
    };
    let published = publishing.asked().answer().is_some();
    let busy = published || publishing.asked().is_waiting() || checking.asked().is_waiting();
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ t(say::create_title(*step)) }</h1>
                <ol class="wizard" aria-label={t(say::create_steps())}>
                    for index in 0..STEPS {
                        <li class={classes!((index <= *step).then_some("done"))} aria-current={(index == *step).then_some("step")}>{ t(say::create_step(index)) }</li>
                    }
                </ol>
            </header>
            <form class="sheet" {onsubmit} novalidate=true>
                { match *step {
                    0 => question::question(&draft, &change),
                    1 => ballot::ballot(&draft, &change),
                    2 => time::time(&draft, &change),
                    3 => voters::voters(&draft, &change),
                    4 => html! { <Keepers draft={(*draft).clone()} change={change.clone()} /> },
                    _ => html! { <Preview draft={(*draft).clone()} passphrase={passphrase.clone()} again={again.clone()} /> },
                } }
                if let Some(why) = &*wrong {
                    <div role="alert" class="hint bad" data-testid="problem">{ icon(Name::Warning) }{ why }</div>
                }
                { failed(checking.asked().failure()) }
                if last {
                    { progress(publishing.asked(), *made) }
                }
                <div class="row">
                    if *step > 0 {
                        <button type="button" class="button" onclick={back} disabled={busy}>{ t(say::create_back()) }</button>
                    }
                    <button class="button primary" disabled={busy} data-testid="next">
                        { t(if !last { say::create_next() } else if publishing.asked().is_waiting() { say::create_publishing() } else { say::create_publish() }) }
                    </button>
                </div>
                <small>{ t(if *kept { say::create_kept() } else { say::create_not_kept() }) }</small>
            </form>
        </div>
    }
}

/// The organiser's file does not fit into this browser's storage: it must be saved as a file before
/// anything else.
fn saved_by_hand(id: &str, organiser: &str) -> Html {
    let name = format!("{}.organiser.json", id.get(..8).unwrap_or("election"));
    let download = {
        let organiser = organiser.to_owned();
        move |_: MouseEvent| browser::download(&name, organiser.as_bytes())
    };
    html! {
        <div class="screen">
            <header><h1 id="title" tabindex="-1">{ t(say::save_file_title()) }</h1></header>
            <div class="sheet">
                { notice("bad", t(say::save_file_words())) }
                <div class="row">
                    <button type="button" class="button primary" onclick={download}>{ t(say::save_file()) }</button>
                    <a class="button" href={format!("/e/{id}/organise")}>{ t(say::save_file_done()) }</a>
                </div>
                <small>{ t(say::save_file_then()) }</small>
            </div>
        </div>
    }
}

/// How far publishing is, or why it failed.
fn progress(publishing: &Asked<Published>, made: Option<(u32, u32)>) -> Html {
    match (publishing, made) {
        (Asked::Waiting, Some((done, all))) => html! {
            <div class="field">
                <progress max={all.to_string()} value={done.to_string()} aria-label={t(say::keys_made_label())} />
                <span class="soft">{ t(say::keys_made(done, all)) }</span>
            </div>
        },
        (Asked::Failed(failure), _) => html! {
            <div role="alert" data-testid="failed">{ notice("bad", t(say::not_published(failure_words(failure)))) }</div>
        },
        (Asked::Idle | Asked::Waiting | Asked::Answered(_), _) => Html::default(),
    }
}
