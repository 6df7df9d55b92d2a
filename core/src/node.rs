//! A full node as a state machine: time and events go in, effects come out.
//!
//! The driver (a browser worker or the native node) hands in every event with the time it happened
//! and then takes [`Output`]s until there are no more. It carries out [`Output::Persist`] before
//! any later output, so that nothing is acknowledged that is not stored.
//!
//! [`Node`] connects machines that own their state and answer with values. [`BallotBox`] has what
//! the node has of the election, [`Peers`] knows which peers it trusts and how far, [`Sync`] has
//! the download. `hear` (with its downloads) passes each message to the right machine;
//! [`Node::apply`] carries out what follows from a change of state.
//!
//! What strangers can fill, and how far: peers ([`peers::MAX_PEERS`]), pending votes
//! ([`pool::MAX_PENDING_VOTES`]), side blocks ([`crate::chain::tree::MAX_SIDE_BLOCKS`],
//! [`crate::chain::tree::MAX_SIDE_BYTES`]), headers of one download ([`sync::MAX_CANDIDATE`]), two
//! pages of its blocks, votes that arrived after closing ([`late::MAX_LATE`]), and times of blocks
//! ahead of the clock, for 64 peers.

mod ahead;
mod announced;
mod backoff;
pub mod ballot_box;
mod budget;
mod by_ids;
mod gossip;
mod hear;
mod in_time;
mod interface;
pub mod join;
pub mod keepers_room;
mod keeping;
pub mod late;
mod links;
mod mining;
mod outbox;
mod own_votes;
mod pages;
pub mod peers;
pub mod pool;
mod reconcile;
mod roll_call;
mod sealing;
mod serving;
pub mod sync;
mod vote_set;
mod vote_standing;

use std::{cmp::Reverse, collections::BTreeMap};

pub use self::in_time::Lists;
pub use self::interface::{
    CastError, Event, Input, Job, LinkId, Missing, Offence, Output, Peer, Rejection, SealError,
    Signatures, StoreChange,
};
use self::{
    ahead::Ahead,
    backoff::Backoff,
    ballot_box::{BallotBox, Cause, Changes, NewTip},
    gossip::{Gossip, NewsOfTip},
    in_time::InTime,
    keeping::Keeping,
    links::Links,
    mining::{Mining, Order},
    outbox::Outbox,
    own_votes::{ASK_HELD, OwnVotes, Whereabouts},
    pages::pages,
    peers::{Compared, Peers},
    pool::PendingVotes,
    roll_call::RollCall,
    serving::vote_pages,
    sync::Sync,
};
use crate::{
    chain::{
        acknowledgements::Acknowledged,
        ancestry::LinkError,
        block::{Block, BlockError, CheckedBlock},
        rebuilding::Rebuilding,
        statements::{Statement, StatementBook, StatementError},
        tree::Chain,
    },
    crypto::{
        hash::{BlockHash, VoteId},
        key::{PublicKey, SecretKey},
        merkle::InclusionProof,
    },
    draws::Draws,
    election::{
        election_context::ElectionContext,
        keepers::Keeper,
        vote::{CheckedVote, Vote},
    },
    sorted::sorted,
    time::Timestamp,
    wire::message::{Class, MAX_HELD, MAX_STATEMENTS_SENT, Message},
};

/// Peers asked for at a time.
pub const SAMPLE_SIZE: u8 = 6;

/// A full node of one election.
pub struct Node {
    /// What it has of the election.
    ballot_box: BallotBox,
    /// The peers it has heard of.
    peers: Peers,
    links: Links,
    /// What it is fetching.
    sync: Sync,
    /// What it will soon tell rooms.
    gossip: Gossip,
    mining: Mining,
    /// Votes of its own user, until others have them.
    own_votes: OwnVotes,
    /// Which keepers are here.
    roll_call: RollCall,
    /// When to ask keepers again whether late votes were cast in time.
    ask_late: Backoff,
    /// What is on the keepers' closing lists, if somebody wants to seal.
    in_time: Option<InTime>,
    /// When to greet keepers again that were not compared with, or do not have the result.
    greet_again: Backoff,
    /// What it signs, if it is a keeper itself.
    keeping: Option<Keeping>,
    /// What peers have whose time is ahead of this clock.
    ahead: Ahead,
    /// Its random choices among peers.
    draws: Draws,
    out: Outbox,
}

