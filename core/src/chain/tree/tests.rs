use super::*;
use crate::testkit::{NOW, block, block_on, chain_of, context, election, vote};

const LATER: Timestamp = Timestamp(NOW.0 + 1_000_000_000);

fn insert(chain: &mut Chain, block: &Block) -> Result<Inserted, LinkError> {
    let checked = block.clone().check(chain.context()).unwrap();
    chain.insert(checked, LATER)
}

/// A branch of this many blocks on the first one, each with one vote, by tokens from `token` on.
fn branch(token: u64, blocks: u64) -> Vec<Block> {
    let election = election();
    let mut parent = Block::genesis(&election).header().clone();
    let mut branch = Vec::new();
    for token in token..token + blocks {
        let next = block_on(&election, &parent, vec![vote(token, "Yes")], |_| ());
        parent = next.header.clone();
        branch.push(next);
    }
    branch
}

fn chain_with(blocks: &[Block]) -> Chain {
    let mut chain = Chain::new(context());
    for block in blocks {
        insert(&mut chain, block).unwrap();
    }
    chain
}

#[test]
fn the_branch_with_more_work_is_switched_to_and_the_other_stays_beside() {
    let (short, long) = (branch(0, 2), branch(10, 3));
    let mut chain = chain_with(&short);
    for block in &long[..1] {
        assert!(matches!(insert(&mut chain, block), Ok(Inserted::Beside)));
    }
    // If the work is equal, the lower hash is the tip, so already the second may be a
    // reorganisation.
    let mut last = None;
    for block in &long[1..] {
        if let Ok(Inserted::Switched(switch)) = insert(&mut chain, block) {
            last.get_or_insert(switch);
        }
    }
    let switch = last.unwrap();
    assert_eq!(chain.tip().hash(), long[2].header.hash());
    assert_eq!(switch.removed.first().unwrap().hash(), short[1].header.hash(), "newest first");
    assert_eq!(switch.added.first().unwrap().hash(), long[0].header.hash(), "oldest first");
    let beside: HashSet<_> = chain.side_blocks().map(KeptBlock::hash).collect();
    assert_eq!(beside, short.iter().map(|block| block.header.hash()).collect());
    assert_eq!((chain.tally().ballots, chain.votes()), (3, 3));
    assert!(chain.place_of(&vote(0, "Yes").id()).is_none());
    assert!(chain.place_of(&vote(10, "Yes").id()).is_some());
}

#[test]
fn nodes_that_saw_the_same_blocks_agree_in_whatever_order_they_came() {
    let (one, other) = (branch(0, 3), branch(10, 3));
    let first = chain_with(&[one.clone(), other.clone()].concat());
    let second = chain_with(&[other, one].concat());
    assert_eq!(first.tip().hash(), second.tip().hash());
    assert_eq!(first.tally(), second.tally());
}

#[test]
fn a_branch_that_uses_a_token_twice_is_left_and_nothing_has_changed() {
    let ours = branch(0, 3);
    let mut chain = chain_with(&ours);
    let mut theirs = branch(10, 3);
    let parent = theirs[2].header.clone();
    let again = block_on(&election(), &parent, vec![vote(10, "No")], |_| ());
    theirs.push(again.clone());
    for block in &theirs[..3] {
        insert(&mut chain, block).unwrap();
    }
    let (tip, ballots) = (chain.tip().hash(), chain.tally().ballots);
    let refused = insert(&mut chain, &again);
    let error = SlotError::Used(Place { height: Height(2), index: 0 });
    assert!(
        matches!(&refused, Err(LinkError::Slot { error: found, .. }) if *found == error),
        "{refused:?}"
    );
    assert_eq!((chain.tip().hash(), chain.tally().ballots), (tip, ballots));
    assert!(chain.is_invalid(&again.header.hash()) && chain.block(&again.header.hash()).is_none());
    let child = block_on(&election(), &again.header, vec![vote(20, "Yes")], |_| ());
    let orphan = insert(&mut chain, &child);
    assert!(matches!(orphan, Err(LinkError::InvalidParent(_))), "{orphan:?}");
}

