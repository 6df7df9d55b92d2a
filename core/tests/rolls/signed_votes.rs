//! Signatures of voters, in votes and in blocks.

use blockvote_core::{
    chain::{
        block::{Block, BlockError},
        header::Header,
        pow,
        tree::Chain,
        unverified_blocks::check_together,
    },
    crypto::hash::ElectionId,
    election::{
        ballot::Ballot,
        definition::Counting,
        token::TokenId,
        vote::{Vote, VoteError},
    },
    node::Peer,
    testkit::{
        NOW, block,
        nodes::{LIAR, hear, hear_verified, rejected},
        rolls::{context, context_with, extend, node, vote, voter},
    },
    wire::{
        frame::PeerId,
        message::{MAX_VOTES, Message},
    },
};

#[test]
fn blocks_checked_together_get_the_verdicts_that_each_gets_alone() {
    let context = context_with(Counting::LastCounts, 6);
    let mut chain = Chain::new(context.clone());
    let mut good = Vec::new();
    for sequence in 0..5 {
        let votes = (0..6).map(|number| vote(&context, number, sequence, 1)).collect();
        let next = block(&chain, votes, |_| ());
        let later = NOW.plus_ms(1_000_000_000);
        chain.insert(next.clone().check(&context).unwrap(), later).unwrap();
        good.push(next);
    }
    let heights = |blocks: &[Block]| {
        let checked = check_together(blocks.to_vec(), &context);
        let (good, wrong): (Vec<_>, Vec<_>) = checked.into_iter().partition(Result::is_ok);
        assert!(wrong.len() <= 1);
        (good.len(), wrong.into_iter().find_map(Result::err))
    };
    assert_eq!(heights(&good), (5, None));
    assert_eq!(heights(&[]), (0, None));
    for offender in 0..5 {
        for index in [0, 3, 5] {
            for change in 0..3 {
                let mut blocks = good.clone();
                let block = &mut blocks[offender];
                match change {
                    // Another voter's signature, a broken rule before it, and both in one chain.
                    0 => {
                        block.votes[index].authorization =
                            block.votes[(index + 1) % 6].authorization;
                    }
                    1 => block.votes[index].token = TokenId(7),
                    _ => {
                        block.votes[index].authorization =
                            block.votes[(index + 1) % 6].authorization;
                        blocks[4].votes[0].sequence = 100;
                    }
                }
                for block in &mut blocks {
                    block.header.votes_root = Block::votes_root(&block.votes);
                    pow::mine(&mut block.header);
                }
                let alone = blocks.iter().position(|block| block.clone().check(&context).is_err());
                let error = blocks[alone.unwrap()].clone().check(&context).unwrap_err();
                assert_eq!(alone, Some(offender));
                assert_eq!(heights(&blocks), (offender, Some(error)));
            }
        }
    }
}

#[test]
fn a_vote_that_its_voter_did_not_sign_is_rejected_in_votes_and_in_blocks() {
    let context = context();
    let good = vote(&context, 0, 0, 1);
    let mut tampered = vec![
        Vote { ballot: Ballot::Choices(vec![0]), ..good.clone() },
        Vote { token: vote(&context, 1, 0, 1).token, ..good.clone() },
        Vote::signed(context.id(), good.token, 0, Ballot::Choices(vec![0]), &voter(1)),
        Vote::open(context.id(), good.token, Ballot::Choices(vec![0])),
        Vote { token: TokenId(7), ..good.clone() },
        Vote { sequence: 1, ..good.clone() },
    ];
    // Signed for an election that differs only in its title.
    let mut elsewhere = good.clone();
    elsewhere.election = ElectionId([1; 32]);
    tampered.push(elsewhere);
    for wrong in tampered {
        let mut node = node(&context);
        let votes = vec![vote(&context, 2, 0, 0), wrong.clone()];
        let outputs = hear_verified(&mut node, LIAR, &Message::Votes(votes.clone()));
        assert!(rejected(&outputs).is_some(), "{wrong:?}");
        assert_eq!(node.pending().len(), 0, "nothing of the message is taken");
        assert!(node.cast(NOW, wrong.clone()).is_err());
        let before = node.chain().tip().hash();
        extend(&mut node, votes);
        assert_eq!(node.chain().tip().hash(), before, "{wrong:?}");
    }
    let mut node = node(&context);
    assert_eq!(
        rejected(&hear_verified(&mut node, LIAR, &Message::Votes(vec![good.clone()]))),
        None
    );
    // The same vote again, heard or in a block, is nothing new and not an offence.
    assert_eq!(
        rejected(&hear_verified(&mut node, LIAR, &Message::Votes(vec![good.clone()]))),
        None
    );
    assert_eq!(node.pending().len(), 1);
    extend(&mut node, vec![good.clone()]);
    assert_eq!(node.chain().votes(), 1);
    let again = hear_verified(&mut node, LIAR, &Message::Votes(vec![good.clone()]));
    assert_eq!((rejected(&again), node.pending().len()), (None, 0), "a replay changes nothing");
    let before = node.chain().tip().hash();
    extend(&mut node, vec![good]);
    assert_eq!(node.chain().tip().hash(), before);
    assert_eq!(node.statements().all().count(), 0);
}

