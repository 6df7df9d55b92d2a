//! Figures for operators, in the `OpenMetrics` text format. Labels are fixed words; nothing ties an
//! address to a vote.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::refusals::{Close, Dropped, Refused, Throttled};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

/// A counter for each reason.
type Reasons = Family<Labels, Counter>;

/// The relay's figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Open WebSocket connections.
    pub connections: Gauge,
    /// Rooms with at least one peer on this relay.
    pub rooms: Gauge,
    /// Addresses with at least one connection.
    pub addresses: Gauge,
    /// Tasks of the whole program.
    pub tasks: Gauge,
    /// Bytes that wait in the queues to clients; a frame for many is counted once.
    pub queued_bytes: Gauge,
    /// Frames received from clients.
    pub received: Counter,
    /// Bytes read from sockets, headers and handshakes included.
    pub received_bytes: Counter,
    /// Frames queued for delivery.
    pub delivered: Counter,
    /// Bytes queued for delivery.
    pub delivered_bytes: Counter,
    /// The time from a frame's arrival until it is passed to the socket: of the oldest frame in
    /// each write.
    pub delivery: Histogram,
    /// 1 while the relays hear each other, or if there is no bus.
    pub bus_up: Gauge,
    /// Frames sent to other relays.
    pub bus_sent: Counter,
    /// Frames heard from other relays.
    pub bus_heard: Counter,
    /// How often clients were told to compare, because frames between relays were missed.
    pub resyncs: Counter,
    throttled: Reasons,
    closed: Reasons,
    dropped: Reasons,
    refused: Reasons,
}

impl Default for Metrics {
    fn default() -> Self {
        // 50 µs to 26 s.
        let delivery = Histogram::new(exponential_buckets(0.000_05, 2.0, 20));
        let mut metrics = Self {
            registry: Registry::default(),
            connections: Gauge::default(),
            rooms: Gauge::default(),
            addresses: Gauge::default(),
            tasks: Gauge::default(),
            queued_bytes: Gauge::default(),
            received: Counter::default(),
            received_bytes: Counter::default(),
            delivered: Counter::default(),
            delivered_bytes: Counter::default(),
            delivery,
            bus_up: Gauge::default(),
            bus_sent: Counter::default(),
            bus_heard: Counter::default(),
            resyncs: Counter::default(),
            throttled: Family::default(),
            closed: Family::default(),
            dropped: Family::default(),
            refused: Family::default(),
        };
        metrics.begin_at_zero();
        let mut registry = Registry::with_prefix("blockvote_relay");
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("rooms", "Rooms with peers", metrics.rooms.clone());
        registry.register("addresses", "Addresses with connections", metrics.addresses.clone());
        registry.register("tasks", "Tasks that are alive", metrics.tasks.clone());
        registry.register(
            "queued_bytes",
            "Bytes waiting for clients",
            metrics.queued_bytes.clone(),
        );
        registry.register("frames_received", "Frames from clients", metrics.received.clone());
        registry.register("bytes_received", "Bytes from sockets", metrics.received_bytes.clone());
        registry.register("frames_delivered", "Frames to clients", metrics.delivered.clone());
        registry.register("bytes_delivered", "Bytes to clients", metrics.delivered_bytes.clone());
        registry.register(
            "delivery_seconds",
            "From a frame's arrival to its write, the oldest frame of each write",
            metrics.delivery.clone(),
        );
        registry.register("bus_up", "Whether relays hear each other", metrics.bus_up.clone());
        registry.register("bus_frames_sent", "Frames to other relays", metrics.bus_sent.clone());
        registry.register("bus_frames_heard", "Frames of other relays", metrics.bus_heard.clone());
        registry.register("resyncs", "Times clients were told to compare", metrics.resyncs.clone());
        registry.register("throttled", "Pauses for senders of too much", metrics.throttled.clone());
        registry.register("closed", "Connections closed", metrics.closed.clone());
        registry.register("dropped", "Frames not forwarded", metrics.dropped.clone());
        registry.register("refused", "Connections refused", metrics.refused.clone());
        metrics.registry = registry;
        metrics
    }
}

fn count(family: &Reasons, reason: &'static str) {
    family.get_or_create(&Labels { reason }).inc();
}

/// Makes each figure exist from the start.
fn begin(family: &Reasons, reasons: &mut dyn Iterator<Item = &'static str>) {
    for reason in reasons {
        drop(family.get_or_create(&Labels { reason }));
    }
}

impl Metrics {
    fn begin_at_zero(&self) {
        begin(&self.throttled, &mut Throttled::ALL.iter().map(|reason| reason.label()));
        begin(&self.dropped, &mut Dropped::ALL.iter().map(|reason| reason.label()));
        begin(&self.refused, &mut Refused::ALL.iter().map(|reason| reason.label()));
        begin(&self.closed, &mut Close::ALL.iter().map(|reason| reason.label()));
    }

    /// Counts a closed connection.
    pub fn closed(&self, reason: Close) {
        count(&self.closed, reason.label());
    }

    /// Counts a frame that was not forwarded.
    pub fn dropped(&self, reason: Dropped) {
        count(&self.dropped, reason.label());
    }

    /// Counts a connection that was refused.
    pub fn refused(&self, reason: Refused) {
        count(&self.refused, reason.label());
    }

    /// Counts a pause in reading.
    pub fn throttled(&self, reason: Throttled) {
        count(&self.throttled, reason.label());
    }

    /// Counts deliveries, many at once: a broadcast updates the figures once.
    pub fn delivered(&self, frames: u64, bytes: u64) {
        self.delivered.inc_by(frames);
        self.delivered_bytes.inc_by(bytes);
    }

    /// Notes how long a frame waited here.
    pub fn waited(&self, time: Duration) {
        self.delivery.observe(time.as_secs_f64());
    }

    /// All figures as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
