//! Thirty nodes in one process, with a seeded clock and a network that loses, delays, repeats,
//! reorders and partitions. In the end all have one tip, and no vote is lost or counted twice.
//!
//! Rerun one seed with `SEED=17 cargo test -p blockvote-core --test simulation -- --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test code breaks off loudly"
)]

#[path = "simulation/hash_power.rs"]
mod hash_power;
#[path = "simulation/hostile.rs"]
mod hostile;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use blockvote_core::{
    chain::{
        block::Block,
        header::Height,
        pow::{NonceSearch, Search},
        statements::{Sealing, Statement},
    },
    crypto::{
        hash::{BlockHash, VoteId},
        key::SecretKey,
    },
    election::{
        ballot::Ballot,
        definition::{ChainParameters, Counting, Election},
        election_context::ElectionContext,
        token::TokenId,
        vote::{Vote, verify_signatures},
    },
    node::{
        CastError, Event as NodeEvent, Input, Job, LinkId, Node, Output, Peer, Signatures,
        StoreChange,
    },
    testkit,
    time::Timestamp,
    wire::frame::PeerId,
};
use hash_power::Attack;
use hostile::Kind;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

const NODES: usize = 30;
const VOTES: u64 = 60;
/// Voters of a bigger roll who cast nothing, unless a hostile machine has their keys.
const MORE_VOTERS: u64 = 100;
const LINK: LinkId = LinkId(0);
/// A name is a machine's number plus a multiple of this: how often the machine took a new name.
const NAMES: u64 = 1_000;
const START: u64 = 1_800_000_000_000;
const CAST_UNTIL: u64 = 120_000;
const SPLIT_AT: u64 = 30_000;
const HEAL_AT: u64 = 100_000;
const CALM_AT: u64 = 150_000;
const END: u64 = 420_000;
const TICK: u64 = 500;
const SEEDS: u64 = 100;
const ROLL_SEEDS: u64 = 20;
/// By then the network is whole again and quiet.
const CLOSE_AT: u64 = 278_000;
/// Two minutes after that.
const SEAL_AT: u64 = 400_000;

