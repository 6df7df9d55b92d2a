//! Keepers: nodes with a name and a key that hold elections for others and confirm that with their
//! signature.
//!
//! Only keepers that the definition names count, and each by its name, never as one of a number.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::key::PublicKey,
    election::{
        ballot::{BallotError, check_selection},
        definition::ElectionError,
    },
};

/// Keepers in one definition: nobody would read more names.
pub const MAX_KEEPERS: usize = 8;
/// Bytes of UTF-8: a name is part of a sentence with others.
pub const MAX_KEEPER_NAME_BYTES: usize = 60;

/// A keeper, as a definition names it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keeper {
    /// What people call it, on one line.
    pub name: String,
    /// What its acknowledgements are signed with.
    pub key: PublicKey,
}

/// Checks a keeper's name.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), BallotError> {
    check_selection(name, MAX_KEEPER_NAME_BYTES)
}

/// The first bound that a definition's keepers break. [`check_keys`] checks whether their keys are
/// ones that a single holder can have.
pub(super) fn problem(keepers: &[Keeper]) -> Option<ElectionError> {
    if keepers.len() > MAX_KEEPERS {
        return Some(ElectionError::TooManyKeepers(keepers.len()));
    }
    keepers.iter().enumerate().find_map(|(index, keeper)| {
        if let Err(error) = check_name(&keeper.name) {
            return Some(ElectionError::KeeperName { number: index + 1, error });
        }
        let earlier = &keepers[..index];
        let twice = |known: &Keeper| known.name == keeper.name || known.key == keeper.key;
        let known = earlier.iter().find(|known| twice(known))?;
        Some(ElectionError::RepeatedKeeper {
            name: keeper.name.clone(),
            earlier: known.name.clone(),
        })
    })
}

/// Checks that each key is one that a single holder can have.
pub(super) fn check_keys(keepers: &[Keeper]) -> Result<(), ElectionError> {
    keepers.iter().try_for_each(|keeper| {
        let name = || keeper.name.clone();
        keeper.key.check().map_err(|error| ElectionError::KeeperKey { name: name(), error })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::key::SecretKey, election::definition::Election};

    fn keeper(name: &str, seed: u8) -> Keeper {
        Keeper { name: name.into(), key: SecretKey::new([seed; 32]).public() }
    }

    fn checked(keepers: Vec<Keeper>) -> Result<(), ElectionError> {
        Election { keepers, ..Election::demo() }.validate()
    }

    #[test]
    fn a_definition_names_each_keeper_once_or_says_which_it_names_twice() {
        assert_eq!(checked(vec![keeper("Club", 1), keeper("Union", 2)]), Ok(()));
        let twice = |name: &str, earlier: &str| {
            Err(ElectionError::RepeatedKeeper { name: name.into(), earlier: earlier.into() })
        };
        assert_eq!(checked(vec![keeper("Club", 1), keeper("Club", 2)]), twice("Club", "Club"));
        assert_eq!(checked(vec![keeper("Club", 1), keeper("Union", 1)]), twice("Union", "Club"));
        let many = (0..9).map(|seed| keeper(&seed.to_string(), seed)).collect();
        assert_eq!(checked(many), Err(ElectionError::TooManyKeepers(9)));
        let nameless = checked(vec![keeper("Club", 1), keeper(" ", 2)]);
        assert!(matches!(nameless, Err(ElectionError::KeeperName { number: 2, .. })));
        let low = Keeper { name: "Low".into(), key: PublicKey([0; 32]) };
        assert!(matches!(checked(vec![low]), Err(ElectionError::KeeperKey { .. })));
    }

    #[test]
    fn the_id_commits_to_the_keepers() {
        let with = |keepers| Election { keepers, ..Election::demo() }.id();
        assert_ne!(with(vec![keeper("Club", 1)]), with(vec![keeper("Club", 2)]));
        assert_ne!(with(vec![keeper("Club", 1)]), with(vec![]));
    }
}
