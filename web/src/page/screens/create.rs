//! Creating an election: six steps, the draft kept in this browser all the while.

use blockvote_core::{
    crypto::secret::{Passphrase, SecretText},
    custody::{
        organiser::{Draft, DraftField, Who},
        voting_code::Code,
    },
    election::{ballot::BallotRules, definition::Counting, keepers::Keeper},
    time::Timestamp,
};
use blockvote_words::{custody::advice, standing};
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::{
    messages::{ElectionView, FoundKeeper, ToTools, Who as Voters},
    page::{
        ballot::{self, Chosen},
        browser, format,
        icons::{Name, icon},
        model::{Action, Tool, use_shared, use_tools},
        remembered,
        words::notice,
    },
};

const STEPS: [&str; 6] = ["Question", "Ballot", "Time", "Voters", "Keepers", "Preview"];
const DRAFT: &str = "draft";
/// Keepers answer within this time, as a rule.
const OTHERS_ANSWER_MS: u32 = 1_500;

/// Follows a text field.
pub fn typing(state: &UseStateHandle<String>) -> Callback<InputEvent> {
    let state = state.clone();
    Callback::from(move |event: InputEvent| state.set(super::keys::value(&event)))
}

/// The draft that this browser keeps.
pub fn kept_draft() -> Option<Draft> {
    browser::json_setting(DRAFT)
}

/// Keeps a draft, for the wizard to go on with.
pub fn keep_draft(draft: &Draft) -> bool {
    browser::keep_setting(DRAFT, &browser::to_json(draft))
}

type Change = Callback<Box<dyn FnOnce(&mut Draft)>>;

fn changing(change: &Change, what: impl Fn(&mut Draft, String) + 'static) -> Callback<InputEvent> {
    let (change, what) = (change.clone(), std::rc::Rc::new(what));
    Callback::from(move |event: InputEvent| {
        let target = event.target_unchecked_into::<web_sys::HtmlElement>();
        let text = match target.dyn_ref::<HtmlTextAreaElement>() {
            Some(area) => area.value(),
            None => super::keys::value(&event),
        };
        let what = what.clone();
        change.emit(Box::new(move |draft| what(draft, text)));
    })
}

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

/// What keeps a step from being done: the field to change, and why.
fn problem(step: usize, draft: &Draft) -> Option<(&'static str, String)> {
    let problems = draft.problems(Timestamp(js_sys::Date::now() as u64));
    let here = problems.iter().find(|problem| place(problem.field()).0 == step);
    here.map(|problem| (place(problem.field()).1, advice(problem)))
}

/// The election as voters will see it.
fn preview(draft: &Draft) -> ElectionView {
    let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
    let (who, electorate) = match &draft.who {
        Who::Anyone { highest_token } => (Voters::Anyone, *highest_token),
        Who::Codes { count, voters } if voters.trim().is_empty() => {
            (Voters::Codes, Some(u64::from(*count)))
        }
        Who::Codes { voters, .. } => (Voters::Codes, Some(lines(voters))),
        Who::OwnKeys { voters } => (Voters::OwnKeys, Some(lines(voters))),
    };
    ElectionView {
        id: String::new(),
        title: draft.title.trim().into(),
        description: draft.description.trim().into(),
        choices: draft.choices.iter().map(|choice| choice.trim().to_owned()).collect(),
        least: draft.ballot_rules.least,
        most: draft.ballot_rules.most,
        blank: draft.ballot_rules.blank,
        write_in: draft.ballot_rules.write_in,
        last_counts: draft.counting == Counting::LastCounts,
        who,
        organiser: None,
        electorate,
        opens: draft.opens.map(|time| time.0 as f64),
        closes: draft.closes.map(|time| time.0 as f64),
        spacing_ms: draft.parameters().spacing_ms,
        keepers: draft.keepers.clone(),
    }
}

