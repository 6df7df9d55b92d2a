//! Following relays: connect, enter rooms, pass frames both ways, connect again after a loss.
//!
//! A node is in one room for each of its elections; a connection carries up to [`ROOMS_EACH`] of
//! them, as many as relays allow. What arrives is passed to the owner of the room.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use blockvote_core::{
    crypto::hash::ElectionId,
    node::{Input, LinkId, Peer},
    wire::frame::{ClientFrame, MAX_FRAME_BYTES, PeerId, SUBPROTOCOL, ServerFrame},
};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Bytes, ClientRequestBuilder, Error as WsError, Message, http::Uri,
        protocol::WebSocketConfig,
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    daemon::{Handle, LinkState, Links, Queue, queue},
    output::problem,
};

/// Rooms on one connection: what a relay allows by default.
const ROOMS_EACH: usize = 16;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Bytes written before the next look at what arrived, and the time for them: 60 kB/s.
const WRITTEN_AT_ONCE: usize = 1 << 20;
const WRITE_WITHIN: Duration = Duration::from_secs(20);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENT_FOR: Duration = Duration::from_secs(50);

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Checks a relay's address before anything is started.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str) -> anyhow::Result<()> {
    let parsed = url::Url::parse(url).with_context(|| {
        format!("{url:?} is not a relay's address; it looks like ws://127.0.0.1:8080/ws")
    })?;
    match parsed.scheme() {
        "ws" | "wss" if parsed.host().is_some() => Ok(()),
        _ => bail!("{url:?} is not a relay's address; it looks like ws://127.0.0.1:8080/ws"),
    }
}

/// The receiver of what arrives from a room.
#[derive(Clone)]
pub enum Owner {
    /// The node of an election.
    Node(Handle),
    /// Something else that takes inputs in their order.
    Inputs(mpsc::Sender<Input>),
}

/// A room, and who is in it.
#[derive(Clone)]
pub struct Room {
    /// The queues to the relays.
    pub links: Links,
    /// The receiver of what arrives.
    pub owner: Owner,
}

impl Room {
    /// The room of a node.
    pub fn of(handle: Handle) -> Self {
        Self { links: handle.links.clone(), owner: Owner::Node(handle) }
    }

    /// Passes an input on; returns whether the owner still listens.
    async fn input(&self, input: Input) -> bool {
        match &self.owner {
            Owner::Node(handle) => handle.input(input).await.is_ok(),
            Owner::Inputs(sender) => sender.send(input).await.is_ok(),
        }
    }
}

/// A room with the number of its entry: entering it again makes another entry.
type Entered = (u64, Room);

/// The rooms of one connection.
#[derive(Default)]
struct Rooms {
    entered: Mutex<BTreeMap<ElectionId, Entered>>,
    changed: Notify,
    /// Whether no other room may share it.
    apart: bool,
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ElectionId, Entered>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &ElectionId) -> Option<Room> {
        self.lock().get(id).map(|(_, room)| room.clone())
    }

    fn all(&self) -> Vec<Room> {
        self.lock().values().map(|(_, room)| room.clone()).collect()
    }
}

/// The relays that this program follows.
#[derive(Clone)]
pub struct Relays {
    urls: Arc<[String]>,
    /// For each relay its connections.
    connections: Arc<Mutex<Vec<Vec<Arc<Rooms>>>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    entries: Arc<AtomicU64>,
}

impl Relays {
    /// Follows these relays until told to stop. Their order is the order of links.
    pub fn new(urls: Vec<String>, stop: CancellationToken) -> Self {
        let connections = Arc::new(Mutex::new(vec![Vec::new(); urls.len()]));
        Self {
            urls: urls.into(),
            connections,
            tasks: TaskTracker::new(),
            stop,
            entries: Arc::default(),
        }
    }

    /// Enters a room on each relay.
    pub fn enter(&self, id: ElectionId, room: &Room) {
        self.enter_with(id, room, false);
    }

    /// The same on connections of its own: if a relay refuses the room, no other room suffers.
    pub fn enter_apart(&self, id: ElectionId, room: &Room) {
        self.enter_with(id, room, true);
    }

