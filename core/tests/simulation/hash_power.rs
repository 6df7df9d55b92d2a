//! Whoever has all the hash power there is, and wants one vote out of the chain.
//!
//! The attacker knows every public vote and rewrites the chain from below the victim's block: without that
//! vote, in as many blocks as it likes, with voting credentials that it held back to look better. It hands
//! out its chain as any node does, and does it again every few seconds.

use super::*;

const HONEST: usize = 8;
const SEEDS: u64 = 48;
/// The attack begins when votes are in blocks and goes on through partition, healing and, in every other
/// seed, closing.
const FIRST: u64 = 20_000;
const LAST: u64 = 350_000;
const CLOSED_AT: u64 = 125_000;
const EVERY: u64 = 10_000;
/// Blocks of a branch: its work, which costs its miner nothing.
const BLOCKS: usize = 12;

/// What the attacker wants and has.
#[derive(Default)]
pub struct Attack {
    victim: Option<VoteId>,
    /// Credentials of voters who did not vote.
    credentials: Vec<SecretKey>,
    /// How many of them go into one branch.
    at_once: usize,
    /// How many went into branches.
    used: usize,
    /// Branches that were handed out.
    branches: usize,
}

impl World {
    /// Replaces the attacker's chain by one without the victim's vote, unless that is not in it.
    pub(super) fn rewrite(&mut self, index: usize) {
        let mut attack = self.attack.take().unwrap();
        let chain = self.machines[index].node.chain();
        attack.victim = attack.victim.or_else(|| {
            let known = self.accepted.keys().find(|id| chain.place_of(id).is_some());
            known.copied()
        });
        let place = attack.victim.and_then(|victim| chain.place_of(&victim));
        let blocks = place.map(|place| self.without_the_victim(index, place.height, &mut attack));
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

    /// The chain up to below `height`, then all votes that are known but the victim's.
    fn without_the_victim(&self, index: usize, height: Height, attack: &mut Attack) -> Vec<Block> {
        let node = &self.machines[index].node;
        let chain = node.chain();
        let block = |height| chain.block_at(Height(height)).unwrap().to_block();
        let above = (height.0..=chain.height().0).flat_map(|height| block(height).votes);
        let pending = node.pending().iter().map(|vote| vote.vote().clone());
        let others = above.chain(pending).filter(|vote| Some(vote.id()) != attack.victim);
        let mut votes: Vec<_> = others.collect();
        for _ in 0..attack.at_once {
            let Some(key) = attack.credentials.pop() else { break };
            attack.used += 1;
            let token = self.context.roll().unwrap().token_of(&key.public()).unwrap();
            let ballot = Ballot::Text("attack".into());
            votes.push(Vote::signed(self.context.id(), token, 0, ballot, &key));
        }
        let mut blocks: Vec<_> = (2..height.0).map(block).collect();
        let mut parent = chain.block_at(Height(height.0 - 1)).unwrap().header().clone();
        for part in votes.chunks(votes.len().div_ceil(BLOCKS).max(1)) {
            let (election, time) = (chain.election(), self.clock());
            let next = testkit::block_at(election, &parent, time, part.to_vec(), |_| ());
            parent = next.header.clone();
            blocks.push(next);
        }
        blocks
    }
}

#[test]
fn hash_power_without_bounds_takes_no_vote_out_of_an_honest_chain() {
    let seeds = seeds(SEEDS);
    let (mut branches, mut used, mut worst) = (0, 0, 0);
    for seed in seeds {
        // Nothing held back, one credential, five one by one, five at once.
        let (credentials, at_once) = [(0, 0), (1, 1), (5, 1), (5, 5)][(seed % 4) as usize];
        let context = with_roll(Counting::FirstCounts);
        let mut world = World::among(context, seed, HONEST, &[Kind::Rewriter]);
        let unused = (VOTES * 4 / 5)..VOTES;
        let credentials = unused.map(voter).take(credentials).collect();
        world.attack = Some(Attack { credentials, at_once, ..Attack::default() });
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
            for (id, (token, _)) in &world.accepted {
                // This one, or another ballot of a voter who signed two.
                let counted = chain.of_use(TokenId(*token), 0).is_some();
                assert!(counted, "seed {seed}: node {index} lacks the vote {id} of {token}");
            }
            let left = world.departures.get(&(index, victim)).copied().unwrap_or(0);
            worst = worst.max(left);
            assert!(
                left <= attack.used as u64,
                "seed {seed}: the victim's vote left the chain of node {index} {left} times, and {} \
                 credentials were used",
                attack.used
            );
        }
        if attack.used == 0 {
            // Nor any other vote: through partition and healing none leaves a chain.
            assert_eq!(world.departures, BTreeMap::new(), "seed {seed}");
        }
        branches += attack.branches;
        used += attack.used;
    }
    println!("{branches} branches, {used} credentials, at most {worst} departures");
    assert!(branches > 0, "nothing was attacked");
}