/// The screen.
#[component]
pub fn Create() -> Html {
    let shared = use_tools();
    let draft = use_state(|| {
        kept_draft().unwrap_or_else(|| Draft {
            choices: vec!["Yes".into(), "No".into()],
            ..Draft::default()
        })
    });
    let step = use_state(|| 0_usize);
    let tried = use_state(|| false);
    let passphrase = use_state(String::new);
    let again = use_state(String::new);
    let unkept = use_state(|| None::<(String, SecretText)>);
    let kept = use_state(|| true);
    let change: Change = {
        let (draft, kept) = (draft.clone(), kept.clone());
        Callback::from(move |what: Box<dyn FnOnce(&mut Draft)>| {
            let mut next = (*draft).clone();
            what(&mut next);
            kept.set(keep_draft(&next));
            draft.set(next);
        })
    };
    {
        // Published: keep what only the organiser has, and go there.
        let (model, unkept) = (shared.model.clone(), unkept.clone());
        use_effect_with(shared.model.published.clone(), move |published| {
            let Some((id, organiser)) = published else { return };
            model.dispatch(Action::ToolSeen);
            browser::forget_setting(DRAFT);
            if remembered::keep_organiser(id, organiser.as_str()) {
                browser::visit(&format!("/e/{id}/organise"));
            } else {
                // Going on would lose the only copy.
                unkept.set(Some((id.clone(), organiser.clone())));
            }
        });
    }
    if let Some((id, organiser)) = &*unkept {
        return saved_by_hand(id, organiser.as_str());
    }
    let found = problem(*step, &draft).or_else(|| {
        let why = super::keys::check_passphrase(&passphrase, &again).err()?;
        (*step + 1 == STEPS.len()).then_some(("organiser-passphrase", why))
    });
    let shown = if *tried { found.clone() } else { None };
    let onsubmit = {
        let (shared, step, tried, draft) =
            (shared.clone(), step.clone(), tried.clone(), draft.clone());
        let passphrase = passphrase.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if let Some((field, _)) = &found {
                return browser::focus(field);
            }
            if *step + 1 < STEPS.len() {
                step.set(*step + 1);
                tried.set(false);
                return browser::focus("title");
            }
            shared.model.dispatch(Action::ToolSent);
            let draft = Box::new((*draft).clone());
            shared.tools.emit(ToTools::Publish {
                draft,
                passphrase: Passphrase::typed((*passphrase).clone()),
            });
        }
    };
    let back = {
        let (step, tried) = (step.clone(), tried.clone());
        move |_: MouseEvent| {
            step.set(step.saturating_sub(1));
            tried.set(false);
            browser::focus("title");
        }
    };
    let busy = matches!(shared.model.tool, Tool::Busy(_));
    let last = *step + 1 == STEPS.len();
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ format!("Create an election: {}", STEPS[*step].to_lowercase()) }</h1>
                <ol class="wizard" aria-label="Steps">
                    for (index, name) in STEPS.iter().enumerate() {
                        <li class={classes!((index <= *step).then_some("done"))} aria-current={(index == *step).then_some("step")}>{ *name }</li>
                    }
                </ol>
            </header>
            <form class="sheet" {onsubmit} novalidate=true>
                { match *step {
                    0 => question(&draft, &change),
                    1 => ballot_step(&draft, &change),
                    2 => time(&draft, &change),
                    3 => voters(&draft, &change),
                    4 => html! { <Keepers draft={(*draft).clone()} change={change.clone()} /> },
                    _ => html! { <Preview draft={(*draft).clone()} passphrase={passphrase.clone()} again={again.clone()} /> },
                } }
                if let Some((_, why)) = shown {
                    <div role="alert" class="hint bad" data-testid="problem">{ icon(Name::Warning) }{ why }</div>
                }
                if last {
                    { publishing(&shared.model.tool) }
                }
                <div class="row">
                    if *step > 0 {
                        <button type="button" class="button" onclick={back} disabled={busy}>{ "Back" }</button>
                    }
                    <button class="button primary" disabled={busy} data-testid="next">
                        { if !last { "Next" } else if busy { "Publishing…" } else { "Publish" } }
                    </button>
                </div>
                <small>{ if *kept { "The draft is kept in this browser; nothing leaves it before you publish." } else { "This browser refuses to keep the draft: finish it before you close the tab." } }</small>
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
            <header><h1 id="title" tabindex="-1">{ "Save your organiser's file" }</h1></header>
            <div class="sheet">
                { notice("bad", "The election is published, but its organiser's file does not fit into this browser's storage. Save it now: without it nobody can hand out the codes, close or seal.") }
                <div class="row">
                    <button type="button" class="button primary" onclick={download}>{ "Save the file" }</button>
                    <a class="button" href={format!("/e/{id}/organise")}>{ "I have it: go on" }</a>
                </div>
                <small>{ "On the next page open the file again." }</small>
            </div>
        </div>
    }
}

