//! Peers that lie, stall, flood, repeat, answer something else, withhold, and build on nothing.
//! Each is a node that follows the chain, so that it knows what it is lying about.

use blockvote_core::{
    chain::{
        block::Block,
        difficulty::Difficulty,
        header::{HEADER_VERSION, Header, Height},
        pow,
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::{token::TokenId, vote::Vote},
    wire::message::{Message, ShortBlock},
};

use super::*;

/// Tokens from here on are used by hostile machines only.
pub const TOKENS: u64 = 1_000_000;
const HONEST: usize = 10;
const SEEDS: u64 = 500;
/// How often a hostile machine comes back under another name.
const NEW_NAME_EVERY: u64 = 20_000;

/// By then every vote must be in every honest chain, whatever the hostile machines do.
const LEAVE_AT: u64 = END - 90_000;
/// From then on hostile machines make no new votes, so that blocks come to an end. Everything else
/// goes on.
const LAST_VOTE: u64 = LEAVE_AT - 90_000;

/// What a hostile machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Claims work that it does not have.
    Liar,
    /// Claims a little more than the best chain and answers nothing.
    Staller,
    /// Sends garbage, and broken and foreign votes without end.
    Flooder,
    /// Sends again everything that it heard.
    Repeater,
    /// Answers something other than it was asked.
    Changeling,
    /// Announces blocks that build on nothing.
    Orphans,
    /// Announces blocks and hands them out to nobody.
    Withholder,
    /// Rewrites the chain without one vote: see `hash_power`.
    Rewriter,
    /// Hands out headers with real work, whose counts are not those of their blocks.
    Miscounter,
}

const KINDS: [Kind; 7] = [
    Kind::Liar,
    Kind::Staller,
    Kind::Flooder,
    Kind::Repeater,
    Kind::Changeling,
    Kind::Orphans,
    Kind::Withholder,
];

fn is_answer(message: &Message) -> bool {
    matches!(
        message,
        Message::Headers(_)
            | Message::Blocks(_)
            | Message::BlockVotes(..)
            | Message::ShortBlocks(_)
            | Message::Votes(_)
            | Message::Reconciled(_)
            | Message::Held(_)
    )
}

impl World {
    /// What happens to a message that the machine's node wants to send.
    pub(super) fn twist(&mut self, index: usize, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let Some(kind) = self.machines[index].hostile else { return Some(bytes) };
        let message = Message::decode(&bytes).unwrap();
        match (kind, message) {
            (Kind::Liar, Message::Hello(mut hello)) => {
                hello.weight.work.0 += self.rng.random_range(1..1 << 40);
                hello.height = Height(hello.height.0 + 1);
                hello.tip = BlockHash(self.rng.random());
                Some(Message::Hello(hello).encode())
            }
            (Kind::Staller, Message::Hello(mut hello)) => {
                hello.weight.work.0 += 1;
                hello.tip = BlockHash(self.rng.random());
                Some(Message::Hello(hello).encode())
            }
            (
                Kind::Rewriter,
                Message::Votes(_)
                | Message::Reconcile(_)
                | Message::Reconciled(_)
                | Message::Held(_),
            ) if self.attack.as_ref().is_some_and(Attack::hides_votes) => None,
            (Kind::Miscounter, Message::Hello(mut hello)) => {
                self.miscount(index);
                let tip = &self.machines[index].miscounted.last().unwrap().header;
                (hello.weight.voters, hello.weight.votes) = (tip.voters, tip.votes);
                (hello.height, hello.tip) = (tip.height, tip.hash());
                Some(Message::Hello(hello).encode())
            }
            (Kind::Miscounter, Message::Headers(mut headers)) => {
                let lies = self.machines[index].miscounted.iter().map(|block| block.header.clone());
                headers.extend(lies);
                Some(Message::Headers(headers).encode())
            }
            (Kind::Miscounter, Message::Blocks(blocks)) if blocks.is_empty() => {
                Some(Message::Blocks(self.machines[index].miscounted.clone()).encode())
            }
            (Kind::Miscounter, Message::ShortBlocks(blocks)) if blocks.is_empty() => {
                let short = |block: &Block| ShortBlock {
                    header: block.header.clone(),
                    votes: block.votes.iter().map(|vote| ShortId::from(&vote.id())).collect(),
                };
                let lies = self.machines[index].miscounted.iter().map(short).collect();
                Some(Message::ShortBlocks(lies).encode())
            }
            (Kind::Staller | Kind::Withholder, message) if is_answer(&message) => None,
            (Kind::Changeling, message) if is_answer(&message) => {
                self.heard.choose(&mut self.rng).cloned()
            }
            _ => Some(bytes),
        }
    }

    /// Hostile machines keep what they hear, to use it later.
    pub(super) fn overhear(&mut self, index: usize, bytes: &[u8]) {
        let Some(kind) = self.machines[index].hostile else { return };
        if self.heard.len() < 500 {
            self.heard.push(bytes.to_vec());
        } else {
            let place = self.rng.random_range(0..self.heard.len());
            self.heard[place] = bytes.to_vec();
        }
        if kind == Kind::Repeater && self.rng.random_bool(0.3) {
            self.broadcast(index, bytes);
            let to = self.rng.random_range(0..self.honest);
            self.send(index, to, false, bytes);
        }
    }

