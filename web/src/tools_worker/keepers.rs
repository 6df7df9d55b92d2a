//! The keepers' room: who keeps elections on the relays that this browser follows, asking them to hold one,
//! and finding one by its short address.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use blockvote_core::{
    crypto::{hash::ElectionId, key::PublicKey},
    election::{keepers::Keeper, short_address::ShortAddress},
    node::{
        LinkId, Peer,
        keepers_room::{Say, Seeker},
    },
    wire::{
        frame::{ClientFrame, PeerId, ServerFrame},
        keepers_room::{Answer, room},
    },
};
use blockvote_words::Words;
use gloo_timers::callback::Interval;

use super::tell;
use crate::shared::{
    messages::{FoundKeeper, ToolsEvent},
    relay::{Heard, RelayLink},
    worker::secret_bytes,
};

/// How often keepers are asked again: for whoever came, and what became of a wish.
const ASK_EVERY_MS: u32 = 3_000;
/// Questions without a wish or an address to look up: after these nobody is asked again.
const IDLE_ASKS: u32 = 20;

/// The room while this worker is in it.
struct Lobby {
    seeker: Seeker,
    relays: Vec<(LinkId, RelayLink)>,
    /// This worker's names, from the welcome until the room is entered.
    own: BTreeMap<LinkId, PeerId>,
    address: Option<ShortAddress>,
    /// Whether keepers are asked to hold an election.
    wish: bool,
    /// Elections whose short address was computed again: those that have it.
    right: BTreeSet<ElectionId>,
    computed: BTreeSet<ElectionId>,
    idle: u32,
    _again: Interval,
}

thread_local! {
    static LOBBY: RefCell<Option<Lobby>> = const { RefCell::new(None) };
}

/// Does something in the room, and says what follows there.
fn with<T>(what: impl FnOnce(&mut Lobby) -> (T, Vec<Say>)) -> Option<T> {
    LOBBY.with_borrow_mut(|lobby| {
        let lobby = lobby.as_mut()?;
        let (value, says) = what(lobby);
        for say in says {
            let link = match &say {
                Say::Everybody(link, _) => *link,
                Say::To(peer, _) => peer.link,
            };
            let relay = lobby.relays.iter().find(|(number, _)| *number == link);
            let Some((_, relay)) = relay else { continue };
            match &say {
                Say::Everybody(_, bytes) => relay.send(&ClientFrame::Broadcast(room(), bytes)),
                Say::To(peer, bytes) => relay.send(&ClientFrame::Send(room(), peer.id, bytes)),
            }
        }
        Some(value)
    })
}

/// Enters the room on these relays, where this worker is not in it yet.
fn enter(urls: Vec<String>) {
    if LOBBY.with_borrow(Option::is_some) {
        return;
    }
    LOBBY.set(Some(Lobby {
        seeker: Seeker::new(secret_bytes()),
        relays: Vec::new(),
        own: BTreeMap::new(),
        address: None,
        wish: false,
        right: BTreeSet::new(),
        computed: BTreeSet::new(),
        idle: 0,
        _again: Interval::new(ASK_EVERY_MS, ask_again),
    }));
    for (number, url) in (0..).zip(urls) {
        let link = LinkId(number);
        let relay = RelayLink::follow(url, room(), move |heard| hear(link, heard));
        LOBBY.with_borrow_mut(|lobby| {
            if let Some(lobby) = lobby {
                lobby.relays.push((link, relay));
            }
        });
    }
}

fn ask_again() {
    with(|lobby| {
        let wants = lobby.address.is_some() || lobby.wish;
        lobby.idle = if wants { 0 } else { lobby.idle + 1 };
        let says = if lobby.idle <= IDLE_ASKS { lobby.seeker.ask() } else { Vec::new() };
        lobby.relays.iter().for_each(|(_, relay)| relay.check_silence());
        ((), says)
    });
    show();
}

fn hear(link: LinkId, heard: Heard) {
    let frame = match heard {
        Heard::Frame(frame) => frame,
        Heard::Lost(_) => {
            with(|lobby| (lobby.seeker.left(link), Vec::new()));
            return show();
        }
    };
    match ServerFrame::decode(&frame) {
        Ok(ServerFrame::Welcome(own)) => {
            with(|lobby| (lobby.own.insert(link, own), Vec::new()));
        }
        Ok(ServerFrame::Joined(..)) => {
            with(|lobby| {
                let own = lobby.own.get(&link).copied().unwrap_or_default();
                ((), lobby.seeker.entered(link, own))
            });
        }
        Ok(ServerFrame::Direct(_, id, payload)) => {
            let from = Peer { link, id };
            let news = with(|lobby| match lobby.seeker.hear(from, payload) {
                Some(says) => (true, says),
                None => (false, Vec::new()),
            });
            if news == Some(true) {
                compute();
                show();
            }
        }
        Ok(_) | Err(_) => {}
    }
}

/// Computes the short address of what was found again: half a second each on a slow phone.
fn compute() {
    with(|lobby| {
        let found = lobby.seeker.found().iter().filter(|id| !lobby.computed.contains(*id));
        for id in found.copied().collect::<Vec<_>>() {
            lobby.computed.insert(id);
            if lobby.address.is_some() && ShortAddress::of(&id).ok() == lobby.address {
                lobby.right.insert(id);
            }
        }
        ((), Vec::new())
    });
}

/// Tells the page.
fn show() {
    let shown = with(|lobby| {
        let keepers = lobby.seeker.keepers().map(|found| FoundKeeper {
            keeper: Keeper { name: found.name.clone(), key: found.key },
            refused: match found.answer {
                Some(Answer::Refused(why)) => Some(why.words()),
                Some(Answer::Here | Answer::Fetching) | None => None,
            },
        });
        let found = lobby.right.iter().map(ElectionId::to_string).collect();
        let answered = lobby.seeker.keepers().filter(|keeper| keeper.looked_up).count();
        ((keepers.collect(), found, lobby.address.map(|_| answered)), Vec::new())
    });
    let Some((keepers, ids, looked_up)) = shown else { return };
    tell(ToolsEvent::Keepers(keepers));
    if let Some(answered) = looked_up {
        tell(ToolsEvent::FoundElections { ids, answered });
    }
}

/// Says who is there.
pub fn look(urls: Vec<String>) {
    enter(urls);
    with(|lobby| {
        lobby.idle = 0;
        ((), lobby.seeker.ask())
    });
    // Whoever is there answers at once; that nobody is there is said when they had time.
    if LOBBY.with_borrow(|lobby| lobby.as_ref().is_some_and(|it| it.seeker.keepers().count() > 0)) {
        show();
    }
}

/// Asks these keepers to hold an election.
pub fn hold(urls: Vec<String>, election: ElectionId, keepers: Vec<PublicKey>) {
    enter(urls);
    with(|lobby| {
        lobby.wish = true;
        ((), lobby.seeker.hold(election, keepers))
    });
}

/// Looks up a short address.
pub fn find(urls: Vec<String>, address: ShortAddress) {
    enter(urls);
    with(|lobby| {
        lobby.idle = 0;
        lobby.address = Some(address);
        lobby.right.clear();
        lobby.computed.clear();
        ((), lobby.seeker.find(address))
    });
}
