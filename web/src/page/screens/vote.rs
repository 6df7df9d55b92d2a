//! The ballot paper, and after casting the receipt in its place.

use blockvote_core::{
    crypto::secret::Passphrase, custody::voting_code::Code, election::opening_hours::Hours,
};
use blockvote_words::Words;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::unopened;
use crate::{
    messages::{
        CastByKey, ElectionView, Right, RightView, SealView, ToNode, ToTools, Who, millis,
        timestamp,
    },
    page::{
        ballot::{self, Chosen},
        browser, format,
        icons::{Name, icon},
        model::{Action, Cast, Model, Shared, use_shared},
        receipt,
        remembered::{self, Draft, OwnKey},
        words::{capital, failure, notice},
    },
};

fn hours(model: &Model, election: &ElectionView) -> Hours {
    let sealed =
        model.status.as_ref().is_some_and(|status| matches!(status.seal, SealView::Sealed { .. }));
    let (opens, closes) = (election.opens.map(timestamp), model.closes().map(timestamp));
    Hours::at(timestamp(js_sys::Date::now()), opens, closes, sealed)
}

fn hours_line(hours: Hours) -> String {
    let (time, relative) = (|at| format::time(millis(at)), |at| format::relative(millis(at)));
    match hours {
        Hours::Early(opens) => {
            format!("opens {} ({})", time(opens), relative(opens))
        }
        Hours::Open(Some(closes)) => {
            format!("closes {} ({})", time(closes), relative(closes))
        }
        Hours::Open(None) => "no closing time".into(),
        Hours::Closed(closes) => {
            format!("closed {} ({})", time(closes), relative(closes))
        }
        Hours::Sealed => "closed and sealed".into(),
    }
}

/// A token as typed: the number, or what is wrong with it.
fn read_token(text: &str, electorate: Option<u64>) -> Result<u64, String> {
    let highest = electorate.unwrap_or(blockvote_core::election::token::TokenId::MAX.0);
    let lowest = u64::from(electorate.is_some());
    let wrong = || format!("A token is a whole number from {lowest} to {highest}.");
    let token: u64 = text.trim().parse().map_err(|_| wrong())?;
    if (lowest..=highest).contains(&token) { Ok(token) } else { Err(wrong()) }
}

/// The screen.
#[component]
pub fn Vote() -> Html {
    let shared = use_shared();
    {
        let stored = matches!(shared.model.cast, Cast::Done(_));
        let election = shared.model.election().cloned();
        use_effect_with((stored, election), |(stored, election)| {
            if let (true, Some(election)) = (stored, election) {
                remembered::forget_draft(&election.id);
            }
        });
    }
    let Some(election) = shared.model.election().cloned() else {
        return unopened(&shared.model);
    };
    html! {
        <div class="screen">
            <header>
                <div class="row between">
                    <h1 id="title" tabindex="-1">{ &election.title }</h1>
                    <span class="soft" data-testid="hours">{ hours_line(hours(&shared.model, &election)) }</span>
                </div>
                if !election.description.is_empty() {
                    <p class="soft">{ &election.description }</p>
                }
            </header>
            { paper(&shared, &election) }
            { earlier(&shared, &election) }
        </div>
    }
}

fn paper(shared: &Shared, election: &ElectionView) -> Html {
    let shown = shared.model.shown_receipt();
    if shown.is_some() || matches!(shared.model.cast, Cast::Done(_)) {
        let again = {
            let model = shared.model.clone();
            let keep_code = election.last_counts;
            move |_: MouseEvent| model.dispatch(Action::CastAgain { keep_code })
        };
        let words = match (election.who, election.last_counts) {
            (Who::Anyone, _) => "Vote with another token",
            (_, true) => "Change my vote, or vote with another code",
            (Who::Codes, false) => "Vote with another code",
            (Who::OwnKeys, false) => "Vote with another key",
        };
        return html! {
            <>
                { failure(&shared.model.tool) }
                if let Some(receipt) = shown {
                    { receipt::html(shared, receipt, &election.id) }
                }
                if hours(&shared.model, election).is_open() {
                    <div class="no-print">
                        <button type="button" class="button" onclick={again}>{ words }</button>
                    </div>
                }
            </>
        };
    }
    match hours(&shared.model, election) {
        Hours::Early(_) => html! {
            { notice("warn", "The election is not open yet. Nothing is lost: come back when it opens.") }
        },
        Hours::Closed(closes) => html! {
            { notice("warn", format!("The election closed {}: votes are not taken any more. The result and the chain stay open to everyone.", format::time(millis(closes)))) }
        },
        Hours::Sealed => html! {
            { notice("good", "The organiser sealed the result: votes are not taken any more. The result and the chain stay open to everyone.") }
        },
        Hours::Open(_) => html! { <Paper election={election.clone()} /> },
    }
}

