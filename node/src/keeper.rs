//! Being a keeper: a key, the keepers' room, and elections for others, each in its own store.
//!
//! An election is admitted if a definition that names this keeper was fetched and there is room. It
//! is found again after a restart. Invariant: an unsealed election with votes is never removed.

mod shelf;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
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

/// Inputs of a room that may wait.
const QUEUE: usize = 256;
/// Elections that are fetched at the same time; wishes beyond that are refused as full.
const MAX_FETCHING: usize = 16;
/// Of these at most this many for one asker.
const MAX_FETCHING_EACH: usize = 2;
/// Time to fetch definition and voter roll, and to fetch the definition alone: the peer that wishes
/// for the election to be held is there to hand it out.
const FETCH_WITHIN: Duration = Duration::from_mins(2);
const DEFINITION_WITHIN: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_secs(1);
/// Peers asked for at a time while an election is fetched.
const SAMPLE: u8 = 8;
/// How often the shelf is checked.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// How a keeper runs.
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// Its folder: the key, and one folder for each election.
    pub folder: PathBuf,
    /// How much it takes.
    pub limits: Limits,
    /// Mining threads for each election. A keeper mines: the votes it received must not wait until
    /// another node comes when votes are not taken from peers any more.
    pub threads: usize,
    /// The program's own election, if it has one: the keeper answers for its short address, too.
    pub own: Option<ElectionId>,
}

/// A running keeper.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// Locked as long as this keeper runs.
    _lock: File,
    key: SecretKey,
    elections: Elections,
    relays: Relays,
    shelf: Mutex<Shelf>,
    /// One election is admitted at a time: the room that is left is counted and taken in one step.
    admitting: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Shelf {
    entries: BTreeMap<ElectionId, Entry>,
    /// Elections that are being fetched, and for whom; and elections whose folders are being
    /// removed.
    fetching: BTreeMap<ElectionId, Option<Peer>>,
    addresses: BTreeMap<ShortAddress, BTreeSet<ElectionId>>,
}

/// The keeper's key; it is made if there is none.
///
/// # Errors
/// If the file cannot be read or written.
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

/// Takes the folder for one keeper: two keepers with the same key would answer for each other's
/// elections.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("keeper.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another keeper runs on {}: stop that one, or choose another folder with --data",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

