//! The voter roll: the public keys that may vote. Token n is the n-th key, counted from 1.
//!
//! Keys are in ascending order, so a position on the roll says nothing about a name, and no key is
//! there twice. The election commits to the Merkle root (RFC 9162) over the keys. Pages of
//! [`PAGE_KEYS`] keys are whole subtrees of that tree, so each page can be checked by itself.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::{
        hash::RollRoot,
        key::{KeyError, PublicKey},
        merkle::{self, InclusionProof},
    },
    election::token::TokenId,
    sorted::sorted,
};

/// Enough for a town; such a roll has 3.2 MB.
pub const MAX_ROLL: u32 = 100_000;
/// Keys of a page: a power of two, so that a full page is a subtree.
pub const PAGE_KEYS: usize = 1024;

/// Why keys are not a roll, or a page is not one of it.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::From)]
pub enum RollError {
    /// Nobody could vote.
    Empty,
    /// There are more keys than the bound.
    TooLong(usize),
    /// A key that must not vote.
    #[from]
    Key(KeyError),
    /// The same key twice: one voter would have two votes.
    Twice(PublicKey),
    /// The keys are not in ascending order, which is part of the format.
    Order,
    /// It is not the election's roll.
    Root,
    /// The roll has no such page.
    NoSuchPage(u32),
}

/// A complete and checked roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    keys: Vec<PublicKey>,
    /// Roots of the pages: leaves of the upper part of the tree.
    pages: Vec<[u8; 32]>,
    root: RollRoot,
}

fn page_root(keys: &[PublicKey]) -> [u8; 32] {
    let leaves: Vec<_> = keys.iter().map(|key| merkle::leaf(&key.0)).collect();
    merkle::root(&leaves)
}

impl Roll {
    /// Makes a roll of keys in any order.
    ///
    /// # Errors
    /// A key that must not vote or is there twice, no key at all, or too many.
    pub fn collect(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, RollError> {
        let keys = sorted(keys.into_iter().collect());
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(RollError::Twice(pair[0]));
        }
        for key in &keys {
            key.check()?;
        }
        Self::of_checked(keys)
    }

    /// The roll of keys that were checked before they were stored: only a complete roll is kept.
    /// Its root shows that they are still the same;
    /// [`crate::election::election_context::ElectionContext::new`] compares it with the election's.
    ///
    /// # Errors
    /// The errors of [`Roll::collect`], except keys that must not vote.
    pub fn of_checked(keys: Vec<PublicKey>) -> Result<Self, RollError> {
        if keys.is_empty() {
            return Err(RollError::Empty);
        }
        if keys.len() > MAX_ROLL as usize {
            return Err(RollError::TooLong(keys.len()));
        }
        if keys.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(RollError::Order);
        }
        let pages: Vec<_> = keys.chunks(PAGE_KEYS).map(page_root).collect();
        let root = RollRoot(merkle::root(&pages));
        Ok(Self { keys, pages, root })
    }

    /// What an election commits to.
    pub fn root(&self) -> RollRoot {
        self.root
    }

    /// Number of keys.
    pub fn size(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(MAX_ROLL)
    }

    /// Number of pages.
    pub fn page_count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(MAX_ROLL)
    }

    /// The key of a token.
    pub fn key(&self, token: TokenId) -> Option<&PublicKey> {
        let index = usize::try_from(token.0.checked_sub(1)?).ok()?;
        self.keys.get(index)
    }

    /// The token of a key.
    pub fn token_of(&self, key: &PublicKey) -> Option<TokenId> {
        self.keys.binary_search(key).ok().map(|index| TokenId(index as u64 + 1))
    }

    /// A page with its proof; pages are counted from 0.
    pub fn page(&self, index: u32) -> Option<RollPage> {
        let keys = self.keys.chunks(PAGE_KEYS).nth(usize::try_from(index).ok()?)?.to_vec();
        Some(RollPage { index, keys, path: merkle::prove(&self.pages, index)?.path })
    }

    /// All pages in order.
    pub fn all_pages(&self) -> impl Iterator<Item = RollPage> + '_ {
        (0..self.page_count()).filter_map(|index| self.page(index))
    }
}

/// Keys with the proof that they are on the roll.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RollPage {
    /// Number of the page, counted from 0.
    pub index: u32,
    /// [`PAGE_KEYS`] keys; the last page has the rest.
    pub keys: Vec<PublicKey>,
    /// Siblings from the page's root upwards.
    pub path: Vec<[u8; 32]>,
}

/// Collects the pages of a roll, in any order, each checked as it comes.
#[derive(Clone, Debug)]
pub struct RollBuilder {
    root: RollRoot,
    size: u32,
    pages: Vec<Option<Vec<PublicKey>>>,
}

impl RollBuilder {
    /// Begins the roll with this root and number of keys. The size comes from a validated
    /// election, so it is within [`MAX_ROLL`].
    pub fn new(root: RollRoot, size: u32) -> Self {
        let pages = (size.min(MAX_ROLL) as usize).div_ceil(PAGE_KEYS);
        Self { root, size, pages: vec![None; pages] }
    }

