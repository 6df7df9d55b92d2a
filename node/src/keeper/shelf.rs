//! How much room a keeper has, and for which elections.
//!
//! Room is reserved when an election is admitted: for the most that its voters can take with one
//! vote each, so that it is there when they vote. Changes of votes beyond that are taken as they
//! arrive: the roll and the highest sequence number limit them.

use std::collections::BTreeMap;

use blockvote_core::{
    crypto::{hash::ElectionId, key::PublicKey},
    election::definition::{Election, Eligibility},
    time::Timestamp,
    wire::keepers_room::Refusal,
};

/// How much a keeper takes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Elections.
    pub elections: usize,
    /// Bytes that one election may take.
    pub bytes_each: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// How long a sealed election is kept after it closed.
    pub age_ms: u64,
    /// Only elections of these organisers; if the list is empty, all elections.
    pub organisers: Vec<PublicKey>,
}

/// An election without votes makes room for another one after this time.
const EMPTY_MS: u64 = 3_600_000;

/// An election on the shelf.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Bytes reserved.
    pub bytes: u64,
    /// When it was admitted.
    pub since: Timestamp,
    /// Whether it has votes.
    pub has_votes: bool,
    /// When it closed, if its result is sealed.
    pub sealed: Option<Timestamp>,
}

impl Entry {
    /// How early it is removed to make room; `None` if it is not.
    fn goes(&self, now: Timestamp, limits: &Limits) -> Option<(bool, Timestamp)> {
        if let Some(closed) = self.sealed {
            return (now.ms_since(closed) > limits.age_ms).then_some((true, closed));
        }
        // An unsealed election with votes is never removed.
        let empty = !self.has_votes && now.ms_since(self.since) > EMPTY_MS;
        empty.then_some((false, self.since))
    }
}

/// The bytes that the first votes of all voters of an election can take on disk.
///
/// # Errors
/// [`Refusal::Unbounded`] if there is no limit.
pub fn reserve(election: &Election) -> Result<u64, Refusal> {
    let voters = match election.eligibility {
        Eligibility::Roll { size, .. } => u64::from(size),
        Eligibility::Open { highest_token: Some(highest) } => highest,
        Eligibility::Open { highest_token: None } => return Err(Refusal::Unbounded),
    };
    // Each may be alone in its block, and has a key of the roll and an acknowledgement with it.
    let each = election.largest_vote() as u64 + 128 + 32 + 48;
    Ok(voters.saturating_mul(each))
}

impl Limits {
    /// Checks whether the keeper with this key may hold an election; returns how much room it
    /// reserves.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, election: &Election, keeper: &PublicKey) -> Result<u64, Refusal> {
        if election.keeper(keeper).is_none() {
            return Err(Refusal::NotNamed);
        }
        let known = |organiser: &PublicKey| self.organisers.contains(organiser);
        if !self.organisers.is_empty() && !election.organiser.as_ref().is_some_and(known) {
            return Err(Refusal::NotAllowed);
        }
        let bytes = reserve(election)?;
        if bytes > self.bytes_each { Err(Refusal::TooBig) } else { Ok(bytes) }
    }

    /// Makes room for this many bytes more; returns which elections must be removed for that. Empty
    /// ones are removed first, then sealed ones that are old.
    ///
    /// # Errors
    /// [`Refusal::Full`] if there is not enough. In that case nothing is removed.
    pub fn make_room(
        &self,
        shelf: &BTreeMap<ElectionId, Entry>,
        bytes: u64,
        now: Timestamp,
    ) -> Result<Vec<ElectionId>, Refusal> {
        let taken: u64 = shelf.values().map(|entry| entry.bytes).sum();
        let (mut count, mut taken) = (shelf.len() + 1, taken.saturating_add(bytes));
        let mut going: Vec<_> = shelf
            .iter()
            .filter_map(|(id, entry)| Some((entry.goes(now, self)?, *id, entry.bytes)))
            .collect();
        going.sort_unstable();
        let mut goes = Vec::new();
        for (_, id, bytes) in going {
            if count <= self.elections && taken <= self.bytes {
                break;
            }
            goes.push(id);
            count -= 1;
            taken = taken.saturating_sub(bytes);
        }
        let enough = count <= self.elections && taken <= self.bytes;
        if enough { Ok(goes) } else { Err(Refusal::Full) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockvote_core::{crypto::key::SecretKey, election::keepers::Keeper};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn limits() -> Limits {
        Limits { elections: 2, bytes_each: 1000, bytes: 1500, age_ms: 1000, organisers: Vec::new() }
    }

    fn id(byte: u8) -> ElectionId {
        ElectionId([byte; 32])
    }

    fn entry(has_votes: bool, sealed: Option<Timestamp>) -> Entry {
        Entry { bytes: 700, since: Timestamp(NOW.0 - 2 * EMPTY_MS), has_votes, sealed }
    }

    #[test]
    fn an_unsealed_election_with_votes_never_goes_and_empty_ones_go_first() {
        let old = Some(Timestamp(NOW.0 - 2000));
        let young = Some(Timestamp(NOW.0 - 500));
        let room =
            |one, other| limits().make_room(&[(id(1), one), (id(2), other)].into(), 500, NOW);
        assert_eq!(room(entry(true, None), entry(true, None)), Err(Refusal::Full));
        assert_eq!(room(entry(true, None), entry(true, young)), Err(Refusal::Full));
        assert_eq!(room(entry(true, None), entry(true, old)), Ok(vec![id(2)]));
        assert_eq!(room(entry(true, old), entry(false, None)), Ok(vec![id(2)]));
        let fresh = Entry { since: NOW, ..entry(false, None) };
        assert_eq!(room(fresh, entry(true, None)), Err(Refusal::Full));
        assert_eq!(limits().make_room(&[(id(1), fresh)].into(), 500, NOW), Ok(vec![]));
        assert_eq!(limits().make_room(&[(id(1), fresh)].into(), 900, NOW), Err(Refusal::Full));
    }

    #[test]
    fn only_what_names_the_keeper_and_has_a_bound_is_held() {
        let [key, other] = [1, 2].map(|seed| SecretKey::new([seed; 32]).public());
        let named = vec![Keeper { name: "Club".into(), key }];
        let election = Election { keepers: named, ..Election::demo() };
        let big = Limits { bytes_each: 10 << 20, ..limits() };
        assert!(big.check(&election, &key).is_ok_and(|bytes| bytes > 500 * 80));
        assert_eq!(big.check(&election, &other), Err(Refusal::NotNamed));
        assert_eq!(limits().check(&election, &key), Err(Refusal::TooBig));
        let picky = Limits { organisers: vec![other], ..big.clone() };
        assert_eq!(picky.check(&election, &key), Err(Refusal::NotAllowed));
        let organised = Election { organiser: Some(other), ..election.clone() };
        assert!(picky.check(&organised, &key).is_ok());
        let eligibility = Eligibility::Open { highest_token: None };
        let endless = Election { eligibility, ..election };
        assert_eq!(big.check(&endless, &key), Err(Refusal::Unbounded));
    }
}
