//! What the next vote of a voter is: its sequence number, or why there is no next vote.
//!
//! A voter who signs two ballots with one sequence number has signed a proof against themselves. So
//! every program that signs must ask here.

use crate::election::{definition::Counting, token::MAX_SEQUENCE};

/// What is known of a voter's votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The highest sequence number, in the chain or pending.
    pub latest: Option<u8>,
    /// Whether the node is fetching a chain that was shown to be better: it may have a later vote
    /// of this voter.
    pub behind: bool,
}

/// Why a voter has no next vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextVoteError {
    /// The voter voted already, and votes cannot be changed in this election.
    FirstCounts,
    /// The voter voted already, and did not ask to change that vote.
    NotAsked,
    /// The voter asked for a change, but the vote to be changed is not known here. It may be known
    /// elsewhere: a first vote now could contradict it.
    NothingToChange,
    /// The voter asked for a change while the node is behind: the vote to be changed may have been
    /// changed already, and a second change with its number would contradict the first.
    Behind,
    /// There are no more sequence numbers.
    TooOften,
}

/// The sequence number of the next vote. `change` says whether the voter asked to change a vote. If
/// not, the vote is taken for a first vote, even if the node is behind: otherwise an attacker who
/// keeps nodes behind could keep everybody from voting.
///
/// # Errors
/// Why there is no next vote.
pub fn next_sequence(counting: Counting, known: Known, change: bool) -> Result<u8, NextVoteError> {
    match (known.latest, counting) {
        (None, _) if change => Err(NextVoteError::NothingToChange),
        (None, _) => Ok(0),
        (Some(_), Counting::FirstCounts) => Err(NextVoteError::FirstCounts),
        (Some(_), Counting::LastCounts) if !change => Err(NextVoteError::NotAsked),
        (Some(_), Counting::LastCounts) if known.behind => Err(NextVoteError::Behind),
        (Some(latest), Counting::LastCounts) if latest < MAX_SEQUENCE => Ok(latest + 1),
        (Some(_), Counting::LastCounts) => Err(NextVoteError::TooOften),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(counting: Counting, latest: Option<u8>, change: bool) -> Result<u8, NextVoteError> {
        next_sequence(counting, Known { latest, behind: false }, change)
    }

    #[test]
    fn a_first_vote_is_never_signed_for_who_asks_for_a_change() {
        for counting in [Counting::FirstCounts, Counting::LastCounts] {
            assert_eq!(next(counting, None, false), Ok(0));
            assert_eq!(next(counting, None, true), Err(NextVoteError::NothingToChange));
        }
    }

    #[test]
    fn a_vote_is_changed_only_where_the_last_counts_and_only_when_asked() {
        for change in [false, true] {
            let first = next(Counting::FirstCounts, Some(0), change);
            assert_eq!(first, Err(NextVoteError::FirstCounts));
        }
        let last = |latest, change| next(Counting::LastCounts, Some(latest), change);
        assert_eq!(last(0, false), Err(NextVoteError::NotAsked));
        assert_eq!(last(0, true), Ok(1));
        assert_eq!(last(98, true), Ok(99));
        assert_eq!(last(99, true), Err(NextVoteError::TooOften));
    }

    #[test]
    fn nothing_is_changed_by_a_node_that_may_not_know_the_last_change() {
        let behind = |latest, change| {
            next_sequence(Counting::LastCounts, Known { latest, behind: true }, change)
        };
        assert_eq!(behind(Some(0), true), Err(NextVoteError::Behind));
        assert_eq!(behind(None, true), Err(NextVoteError::NothingToChange));
        assert_eq!(behind(None, false), Ok(0));
    }
}
