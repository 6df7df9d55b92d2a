//! Load on a relay over loopback: `cargo run --release -p blockvote-relay --example load`.
//!
//! Starts the relay in this process, so the figures hold generator and relay on the same cores.
//! Bounded: at most 1,000 connections and about a minute.

#![allow(clippy::unwrap_used, reason = "a bench breaks off loudly")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use blockvote_core::{
    hash::ElectionId,
    relay_frame::{ClientFrame, SUBPROTOCOL, ServerFrame},
};
use blockvote_relay::{Config, Relay, serve};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message},
};

const ROOM: ElectionId = ElectionId([7; 32]);
/// About a vote.
const PAYLOAD: usize = 100;

type Sink = SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>;

struct Load {
    sinks: Vec<Mutex<Sink>>,
    received: Arc<AtomicU64>,
    latencies: mpsc::UnboundedReceiver<Duration>,
    start: Instant,
}

async fn connect(address: SocketAddr, connections: usize) -> Load {
    let received = Arc::new(AtomicU64::new(0));
    let (sender, latencies) = mpsc::unbounded_channel();
    let start = Instant::now();
    let mut sinks = Vec::new();
    for _ in 0..connections {
        let uri = format!("ws://{address}/ws").parse().unwrap();
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
        let (mut sink, mut stream) = connect_async(request).await.unwrap().0.split();
        sink.send(Message::Binary(ClientFrame::Join(ROOM).encode().into())).await.unwrap();
        while let Some(Ok(message)) = stream.next().await {
            let frame = message.into_data();
            if matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(..))) {
                break;
            }
        }
        let (received, sender) = (Arc::clone(&received), sender.clone());
        tokio::spawn(async move {
            while let Some(Ok(Message::Binary(frame))) = stream.next().await {
                if let Ok(ServerFrame::Broadcast(_, _, payload)) = ServerFrame::decode(&frame) {
                    received.fetch_add(1, Ordering::Relaxed);
                    let sent = u64::from_le_bytes(payload[..8].try_into().unwrap());
                    let now = u64::try_from(start.elapsed().as_nanos()).unwrap();
                    let _ = sender.send(Duration::from_nanos(now - sent));
                }
            }
        });
        sinks.push(Mutex::new(sink));
    }
    Load { sinks, received, latencies, start }
}

impl Load {
    async fn broadcast(&self, from: usize, number: u64) {
        let mut payload = vec![0; PAYLOAD];
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap();
        payload[..8].copy_from_slice(&now.to_le_bytes());
        payload[8..16].copy_from_slice(&number.to_le_bytes());
        let frame = ClientFrame::Broadcast(ROOM, &payload).encode();
        self.sinks[from].lock().await.send(Message::Binary(frame.into())).await.unwrap();
    }

    async fn arrived(&self, count: u64) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.received.load(Ordering::Relaxed) < count && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn drain(&mut self) -> Vec<Duration> {
        let mut latencies: Vec<_> = std::iter::from_fn(|| self.latencies.try_recv().ok()).collect();
        latencies.sort_unstable();
        latencies
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() {
    for connections in [100, 1000] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Relay::new(Config::default());
        tokio::spawn(serve(Arc::clone(&relay), listener));
        let mut load = connect(address, connections).await;
        let others = connections as u64 - 1;

        // Paced: 30 votes a second from changing senders, for 10 s.
        let votes = 300;
        let mut ticks = tokio::time::interval(Duration::from_micros(33_333));
        for number in 0..votes {
            ticks.tick().await;
            load.broadcast(usize::try_from(number).unwrap() % connections, number).await;
        }
        load.arrived(votes * others).await;
        let paced = load.drain();
        println!(
            "relay, {connections} connections, 30 votes/s: p50 {:.1} ms, p99 {:.1} ms, {} of {} deliveries",
            percentile(&paced, 50),
            percentile(&paced, 99),
            paced.len(),
            votes * others
        );

        // Burst: as fast as it goes, below the queue that closes slow readers.
        let burst = 200_000 / others;
        let before = load.received.load(Ordering::Relaxed);
        let start = Instant::now();
        for number in 0..burst {
            load.broadcast(usize::try_from(number).unwrap() % connections, votes + number).await;
        }
        load.arrived(before + burst * others).await;
        let took = start.elapsed().as_secs_f64();
        let delivered = load.received.load(Ordering::Relaxed) - before;
        println!(
            "relay, {connections} connections, burst of {burst} votes: {:.0} deliveries/s, {delivered} of {}",
            delivered as f64 / took,
            burst * others
        );
        relay.stop.cancel();
    }
}
