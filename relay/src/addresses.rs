//! How many connections and rooms each address has.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use blockvote_frames::ids::ElectionId;
use ipnet::IpNet;
use tokio::time::Instant;

use crate::{config::Config, metrics::Metrics, refusals::Refused, throttle::Bucket};

/// What a broadcast costs its sender besides its bytes: everybody in the room gets a frame.
const BROADCAST_COST: usize = 1 << 10;
/// A broadcast to a larger room costs proportionally more.
const SMALL_ROOM: usize = 32;

/// How much a broadcast to a room counts against its sender's address.
pub fn cost_of_broadcast(bytes: usize, members: usize) -> f64 {
    (bytes + BROADCAST_COST) as f64 * (members.max(SMALL_ROOM) as f64 / SMALL_ROOM as f64)
}

/// What one address has.
#[derive(Debug)]
struct Held {
    connections: usize,
    /// Its rooms, and how many of its connections are in each.
    rooms: HashMap<ElectionId, usize>,
    /// How much its connections may still broadcast.
    broadcasts: Bucket,
}

#[derive(Debug, Default)]
struct Books {
    connections: usize,
    each: HashMap<IpAddr, Held>,
    /// How much addresses without a connection may still broadcast: leaving and coming back must
    /// gain nothing.
    left: HashMap<IpAddr, Bucket>,
    /// At this size, addresses that owe nothing any more are removed.
    sweep_at: usize,
}

impl Books {
    /// Remembers what an address that left owes; for at most `max` addresses.
    fn remember(&mut self, key: IpAddr, mut broadcasts: Bucket, now: Instant, max: usize) {
        if broadcasts.is_full(now) {
            return;
        }
        if self.left.len() >= self.sweep_at.min(max) {
            self.left.retain(|_, bucket| !bucket.is_full(now));
            self.sweep_at = (2 * self.left.len()).max(64);
        }
        if self.left.len() >= max
            && let Some(any) = self.left.keys().next().copied()
        {
            self.left.remove(&any);
        }
        self.left.insert(key, broadcasts);
    }
}

/// Counts connections in all, and connections, rooms and broadcasts for each address. Its size is
/// limited by the number of connections and their rooms, and by the same number again for addresses
/// that left a moment ago.
#[derive(Debug)]
pub struct Addresses {
    max_in_all: usize,
    max_each: usize,
    max_rooms: usize,
    /// Networks without a limit on rooms.
    many_rooms: Vec<IpNet>,
    /// Bytes that one address may broadcast: per second, and at once.
    broadcasts: (f64, f64),
    trusted: Vec<IpNet>,
    metrics: Arc<Metrics>,
    books: Mutex<Books>,
}

/// A connection counted in all; dropping it undoes the count.
#[derive(Debug)]
pub struct Counted {
    addresses: Arc<Addresses>,
    /// The other end of the socket.
    from: IpAddr,
    /// The address that it is counted for, unless a trusted proxy has yet to name it.
    address: Option<Arc<CountedAddress>>,
}

/// A connection counted for its address; dropping it undoes the count.
#[derive(Debug)]
pub struct CountedAddress {
    addresses: Arc<Addresses>,
    key: IpAddr,
}

/// With IPv6 one customer gets a whole network: the first 64 bits are the address.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

impl Addresses {
    /// Counts without any connection.
    pub fn new(config: &Config, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            max_in_all: config.max_connections,
            max_each: config.max_per_address,
            max_rooms: config.max_rooms_per_address,
            many_rooms: config.many_rooms.clone(),
            broadcasts: (config.broadcast_bytes_per_second, config.broadcast_bytes_burst),
            trusted: config.trusted_proxies.clone(),
            metrics,
            books: Mutex::default(),
        })
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Counts a connection. One from a trusted proxy is counted for an address later.
    ///
    /// # Errors
    /// Which limit it would break.
    pub fn enter(self: &Arc<Self>, from: IpAddr) -> Result<Counted, Refused> {
        let mut books = self.books();
        if books.connections >= self.max_in_all {
            return Err(Refused::Full);
        }
        books.connections += 1;
        drop(books);
        let mut counted = Counted { addresses: Arc::clone(self), from, address: None };
        if !self.is_trusted(from) {
            counted.address = Some(Arc::new(self.count(from).ok_or(Refused::Address)?));
        }
        Ok(counted)
    }

    fn count(self: &Arc<Self>, address: IpAddr) -> Option<CountedAddress> {
        let key = key(address);
        let now = Instant::now();
        let mut books = self.books();
        let Books { each, left, .. } = &mut *books;
        let (rate, burst) = self.broadcasts;
        let held = each.entry(key).or_insert_with(|| Held {
            connections: 0,
            rooms: HashMap::new(),
            broadcasts: left.remove(&key).unwrap_or_else(|| Bucket::new(rate, burst, now)),
        });
        if held.connections >= self.max_each {
            return None;
        }
        held.connections += 1;
        self.metrics.addresses.set(i64::try_from(books.each.len()).unwrap_or(i64::MAX));
        Some(CountedAddress { addresses: Arc::clone(self), key })
    }

    /// The client's address as a trusted proxy gives it: the last one in the list that is not a
    /// trusted proxy itself. The client may have written what comes before it.
    fn forwarded(&self, from: IpAddr, list: Option<&str>) -> IpAddr {
        let mut named = from;
        for text in list.unwrap_or_default().rsplit(',') {
            let Some(address) = address(text.trim()) else { break };
            named = address;
            if !self.is_trusted(address) {
                break;
            }
        }
        named
    }
}