impl Node {
    /// A node that knows the definition and its roll and nothing else. `seed` determines its
    /// choices among peers; nothing secret depends on it.
    pub fn new(context: ElectionContext, seed: u64) -> Self {
        Self {
            ballot_box: BallotBox::new(context),
            peers: Peers::default(),
            links: Links::default(),
            sync: Sync::default(),
            gossip: Gossip::default(),
            mining: Mining::default(),
            own_votes: OwnVotes::default(),
            roll_call: RollCall::default(),
            ask_late: Backoff::default(),
            in_time: None,
            greet_again: Backoff::default(),
            keeping: None,
            ahead: Ahead::default(),
            draws: Draws::new(seed),
            out: Outbox::default(),
        }
    }

    /// Takes in the content of a store: blocks oldest first, pending votes, signed statements. The
    /// own contents of the blocks were checked before ([`Block::check_but_signatures`], or
    /// [`Block::check`] with their signatures), because a driver can do that on several threads.
    /// How they follow each other, and everything else, is checked here.
    ///
    /// # Errors
    /// The first block that is not valid. The blocks before it are in the chain.
    pub fn restore(
        &mut self,
        now: Timestamp,
        blocks: impl IntoIterator<Item = Result<CheckedBlock, BlockError>>,
        pending: impl IntoIterator<Item = Vote>,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Result<(), LinkError> {
        let (result, changes) = self.ballot_box.restore(
            &mut blocks.into_iter(),
            &mut pending.into_iter(),
            &mut statements.into_iter(),
        );
        let pending: Vec<_> = self.ballot_box.pending().iter().map(CheckedVote::id).collect();
        let goes_on = !self.chain().is_anchored();
        for id in pending.into_iter().filter(|_| goes_on) {
            self.follow(id);
        }
        self.apply(now, changes, None);
        self.refresh_job(now);
        result
    }

    /// What this node has of the election.
    pub fn ballot_box(&self) -> &BallotBox {
        &self.ballot_box
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        self.ballot_box.chain()
    }

    /// The pending votes.
    pub fn pending(&self) -> &PendingVotes {
        self.ballot_box.pending()
    }

    /// The signed statements kept here.
    pub fn statements(&self) -> &StatementBook {
        self.ballot_box.statements()
    }

    /// The peers it has heard of, and what they claim.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The download in progress.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// The earliest time of a block of a peer that is too far ahead of this clock. If many peers
    /// have such blocks, the clock is slow; a single one may come from a liar.
    pub fn ahead(&self) -> Option<Timestamp> {
        self.ahead.earliest()
    }

    /// Whether this node mines by itself when votes are pending.
    pub fn is_mining(&self) -> bool {
        self.mining.is_on()
    }

    /// Whether miners are wanted, because this node mines by itself or rebuilds the chain.
    pub fn wants_miners(&self) -> bool {
        self.is_mining() || self.ballot_box.building().is_some()
    }

    /// Peers that confirmed that they have a vote that was cast here.
    pub fn holders(&self, vote: &VoteId) -> usize {
        self.own_votes.holders(vote)
    }

    /// Whether peers claim a better chain than this node has, or a better one is here and not
    /// followed yet.
    pub fn is_behind(&self) -> bool {
        self.sync.target().is_some()
            || self.sync.is_verifying()
            || self.ballot_box.is_merging()
            || self.best_peer().is_some()
    }

    /// Whether this node has some reason to believe that it has everything: a peer handed out
    /// something good, a keeper was compared with, or several samples of peers agreed. What a few
    /// names say that handed out nothing is not a reason.
    pub fn is_sure(&self) -> bool {
        let keepers = &self.chain().election().keepers;
        let compared = |keeper: &Keeper| self.compared_with(&keeper.key).is_some();
        !self.is_behind()
            && (self.peers.somebody_answers() || self.links.agree() || keepers.iter().any(compared))
    }

    /// Whether a better chain is being fetched whose headers showed that it is better. A mere claim
    /// of a peer is not enough: a liar must not be able to delay anything with it.
    pub fn is_fetching(&self) -> bool {
        self.sync.is_fetching() || self.sync.is_verifying()
    }

    /// Tells how many bytes are waiting to be sent on a link. If there are many, questions of peers
    /// are not answered.
    pub fn set_backlog(&mut self, link: LinkId, bytes: usize) {
        self.links.set_backlog(link, bytes);
    }

    /// Takes the next effect.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.poll()
    }