/// Votes followed in this browser.
fn earlier(shared: &Shared, election: &ElectionView) -> Html {
    let shown = shared.model.shown_receipt().map(|receipt| &receipt.vote_id);
    let earlier: Vec<_> =
        shared.model.receipts.iter().filter(|receipt| Some(&receipt.vote_id) != shown).collect();
    if earlier.is_empty() {
        return Html::default();
    }
    html! {
        <section class="field" aria-label="Earlier votes">
            <h2>{ "Watched in this browser" }</h2>
            <ul class="checks">
                for receipt in earlier {
                    <li>
                        { icon(Name::Ballot) }
                        <a href={format!("/e/{}/receipt/{}", election.id, receipt.vote_id)}>
                            { format!("Token {}: “{}”", receipt.token, receipt.selection) }
                        </a>
                        <span class="detail">{ super::found::state_words(receipt) }</span>
                    </li>
                }
            </ul>
        </section>
    }
}

/// What the voter typed as a right, and what the field says about it.
struct Entry {
    right: Result<Right, String>,
    view: Option<RightView>,
    kind: &'static str,
    words: String,
}

fn entry(model: &Model, right: Result<Right, String>, quiet: bool) -> Entry {
    let view = model.right.as_deref().filter(|view| right.as_ref() == Ok(&view.right)).cloned();
    let (kind, words) = match (&right, &view) {
        (Err(_), _) if quiet => ("", String::new()),
        (Err(wrong), _) => ("bad", wrong.clone()),
        (Ok(_), None) => ("", "checking…".to_owned()),
        (Ok(_), Some(view)) => match (&view.problem, &view.voted) {
            (Some(problem), _) => ("bad", format!("{}.", capital(problem))),
            (None, Some(voted)) => {
                ("warn", format!("You voted already: “{voted}”. Casting again replaces it."))
            }
            (None, None) if matches!(right, Ok(Right::Token(_))) => {
                ("good", "unused so far".to_owned())
            }
            (None, None) => match &view.unsure {
                // Signing twice would be a double vote for everybody to see.
                Some(why) => (
                    "warn",
                    format!(
                        "on the voter roll; whether it was used is not known yet: {why}. If you voted before, wait."
                    ),
                ),
                None => ("good", "on the voter roll, not used so far".to_owned()),
            },
        },
    };
    Entry { right, view, kind, words }
}

#[derive(Properties, PartialEq)]
struct PaperProps {
    election: ElectionView,
}

