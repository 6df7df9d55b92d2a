//! Downloads from peers that lie or send too slowly.

use blockvote_core::{
    chain::{
        ancestry::LinkError,
        block::Block,
        counted_votes::{Place, SlotError},
        header::Height,
        kept_block::KeptBlock,
        tree::{Chain, MAX_SIDE_BLOCKS, MAX_SIDE_BYTES},
    },
    crypto::hash::BlockHash,
    node::{Input, LinkId, Node, Offence, Peer, Rejection},
    testkit::{
        NOW, block, block_on, chain_of, context, election,
        nodes::{HONEST, LIAR, drain, hear, hello, hello_of, node, page, rejected, sent_to},
        vote,
    },
    wire::{frame::PeerId, message::Message},
};

#[test]
fn claims_without_work_behind_them_cost_the_connection_and_a_late_answer_does_not() {
    let theirs = chain_of(3);
    let mut node = node();
    let (headers, _) = page(&theirs, 2);
    let mut dropped = None;
    for round in 0..10_u128 {
        hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 9, (1 << 90) + round));
        dropped = dropped.or(rejected(&hear(&mut node, LIAR, &headers)));
        let lying = hear(&mut node, LIAR, &Message::Blocks(Vec::new()));
        dropped = dropped.or(rejected(&lying));
    }
    assert_eq!(dropped, Some(Offence::EmptyClaim.into()));
    // An honest slow peer answers questions that were given up: now and then, not always.
    let mut later = NOW;
    for _ in 0..20 {
        later = later.plus_ms(20_000);
        let bytes = headers.encode();
        node.handle(later, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn late_answers_of_an_honest_peer_are_no_offence_however_often_it_was_given_up() {
    let theirs = chain_of(3);
    let mut node = node();
    let claim = hello(theirs.tip().hash(), 4, theirs.work().0);
    let mut owed = 0;
    for round in 0..40 {
        let now = NOW.plus_ms(round * 21_000);
        let bytes = claim.encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        let asked = |message: &Message| matches!(message, Message::GetHeaders(_));
        owed += sent_to(&drain(&mut node), HONEST).into_iter().filter(asked).count();
        node.handle(now.plus_ms(20_500), Input::Tick);
        drain(&mut node);
    }
    assert!(owed > 20);
    let now = NOW.plus_ms(41 * 21_000);
    for _ in 0..owed {
        let bytes = Message::Headers(Vec::new()).encode();
        node.handle(now, Input::Message { from: HONEST, broadcast: false, bytes });
        assert_eq!(rejected(&drain(&mut node)), None);
    }
}

#[test]
fn who_drips_a_chain_out_block_by_block_loses_the_download() {
    let theirs = chain_of(20);
    let mut node = node();
    hear(&mut node, LIAR, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let (headers, _) = page(&theirs, 2);
    hear(&mut node, LIAR, &headers);
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 21, theirs.work().0));
    let mut now = NOW;
    for height in 2..=4 {
        now = now.plus_ms(19_000);
        let drop = theirs.block_at(Height(height)).unwrap().to_block();
        let bytes = Message::Blocks(vec![drop]).encode();
        node.handle(now, Input::Message { from: LIAR, broadcast: false, bytes });
    }
    let outputs = drain(&mut node);
    assert!(matches!(sent_to(&outputs, HONEST)[..], [Message::GetHeaders(_)]));
}

#[test]
fn blocks_beside_the_chain_are_bounded_in_number_and_bytes_and_the_best_stay() {
    let mut chain = chain_of(6);
    let late = NOW.plus_ms(1_000_000_000);
    let insert = |chain: &mut Chain, block: Block| {
        chain.insert(block.check(chain.context()).unwrap(), late).unwrap();
    };
    // Every side block builds on a block that is kept.
    let hangs_together = |chain: &Chain| {
        chain.side_blocks().all(|block| chain.block(&block.header().previous).is_some())
    };
    // A rival branch of four blocks, before the flood.
    let mut rival = Chain::new(context());
    for token in 500..504 {
        let next = block(&rival, vec![vote(token, "No")], |_| ());
        insert(&mut chain, next.clone());
        insert(&mut rival, next);
    }
    let is_whole = |chain: &Chain| {
        (2..=5).all(|h| chain.block(&rival.block_at(Height(h)).unwrap().hash()).is_some())
    };
    let long = "x".repeat(150);
    for number in 0..60_u64 {
        let votes = (0..4_000).map(|token| vote(1_000 + number * 4_000 + token, &long)).collect();
        insert(&mut chain, block(&chain_of(0), votes, |_| ()));
        let bytes: usize = chain.side_blocks().map(KeptBlock::encoded_len).sum();
        assert!(bytes <= MAX_SIDE_BYTES, "{bytes}");
    }
    assert!(chain.side_blocks().count() > 20 && is_whole(&chain) && hangs_together(&chain));
    // Branches of two: when an end is dropped, the block below it becomes an end.
    for number in 0..1_000 {
        let mut branch = Chain::new(context());
        for token in [2 * number, 2 * number + 1] {
            let next = block(&branch, vec![vote(10_000 + token, "No")], |_| ());
            // The first may have been dropped at once, as the least of all; then the second has no
            // parent.
            let _ = chain.insert(next.clone().check(chain.context()).unwrap(), late);
            insert(&mut branch, next);
        }
        assert!(chain.side_blocks().count() <= MAX_SIDE_BLOCKS);
    }
    assert!(is_whole(&chain) && hangs_together(&chain));
    assert_eq!(chain.height(), Height(7));
}

#[test]
fn a_branch_that_repeats_votes_is_refused_while_it_is_fetched() {
    let mut node = node();
    let own = (2..=6).map(|h| chain_of(5).block_at(Height(h)).unwrap().to_block());
    let late = NOW.plus_ms(1 << 34);
    node.handle(late, Input::Blocks(own.collect()));
    drain(&mut node);
    // Its headers have more work than the chain; its blocks have one vote over and over. While the
    // branch is not better yet, nobody would check that.
    let mut parent = Block::genesis(&election()).header().clone();
    let blocks: Vec<_> = (0..8)
        .map(|_| {
            let next = block_on(&election(), &parent, vec![vote(100, "Yes")], |_| ());
            parent = next.header.clone();
            next
        })
        .collect();
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    let mut say = |message: &Message| {
        let bytes = message.encode();
        node.handle(late, Input::Message { from: LIAR, broadcast: false, bytes });
        drain(&mut node)
    };
    say(&hello(parent.hash(), 9, 1 << 40));
    say(&Message::Headers(headers));
    assert_eq!(rejected(&say(&Message::Blocks(blocks[..1].to_vec()))), None);
    let outputs = say(&Message::Blocks(blocks[1..2].to_vec()));
    let used = |error: &LinkError| {
        let earlier = |place: &Place| place.height == Height(2);
        matches!(error, LinkError::Slot { error: SlotError::Used(place), .. } if earlier(place))
    };
    assert!(matches!(rejected(&outputs), Some(Rejection::Block(error)) if used(&error)));
}

#[test]
fn what_idle_names_say_makes_no_node_sure() {
    let genesis = chain_of(0);
    let mut node = node();
    let names: Vec<_> = (0..100).map(PeerId).collect();
    node.handle(NOW, Input::Peers(LinkId(0), names.clone()));
    let say = |node: &mut Node| {
        for id in &names {
            hear(node, Peer { link: LinkId(0), id: *id }, &hello_of(&genesis));
        }
    };
    say(&mut node);
    assert!(!node.is_sure(), "it has what all of them say, and none has shown anything");
    for sample in 1..=3 {
        assert!(!node.is_sure());
        node.handle(NOW.plus_ms(sample * 20_000), Input::Tick);
        say(&mut node);
    }
    assert!(node.is_sure(), "several samples agree");
    // Another tab of the same browser shows nothing, whatever it hands out.
    let theirs = chain_of(3);
    let mut node = self::node();
    let tab = Peer { link: LinkId::OWN_TABS, id: PeerId(1) };
    let (headers, blocks) = page(&theirs, 2);
    for message in [hello_of(&theirs), headers, blocks] {
        hear(&mut node, tab, &message);
    }
    assert_eq!(node.chain().height(), theirs.height());
    assert!(!node.is_sure());
    // One that hands out good blocks is enough.
    let theirs = chain_of(3);
    let mut node = self::node();
    let (headers, blocks) = page(&theirs, 2);
    hear(&mut node, HONEST, &hello_of(&theirs));
    assert!(!node.is_sure(), "somebody claims more");
    hear(&mut node, HONEST, &headers);
    hear(&mut node, HONEST, &blocks);
    assert!(node.is_sure());
}

#[test]
fn a_claim_alone_makes_no_node_say_that_it_fetches() {
    let theirs = chain_of(3);
    let mut node = node();
    hear(&mut node, LIAR, &hello(BlockHash([7; 32]), 9, 1 << 90));
    assert!(node.is_behind() && !node.is_fetching());
    let mut node = self::node();
    hear(&mut node, HONEST, &hello(theirs.tip().hash(), 4, theirs.work().0));
    hear(&mut node, HONEST, &page(&theirs, 2).0);
    assert!(node.is_fetching(), "headers showed more work");
}
