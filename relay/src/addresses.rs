//! How many connections each address holds.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts connections in all and for each address. Its size is bounded by the number of
/// connections: an address without one is not in it.
#[derive(Debug)]
pub struct Addresses {
    max_in_all: usize,
    max_each: usize,
    open: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

/// Why a connection is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The relay is full.
    Full,
    /// This address holds as many as it may.
    Address,
}

/// A counted connection; dropping it counts back.
#[derive(Debug)]
pub struct Counted {
    addresses: Arc<Addresses>,
    key: IpAddr,
}

/// IPv6 hands whole networks to one customer: the first 64 bits are the address.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Addresses {
    /// Books without a connection.
    pub fn new(max_in_all: usize, max_each: usize) -> Arc<Self> {
        Arc::new(Self { max_in_all, max_each, open: Mutex::default() })
    }

    /// Counts a connection in.
    ///
    /// # Errors
    /// Which limit it would break.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Arc<Counted>, Refusal> {
        let key = key(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, each) = &mut *open;
        if *all >= self.max_in_all {
            return Err(Refusal::Full);
        }
        let count = each.entry(key).or_insert(0);
        if *count >= self.max_each {
            return Err(Refusal::Address);
        }
        *count += 1;
        *all += 1;
        Ok(Arc::new(Counted { addresses: Arc::clone(self), key }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, each) = &mut *open;
        *all -= 1;
        if let Some(count) = each.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                each.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_for_each_address_and_in_all() {
        let addresses = Addresses::new(3, 2);
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        let first = addresses.enter(a).unwrap();
        let _second = addresses.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!(addresses.enter(a).unwrap_err(), Refusal::Address);
        let _third = addresses.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(addresses.enter("2001:db8::2".parse().unwrap()).unwrap_err(), Refusal::Full);
        drop(first);
        let _fourth = addresses.enter("2001:db8::2".parse().unwrap()).unwrap();
        assert_eq!(
            addresses.enter("2001:db8:0:0:9::".parse().unwrap()).unwrap_err(),
            Refusal::Full
        );
    }
}
