//! What strangers may cost: a limit for each second, and a limit for each moment.

use crate::time::Timestamp;

/// A number of units (bytes served, signatures, walks over all votes, points of patience) that is
/// filled up again as time passes.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    per_second: u64,
    most: i64,
    least: i64,
    /// A level below 0 is a debt that is paid off by time: the last answer may have been a long
    /// one.
    level: i64,
    at: Timestamp,
}

impl Budget {
    pub fn new(per_second: u64, most: u64) -> Self {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Self { per_second, most, least: -most, level: most, at: Timestamp(0) }
    }

    /// The same with another limit for the debt, for answers that can take more than is there at
    /// once.
    pub fn owing(self, debt: u64) -> Self {
        Self { least: i64::try_from(debt).map_or(i64::MIN, |debt| -debt), ..self }
    }

    /// Fills up for the time that passed; returns whether something is left.
    pub fn refill(&mut self, now: Timestamp) -> bool {
        let filled = u128::from(now.ms_since(self.at)) * u128::from(self.per_second) / 1000;
        // Only time that made whole units is used up: asking often must not stop the filling.
        if filled > 0 {
            let filled = i64::try_from(filled).unwrap_or(i64::MAX);
            self.level = self.level.saturating_add(filled).min(self.most);
            self.at = if self.level == self.most {
                now
            } else {
                // Rounded up; otherwise each question would fill in a part of a unit.
                let spent = filled.unsigned_abs().saturating_mul(1000).div_ceil(self.per_second);
                self.at.plus_ms(spent).min(now)
            };
        }
        self.level > 0
    }

    /// Uses some of it: an answer that was begun is finished even if too little is left.
    pub fn take(&mut self, units: usize) {
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        self.level = self.level.saturating_sub(units).max(self.least);
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.level <= 0
    }
}

/// Whether a cost is within the budget of one peer and the budget of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Yes,
    /// Others used the budget up: this is not this peer's fault.
    NotNow,
    /// The peer used up its own budget.
    Exceeded,
}

impl Allowed {
    pub fn of(own: bool, all: bool) -> Self {
        match (own, all) {
            (false, _) => Self::Exceeded,
            (true, false) => Self::NotNow,
            (true, true) => Self::Yes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_fills_with_time_up_to_its_bound() {
        let mut budget = Budget::new(10, 100);
        assert!(budget.refill(Timestamp(1_000)));
        budget.take(100);
        assert!(!budget.refill(Timestamp(1_000)) && budget.is_spent());
        assert!(budget.refill(Timestamp(1_100)));
        budget.take(1);
        assert!(budget.is_spent());
        assert!(budget.refill(Timestamp(1_000_000)));
        assert_eq!(budget.level, 100);
    }

    #[test]
    fn asking_often_does_not_stop_the_filling() {
        let mut budget = Budget::new(1, 10);
        budget.refill(Timestamp(0));
        budget.take(10);
        assert!((1..1_000).all(|ms| !budget.refill(Timestamp(ms))));
        assert!(budget.refill(Timestamp(1_000)));
    }

    #[test]
    fn asking_often_fills_no_faster() {
        let mut budget = Budget::new(4 << 20, 16 << 20);
        budget.refill(Timestamp(0));
        budget.take(16 << 20);
        let (mut given, start) = (0, 1_000_000);
        budget.refill(Timestamp(start));
        budget.take(usize::try_from(budget.level).unwrap());
        for ms in 1..=10_000 {
            if budget.refill(Timestamp(start + ms)) {
                given += budget.level;
                budget.take(usize::try_from(budget.level).unwrap());
            }
        }
        assert!(given <= 10 * (4 << 20), "{given}");
        assert!(given > 10 * (4 << 20) - 8_192, "{given}");
    }

    #[test]
    fn a_debt_has_a_bound() {
        let mut budget = Budget::new(1, 10);
        budget.take(usize::MAX);
        assert!(!budget.refill(Timestamp(10_000)));
        assert!(budget.refill(Timestamp(11_000)));
    }

    #[test]
    fn whose_budget_is_used_up_decides_whose_fault_it_is() {
        assert_eq!(Allowed::of(true, true), Allowed::Yes);
        assert_eq!(Allowed::of(true, false), Allowed::NotNow);
        assert_eq!(Allowed::of(false, false), Allowed::Exceeded);
    }
}
