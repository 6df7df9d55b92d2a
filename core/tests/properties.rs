//! Properties that are true for every input: bytes read back, nothing panics, the count is right.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

use std::collections::{BTreeMap, HashMap};

use blockvote_core::{
    audit::{
        archive::{ArchiveReader, ArchiveWriter, Record},
        python_chain,
        verify::Verifier,
    },
    chain::{
        acknowledgements::{Acknowledged, Acknowledgement, ClosingList},
        block::Block,
        counted_votes::Place,
        difficulty::{Difficulty, Work},
        fork_choice::Weight,
        header::{HEADER_VERSION, Header, Height},
        pow,
        statements::{Closing, DoubleVote, LeftOut, Seal, Sealed, Statement},
        tree::{Chain, Inserted},
    },
    crypto::{
        hash::{BlockHash, ElectionId, ShortId, TallyHash, VoteId, VoteSetRoot, VotesRoot},
        key::{PublicKey, Signature},
        merkle::InclusionProof,
    },
    election::{
        ballot::{Ballot, BallotRules},
        definition::{ChainParameters, Election},
        election_context::ElectionContext,
        roll::RollPage,
        token::TokenId,
        vote::{Authorization, Vote},
    },
    node::{Input, LinkId, Node, Peer},
    testkit::block_at,
    time::Timestamp,
    wire::{
        frame::PeerId,
        message::{Hello, Message, Presence, ShortBlock, VotesDigest},
    },
};
use proptest::{collection::vec, prelude::*};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn vote() -> impl Strategy<Value = Vote> {
    let ballot = prop_oneof![
        "\\PC{0,40}".prop_map(Ballot::Text),
        vec(any::<u16>(), 0..4).prop_map(Ballot::Choices),
        Just(Ballot::Blank),
        (vec(any::<u16>(), 0..4), "\\PC{0,40}")
            .prop_map(|(choices, text)| Ballot::WriteIn { choices, text }),
    ];
    let authorization = prop_oneof![
        Just(Authorization::Open),
        any::<[u8; 32]>().prop_map(|half| {
            let mut bytes = [7; 64];
            bytes[..32].copy_from_slice(&half);
            Authorization::Signed(Signature(bytes))
        }),
    ];
    (any::<[u8; 32]>(), any::<u64>(), any::<u8>(), ballot, authorization).prop_map(
        |(election, token, sequence, ballot, authorization)| Vote {
            election: ElectionId(election),
            token: TokenId(token),
            sequence,
            ballot,
            authorization,
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u8>(), any::<u64>());
    (any::<[u8; 32]>(), any::<[u8; 32]>(), numbers).prop_map(|(previous, root, numbers)| Header {
        height: Height(numbers.0),
        previous: BlockHash(previous),
        votes_root: VotesRoot(root),
        timestamp: Timestamp(numbers.1),
        difficulty: Difficulty(numbers.2),
        voters: numbers.0,
        votes: numbers.0,
        nonce: numbers.4,
        version: HEADER_VERSION,
        easing: numbers.3,
    })
}

fn statements() -> impl Strategy<Value = Statement> {
    let signature = Signature([9; 64]);
    prop_oneof![
        (vote(), vote()).prop_map(|(first, second)| {
            Statement::DoubleVote(Box::new(DoubleVote { first, second }))
        }),
        (any::<[u8; 32]>(), any::<u64>()).prop_map(move |(election, at)| {
            let (election, at) = (ElectionId(election), Timestamp(at));
            Statement::Closing(Closing { election, at, signature })
        }),
        (any::<[u8; 32]>(), any::<u32>()).prop_map(move |(bytes, height)| {
            let sealed = Sealed {
                election: ElectionId(bytes),
                trustee: 1,
                height: Height(height),
                tip: BlockHash(bytes),
                tally: TallyHash(bytes),
                set: VoteSetRoot(bytes),
                left_out: vec![LeftOut { reason: "late".into(), votes: vec![VoteId(bytes)] }],
            };
            Statement::Seal(Seal { sealed, signature })
        }),
        (any::<[u8; 32]>(), any::<u32>()).prop_map(move |(bytes, votes)| {
            let (election, root, keeper) =
                (ElectionId(bytes), VoteSetRoot(bytes), PublicKey(bytes));
            Statement::ClosingList(ClosingList { election, votes, root, keeper, signature })
        }),
    ]
}

fn acknowledged() -> impl Strategy<Value = Acknowledged> {
    let path = vec(any::<[u8; 32]>(), 0..5);
    (any::<[u8; 32]>(), any::<u64>(), any::<u32>(), path).prop_map(|(bytes, at, index, path)| {
        let (election, vote) = (ElectionId(bytes), VoteId(bytes));
        let (keeper, signature, at) = (PublicKey(bytes), Signature([9; 64]), Timestamp(at));
        let acknowledgement = Acknowledgement { election, vote, at, keeper, signature };
        let listed = (index > 9).then_some(InclusionProof { index, leaves: index, path });
        Acknowledged { acknowledgement, listed }
    })
}

fn message() -> impl Strategy<Value = Message> {
    let hashes = || vec(any::<[u8; 32]>().prop_map(BlockHash), 0..5);
    let shorts = || vec(any::<[u8; 8]>().prop_map(ShortId), 0..5);
    let short_block =
        || (header(), shorts()).prop_map(|(header, votes)| ShortBlock { header, votes });
    let ids = || vec(any::<[u8; 32]>().prop_map(VoteId), 0..5);
    let block = (header(), vec(vote(), 0..4)).prop_map(|(header, votes)| Block { header, votes });
    prop_oneof![
        (any::<[u8; 32]>(), any::<u32>(), any::<u128>(), any::<bool>()).prop_map(
            |(tip, n, w, r)| {
                let height = Height(n);
                let weight = Weight { voters: n, votes: n, work: Work(w) };
                let tip = BlockHash(tip);
                Message::Hello(Hello {
                    version: 2,
                    tip,
                    height,
                    weight,
                    set: VotesDigest { votes: n, fingerprint: tip.0 },
                    sealed: r.then_some(tip),
                    statements: tip.0,
                    wants_reply: r,
                })
            }
        ),
        Just(Message::GetElection),
        Just(Message::Election(Box::new(Election::demo()))),
        hashes().prop_map(Message::GetHeaders),
        vec(header(), 0..4).prop_map(Message::Headers),
        hashes().prop_map(Message::GetBlocks),
        vec(block, 0..3).prop_map(Message::Blocks),
        vec(vote(), 0..5).prop_map(Message::Votes),
        short_block().prop_map(Message::NewBlock),
        hashes().prop_map(Message::GetShortBlocks),
        vec(short_block(), 0..3).prop_map(Message::ShortBlocks),
        vec(any::<u8>(), 0..40).prop_map(Message::Reconcile),
        vec(any::<[u8; 32]>(), 0..9)
            .prop_map(|ids| Message::GetVotes(ids.into_iter().map(VoteId).collect())),
        ids().prop_map(Message::AskHeld),
        ids().prop_map(Message::Held),
        any::<u32>().prop_map(Message::GetRollPage),
        (any::<u32>(), vec(any::<[u8; 32]>(), 0..5)).prop_map(|(index, path)| {
            let keys = path.iter().map(|bytes| PublicKey(*bytes)).collect();
            Message::RollPage(RollPage { index, keys, path })
        }),
        shorts().prop_map(Message::GetStatements),
        vec(statements(), 0..4).prop_map(Message::Statements),
        any::<[u8; 32]>().prop_map(Message::RollCall),
        any::<[u8; 32]>().prop_map(|key| {
            let (keeper, signature) = (PublicKey(key), Signature([9; 64]));
            Message::Present(Presence { keeper, signature })
        }),
        ids().prop_map(Message::GetAcknowledged),
        vec(acknowledged(), 0..4).prop_map(Message::Acknowledged),
    ]
}

/// Room is reserved for the largest possible vote.
#[test]
fn no_vote_is_larger_than_the_definition_says() {
    let words = "x".repeat(256);
    let text = Election::plain();
    let vote = Vote::open(text.id(), TokenId(1), Ballot::Text(words.clone()));
    assert_eq!(vote.encode().len(), text.largest_vote());
    let rules = BallotRules { most: 3, write_in: true, ..BallotRules::ONE };
    let many = Election { ballot_rules: rules, ..Election::demo() };
    let choices = |count| (0..count).collect::<Vec<u16>>();
    for ballot in [
        Ballot::Choices(choices(3)),
        Ballot::WriteIn { choices: choices(2), text: words },
        Ballot::Blank,
    ] {
        let vote = Vote::open(many.id(), TokenId(1), ballot);
        assert!(vote.encode().len() <= many.largest_vote(), "{vote:?}");
    }
}

fn easy() -> ElectionContext {
    let parameters = ChainParameters { starting_difficulty: 4, spacing_ms: 10_000 };
    ElectionContext::open(Election { parameters, ..Election::plain() }).unwrap()
}

/// A block on any block, mined on the spot.
fn mine_on(chain: &Chain, parent: &BlockHash, tokens: &[u64], seconds: u64) -> Block {
    let election = chain.election();
    let parent = chain.block(parent).unwrap().header();
    let timestamp = parent.timestamp.plus_ms(1000 * seconds + 1);
    let votes: Vec<_> = tokens
        .iter()
        .map(|token| {
            let ballot = Ballot::Text(format!("choice {}", token % 3));
            Vote::open(chain.id(), TokenId(*token), ballot)
        })
        .collect();
    block_at(election, parent, timestamp, votes, |_| ())
}

/// Votes of all shapes, 40 in a block: a packed block must read back.
fn block_of_all_shapes(chain: &Chain, parent: &BlockHash, from: u64) -> Block {
    let mut block = mine_on(chain, parent, &[from], 5);
    block.votes = (from..from + 40)
        .map(|token| {
            let words = "x".repeat(1 + (token % 200) as usize);
            Vote::open(chain.id(), TokenId(token), Ballot::Text(words))
        })
        .collect();
    block.header.votes_root = Block::votes_root(&block.votes);
    let parent = chain.block(parent).unwrap().header();
    block.header.voters = parent.voters + 40;
    block.header.votes = parent.votes + 40;
    pow::mine(&mut block.header);
    block
}

#[test]
fn a_deep_chain_says_of_its_blocks_what_they_said_also_after_deep_reorganisations() {
    const DEEP: u64 = 60;
    let mut chain = Chain::new(easy());
    let genesis = chain.tip().hash();
    let grow = |chain: &mut Chain, branch: &mut Vec<Block>, blocks: u64, first: u64| {
        for number in 0..blocks {
            let parent = branch.last().map_or(genesis, |block| block.header.hash());
            let block = block_of_all_shapes(chain, &parent, first + 40 * number);
            chain.insert(block.clone().check(chain.context()).unwrap(), NOW).unwrap();
            branch.push(block);
        }
    };
    let holds = |chain: &Chain, branch: &[Block]| {
        assert_eq!(chain.tip().to_block(), branch[branch.len() - 1]);
        for (height, block) in (2..).map(Height).zip(branch) {
            let kept = chain.block_at(height).unwrap();
            assert_eq!(kept.to_block(), *block);
            assert_eq!(kept.open().to_block(), *block);
            assert_eq!(kept.open().vote_ids()[39], block.votes[39].id());
            assert_eq!(kept.encoded_len(), block.encoded_len());
            assert_eq!((kept.vote_count(), kept.vote(40)), (40, None));
            for (index, vote) in (0..).zip(&block.votes) {
                assert_eq!(kept.vote(index).as_ref(), Some(vote));
                assert_eq!(chain.place_of(&vote.id()), Some(Place { height, index }));
                assert_eq!(chain.latest_of(vote.token), Some((vote.id(), vote.clone())));
            }
        }
        assert_eq!(chain.votes(), branch.len() * 40);
        assert_eq!(chain.tally().selections, recount(chain));
        assert_eq!(chain.tally_at(Height(30)).ballots, 29 * 40);
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    grow(&mut chain, &mut one, DEEP, 0);
    holds(&chain, &one);
    // Every token is in another place in the rival branch.
    grow(&mut chain, &mut other, DEEP + 5, 13);
    assert_eq!(chain.tip().to_block(), other[other.len() - 1], "the rival has more work");
    holds(&chain, &other);
    grow(&mut chain, &mut one, 10, 40 * DEEP);
    holds(&chain, &one);
}

/// Blocks that wait to be verified are not known to be valid yet: they must not pile up.
#[test]
fn a_verifier_keeps_no_more_than_a_block_of_unverified_bytes_waiting() {
    let context = easy();
    let chain = Chain::new(context.clone());
    let mut block = mine_on(&chain, &chain.tip().hash(), &[1], 5);
    block.votes[0].ballot = Ballot::Text("x".repeat(700_000));
    let mut verifier = Verifier::new(NOW);
    assert!(verifier.push(Record::Election(Box::new(context.election().clone()))));
    assert!(verifier.push(Record::Block(block.clone())), "it may wait");
    assert!(!verifier.push(Record::Block(block)), "together they may not");
    assert!(!verifier.report().passed());
}

fn recount(chain: &Chain) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut tokens = HashMap::new();
    for height in 1..=chain.height().0 {
        for vote in chain.block_at(Height(height)).unwrap().open().votes() {
            assert_eq!(tokens.insert(vote.token, height), None, "token {} twice", vote.token);
            *counts.entry(vote.ballot.words(&chain.election().question())).or_insert(0) += 1;
        }
    }
    assert_eq!(tokens.len(), chain.votes());
    for token in tokens.keys() {
        let (vote, _) = chain.latest_of(*token).unwrap();
        let place = chain.place_of(&vote).unwrap();
        assert_eq!(tokens[token], place.height.0);
    }
    counts
}

proptest! {
    #[test]
    fn messages_read_back(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn a_message_has_one_encoding(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn a_bit_flipped_in_a_message_never_panics_a_node(message in message(), at: usize, bit in 0_u32..8) {
        let mut bytes = message.encode();
        let at = at % bytes.len();
        bytes[at] ^= 1_u8 << bit;
        let mut node = Node::new(easy(), 1);
        let tip = node.chain().tip().hash();
        let from = Peer { link: LinkId(0), id: PeerId(1) };
        node.handle(NOW, Input::LinkUp(LinkId(0), PeerId(9)));
        node.handle(NOW, Input::Message { from, broadcast: true, bytes });
        node.handle(NOW, Input::Message { from, broadcast: false, bytes: message.encode() });
        node.handle(NOW.plus_ms(30_000), Input::Tick);
        prop_assert_eq!(node.chain().tip().hash(), tip);
    }

    #[test]
    fn no_bytes_panic_a_reader(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Election::decode(&bytes);
        let mut reader = ArchiveReader::new();
        reader.push(&bytes);
        while let Ok(Some(_)) = reader.next_record() {}
        let _ = reader.finish();
        if let Ok(chain) = python_chain::read(&String::from_utf8_lossy(&bytes)) {
            let _ = python_chain::verify(&chain, |_| ());
        }
    }

    #[test]
    fn the_seeds_json_in_any_shape_never_panics(text in r#"\{"chain":\[(\{"(index|proof|votes|previous_hash)":([0-9]{1,3}|"a"|\[\]|null)\},?){0,3}\]\}"#) {
        if let Ok(chain) = python_chain::read(&text) {
            let _ = python_chain::verify(&chain, |_| ());
        }
    }

    #[test]
    fn the_tally_is_a_recount_after_any_reorganisation(
        steps in vec((any::<usize>(), vec(0_u64..24, 1..4), 0_u64..200), 1..40)
    ) {
        let mut chain = Chain::new(easy());
        let mut hashes = vec![chain.tip().hash()];
        let now = NOW;
        for (pick, mut tokens, seconds) in steps {
            tokens.sort_unstable();
            tokens.dedup();
            // Mostly near the end, so that branches grow; any block may get a child.
            let parent = hashes[hashes.len() - 1 - (pick % hashes.len()).min(pick % 5)];
            if chain.block(&parent).is_none() {
                continue;
            }
            let block = mine_on(&chain, &parent, &tokens, seconds);
            let before = chain.tip().hash();
            let (work, tally) = (chain.work(), chain.tally().clone());
            let checked = block.check(chain.context()).unwrap();
            let hash = checked.hash();
            match chain.insert(checked, now) {
                Ok(Inserted::Switched(switch)) => {
                    prop_assert!(chain.work() >= work);
                    prop_assert_eq!(chain.tip().hash(), hash);
                    prop_assert!(!switch.added.is_empty());
                    hashes.push(hash);
                }
                Ok(_) => {
                    prop_assert_eq!(chain.tip().hash(), before);
                    hashes.push(hash);
                }
                Err(_) => {
                    prop_assert_eq!(chain.tip().hash(), before);
                    prop_assert_eq!(chain.tally(), &tally);
                }
            }
            prop_assert_eq!(&chain.tally().selections, &recount(&chain));
        }
    }

    #[test]
    fn an_archive_reads_back_and_any_flipped_bit_or_cut_is_found(
        tokens in vec(0_u64..1000, 1..20), at: usize, bit in 0_u32..8, cut: usize
    ) {
        let mut tokens = tokens;
        tokens.sort_unstable();
        tokens.dedup();
        let mut chain = Chain::new(easy());
        for pair in tokens.chunks(3) {
            let tip = chain.tip().hash();
            let block = mine_on(&chain, &tip, pair, 5).check(chain.context()).unwrap();
            chain.insert(block, NOW).unwrap();
        }
        let (mut writer, mut bytes) = ArchiveWriter::new(chain.context());
        let blocks: Vec<_> = (2..=chain.height().0)
            .map(|height| chain.block_at(Height(height)).unwrap().to_block())
            .collect();
        for block in &blocks {
            bytes.extend(writer.block(block));
        }
        bytes.extend(writer.finish());
        prop_assert_eq!(read_archive(&bytes), Ok(blocks));
        let (at, cut) = (at % bytes.len(), cut % bytes.len());
        prop_assert!(read_archive(&bytes[..cut]).is_err(), "cut at {}", cut);
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(read_archive(&bytes).is_err(), "flipped bit {} of byte {}", bit, at);
    }
}

fn read_archive(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut reader = ArchiveReader::new();
    let mut blocks = Vec::new();
    for piece in bytes.chunks(700) {
        reader.push(piece);
        while let Some(record) = reader.next_record().map_err(|error| format!("{error:?}"))? {
            if let Record::Block(block) = record {
                blocks.push(block);
            }
        }
    }
    reader.finish().map_err(|error| format!("{error:?}"))?;
    Ok(blocks)
}