impl Counted {
    /// The count of this connection for its address. `forwarded` is the `X-Forwarded-For` of the
    /// request; it is used only from a trusted proxy.
    ///
    /// # Errors
    /// If the address has as many connections as it may.
    pub fn address(&self, forwarded: Option<&str>) -> Result<Arc<CountedAddress>, Refused> {
        if let Some(address) = &self.address {
            return Ok(Arc::clone(address));
        }
        let address = self.addresses.forwarded(self.from, forwarded);
        self.addresses.count(address).map(Arc::new).ok_or(Refused::Address)
    }
}

impl CountedAddress {
    /// Counts this connection for a room; returns whether its address may be in one more.
    pub fn enter_room(&self, room: ElectionId) -> bool {
        let mut books = self.addresses.books();
        let Some(held) = books.each.get_mut(&self.key) else { return false };
        let many = self.addresses.many_rooms.iter().any(|network| network.contains(&self.key));
        let full = held.rooms.len() >= self.addresses.max_rooms && !many;
        if !held.rooms.contains_key(&room) && full {
            return false;
        }
        *held.rooms.entry(room).or_insert(0) += 1;
        true
    }

    /// Undoes the count of this connection for a room.
    pub fn leave_room(&self, room: &ElectionId) {
        let mut books = self.addresses.books();
        if let Some(held) = books.each.get_mut(&self.key)
            && let Some(count) = held.rooms.get_mut(room)
        {
            *count -= 1;
            if *count == 0 {
                held.rooms.remove(room);
            }
        }
    }

    /// Counts a broadcast, or returns how long to wait before this address may broadcast again.
    ///
    /// # Errors
    /// The time to wait. In that case nothing is counted.
    pub fn broadcast(&self, cost: f64, now: Instant) -> Result<(), Duration> {
        let mut books = self.addresses.books();
        let Some(held) = books.each.get_mut(&self.key) else { return Ok(()) };
        if let Some(pause) = held.broadcasts.take(0.0, now) {
            return Err(pause);
        }
        let _ = held.broadcasts.take(cost, now);
        Ok(())
    }

    /// Gives back what was counted for a broadcast that did not go out.
    pub fn give_back(&self, cost: f64, now: Instant) {
        if let Some(held) = self.addresses.books().each.get_mut(&self.key) {
            let _ = held.broadcasts.take(-cost, now);
        }
    }
}