/// The key of a voter in the elections with a roll.
fn voter(number: u64) -> SecretKey {
    let mut seed = [8; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::new(seed)
}

fn organiser() -> SecretKey {
    SecretKey::new([9; 32])
}

fn with_roll(counting: Counting) -> ElectionContext {
    with_roll_of(VOTES, counting)
}

fn with_roll_of(voters: u64, counting: Counting) -> ElectionContext {
    let keys: Vec<_> = (0..voters).map(voter).collect();
    testkit::with_roll(Election { counting, ..election() }, &keys, &organiser())
}

fn election() -> Election {
    // Mining costs a few hundred tries: the simulated machines try a few each tick.
    let parameters = ChainParameters { starting_difficulty: 256, spacing_ms: 10_000 };
    Election { parameters, ..Election::plain() }
}

/// What a node wrote to its disk.
#[derive(Default)]
struct Disk {
    blocks: Vec<Block>,
    pending: Vec<(VoteId, Vote)>,
    statements: Vec<Statement>,
}

impl Disk {
    fn apply(&mut self, changes: Vec<StoreChange>) {
        for change in changes {
            match change {
                StoreChange::Truncate(Height(height)) => self.blocks.truncate(height as usize - 1),
                StoreChange::Append(block) => {
                    assert_eq!(block.header().height.0 as usize, self.blocks.len() + 2);
                    self.blocks.push(block.to_block());
                }
                StoreChange::PutPending(id, vote) => self.pending.push((id, vote)),
                StoreChange::DropPending(id) => self.pending.retain(|(other, _)| *other != id),
                StoreChange::PutStatement(statements) => self.statements.push(statements),
                StoreChange::DropStatement(id) => {
                    self.statements.retain(|statements| statements.short_id() != id);
                }
                // None of them is a keeper.
                StoreChange::PutAcknowledged(..) => {}
            }
        }
    }
}

struct Machine {
    node: Node,
    disk: Disk,
    job: Option<(Job, u64)>,
    group: u8,
    /// Rises with each connection, so that frames of an old one do not arrive.
    connection: u64,
    /// Rises with each restart.
    lives: u64,
    /// What it does to the others, if it is hostile.
    hostile: Option<Kind>,
    /// Rises with each new name that a hostile machine takes.
    names: u64,
    /// Blocks to hand out whose headers lie.
    miscounted: Vec<Block>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    Cast { machine: usize, token: u64, choice: u8 },
    Close { machine: usize },
    Seal { machine: usize },
    Deliver { to: usize, connection: u64, from: PeerId, broadcast: bool, bytes: Vec<u8> },
    Gone { to: usize, connection: u64, peer: Peer },
    Split,
    Heal,
    HostileLeave,
    Restart { machine: usize },
    Rewrite { machine: usize },
    PartLast { machines: usize },
    LeaveLast { machines: usize },
    Verified { machine: usize, life: u64, id: u64, offender: Option<usize> },
}

struct World {
    context: ElectionContext,
    /// This many machines, the first ones, are honest; the others are hostile.
    honest: usize,
    /// How often an honest node dropped a hostile one, by kind.
    dropped: BTreeMap<Kind, u64>,
    /// Messages that hostile machines heard or made, to send them again.
    heard: Vec<Vec<u8>>,
    rng: StdRng,
    now: u64,
    machines: Vec<Machine>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    /// Votes that a node took from its user: token and sequence number.
    accepted: BTreeMap<VoteId, (u64, u8)>,
    /// Tokens whose second ballot a node refused to its user.
    refused: BTreeSet<u64>,
    /// How often a vote left the chain of an honest machine.
    departures: BTreeMap<(usize, VoteId), u64>,
    /// The attacker that rewrites the chain, and its means.
    attack: Option<Attack>,
}

impl World {
    fn new(context: ElectionContext, seed: u64) -> Self {
        Self::among(context, seed, NODES, &[])
    }

    fn among(context: ElectionContext, seed: u64, honest: usize, hostile: &[Kind]) -> Self {
        let mut world = Self {
            context,
            honest,
            dropped: BTreeMap::new(),
            heard: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            now: 0,
            machines: Vec::new(),
            events: BinaryHeap::new(),
            sequence: 0,
            accepted: BTreeMap::new(),
            refused: BTreeSet::new(),
            departures: BTreeMap::new(),
            attack: None,
        };
        for index in 0..honest + hostile.len() {
            let node = Node::new(world.context.clone(), seed * 1000 + index as u64);
            let hostile = index.checked_sub(honest).map(|index| hostile[index]);
            world.machines.push(Machine {
                node,
                disk: Disk::default(),
                job: None,
                group: 0,
                connection: 0,
                lives: 0,
                hostile,
                names: 0,
                miscounted: Vec::new(),
            });
        }
        for index in 0..world.machines.len() {
            let own = world.name(index);
            world.act(index, |node, now| {
                node.set_mining(now, true);
                node.handle(now, Input::LinkUp(LINK, own));
            });
        }
        for _ in 0..VOTES {
            let at = world.rng.random_range(0..CAST_UNTIL);
            let machine = world.rng.random_range(0..honest);
            // Some tokens are tried twice, at different machines, with different selections.
            let token = world.rng.random_range(0..VOTES * 4 / 5);
            let choice = world.rng.random_range(0..3);
            world.at(at, Event::Cast { machine, token, choice });
        }
        for _ in 0..5 {
            let at = world.rng.random_range(0..CALM_AT);
            let machine = world.rng.random_range(0..honest);
            world.at(at, Event::Restart { machine });
        }
        world.at(SPLIT_AT, Event::Split);
        world.at(HEAL_AT, Event::Heal);
        world.at(TICK, Event::Tick);
        world
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((time, self.sequence, event)));
    }

    fn clock(&self) -> Timestamp {
        Timestamp(START + self.now)
    }

    fn act<T>(&mut self, index: usize, what: impl FnOnce(&mut Node, Timestamp) -> T) -> T {
        let now = self.clock();
        let result = what(&mut self.machines[index].node, now);
        while let Some(output) = self.machines[index].node.poll_output() {
            match output {
                Output::Persist(changes) => self.machines[index].disk.apply(changes),
                Output::Broadcast(_, bytes) => {
                    if let Some(bytes) = self.twist(index, bytes) {
                        self.broadcast(index, &bytes);
                    }
                }
                Output::Send(peer, bytes) => {
                    let Some(to) = self.named(peer.id) else {
                        // A hostile machine's old name: the relay says that nobody has it.
                        let connection = self.machines[index].connection;
                        self.at(self.now + 5, Event::Gone { to: index, connection, peer });
                        continue;
                    };
                    if let Some(bytes) = self.twist(index, bytes) {
                        self.send(index, to, false, &bytes);
                    }
                }
                Output::Sample(_, count) => self.sample(index, count),
                Output::Verify(Signatures { id, list }) => {
                    let at = self.now + self.rng.random_range(0..2_000);
                    let life = self.machines[index].lives;
                    let offender = verify_signatures(&list).err();
                    self.at(at, Event::Verified { machine: index, life, id, offender });
                }
                Output::Mine(job) => self.machines[index].job = job.map(|job| (job, 0)),
                Output::Event(NodeEvent::PeerRejected { peer, reason }) => {
                    // Hostile machines get answers that their own node did not ask for.
                    if self.machines[index].hostile.is_some() {
                        continue;
                    }
                    let rejected = (peer.id.0 % NAMES) as usize;
                    let Some(kind) = self.machines[rejected].hostile else {
                        panic!("an honest peer was rejected: {reason:?}");
                    };
                    *self.dropped.entry(kind).or_default() += 1;
                }
                Output::Event(NodeEvent::VoteDropped(id)) if index < self.honest => {
                    *self.departures.entry((index, id)).or_default() += 1;
                }
                Output::Event(_) => {}
            }
        }
        result
    }

    fn name(&self, index: usize) -> PeerId {
        PeerId(self.machines[index].names * NAMES + index as u64)
    }

    fn named(&self, id: PeerId) -> Option<usize> {
        let index = (id.0 % NAMES) as usize;
        (self.name(index) == id).then_some(index)
    }

    fn broadcast(&mut self, from: usize, bytes: &[u8]) {
        for to in 0..self.machines.len() {
            if to != from {
                self.send(from, to, true, bytes);
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, broadcast: bool, bytes: &[u8]) {
        let apart = self.machines[from].group != self.machines[to].group;
        let lost = self.now < CALM_AT && self.rng.random_bool(0.1);
        if apart || lost {
            return;
        }
        let copies = if self.rng.random_bool(0.05) { 2 } else { 1 };
        for _ in 0..copies {
            // Among hostile machines, an honest one with a slow line must not be taken for one of
            // them.
            let slow = from == 0 && self.honest < self.machines.len();
            let at = self.now + self.rng.random_range(if slow { 2_000..8_000 } else { 5..1_500 });
            let (connection, bytes) = (self.machines[to].connection, bytes.to_vec());
            let from = self.name(from);
            self.at(at, Event::Deliver { to, connection, from, broadcast, bytes });
        }
    }

    fn sample(&mut self, index: usize, count: u8) {
        let group = self.machines[index].group;
        let others: Vec<_> = (0..self.machines.len())
            .filter(|other| *other != index && self.machines[*other].group == group)
            .map(|other| self.name(other))
            .collect();
        let peers: Vec<_> = others.choose_multiple(&mut self.rng, count.into()).copied().collect();
        self.act(index, |node, now| node.handle(now, Input::Peers(LINK, peers)));
    }

    fn reconnect(&mut self, groups: impl Fn(usize) -> u8) {
        for index in 0..self.machines.len() {
            self.machines[index].group = groups(index);
            self.machines[index].connection += 1;
        }
        for index in 0..self.machines.len() {
            let own = self.name(index);
            self.act(index, |node, now| {
                node.handle(now, Input::LinkDown(LINK));
                node.handle(now, Input::LinkUp(LINK, own));
            });
        }
    }

    fn tick(&mut self) {
        for index in 0..self.machines.len() {
            self.act(index, |node, now| node.handle(now, Input::Tick));
            self.harm(index);
            let Some((job, next)) = self.machines[index].job.take() else {
                continue;
            };
            let tries = 24;
            match Search::new(&job.header).run(next, tries) {
                Some(nonce) => {
                    self.act(index, |node, now| {
                        node.handle(now, Input::Mined { job: job.id, nonce });
                    });
                }
                None => self.machines[index].job = Some((job, next + tries)),
            }
        }
        if self.now + TICK <= END {
            self.at(self.now + TICK, Event::Tick);
        }
    }

    fn run(&mut self) {
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            self.now = time;
            match event {
                Event::Tick => self.tick(),
                Event::Cast { machine, token, choice } => {
                    let selection = ["Biden", "Trump", "nobody"][usize::from(choice)];
                    let vote = self.vote(machine, token, selection);
                    let used = (vote.token.0, vote.sequence);
                    let id = vote.id();
                    match self.act(machine, |node, now| node.cast(now, vote)) {
                        Ok(id) => {
                            self.accepted.insert(id, used);
                        }
                        // It was signed and handed in, so it is a proof, although it was not taken.
                        Err(CastError::AlreadyVoted { by, .. }) if by != id => {
                            self.refused.insert(used.0);
                        }
                        Err(_) => {}
                    }
                }
                Event::Close { machine } => {
                    self.act(machine, |node, now| node.close(now, &organiser())).unwrap();
                }
                Event::Seal { machine } => {
                    self.act(machine, |node, now| node.seal(now, Vec::new(), &organiser(), false))
                        .unwrap();
                }
                Event::Deliver { to, connection, from, broadcast, bytes } => {
                    if self.machines[to].connection == connection {
                        self.overhear(to, &bytes);
                        let from = Peer { link: LINK, id: from };
                        let input = Input::Message { from, broadcast, bytes };
                        self.act(to, |node, now| node.handle(now, input));
                    }
                }
                Event::Gone { to, connection, peer } => {
                    if self.machines[to].connection == connection {
                        self.act(to, |node, now| node.handle(now, Input::Gone(peer)));
                    }
                }
                Event::HostileLeave => self.hostile_leave(),
                Event::Split => self.reconnect(|index| (index % 3) as u8),
                Event::Heal => self.reconnect(|_| 0),
                Event::Restart { machine } => self.restart(machine),
                Event::Rewrite { machine } => self.rewrite(machine),
                Event::PartLast { machines } => {
                    let first = self.machines.len() - machines;
                    self.reconnect(|index| u8::from(index >= first));
                }
                Event::LeaveLast { machines } => {
                    self.honest -= machines;
                    for machine in self.machines.iter_mut().rev().take(machines) {
                        machine.group = 9;
                        machine.connection += 1;
                    }
                }
                Event::Verified { machine, life, id, offender } => {
                    if self.machines[machine].lives == life {
                        let verdict = offender.map_or(Ok(()), Err);
                        let input = Input::Verified { id, verdict };
                        self.act(machine, |node, now| node.handle(now, input));
                    }
                }
            }
        }
    }

    /// What a client of this machine would sign: the next number, if the last vote counts.
    fn vote(&self, machine: usize, number: u64, selection: &str) -> Vote {
        let (id, ballot) = (self.context.id(), Ballot::Text(selection.into()));
        let Some(roll) = self.context.roll() else {
            return Vote::open(id, TokenId(number), ballot);
        };
        let key = voter(number);
        let token = roll.token_of(&key.public()).unwrap();
        let latest = self.machines[machine].node.ballot_box().latest_of(token);
        let sequence = match self.context.election().counting {
            Counting::FirstCounts => 0,
            Counting::LastCounts => latest.map_or(0, |(_, vote)| vote.sequence + 1),
        };
        Vote::signed(id, token, sequence, ballot, &key)
    }

    /// The machine loses everything but its disk.
    fn restart(&mut self, index: usize) {
        let disk = &self.machines[index].disk;
        let blocks = disk.blocks.clone();
        let pending = disk.pending.iter().map(|(_, vote)| vote.clone()).collect();
        let statements = disk.statements.clone();
        self.begin_again(index, blocks, pending, statements);
        self.act(index, |node, now| node.set_mining(now, true));
    }

    /// The machine begins a new life with this on its disk.
    fn begin_again(
        &mut self,
        index: usize,
        blocks: Vec<Block>,
        pending: Vec<Vote>,
        statements: Vec<Statement>,
    ) {
        let seed = self.rng.random();
        let (now, context) = (self.clock(), self.context.clone());
        let machine = &mut self.machines[index];
        machine.job = None;
        machine.connection += 1;
        machine.lives += 1;
        machine.node = Node::new(context.clone(), seed);
        let blocks = blocks.into_iter().map(|block| block.check_but_signatures(&context));
        machine.node.restore(now, blocks, pending, statements).unwrap();
        let own = self.name(index);
        self.act(index, |node, now| node.handle(now, Input::LinkUp(LINK, own)));
    }

    fn check(&self, seed: u64) {
        let honest = &self.machines[..self.honest];
        let tips: BTreeSet<BlockHash> =
            honest.iter().map(|machine| machine.node.chain().tip().hash()).collect();
        let ends: Vec<_> = honest
            .iter()
            .map(|machine| {
                let made = machine.node.chain().tip().header().timestamp.ms_since(Timestamp(START));
                (machine.node.chain().height().0, made)
            })
            .collect();
        assert_eq!(tips.len(), 1, "seed {seed}: the nodes ended apart: {ends:?}");
        for (index, machine) in honest.iter().enumerate() {
            let waiting = machine.node.pending().iter();
            let waiting = waiting.filter(|vote| vote.token.0 < hostile::TOKENS).count();
            assert_eq!(waiting, 0, "seed {seed}: node {index} still holds pending votes");
            let stored: Vec<_> = machine.disk.blocks.iter().map(|b| b.header.hash()).collect();
            let chain = machine.node.chain();
            let held: Vec<_> = (2..=chain.height().0)
                .map(|height| chain.block_at(Height(height)).unwrap().hash())
                .collect();
            assert_eq!(stored, held, "seed {seed}: the disk of node {index} holds another chain");
            assert_eq!(machine.disk.pending.len(), machine.node.pending().len(), "seed {seed}");
        }
        let chain = self.machines[0].node.chain();
        let mut counted: BTreeMap<(u64, u8), (VoteId, String)> = BTreeMap::new();
        for height in 2..=chain.height().0 {
            let block = chain.block_at(Height(height)).unwrap();
            for vote in block.open().votes() {
                let words = vote.ballot.words(&chain.election().question());
                let twice = counted.insert((vote.token.0, vote.sequence), (vote.id(), words));
                assert_eq!(twice, None, "seed {seed}: token {} is counted twice", vote.token);
            }
        }
        // In ascending order, so that the last vote of a token stays.
        let last: HashMap<u64, &String> =
            counted.iter().map(|((token, _), (_, words))| (*token, words)).collect();
        let mut recount: BTreeMap<String, u64> = BTreeMap::new();
        for words in last.values() {
            *recount.entry((*words).clone()).or_default() += 1;
        }
        assert_eq!(chain.tally().selections, recount, "seed {seed}");
        assert_eq!(chain.tally().ballots, last.len() as u64, "seed {seed}");
        let mut doubles = self.refused.clone();
        for (id, used) in &self.accepted {
            let Some((counts, _)) = counted.get(used) else {
                panic!("seed {seed}: vote {id} of token {} was taken and is lost", used.0);
            };
            if counts != id {
                doubles.insert(used.0);
            }
        }
        let used: BTreeSet<_> = self.accepted.values().collect();
        let honest = counted.keys().filter(|(token, _)| *token < hostile::TOKENS);
        assert_eq!(honest.count(), used.len(), "seed {seed}");
        self.check_evidence(seed, &doubles);
    }

    /// Every node can prove every double vote, whichever half it met first.
    fn check_evidence(&self, seed: u64, doubles: &BTreeSet<u64>) {
        if self.context.roll().is_none() {
            return;
        }
        for (index, machine) in self.machines.iter().enumerate() {
            let book = machine.node.statements();
            let proven: BTreeSet<_> = book.double_votes().map(|double| double.token().0).collect();
            assert_eq!(proven, *doubles, "seed {seed}: node {index} and the double votes");
            assert_eq!(machine.disk.statements.len(), book.all().count(), "seed {seed}");
            let outcome = machine.node.ballot_box().sealing();
            assert!(
                matches!(outcome, Sealing::Sealed { tally, .. } if tally == machine.node.chain().tally()),
                "seed {seed}: node {index}: {outcome:?}"
            );
        }
    }
}

/// Seeds to run: `SEED=7` runs that one, `SEEDS_TIMES=6` six times the usual number; otherwise the
/// usual number.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("SEED") {
        Some(one) => one..one + 1,
        None => 0..usual * number("SEEDS_TIMES").unwrap_or(1),
    }
}

