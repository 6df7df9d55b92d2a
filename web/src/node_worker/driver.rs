//! Carries out what the node says and hands it what happens.
//!
//! Invariant: an effect is carried out only after the changes that came before it are stored, so
//! the page is never told of a vote that a closed tab would lose.

mod requests;

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use blockvote_core::{
    crypto::hash::VoteId,
    node::{Event, Input, LinkId, Node, Output, Peer, Signatures, StoreChange},
    wire::frame::{ClientFrame, PeerId, ServerFrame},
};
use blockvote_words::{Words, message::say};
use gloo_timers::callback::{Interval, Timeout};
use wasm_bindgen_futures::spawn_local;

use super::{
    lock,
    miners::Miners,
    state::{Effect, Followed, State},
    tabs::{FromTab, Tabs},
    tell, views,
};
use crate::shared::{
    messages::{MiningWish, NodeEvent},
    relay::{Heard, RelayLink},
    store::{Own, Store},
    verifiers::Verifiers,
    views::{RelayStatus, StorageStatus},
    worker::{log, now},
};

const TICK_MS: u32 = 500;
/// Looks at the other tabs, one each twenty seconds and at the beginning, that none answered.
const UNANSWERED_LOOKS: u32 = 1;
/// Changes are shown together, this long after the first.
const SHOW_AFTER_MS: u32 = 30;

/// A handle on the running node.
#[derive(Clone)]
pub struct Driver(Rc<RefCell<State>>);

impl Driver {
    /// Starts driving.
    pub fn start(
        node: Node,
        store: Option<Store>,
        storage: StorageStatus,
        own: Vec<Own>,
        relays: Vec<String>,
        wish: MiningWish,
        damaged: bool,
    ) -> Self {
        let mut own: Vec<_> = own.into_iter().map(|own| (own.vote.id(), own)).collect();
        own.sort_by_key(|(_, own)| own.at);
        let id = node.chain().id();
        let driver = Self(Rc::new(RefCell::new(State {
            node,
            store: store.map(Rc::new),
            storage,
            relays: Vec::new(),
            next_link: 0,
            unanswered: 0,
            tabs: None,
            miners: Miners::default(),
            verifiers: Verifiers::default(),
            to_verify: None,
            wish,
            insists: false,
            own,
            proofs: HashMap::new(),
            found: 0,
            rejected: (0, None),
            persisted: None,
            effects: VecDeque::new(),
            pumping: false,
            wake: None,
            show: None,
            shown_result: None,
        })));
        if damaged {
            log("the stored chain does not verify whole; the rest comes from peers");
        }
        driver.0.borrow_mut().take_up_own();
        driver.follow_relays(relays);
        let owner = driver.clone();
        let tabs = Tabs::open(id, move |heard| owner.heard_tab(heard));
        if let Some(own) = tabs.as_ref().map(Tabs::own) {
            driver.0.borrow_mut().tabs = tabs;
            driver.act(|inner| inner.node.handle(now(), Input::LinkUp(LinkId::OWN_TABS, own)));
        }
        let writer = driver.clone();
        spawn_local(async move {
            // Without locks (a page that is not secure, an old browser) every tab writes: what
            // they leave behind is verified when it is read, and what does not fit is fetched.
            if let Err(error) = lock::hold(&format!("blockvote-writer-{id}")).await {
                web_sys::console::warn_2(&"no Web Locks: this tab writes by itself".into(), &error);
            }
            // Unless it took over meanwhile.
            if writer.0.borrow().storage == StorageStatus::Sharing {
                writer.become_writer().await;
            }
        });
        let ticking = driver.clone();
        Interval::new(TICK_MS, move || ticking.tick()).forget();
        driver.act(State::apply_wish);
        driver.set_miners();
        driver.show_soon();
        driver
    }

    /// Follows these relays: new ones are connected to, others left.
    fn follow_relays(&self, urls: Vec<String>) {
        let (left, new) = {
            let mut inner = self.0.borrow_mut();
            let (kept, left): (Vec<_>, Vec<_>) = std::mem::take(&mut inner.relays)
                .into_iter()
                .partition(|relay| urls.contains(&relay.status.url));
            inner.relays = kept;
            let is_new = |url: &String| inner.relays.iter().all(|relay| relay.status.url != *url);
            let new: Vec<_> = urls.into_iter().filter(is_new).collect();
            (left, new)
        };
        for Followed { number, link, .. } in left {
            link.end();
            self.act(|inner| inner.node.handle(now(), Input::LinkDown(number)));
        }
        for url in new {
            let (number, id) = {
                let mut inner = self.0.borrow_mut();
                inner.next_link += 1;
                (LinkId(inner.next_link - 1), inner.node.chain().id())
            };
            let owner = self.clone();
            // An address that is none is lost at once: it calls back from here.
            let link = RelayLink::follow(url.clone(), id, move |heard| owner.heard(number, heard));
            let status = RelayStatus { url, connected: false, problem: None };
            self.0.borrow_mut().relays.push(Followed {
                number,
                link,
                own: PeerId::default(),
                status,
            });
        }
        self.show_soon();
    }

