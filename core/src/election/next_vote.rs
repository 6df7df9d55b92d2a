//! What the next vote of a voter is: its sequence number, or why there is none.
//!
//! A voter who signs two ballots with one sequence number has signed a proof against themselves, so
//! every program that signs asks here.

use crate::election::{definition::Counting, token::MAX_SEQUENCE};

/// Why a voter has no next vote. What to do about it is said where people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextVoteError {
    /// The voter voted, and cannot change that here.
    FirstCounts,
    /// The voter voted, and did not say that this is to be changed.
    NotAsked,
    /// A change was asked for, and the vote that is to be changed is not known here. It may have been
    /// seen elsewhere: a first vote now could contradict it.
    NothingToChange,
    /// There are no more sequence numbers.
    TooOften,
}

/// The sequence number of the next vote. `latest` is the highest that is known of this voter, in the
/// chain or pending; `change` says whether the voter asked to change a vote.
///
/// # Errors
/// Why there is none.
pub fn next_sequence(
    counting: Counting,
    latest: Option<u8>,
    change: bool,
) -> Result<u8, NextVoteError> {
    match (latest, counting) {
        (None, _) if change => Err(NextVoteError::NothingToChange),
        (None, _) => Ok(0),
        (Some(_), Counting::FirstCounts) => Err(NextVoteError::FirstCounts),
        (Some(_), Counting::LastCounts) if !change => Err(NextVoteError::NotAsked),
        (Some(latest), Counting::LastCounts) if latest < MAX_SEQUENCE => Ok(latest + 1),
        (Some(_), Counting::LastCounts) => Err(NextVoteError::TooOften),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_vote_is_never_signed_for_who_asks_for_a_change() {
        for counting in [Counting::FirstCounts, Counting::LastCounts] {
            assert_eq!(next_sequence(counting, None, false), Ok(0));
            assert_eq!(next_sequence(counting, None, true), Err(NextVoteError::NothingToChange));
        }
    }

    #[test]
    fn a_vote_is_changed_only_where_the_last_counts_and_only_when_asked() {
        for change in [false, true] {
            let first = next_sequence(Counting::FirstCounts, Some(0), change);
            assert_eq!(first, Err(NextVoteError::FirstCounts));
        }
        let last = |latest, change| next_sequence(Counting::LastCounts, Some(latest), change);
        assert_eq!(last(0, false), Err(NextVoteError::NotAsked));
        assert_eq!(last(0, true), Ok(1));
        assert_eq!(last(98, true), Ok(99));
        assert_eq!(last(99, true), Err(NextVoteError::TooOften));
    }
}