fn publishing(tool: &Tool) -> Html {
    match tool {
        Tool::Busy(Some((done, all))) => html! {
            <div class="field">
                <progress max={all.to_string()} value={done.to_string()} aria-label="Keys made" />
                <span class="soft">{ format!("{} of {} keys made", format::count((*done).into()), format::count((*all).into())) }</span>
            </div>
        },
        Tool::Failed(why) => html! {
            <div role="alert" data-testid="failed">{ notice("bad", format!("It was not published: {why}.")) }</div>
        },
        _ => Html::default(),
    }
}

fn question(draft: &Draft, change: &Change) -> Html {
    html! {
        <>
            <div class="field">
                <label for="draft-title">{ "Question" }</label>
                <input id="draft-title" type="text" class="wide" maxlength="200" autocomplete="off" value={draft.title.clone()}
                    oninput={changing(change, |draft, text| draft.title = text)} />
            </div>
            <div class="field">
                <label for="draft-description">{ "More about it (may be empty)" }</label>
                <textarea id="draft-description" rows="5" maxlength="3900" value={draft.description.clone()}
                    oninput={changing(change, |draft, text| draft.description = text)} />
            </div>
        </>
    }
}

fn tick(
    id: &'static str,
    words: &'static str,
    on: bool,
    change: &Change,
    set: fn(&mut Draft, bool),
) -> Html {
    let change = change.clone();
    html! {
        <label class="choice" for={id}>
            <input {id} type="checkbox" checked={on} onchange={move |event: Event| {
                let on = event.target_unchecked_into::<HtmlInputElement>().checked();
                change.emit(Box::new(move |draft| set(draft, on)));
            }} />
            <span class="mark square"></span>
            <span>{ words }</span>
        </label>
    }
}

fn number(
    id: &'static str,
    words: &'static str,
    value: u64,
    oninput: Callback<InputEvent>,
) -> Html {
    html! {
        <div class="field">
            <label for={id}>{ words }</label>
            <input {id} class="narrow" type="text" inputmode="numeric" autocomplete="off" value={value.to_string()} {oninput} />
        </div>
    }
}

