//! Branches whose votes are here: only their short ids are sent, and no signature is verified
//! again.

use blockvote_core::{
    chain::{
        block::Block,
        header::{Header, Height},
        tree::Chain,
    },
    crypto::hash::{BlockHash, ShortId},
    election::{definition::Counting, election_context::ElectionContext, vote::Vote},
    node::{Input, Node, Offence, Output, Rejection},
    testkit::{
        NOW, block_on,
        nodes::{HONEST, LIAR, drain, hear, hello_of, rejected, sent_to},
        rolls::{self, context_with, vote},
    },
    wire::message::{Message, ShortBlock},
};

fn context() -> ElectionContext {
    context_with(Counting::FirstCounts, 40)
}

fn votes(numbers: impl IntoIterator<Item = u32>) -> Vec<Vote> {
    let context = context();
    numbers.into_iter().map(|number| vote(&context, number, 0, 1)).collect()
}

/// A node with blocks of the votes of these voters.
fn with_blocks(blocks: &[&[u32]]) -> Node {
    let mut node = rolls::node(&context());
    for block in blocks {
        rolls::extend(&mut node, votes(block.iter().copied()));
    }
    drain(&mut node);
    node
}

/// Tells `ours` of the chain of `theirs` and lets both talk until nobody says anything. Returns
/// what `ours` asked for, and how many signatures it wanted verified.
fn fetch(ours: &mut Node, theirs: &mut Node) -> (Vec<Message>, usize) {
    let (mut asked, mut signatures) = (Vec::new(), 0);
    let mut heard = vec![hello_of(theirs.chain())];
    while !heard.is_empty() {
        let mut said = Vec::new();
        for message in heard.drain(..) {
            let bytes = message.encode();
            ours.handle(NOW, Input::Message { from: HONEST, broadcast: false, bytes });
            while let Some(output) = ours.poll_output() {
                if let Output::Verify(wanted) = &output {
                    signatures += wanted.list.len();
                    ours.handle(NOW, Input::Verified { id: wanted.id, verdict: Ok(()) });
                }
                assert_eq!(rejected(std::slice::from_ref(&output)), None);
                said.extend(sent_to(&[output], HONEST));
            }
        }
        said.retain(|message| !matches!(message, Message::Reconcile(_)));
        for question in &said {
            heard.extend(sent_to(&hear(theirs, HONEST, question), HONEST));
        }
        asked.extend(said);
    }
    (asked, signatures)
}

fn has_all(ours: &Node, theirs: &Node) -> bool {
    let tip = theirs.chain().tip().hash();
    ours.chain().block(&tip).is_some()
}

fn hashes(chain: &Chain, heights: std::ops::RangeInclusive<u32>) -> Vec<BlockHash> {
    let at = |height| chain.block_at(Height(height)).unwrap().hash();
    heights.map(at).collect()
}

#[test]
fn of_a_branch_whose_votes_are_here_no_vote_is_fetched_or_verified() {
    let mut ours = with_blocks(&[&[0, 1, 2], &[3, 4]]);
    let mut theirs = with_blocks(&[&[4, 0], &[2, 3, 1, 5]]);
    // A pending vote is here, too.
    ours.cast(NOW, votes([5]).remove(0)).unwrap();
    drain(&mut ours);
    let (asked, signatures) = fetch(&mut ours, &mut theirs);
    let wanted = hashes(theirs.chain(), 2..=3);
    assert_eq!(asked[1..], [Message::GetShortBlocks(wanted)]);
    assert_eq!(signatures, 0);
    assert_eq!(ours.chain().tip().hash(), theirs.chain().tip().hash(), "nothing is taken out");
}

#[test]
fn only_votes_that_are_not_here_are_fetched_and_blocks_of_such_votes_come_whole() {
    let mut ours = with_blocks(&[&[0, 1, 2], &[3, 4]]);
    let blocks: [&[u32]; 6] = [&[0, 10, 1], &[11], &[12, 13], &[2], &[3, 14], &[4]];
    let mut theirs = with_blocks(&blocks);
    let (asked, signatures) = fetch(&mut ours, &mut theirs);
    let hash = hashes(theirs.chain(), 2..=7);
    let questions = [
        Message::GetShortBlocks(hash.clone()),
        Message::GetBlockVotes(hash[0], vec![1]),
        Message::GetBlocks(hash[1..3].to_vec()),
        Message::GetBlockVotes(hash[4], vec![1]),
    ];
    assert_eq!(asked[1..], questions);
    assert_eq!(signatures, 3, "those of the blocks that came whole");
    assert!(has_all(&ours, &theirs));
}