    fn enter_with(&self, id: ElectionId, room: &Room, apart: bool) {
        let entry = self.entries.fetch_add(1, Ordering::Relaxed);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for ((number, url), connections) in (0..).zip(self.urls.iter()).zip(connections.iter_mut())
        {
            let link = LinkId(number);
            room.links.set_state(link, url, LinkState::Down("connecting".into()));
            // Connections whose rooms were all left end by themselves.
            connections.retain(|rooms| !rooms.lock().is_empty());
            let is_free =
                |rooms: &&Arc<Rooms>| !apart && !rooms.apart && rooms.lock().len() < ROOMS_EACH;
            let free = connections.iter().find(is_free).cloned();
            let new = free.is_none();
            let rooms = free.unwrap_or_else(|| Arc::new(Rooms { apart, ..Rooms::default() }));
            rooms.lock().insert(id, (entry, room.clone()));
            rooms.changed.notify_one();
            if new {
                connections.push(Arc::clone(&rooms));
                self.tasks.spawn(follow(rooms, link, url.clone(), self.stop.clone()));
            }
        }
    }

    /// Leaves a room on each relay.
    pub fn leave(&self, id: &ElectionId) {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for rooms in connections.iter().flatten() {
            if rooms.lock().remove(id).is_some() {
                rooms.changed.notify_one();
            }
        }
    }

    /// Waits until all connections have ended, after they were told to stop.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Follows a relay until told to stop.
async fn follow(rooms: Arc<Rooms>, link: LinkId, url: String, stop: CancellationToken) {
    let mut wait = FIRST_WAIT;
    loop {
        let mut entered = BTreeSet::new();
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = connection(&rooms, link, &url, &mut entered) => ended,
        };
        if rooms.lock().is_empty() {
            return;
        }
        let why = ended.err().map_or_else(|| "closed".to_owned(), |error| problem(&error));
        let was_in = !entered.is_empty();
        if was_in {
            wait = FIRST_WAIT;
        }
        for room in rooms.all() {
            room.links.detach(link);
            room.links.set_state(link, &url, LinkState::Down(why.clone()));
        }
        for id in entered {
            if let Some(room) = rooms.get(&id) {
                room.input(Input::LinkDown(link)).await;
            }
        }
        // Between half and the whole of the wait, so that many nodes do not come back at once.
        let pause = wait.mul_f64(rand::random_range(0.5..1.0));
        let again_in = format!("{:.1} s", pause.as_secs_f64());
        let what = if was_in {
            "the connection to the relay was lost"
        } else {
            "the relay cannot be reached"
        };
        tracing::warn!(relay = url, why, again_in, "{what}");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn connect(url: &str) -> anyhow::Result<Socket> {
    let uri: Uri = url.parse().context("the address")?;
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .read_buffer_size(16 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(4 * MAX_FRAME_BYTES);
    let connecting = connect_async_with_config(request, Some(config), true);
    match timeout(CONNECT_WITHIN, connecting).await.context("no answer")? {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(answer)) => {
            let status = answer.status();
            bail!("that is not a relay's address (HTTP {status}); does it end in /ws?")
        }
        Err(error) => Err(error.into()),
    }
}

/// The state while a relay is connected.
struct Connected<'a> {
    rooms: &'a Rooms,
    link: LinkId,
    url: &'a str,
    queue: Queue,
    /// Rooms that the relay was asked to let this node into, with the number of the entry.
    joined: BTreeMap<ElectionId, u64>,
    /// Rooms that it let this node into.
    entered: &'a mut BTreeSet<ElectionId>,
    own: PeerId,
}

async fn connection(
    rooms: &Rooms,
    link: LinkId,
    url: &str,
    entered: &mut BTreeSet<ElectionId>,
) -> anyhow::Result<()> {
    let (mut sink, mut stream) = connect(url).await?.split();
    let (queue, mut outgoing) = queue();
    let joined = BTreeMap::new();
    let mut here = Connected { rooms, link, url, queue, joined, entered, own: PeerId::default() };
    for frame in here.come_and_go() {
        sink.send(Message::Binary(Bytes::from(frame))).await?;
    }
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = stream.next() => {
                heard = Instant::now();
                match message.transpose()? {
                    Some(Message::Binary(frame)) => here.receive(&frame).await?,
                    Some(Message::Close(Some(frame))) => bail!("the relay closed: {}", frame.reason),
                    None => bail!("the relay is gone"),
                    Some(_) => {}
                }
            }
            frame = outgoing.next() => {
                let Some(frame) = frame else { bail!("the relay takes frames too slowly") };
                // A part at a time: nothing is read meanwhile.
                let mut bytes = frame.len();
                let writing = async {
                    sink.feed(Message::Binary(Bytes::from(frame))).await?;
                    while bytes < WRITTEN_AT_ONCE && let Some(frame) = outgoing.ready() {
                        bytes += frame.len();
                        sink.feed(Message::Binary(Bytes::from(frame))).await?;
                    }
                    sink.flush().await
                };
                timeout(WRITE_WITHIN, writing).await.context("the relay does not read")??;
                outgoing.sent(bytes);
            }
            () = rooms.changed.notified() => {
                if rooms.lock().is_empty() {
                    bail!("nobody is in a room any more");
                }
                for frame in here.come_and_go() {
                    let sent = sink.send(Message::Binary(Bytes::from(frame)));
                    timeout(WRITE_WITHIN, sent).await.context("the relay does not read")??;
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENT_FOR {
                    bail!("the relay is silent");
                }
                let pinged = sink.send(Message::Ping(Bytes::new()));
                timeout(CONNECT_WITHIN, pinged).await.context("the relay does not read")??;
            }
        }
    }
}

