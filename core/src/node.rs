//! A full node as a state machine: time and events go in, effects come out.
//!
//! The driver (a browser worker or the native node) hands in every event with the time it
//! happened and then takes [`Output`]s until there is none. It carries out [`Output::Persist`]
//! before any output behind it, so that nothing is acknowledged that is not stored.
//!
//! What strangers can fill, and how far: peers ([`peers::MAX_PEERS`]), pending votes
//! ([`crate::node::pool::MAX_PENDING_VOTES`]), blocks beside the chain
//! ([`crate::chain::tree::MAX_SIDE_BLOCKS`], [`crate::chain::tree::MAX_SIDE_BYTES`]), headers of one download
//! ([`sync::MAX_CANDIDATE`]), and two pages of its blocks.

pub mod gossip;
mod interface;
pub mod join;
pub mod mining;
mod outbox;
mod own_votes;
pub mod peers;
pub mod pool;
mod reconcile;
mod statements;
pub mod sync;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    audit::receipt::{Inclusion, Receipt},
    chain::{
        ancestry::LinkError,
        block::{Block, BlockError, CheckedBlock},
        header::Height,
        statements::{Statement, StatementBook},
        tree::{Chain, Inserted, Switch},
    },
    crypto::hash::VoteId,
    election::{
        context::ElectionContext,
        hours::Hours,
        tally::Tally,
        token::TokenId,
        vote::{CheckedVote, Vote, VoteError},
    },
    node::pool::PendingVotes,
    time::Timestamp,
    wire::message::Message,
};

pub use self::{
    interface::{
        CastError, Event, Input, Job, LinkId, Output, Peer, SealError, Signatures, StoreChange,
    },
    statements::Outcome,
};
use self::{
    mining::Mining,
    outbox::Outbox,
    own_votes::OwnVotes,
    peers::{Offence, Peers},
    reconcile::PendingIds,
    sync::Sync,
};

/// How often a relay is asked for peers to compare tips and pending votes with.
const SAMPLE_EVERY_MS: u64 = 20_000;
/// Votes that come in a burst travel together: one message for this time.
const GOSSIP_EVERY_MS: u64 = 20;
/// Pending votes are compared with one peer at a time: with many they bring the same votes.
const COMPARE_EVERY_MS: u64 = 2_000;
/// Bytes waiting towards a relay above which nobody is served: own votes come first.
const MAX_BACKLOG: usize = 2 << 20;
/// Peers asked for at a time.
pub const SAMPLE_SIZE: u8 = 6;

/// A new tip, and the room where everybody heard of it, if there is one.
struct Announcement {
    heard_on: Option<LinkId>,
}

/// A full node of one election.
pub struct Node {
    chain: Chain,
    pending: PendingVotes,
    pending_ids: PendingIds,
    statements: StatementBook,
    /// What the seals come to; brought up to date with each change of seals and chain.
    outcome: Outcome,
    peers: Peers,
    sync: Sync,
    mining: Mining,
    links: BTreeSet<LinkId>,
    /// Bytes that wait to go out on each, as the driver says.
    backlog: HashMap<LinkId, usize>,
    own_votes: OwnVotes,
    /// A new tip that is not announced yet.
    announce: Option<Announcement>,
    out: Outbox,
    /// New votes that have not been passed on, and the room where they were heard.
    gossip: Vec<(Option<LinkId>, Vote)>,
    next_gossip: Timestamp,
    next_compare: Timestamp,
    next_sample: Timestamp,
    random: u64,
}

impl Node {
    /// A node that knows the definition and its roll and nothing else. `seed` feeds its choices among peers;
    /// nothing secret hangs on it.
    pub fn new(context: ElectionContext, seed: u64) -> Self {
        Self {
            chain: Chain::new(context),
            pending: PendingVotes::default(),
            pending_ids: PendingIds::default(),
            statements: StatementBook::default(),
            outcome: Outcome::Unsealed,
            peers: Peers::default(),
            sync: Sync::default(),
            mining: Mining::default(),
            links: BTreeSet::new(),
            backlog: HashMap::new(),
            own_votes: OwnVotes::default(),
            announce: None,
            out: Outbox::default(),
            gossip: Vec::new(),
            next_gossip: Timestamp(0),
            next_compare: Timestamp(0),
            next_sample: Timestamp(0),
            random: seed,
        }
    }