#[test]
fn who_has_next_to_nothing_of_a_branch_fetches_whole_blocks() {
    let mut ours = with_blocks(&[&[0]]);
    let blocks: Vec<_> = (0..9).map(|number| [number, number + 20]).collect();
    let blocks: Vec<_> = blocks.iter().map(|block| &block[..]).collect();
    let mut theirs = with_blocks(&blocks);
    let (asked, _) = fetch(&mut ours, &mut theirs);
    assert_eq!(asked[1..], [Message::GetBlocks(hashes(theirs.chain(), 2..=10))]);
    assert!(has_all(&ours, &theirs));
}

/// A node that asked [`LIAR`] for short blocks, and the header of the only one.
fn asking() -> (Node, Header) {
    let mut ours = with_blocks(&[&[0, 1]]);
    let theirs = with_blocks(&[&[1, 0, 2]]);
    hear(&mut ours, LIAR, &hello_of(theirs.chain()));
    let header = theirs.chain().tip().header().clone();
    let asked = hear(&mut ours, LIAR, &Message::Headers(vec![header.clone()]));
    assert_eq!(sent_to(&asked, LIAR), [Message::GetShortBlocks(vec![header.hash()])]);
    (ours, header)
}

fn short(votes: &[Vote]) -> Vec<ShortId> {
    votes.iter().map(|vote| ShortId::from(&vote.id())).collect()
}

fn told(
    node: &mut Node,
    header: &Header,
    votes: Vec<ShortId>,
) -> (Vec<Message>, Option<Rejection>) {
    let blocks = vec![ShortBlock { header: header.clone(), votes }];
    let outputs = hear(node, LIAR, &Message::ShortBlocks(blocks));
    (sent_to(&outputs, LIAR), rejected(&outputs))
}

#[test]
fn a_lie_about_ids_leads_to_the_whole_block_which_shows_it() {
    let known = short(&votes([1, 0]));
    let whole = |header: &Header| vec![Message::GetBlocks(vec![header.hash()])];
    // Fewer than the header covers, the same one twice, none, and ids that nobody knows.
    let twice = vec![known[0], known[1], known[0]];
    for lie in [known.clone(), twice, Vec::new(), vec![ShortId([9; 8]); 3]] {
        let (mut node, header) = asking();
        assert_eq!(told(&mut node, &header, lie), (whole(&header), None));
        let strangers = block_on(context().election(), &header, votes([7]), |_| ());
        let block = Block { header, votes: strangers.votes };
        let outputs = hear(&mut node, LIAR, &Message::Blocks(vec![block]));
        assert!(rejected(&outputs).is_some());
    }
    // What is asked for because of made-up ids does not arrive.
    let (mut node, header) = asking();
    let made_up = vec![known[0], known[1], ShortId([9; 8])];
    let question = Message::GetBlockVotes(header.hash(), vec![2]);
    assert_eq!(told(&mut node, &header, made_up), (vec![question], None));
    let other = Message::BlockVotes(header.hash(), votes([7]));
    let outputs = hear(&mut node, LIAR, &other);
    assert_eq!(sent_to(&outputs, LIAR), whole(&header));
}

#[test]
fn short_blocks_are_taken_only_where_they_were_asked_for() {
    let (mut node, header) = asking();
    let stranger = with_blocks(&[&[7]]).chain().tip().header().clone();
    assert_eq!(told(&mut node, &stranger, short(&votes([7]))), (Vec::new(), None));
    let all = short(&votes([1, 0, 2]));
    let (asked, _) = told(&mut node, &header, all.clone());
    assert_eq!(asked, [Message::GetBlockVotes(header.hash(), vec![2])]);
    assert_eq!(told(&mut node, &header, all).0, [], "it waits for the vote");
    let mut node = with_blocks(&[]);
    let unasked = Message::ShortBlocks(Vec::new());
    let mut dropped = None;
    for _ in 0..40 {
        dropped = dropped.or(rejected(&hear(&mut node, LIAR, &unasked)));
    }
    assert_eq!(dropped, Some(Offence::Unasked.into()));
}