    /// When [`Input::Tick`] is needed at the latest.
    pub fn next_wake(&self, now: Timestamp) -> Timestamp {
        let deadlines = self.sync.deadline().into_iter().chain(self.gossip.deadline());
        deadlines.fold(now.plus_ms(1_000), Timestamp::min)
    }

    /// Casts a vote of this node's user.
    ///
    /// # Errors
    /// Why it is not taken. In that case nothing changes, except that a double vote is kept as a
    /// proof.
    pub fn cast(&mut self, now: Timestamp, vote: Vote) -> Result<VoteId, CastError> {
        let (result, changes) = self.ballot_box.cast(now, vote);
        if let Ok(id) = &result {
            self.follow(*id);
        }
        self.apply(now, changes, None);
        if let Ok(id) = result {
            self.roll_call.hurry(now);
            self.ask_keepers(Some(id));
            self.call_roll(now);
        }
        result
    }

    /// Follows a vote of this node's own user until peers confirm that they have it.
    pub fn follow(&mut self, id: VoteId) {
        let pending = self.ballot_box.pending();
        self.own_votes.follow(id, |id| pending.contains(id));
    }

    /// Holds this election as the keeper with this key. `acknowledged` are the votes that it
    /// acknowledged before, from its store. Returns whether the definition names this keeper: a
    /// keeper that is not named signs nothing here.
    pub fn keep(
        &mut self,
        now: Timestamp,
        key: SecretKey,
        acknowledged: BTreeMap<VoteId, Timestamp>,
    ) -> bool {
        let public = key.public();
        let named = self.chain().election().keeper(&public).is_some();
        if named {
            let open = self.ballot_box.closes().is_none_or(|closes| now < closes);
            let id = self.chain().id();
            self.keeping = Some(Keeping::new(id, key, acknowledged, open));
            self.look_for_own_list();
            // Votes that arrived before this node was a keeper.
            let here: Vec<_> = self.ballot_box.vote_ids().collect();
            self.acknowledge_in_time(now, here);
        }
        named
    }

    /// The number of votes that this node acknowledged, if it is a keeper.
    pub fn acknowledged_here(&self) -> Option<usize> {
        self.keeping.as_ref().map(Keeping::len)
    }

    /// What this node signs for a vote, if it is a keeper.
    pub fn signed_here(&self, id: &VoteId) -> Option<Acknowledged> {
        self.keeping.as_ref()?.acknowledge(&[*id]).pop()
    }

    /// What keepers of this election signed for a vote that is followed here.
    pub fn acknowledgements(&self, id: &VoteId) -> Vec<Acknowledged> {
        self.own_votes.acknowledgements(id)
    }

    /// Takes in what keepers signed for votes that are followed here, from a store or a receipt.
    pub fn remember_acknowledged(&mut self, acknowledged: Vec<Acknowledged>) {
        for acknowledged in acknowledged {
            let acknowledged = self.with_sound_proof(acknowledged);
            let signed = acknowledged.acknowledgement.check(self.chain().context());
            if self.own_votes.wants(&acknowledged) && signed.is_ok() {
                self.own_votes.acknowledged(acknowledged);
            }
        }
    }

