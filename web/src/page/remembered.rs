//! What this browser remembers of elections: those it opened, those it organises, the keys of its
//! user. All in the browser's own storage.

use std::{cell::RefCell, collections::HashMap};

use serde::{Deserialize, Serialize};

use blockvote_core::custody::organiser::Draft;
use blockvote_words::message::{Message, say};

use super::{browser, choosing::Chosen, model::OpenElection};
use crate::shared::{
    messages::millis,
    views::{SealView, Status},
};

/// Elections remembered.
const MAX_ELECTIONS: usize = 50;

/// An election that was opened here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// The question.
    pub title: String,
    /// When it opens.
    pub opens: Option<f64>,
    /// When it closes, as far as it was known when last open here.
    pub closes: Option<f64>,
    /// What its seals came to then: empty, `sealed` or `contested`.
    pub seal: String,
}

impl Known {
    /// In a word, at this time.
    pub fn state(&self) -> &'static str {
        let now = js_sys::Date::now();
        match self.seal.as_str() {
            "sealed" => "sealed",
            "contested" => "contested",
            _ if self.closes.is_some_and(|closes| now >= closes) => "closed",
            _ if self.opens.is_some_and(|opens| now < opens) => "upcoming",
            _ => "open",
        }
    }
}

/// Elections that this browser opened, newest first.
pub fn elections() -> Vec<Known> {
    browser::json_setting("elections").unwrap_or_default()
}

fn keep(elections: &[Known]) {
    browser::keep_setting("elections", &browser::to_json(&elections));
}

/// An election was opened.
pub fn opened(election: &OpenElection) {
    let mut all = elections();
    let before = all.iter().position(|known| known.id == election.id).map(|at| all.remove(at));
    let known = Known {
        id: election.id.clone(),
        title: election.definition.title.clone(),
        opens: election.definition.opens.map(millis),
        closes: election.definition.closes.map(millis),
        seal: before.map(|known| known.seal).unwrap_or_default(),
    };
    all.insert(0, known);
    all.truncate(MAX_ELECTIONS);
    keep(&all);
}

/// The state of the open election changed.
pub fn state(id: &str, status: &Status) {
    let seal = match status.seal {
        SealView::Sealed { .. } => "sealed",
        SealView::Contested(..) | SealView::Refuted => "contested",
        SealView::Unsealed | SealView::Awaited => "",
    };
    let mut all = elections();
    let Some(known) = all.iter_mut().find(|known| known.id == id) else { return };
    if known.closes != status.closes || known.seal != seal {
        known.closes = status.closes;
        seal.clone_into(&mut known.seal);
        keep(&all);
    }
}

thread_local! {
    /// Organisers' files that were opened on this page, by election: big ones do not fit into the
    /// browser's storage.
    static OPENED: RefCell<HashMap<String, String>> = RefCell::default();
}

/// The organiser's file of an election, where this browser organises it.
pub fn organiser(id: &str) -> Option<String> {
    let opened = OPENED.with_borrow(|opened| opened.get(id).cloned());
    opened.or_else(|| browser::setting(&format!("organiser.{id}")))
}

/// Keeps an organiser's file, for this page at least; says whether there was room to keep it for
/// later.
pub fn keep_organiser(id: &str, text: &str) -> bool {
    OPENED.with_borrow_mut(|opened| opened.insert(id.to_owned(), text.to_owned()));
    browser::keep_setting(&format!("organiser.{id}"), text)
}

const DRAFT: &str = "draft";

/// The draft of an election that this browser keeps.
pub fn draft() -> Option<Draft> {
    browser::json_setting(DRAFT)
}

/// Keeps a draft, for the wizard to go on with; returns whether there was room.
pub fn keep_draft(draft: &Draft) -> bool {
    browser::keep_setting(DRAFT, &browser::to_json(draft))
}

/// The draft was published.
pub fn forget_draft() {
    browser::forget_setting(DRAFT);
}

/// A key of this browser's user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnKey {
    /// What its owner calls it.
    pub label: String,
    /// The key file's text.
    pub file: String,
    /// The public half.
    pub public: String,
    /// Whether it is locked.
    pub locked: bool,
}

