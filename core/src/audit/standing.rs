//! How a vote stands, in one of sixteen rows: the first row that applies. The sentence on a receipt
//! is made from it.
//!
//! It depends only on what this node checked itself. Your own node is not a witness, and neither
//! are other tabs of your own browser. If no keeper is named, nothing is certain before the seal.

use serde::{Deserialize, Serialize};

use crate::{chain::header::Height, time::Timestamp};

/// Who acknowledged a vote in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The keeper's name.
    pub name: String,
    /// When the vote arrived there.
    pub at: Timestamp,
}

/// What is known of a vote and its slot in a sealed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InSet {
    /// It is in it, and counts.
    Counts,
    /// It is in it, and a later vote of the token counts; if that was cast on this device, when.
    Changed {
        /// When the later vote was cast here, if it was.
        here: Option<Timestamp>,
    },
    /// Another ballot with the same number is in it.
    OtherBallot,
    /// Neither; the reason if the seal gives one.
    LeftOut(Option<String>),
}

/// What the seals mean for a vote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OfSeals {
    /// There is none.
    #[default]
    None,
    /// Two seals over different sets; whether the vote is in each, if that is known.
    Contested(Option<bool>, Option<bool>),
    /// One that does not match the chain.
    Refuted,
    /// One over a block that is not here.
    Awaited,
    /// A valid one, verified up to its block.
    Sealed(InSet),
}

/// What this node knows of a vote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the seals mean.
    pub seals: OfSeals,
    /// The block that has it.
    pub block: Option<Height>,
    /// Whether this node has a later vote of the token that was not cast on this device.
    pub later: bool,
    /// Whether this node has another ballot with the same number.
    pub second: bool,
    /// Named keepers that acknowledged it in time, and are not contradicted.
    pub witnesses: Vec<Witness>,
    /// A keeper that acknowledged it and has signed a closing list since; it has not yet proved
    /// that the vote is on the list.
    pub unproven: Option<Witness>,
    /// How many keepers the definition names.
    pub named: usize,
    /// Peers outside this browser that handed out or claim a tip with at least the weight of this
    /// chain.
    pub peers_above: usize,
    /// Peers that were drawn at random and say that they have it.
    pub holders: usize,
    /// Whether voting is closed.
    pub closed: bool,
}

/// How a vote stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// 1: there are two results, so there is none. Whether the vote is in each, if that is known.
    TwoResults(Option<bool>, Option<bool>),
    /// 2: it is in the sealed result.
    Counted,
    /// 3: a later vote of this device counts.
    ChangedHere(Timestamp),
    /// 4: a later vote counts that was not cast here.
    ChangedElsewhere,
    /// 5: another ballot with the same number was counted.
    OtherCounted,
    /// 6: not counted, although a keeper acknowledged it.
    LeftOut {
        /// Who acknowledged it.
        witness: Witness,
        /// The reason that the seal gives, if any.
        reason: Option<String>,
    },
    /// 7: not counted, and nobody is known here who acknowledged it in time.
    NotCounted {
        /// Who acknowledged it, and has yet to prove that it is on its closing list.
        unproven: Option<Witness>,
        /// The reason that the seal gives, if any.
        reason: Option<String>,
    },
    /// 9: a result was signed that this node is still fetching.
    Fetching,
    /// 10: a second or later ballot with the code is recorded.
    Rival {
        /// Whether it is a later one.
        later: bool,
    },
    /// 11: keepers have it: two of them, or the only one that is named.
    Received(Vec<Witness>),
    /// 12: one of several has it.
    HalfReceived(Witness),
    /// 12 as well: one acknowledged it, and has yet to prove that it is on its closing list.
    Unproven(Witness),
    /// 13: it is in the chain, and other computers have that chain.
    Recorded {
        /// The block.
        block: Height,
        /// Peers that have this chain or a better one.
        peers: usize,
    },
    /// 14: voting closed before anyone confirmed it.
    TooLate,
    /// 15: other computers say that they have it.
    Held(usize),
    /// 16: nobody confirmed it.
    Unconfirmed,
}

/// How good the standing is: it sets the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Something went wrong.
    Bad,
    /// Not certain yet.
    Open,
    /// Certain.
    Good,
}

impl Standing {
    /// The first row that applies.
    pub fn of(facts: Facts) -> Self {
        let (named, peers_above) = (facts.named, facts.peers_above);
        let Facts { seals, block, later, second, witnesses, unproven, holders, closed, .. } = facts;
        match seals {
            OfSeals::Contested(one, other) => return Self::TwoResults(one, other),
            OfSeals::Sealed(InSet::Counts) => return Self::Counted,
            OfSeals::Sealed(InSet::Changed { here: Some(at) }) => return Self::ChangedHere(at),
            OfSeals::Sealed(InSet::Changed { here: None }) => return Self::ChangedElsewhere,
            OfSeals::Sealed(InSet::OtherBallot) => return Self::OtherCounted,
            OfSeals::Sealed(InSet::LeftOut(reason)) => {
                return match witnesses.into_iter().next() {
                    Some(witness) => Self::LeftOut { witness, reason },
                    None => Self::NotCounted { unproven, reason },
                };
            }
            OfSeals::Awaited => return Self::Fetching,
            // Row 8 is said beside the row that applies.
            OfSeals::Refuted | OfSeals::None => {}
        }
        if later || second {
            return Self::Rival { later };
        }
        if !witnesses.is_empty() && (witnesses.len() >= 2 || named == 1) {
            return Self::Received(witnesses);
        }
        if let Some(witness) = witnesses.into_iter().next() {
            return Self::HalfReceived(witness);
        }
        if let Some(witness) = unproven {
            return Self::Unproven(witness);
        }
        match block {
            Some(block) if peers_above > 0 => Self::Recorded { block, peers: peers_above },
            _ if closed => Self::TooLate,
            _ if holders > 0 => Self::Held(holders),
            _ => Self::Unconfirmed,
        }
    }