#[test]
fn a_block_twice_is_known_and_one_without_a_parent_is_not_taken() {
    let blocks = branch(0, 3);
    let mut chain = chain_with(&blocks[..1]);
    assert!(matches!(insert(&mut chain, &blocks[0]), Ok(Inserted::Known)));
    let orphan = insert(&mut chain, &blocks[2]);
    assert!(matches!(orphan, Err(LinkError::UnknownParent(Height(4)))), "{orphan:?}");
}

#[test]
fn the_sealed_block_outweighs_work_until_the_seal_is_gone() {
    let (short, long) = (branch(0, 1), branch(10, 3));
    let mut chain = chain_with(&[short.clone(), long.clone()].concat());
    let sealed = short[0].header.hash();
    let switch = chain.set_anchor(Some(sealed)).unwrap();
    assert_eq!((switch.removed.len(), chain.tip().hash()), (3, sealed));
    assert!(chain.is_anchored() && chain.leads_over_anchor(&sealed));
    let heavy = Weight { work: Work(u128::MAX >> 1), ..Weight::default() };
    assert!(!chain.is_better(heavy, BlockHash([0; 32]), false));
    assert!(chain.set_anchor(Some(sealed)).is_none(), "it is set");
    let back = chain.set_anchor(None).unwrap();
    assert_eq!((back.added.len(), chain.tip().hash()), (3, long[2].header.hash()));
}

#[test]
fn a_locator_meets_the_last_common_block() {
    let (ours, theirs) = (chain_of(30), chain_of(20));
    let locator = ours.locator();
    assert_eq!(locator.len(), locator.iter().collect::<HashSet<_>>().len());
    assert!(locator.len() < 20);
    // The same maker made both, so the shorter one is the beginning of the longer one.
    let meeting = theirs.meeting_point(&locator).unwrap();
    assert!(
        meeting <= theirs.height()
            && ours.block_at(meeting).unwrap().hash() == theirs.block_at(meeting).unwrap().hash()
    );
    assert_eq!(Chain::new(context()).meeting_point(&locator), Some(Height(1)));
}

#[test]
fn the_count_up_to_a_block_is_that_of_the_chain_when_it_was_the_tip() {
    let mut chain = Chain::new(context());
    let mut tallies = vec![chain.tally().clone()];
    for token in 0..4 {
        let next = block(&chain, vec![vote(token, "Yes"), vote(token + 10, "No")], |_| ());
        insert(&mut chain, &next).unwrap();
        tallies.push(chain.tally().clone());
    }
    let counted: Vec<_> = (1..=5).map(|height| chain.tally_at(Height(height))).collect();
    assert_eq!(counted, tallies);
    assert_eq!(chain.confirmations(Height(5)), 1);
    assert_eq!(chain.confirmations(Height(2)), 4);
}

#[test]
fn side_blocks_have_a_bound_and_those_of_a_download_are_not_counted() {
    let mut chain = chain_with(&branch(0, 3));
    let protected = branch(1, 1);
    chain.protect(protected.iter().map(|block| block.header.hash()));
    insert(&mut chain, &protected[0]).unwrap();
    let genesis = Block::genesis(&election()).header().clone();
    for token in 0..MAX_SIDE_BLOCKS as u64 + 20 {
        let beside = block_on(&election(), &genesis, vec![vote(1_000 + token, "Yes")], |_| ());
        insert(&mut chain, &beside).unwrap();
    }
    assert_eq!(chain.side_blocks().count(), MAX_SIDE_BLOCKS + 1);
    assert!(chain.block(&protected[0].header.hash()).is_some());
    chain.protect([]);
    let one_more = block_on(&election(), &genesis, vec![vote(9_999, "Yes")], |_| ());
    insert(&mut chain, &one_more).unwrap();
    assert_eq!(chain.side_blocks().count(), MAX_SIDE_BLOCKS);
}
