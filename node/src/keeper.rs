//! Being a keeper: a key, the keepers' room, and elections for others, each in its own store.
//!
//! An election is admitted when a definition that names this keeper was fetched and there is room. It is
//! found again after a restart. Invariant: an unsealed election with votes is never dropped.

mod shelf;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    crypto::{hash::ElectionId, key::SecretKey},
    custody::keyfile::KeyFile,
    election::{
        election_context::ElectionContext, keepers::check_name, short_address::ShortAddress,
    },
    node::{
        Input, Peer,
        join::{Join, Step},
        keepers_room::{Heard, Reception, Say},
    },
    wire::{
        frame::ClientFrame,
        keepers_room::{Answer, Refusal, RoomMessage, room},
    },
};
use blockvote_words::{InWords, Words};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::shelf::Entry;
pub use self::shelf::Limits;
use crate::{
    clock,
    commands::secret_files,
    daemon::{self, Handle, Links},
    elections::{Elections, Held},
    output::problem,
    relays::{Owner, Relays, Room},
    store::{Cache, Contents, Store},
};

/// Inputs of a room that wait.
const QUEUE: usize = 256;
/// Elections that are fetched at the same time; wishes beyond it are refused as full.
const MAX_FETCHING: usize = 16;
/// Time for fetching definition and voter roll.
const FETCH_WITHIN: Duration = Duration::from_mins(2);
const TICK: Duration = Duration::from_secs(1);
/// Peers asked for at a time while an election is fetched.
const SAMPLE: u8 = 8;
/// How often what stands on the shelf is looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// How a keeper runs.
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// Its folder: the key, and one folder for each election.
    pub folder: PathBuf,
    /// What it takes.
    pub limits: Limits,
    /// Whether it mines in the elections that it keeps, and with how many threads.
    pub mining: Option<usize>,
}

/// A running keeper.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    settings: Settings,
    key: SecretKey,
    elections: Elections,
    relays: Relays,
    shelf: Mutex<Shelf>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Shelf {
    entries: BTreeMap<ElectionId, Entry>,
    /// Elections that are being fetched.
    fetching: BTreeSet<ElectionId>,
    addresses: BTreeMap<ShortAddress, BTreeSet<ElectionId>>,
}

/// The keeper's key, made where there is none.
///
/// # Errors
/// When the file cannot be read or written.
pub fn key(folder: &Path) -> anyhow::Result<SecretKey> {
    fs::create_dir_all(folder).with_context(|| {
        format!("cannot make the data folder {}; choose one with --data", folder.display())
    })?;
    let path = folder.join("keeper.key.json");
    if !path.exists() {
        let key = SecretKey::new(*secret_files::secret().bytes());
        let file = KeyFile::new(&key, None).in_words()?;
        secret_files::write_new(&path, file.to_text().as_str(), true, "--data")?;
    }
    let text = secret_files::read_secret(&path, "a Blockvote key file")?;
    let file = KeyFile::read(text.as_str()).in_words();
    let file = file.with_context(|| path.display().to_string())?;
    file.open(None).in_words().with_context(|| path.display().to_string())
}

