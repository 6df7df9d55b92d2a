//! When to ask again for what is still missing: soon at first, then less and less often.

use crate::time::Timestamp;

/// A question is repeated this long after the first time; each further wait is twice as long.
pub(super) const SOON_MS: u64 = 5_000;
/// The longest wait.
pub(super) const SELDOM_MS: u64 = 300_000;

/// When a question was last asked, and when it is due again.
#[derive(Default)]
pub(super) struct Backoff {
    last: Option<Timestamp>,
    next: Timestamp,
    wait: u64,
}

impl Backoff {
    /// There is something new to ask, or someone new to ask: ask soon, but not in a burst.
    pub fn hurry(&mut self, now: Timestamp) {
        self.wait = SOON_MS;
        let earliest = self.last.map_or(now, |last| last.plus_ms(SOON_MS));
        self.next = self.next.min(earliest.max(now));
    }

    /// Whether it is time to ask.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.next
    }

    /// Whether it was asked less than this time ago.
    pub fn was_asked_within(&self, ms: u64, now: Timestamp) -> bool {
        self.last.is_some_and(|last| now < last.plus_ms(ms))
    }

    /// The question was asked now.
    pub fn asked(&mut self, now: Timestamp) {
        let wait = self.wait.clamp(SOON_MS, SELDOM_MS);
        (self.last, self.next, self.wait) = (Some(now), now.plus_ms(wait), wait * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::NOW;

    #[test]
    fn a_question_is_asked_ever_more_seldom_until_there_is_something_new_and_never_in_a_burst() {
        let mut backoff = Backoff::default();
        let at = |backoff: &mut Backoff, ms| {
            let due = backoff.is_due(NOW.plus_ms(ms));
            if due {
                backoff.asked(NOW.plus_ms(ms));
            }
            due
        };
        let asked = [0, 4_999, 5_000, 14_999, 15_000].map(|ms| at(&mut backoff, ms));
        assert_eq!(asked, [true, false, true, false, true]);
        for _ in 0..100 {
            backoff.hurry(NOW.plus_ms(15_001));
            assert!(!at(&mut backoff, 15_001), "it was asked a moment ago");
        }
        assert!(at(&mut backoff, 20_000) && !at(&mut backoff, 24_999));
        let mut last = 20_000;
        for wait in [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
            assert!(!at(&mut backoff, last + wait - 1) && at(&mut backoff, last + wait));
            last += wait;
        }
    }
}
