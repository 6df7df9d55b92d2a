//! Sorting with little code.

use std::collections::BinaryHeap;

/// The items in ascending order. `sort_unstable` is compiled again for every type, with 3 to 18 kB
/// of WebAssembly each; the lists that are sorted here are short or sorted rarely.
pub(crate) fn sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}
