//! Elections, rolls, votes, blocks and nodes for tests, examples and measurements.
//!
//! Built for this crate's own tests and with the feature `testkit`; no program contains it. It
//! panics if something does not fit, as a test does.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    clippy::wildcard_enum_match_arm,
    reason = "tests break off loudly"
)]

pub mod nodes;
pub mod rolls;
pub mod talks;

use crate::{
    chain::{
        block::Block,
        counted_votes::wait_before,
        header::{Added, Header},
        pow,
        tree::Chain,
    },
    crypto::key::SecretKey,
    custody::voting_code::Code,
    election::{
        ballot::Ballot,
        definition::{ChainParameters, Counting, Credentials, Election, Eligibility},
        election_context::ElectionContext,
        roll::Roll,
        token::TokenId,
        vote::Vote,
    },
    time::Timestamp,
};

/// The time in most tests.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// An open election with free text and almost no proof of work.
pub fn election() -> Election {
    let parameters = ChainParameters { starting_difficulty: 16, spacing_ms: 10_000 };
    Election { parameters, ..Election::plain() }
}

/// The same, ready to check votes.
pub fn context() -> ElectionContext {
    ElectionContext::open(election()).unwrap()
}

/// A vote in [`election`].
pub fn vote(token: u64, text: &str) -> Vote {
    Vote::open(election().id(), TokenId(token), Ballot::Text(text.into()))
}

/// A time for a block of these votes: ten seconds after this one, or later if their changes have to
/// wait longer.
fn time_after(earlier: Timestamp, votes: &[Vote]) -> Timestamp {
    let waits = votes.iter().map(|vote| wait_before(vote.sequence));
    earlier.plus_ms(waits.chain([10_000]).max().unwrap())
}

/// A block on the tip of a chain; `change` makes its header hostile before it is mined.
pub fn block(chain: &Chain, votes: Vec<Vote>, change: impl FnOnce(&mut Header)) -> Block {
    block_on(chain.election(), chain.tip().header(), votes, change)
}

/// A block on any other.
pub fn block_on(
    election: &Election,
    parent: &Header,
    votes: Vec<Vote>,
    change: impl FnOnce(&mut Header),
) -> Block {
    let time = time_after(parent.timestamp.max(Timestamp(NOW.0 - 60_000)), &votes);
    block_at(election, parent, time, votes, change)
}

/// A block on any other, made at a given time.
pub fn block_at(
    election: &Election,
    parent: &Header,
    time: Timestamp,
    votes: Vec<Vote>,
    change: impl FnOnce(&mut Header),
) -> Block {
    let (root, added) = (Block::votes_root(&votes), Added::by(&votes));
    let mut header = Header::next(parent, root, added, time, &election.parameters);
    change(&mut header);
    pow::mine(&mut header);
    Block { header, votes }
}

/// A chain of [`election`] with one vote in each of this many blocks, by tokens from 0 on.
pub fn chain_of(blocks: u64) -> Chain {
    let mut chain = Chain::new(context());
    for token in 0..blocks {
        let next = block(&chain, vec![vote(token, "Yes")], |_| ());
        let checked = next.check(chain.context()).unwrap();
        chain.insert(checked, NOW.plus_ms(1_000_000_000)).unwrap();
    }
    chain
}

/// An election like `base` with a roll of these keys, which an organiser closes and seals.
pub fn with_roll(base: Election, keys: &[SecretKey], organiser: &SecretKey) -> ElectionContext {
    let roll = Roll::collect(keys.iter().map(SecretKey::public)).unwrap();
    let (root, size) = (roll.root(), roll.size());
    let eligibility = Eligibility::Roll { root, size, credentials: Credentials::Codes };
    let election = Election { eligibility, organiser: Some(organiser.public()), ..base };
    ElectionContext::new(election, Some(roll)).unwrap()
}

/// Makes elections full of votes.
pub struct Maker {
    /// The election.
    pub context: ElectionContext,
    /// Its voters; none in an open election.
    pub voters: Vec<(TokenId, SecretKey)>,
}

impl Maker {
    fn election() -> Election {
        Election {
            parameters: ChainParameters { starting_difficulty: 1, spacing_ms: 10_000 },
            choices: vec!["A".into(), "B".into()],
            ..Election::plain()
        }
    }

    /// An open election.
    pub fn open() -> Self {
        Self { context: ElectionContext::open(Self::election()).unwrap(), voters: Vec::new() }
    }

    /// An election with a roll, where the last vote counts.
    pub fn signed(voters: u32) -> Self {
        let keys: Vec<_> =
            (0..voters).map(|number| Code::derive(&[1; 32], number).secret_key()).collect();
        let election = Election { counting: Counting::LastCounts, ..Self::election() };
        let context = with_roll(election, &keys, &SecretKey::new([2; 32]));
        let token = |key: &SecretKey| context.roll().unwrap().token_of(&key.public()).unwrap();
        let voters = keys.into_iter().map(|key| (token(&key), key)).collect();
        Self { context, voters }
    }

    /// The vote with this number, from 0 on: the voters vote in turn, and change their votes once
    /// all have voted.
    pub fn vote(&self, number: u64) -> Vote {
        let ballot = Ballot::Choices(vec![u16::from(number.is_multiple_of(2))]);
        let count = self.voters.len() as u64;
        if count == 0 {
            return Vote::open(self.context.id(), TokenId(number), ballot);
        }
        let (token, key) = &self.voters[(number % count) as usize];
        Vote::signed(self.context.id(), *token, (number / count) as u8, ballot, key)
    }

    /// A block with this many votes, the first of them with number `from`.
    pub fn block(&self, parent: &Header, from: u64, votes: u64) -> Block {
        let votes: Vec<_> = (from..from + votes).map(|number| self.vote(number)).collect();
        let time = time_after(parent.timestamp.max(Timestamp(1_700_000_000_000)), &votes);
        block_at(self.context.election(), parent, time, votes, |_| ())
    }
}