/// The keys, newest last.
pub fn keys() -> Vec<OwnKey> {
    browser::json_setting("keys").unwrap_or_default()
}

/// Keeps the keys; says whether there was room.
pub fn keep_keys(keys: &[OwnKey]) -> bool {
    browser::keep_setting("keys", &browser::to_json(&keys))
}

/// A paper that was not cast yet. This tab keeps it, through a reload, until the vote is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// The code of the voter's link, empty where there was none.
    pub link_code: String,
    /// The token or code, as it stands in its field.
    pub typed: String,
    /// What was chosen so far.
    pub chosen: Chosen,
}

/// The paper of an election that was begun in this tab.
pub fn paper(election: &str) -> Option<Paper> {
    browser::left_here(&format!("paper.{election}"))
}

/// Keeps a paper that was begun.
pub fn keep_paper(election: &str, paper: &Paper) {
    browser::hand_on(&format!("paper.{election}"), &browser::to_json(paper));
}

/// The vote is stored: nothing of its paper stays.
pub fn forget_paper(election: &str) {
    browser::leave_nothing(&format!("paper.{election}"));
}

/// Relays besides its own that a tab follows at most: each brings every vote once more.
const MAX_RELAYS: usize = 4;

/// Elections with waiting votes that are remembered.
const MAX_WAITING: usize = 8;

/// The relays that tabs of this browser follow: the one that served the page, and those added.
pub fn relays() -> Vec<String> {
    let mut relays = vec![browser::own_relay()];
    relays.extend(added_relays());
    relays
}

/// The relays that were added here.
pub fn added_relays() -> Vec<String> {
    let own = browser::own_relay();
    let mut added: Vec<String> = browser::json_setting("relays").unwrap_or_default();
    added.retain(|relay| *relay != own);
    added
}

/// Adds a relay by what a person types or a link carries.
///
/// # Errors
/// What is wrong with it.
pub fn add_relay(text: &str) -> Result<(), Message> {
    let text = text.trim().trim_end_matches('/');
    let address = match text.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("ws" | "wss", _)) => text.to_owned(),
        Some(_) | None => return Err(say::relay_address()),
    };
    let host = address.split("://").nth(1).unwrap_or_default();
    if host.is_empty() || host.contains([' ', '#', '?', '@']) {
        return Err(say::relay_address());
    }
    let address = if host.contains('/') { address } else { format!("{address}/ws") };
    let mut added = added_relays();
    if added.contains(&address) || address == browser::own_relay() {
        return Err(say::relay_followed());
    }
    if added.len() >= MAX_RELAYS {
        return Err(say::relay_too_many());
    }
    if browser::page_is_secure() && address.starts_with("ws://") && !is_local(&address) {
        return Err(say::relay_insecure());
    }
    added.push(address);
    browser::keep_setting("relays", &browser::to_json(&added));
    Ok(())
}

/// Whether the relay is on this very computer.
pub fn is_local(address: &str) -> bool {
    ["ws://localhost", "ws://127.0.0.1", "ws://[::1]"].iter().any(|own| address.starts_with(own))
}

/// Follows a relay no more.
pub fn remove_relay(address: &str) {
    let mut added = added_relays();
    added.retain(|relay| relay != address);
    browser::keep_setting("relays", &browser::to_json(&added));
}

/// Elections in which a vote was cast here that nobody has confirmed.
pub fn waiting() -> Vec<String> {
    browser::json_setting("waiting").unwrap_or_default()
}

/// Whether a vote that was cast here waits until somebody confirms it.
pub fn waits(election: &str, waits: bool) {
    let mut waiting = waiting();
    let known = waiting.iter().any(|other| other == election);
    if known == waits {
        return;
    }
    waiting.retain(|other| other != election);
    if waits {
        waiting.push(election.to_owned());
    }
    // As many as could be sent at a visit; the oldest is opened again by its own page.
    let over = waiting.len().saturating_sub(MAX_WAITING);
    waiting.drain(..over);
    browser::keep_setting("waiting", &browser::to_json(&waiting));
}
