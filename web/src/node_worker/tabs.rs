//! The other tabs of this browser, over a `BroadcastChannel`: they agree with no relay at all.
//!
//! A message is the name of whom it is for (8 bytes, 0 for all), the name of who sends it, a kind,
//! and for the kinds that carry one, a message of the peer layer. Tabs draw their names at random.
//! Only pages of this origin can write here; what they write is checked like any peer's.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use blockvote_core::{crypto::hash::ElectionId, wire::frame::PeerId};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::shared::worker::random;

/// Tabs remembered, the newest ones.
const MAX_TABS: usize = 32;
const HEADER: usize = 17;
const EVERYBODY: u64 = 0;
/// "Here I am, who else?", "here I am", and a message of the peer layer.
const ASK: u8 = 0;
const HERE: u8 = 1;
const MESSAGE: u8 = 2;

/// What is heard of other tabs.
pub enum FromTab {
    /// A tab is there.
    Here(PeerId),
    /// A message of the peer layer, and whether it was for all.
    Message(PeerId, bool, Vec<u8>),
}

/// The channel to the other tabs.
pub struct Tabs {
    channel: BroadcastChannel,
    own: u64,
    known: Rc<RefCell<VecDeque<PeerId>>>,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

fn encode(to: u64, from: u64, kind: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + message.len());
    bytes.extend(to.to_le_bytes());
    bytes.extend(from.to_le_bytes());
    bytes.push(kind);
    bytes.extend(message);
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, u64, u8, &[u8])> {
    let (to, rest) = bytes.split_first_chunk::<8>()?;
    let (from, rest) = rest.split_first_chunk::<8>()?;
    let (kind, message) = rest.split_first()?;
    Some((u64::from_le_bytes(*to), u64::from_le_bytes(*from), *kind, message))
}

fn post(channel: &BroadcastChannel, bytes: &[u8]) {
    // A copy of its own: the view of wasm's memory is not handed over.
    let copy = Uint8Array::from(bytes);
    // It fails only on a closed channel.
    let _ = channel.post_message(&copy.buffer());
}

impl Tabs {
    /// Opens the channel of an election, unless the browser has none.
    pub fn open(election: ElectionId, owner: impl Fn(FromTab) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(&format!("blockvote-tabs-{election}")).ok()?;
        let own = random().to_bits().max(1);
        let known = Rc::new(RefCell::new(VecDeque::new()));
        let heard = {
            let (channel, known) = (channel.clone(), Rc::clone(&known));
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() else { return };
                let bytes = Uint8Array::new(&buffer).to_vec();
                let Some((to, from, kind, message)) = decode(&bytes) else { return };
                if to != EVERYBODY && to != own {
                    return;
                }
                let peer = PeerId(from);
                if kind == MESSAGE {
                    return owner(FromTab::Message(peer, to == EVERYBODY, message.to_vec()));
                }
                if !known.borrow().contains(&peer) {
                    let mut known = known.borrow_mut();
                    known.push_front(peer);
                    known.truncate(MAX_TABS);
                }
                if kind == ASK {
                    post(&channel, &encode(from, own, HERE, &[]));
                }
                owner(FromTab::Here(peer));
            })
        };
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        let tabs = Self { channel, own, known, _heard: heard };
        post(&tabs.channel, &encode(EVERYBODY, own, ASK, &[]));
        Some(tabs)
    }

    /// What other tabs call this one.
    pub fn own(&self) -> PeerId {
        PeerId(self.own)
    }

    /// Sends to one tab, or to all.
    pub fn send(&self, to: Option<PeerId>, message: &[u8]) {
        let to = to.map_or(EVERYBODY, |peer| peer.0);
        post(&self.channel, &encode(to, self.own, MESSAGE, message));
    }

    /// The tabs heard of, the newest first; they are asked again who is there.
    pub fn sample(&self, count: usize) -> Vec<PeerId> {
        post(&self.channel, &encode(EVERYBODY, self.own, ASK, &[]));
        // Those that are there answer; those that are not are forgotten.
        let known = std::mem::take(&mut *self.known.borrow_mut());
        known.into_iter().take(count).collect()
    }
}
