//! Token buckets: how long reading pauses for a connection that sends more than it may.
//!
//! It pauses instead of closing: no honest peer is punished for a burst, and a flooder gets the
//! allowed rate and no more, because TCP makes it wait.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket that fills at `rate` a second up to `burst`.
#[derive(Debug)]
pub struct Bucket {
    rate: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: f64, burst: f64, now: Instant) -> Self {
        Self { rate, burst, level: burst, at: now }
    }

    /// Whether nothing is owed any more.
    pub fn is_full(&mut self, now: Instant) -> bool {
        let _ = self.take(0.0, now);
        self.level >= self.burst
    }

    /// Takes `amount` out (or puts it back, if it is negative) and returns how long to pause until
    /// the level is above zero again.
    pub fn take(&mut self, amount: f64, now: Instant) -> Option<Duration> {
        let filled = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.at = now;
        self.level = ((self.level + filled).min(self.burst) - amount).min(self.burst);
        (self.level < 0.0).then(|| Duration::from_secs_f64((-self.level / self.rate).min(60.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_waits() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 5.0, start);
        for _ in 0..5 {
            assert_eq!(bucket.take(1.0, start), None);
        }
        assert_eq!(bucket.take(1.0, start), Some(Duration::from_millis(100)));
        assert_eq!(bucket.take(0.0, start + Duration::from_secs(9)), None);
    }
}
