//! What an announced header is worth to this node.

use super::peers::Claim;
use crate::{
    chain::{
        ancestry::LinkError, block::check_header, fork_choice::Weight, header::Header, tree::Chain,
    },
    time::Timestamp,
};

/// A block this far below the tip is not fetched when it is announced.
const STALE_BLOCKS: u32 = 16;

/// What an announced header is worth.
#[derive(Debug)]
pub(super) enum Announced {
    /// Its block is here and not valid.
    Worthless,
    /// The sender's clock or ours is wrong: the block may be valid later.
    Ahead(Timestamp),
    /// It breaks a rule.
    Broken(LinkError),
    /// Its parent is unknown here.
    Orphan,
    /// It says what its sender has, but its block is not wanted: it is here, or far below the tip.
    /// Such a block is cheap to make and useless alone; should its branch win, its headers will
    /// show it.
    Claim(Claim),
    /// Its block is wanted.
    Wanted(Claim),
}

/// Compares a header with the chain.
pub(super) fn weigh(chain: &Chain, header: &Header, now: Timestamp) -> Announced {
    let (hash, height) = (header.hash(), header.height);
    if let Some(weight) = chain.weight_at(&hash) {
        let sealed = chain.anchor().filter(|_| chain.leads_over_anchor(&hash));
        return Announced::Claim(Claim { tip: hash, height, weight, sealed });
    }
    if chain.is_invalid(&hash) {
        return Announced::Worthless;
    }
    if let Err(error) = check_header(header, chain.election()) {
        return Announced::Broken(error.into());
    }
    let Some(ancestry) = chain.ancestry(&header.previous) else {
        return Announced::Orphan;
    };
    match ancestry.check_next(chain.election(), header, now) {
        Ok(()) => {}
        Err(LinkError::Ahead { found, .. }) => return Announced::Ahead(found),
        Err(error) => return Announced::Broken(error),
    }
    let work = ancestry.work().plus(header.work());
    let weight = Weight::of(chain.election(), header, work);
    let anchored = chain.leads_over_anchor(&header.previous);
    let sealed = chain.anchor().filter(|anchor| anchored || *anchor == hash);
    let claim = Claim { tip: hash, height, weight, sealed };
    let better = chain.is_better(weight, hash, sealed.is_some());
    if !better && height.0.saturating_add(STALE_BLOCKS) < chain.height().0 {
        return Announced::Claim(claim);
    }
    Announced::Wanted(claim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::block::Block,
        testkit::{NOW, block, block_on, chain_of, election, vote},
    };

    fn next(chain: &Chain, change: impl FnOnce(&mut Header)) -> Header {
        block(chain, vec![vote(99, "Yes")], change).header
    }

    #[test]
    fn the_next_block_is_wanted_and_one_that_is_here_is_a_claim() {
        let chain = chain_of(2);
        let header = next(&chain, |_| ());
        let wanted = weigh(&chain, &header, NOW);
        assert!(matches!(&wanted, Announced::Wanted(claim) if claim.tip == header.hash()));
        let tip = chain.tip().header().clone();
        let known = weigh(&chain, &tip, NOW);
        assert!(
            matches!(&known, Announced::Claim(claim) if claim.weight == chain.weight()),
            "{known:?}"
        );
    }

    #[test]
    fn what_breaks_a_rule_or_hangs_in_the_air_is_told_apart() {
        let chain = chain_of(2);
        let weighed = |header: &Header| weigh(&chain, header, NOW);
        let skipped = next(&chain, |header| header.height = header.height.next());
        assert!(matches!(weighed(&skipped), Announced::Broken(LinkError::Height { .. })));
        let mut unproven = next(&chain, |_| ());
        while crate::chain::pow::is_proven(&unproven) {
            unproven.nonce += 1;
        }
        assert!(matches!(weighed(&unproven), Announced::Broken(LinkError::Block(_))));
        let orphan = next(&chain_of(5), |_| ());
        assert!(matches!(weighed(&orphan), Announced::Orphan));
    }

    #[test]
    fn a_block_far_below_the_tip_is_left() {
        let chain = chain_of(u64::from(STALE_BLOCKS) + 2);
        let genesis = Block::genesis(&election());
        let stale = block_on(&election(), genesis.header(), vec![vote(99, "No")], |_| ());
        assert!(matches!(weigh(&chain, &stale.header, NOW), Announced::Claim(_)));
    }
}