impl Keeper {
    /// Starts with the elections that its folder holds.
    ///
    /// # Errors
    /// When its folder cannot be used. An election whose store is damaged is left out and named in the
    /// log.
    pub fn start(
        settings: Settings,
        elections: Elections,
        relays: Relays,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        ensure!(
            check_name(&settings.name).is_ok(),
            "a keeper's name is one line of at most 60 bytes, not {:?}",
            settings.name
        );
        let key = key(&settings.folder)?;
        let keeper = Self(Arc::new(Inner {
            settings,
            key,
            elections,
            relays,
            shelf: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        }));
        let folder = keeper.folder();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if let Err(error) = keeper.open(&path) {
                let why = problem(&error);
                tracing::error!(folder = %path.display(), why, "an election cannot be kept");
            }
        }
        let (inputs, heard) = mpsc::channel(QUEUE);
        let links = Links::default();
        let lobby = Room { links: links.clone(), owner: Owner::Inputs(inputs) };
        keeper.0.relays.enter(room(), &lobby);
        keeper.0.tasks.spawn(keeper.clone().receive(links, heard));
        keeper.0.tasks.spawn(keeper.clone().look_after());
        Ok(keeper)
    }

    /// What an organiser names: the key and the name.
    pub fn named(&self) -> String {
        format!("{}:{}", self.0.key.public().to_text(), self.0.settings.name)
    }

    /// Waits until everything has ended, once it was told to stop.
    pub async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn folder(&self) -> PathBuf {
        self.0.settings.folder.join("kept")
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an election that was kept before.
    fn open(&self, folder: &Path) -> anyhow::Result<()> {
        let (store, contents) = Store::open(folder, None, Cache::OfMany)?;
        let id = contents.context.id().to_string();
        ensure!(
            folder.file_name().is_some_and(|name| name.to_str() == Some(&id)),
            "the folder holds the election {id}: it must have that name"
        );
        self.begin(store, contents)
    }

    /// Runs the node of an election and stands it on the shelf.
    fn begin(&self, store: Store, contents: Contents) -> anyhow::Result<()> {
        let (id, title) = (contents.context.id(), contents.context.election().title.clone());
        let bytes = shelf::reserve(contents.context.election()).unwrap_or_default();
        let address = ShortAddress::of(&id).ok().context("too little memory")?;
        let how = daemon::How {
            signatures: false,
            mining: self.0.settings.mining.is_some(),
            threads: self.0.settings.mining.unwrap_or(0),
            keep: Some(&self.0.key),
        };
        let (handle, thread) = daemon::start(Some(store), contents, how)?;
        let entry = Entry { bytes, since: clock::now(), has_votes: true, sealed: None };
        let mut shelf = self.shelf();
        shelf.entries.insert(id, entry);
        shelf.addresses.entry(address).or_default().insert(id);
        drop(shelf);
        self.0.elections.insert(id, Held { handle: handle.clone(), title });
        let keeper = self.clone();
        self.0.tasks.spawn(async move {
            keeper.0.stop.cancelled().await;
            handle.stop().await;
        });
        let keeper = self.clone();
        self.0.tasks.spawn_blocking(move || {
            let why = match thread.join() {
                Ok(Ok(())) => return,
                Ok(Err(error)) => problem(&error),
                Err(_) => "its thread broke off".to_owned(),
            };
            // Nothing of it may be acknowledged any more; the others go on.
            tracing::error!(election = id.short(), why, "an election is kept no longer");
            keeper.0.elections.remove(&id);
        });
        Ok(())
    }

    /// Hears what is said in the keepers' room.
    async fn receive(self, links: Links, mut heard: mpsc::Receiver<Input>) {
        let mut reception = Reception::new(self.0.settings.name.clone(), self.0.key.clone());
        loop {
            let input = tokio::select! {
                () = self.0.stop.cancelled() => return,
                input = heard.recv() => input,
            };
            let Some(input) = input else { return };
            let Input::Message { from, broadcast, bytes } = input else { continue };
            let find = |address| {
                let shelf = self.shelf();
                let ids = shelf.addresses.get(&address).into_iter().flatten();
                ids.copied().collect()
            };
            match reception.hear(clock::now(), from, broadcast, &bytes, &find) {
                Some(Heard::Say(say)) => send(&links, &say),
                Some(Heard::Wish(from, id)) => {
                    let answer = self.wish(&links, from, id);
                    send(&links, &say_answer(from, id, answer));
                }
                None => {}
            }
        }
    }

    /// Somebody wishes that an election be held.
    fn wish(&self, links: &Links, from: Peer, id: ElectionId) -> Answer {
        if self.0.elections.get(&id).is_some() {
            return Answer::Here;
        }
        let mut shelf = self.shelf();
        if shelf.fetching.contains(&id) {
            return Answer::Fetching;
        }
        if shelf.fetching.len() >= MAX_FETCHING {
            return Answer::Refused(Refusal::Full);
        }
        shelf.fetching.insert(id);
        drop(shelf);
        let (keeper, links) = (self.clone(), links.clone());
        self.0.tasks.spawn(async move {
            let answer = match keeper.fetch(id).await {
                Ok(()) => {
                    tracing::info!(election = id.short(), "kept from now on");
                    Answer::Here
                }
                Err(refusal) => {
                    tracing::info!(election = id.short(), why = refusal.words(), "not kept");
                    Answer::Refused(refusal)
                }
            };
            keeper.shelf().fetching.remove(&id);
            send(&links, &say_answer(from, id, answer));
        });
        Answer::Fetching
    }

    /// Fetches an election from its room, and stands it on the shelf.
    async fn fetch(&self, id: ElectionId) -> Result<(), Refusal> {
        let (inputs, heard) = mpsc::channel(QUEUE);
        let links = Links::default();
        let fetching = Room { links: links.clone(), owner: Owner::Inputs(inputs) };
        self.0.relays.enter(id, &fetching);
        let joined = tokio::select! {
            () = self.0.stop.cancelled() => Err(Refusal::NotFound),
            joined = tokio::time::timeout(FETCH_WITHIN, self.join(id, &links, heard)) => {
                joined.unwrap_or(Err(Refusal::NotFound))
            }
        };
        self.0.relays.leave(&id);
        let context = joined?;
        let keeper = self.clone();
        let admitted = tokio::task::spawn_blocking(move || keeper.admit(context));
        admitted.await.unwrap_or(Err(Refusal::Full))
    }

    /// Asks peers for definition and roll. What is not to be held is seen by its definition.
    async fn join(
        &self,
        id: ElectionId,
        links: &Links,
        mut heard: mpsc::Receiver<Input>,
    ) -> Result<ElectionContext, Refusal> {
        let (limits, public) = (&self.0.settings.limits, self.0.key.public());
        let mut join = Join::new(id, None);
        let mut up = BTreeSet::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            let now = clock::now();
            let step = tokio::select! {
                _ = tick.tick() => {
                    for link in &up {
                        links.send(*link, &ClientFrame::Sample(id, SAMPLE));
                    }
                    join.step(now)
                }
                input = heard.recv() => match input {
                    None => return Err(Refusal::NotFound),
                    Some(Input::LinkUp(link)) => {
                        up.insert(link);
                        links.send(link, &ClientFrame::Sample(id, SAMPLE));
                        continue;
                    }
                    Some(Input::LinkDown(link)) => {
                        up.remove(&link);
                        join.gone(|peer| peer.link == link);
                        continue;
                    }
                    Some(Input::Peers(link, ids)) => {
                        join.peers(now, ids.into_iter().map(|id| Peer { link, id }))
                    }
                    Some(Input::Message { from, bytes, .. }) => join.message(now, from, &bytes),
                    Some(_) => continue,
                },
            };
            if let Some(election) = join.election() {
                limits.check(election, &public)?;
            }
            match step {
                Step::Ask(questions) => {
                    for (peer, bytes) in questions {
                        links.send(peer.link, &ClientFrame::Send(id, peer.id, &bytes));
                    }
                }
                Step::Done(context) => return Ok(context),
                Step::Broken(_) => return Err(Refusal::NotFound),
            }
        }
    }

    /// Stands an election on the shelf, where there is room.
    fn admit(&self, context: ElectionContext) -> Result<(), Refusal> {
        let limits = &self.0.settings.limits;
        let bytes = limits.check(context.election(), &self.0.key.public())?;
        let id = context.id();
        let goes = limits.make_room(&self.shelf().entries, bytes, clock::now())?;
        for id in goes {
            self.drop(&id);
        }
        let folder = self.folder().join(id.to_string());
        let opened = Store::open(&folder, Some(context), Cache::OfMany);
        let begun = opened.and_then(|(store, contents)| self.begin(store, contents));
        begun.map_err(|error| {
            tracing::error!(election = id.short(), why = problem(&error), "it cannot be stored");
            Refusal::Full
        })
    }

    /// Keeps an election no longer: it is sealed and old, or empty and in the way.
    fn drop(&self, id: &ElectionId) {
        let mut shelf = self.shelf();
        shelf.entries.remove(id);
        shelf.addresses.retain(|_, ids| {
            ids.remove(id);
            !ids.is_empty()
        });
        drop(shelf);
        tracing::info!(election = id.short(), "makes room for another one");
        let Some(Held { handle, .. }) = self.0.elections.remove(id) else { return };
        let folder = self.folder().join(id.to_string());
        self.0.tasks.spawn(async move {
            handle.stop().await;
            handle.ended().await;
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::error!(folder = %folder.display(), %error, "cannot be removed");
            }
        });
    }

    /// Brings what the shelf says of elections up to date, and lets those go that are sealed and old.
    async fn look_after(self) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                _ = look.tick() => {}
            }
            for (id, Held { handle, .. }) in self.0.elections.all() {
                let Ok((has_votes, sealed)) = state(&handle).await else { continue };
                if let Some(entry) = self.shelf().entries.get_mut(&id) {
                    (entry.has_votes, entry.sealed) = (has_votes, sealed);
                }
            }
        }
    }
}

/// Whether an election has votes, and when it closed if it is sealed.
async fn state(
    handle: &Handle,
) -> Result<(bool, Option<blockvote_core::time::Timestamp>), daemon::Stopped> {
    let state = handle.call(|node, now| {
        let here = node.ballot_box();
        let has_votes = node.chain().votes() + node.pending().len() > 0;
        let sealed = here.sealed_height().map(|_| here.closes().unwrap_or(now));
        (has_votes, sealed)
    });
    state.await
}

fn say_answer(to: Peer, id: ElectionId, answer: Answer) -> Say {
    Say::To(to, RoomMessage::Answer(id, answer).encode())
}

fn send(links: &Links, say: &Say) {
    match say {
        Say::Everybody(link, bytes) => links.send(*link, &ClientFrame::Broadcast(room(), bytes)),
        Say::To(peer, bytes) => {
            links.send(peer.link, &ClientFrame::Send(room(), peer.id, bytes));
        }
    }
}