#[component]
fn Paper(props: &PaperProps) -> Html {
    let shared = use_shared();
    let election = &props.election;
    let model = &shared.model;
    let begun = use_memo((), |()| {
        let begun = remembered::draft(&election.id);
        begun.filter(|draft| draft.link_code == *model.link_code).unwrap_or_else(|| {
            let typed = if election.who == Who::Codes { &*model.link_code } else { "" };
            let (link_code, typed) = (model.link_code.to_string(), typed.to_owned());
            Draft { link_code, typed, chosen: Chosen::default() }
        })
    });
    let chosen = use_state(|| begun.chosen.clone());
    let typed = use_state(|| begun.typed.clone());
    {
        let (link_code, typed) = (model.link_code.to_string(), (*typed).clone());
        let draft = Draft { link_code, typed, chosen: (*chosen).clone() };
        use_effect_with((draft, election.id.clone()), |(draft, election)| {
            remembered::keep_draft(election, draft);
        });
    }
    let passphrase = use_state(String::new);
    let tried = use_state(|| false);
    let keys = use_memo((), |()| remembered::keys());
    let picked = use_state(|| 0_usize);
    let by_hand = use_state(|| false);
    let key = keys.get(*picked);
    let right = read_right(election, &typed, key);
    {
        // Asked whenever another right is typed, and when what the answer depends on changes: the chain,
        // the waiting votes, and whether others may have more.
        let moment = model.status.as_ref().map(|status| {
            let others = (status.peers, status.syncing_to, status.sure);
            (status.tip.clone(), status.pending, others)
        });
        let send = shared.send.clone();
        use_effect_with((right.clone(), moment), move |(right, _)| {
            if let Ok(right) = right {
                send.emit(ToNode::CheckRight(right.clone()));
            }
        });
    }
    {
        // A key is opened there.
        let tools = shared.tools.clone();
        use_effect_with(election.who == Who::OwnKeys, move |by_key| {
            if *by_key {
                tools.emit(ToTools::Hello);
            }
        });
    }
    let quiet = typed.is_empty() && election.who != Who::OwnKeys && !*tried;
    let entry = entry(model, right, quiet);
    {
        // Of several keys, the one that is on the roll, unless the voter picked another.
        let lost = entry.view.as_ref().is_some_and(|view| view.token.is_none());
        let next = *picked + 1;
        let advance = lost && election.who == Who::OwnKeys && !*by_hand && next < keys.len();
        let picked = picked.clone();
        use_effect_with((advance, next), move |(advance, next)| {
            if *advance {
                picked.set(*next);
            }
        });
    }
    let changing = entry.view.as_ref().is_some_and(|view| view.voted.is_some());
    let locked = key.is_some_and(|key| key.locked);
    let needs_passphrase = locked && entry.view.as_ref().is_some_and(|view| view.problem.is_none());
    let wrong = if *tried { chosen.selections(election).err() } else { None };
    let refused = match &model.cast {
        Cast::Refused(why) => Some(capital(why)),
        _ => None,
    };
    let sending = matches!(model.cast, Cast::Opening | Cast::Sent);
    let onsubmit = {
        let (shared, chosen, tried) = (shared.clone(), chosen.clone(), tried.clone());
        let (election, right) = (election.clone(), entry.right.clone());
        let key =
            key.map(|key| (key.file.clone().into(), Passphrase::typed((*passphrase).clone())));
        let blocked = entry.kind == "bad" || (needs_passphrase && passphrase.is_empty());
        let field = field_of(election.who, needs_passphrase && passphrase.is_empty());
        move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            match (&right, chosen.selections(&election)) {
                (_, Err(_)) => {
                    browser::focus(if election.choices.is_empty() {
                        "selection"
                    } else {
                        "choice-0"
                    });
                }
                (Err(_), _) => browser::focus(field),
                (Ok(_), _) if blocked => browser::focus(field),
                (Ok(right), Ok(selections)) => {
                    let change = changing;
                    if let (Right::Key { .. }, Some((file, passphrase))) = (right, key.clone()) {
                        shared.model.dispatch(Action::KeySent);
                        let vote = CastByKey { file, passphrase, selections, change };
                        return shared.tools.emit(ToTools::Cast(vote));
                    }
                    let code = match right {
                        Right::Code(code) => code.as_str().to_owned(),
                        Right::Token(_) | Right::Key { .. } => String::new(),
                    };
                    shared.model.dispatch(Action::CastSent { code });
                    shared.send.emit(ToNode::Cast { right: right.clone(), selections, change });
                }
            }
        }
    };
    let words = chosen.words(election);
    let button = match (&words, changing) {
        (None, false) => "Cast vote".to_owned(),
        (None, true) => "Change vote".to_owned(),
        (Some(words), false) if chosen.blank => format!("Cast {words}"),
        (Some(words), false) => format!("Cast vote for “{words}”"),
        (Some(words), true) => format!("Change vote to “{words}”"),
    };
    let offered: Vec<String> =
        model.tally.ranked().into_iter().map(|(words, _)| words.to_owned()).collect();
    let token = entry.view.as_ref().and_then(|view| view.token);
    html! {
        <form class="sheet" {onsubmit} novalidate=true>
            { ballot::html(election, &chosen, wrong.as_deref(), &offered) }
            { match election.who {
                Who::Anyone => token_field(&typed, &entry),
                Who::Codes => code_field(&typed, &entry, !model.link_code.is_empty()),
                Who::OwnKeys => key_field(&keys, (&picked, &by_hand), &passphrase, (needs_passphrase, *tried), &entry),
            } }
            if let Some(why) = refused {
                <div role="alert" data-testid="refused">{ notice("bad", format!("The vote was not cast: {why}.")) }</div>
            }
            if let (Some(words), Some(token), true) = (&words, token, matches!(entry.kind, "good" | "warn")) {
                <p class="review" data-testid="review">
                    { format!("You are about to cast “{words}” as token {token}. ") }
                    { if election.last_counts { "You can change it while the election is open." } else { "It cannot be changed afterwards." } }
                </p>
            }
            <div><button class="button primary" disabled={sending || model.broken.is_some()} data-testid="cast">
                { if sending { "Storing the vote…".to_owned() } else { button } }
            </button></div>
            <ul class="small-print">
                for rule in ballot::rules(election) { <li>{ rule }</li> }
            </ul>
        </form>
    }
}

