//! An attacker that has unlimited hash power, and wants one vote out of the chain.
//!
//! The attacker knows every public vote and rewrites the chain from below the victim's block:
//! without that vote, in as many blocks as it likes, with voting credentials that it kept back to
//! look better. It hands out its chain as any node does, and does it again every few seconds. Among
//! the honest voters some sign two votes, the network is split and healed, and another peer's
//! headers lie about their counts.

use super::*;

const HONEST: usize = 8;
const SEEDS: u64 = 48;
/// The attack begins when votes are in blocks and goes on through partition, healing and, for every
/// other seed, closing.
const FIRST: u64 = 20_000;
const LAST: u64 = 350_000;
const CLOSED_AT: u64 = 125_000;
const EVERY: u64 = 10_000;
/// Blocks of a branch: its work, which costs its miner nothing.
const BLOCKS: usize = 12;
/// How far a block's time may be ahead of the clocks, less what the frames take.
const AHEAD_MS: u64 = 110_000;

/// How the attacker builds its branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    /// All votes again in a dozen blocks with the present time.
    #[default]
    Dozen,
    /// On the tip, each vote in its own block, dated as early as possible, so that the difficulty
    /// rises with every one, and the last dated as late as possible, so that nothing eases it for
    /// as long as possible. It takes no vote out: it is meant to hold up the votes that come.
    Driven,
    /// The blocks as they were, except for the victim's vote, with the change of a vote of the
    /// attacker's own on top.
    Changes,
}

/// What the attacker wants and has.
#[derive(Default)]
pub struct Attack {
    shape: Shape,
    victim: Option<VoteId>,
    /// Credentials of voters who did not vote.
    credentials: Vec<SecretKey>,
    /// How many of them go into one branch.
    at_once: usize,
    /// How many votes that nobody had seen went into branches.
    used: usize,
    /// Branches that were handed out.
    branches: usize,
}

impl Attack {
    /// Whether its votes are shown only in blocks: a vote that others can put into their own blocks
    /// first helps them.
    pub(super) fn hides_votes(&self) -> bool {
        self.shape == Shape::Driven
    }
}

impl World {
    /// Replaces the attacker's chain by one without the victim's vote, unless that vote is not in
    /// it.
    pub(super) fn rewrite(&mut self, index: usize) {
        let mut attack = self.attack.take().unwrap();
        let chain = self.machines[index].node.chain();
        attack.victim = attack.victim.or_else(|| {
            let known = self.accepted.keys().find(|id| chain.place_of(id).is_some());
            known.copied()
        });
        // Such a branch is expensive, and made only once: not while votes are pending, because the
        // honest miners would soon be past the tip that it was built on.
        let waits =
            attack.credentials.is_empty() || !self.machines[index].node.pending().is_empty();
        if attack.shape == Shape::Driven && waits {
            self.attack = Some(attack);
            return;
        }
        let place = attack.victim.and_then(|victim| chain.place_of(&victim));
        let on_tip = (attack.shape == Shape::Driven).then(|| Height(chain.height().0 + 1));
        let from = place.map(|place| on_tip.unwrap_or(place.height));
        let blocks = from.map(|height| self.branch(index, height, &mut attack));
        if let Some(blocks) = blocks.filter(|blocks| !blocks.is_empty()) {
            attack.branches += 1;
            let statements = self.machines[index].disk.statements.clone();
            let disk = Disk { blocks: blocks.clone(), statements, ..Disk::default() };
            self.machines[index].disk = disk;
            let statements = self.machines[index].disk.statements.clone();
            self.begin_again(index, blocks, Vec::new(), statements);
        }
        self.attack = Some(attack);
    }

    /// The chain up to below `height`, followed by the blocks of the attack.
    fn branch(&self, index: usize, height: Height, attack: &mut Attack) -> Vec<Block> {
        let (node, now) = (&self.machines[index].node, self.clock());
        let chain = node.chain();
        let block = |height| chain.block_at(Height(height)).unwrap().to_block();
        let above = (height.0..=chain.height().0).map(block);
        let new = self.held_back(index, attack);
        let mut parent = chain.block_at(Height(height.0 - 1)).unwrap().header().clone();
        let victim = attack.victim.and_then(|id| chain.vote(&id)).unwrap();
        // A change of the victim's vote is not allowed without it.
        let is_other = |vote: &Vote| {
            let changes = vote.token == victim.token && vote.sequence > victim.sequence;
            !changes && vote.id() != victim.id()
        };
        let parts: Vec<(Timestamp, Vec<Vote>)> =
            match attack.shape {
                Shape::Dozen => {
                    let pending = node.pending().iter().map(|vote| vote.vote().clone());
                    let votes = above.flat_map(|block| block.votes).chain(pending).chain(new);
                    let votes: Vec<_> = votes.filter(is_other).collect();
                    let part = votes.len().div_ceil(BLOCKS).max(1);
                    votes.chunks(part).map(|part| (now, part.to_vec())).collect()
                }
                Shape::Driven => {
                    let last = new.len().saturating_sub(1);
                    let times = (0..).map(|place| {
                        if place == last { now.plus_ms(AHEAD_MS) } else { parent.timestamp }
                    });
                    times.zip(new.into_iter().map(|vote| vec![vote])).collect()
                }
                Shape::Changes => {
                    let others = above.map(|block| {
                        let votes = block.votes.into_iter().filter(is_other).collect();
                        (block.header.timestamp, votes)
                    });
                    others.chain([(now, new)]).collect()
                }
            };
        let mut blocks: Vec<_> = (2..height.0).map(block).collect();
        for (time, votes) in parts.into_iter().filter(|(_, votes)| !votes.is_empty()) {
            let time = time.max(parent.timestamp);
            let next = testkit::block_at(chain.election(), &parent, time, votes, |_| ());
            parent = next.header.clone();
            blocks.push(next);
        }
        blocks
    }