    /// Asks the keepers that are here whether late votes were cast in time, if it is time for that.
    fn ask_of_late(&mut self, now: Timestamp) {
        let ids: Vec<_> = self.ballot_box.late().ids().collect();
        if ids.is_empty() || !self.ask_late.is_due(now) {
            return;
        }
        self.ask_late.asked(now);
        let present: Vec<_> = self.roll_call.present().map(|(peer, _)| peer).collect();
        for peer in present {
            for page in ids.chunks(MAX_HELD) {
                self.send(peer, &Message::GetAcknowledged(page.to_vec()));
            }
        }
    }

    /// The acknowledgement, without its proof of being on a closing list if that proof is wrong or
    /// the list is not here: the proof for another list would keep the right one out.
    fn with_sound_proof(&self, mut acknowledged: Acknowledged) -> Acknowledged {
        let signed = &acknowledged.acknowledgement;
        let lists = self.statements().closing_lists_of(&signed.keeper);
        let holds = |proof: &InclusionProof| lists.iter().any(|it| it.holds(&signed.vote, proof));
        let listed = acknowledged.listed.take().filter(holds);
        Acknowledged { listed, ..acknowledged }
    }

    /// The keepers that the definition names and that are here.
    pub fn keepers_here(&self) -> impl Iterator<Item = &Keeper> {
        let keepers = self.chain().election().keepers.iter();
        keepers.filter(|keeper| self.roll_call.is_present(&keeper.key))
    }

    /// The peers that answered for a keeper.
    fn speakers_for(&self, keeper: &PublicKey) -> impl Iterator<Item = Peer> {
        let present = self.roll_call.present();
        present.filter(move |(_, key)| key == keeper).map(|(peer, _)| peer)
    }

    /// What a comparison of votes with this keeper found. A relay may have another peer speak for
    /// it, so of all that speak for it the one that had the most counts.
    pub fn compared_with(&self, keeper: &PublicKey) -> Option<Compared> {
        let all = self.speakers_for(keeper).map(|peer| self.peers.compared(peer));
        let all: Option<Vec<_>> = all.collect();
        all?.into_iter().max_by_key(|compared| (compared.lacked, Reverse(compared.at)))
    }

    /// The keepers that are here and say that their chain is sealed by this block. If several peers
    /// speak for one keeper, all of them must say so.
    pub fn keepers_with_seal(&self, tip: BlockHash) -> impl Iterator<Item = &Keeper> {
        let has = move |peer| self.peers.claim(peer).is_some_and(|it| it.sealed == Some(tip));
        self.keepers_here().filter(move |keeper| self.speakers_for(&keeper.key).all(has))
    }

    /// Closes the election now, before its time.
    ///
    /// # Errors
    /// [`StatementError::NoOrganiser`] or [`StatementError::Signature`] if the key is not the
    /// organiser's. In that case nothing changes.
    pub fn close(&mut self, now: Timestamp, organiser: &SecretKey) -> Result<(), StatementError> {
        let changes = self.ballot_box.close(now, organiser)?;
        self.apply(now, changes, None);
        Ok(())
    }

    /// Makes this node mine whenever votes are pending, or stops that.
    pub fn set_mining(&mut self, now: Timestamp, on: bool) {
        self.mining.set_always(on);
        self.refresh_job(now);
    }

    /// Mines until the next block, whatever [`Node::set_mining`] said.
    pub fn mine_once(&mut self, now: Timestamp) {
        self.mining.set_once(true);
        self.refresh_job(now);
    }

    /// Ends what [`Node::mine_once`] began.
    pub fn stop_mine_once(&mut self, now: Timestamp) {
        self.mining.set_once(false);
        self.refresh_job(now);
    }

