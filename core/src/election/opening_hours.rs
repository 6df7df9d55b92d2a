//! Whether votes are taken now.

use crate::time::Timestamp;

/// Where a moment is within the hours of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Before the opening time, which is given.
    Early(Timestamp),
    /// Votes are taken, until this time if there is one.
    Open(Option<Timestamp>),
    /// At or after the closing time, which is given.
    Closed(Timestamp),
    /// The result is sealed: votes are not taken any more, whatever the clock says.
    Sealed,
}

impl Hours {
    /// Compares a moment with the opening time and with the closing time: that of the definition or
    /// of an early closing, whichever is earlier.
    pub fn at(
        now: Timestamp,
        opens: Option<Timestamp>,
        closes: Option<Timestamp>,
        sealed: bool,
    ) -> Self {
        match (opens, closes) {
            _ if sealed => Self::Sealed,
            (Some(opens), _) if now < opens => Self::Early(opens),
            (_, Some(closes)) if now >= closes => Self::Closed(closes),
            (_, closes) => Self::Open(closes),
        }
    }

    /// Whether votes are taken.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_election_is_open_from_its_opening_to_just_before_its_closing() {
        let (opens, closes) = (Timestamp(10), Timestamp(20));
        let at = |now| Hours::at(Timestamp(now), Some(opens), Some(closes), false);
        assert_eq!(at(9), Hours::Early(opens));
        assert_eq!(at(10), Hours::Open(Some(closes)));
        assert_eq!(at(19), Hours::Open(Some(closes)));
        assert_eq!(at(20), Hours::Closed(closes));
        assert!(at(19).is_open() && !at(20).is_open());
        assert_eq!(Hours::at(Timestamp(5), None, None, false), Hours::Open(None));
        assert_eq!(Hours::at(Timestamp(15), Some(opens), Some(closes), true), Hours::Sealed);
    }
}
