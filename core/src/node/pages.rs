//! Long lists, cut into messages.

use borsh::BorshSerialize;

use crate::wire::message::MAX_MESSAGE_BYTES;

/// Bytes of votes or blocks in one answer. Half of what a message may have: a bus between relays
/// takes 1 MiB by default, and progress is visible page by page. One block may be longer.
pub(super) const PAGE_BYTES: usize = MAX_MESSAGE_BYTES / 2;

/// Cuts a list into messages that fit into a frame, each with at most `per_page` entries. It makes
/// at most `most` messages; the rest of the list is not read.
pub(super) fn pages<T: BorshSerialize + Clone>(
    items: &mut dyn Iterator<Item = &T>,
    per_page: usize,
    most: usize,
) -> Vec<Vec<T>> {
    let mut pages: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let size = borsh::object_length(item).unwrap_or(PAGE_BYTES);
        let full = bytes + size > PAGE_BYTES;
        if let Some(page) = pages.last_mut().filter(|page| !full && page.len() < per_page) {
            page.push(item.clone());
            bytes += size;
        } else if pages.len() < most {
            pages.push(vec![item.clone()]);
            bytes = size;
        } else {
            break;
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(items: &[Vec<u8>], per_page: usize, most: usize) -> Vec<usize> {
        pages(&mut items.iter(), per_page, most).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_page_is_full_by_number_or_by_bytes() {
        assert_eq!(lengths(&vec![vec![0; 10]; 7], 3, usize::MAX), [3, 3, 1]);
        let half = vec![vec![0; PAGE_BYTES / 2 - 4]; 5];
        assert_eq!(lengths(&half, 100, usize::MAX), [2, 2, 1]);
        let over = vec![vec![0; PAGE_BYTES + 1]; 2];
        assert_eq!(lengths(&over, 100, usize::MAX), [1, 1]);
    }

    #[test]
    fn what_is_over_the_bound_is_left_out() {
        assert_eq!(lengths(&vec![vec![0; 10]; 7], 3, 2), [3, 3]);
        assert!(lengths(&[], 3, 2).is_empty() && lengths(&[vec![]], 3, 0).is_empty());
    }
}