fn ballot_step(draft: &Draft, change: &Change) -> Html {
    let free = draft.choices.is_empty();
    let rules = draft.ballot_rules;
    let add = {
        let (change, at) = (change.clone(), draft.choices.len());
        move |_: MouseEvent| {
            change.emit(Box::new(|draft| draft.choices.push(String::new())));
            // The field is there once the page was drawn again.
            gloo_timers::callback::Timeout::new(30, move || {
                browser::focus(&format!("draft-choice-{at}"));
            })
            .forget();
        }
    };
    let kind = {
        let change = change.clone();
        move |event: Event| {
            let several = event.target_unchecked_into::<HtmlSelectElement>().value() == "approval";
            change.emit(Box::new(move |draft| {
                let most = u16::try_from(draft.choices.len()).unwrap_or(1).max(2);
                draft.ballot_rules = BallotRules {
                    least: 1,
                    most: if several { most } else { 1 },
                    ..draft.ballot_rules
                };
            }));
        }
    };
    html! {
        <>
            <fieldset id="choice-list" tabindex="-1">
                <legend>{ "Choices" }</legend>
                if free {
                    <p class="soft">{ "Without choices voters write free text." }</p>
                }
                for (index, choice) in draft.choices.iter().enumerate() {
                    <div class="choice-row">
                        <input id={format!("draft-choice-{index}")} type="text" maxlength="256" autocomplete="off" aria-label={format!("Choice {}", index + 1)}
                            value={choice.clone()} oninput={changing(change, move |draft, text| draft.choices[index] = text)} />
                        { move_button(change, index, index.checked_sub(1), Name::Up, "up") }
                        { move_button(change, index, Some(index + 1).filter(|to| *to < draft.choices.len()), Name::Down, "down") }
                        <button type="button" class="button icon" aria-label={format!("Remove choice {}", index + 1)}
                            onclick={{ let change = change.clone(); move |_: MouseEvent| change.emit(Box::new(move |draft| { draft.choices.remove(index); })) }}>
                            { icon(Name::Cross) }
                        </button>
                    </div>
                }
                <div><button type="button" class="button small" onclick={add} data-testid="add-choice">{ icon(Name::Plus) }{ "Add a choice" }</button></div>
            </fieldset>
            <div class="field">
                <label for="kind">{ "Kind of ballot" }</label>
                <select id="kind" onchange={kind}>
                    <option value="one" selected={rules.most == 1}>{ "One choice" }</option>
                    <option value="approval" selected={rules.most > 1}>{ "Approval: several choices" }</option>
                </select>
            </div>
            if rules.most > 1 {
                <div class="row">
                    { number("least", "At least", rules.least.into(), changing(change, |draft, text| draft.ballot_rules.least = text.trim().parse().unwrap_or(0))) }
                    { number("most", "At most", rules.most.into(), changing(change, |draft, text| draft.ballot_rules.most = text.trim().parse().unwrap_or(2).max(2))) }
                </div>
            }
            <div class="choices">
                { tick("blank", "Blank ballots are allowed", rules.blank, change, |draft, on| draft.ballot_rules.blank = on) }
                { tick("write-in", "Voters may write in one choice of their own", rules.write_in, change, |draft, on| draft.ballot_rules.write_in = on) }
            </div>
        </>
    }
}

fn move_button(
    change: &Change,
    from: usize,
    to: Option<usize>,
    name: Name,
    words: &'static str,
) -> Html {
    let change = change.clone();
    html! {
        <button type="button" class="button icon" aria-label={format!("Move choice {} {words}", from + 1)} disabled={to.is_none()}
            onclick={move |_: MouseEvent| if let Some(to) = to {
                change.emit(Box::new(move |draft| draft.choices.swap(from, to)));
                gloo_timers::callback::Timeout::new(30, move || browser::focus(&format!("draft-choice-{to}"))).forget();
            }}>
            { icon(name) }
        </button>
    }
}

fn time(draft: &Draft, change: &Change) -> Html {
    let field = |id: &'static str,
                 words: &'static str,
                 value: Option<Timestamp>,
                 set: fn(&mut Draft, Option<Timestamp>)| {
        let value = value.map(|time| format::to_field(time.0 as f64)).unwrap_or_default();
        html! {
            <div class="field">
                <label for={id}>{ words }</label>
                <input {id} type="datetime-local" {value}
                    oninput={changing(change, move |draft, text| set(draft, format::from_field(&text).map(Timestamp)))} />
            </div>
        }
    };
    html! {
        <>
            <p class="soft">{ format!("Times are in your time zone, {}; voters see them in theirs.", format::time_zone()) }</p>
            <div class="row">
                { field("opens", "Opens (empty: at once)", draft.opens, |draft, time| draft.opens = time) }
                { field("closes", "Closes (empty: when you close it)", draft.closes, |draft, time| draft.closes = time) }
            </div>
        </>
    }
}