impl Connected<'_> {
    /// Frames that make the relay's rooms the present ones.
    fn come_and_go(&mut self) -> Vec<Vec<u8>> {
        let rooms = self.rooms.lock();
        let now: BTreeMap<_, _> = rooms.iter().map(|(id, (entry, _))| (*id, *entry)).collect();
        drop(rooms);
        let same = |id: &ElectionId, entry: &u64, of: &BTreeMap<_, _>| of.get(id) == Some(entry);
        let left = self.joined.iter().filter(|(id, entry)| !same(id, entry, &now));
        let left = left.map(|(id, _)| ClientFrame::Leave(*id).encode());
        let new = now.iter().filter(|(id, entry)| !same(id, entry, &self.joined));
        let new = new.map(|(id, _)| ClientFrame::Join(*id).encode());
        let frames = left.chain(new).collect();
        self.entered.retain(|id| now.get(id).is_some_and(|it| same(id, it, &self.joined)));
        self.joined = now;
        frames
    }

    async fn receive(&mut self, frame: &[u8]) -> anyhow::Result<()> {
        let link = self.link;
        let (room, input) = match ServerFrame::decode(frame)
            .context("the relay sent a frame that is not one of this protocol")?
        {
            ServerFrame::Welcome(own) => {
                self.own = own;
                return Ok(());
            }
            ServerFrame::Joined(id, _) => {
                let Some(room) = self.rooms.get(&id) else { return Ok(()) };
                tracing::info!(relay = self.url, election = id.short(), "in the room");
                self.entered.insert(id);
                room.links.attach(link, self.queue.clone());
                room.links.set_state(link, self.url, LinkState::Up);
                (id, Input::LinkUp(link, self.own))
            }
            ServerFrame::Peers(room, ids) => (room, Input::Peers(link, ids)),
            ServerFrame::Gone(room, id) => (room, Input::Gone(Peer { link, id })),
            ServerFrame::Broadcast(room, id, payload) => {
                let (from, bytes) = (Peer { link, id }, payload.to_vec());
                (room, Input::Message { from, broadcast: true, bytes })
            }
            ServerFrame::Direct(room, id, payload) => {
                let (from, bytes) = (Peer { link, id }, payload.to_vec());
                (room, Input::Message { from, broadcast: false, bytes })
            }
        };
        // A room that was left a moment ago.
        let Some(owner) = self.rooms.get(&room) else { return Ok(()) };
        if !owner.input(input).await {
            self.rooms.lock().remove(&room);
            self.rooms.changed.notify_one();
        }
        Ok(())
    }
}
