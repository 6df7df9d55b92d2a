//! From the page's wish to a running node: open the store, find the definition, verify what is
//! stored.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use blockvote_core::{
    crypto::hash::ElectionId,
    election::{definition::Election, election_context::ElectionContext},
    node::{
        LinkId, Node, Peer, SAMPLE_SIZE,
        join::{Join, Progress, Step},
    },
    wire::frame::{ClientFrame, ServerFrame},
};
use blockvote_words::{
    Words,
    message::{Message, say},
};
use futures_channel::mpsc;
use futures_util::{StreamExt, future::Either};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::{driver::Driver, tell};
use crate::shared::{
    asking::Asker,
    messages::{MiningWish, NodeAsk, NodeEvent, NodeOrder, millis},
    relay::{Heard, RelayLink},
    store::{Contents, Store},
    views::{Search, StorageStatus},
    worker::{now, random},
};

/// Relays are asked for peers, and peers asked again, after this time.
const ASK_EVERY_MS: u32 = 2_000;

enum State {
    Waiting,
    /// Opening; what is said meanwhile.
    Opening(Vec<Wanted>),
    Running(Driver),
    /// It cannot be opened.
    Failed,
}

/// What is said to this worker.
pub enum Wanted {
    /// Something to do that has no answer.
    Order(NodeOrder),
    /// A question, and who asks.
    Ask(NodeAsk, Asker),
}

/// Takes what is said from the first message on.
#[derive(Clone)]
pub struct Opening(Rc<RefCell<State>>);

impl Default for Opening {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(State::Waiting)))
    }
}

impl Opening {
    /// Takes what is said.
    pub fn hear(&self, said: Wanted) {
        let driver = match (&mut *self.0.borrow_mut(), said) {
            (State::Running(driver), said) => Some((driver.clone(), said)),
            (State::Opening(early), said) => {
                early.push(said);
                None
            }
            (
                state @ State::Waiting,
                Wanted::Order(NodeOrder::Open { election, relays, mining }),
            ) => {
                *state = State::Opening(Vec::new());
                spawn_local(open(Rc::clone(&self.0), election, relays, mining));
                None
            }
            (State::Waiting | State::Failed, said) => {
                refuse(said);
                None
            }
        };
        if let Some((driver, said)) = driver {
            driver.hear(said);
        }
    }
}

fn refuse(said: Wanted) {
    if let Wanted::Ask(question, asker) = said {
        asker.refuse(question.number(), say::no_election_open());
    }
}

/// The election cannot be opened.
fn fail(state: &RefCell<State>, why: Message) {
    if let State::Opening(early) = state.replace(State::Failed) {
        early.into_iter().for_each(refuse);
    }
    tell(NodeEvent::Failed(why));
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
            return fail(&state, say::link_names_none(error.to_string()));
        }
    };
    let (store, contents, storage) = open_store(&id).await;
    let built_in = [Election::demo(), Election::plain()];
    let built_in = built_in.into_iter().find(|election| election.id() == id);
    let stored = contents.context().filter(|context| context.id() == id);
    let is_stored = stored.is_some();
    let context = match stored.or_else(|| ElectionContext::open(built_in?).ok()) {
        Some(context) => context,
        None => match search(id, contents.election.clone(), &relays).await {
            Ok(context) => context,
            Err(why) => return fail(&state, say::election_broken(why)),
        },
    };
    if let Some(store) = store.as_ref().filter(|_| !is_stored) {
        // Without it the election is searched for again next time.
        let _ = store.put_context(&context).await;
    }
    tell(NodeEvent::Opened(context.election().encode()));
    let mut node = Node::new(context, random().to_bits());
    let mut contents = contents;
    let context = node.chain().context().clone();
    let blocks = contents.take_blocks().map(|block| block.check_but_signatures(&context));
    let Contents { pending, own, statements, .. } = contents;
    let damaged = node.restore(now(), blocks, pending, statements).is_err();
    let driver = Driver::start(node, store, storage, own, relays, mining, damaged);
    let early = match state.replace(State::Running(driver.clone())) {
        State::Opening(early) => early,
        State::Waiting | State::Running(_) | State::Failed => Vec::new(),
    };
    for said in early {
        driver.hear(said);
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
            let why = say::store_refused(error.to_string());
            (None, Contents::default(), StorageStatus::Memory(why))
        }
    }
}

/// Asks peers until definition and roll are here.
async fn search(
    id: ElectionId,
    known: Option<Election>,
    relays: &[String],
) -> Result<ElectionContext, String> {
    let mut shown = Search { since: millis(now()), ..Search::default() };
    let mut up = BTreeSet::new();
    tell(NodeEvent::Searching(shown.clone()));
    let (sender, mut frames) = mpsc::unbounded();
    let links: Vec<_> = (0..)
        .zip(relays)
        .map(|(number, url)| {
            let sender = sender.clone();
            RelayLink::follow(url.clone(), id, move |heard| {
                let _ = sender.unbounded_send((LinkId(number), heard));
            })
        })
        .collect();
    let mut join = Join::new(id, known.filter(|election| election.id() == id));
    let sample = |link: &RelayLink| link.send(&ClientFrame::Sample(id, SAMPLE_SIZE));
    // Not begun again with every frame: a busy room would put it off for ever.
    let mut timer = TimeoutFuture::new(ASK_EVERY_MS);
    loop {
        let next = futures_util::future::select(frames.next(), &mut timer);
        let step = if let Either::Left((Some((number, heard)), _)) = next.await {
            match heard {
                Heard::Lost(_) => {
                    up.remove(&number);
                    join.gone(|peer| peer.link == number);
                    join.step(now())
                }
                Heard::Frame(frame) => match ServerFrame::decode(&frame) {
                    Ok(ServerFrame::Joined(..)) => {
                        up.insert(number);
                        join.step(now())
                    }
                    Ok(ServerFrame::Peers(_, ids)) => {
                        let peers = ids.into_iter().map(|id| Peer { link: number, id });
                        join.peers(now(), peers)
                    }
                    Ok(ServerFrame::Direct(_, id, payload)) => {
                        join.message(now(), Peer { link: number, id }, payload)
                    }
                    Ok(ServerFrame::Gone(_, id)) => {
                        join.gone(|peer| *peer == Peer { link: number, id });
                        join.step(now())
                    }
                    _ => continue,
                },
            }
        } else {
            timer = TimeoutFuture::new(ASK_EVERY_MS);
            links.iter().for_each(sample);
            join.step(now())
        };
        let ended = match step {
            Step::Ask(questions) => {
                for (peer, bytes) in questions {
                    if let Some(link) = links.get(peer.link.0 as usize) {
                        link.send(&ClientFrame::Send(id, peer.id, &bytes));
                    }
                }
                let pages = match join.progress() {
                    Progress::Roll { have, of } => Some((have, of)),
                    Progress::Definition => None,
                };
                let (relays, peers) = (up.len() as u32, join.peer_count() as u32);
                let next = Search { pages, relays, peers, ..shown.clone() };
                if next != shown {
                    shown = next;
                    tell(NodeEvent::Searching(shown.clone()));
                }
                continue;
            }
            Step::Done(context) => Ok(context),
            Step::Broken(why) => Err(why.words()),
        };
        for link in &links {
            link.end();
        }
        return ended;
    }
}