fn voters(draft: &Draft, change: &Change) -> Html {
    let value = match &draft.who {
        Who::Anyone { .. } => "anyone",
        Who::Codes { .. } => "codes",
        Who::OwnKeys { .. } => "keys",
    };
    let onchange = {
        let change = change.clone();
        move |event: Event| {
            let value = event.target_unchecked_into::<HtmlInputElement>().value();
            change.emit(Box::new(move |draft| {
                draft.who = match value.as_str() {
                    "anyone" => Who::Anyone { highest_token: Some(500) },
                    "keys" => Who::OwnKeys { voters: String::new() },
                    _ => Who::Codes { count: 10, voters: String::new() },
                };
                if value == "anyone" {
                    draft.counting = Counting::FirstCounts;
                }
            }));
        }
    };
    let option = |id: &'static str, title: &'static str, words: &'static str| {
        html! {
            <label class="choice" for={format!("who-{id}")}>
                <input id={format!("who-{id}")} type="radio" name="who" value={id} checked={value == id} onchange={onchange.clone()} />
                <span class="mark"></span>
                <span><b>{ title }</b><br /><small>{ words }</small></span>
            </label>
        }
    };
    html! {
        <>
            <fieldset>
                <legend>{ "Who may vote" }</legend>
                <div class="choices">
                    { option("codes", "Whoever has a voting code", "You hand out codes, as links, QR codes or slips of paper. You made them, so voters have to trust you not to use them.") }
                    { option("keys", "Voters with keys of their own", "Each voter makes a key and sends you the public half. Nobody else can vote in their place, not even you.") }
                    { option("anyone", "Anybody with an unused number", "No roll and no signatures: for shows of hands among people who trust each other.") }
                </div>
            </fieldset>
            { match &draft.who {
                Who::Anyone { highest_token } => number("highest", "Numbers go from 1 to", highest_token.unwrap_or(0),
                    changing(change, |draft, text| draft.who = Who::Anyone { highest_token: Some(text.trim().parse().unwrap_or(0)) })),
                Who::Codes { count, voters } => html! {
                    <>
                        if voters.trim().is_empty() {
                            { number("count", "Number of codes", (*count).into(), changing(change, |draft, text| {
                                if let Who::Codes { count, .. } = &mut draft.who { *count = text.trim().replace([',', '.'], "").parse().unwrap_or(0); }
                            })) }
                        }
                        { list(voters, "Or a list of voters, one in each line, no heading (CSV; names never leave this browser)", change) }
                    </>
                },
                Who::OwnKeys { voters } => list(voters, "Public keys, one in each line; names beside them are welcome (CSV; names never leave this browser)", change),
            } }
            if !matches!(draft.who, Who::Anyone { .. }) {
                <div class="choices">
                    { tick("last", "Voters can change their vote while the election is open: the last one counts", draft.counting == Counting::LastCounts, change,
                        |draft, on| draft.counting = if on { Counting::LastCounts } else { Counting::FirstCounts }) }
                </div>
            }
        </>
    }
}

fn set_list(draft: &mut Draft, text: String) {
    if let Who::Codes { voters, .. } | Who::OwnKeys { voters } = &mut draft.who {
        *voters = text;
    }
}