    /// Takes in an event.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::LinkUp(link, own) => {
                self.links.up(now, link, own);
                self.out.sample(link, SAMPLE_SIZE);
                self.roll_call.hurry(now);
                if let Some(challenge) = self.roll_call.recent(now) {
                    self.out.broadcast(link, Message::RollCall(challenge).encode());
                } else {
                    self.call_roll(now);
                }
                self.out.event(Event::NetworkChanged);
            }
            Input::LinkDown(link) => {
                self.links.down(link);
                self.peers.forget_link(link);
                self.roll_call.forget_link(link);
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
                        Ok(message) => self.hear(now, from, broadcast, message),
                        Err(error) => self.reject(now, from, error.into()),
                    }
                }
            }
            Input::Mined { job, nonce } => self.mined(now, job, nonce),
            Input::Verified { id, verdict } => self.on_verified(now, id, verdict),
            Input::Blocks(blocks) => {
                for block in blocks {
                    // Blocks from elsewhere get the same checks; the batch ends at a bad one.
                    if self.take_unchecked(now, block).is_err() {
                        break;
                    }
                }
            }
            Input::CheckedBlocks(blocks) => {
                for block in blocks {
                    if self.take_block(now, block, None).is_err() {
                        break;
                    }
                }
            }
            Input::Votes(votes) => {
                let context = self.chain().context();
                let good = votes.into_iter().filter_map(|vote| vote.into_checked(context).ok());
                let changes = self.ballot_box.take_votes(now, good.collect());
                self.apply(now, changes, None);
            }
            Input::Statements(mut statements) => {
                statements.retain(|statement| statement.check(self.chain().context()).is_ok());
                let changes = self.ballot_box.take_statements(statements);
                self.apply(now, changes, None);
            }
            Input::Tick => self.tick(now),
        }
        // Blocks of a download are not announced one by one.
        if !self.sync.is_fetching()
            && let Some(NewsOfTip { heard_on }) = self.gossip.take_tip()
        {
            let news = serving::new_block(&self.ballot_box);
            self.broadcast(&news, heard_on);
            self.refresh_job(now);
        }
        self.flush_gossip(now);
    }

    fn tick(&mut self, now: Timestamp) {
        let agree = self.peers.somebody_claims() && !self.is_behind();
        if self.links.is_sample_due(now, agree) {
            self.links.iter().for_each(|link| self.out.sample(link, SAMPLE_SIZE));
        }
        if self.own_votes.is_due(now) {
            self.push_own_votes(now);
        }
        let gone = self.peers.forget_silent(now);
        let keeper_gone = self.roll_call.retain(|peer| self.peers.contains(peer));
        if gone || keeper_gone {
            self.out.event(Event::NetworkChanged);
        }
        self.call_roll(now);
        self.ask_of_late(now);
        self.ask_in_time(now);
        self.greet_keepers(now);
        self.sign_closing_list(now);
        if let Some(peer) = self.sync.overdue(now) {
            self.stall(now, peer);
        }
        if let Some((peer, question)) = self.sync.ask_again(now) {
            self.send(peer, &question);
        }
        self.ahead.retain(|peer| self.peers.contains(peer));
        for peer in self.ahead.take_due(now) {
            self.send(peer, &serving::hello(&self.ballot_box, true));
        }
        let changes = self.ballot_box.tick(now);
        self.apply(now, changes, None);
        self.refresh_job(now);
    }

    /// A peer has a block whose time is too far ahead: it is asked again when the block may be
    /// valid.
    fn is_ahead(&mut self, now: Timestamp, peer: Peer, dated: Timestamp) {
        let known = self.ahead.earliest().is_some();
        self.ahead.heard(peer, dated, now);
        if !known {
            self.out.event(Event::BlockAhead(dated));
        }
    }

    /// Carries out what follows from a change of state: it is stored, reported to the user and
    /// passed on to every room except the one where everybody heard of it; the download and the
    /// miners are told.
    fn apply(&mut self, now: Timestamp, changes: Changes, heard_on: Option<LinkId>) {
        let Changes { store, votes, returned, merged, lost, statements, proofs, tips, late } =
            changes;
        self.keep_in_time(now, &store);
        for change in store {
            self.out.store(change);
        }
        let waiting = votes.len() + returned.len() + merged > 0;
        if waiting {
            self.mining.votes_changed();
            self.out.event_once(Event::PendingChanged);
        }
        // What a seal left out is not pending any more.
        let goes_on = !self.chain().is_anchored();
        for id in returned {
            if goes_on {
                self.follow(id);
            }
            self.out.event(Event::VoteDropped(id));
        }
        // After the votes that are pending again: one of them may have lost its slot since.
        for id in lost {
            self.own_votes.forget(&id);
            self.out.event(Event::VoteLost(id));
        }
        for NewTip { height, hash, abandoned, cause } in tips {
            self.mining.tip_changed();
            self.gossip.tip_changed(match cause {
                Cause::Block => heard_on,
                // A peer that heard of the seal has not heard of this block.
                Cause::Seal => None,
            });
            self.out.event(Event::NewTip { height, hash, abandoned });
        }
        let lists = |it: &Statement| matches!(it, Statement::ClosingList(_));
        let listed = statements.iter().any(lists);
        let stated = statements.len() + proofs.len() > 0;
        if stated {
            self.out.event(Event::StatementsChanged);
        }
        for (statements, heard_on) in [(statements, heard_on), (proofs, None)] {
            for page in pages(&mut statements.iter(), MAX_STATEMENTS_SENT, usize::MAX) {
                self.broadcast(&Message::Statements(page), heard_on);
            }
        }
        if listed && !self.own_votes.is_empty() {
            // The proof that a vote is on the list is asked for at once.
            self.ask_keepers(None);
        }
        if listed || late {
            self.ask_late.hurry(now);
        }
        if late {
            self.out.event(Event::NetworkChanged);
        }
        self.gossip.add(votes, heard_on);
        self.flush_gossip(now);
        if stated {
            self.start_sync(now);
        }
        if stated || waiting {
            self.refresh_job(now);
        }
    }

    /// Takes in a block that was not checked.
    fn take_unchecked(&mut self, now: Timestamp, block: Block) -> Result<(), LinkError> {
        let known = self.chain().block(&block.header.hash());
        if known.is_some_and(|known| known.holds(&block.votes)) {
            return Ok(());
        }
        let checked = block.check(self.chain().context())?;
        self.take_block(now, checked, None)
    }

    /// Takes in a block.
    fn take_block(
        &mut self,
        now: Timestamp,
        block: CheckedBlock,
        heard_on: Option<LinkId>,
    ) -> Result<(), LinkError> {
        let changes = self.ballot_box.take_block(now, block)?;
        self.apply(now, changes, heard_on);
        Ok(())
    }

    /// Makes, renews or withdraws the miners' job.
    fn refresh_job(&mut self, now: Timestamp) {
        let ballot_box = &self.ballot_box;
        let rebuilding = ballot_box.building();
        if let Some(rebuilding) = rebuilding {
            let tip = rebuilding.chain().tip().hash();
            let order = self.mining.rebuild(now, tip, &|| rebuilding.next_block());
            return self.order(order);
        }
        let possible = || !ballot_box.pending().is_empty() && ballot_box.block_time(now).is_some();
        let tip = ballot_box.chain().tip().hash();
        let order = self.mining.refresh(now, tip, &possible, &|| ballot_box.next_block(now));
        self.order(order);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::GoOn => {}
            Order::Rest => self.out.mine(None),
            Order::Mine(job) => self.out.mine(Some(job)),
        }
    }

    /// A miner found a nonce. The votes were checked when they came in: no signature is verified
    /// again. A wrong nonce, from a broken miner, is reported and does nothing else.
    fn mined(&mut self, now: Timestamp, job: u64, nonce: u64) {
        let rebuilds = self.ballot_box.building();
        let on = rebuilds.map_or(self.chain(), Rebuilding::chain).tip().hash();
        let rebuilds = rebuilds.is_some();
        let Some((header, votes)) = self.mining.found(job, nonce, on) else { return };
        let taken = if rebuilds {
            self.ballot_box.take_rebuilt(now, nonce)
        } else {
            let block = Block::of_checked(header, votes, self.chain().context());
            block.map_err(LinkError::from).and_then(|block| self.take_block(now, block, None))
        };
        if rebuilds || taken.is_err() {
            self.out.event(Event::NetworkChanged);
        }
        if taken.is_err() {
            self.mining.begin_anew();
        }
        self.mining.votes_changed();
        self.refresh_job(now);
    }

    fn flush_gossip(&mut self, now: Timestamp) {
        let news = self.gossip.take_due(now, &mut self.links.iter());
        for (link, message) in news.messages {
            self.out.broadcast(link, message.encode());
        }
        let own = news.votes.iter().map(Vote::id).filter(|id| self.own_votes.contains(id));
        let own: Vec<_> = own.collect();
        self.ask_held(&own);
    }

    /// Asks a few peers whether they have votes that were cast here.
    fn ask_held(&mut self, ids: &[VoteId]) {
        let peers = self.peers.iter().map(|(peer, _)| peer);
        let mut peers = sorted(peers.filter(|peer| peer.link != LinkId::OWN_TABS).collect());
        for _ in 0..ASK_HELD.min(peers.len()) {
            let peer = peers.swap_remove(self.draws.below(peers.len()));
            self.own_votes.asked(peer, ids);
            for page in ids.chunks(MAX_HELD) {
                self.send(peer, &Message::AskHeld(page.to_vec()));
            }
        }
    }

    /// Looks after own votes that too few peers have, or that a keeper has not acknowledged.
    fn push_own_votes(&mut self, now: Timestamp) {
        if self.links.is_empty() || self.own_votes.is_empty() {
            return;
        }
        self.ask_keepers(None);
        let (pending, chain) = (self.ballot_box.pending(), self.ballot_box.chain());
        let whereabouts = |id: &VoteId| match chain.place_of(id) {
            _ if pending.contains(id) => Whereabouts::Pending,
            Some(_) => Whereabouts::InChain,
            None => Whereabouts::Nowhere,
        };
        let push = self.own_votes.push(whereabouts, |peer| self.peers.contains(peer));
        let mut straight: BTreeMap<Peer, Vec<&Vote>> = BTreeMap::new();
        for (peer, id) in &push.straight {
            let vote = pending.get(id).map(CheckedVote::vote);
            straight.entry(*peer).or_default().extend(vote);
        }
        let messages: Vec<_> = straight
            .into_iter()
            .map(|(peer, votes)| (peer, vote_pages(&mut votes.into_iter())))
            .collect();
        let again = push.again.iter().filter_map(|id| Some(pending.get(id)?.vote().clone()));
        let again = again.collect();
        for (peer, messages) in messages {
            self.send_all(peer, &messages);
        }
        self.ask_held(&push.ask);
        self.gossip.add(again, None);
        self.flush_gossip(now);
    }

    /// Acknowledges votes that are about to be stored, if this node is a keeper.
    fn keep_in_time(&mut self, now: Timestamp, store: &[StoreChange]) {
        if self.keeping.is_none() {
            return;
        }
        let ids = store.iter().flat_map(|change| match change {
            StoreChange::PutPending(id, _) => vec![*id],
            StoreChange::Append(block) => block.open().vote_ids().to_vec(),
            StoreChange::Truncate(_)
            | StoreChange::DropPending(_)
            | StoreChange::PutStatement(_)
            | StoreChange::DropStatement(_)
            | StoreChange::PutAcknowledged(..) => Vec::new(),
        });
        let ids = ids.collect();
        self.acknowledge_in_time(now, ids);
    }

    fn acknowledge_in_time(&mut self, now: Timestamp, ids: Vec<VoteId>) {
        let open = self.ballot_box.hours(now).is_open();
        let Some(keeping) = self.keeping.as_mut().filter(|_| open) else { return };
        for id in ids {
            if let Some(change) = keeping.take(now, id) {
                self.out.store(change);
            }
        }
    }

    /// Signs the closing list, if this node is a keeper and it is time.
    fn sign_closing_list(&mut self, now: Timestamp) {
        self.look_for_own_list();
        let closes = self.ballot_box.closes();
        let due = self.keeping.as_mut().filter(|keeping| keeping.is_list_due(now, closes));
        let Some(list) = due.map(Keeping::list) else { return };
        let changes = self.ballot_box.take_statements(vec![Statement::ClosingList(list)]);
        self.apply(now, changes, None);
    }

    /// A keeper whose closing list is known signs no other list.
    fn look_for_own_list(&mut self) {
        let Some(keeping) = self.keeping.as_mut() else { return };
        let lists = self.ballot_box.statements().closing_lists_of(&keeping.public());
        if let Some(list) = lists.first() {
            keeping.knows_list(list);
        }
    }

    /// Asks which keepers are here: soon if one is missing or has not answered something, rarely
    /// otherwise.
    fn call_roll(&mut self, now: Timestamp) {
        let keepers = &self.ballot_box.chain().election().keepers;
        if self.links.is_empty() || keepers.is_empty() {
            return;
        }
        let owes = |key: &PublicKey| !self.lacking_of(key).is_empty();
        let wanted = keepers
            .iter()
            .any(|keeper| !self.roll_call.is_present(&keeper.key) || owes(&keeper.key));
        if let Some(challenge) = self.roll_call.due(now, wanted, &mut self.draws) {
            self.broadcast(&Message::RollCall(challenge), None);
        }
    }

    /// Votes of this node's user that a keeper should be asked about.
    fn lacking_of(&self, keeper: &PublicKey) -> Vec<VoteId> {
        let listed = !self.statements().closing_lists_of(keeper).is_empty();
        self.own_votes.lacking(keeper, listed)
    }

    /// Asks the keepers that are here for the acknowledgements that are missing, and sends them
    /// those votes: all of them, or only the vote that was cast a moment ago.
    fn ask_keepers(&mut self, only: Option<VoteId>) {
        let present: Vec<_> = self.roll_call.present().collect();
        for (peer, keeper) in present {
            let mut lacking = self.lacking_of(&keeper);
            match only {
                Some(vote) => lacking.retain(|id| *id == vote),
                // What was asked before is still not here.
                None if !lacking.is_empty() => self.roll_call.asked(peer),
                None => {}
            }
            for page in lacking.chunks(MAX_HELD) {
                let votes = page.iter().filter_map(|id| self.pending().get(id));
                let votes = vote_pages(&mut votes.map(CheckedVote::vote));
                self.send_all(peer, &votes);
                self.send(peer, &Message::GetAcknowledged(page.to_vec()));
            }
        }
    }

    /// Sends to every room except the one where everybody heard of it.
    fn broadcast(&mut self, message: &Message, heard_on: Option<LinkId>) {
        let bytes = message.encode();
        for link in self.links.without(heard_on) {
            self.out.broadcast(link, bytes.clone());
        }
    }

    fn send(&mut self, to: Peer, message: &Message) {
        let bytes = message.encode();
        if matches!(message.rules().class, Class::Question { refusal: Some(_), .. }) {
            self.peers.asked(to);
        }
        self.peers.served(to, bytes.len());
        self.out.send(to, bytes);
    }

    fn send_all(&mut self, to: Peer, messages: &[Message]) {
        for message in messages {
            self.send(to, message);
        }
    }

    /// A peer did what an honest peer does rarely; returns whether it was dropped for doing it
    /// often.
    fn offended(&mut self, now: Timestamp, peer: Peer, offence: Offence) -> bool {
        let drop = self.peers.offends(peer, now, offence);
        if drop {
            self.reject(now, peer, offence.into());
        }
        drop
    }

    /// A peer sent what no honest peer sends.
    fn reject(&mut self, now: Timestamp, peer: Peer, reason: Rejection) {
        self.peers.ban(peer);
        self.out.event(Event::PeerRejected { peer, reason });
        self.fail_sync(now, peer);
    }
}