#[test]
fn all_nodes_end_on_one_tip_and_no_vote_is_lost_or_counted_twice() {
    let seeds = seeds(SEEDS);
    let one = seeds.end - seeds.start == 1;
    let (mut blocks, mut sides) = (0, 0);
    for seed in seeds {
        let mut world = World::new(ElectionContext::open(election()).unwrap(), seed);
        world.run();
        world.check(seed);
        blocks += world.machines[0].node.chain().height().0;
        sides += world.machines[0].node.chain().side_blocks().count();
    }
    println!("{blocks} blocks in the chains, {sides} beside them");
    assert!(blocks > 0 && (one || sides > 0), "the network was never torn apart");
}

#[test]
fn a_side_whose_tabs_close_as_they_come_back_leaves_its_votes_with_the_others() {
    const ALL: usize = 8;
    const SMALL: usize = 2;
    let seeds = seeds(ROLL_SEEDS);
    let mut apart = 0;
    for seed in seeds {
        let context = with_roll(Counting::FirstCounts);
        let mut world = World::among(context, seed, ALL, &[]);
        // Nothing else splits the network, and nothing is lost: the small side has six seconds.
        let torn = |event: &Event| matches!(event, Event::Split | Event::Heal);
        world.events.retain(|Reverse((_, _, event))| !torn(event));
        world.at(SPLIT_AT, Event::PartLast { machines: SMALL });
        world.at(CALM_AT + 1_000, Event::Heal);
        world.at(CALM_AT + 7_000, Event::LeaveLast { machines: SMALL });
        world.run();
        let lacks = |machine: &Machine, token: &u64| {
            machine.node.chain().of_use(TokenId(*token), 0).is_none()
        };
        for (index, machine) in world.machines[..ALL - SMALL].iter().enumerate() {
            for (id, (token, _)) in &world.accepted {
                assert!(!lacks(machine, token), "seed {seed}: node {index} lacks {id} of {token}");
            }
        }
        apart += world.accepted.len();
    }
    println!("{apart} votes");
}

#[test]
fn with_a_voter_roll_every_double_vote_is_proven_everywhere_and_the_seal_ends_it() {
    let seeds = seeds(ROLL_SEEDS);
    let one = seeds.end - seeds.start == 1;
    let mut doubles = 0;
    for seed in seeds {
        let counting = if seed % 2 == 0 { Counting::FirstCounts } else { Counting::LastCounts };
        let mut world = World::new(with_roll(counting), seed);
        let machine = world.rng.random_range(0..NODES);
        world.at(CLOSE_AT, Event::Close { machine });
        world.at(SEAL_AT, Event::Seal { machine });
        world.run();
        world.check(seed);
        doubles += world.machines[0].node.statements().double_votes().len();
        assert_eq!(world.departures, BTreeMap::new(), "seed {seed}: a vote left a chain");
    }
    println!("{doubles} double votes");
    assert!(doubles > 0 || one, "nobody voted twice");
}