impl Keeper {
    /// Starts with the elections in its folder.
    ///
    /// # Errors
    /// If its folder cannot be used. An election whose store is damaged is left out and named in
    /// the log.
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
        let lock = lock(&settings.folder)?;
        let keeper = Self(Arc::new(Inner {
            settings,
            _lock: lock,
            key,
            elections,
            relays,
            shelf: Mutex::default(),
            admitting: tokio::sync::Mutex::default(),
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
        if let Some(own) = keeper.0.settings.own
            && let Ok(address) = ShortAddress::of(&own)
        {
            keeper.shelf().addresses.entry(address).or_default().insert(own);
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

    /// Waits until everything has ended, after it was told to stop.
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
        let Some((store, contents)) = Store::open_kept(folder)? else {
            // A crash happened while it was made or removed: nothing of it was acknowledged.
            tracing::warn!(folder = %folder.display(), "holds no election; it is removed");
            return fs::remove_dir_all(folder).context("it cannot be removed");
        };
        let id = contents.context.id();
        ensure!(
            folder.file_name().is_some_and(|name| name.to_str() == Some(&id.to_string())),
            "the folder holds the election {id}: it must have that name"
        );
        ensure!(
            self.0.elections.get(&id).is_none(),
            "the election {id} is held already, with --election: two stores would sign two closing lists"
        );
        self.begin(store, contents)
    }

    /// Runs the node of an election and puts it on the shelf.
    fn begin(&self, store: Store, contents: Contents) -> anyhow::Result<()> {
        let (id, title) = (contents.context.id(), contents.context.election().title.clone());
        let bytes = shelf::reserve(contents.context.election()).unwrap_or_default();
        let address = ShortAddress::of(&id).ok().context("too little memory")?;
        let how = daemon::How {
            signatures: false,
            mining: true,
            threads: self.0.settings.threads,
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
            let mut ended = pin!(daemon::ended(thread));
            let ended = tokio::select! {
                () = keeper.0.stop.cancelled() => {
                    handle.stop().await;
                    ended.await
                }
                ended = &mut ended => ended,
            };
            if let Err(error) = ended {
                // Nothing of it may be acknowledged any more; the other elections go on.
                let why = problem(&error);
                tracing::error!(election = id.short(), why, "an election is kept no longer");
                keeper.0.elections.remove(&id);
            }
        });
        Ok(())
    }

    /// Handles what is said in the keepers' room.
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

    /// A peer wishes that this keeper holds an election.
    fn wish(&self, links: &Links, from: Peer, id: ElectionId) -> Answer {
        let mut shelf = self.shelf();
        if shelf.fetching.contains_key(&id) {
            return Answer::Fetching;
        }
        if self.0.elections.get(&id).is_some() {
            return Answer::Here;
        }
        let same = shelf.fetching.values().filter(|asker| **asker == Some(from)).count();
        if shelf.fetching.len() >= MAX_FETCHING || same >= MAX_FETCHING_EACH {
            return Answer::Refused(Refusal::Full);
        }
        shelf.fetching.insert(id, Some(from));
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

    /// Fetches an election from its room, and puts it on the shelf.
    async fn fetch(&self, id: ElectionId) -> Result<(), Refusal> {
        let (inputs, heard) = mpsc::channel(QUEUE);
        let links = Links::default();
        let fetching = Room { links: links.clone(), owner: Owner::Inputs(inputs) };
        self.0.relays.enter_apart(id, &fetching);
        let joined = tokio::select! {
            () = self.0.stop.cancelled() => Err(Refusal::NotFound),
            joined = tokio::time::timeout(FETCH_WITHIN, self.join(id, &links, heard)) => {
                joined.unwrap_or(Err(Refusal::NotFound))
            }
        };
        self.0.relays.leave(&id);
        let context = joined?;
        self.admit(context).await
    }

    /// Asks peers for definition and roll. The definition shows whether the election may be held.
    async fn join(
        &self,
        id: ElectionId,
        links: &Links,
        mut heard: mpsc::Receiver<Input>,
    ) -> Result<ElectionContext, Refusal> {
        let (limits, public) = (&self.0.settings.limits, self.0.key.public());
        let mut join = Join::new(id, None);
        let patience = tokio::time::Instant::now() + DEFINITION_WITHIN;
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
                    Some(Input::LinkUp(link, _)) => {
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
            match join.election() {
                Some(election) => {
                    limits.check(election, &public)?;
                }
                None if tokio::time::Instant::now() > patience
                    && !matches!(step, Step::Done(_)) =>
                {
                    return Err(Refusal::NotFound);
                }
                None => {}
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

    /// Puts an election on the shelf, if there is room.
    async fn admit(&self, context: ElectionContext) -> Result<(), Refusal> {
        let _one = self.0.admitting.lock().await;
        let limits = &self.0.settings.limits;
        let bytes = limits.check(context.election(), &self.0.key.public())?;
        let id = context.id();
        loop {
            let goes = limits.make_room(&self.shelf().entries, bytes, clock::now())?;
            let mut all_gone = true;
            for id in goes {
                all_gone &= self.drop(&id).await;
            }
            if all_gone {
                break;
            }
            // One of them has votes by now: check again which others can be removed.
        }
        let folder = self.folder().join(id.to_string());
        let keeper = self.clone();
        let begun = tokio::task::spawn_blocking(move || {
            let (store, contents) = Store::open(&folder, Some(context), Cache::OfMany)?;
            keeper.begin(store, contents)
        });
        let begun = begun.await.context("it broke off").and_then(|begun| begun);
        begun.map_err(|error| {
            tracing::error!(election = id.short(), why = problem(&error), "it cannot be stored");
            Refusal::NotStored
        })
    }

    /// Removes an election, if it is still sealed or empty: the node itself tells, and takes
    /// nothing in between. Returns whether it was removed.
    async fn drop(&self, id: &ElectionId) -> bool {
        let Some(Held { handle, .. }) = self.0.elections.get(id) else {
            self.shelf().entries.remove(id);
            return true;
        };
        let may_go = handle.stop_if(|node, _| {
            let votes = node.chain().votes() + node.pending().len();
            let signed = node.acknowledged_here().unwrap_or(0);
            node.ballot_box().sealed_height().is_some() || votes + signed == 0
        });
        if !may_go.await.unwrap_or(false) {
            if let Some(entry) = self.shelf().entries.get_mut(id) {
                entry.has_votes = true;
            }
            return false;
        }
        tracing::info!(election = id.short(), "makes room for another one");
        {
            let mut shelf = self.shelf();
            shelf.entries.remove(id);
            shelf.addresses.retain(|_, ids| {
                ids.remove(id);
                !ids.is_empty()
            });
            // Nobody can have it fetched again before its folder is gone.
            shelf.fetching.insert(*id, None);
        }
        self.0.elections.remove(id);
        handle.ended().await;
        let folder = self.folder().join(id.to_string());
        if let Err(error) = fs::remove_dir_all(&folder) {
            tracing::error!(folder = %folder.display(), %error, "cannot be removed");
        }
        self.shelf().fetching.remove(id);
        true
    }

    /// Updates what the shelf knows of elections, and removes those that are sealed and old.
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