    /// How good it is.
    pub fn mark(&self) -> Mark {
        match self {
            Self::Counted | Self::ChangedHere(_) | Self::Received(_) => Mark::Good,
            Self::Fetching
            | Self::HalfReceived(_)
            | Self::Unproven(_)
            | Self::Recorded { .. }
            | Self::Held(_)
            | Self::Unconfirmed => Mark::Open,
            Self::TwoResults(..)
            | Self::ChangedElsewhere
            | Self::OtherCounted
            | Self::LeftOut { .. }
            | Self::NotCounted { .. }
            | Self::Rival { .. }
            | Self::TooLate => Mark::Bad,
        }
    }

    /// Whether the voter may close the page: what is still to come does not depend on it.
    pub fn may_leave(&self) -> bool {
        match self {
            Self::Unconfirmed | Self::Held(_) => false,
            Self::TwoResults(..)
            | Self::Counted
            | Self::ChangedHere(_)
            | Self::ChangedElsewhere
            | Self::OtherCounted
            | Self::LeftOut { .. }
            | Self::NotCounted { .. }
            | Self::Fetching
            | Self::Rival { .. }
            | Self::Received(_)
            | Self::HalfReceived(_)
            | Self::Unproven(_)
            | Self::Recorded { .. }
            | Self::TooLate => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(7);

    fn witness(name: &str) -> Witness {
        Witness { name: name.into(), at: AT }
    }

    fn sealed(in_set: InSet) -> Facts {
        Facts { seals: OfSeals::Sealed(in_set), ..everything() }
    }

    /// Everything that can speak for and against a vote without a seal.
    fn everything() -> Facts {
        Facts {
            seals: OfSeals::None,
            block: Some(Height(5)),
            later: true,
            second: true,
            witnesses: vec![witness("Club"), witness("Union")],
            unproven: Some(witness("Server")),
            named: 2,
            peers_above: 3,
            holders: 2,
            closed: true,
        }
    }

    /// In each case the conditions of all later rows are true as well: the first row that applies
    /// is returned.
    #[test]
    fn each_row_is_reached_by_its_condition_and_comes_before_those_below() {
        use Standing::*;
        let contested = OfSeals::Contested(Some(true), None);
        let changed = |here| sealed(InSet::Changed { here });
        let left_out = || sealed(InSet::LeftOut(Some("late".into())));
        let reason = Some("late".to_owned());
        let signed = |facts: Facts| Facts { witnesses: Vec::new(), ..facts };
        let without = |facts| Facts { unproven: None, ..signed(facts) };
        let open = || Facts { later: false, second: false, ..everything() };
        let one = || Facts { witnesses: vec![witness("Club")], ..open() };
        let nobody = || without(open());
        for (facts, standing) in [
            (Facts { seals: contested, ..everything() }, TwoResults(Some(true), None)),
            (sealed(InSet::Counts), Counted),
            (changed(Some(AT)), ChangedHere(AT)),
            (changed(None), ChangedElsewhere),
            (sealed(InSet::OtherBallot), OtherCounted),
            (left_out(), LeftOut { witness: witness("Club"), reason: reason.clone() }),
            (
                signed(left_out()),
                NotCounted { unproven: Some(witness("Server")), reason: reason.clone() },
            ),
            (without(left_out()), NotCounted { unproven: None, reason }),
            (Facts { seals: OfSeals::Awaited, ..everything() }, Fetching),
            (everything(), Rival { later: true }),
            (Facts { later: false, ..everything() }, Rival { later: false }),
            (Facts { seals: OfSeals::Refuted, ..everything() }, Rival { later: true }),
            (open(), Received(vec![witness("Club"), witness("Union")])),
            (Facts { named: 1, ..one() }, Received(vec![witness("Club")])),
            (one(), HalfReceived(witness("Club"))),
            (signed(open()), Unproven(witness("Server"))),
            (nobody(), Recorded { block: Height(5), peers: 3 }),
            (Facts { peers_above: 0, ..nobody() }, TooLate),
            (Facts { block: None, ..nobody() }, TooLate),
            (Facts { block: None, closed: false, ..nobody() }, Held(2)),
            // In a block of one's own, and nobody else knows it.
            (Facts { peers_above: 0, closed: false, holders: 0, ..nobody() }, Unconfirmed),
            (Facts::default(), Unconfirmed),
        ] {
            assert_eq!(Standing::of(facts.clone()), standing, "{facts:?}");
        }
    }

    #[test]
    fn nothing_is_certain_before_the_seal_without_a_named_keeper() {
        let facts = Facts { witnesses: Vec::new(), named: 0, ..everything() };
        for (later, second, closed) in
            [(false, false, false), (false, false, true), (true, true, true)]
        {
            let facts = Facts { later, second, closed, ..facts.clone() };
            assert_ne!(Standing::of(facts).mark(), Mark::Good);
        }
    }
}