impl Drop for CountedAddress {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut books = self.addresses.books();
        if let Some(held) = books.each.get_mut(&self.key) {
            held.connections = held.connections.saturating_sub(1);
            if held.connections == 0 {
                let held = books.each.remove(&self.key);
                if let Some(held) = held {
                    books.remember(self.key, held.broadcasts, now, self.addresses.max_in_all);
                }
            }
        }
        let addresses = i64::try_from(books.each.len()).unwrap_or(i64::MAX);
        self.addresses.metrics.addresses.set(addresses);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.addresses.books().connections -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(in_all: usize, each: usize, trusted: &str) -> Arc<Addresses> {
        let config = Config {
            max_connections: in_all,
            max_per_address: each,
            max_rooms_per_address: 2,
            many_rooms: vec!["192.0.2.9/32".parse().unwrap()],
            trusted_proxies: trusted.split(' ').filter_map(|net| net.parse().ok()).collect(),
            ..Config::default()
        };
        Addresses::new(&config, Arc::default())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_counted_for_each_address_and_in_all() {
        let addresses = addresses(3, 2, "");
        let a = ip("192.0.2.1");
        let first = addresses.enter(a).unwrap();
        let _second = addresses.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(addresses.enter(a).unwrap_err(), Refused::Address);
        let _third = addresses.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(addresses.enter(ip("2001:db8::2")).unwrap_err(), Refused::Full);
        drop(first);
        let _fourth = addresses.enter(ip("2001:db8::2")).unwrap();
        assert_eq!(addresses.enter(ip("2001:db8:0:0:9::")).unwrap_err(), Refused::Full);
    }

    #[test]
    fn nothing_is_left_of_an_address_without_a_connection() {
        let addresses = addresses(10, 2, "");
        let counted = addresses.enter(ip("192.0.2.1")).unwrap();
        let socket = counted.address(None).unwrap();
        assert!(socket.enter_room(ElectionId([1; 32])) && socket.enter_room(ElectionId([2; 32])));
        assert!(!socket.enter_room(ElectionId([3; 32])), "a third room");
        socket.leave_room(&ElectionId([1; 32]));
        assert!(socket.enter_room(ElectionId([3; 32])));
        let keeper = addresses.enter(ip("192.0.2.9")).unwrap().address(None).unwrap();
        assert!((0..9).all(|number| keeper.enter_room(ElectionId([number; 32]))), "a keeper");
        drop(keeper);
        assert_eq!(addresses.books().each[&ip("192.0.2.1")].connections, 1);
        drop((counted, socket));
        let books = addresses.books();
        assert!(books.each.is_empty() && books.connections == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_broadcast_much_does_not_get_more_by_coming_again() {
        let addresses = addresses(10, 2, "");
        let come = || addresses.enter(ip("192.0.2.1")).unwrap().address(None).unwrap();
        let first = come();
        let now = Instant::now();
        first.broadcast(f64::from(3 << 20), now).unwrap();
        let pause = first.broadcast(1.0, now).unwrap_err();
        assert_eq!(come().broadcast(1.0, now), Err(pause), "another connection of the address");
        drop(first);
        assert_eq!(come().broadcast(1.0, now), Err(pause), "it came again");
        let other = addresses.enter(ip("192.0.2.2")).unwrap().address(None).unwrap();
        assert_eq!(other.broadcast(1.0, now), Ok(()));
        // It leaves a second time, deeper in debt, and that debt counts.
        let again = come();
        again.give_back(f64::from(-(2 << 20)), now);
        let deeper = again.broadcast(1.0, now).unwrap_err();
        assert!(deeper > pause);
        drop(again);
        tokio::time::advance(pause).await;
        let left = come().broadcast(1.0, now + pause).unwrap_err();
        assert!(left + pause >= deeper.mul_f64(0.99));
        tokio::time::advance(Duration::from_secs(9)).await;
        drop(other);
        drop(come());
        let books = addresses.books();
        assert!(books.each.is_empty() && books.left.is_empty(), "all is paid");
    }

    #[test]
    fn a_broadcast_costs_by_how_many_get_it() {
        for (bytes, members, cost) in [(0, 1, 1024.0), (1024, 32, 2048.0), (1024, 1024, 65_536.0)] {
            let found: f64 = cost_of_broadcast(bytes, members);
            assert!((found - cost).abs() < 0.5, "{found}");
        }
    }

    #[test]
    fn a_forwarded_address_counts_only_when_a_trusted_proxy_names_it() {
        let trusting = addresses(9, 9, "10.0.0.0/8");
        let proxy = ip("10.0.0.1");
        for (list, found) in [
            (Some("192.0.2.7"), "192.0.2.7"),
            // What the client wrote itself comes before what the proxy added.
            (Some("203.0.113.9, 192.0.2.7"), "192.0.2.7"),
            (Some("203.0.113.9, 192.0.2.7, 10.0.0.2"), "192.0.2.7"),
            (Some("[2001:db8::5]"), "2001:db8::5"),
            (Some("203.0.113.9, 192.0.2.7:4711"), "192.0.2.7"),
            (Some("[2001:db8::5]:443"), "2001:db8::5"),
            (Some("192.0.2.7, nonsense"), "10.0.0.1"),
            (Some(""), "10.0.0.1"),
            (None, "10.0.0.1"),
        ] {
            assert_eq!(trusting.forwarded(proxy, list), ip(found), "{list:?}");
        }
        let stranger = trusting.enter(ip("192.0.2.1")).unwrap();
        let counted = stranger.address(Some("203.0.113.9")).unwrap();
        assert_eq!(counted.key, ip("192.0.2.1"), "a stranger's header is not believed");
        let behind = trusting.enter(proxy).unwrap();
        assert_eq!(behind.address(Some("203.0.113.9")).unwrap().key, ip("203.0.113.9"));
    }
}