    /// Votes that nobody saw yet, for one branch.
    fn held_back(&self, index: usize, attack: &mut Attack) -> Vec<Vote> {
        let chain = self.machines[index].node.chain();
        let token = |key: &SecretKey| self.context.roll().unwrap().token_of(&key.public()).unwrap();
        let sign = |key: &SecretKey, sequence| {
            let ballot = Ballot::Text(format!("attack {sequence}"));
            Vote::signed(self.context.id(), token(key), sequence, ballot, key)
        };
        let votes: Vec<_> = if attack.shape == Shape::Changes {
            // The next number of each credential, as soon as a block made now may have it.
            let next = |key: &SecretKey| {
                let latest = chain.latest_of(token(key)).map(|(_, vote)| vote.sequence);
                let sequence = latest.map_or(0, |latest| latest + 1);
                let may = chain.check_slot(token(key), sequence, self.clock()).is_ok();
                may.then(|| sign(key, sequence))
            };
            attack.credentials.iter().filter_map(next).collect()
        } else {
            let left = attack.credentials.len().saturating_sub(attack.at_once);
            attack.credentials.split_off(left).iter().map(|key| sign(key, 0)).collect()
        };
        attack.used += votes.len();
        votes
    }
}

#[test]
fn hash_power_without_bounds_takes_no_vote_out_of_an_honest_chain() {
    // Nothing kept back, one credential, five one by one, five at once.
    let held_back = |seed| [(0, 0), (1, 1), (5, 1), (5, 5)][(seed % 4) as usize];
    attacked(SEEDS, Shape::Dozen, Counting::FirstCounts, held_back);
}

#[test]
fn more_credentials_held_back_than_votes_cast_take_no_vote_out_for_good() {
    attacked(12, Shape::Dozen, Counting::FirstCounts, |seed| {
        if seed % 2 == 0 { (100, 3) } else { (100, 100) }
    });
}

#[test]
fn changes_upon_changes_take_no_vote_out_for_good() {
    attacked(12, Shape::Changes, Counting::LastCounts, |seed| (1 + (seed % 2) as usize, 0));
}

#[test]
fn difficulty_driven_up_and_a_tip_dated_ahead_keep_no_vote_out() {
    attacked(12, Shape::Driven, Counting::FirstCounts, |seed| {
        let all = [50, 20, 50, 30][(seed % 4) as usize];
        (all, all)
    });
}

/// Runs this many seeds of an attack. `held_back` tells for a seed how many credentials are kept
/// back, and how many go into a branch.
fn attacked(
    usual: u64,
    shape: Shape,
    counting: Counting,
    held_back: impl Fn(u64) -> (usize, usize),
) {
    let (mut branches, mut used, mut worst, mut hardest) = (0, 0, 0, 0);
    let mut dropped: BTreeMap<Kind, u64> = BTreeMap::new();
    for seed in seeds(usual) {
        let (credentials, at_once) = held_back(seed);
        let context = with_roll_of(VOTES + MORE_VOTERS, counting);
        let mut world = World::among(context, seed, HONEST, &[Kind::Rewriter, Kind::Miscounter]);
        let unused = (VOTES * 4 / 5)..;
        let credentials = unused.map(voter).take(credentials).collect();
        world.attack = Some(Attack { shape, credentials, at_once, ..Attack::default() });
        if seed / 4 % 2 == 1 {
            world.at(CLOSED_AT, Event::Close { machine: 0 });
        }
        world.act(HONEST, |node, now| node.set_mining(now, false));
        for at in (FIRST..LAST).step_by(EVERY as usize) {
            world.at(at, Event::Rewrite { machine: HONEST });
        }
        world.run();
        let attack = world.attack.take().unwrap();
        let victim = attack.victim.unwrap();
        for (index, machine) in world.machines[..HONEST].iter().enumerate() {
            let chain = machine.node.chain();
            for height in 2..=chain.height().0 {
                let block = chain.block_at(Height(height)).unwrap();
                hardest = hardest.max(block.header().difficulty.0);
            }
            for (id, (token, _)) in &world.accepted {
                // This vote, or another ballot of a voter who signed two.
                let counted = chain.of_use(TokenId(*token), 0).is_some();
                assert!(counted, "seed {seed}: node {index} lacks the vote {id} of {token}");
            }
            let left = world.departures.get(&(index, victim)).copied().unwrap_or(0);
            worst = worst.max(left);
            assert!(
                left <= attack.used.min(attack.branches) as u64,
                "seed {seed}: the victim's vote left the chain of node {index} {left} times, and {} \
                 credentials were used",
                attack.used
            );
        }
        if attack.used == 0 {
            // And no other vote either: through partition and healing no vote leaves a chain.
            assert_eq!(world.departures, BTreeMap::new(), "seed {seed}");
        }
        branches += attack.branches;
        for (kind, count) in world.dropped {
            *dropped.entry(kind).or_default() += count;
        }
        used += attack.used;
    }
    println!(
        "{shape:?}: {branches} branches, {used} votes held back, at most {worst} departures, hardest {hardest}, dropped {dropped:?}"
    );
    assert!(branches > 0, "nothing was attacked");
    if seeds(usual).count() > 1 {
        assert!(dropped.contains_key(&Kind::Miscounter), "no count was found wrong");
        let driven = hardest > 16 * election().parameters.starting_difficulty;
        assert_eq!(driven, shape == Shape::Driven, "the hardest demand was {hardest}");
    }
}
