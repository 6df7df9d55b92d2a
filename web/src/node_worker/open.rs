//! From the page's wish to a running node: open the store, find the definition, verify what is
//! stored.

use std::{cell::RefCell, rc::Rc};

use blockvote_core::{
    election::Election,
    hash::ElectionId,
    message::Message,
    node::Node,
    relay_frame::{ClientFrame, ServerFrame},
};
use futures_channel::mpsc;
use futures_util::{StreamExt, future::Either};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::{
    driver::Driver,
    now, random,
    relay::{Heard, RelayLink},
    store::{Contents, Store},
    views,
};
use crate::{
    messages::{FromNode, MiningWish, StorageStatus, ToNode},
    worker::post,
};

/// Peers are asked again for the definition after this time.
const ASK_EVERY_MS: u32 = 3_000;

enum State {
    Waiting,
    /// Opening; what the page says meanwhile.
    Opening(Vec<ToNode>),
    Running(Driver),
}

/// Takes the page's messages from the first one on.
pub struct Opening(Rc<RefCell<State>>);

impl Default for Opening {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(State::Waiting)))
    }
}

impl Opening {
    /// Takes a message.
    pub fn hear(&self, message: ToNode) {
        let driver = match (&mut *self.0.borrow_mut(), message) {
            (State::Running(driver), message) => Some((driver.clone(), message)),
            (State::Opening(early), message) => {
                early.push(message);
                None
            }
            (state @ State::Waiting, ToNode::Open { election, relays, mining }) => {
                *state = State::Opening(Vec::new());
                spawn_local(open(Rc::clone(&self.0), election, relays, mining));
                None
            }
            (State::Waiting, _) => None,
        };
        if let Some((driver, message)) = driver {
            driver.hear(message);
        }
    }
}

async fn open(
    state: Rc<RefCell<State>>,
    election: String,
    relays: Vec<String>,
    mining: MiningWish,
) {
    let id: ElectionId = match election.parse() {
        Ok(id) => id,
        Err(error) => {
            return post(&FromNode::Failed(format!("The link names no election: {error}.")));
        }
    };
    let (store, contents, storage) = open_store(&id).await;
    let stored = contents.election.as_deref().and_then(|bytes| Election::decode(bytes).ok());
    let known = [stored, Some(Election::demo()), Some(Election::plain())];
    let definition = match known.into_iter().flatten().find(|election| election.id() == id) {
        Some(election) => election,
        None => search(id, &relays).await,
    };
    if let Some(store) = &store {
        // Without it the definition is searched for again next time.
        let _ = store.put_election(&definition.encode()).await;
    }
    post(&FromNode::Opened(Box::new(views::election(&definition))));
    let mut node = Node::new(definition, random().to_bits());
    let damaged = node.restore(now(), contents.blocks, contents.pending).is_err();
    let driver = Driver::start(node, store, storage, contents.own, relays, mining, damaged);
    let early = match state.replace(State::Running(driver.clone())) {
        State::Opening(early) => early,
        State::Waiting | State::Running(_) => Vec::new(),
    };
    for message in early {
        driver.hear(message);
    }
}

async fn open_store(id: &ElectionId) -> (Option<Store>, Contents, StorageStatus) {
    let opened = async {
        let store = Store::open(id).await?;
        let contents = store.read().await?;
        Ok::<_, idb::Error>((store, contents))
    };
    match opened.await {
        Ok((store, contents)) => (Some(store), contents, StorageStatus::Sharing),
        Err(error) => {
            let why = format!("the browser refuses storage ({error})");
            (None, Contents::default(), StorageStatus::Memory(why))
        }
    }
}

/// Asks peers until one sends a definition with this id.
async fn search(id: ElectionId, relays: &[String]) -> Election {
    post(&FromNode::Searching);
    let (sender, mut frames) = mpsc::unbounded();
    let links: Vec<_> = (0..)
        .zip(relays)
        .map(|(number, url)| {
            let sender = sender.clone();

            RelayLink::follow(url.clone(), id, move |heard| {
                if let Heard::Frame(frame) = heard {
                    let _ = sender.unbounded_send((number, frame));
                }
            })
        })
        .collect();
    // Not begun anew with every frame: a busy room would put it off for ever.
    let mut timer = TimeoutFuture::new(ASK_EVERY_MS);
    loop {
        let next = futures_util::future::select(frames.next(), &mut timer);
        let Either::Left((Some((number, frame)), _)) = next.await else {
            timer = TimeoutFuture::new(ASK_EVERY_MS);
            for link in &links {
                link.send(&ClientFrame::Sample(id, 4));
            }
            continue;
        };
        let link: &RelayLink = &links[number];
        match ServerFrame::decode(&frame) {
            Ok(ServerFrame::Joined(..)) => link.send(&ClientFrame::Sample(id, 4)),
            Ok(ServerFrame::Peers(_, peers)) => {
                for peer in peers {
                    link.send(&ClientFrame::Send(id, peer, &Message::GetElection.encode()));
                }
            }
            Ok(ServerFrame::Direct(_, _, payload)) => {
                if let Ok(Message::Election(election)) = Message::decode(payload)
                    && election.id() == id
                    && election.validate().is_ok()
                {
                    for link in &links {
                        link.end();
                    }
                    return *election;
                }
            }
            _ => {}
        }
    }
}
