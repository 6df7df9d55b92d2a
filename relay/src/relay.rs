//! The relay's state, and what a client asks of it.
//!
//! A connection calls it; it never calls back: what it has for a client it puts into that client's
//! queue.

mod other_relays;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use blockvote_frames::{
    frame::{MAX_SAMPLE, PeerId, ServerFrame},
    ids::ElectionId,
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::other_relays::Missed;
use crate::{
    bus::{Bus, Hearing, Subject, in_process::Hub, nats::Nats},
    config::Config,
    duplicates::Duplicates,
    mesh::Mesh,
    metrics::Metrics,
    refusals::Dropped,
    relay_frames::RelayFrame,
    relay_ids::RelayId,
    rooms::{Client, Queued, Rooms},
};

/// Bytes that a frame has on the bus besides its payload.
const FRAME_MARGIN: usize = 64;

/// What the connections share.
#[derive(Debug)]
pub struct Relay {
    /// Limits.
    pub config: Config,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Which clients are in which rooms.
    pub rooms: Rooms,
    /// Other relays.
    pub mesh: Mesh,
    /// What was sent a moment ago.
    pub duplicates: Duplicates,
    /// Cancelled when the relay must stop.
    pub stop: CancellationToken,
    /// What the bus brings; taken when the relay is served.
    hearing: Mutex<Option<Hearing>>,
    missed: Mutex<Missed>,
    pub(crate) tasks: TaskTracker,
}

impl Relay {
    /// A relay alone.
    pub fn new(config: Config) -> Arc<Self> {
        Self::on_hub(config, &Arc::default())
    }

    /// One of several relays in this process.
    pub fn on_hub(config: Config, hub: &Arc<Hub>) -> Arc<Self> {
        let name = RelayId::draw();
        let (bus, hearing) = hub.join(name);
        Self::with_bus(config, name, bus, hearing)
    }

    /// One of several relays that meet over NATS, or a relay alone, depending on the settings.
    ///
    /// # Errors
    /// If the bus's address is not valid. A bus that is not there yet is waited for.
    pub async fn connect(config: Config) -> anyhow::Result<Arc<Self>> {
        let Some(address) = config.bus.clone() else {
            return Ok(Self::new(config));
        };
        let name = RelayId::draw();
        let (bus, hearing) = Nats::connect(&address, &config.bus_prefix, name).await?;
        Ok(Self::with_bus(config, name, Arc::new(bus), hearing))
    }

    fn with_bus(config: Config, name: RelayId, bus: Arc<dyn Bus>, hearing: Hearing) -> Arc<Self> {
        let metrics = Arc::new(Metrics::default());
        metrics.bus_up.set(i64::from(bus.is_up()));
        Arc::new(Self {
            rooms: Rooms::new(Arc::clone(&metrics)),
            mesh: Mesh::new(name, bus),
            duplicates: Duplicates::new(config.duplicate_frames, config.duplicate_for),
            stop: CancellationToken::new(),
            hearing: Mutex::new(Some(hearing)),
            missed: Mutex::default(),
            tasks: TaskTracker::new(),
            metrics,
            config,
        })
    }

    /// Bytes that a payload may have: the bus must be able to carry the frame around it.
    pub fn max_payload(&self) -> usize {
        self.mesh.max_frame_bytes().saturating_sub(FRAME_MARGIN)
    }

    /// Why the relay should get no new clients now, or `None` if it should.
    pub fn not_ready(&self) -> Option<&'static str> {
        if self.stop.is_cancelled() {
            Some("draining\n")
        } else if self.mesh.is_up() {
            None
        } else {
            Some("the bus is away\n")
        }
    }

    /// Lets a client into a room, and tells other relays if it is the first.
    pub fn enter(&self, room: ElectionId, client: &Arc<Client>) {
        if self.rooms.join(room, client, || self.mesh.opened(room)) == 0 {
            self.say_presence(room, true, false);
        }
    }

    /// Removes a client from a room, and tells other relays if it was the last.
    pub fn leave(&self, room: ElectionId, client: PeerId) {
        if self.rooms.leave(&room, client, || self.mesh.closed(room)) {
            self.say_presence(room, false, false);
        }
    }

    /// The frame that says how many others are in a room, here and elsewhere.
    pub fn joined(&self, room: ElectionId) -> Bytes {
        let others = self.rooms.size(&room).saturating_sub(1) + self.mesh.peers_elsewhere(&room);
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        ServerFrame::Joined(room, others).encode().into()
    }

    /// Sends a frame to other relays, and counts it.
    fn over_bus(&self, to: Subject, frame: Bytes) -> bool {
        let sent = self.mesh.send(to, frame);
        if sent {
            self.metrics.bus_sent.inc();
        } else {
            self.metrics.dropped(Dropped::Bus);
            self.lost(to);
        }
        sent
    }

    /// A frame did not reach other relays. If it was for a room, the peers of the room elsewhere
    /// have to compare; if it was for one peer or relay, that one asks again.
    fn lost(&self, to: Subject) {
        if let Subject::Room(room) = to
            && self.rooms.size(&room) > 0
        {
            self.mesh.set_lost(room);
        }
    }

    /// Delivers a broadcast here and elsewhere, unless it was sent a moment ago.
    pub fn broadcast(&self, room: ElectionId, from: PeerId, payload: &[u8], now: Instant) -> bool {
        if !self.duplicates.is_new(&room, payload, now) {
            self.metrics.dropped(Dropped::Duplicate);
            return false;
        }
        let bytes = Bytes::from(ServerFrame::Broadcast(room, from, payload).encode());
        self.rooms.broadcast(&room, from, &Queued::new(bytes.clone(), now, &self.metrics));
        if self.mesh.peers_elsewhere(&room) > 0 || !self.mesh.is_up() {
            self.over_bus(Subject::Room(room), bytes);
        }
        true
    }

    /// Delivers a frame to one peer, here or elsewhere; returns whether that peer is there.
    pub fn direct(
        &self,
        room: ElectionId,
        from: PeerId,
        to: PeerId,
        payload: &[u8],
        now: Instant,
    ) -> bool {
        let frame = || Bytes::from(ServerFrame::Direct(room, from, payload).encode());
        if let Some(peer) = self.rooms.find(&room, to) {
            peer.push_of_peer(frame(), now);
            return true;
        }
        self.mesh.is_up()
            && self.mesh.is_in(&room, RelayId::of(to))
            && self.over_bus(Subject::Peer(to), frame())
    }

    /// Peers of this relay for a peer that asked; other relays send their share themselves.
    pub fn sample(&self, room: ElectionId, asking: PeerId, count: u8) -> Option<Vec<PeerId>> {
        let count = usize::from(count.min(MAX_SAMPLE));
        let here = self.rooms.size(&room).saturating_sub(1);
        let (own, others) = self.mesh.shares(&room, here, count);
        let mut asked = false;
        for (relay, share) in others {
            let frame = RelayFrame::Sample { count: share, asking, room }.encode();
            asked |= self.over_bus(Subject::Relay(relay), frame.into());
        }
        // An empty list is an answer, too, unless another relay answers.
        (own > 0 || !asked).then(|| self.rooms.sample(&room, asking, own))
    }
}
