//! Elections with as many votes as a measurement needs.

#![allow(dead_code, reason = "each example uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "an example breaks off loudly"
)]

use blockvote_core::{
    ballot::Ballot,
    block::Block,
    code::Code,
    difficulty::demand,
    election::{ChainParameters, Counting, Credentials, Election, Eligibility, Setup},
    header::{HEADER_VERSION, Header},
    key::SecretKey,
    pow,
    roll::Roll,
    time::Timestamp,
    vote::{TokenId, Vote},
};

/// Makes elections full of votes.
pub struct Maker {
    pub setup: Setup,
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

    pub fn open() -> Self {
        Self { setup: Setup::open(Self::election()).unwrap(), voters: Vec::new() }
    }

    pub fn signed(voters: u32) -> Self {
        let keys: Vec<_> =
            (0..voters).map(|number| Code::derive(&[1; 32], number).secret_key()).collect();
        let roll = Roll::collect(keys.iter().map(SecretKey::public)).unwrap();
        let voters: Vec<_> =
            keys.into_iter().map(|key| (roll.token_of(&key.public()).unwrap(), key)).collect();
        let (root, size) = (roll.root(), roll.size());
        let election = Election {
            eligibility: Eligibility::Roll { root, size, credentials: Credentials::Codes },
            counting: Counting::LastCounts,
            organiser: Some(SecretKey::new([2; 32]).public()),
            ..Self::election()
        };
        Self { setup: Setup::new(election, Some(roll)).unwrap(), voters }
    }

    pub fn vote(&self, number: u64) -> Vote {
        let ballot = Ballot::Choices(vec![u16::from(number.is_multiple_of(2))]);
        let count = self.voters.len() as u64;
        if count == 0 {
            return Vote::open(self.setup.id(), TokenId(number), ballot);
        }
        let (token, key) = &self.voters[(number % count) as usize];
        Vote::signed(self.setup.id(), *token, (number / count) as u8, ballot, key)
    }

    pub fn block(&self, parent: &Header, from: u64, votes: u64) -> Block {
        let timestamp = parent.timestamp.max(Timestamp(1_700_000_000_000)).plus_ms(10_000);
        let demanded = demand(&self.setup.election().parameters, parent, timestamp);
        let votes: Vec<_> = (from..from + votes).map(|number| self.vote(number)).collect();
        let mut header = Header {
            version: HEADER_VERSION,
            height: parent.height.next(),
            previous: parent.hash(),
            votes_root: Block::votes_root(&votes),
            timestamp,
            difficulty: demanded.difficulty,
            easing: demanded.easing,
            nonce: 0,
        };
        pow::mine(&mut header);
        Block { header, votes }
    }
}