    /// Does something with the node and carries out what follows.
    fn act<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        let (result, to_verify, pump) = {
            let mut inner = self.0.borrow_mut();
            let result = what(&mut inner);
            inner.take_outputs();
            let to_verify = inner.to_verify.take();
            let pump = !inner.pumping && !inner.effects.is_empty();
            inner.pumping |= pump;
            self.wake_in_time(&mut inner);
            (result, to_verify, pump)
        };
        if let Some(signatures) = to_verify {
            self.verify_signatures(signatures);
        }
        if pump {
            spawn_local(self.clone().pump());
        }
        result
    }

    /// Has signatures verified, while what came before is stored.
    fn verify_signatures(&self, Signatures { id, list }: Signatures) {
        let verdict = self.0.borrow().verifiers.verify(list);
        let driver = self.clone();
        spawn_local(async move {
            let verdict = verdict.get().await;
            driver.act(|inner| inner.node.handle(now(), Input::Verified { id, verdict }));
        });
    }

    /// Sets a timer where the node wants to be woken before the next tick.
    fn wake_in_time(&self, inner: &mut State) {
        let now = now();
        let wait = inner.node.next_wake(now).ms_since(now);
        if inner.wake.is_none() && wait < u64::from(TICK_MS) {
            let driver = self.clone();
            let wait = u32::try_from(wait).unwrap_or(TICK_MS).max(1);
            inner.wake = Some(Timeout::new(wait, move || {
                if let Some(timeout) = driver.0.borrow_mut().wake.take() {
                    // It is running.
                    timeout.forget();
                }
                driver.act(|inner| inner.node.handle(self::now(), Input::Tick));
            }));
        }
    }

    /// Stores, then sends and tells, until nothing is left.
    async fn pump(self) {
        loop {
            let (effects, store, writer) = {
                let mut inner = self.0.borrow_mut();
                if inner.effects.is_empty() {
                    inner.pumping = false;
                    return;
                }
                let writer = inner.storage == StorageStatus::Writing;
                (std::mem::take(&mut inner.effects), inner.store.clone(), writer)
            };
            let mut changes = Vec::new();
            let mut rest = Vec::new();
            let mut rewrite = false;
            for effect in effects {
                match effect {
                    Effect::Node(Output::Persist(batch)) => changes.extend(batch),
                    // It holds all that came before it.
                    Effect::Rewrite(all) => (changes, rewrite) = (all, true),
                    effect => rest.push(effect),
                }
            }
            if !writer {
                // The rest is the writer's; the own votes of this tab must survive it.
                let inner = self.0.borrow();
                let own = |id: &VoteId| inner.own.iter().any(|(own, _)| own == id);
                changes.retain(|change| match change {
                    StoreChange::PutPending(id, _) => own(id),
                    StoreChange::PutStatement(_) | StoreChange::DropStatement(_) => true,
                    _ => false,
                });
            }
            if let Some(store) = store {
                let mut result = Ok(());
                if !changes.is_empty() || rewrite {
                    result = store.apply(&changes, rewrite).await;
                }
                for effect in &rest {
                    if let (Ok(()), Effect::Own(id, own)) = (&result, effect) {
                        result = store.put_own(id, own).await;
                    }
                }
                if let Err(error) = result {
                    let why = say::store_failed(error.to_string());
                    let mut inner = self.0.borrow_mut();
                    inner.storage = StorageStatus::Memory(why);
                    inner.store = None;
                }
            }
            for effect in rest {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Then(say) => say(),
            Effect::Own(..)
            | Effect::Rewrite(_)
            | Effect::Node(Output::Persist(_) | Output::Verify(_)) => {}
            Effect::Node(Output::Broadcast(LinkId::OWN_TABS, bytes)) => {
                self.0.borrow().tabs.iter().for_each(|tabs| tabs.send(None, &bytes));
            }
            Effect::Node(Output::Send(Peer { link: LinkId::OWN_TABS, id }, bytes)) => {
                self.0.borrow().tabs.iter().for_each(|tabs| tabs.send(Some(id), &bytes));
            }
            Effect::Node(Output::Sample(LinkId::OWN_TABS, count)) => {
                let tabs = self.0.borrow().tabs.as_ref().map(|tabs| tabs.sample(count.into()));
                self.look_for_the_writer(tabs.as_ref().is_none_or(Vec::is_empty));
                let input = Input::Peers(LinkId::OWN_TABS, tabs.unwrap_or_default());
                self.act(|inner| inner.node.handle(now(), input));
            }
            Effect::Node(Output::Broadcast(link, bytes)) => {
                self.send(link, |room| ClientFrame::Broadcast(room, &bytes));
            }
            Effect::Node(Output::Send(peer, bytes)) => {
                self.send(peer.link, |room| ClientFrame::Send(room, peer.id, &bytes));
            }
            Effect::Node(Output::Sample(link, count)) => {
                self.send(link, |room| ClientFrame::Sample(room, count));
            }
            Effect::Node(Output::Mine(job)) => {
                self.0.borrow().miners.set(job);
                self.show_soon();
            }
            Effect::Node(Output::Event(event)) => {
                match event {
                    Event::PeerRejected { reason, .. } => {
                        let mut inner = self.0.borrow_mut();
                        inner.rejected = (inner.rejected.0 + 1, Some(reason.words()));
                    }
                    Event::VoteDropped(id) => self.dropped(id),
                    Event::Acknowledged(id) => self.acknowledged(id),
                    _ => {}
                }
                self.show_soon();
            }
        }
    }

    fn send<'a>(
        &self,
        link: LinkId,
        frame: impl FnOnce(blockvote_core::crypto::hash::ElectionId) -> ClientFrame<'a>,
    ) {
        let (room, relay) = {
            let inner = self.0.borrow();
            let relay = inner.relays.iter().find(|relay| relay.number == link);
            let relay = relay.map(|relay| relay.link.clone());
            (inner.node.chain().id(), relay)
        };
        if let Some(relay) = relay {
            relay.send(&frame(room));
        }
    }

    fn heard_tab(&self, heard: FromTab) {
        let input = match heard {
            FromTab::Here(id) => Input::Peers(LinkId::OWN_TABS, vec![id]),
            FromTab::Message(id, broadcast, bytes) => {
                let from = Peer { link: LinkId::OWN_TABS, id };
                Input::Message { from, broadcast, bytes }
            }
        };
        self.act(|inner| inner.node.handle(now(), input));
    }

    fn heard(&self, link: LinkId, heard: Heard) {
        match heard {
            Heard::Lost(why) => self.act(|inner| {
                if let Some(relay) = inner.relays.iter_mut().find(|relay| relay.number == link) {
                    relay.status.connected = false;
                    relay.status.problem = Some(why);
                }
                inner.node.handle(now(), Input::LinkDown(link));
            }),
            Heard::Frame(frame) => self.frame(link, &frame),
        }
    }

    fn frame(&self, link: LinkId, frame: &[u8]) {
        let Ok(frame) = ServerFrame::decode(frame) else {
            return;
        };
        let input = match frame {
            ServerFrame::Welcome(own) => {
                let relays = &mut self.0.borrow_mut().relays;
                relays
                    .iter_mut()
                    .filter(|relay| relay.number == link)
                    .for_each(|relay| relay.own = own);
                return;
            }
            ServerFrame::Joined(..) => {
                let relays = &mut self.0.borrow_mut().relays;
                let Some(relay) = relays.iter_mut().find(|relay| relay.number == link) else {
                    return;
                };
                relay.status.connected = true;
                relay.status.problem = None;
                Input::LinkUp(link, relay.own)
            }
            ServerFrame::Peers(_, ids) => Input::Peers(link, ids),
            ServerFrame::Gone(_, id) => Input::Gone(Peer { link, id }),
            ServerFrame::Broadcast(_, id, payload) => {
                Input::Message { from: Peer { link, id }, broadcast: true, bytes: payload.to_vec() }
            }
            ServerFrame::Direct(_, id, payload) => Input::Message {
                from: Peer { link, id },
                broadcast: false,
                bytes: payload.to_vec(),
            },
        };
        self.act(|inner| {
            let relay = inner.relays.iter().find(|relay| relay.number == link);
            let backlog = relay.map_or(0, |relay| relay.link.backlog());
            inner.node.set_backlog(link, backlog);
            inner.node.handle(now(), input);
        });
    }

    fn tick(&self) {
        let active = self.act(|inner| {
            inner.node.handle(now(), Input::Tick);
            inner.miners.check();
            inner.miners.is_active()
        });
        let relays: Vec<_> =
            self.0.borrow().relays.iter().map(|relay| relay.link.clone()).collect();
        for relay in relays {
            relay.check_silence();
        }
        if active {
            self.show_soon();
        }
    }

    /// Another tab holds the lock, and none answered since the last look: a page that lies in the browser's
    /// back/forward cache, as it seems, or one that hangs. After a few looks this tab writes and mines in
    /// its place; what both leave behind is verified when it is read.
    fn look_for_the_writer(&self, alone: bool) {
        let takes_over = {
            let mut inner = self.0.borrow_mut();
            let waits = alone && inner.storage == StorageStatus::Sharing;
            inner.unanswered = if waits { inner.unanswered + 1 } else { 0 };
            inner.unanswered > UNANSWERED_LOOKS
        };
        if takes_over {
            log("no other tab answers: this one takes over writing and mining");
            let driver = self.clone();
            spawn_local(async move { driver.become_writer().await });
        }
    }

    /// This tab holds the lock: its view of the chain is what the store holds from now on.
    async fn become_writer(&self) {
        let store = self.0.borrow().store.clone();
        if let Some(store) = store {
            // What the writer before left: votes of other tabs, perhaps blocks.
            match store.read().await {
                Ok(mut contents) => {
                    self.act(|inner| {
                        let stored = inner.take_stored(contents.take_blocks());
                        inner.node.handle(now(), Input::Votes(contents.pending));
                        inner.node.handle(now(), Input::Statements(contents.statements));
                        inner.storage = StorageStatus::Writing;
                        inner.rewrite(&stored);
                    });
                }
                Err(error) => {
                    let mut inner = self.0.borrow_mut();
                    let why = say::store_unread(error.to_string());
                    (inner.storage, inner.store) = (StorageStatus::Memory(why), None);
                }
            }
        }
        self.act(State::apply_wish);
        self.set_miners();
        self.show_soon();
    }

    fn show_soon(&self) {
        let mut inner = self.0.borrow_mut();
        if inner.show.is_none() {
            let driver = self.clone();
            inner.show = Some(Timeout::new(SHOW_AFTER_MS, move || driver.show()));
        }
    }

    fn show(&self) {
        self.watch_own();
        let mut inner = self.0.borrow_mut();
        if let Some(timeout) = inner.show.take() {
            // It is running.
            timeout.forget();
        }
        let status = views::status(&inner);
        let result = (inner.node.chain().tip().hash(), status.seal.clone());
        tell(NodeEvent::Status(Box::new(status)));
        if inner.shown_result.as_ref() != Some(&result) {
            inner.shown_result = Some(result);
            tell(NodeEvent::Tally(inner.node.ballot_box().counted().clone()));
        }
        tell(NodeEvent::Receipts(views::own_receipts(&mut inner)));
    }

    /// A vote fell out of the chain and waits again. Noted at once: a miner may put it into another
    /// block before anybody looks.
    fn dropped(&self, dropped: VoteId) {
        self.act(|inner| {
            let Some((id, own)) = inner.own.iter_mut().find(|(id, _)| *id == dropped) else {
                return;
            };
            own.dropped = own.seen.or(own.dropped);
            own.seen = None;
            let note = Effect::Own(*id, own.clone());
            inner.effects.push_back(note);
        });
    }

    /// A keeper acknowledged a vote: the receipt keeps that.
    fn acknowledged(&self, vote: VoteId) {
        self.act(|inner| {
            let signed = inner.node.acknowledgements(&vote);
            let Some((id, own)) = inner.own.iter_mut().find(|(id, _)| *id == vote) else {
                return;
            };
            own.acknowledged = signed;
            let note = Effect::Own(*id, own.clone());
            inner.effects.push_back(note);
        });
    }

    /// Notes where the followed votes stand; one that fell out of the chain is cast again by
    /// itself, and stays marked.
    fn watch_own(&self) {
        self.act(|inner| {
            let (mut changed, mut again) = (Vec::new(), Vec::new());
            for (id, own) in &mut inner.own {
                let place = inner.node.chain().place_of(id).map(|place| place.height);
                if place.is_none()
                    && let Some(before) = own.seen
                {
                    own.dropped = Some(before);
                    if !inner.node.pending().contains(id) {
                        again.push(own.vote.clone());
                    }
                }
                if own.seen != place {
                    own.seen = place;
                    changed.push(Effect::Own(*id, own.clone()));
                }
            }
            inner.effects.extend(changed);
            if !again.is_empty() {
                inner.node.handle(now(), Input::Votes(again));
            }
        });
    }

    /// Starts or ends miner workers as the wish and the lock say.
    fn set_miners(&self) {
        let driver = self.clone();
        let found: Rc<dyn Fn(u64, u64)> = Rc::new(move |job, nonce| {
            driver.act(|inner| {
                let before = inner.node.chain().height();
                inner.node.handle(now(), Input::Mined { job, nonce });
                inner.found += u32::from(inner.node.chain().height() > before);
            });
        });
        let inner = self.0.borrow();
        let count = if inner.node.wants_miners() { inner.wish.workers.clamp(1, 64) } else { 0 };
        inner.miners.resize(count as usize, &found);
    }

    /// Runs something on the node for a task that goes on by itself.
    pub fn with_node<T>(&self, what: impl FnOnce(&Node) -> T) -> T {
        what(&self.0.borrow().node)
    }
}
