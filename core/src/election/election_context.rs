//! A definition together with everything that its votes are checked against.

use std::sync::Arc;

use crate::{
    crypto::hash::ElectionId,
    election::{
        definition::{Election, ElectionError, Eligibility},
        roll::{Roll, RollError},
    },
};

/// Why a definition and a roll do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum ContextError {
    /// The definition breaks a rule.
    #[from]
    Election(ElectionError),
    /// The roll is another one, or is missing.
    #[from]
    Roll(RollError),
    /// The roll to check votes with is missing.
    NoRoll,
}

/// A definition with everything that its votes are checked against. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectionContext {
    election: Arc<Election>,
    id: ElectionId,
    roll: Option<Arc<Roll>>,
}

impl ElectionContext {
    /// Puts a definition and its roll together. A roll that the election does not ask for is
    /// dropped.
    ///
    /// # Errors
    /// If the definition breaks a rule or the roll is not the one that it commits to.
    pub fn new(election: Election, roll: Option<Roll>) -> Result<Self, ContextError> {
        election.validate()?;
        let roll = match (&election.eligibility, roll) {
            (Eligibility::Open { .. }, _) => None,
            (Eligibility::Roll { .. }, None) => return Err(ContextError::NoRoll),
            (Eligibility::Roll { root, size, .. }, Some(roll)) => {
                if roll.root() != *root || roll.size() != *size {
                    return Err(ContextError::Roll(RollError::Root));
                }
                Some(Arc::new(roll))
            }
        };
        Ok(Self { id: election.id(), election: Arc::new(election), roll })
    }

    /// An election that needs no roll.
    ///
    /// # Errors
    /// The errors of [`ElectionContext::new`].
    pub fn open(election: Election) -> Result<Self, ContextError> {
        Self::new(election, None)
    }

    /// The definition.
    pub fn election(&self) -> &Election {
        &self.election
    }

    /// The election's id.
    pub fn id(&self) -> ElectionId {
        self.id
    }

    /// The voter roll, if there is one.
    pub fn roll(&self) -> Option<&Roll> {
        self.roll.as_deref()
    }
}
