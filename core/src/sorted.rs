//! Sorting in little code.

use std::collections::BinaryHeap;

/// The items in ascending order. `sort_unstable` is made again for every type, with 3 to 18 kB of
/// WebAssembly each; what is sorted here is short or seldom.
pub(crate) fn sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    BinaryHeap::from(items).into_sorted_vec()
}