    /// Takes in what a store held: blocks oldest first, pending votes, signed statements. Nothing is
    /// persisted or sent. Blocks were checked in themselves before ([`Block::check_but_signatures`], or
    /// [`Block::check`] with their signatures), as a driver can do that on several threads; how they
    /// stand to each other, and all else, is checked here.
    ///
    /// # Errors
    /// The first block that does not hold. The blocks before it are in the chain.
    pub fn restore(
        &mut self,
        now: Timestamp,
        blocks: impl IntoIterator<Item = Result<CheckedBlock, BlockError>>,
        pending: impl IntoIterator<Item = Vote>,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Result<(), LinkError> {
        let mut result = Ok(());
        for block in blocks {
            if let Err(error) = block
                .map_err(LinkError::from)
                // It was checked against the clock when it came in; the clock may be wrong today.
                .and_then(|block| self.chain.insert(block, Timestamp(u64::MAX)).map(|_| ()))
            {
                result = Err(error);
                break;
            }
        }
        for vote in pending {
            if let Ok(vote) = vote.into_checked(self.chain.context())
                && self.is_unused(&vote).is_ok()
            {
                let id = vote.id();
                self.pending.push(vote);
                self.pending_ids.changed();
                self.follow(id);
            }
        }
        for statement in statements {
            if statement.check(self.chain.context()).is_ok() {
                let _ = self.statements.add(&statement);
            }
        }
        self.apply_seals(now);
        self.refresh_job(now);
        result
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The votes that wait for a block.
    pub fn pending(&self) -> &PendingVotes {
        &self.pending
    }

    /// The peers heard of, best first, and what they claim.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The download in progress.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// Whether this node mines by itself when votes wait.
    pub fn is_mining(&self) -> bool {
        self.mining.on
    }

    /// Peers that confirmed to hold a vote that was cast here.
    pub fn holders(&self, vote: &VoteId) -> usize {
        self.own_votes.holders(vote)
    }

    /// Says how many bytes wait to go out on a link: with many, questions of peers are not answered.
    pub fn set_backlog(&mut self, link: LinkId, bytes: usize) {
        self.backlog.insert(link, bytes);
    }

    /// Takes the next effect.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.poll()
    }

    /// When [`Input::Tick`] is wanted at the latest.
    pub fn next_wake(&self, now: Timestamp) -> Timestamp {
        let mut wake = now.plus_ms(1_000);
        if let Some(deadline) = self.sync.deadline() {
            wake = wake.min(deadline);
        }
        if !self.gossip.is_empty() {
            wake = wake.min(self.next_gossip);
        }
        wake
    }

    /// Casts a vote from here.
    ///
    /// # Errors
    /// Why it is not taken. Nothing has changed then, but that a double vote is kept as a proof.
    pub fn cast(&mut self, now: Timestamp, vote: Vote) -> Result<VoteId, CastError> {
        let vote = vote.into_checked(self.chain.context())?;
        let id = vote.id();
        if let Err(error) = self.is_unused(&vote) {
            self.look_for_double_votes(now, &mut std::iter::once(vote.vote()));
            return Err(error);
        }
        self.check_hours(now)?;
        if self.pending.is_full() {
            return Err(CastError::Full);
        }
        self.add_pending(vote.clone());
        self.follow(id);
        self.gossip_later(now, vec![vote.into_vote()], None);
        self.refresh_job(now);
        Ok(id)
    }

    /// Whether a token could cast a first vote now, as far as this node knows.
    ///
    /// # Errors
    /// [`CastError::AlreadyVoted`], or that the token does not exist.
    pub fn check_token(&self, token: TokenId) -> Result<(), CastError> {
        let tokens = self.chain.election().tokens();
        if !tokens.contains(&token.0) {
            let (lowest, highest) = (*tokens.start(), *tokens.end());
            return Err(VoteError::NoSuchToken { token, lowest, highest }.into());
        }
        match self.latest_of(token) {
            Some((by, vote)) => Err(CastError::AlreadyVoted { token, sequence: vote.sequence, by }),
            None => Ok(()),
        }
    }

    /// The vote of a token with the highest sequence number, in the chain or waiting.
    pub fn latest_of(&self, token: TokenId) -> Option<(VoteId, Vote)> {
        let waiting = self.pending.latest_of(token).map(|vote| (vote.id(), vote.vote().clone()));
        let found = [self.chain.latest_of(token), waiting];
        found.into_iter().flatten().max_by_key(|(_, vote)| vote.sequence)
    }

    /// The result as it counts: up to the sealed block, where there is one.
    pub fn counted(&self) -> &Tally {
        match &self.outcome {
            Outcome::Sealed { tally, .. } => tally,
            _ => self.chain.tally(),
        }
    }

    /// The vote of a token that counts: the last one, up to the sealed block where there is one.
    pub fn counting_vote(&self, token: TokenId) -> Option<VoteId> {
        let height = self.sealed_height().unwrap_or_else(|| self.chain.height());
        self.chain.latest_until(token, height).map(|(id, _)| id)
    }

    /// Whether peers claim a better chain than this node holds.
    pub fn is_behind(&self) -> bool {
        self.sync.target().is_some()
            || self.sync.is_verifying()
            || self.peers.best_above(&self.chain).is_some()
    }

    /// The signed statements kept here.
    pub fn statements(&self) -> &StatementBook {
        &self.statements
    }

    /// What became of a vote, or nothing when it is not known here.
    pub fn receipt(&self, id: &VoteId) -> Option<Receipt> {
        if let Some(vote) = self.pending.get(id) {
            return Some(Receipt { vote_id: *id, vote: vote.vote().clone(), inclusion: None });
        }
        let place = self.chain.place_of(id)?;
        let block = self.chain.block_at(place.height)?.open();
        Some(Receipt {
            vote_id: *id,
            vote: block.votes().get(place.index as usize)?.clone(),
            inclusion: Some(Inclusion {
                block: block.hash(),
                header: block.header().clone(),
                proof: block.prove(place.index)?,
                confirmations: self.chain.confirmations(place.height),
            }),
        })
    }

    /// Lets this node mine whenever votes wait, or stops it.
    pub fn set_mining(&mut self, now: Timestamp, on: bool) {
        self.mining.on = on;
        self.refresh_job(now);
    }

    /// Mines until the next block, whatever [`Node::set_mining`] said.
    pub fn mine_once(&mut self, now: Timestamp) {
        self.mining.once = true;
        self.refresh_job(now);
    }

    /// Ends what [`Node::mine_once`] began.
    pub fn stop_mine_once(&mut self, now: Timestamp) {
        self.mining.once = false;
        self.refresh_job(now);
    }

    /// Takes in an event.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::LinkUp(link) => {
                self.links.insert(link);
                self.out.sample(link, SAMPLE_SIZE);
                self.next_sample = now.plus_ms(SAMPLE_EVERY_MS);
                self.out.event(Event::NetworkChanged);
            }
            Input::LinkDown(link) => {
                self.links.remove(&link);
                self.backlog.remove(&link);
                self.peers.forget_link(link);
                self.sync.link_down(link);
                self.start_sync(now);
                self.out.event(Event::NetworkChanged);
            }
            Input::Peers(link, ids) => self.greet(link, &ids),
            Input::Gone(peer) => {
                self.peers.leave(peer);
                self.fail_sync(now, peer);
                self.out.event(Event::NetworkChanged);
            }
            Input::Message { from, broadcast, bytes } => {
                if !self.peers.is_banned(from) {
                    match Message::decode(&bytes) {
                        Ok(message) => self.message(now, from, broadcast, message),
                        Err(error) => self.reject(now, from, error.to_string()),
                    }
                }
            }
            Input::Mined { job, nonce } => self.mined(now, job, nonce),
            Input::Verified { id, verdict } => self.on_verified(now, id, verdict),
            Input::Blocks(blocks) => {
                for block in blocks {
                    // Blocks from elsewhere get the same checks; a bad one ends the batch.
                    if self.take_block(now, block, None).is_err() {
                        break;
                    }
                }
            }
            Input::CheckedBlocks(blocks) => {
                for checked in blocks {
                    if self.take_checked(now, checked, None).is_err() {
                        break;
                    }
                }
            }
            Input::Votes(votes) => {
                let context = self.chain.context();
                let good = votes.into_iter().filter_map(|vote| vote.into_checked(context).ok());
                let good = good.collect();
                self.take_votes(now, good, None);
            }
            Input::Statements(mut statements) => {
                statements.retain(|statement| statement.check(self.chain.context()).is_ok());
                self.take_statements(now, statements, None);
            }
            Input::Tick => self.tick(now),
        }
        // Blocks of a download are not announced one by one.
        if !self.sync.is_fetching()
            && let Some(Announcement { heard_on }) = self.announce.take()
        {
            self.announce_tip(heard_on);
            self.refresh_job(now);
        }
        self.flush_gossip(now);
    }

    fn tick(&mut self, now: Timestamp) {
        if now >= self.next_sample {
            self.next_sample = now.plus_ms(SAMPLE_EVERY_MS);
            let links: Vec<_> = self.links.iter().copied().collect();
            for link in links {
                self.out.sample(link, SAMPLE_SIZE);
            }
        }
        if self.own_votes.is_due(now) {
            self.push_unheld(now);
        }
        if self.peers.forget_silent(now) {
            self.out.event(Event::NetworkChanged);
        }
        self.check_sync_deadline(now);
        self.refresh_job(now);
    }

    /// A number from a splitmix64 sequence (Steele, Lea, Flood 2014).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether a vote's token and sequence number are unused in the chain and by pending votes.
    fn is_unused(&self, vote: &Vote) -> Result<(), CastError> {
        let (token, sequence) = (vote.token, vote.sequence);
        match self.of_use(token, sequence) {
            Some((by, _)) => Err(CastError::AlreadyVoted { token, sequence, by }),
            None => Ok(()),
        }
    }

    /// The vote with a token and sequence number, in the chain or waiting.
    pub fn of_use(&self, token: TokenId, sequence: u8) -> Option<(VoteId, Vote)> {
        let waiting = || self.pending.of_use(token, sequence);
        let waiting = || waiting().map(|vote| (vote.id(), vote.vote().clone()));
        self.chain.of_use(token, sequence).or_else(waiting)
    }

    /// When votes are not taken any more: the election's own time, or the organiser's early
    /// closing.
    pub fn closes(&self) -> Option<Timestamp> {
        let early = self.statements.closing().map(|closing| closing.at);
        self.chain.election().closes.into_iter().chain(early).min()
    }

    /// Whether votes are taken now.
    pub fn hours(&self, now: Timestamp) -> Hours {
        let opens = self.chain.election().opens;
        Hours::at(now, opens, self.closes(), self.chain.is_anchored())
    }

    fn check_hours(&self, now: Timestamp) -> Result<(), CastError> {
        match self.hours(now) {
            Hours::Open(_) => Ok(()),
            Hours::Early(opens) => Err(CastError::NotOpen(opens)),
            Hours::Closed(closes) => Err(CastError::Closed(closes)),
            Hours::Sealed => Err(CastError::Sealed),
        }
    }

    fn add_pending(&mut self, vote: CheckedVote) {
        self.out.store(StoreChange::PutPending(vote.id(), vote.vote().clone()));
        self.pending.push(vote);
        self.pending_ids.changed();
        self.mining.stale = true;
        self.out.event_once(Event::PendingChanged);
    }

    /// Follows a vote of this node's own user until peers confirm to hold it.
    pub fn follow(&mut self, id: VoteId) {
        self.own_votes.follow(id, |id| self.pending.contains(id));
    }

    /// Checks a block and takes it in.
    fn take_block(
        &mut self,
        now: Timestamp,
        block: Block,
        heard_on: Option<LinkId>,
    ) -> Result<(), LinkError> {
        let known = self.chain.block(&block.header.hash());
        if known.is_some_and(|known| known.holds(&block.votes)) {
            return Ok(());
        }
        let checked = block.check(self.chain.context())?;
        self.take_checked(now, checked, heard_on)
    }

    /// Takes in a block, and follows a change of the chain through the pending votes.
    fn take_checked(
        &mut self,
        now: Timestamp,
        checked: CheckedBlock,
        heard_on: Option<LinkId>,
    ) -> Result<(), LinkError> {
        let hash = checked.hash();
        match self.chain.insert(checked, now)? {
            Inserted::Switched(switch) => self.switched(now, &switch, heard_on),
            Inserted::Beside => {
                if let Some(block) = self.chain.block(&hash).cloned() {
                    self.look_for_double_votes(now, &mut block.open().votes().iter());
                }
            }
            Inserted::Known => {}
        }
        Ok(())
    }

    fn switched(&mut self, now: Timestamp, switch: &Switch, heard_on: Option<LinkId>) {
        if let Some(oldest) = switch.removed.last() {
            let below = Height(oldest.header().height.0 - 1);
            self.out.store(StoreChange::Truncate(below));
        }
        let mut losers = Vec::new();
        self.pending_ids.changed();
        for block in &switch.added {
            self.out.store(StoreChange::Append(Arc::clone(block).into()));
            for (vote, id) in block.votes().iter().zip(block.vote_ids()) {
                if self.pending.remove(id).is_some() {
                    self.out.store(StoreChange::DropPending(*id));
                } else if let Some(other) = self.pending.of_use(vote.token, vote.sequence) {
                    let other = other.id();
                    losers.extend(self.pending.remove(&other).map(CheckedVote::into_vote));
                    self.out.store(StoreChange::DropPending(other));
                    self.own_votes.forget(&other);
                    self.out.event(Event::VoteLost(other));
                }
            }
        }
        for block in switch.removed.iter().rev() {
            for vote in block.checked_votes() {
                let id = vote.id();
                if self.is_unused(&vote).is_ok() {
                    self.add_pending(vote);
                    self.follow(id);
                    self.out.event(Event::VoteDropped(id));
                } else if self.chain.place_of(&id).is_none() {
                    losers.push(vote.into_vote());
                }
            }
        }
        self.look_for_double_votes(now, &mut losers.iter());
        self.mining.once = false;
        self.mining.stale = true;
        let (height, hash) = (self.chain.height(), self.chain.tip().hash());
        self.out.event(Event::NewTip { height, hash, abandoned: switch.removed.len() });
        self.announce = Some(Announcement { heard_on });
        self.apply_seals(now);
    }

    /// A peer did what an honest one does seldom; says whether it was dropped for doing it often.
    fn offended(&mut self, now: Timestamp, peer: Peer, offence: Offence) -> bool {
        let drop = self.peers.offends(peer, now, offence);
        if drop {
            self.reject(now, peer, offence.words().to_owned());
        }
        drop
    }

    /// A peer sent what no honest one sends.
    fn reject(&mut self, now: Timestamp, peer: Peer, reason: String) {
        self.peers.ban(peer);
        self.out.event(Event::PeerRejected { peer, reason });
        self.fail_sync(now, peer);
    }
}