#[test]
fn a_block_is_completed_from_checked_votes_and_only_what_came_is_verified() {
    let context = context();
    let chain = Chain::new(context.clone());
    let votes: Vec<_> = (0..3).map(|number| vote(&context, number, 0, 1)).collect();
    let whole = block(&chain, votes.clone(), |_| ());
    let here = || {
        let checked = |number: usize| Some(votes[number].check(&context).unwrap());
        vec![checked(0), None, checked(2)]
    };
    let complete =
        |header: &Header, came: Vec<Vote>| Block::complete(header.clone(), here(), came, &context);
    assert_eq!(complete(&whole.header, vec![votes[1].clone()]), whole.clone().check(&context));
    // Too few votes, or another one: these are not the votes of the header.
    for came in [vec![], vec![vote(&context, 1, 0, 0)]] {
        let error = complete(&whole.header, came).unwrap_err();
        assert!(matches!(error, BlockError::VotesRoot(_)), "{error:?}");
    }
    // Fewer votes than gaps, under a header that has just those: a vote here must not get the id of
    // another.
    let some = |number: usize| Some(votes[number].check(&context).unwrap());
    let gaps = vec![None, None, some(1), some(2)];
    let error =
        Block::complete(whole.header.clone(), gaps, vec![votes[0].clone()], &context).unwrap_err();
    assert!(matches!(error, BlockError::VotesRoot(_)), "{error:?}");
    // A header over a forged vote: the error names its position in the block.
    let forged = Vote { authorization: votes[0].authorization, ..votes[1].clone() };
    let bad = block(&chain, vec![votes[0].clone(), forged.clone(), votes[2].clone()], |_| ());
    let error = complete(&bad.header, vec![forged]).unwrap_err();
    assert!(matches!(error, BlockError::Vote { number: 2, .. }), "{error:?}");
    // A vote that was checked for another election is not a vote here.
    let other = context_with(Counting::LastCounts, 6);
    let foreign = vote(&other, 0, 0, 1).check(&other).unwrap();
    let error = Block::of_checked(
        block(&chain, vec![foreign.vote().clone()], |_| ()).header,
        vec![foreign],
        &context,
    );
    assert!(matches!(error, Err(BlockError::Vote { error: VoteError::OtherElection(_), .. })));
}

#[test]
fn forged_votes_use_up_what_is_verified_for_nothing_whatever_name_they_come_under() {
    let context = context_with(Counting::LastCounts, 41);
    let mut node = node(&context);
    let forged: Vec<_> = (0..41)
        .flat_map(|number| (0..=99).map(move |sequence| (number, sequence)))
        .map(|(number, sequence)| {
            let vote = vote(&context, number, sequence, 0);
            Vote { authorization: self::vote(&context, 0, 0, 1).authorization, ..vote }
        })
        .take(MAX_VOTES)
        .collect();
    let mut verified = 0;
    for name in 10..20 {
        let from = Peer { link: LIAR.link, id: PeerId(name) };
        let outputs = hear(&mut node, from, &Message::Votes(forged.clone()));
        verified += usize::from(rejected(&outputs).is_some());
    }
    assert_eq!(verified, 4, "each is verified until the budget of all is used up");
}
