//! Figures for operators, in the `OpenMetrics` text format. Labels are fixed words; nothing ties an
//! address to a vote.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Why a connection ended or a frame was not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason(pub &'static str);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

/// The relay's figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Open WebSocket connections.
    pub connections: Gauge,
    /// Rooms with at least one peer.
    pub rooms: Gauge,
    /// Frames received.
    pub received: Counter,
    /// Frames queued for delivery.
    pub delivered: Counter,
    /// Bytes queued for delivery.
    pub delivered_bytes: Counter,
    /// Times that reading paused because a client sent too much.
    pub throttled: Counter,
    closed: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            connections: Gauge::default(),
            rooms: Gauge::default(),
            received: Counter::default(),
            delivered: Counter::default(),
            delivered_bytes: Counter::default(),
            throttled: Counter::default(),
            closed: Family::default(),
            dropped: Family::default(),
            refused: Family::default(),
        };
        let mut registry = Registry::with_prefix("blockvote_relay");
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("rooms", "Rooms with peers", metrics.rooms.clone());
        registry.register("frames_received", "Frames from clients", metrics.received.clone());
        registry.register("frames_delivered", "Frames to clients", metrics.delivered.clone());
        registry.register("bytes_delivered", "Bytes to clients", metrics.delivered_bytes.clone());
        registry.register("throttled", "Pauses for senders of too much", metrics.throttled.clone());
        registry.register("closed", "Connections closed", metrics.closed.clone());
        registry.register("dropped", "Frames not forwarded", metrics.dropped.clone());
        registry.register("refused", "Connections refused", metrics.refused.clone());
        metrics.registry = registry;
        metrics
    }
}

impl Metrics {
    /// Counts a closed connection.
    pub fn closed(&self, reason: Reason) {
        self.closed.get_or_create(&Labels { reason: reason.0 }).inc();
    }

    /// Counts a frame that was not forwarded.
    pub fn dropped(&self, reason: Reason) {
        self.dropped.get_or_create(&Labels { reason: reason.0 }).inc();
    }

    /// Counts a connection that was refused.
    pub fn refused(&self, reason: Reason) {
        self.refused.get_or_create(&Labels { reason: reason.0 }).inc();
    }

    /// All figures as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
