//! The count: selections and how many tokens chose each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Votes by selection. Selections nobody chose are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn add(&mut self, selection: String) {
        *self.0.entry(selection).or_insert(0) += 1;
    }

    pub(crate) fn remove(&mut self, selection: &str) {
        if let Some(count) = self.0.get_mut(selection) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(selection);
            }
        }
    }

    /// Votes for one selection.
    pub fn count(&self, selection: &str) -> u64 {
        self.0.get(selection).copied().unwrap_or(0)
    }

    /// All votes.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Selections in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(selection, count)| (selection.as_str(), *count))
    }
}

impl FromIterator<(String, u64)> for Tally {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}