    /// Number of pages in all.
    pub fn page_count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(MAX_ROLL)
    }

    /// Pages that are not here yet.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.pages).filter(|(_, page)| page.is_none()).map(|(index, _)| index)
    }

    /// Checks a page and keeps it.
    ///
    /// # Errors
    /// Why it is not a page of this roll. In that case nothing changes.
    pub fn add(&mut self, page: RollPage) -> Result<(), RollError> {
        let no_such = RollError::NoSuchPage(page.index);
        let position = usize::try_from(page.index).map_err(|_| no_such.clone())?;
        let slot = self.pages.get(position).ok_or(no_such)?;
        let full = (self.size as usize - position * PAGE_KEYS).min(PAGE_KEYS);
        let leaves = self.page_count();
        let proof = InclusionProof { index: page.index, leaves, path: page.path };
        if page.keys.len() != full || !proof.verifies(&page_root(&page.keys), &self.root.0) {
            return Err(RollError::Root);
        }
        if slot.is_none() {
            // The organiser chose the keys: even if the root is right, a key may be a trap.
            for key in &page.keys {
                key.check()?;
            }
            self.pages[position] = Some(page.keys);
        }
        Ok(())
    }

    /// The roll, once every page is here.
    ///
    /// # Errors
    /// If the organiser's roll itself breaks a rule: keys twice or out of order.
    pub fn finish(self) -> Result<Option<Roll>, RollError> {
        let Some(pages) = self.pages.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let roll = Roll::of_checked(pages.concat())?;
        if roll.root == self.root { Ok(Some(roll)) } else { Err(RollError::Root) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key::SecretKey;

    fn keys(count: u32) -> Vec<PublicKey> {
        let key = |number: u32| {
            let mut seed = [1; 32];
            seed[..4].copy_from_slice(&number.to_le_bytes());
            SecretKey::new(seed).public()
        };
        (0..count).map(key).collect()
    }

    #[test]
    fn pages_in_any_order_make_the_roll_and_a_forged_page_is_refused() {
        for size in [1, 2, 1023, 1024, 1025, 2500] {
            let roll = Roll::collect(keys(size)).unwrap();
            let mut all: Vec<_> = roll.keys.iter().map(|key| merkle::leaf(&key.0)).collect();
            assert_eq!(RollRoot(merkle::root(&all)), roll.root(), "pages are subtrees");
            all.clear();
            let mut builder = RollBuilder::new(roll.root(), size);
            let mut pages: Vec<_> = roll.all_pages().collect();
            pages.reverse();
            for page in pages {
                let mut forged = page.clone();
                forged.keys[0] = SecretKey::new([9; 32]).public();
                assert_eq!(builder.add(forged), Err(RollError::Root));
                let moved = RollPage { index: page.index + 1, ..page.clone() };
                assert!(builder.add(moved).is_err());
                let mut shorter = page.clone();
                shorter.keys.pop();
                assert_eq!(builder.add(shorter), Err(RollError::Root));
                assert_eq!(builder.clone().finish(), Ok(None));
                assert_eq!(builder.add(page), Ok(()));
            }
            assert_eq!(builder.finish(), Ok(Some(roll.clone())));
            for token in 1..=u64::from(size) {
                let key = roll.key(TokenId(token)).unwrap();
                assert_eq!(roll.token_of(key), Some(TokenId(token)));
            }
            assert_eq!(roll.key(TokenId(0)), None);
            assert_eq!(roll.key(TokenId(u64::from(size) + 1)), None);
        }
    }

    #[test]
    fn keys_that_must_not_vote_make_no_roll() {
        let good = keys(3);
        assert_eq!(Roll::collect([]), Err(RollError::Empty));
        let twice = good.iter().chain(&good[..1]).copied();
        assert_eq!(Roll::collect(twice), Err(RollError::Twice(good[0])));
        // The neutral element, and a point of order eight (RFC 7748's curve, from the table of
        // small-order points that libsodium also refuses).
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let eight = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
        for small in [PublicKey(neutral), eight.parse().unwrap()] {
            let error = Roll::collect(good.iter().copied().chain([small])).unwrap_err();
            assert_eq!(error, RollError::Key(KeyError::SmallOrder(small)));
        }
        // y = p + 3 is the point y = 3, encoded in another way.
        let mut dressed = [0xff; 32];
        (dressed[0], dressed[31]) = (0xf0, 0x7f);
        let error = PublicKey(dressed).check().unwrap_err();
        assert_eq!(error, KeyError::NotCanonical(PublicKey(dressed)));
        // A root over a bad key does not make it a voter.
        let mut bad = good.clone();
        bad.push(PublicKey(neutral));
        bad.sort_unstable();
        let roll = Roll::of_checked(bad).unwrap();
        let mut builder = RollBuilder::new(roll.root(), 4);
        let error = builder.add(roll.page(0).unwrap()).unwrap_err();
        assert_eq!(error, RollError::Key(KeyError::SmallOrder(PublicKey(neutral))));
    }
}