fn list(voters: &str, words: &'static str, change: &Change) -> Html {
    let onfile = {
        let change = change.clone();
        move |event: Event| {
            let Some(file) = browser::chosen_file(&event) else { return };
            let change = change.clone();
            browser::read_text(&file, move |text| {
                let text = text.unwrap_or_default();
                change.emit(Box::new(move |draft| set_list(draft, text)));
            });
        }
    };
    html! {
        <div class="field">
            <label for="voters">{ words }</label>
            <textarea id="voters" rows="6" value={voters.to_owned()} oninput={changing(change, set_list)} />
            <div>
                <label class="button small" for="voters-file">{ "Take it from a file" }</label>
                <input id="voters-file" class="visually-hidden" type="file" accept=".csv,.txt,text/csv,text/plain" onchange={onfile} />
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct KeepersProps {
    draft: Draft,
    change: Change,
}

/// Who holds the election while everybody else is away.
#[component]
fn Keepers(props: &KeepersProps) -> Html {
    let shared = use_shared();
    let KeepersProps { draft, change } = props;
    {
        let tools = shared.tools.clone();
        use_effect_with((), move |()| tools.emit(ToTools::LookForKeepers(remembered::relays())));
    }
    let found = shared.model.keepers.clone();
    let bounded = !matches!(draft.who, Who::Anyone { highest_token: None });
    {
        // The only one that is there is named, once others had time to answer.
        let (change, empty) = (change.clone(), draft.keepers.is_empty());
        let first = use_mut_ref(|| true);
        let latest = use_mut_ref(|| None::<Keeper>);
        let only = found.as_ref().and_then(|found| match found.as_slice() {
            [only] => Some(only.keeper.clone()),
            _ => None,
        });
        latest.borrow_mut().clone_from(&only);
        use_effect_with(only.is_some(), move |some| {
            if *some && empty && bounded && first.replace(false) {
                gloo_timers::callback::Timeout::new(OTHERS_ANSWER_MS, move || {
                    let only = latest.borrow().clone();
                    change.emit(Box::new(move |draft| {
                        if draft.keepers.is_empty() {
                            draft.keepers.extend(only);
                        }
                    }));
                })
                .forget();
            }
        });
    }
    let away = |keeper: &&Keeper| {
        let here = found.iter().flat_map(|found| found.iter());
        !here.map(|found| &found.keeper).any(|here| here == *keeper)
    };
    let listed = found.iter().flat_map(|found| found.iter()).map(|found| (&found.keeper, true));
    let listed = listed.chain(draft.keepers.iter().filter(away).map(|keeper| (keeper, false)));
    let listed: Vec<_> = listed.map(|(keeper, here)| (keeper.clone(), here)).collect();
    let choose = |keeper: &Keeper| {
        let (change, keeper) = (change.clone(), keeper.clone());
        move |event: Event| {
            let on = event.target_unchecked_into::<HtmlInputElement>().checked();
            let keeper = keeper.clone();
            change.emit(Box::new(move |draft| {
                draft.keepers.retain(|known| known.key != keeper.key);
                if on {
                    draft.keepers.push(keeper);
                }
            }));
        }
    };
    html! {
        <>
            <p class="soft">{ "A keeper is a computer that never sleeps: it hands the election to everybody who comes, takes their votes, and signs that it has them. It cannot change or forge a vote. Anybody can run one under any name: choose those whose operator you know." }</p>
            <fieldset id="keepers" tabindex="-1">
                <legend>{ "Keepers on your relays" }</legend>
                if !bounded {
                    { notice("warn", "Keepers do not hold an election in which anybody can vote without end: give a highest number in the step before.") }
                } else if listed.is_empty() && found.is_some() {
                    { notice("warn", "No keeper answers. The election then lives only while somebody has its page open, and nobody can tell a voter before the seal that a vote was received.") }
                } else if listed.is_empty() {
                    <p class="soft">{ "Asking…" }</p>
                }
                <div class="choices">
                    for (index, (keeper, here)) in listed.iter().enumerate() {
                        <label class="choice" for={format!("keeper-{index}")} data-testid="keeper">
                            <input id={format!("keeper-{index}")} type="checkbox" onchange={choose(keeper)}
                                checked={draft.keepers.iter().any(|named| named.key == keeper.key)} />
                            <span class="mark square"></span>
                            <span><b>{ &keeper.name }</b><br /><small>{ if *here { format::short(&keeper.key.to_text()) } else { "does not answer at the moment".into() } }</small></span>
                        </label>
                    }
                </div>
            </fieldset>
            <p class="soft">{ match draft.keepers.len() {
                0 => "Without a keeper no receipt is certain before you have sealed the result.".to_owned(),
                1 => "A vote counts as received when this keeper has it.".to_owned(),
                n => format!("A vote counts as received when two of these {n} keepers have it: one of them may be wrong."),
            } }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct PreviewProps {
    draft: Draft,
    passphrase: UseStateHandle<String>,
    again: UseStateHandle<String>,
}

/// What a voter will see; a ballot to try, which is cast nowhere.
#[component]
fn Preview(props: &PreviewProps) -> Html {
    let chosen = use_state(Chosen::default);
    let keepers = kept_by(&props.draft.keepers, use_shared().model.keepers.as_deref());
    let election = preview(&props.draft);
    let hours = match (election.opens, election.closes) {
        (None, None) => "open from the start, until you close it".to_owned(),
        (Some(opens), None) => format!("opens {}, until you close it", format::time(opens)),
        (None, Some(closes)) => format!("closes {}", format::time(closes)),
        (Some(opens), Some(closes)) => {
            format!("opens {}, closes {}", format::time(opens), format::time(closes))
        }
    };
    let example = Code::from_random(&[0x5a; 17]).to_string();
    html! {
        <>
            <p class="soft">{ "This is what voters will see. Try it: nothing is cast." }</p>
            <div class="preview" data-testid="preview">
                <div class="row between"><h2>{ &election.title }</h2><span class="soft">{ hours }</span></div>
                if !election.description.is_empty() { <p class="soft">{ &election.description }</p> }
                { ballot::html(&election, &chosen, None, &[]) }
                if election.who == Voters::Codes {
                    <p class="soft">{ "Each voter types a code such as " }<code>{ example }</code>{ ", or opens a link that holds it." }</p>
                }
                <ul class="small-print">for rule in ballot::rules(&election) { <li>{ rule }</li> }</ul>
            </div>
            <div class="field">
                <label for="organiser-passphrase">{ "Passphrase for your organiser's file (may be left out)" }</label>
                <input id="organiser-passphrase" type="password" autocomplete="new-password" value={(*props.passphrase).clone()} oninput={typing(&props.passphrase)} />
                { super::keys::second_passphrase("organiser-passphrase-again", &props.passphrase, &props.again) }
                <small>{ "The file holds the key that closes and seals, the codes and the names. It rests in this browser; with a passphrase it rests locked." }</small>
            </div>
            { keepers }
            { notice("warn", "Once published nothing can be changed: the link commits to every word and every voter.") }
        </>
    }
}

/// Who will hold the election, and who of them is not there to take it.
fn kept_by(named: &[Keeper], here: Option<&Vec<FoundKeeper>>) -> Html {
    let here = |keeper: &Keeper| {
        here.is_some_and(|found| found.iter().any(|found| found.keeper.key == keeper.key))
    };
    let names = |wanted: bool| {
        let those = named.iter().filter(|keeper| here(keeper) == wanted);
        standing::list(&those.map(|keeper| keeper.name.as_str()).collect::<Vec<_>>())
    };
    match (names(true), names(false)) {
        (there, away) if there.is_empty() && away.is_empty() => Html::default(),
        (there, away) if away.is_empty() => {
            html! { <p data-testid="kept-by">{ format!("Will be held by {there}.") }</p> }
        }
        (there, away) => notice(
            "warn",
            match there.as_str() {
                "" => format!(
                    "{away}: no answer at the moment. After publishing, keep the page open until a keeper has the election."
                ),
                there => format!("Will be held by {there}. {away}: no answer at the moment."),
            },
        ),
    }
}