    /// The attack ends here, and must not have held anything up. Then the hostile machines leave,
    /// because a block that one of them kept back could still arrive at any moment and be new to
    /// some nodes.
    pub(super) fn hostile_leave(&mut self) {
        for (index, machine) in self.machines[..self.honest].iter().enumerate() {
            for (token, sequence) in self.accepted.values() {
                let counted = machine.node.chain().of_use(TokenId(*token), *sequence);
                assert!(counted.is_some(), "node {index} was kept from the vote of token {token}");
            }
        }
        for machine in &mut self.machines[self.honest..] {
            machine.group = 9;
            machine.connection += 1;
        }
    }

    /// Blocks on the tip whose headers claim five voters more than they have.
    fn miscount(&mut self, index: usize) {
        let mut parent = self.machines[index].node.chain().tip().header().clone();
        let mut blocks = Vec::new();
        for number in 0..3 {
            let (vote, time) = (self.unused_vote(number), self.clock().max(parent.timestamp));
            let block =
                testkit::block_at(self.context.election(), &parent, time, vec![vote], |header| {
                    header.voters += 5;
                    header.votes += 5;
                });
            parent = block.header.clone();
            blocks.push(block);
        }
        self.machines[index].miscounted = blocks;
    }

    /// A valid vote on the roll, of a voter who does not otherwise vote.
    fn unused_vote(&self, number: u64) -> Vote {
        let key = voter(VOTES + MORE_VOTERS - 1 - number);
        let token = self.context.roll().unwrap().token_of(&key.public()).unwrap();
        Vote::signed(self.context.id(), token, 0, Ballot::Text("miscounted".into()), &key)
    }

    fn foreign_vote(&mut self) -> Vote {
        let token = TokenId(TOKENS + self.rng.random_range(0..1_000));
        Vote::open(self.context.id(), token, Ballot::Text("hostile".into()))
    }

    /// What a hostile machine does by itself each tick.
    pub(super) fn harm(&mut self, index: usize) {
        let Some(kind) = self.machines[index].hostile else { return };
        if self.now.is_multiple_of(NEW_NAME_EVERY) {
            self.machines[index].names += 1;
            self.machines[index].connection += 1;
            let own = self.name(index);
            self.act(index, |node, now| {
                node.handle(now, Input::LinkDown(LINK));
                node.handle(now, Input::LinkUp(LINK, own));
            });
        }
        match kind {
            Kind::Flooder => {
                let mut garbage = vec![0; self.rng.random_range(0..200)];
                self.rng.fill(&mut garbage[..]);
                self.broadcast(index, &garbage);
                let mut broken = self.foreign_vote();
                broken.sequence = 99;
                self.broadcast(index, &Message::Votes(vec![broken]).encode());
                if self.now < LAST_VOTE {
                    let vote = self.foreign_vote();
                    self.broadcast(index, &Message::Votes(vec![vote]).encode());
                }
            }
            Kind::Orphans => {
                let votes = vec![self.foreign_vote()];
                let mut header = Header {
                    height: Height(self.rng.random_range(2..40)),
                    previous: BlockHash(self.rng.random()),
                    votes_root: Block::votes_root(&votes),
                    timestamp: self.clock(),
                    difficulty: Difficulty(256),
                    voters: 1,
                    votes: 1,
                    nonce: 0,
                    version: HEADER_VERSION,
                    easing: 0,
                };
                pow::mine(&mut header);
                let ids: Vec<VoteId> = votes.iter().map(Vote::id).collect();
                let votes = ids.iter().map(ShortId::from).collect();
                self.broadcast(index, &Message::NewBlock(ShortBlock { header, votes }).encode());
            }
            // It mines votes that nobody else has, and so makes blocks that nobody else can put
            // together.
            Kind::Withholder if self.now < LAST_VOTE && self.now.is_multiple_of(5_000) => {
                let vote = self.foreign_vote();
                self.act(index, |node, now| {
                    let _ = node.cast(now, vote);
                });
            }
            _ => {}
        }
    }
}

#[test]
fn among_hostile_peers_of_every_kind_honest_nodes_end_on_one_tip_and_lose_no_vote() {
    let seeds = seeds(SEEDS);
    let one = seeds.end - seeds.start == 1;
    let mut dropped: BTreeMap<Kind, u64> = BTreeMap::new();
    for seed in seeds {
        // Each kind alone, three machines of it, and all kinds together.
        let alone = KINDS.get((seed % 8) as usize);
        let hostile = alone.map_or(KINDS.to_vec(), |kind| vec![*kind; 3]);
        let mut world =
            World::among(ElectionContext::open(election()).unwrap(), seed, HONEST, &hostile);
        world.at(LEAVE_AT, Event::HostileLeave);
        world.run();
        world.check(seed);
        for machine in &world.machines[..HONEST] {
            let node = &machine.node;
            assert!(node.peers().len() <= 64 && node.chain().side_blocks().count() <= 1_024);
        }
        for (kind, count) in world.dropped {
            *dropped.entry(kind).or_default() += count;
        }
    }
    println!("dropped: {dropped:?}");
    if !one {
        // The others take a new name before their points add up.
        for kind in [Kind::Liar, Kind::Flooder, Kind::Changeling] {
            assert!(dropped.contains_key(&kind), "{kind:?} was never dropped");
        }
    }
}