fn field_of(who: Who, passphrase: bool) -> &'static str {
    match who {
        Who::Anyone => "token",
        Who::Codes => "code",
        Who::OwnKeys if passphrase => "passphrase",
        Who::OwnKeys => "key",
    }
}

fn read_right(election: &ElectionView, typed: &str, key: Option<&OwnKey>) -> Result<Right, String> {
    match election.who {
        Who::Anyone => read_token(typed, election.electorate).map(Right::Token),
        Who::Codes => match Code::parse(typed) {
            // Written one way, so that the answer is recognised.
            Ok(code) => Ok(Right::Code(code.to_string().into())),
            Err(error) => Err(format!("{}.", capital(&error.words()))),
        },
        Who::OwnKeys => key
            .map(|key| Right::Key { public: key.public.clone(), secret: None })
            .ok_or_else(|| {
                "There is no key in this browser: make one, or bring yours, under “Your keys”."
                    .into()
            }),
    }
}

fn hint(id: &'static str, entry: &Entry) -> Html {
    html! {
        <div {id} class={classes!("hint", entry.kind)} aria-live="polite" data-testid={id}>
            { match entry.kind {
                "good" => html! { { icon(Name::Tick) } },
                "bad" | "warn" => html! { { icon(Name::Warning) } },
                _ => Html::default(),
            } }
            { &entry.words }
        </div>
    }
}

fn typing(typed: &UseStateHandle<String>) -> Callback<InputEvent> {
    let typed = typed.clone();
    Callback::from(move |event: InputEvent| {
        typed.set(event.target_unchecked_into::<HtmlInputElement>().value());
    })
}

fn token_field(typed: &UseStateHandle<String>, entry: &Entry) -> Html {
    html! {
        <div class="field">
            <label for="token">{ "Your token" }</label>
            <input id="token" class="narrow" type="text" inputmode="numeric" autocomplete="off"
                value={(**typed).clone()} oninput={typing(typed)} aria-describedby="token-hint"
                aria-invalid={(entry.kind == "bad").then_some("true")} />
            { hint("token-hint", entry) }
        </div>
    }
}

fn code_field(typed: &UseStateHandle<String>, entry: &Entry, from_link: bool) -> Html {
    html! {
        <div class="field">
            <label for="code">{ "Your voting code" }</label>
            <input id="code" class="code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"
                placeholder="XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX"
                value={(**typed).clone()} oninput={typing(typed)} aria-describedby="code-hint"
                aria-invalid={(entry.kind == "bad").then_some("true")} />
            { hint("code-hint", entry) }
            if from_link {
                <small>{ "The code came with your link. It was sent to nobody, and stays in this tab until you have voted." }</small>
            }
        </div>
    }
}

fn key_field(
    keys: &[OwnKey],
    (picked, by_hand): (&UseStateHandle<usize>, &UseStateHandle<bool>),
    passphrase: &UseStateHandle<String>,
    (needs_passphrase, tried): (bool, bool),
    entry: &Entry,
) -> Html {
    let onchange = {
        let (picked, by_hand) = (picked.clone(), by_hand.clone());
        move |event: Event| {
            by_hand.set(true);
            let value = event.target_unchecked_into::<web_sys::HtmlSelectElement>().value();
            picked.set(value.parse().unwrap_or(0));
        }
    };
    html! {
        <div class="field">
            <label for="key">{ "Your key" }</label>
            if !keys.is_empty() {
                <select id="key" {onchange} aria-describedby="key-hint">
                    for (index, key) in keys.iter().enumerate() {
                        <option value={index.to_string()} selected={**picked == index}>
                            { format!("{} ({}…)", key.label, key.public.get(..12).unwrap_or_default()) }
                        </option>
                    }
                </select>
            }
            { hint("key-hint", entry) }
            if needs_passphrase {
                <label for="passphrase">{ "Passphrase of the key" }</label>
                <input id="passphrase" type="password" autocomplete="off" value={(**passphrase).clone()} oninput={typing(passphrase)} />
                if tried && passphrase.is_empty() {
                    <div class="hint bad" role="alert">{ icon(Name::Warning) }{ "The key is locked: type its passphrase." }</div>
                }
            }
            <p><a href="/keys">{ "Your keys" }</a></p>
        </div>
    }
}
