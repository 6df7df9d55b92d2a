//! Greeting peers, passing on votes and blocks, comparing pending votes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Event, GOSSIP_EVERY_MS, LinkId, MAX_BACKLOG, Node, Peer,
    own_votes::{ASK_HELD, Whereabouts},
    peers::{Allowed, Claim, Offence},
};
use crate::{
    chain::{
        ancestry::LinkError,
        block::Block,
        header::{Header, Height},
    },
    crypto::hash::{BlockHash, ShortId, VoteId},
    election::vote::{CheckedVote, Vote, check_all},
    sorted::sorted,
    time::Timestamp,
    wire::{
        frame::PeerId,
        message::{
            Class, Cost, Expected, Hello, MAX_BLOCKS_ASKED, MAX_HEADERS, MAX_HELD,
            MAX_MESSAGE_BYTES, MAX_VOTES, MAX_VOTES_ASKED, Message, PROTOCOL_VERSION,
        },
    },
};

/// Bytes of votes or blocks in one answer. Half of what a message may have: a bus between relays
/// takes 1 MiB by default, and a page shows as progress. One block may be longer.
pub(super) const PAGE_BYTES: usize = MAX_MESSAGE_BYTES / 2;
/// So many votes in a message are checked also when others used up what may be checked for nothing.
const FEW_VOTES: usize = 16;
/// Messages of votes in one answer: what fits in a relay's queue beside other things.
pub(super) const MAX_PAGES: usize = MAX_VOTES_ASKED / MAX_VOTES;
/// An announced block so far below the tip is not fetched.
const STALE_BLOCKS: u32 = 16;

impl Node {
    pub(super) fn send(&mut self, to: Peer, message: &Message) {
        let bytes = message.encode();
        if matches!(message.rules().class, Class::Question { refusal: Some(_), .. }) {
            self.peers.asked(to);
        }
        self.peers.served(to, bytes.len());
        self.out.send(to, bytes);
    }

    fn hello(&self, wants_reply: bool) -> Message {
        Message::Hello(Hello {
            version: PROTOCOL_VERSION,
            tip: self.chain.tip().hash(),
            height: self.chain.height(),
            work: self.chain.work(),
            pending: u32::try_from(self.pending.len()).unwrap_or(u32::MAX),
            sealed: self.chain.anchor().filter(|_| self.chain.is_anchored()),
            statements: self.statements.digest(),
            wants_reply,
        })
    }

    pub(super) fn greet(&mut self, link: LinkId, ids: &[PeerId]) {
        let hello = self.hello(true);
        for id in ids {
            let peer = Peer { link, id: *id };
            if !self.peers.is_banned(peer) {
                self.peers.greeted(peer);
                self.send(peer, &hello);
            }
        }
    }

    pub(super) fn message(
        &mut self,
        now: Timestamp,
        from: Peer,
        broadcast: bool,
        message: Message,
    ) {
        self.peers.hear(from, now);
        let class = message.rules().class;
        if broadcast && !class.may_be_broadcast() {
            self.offended(now, from, Offence::Unasked);
            return;
        }
        match class {
            Class::Announcement | Class::Greeting | Class::Answer(Expected::ByAsker) => {}
            Class::Answer(Expected::Counted) => {
                if !self.peers.was_asked(from) && !self.sync.is_from(from) {
                    self.offended(now, from, Offence::Unasked);
                    return;
                }
            }
            Class::Question { cost, refusal } => {
                if !self.may_answer(now, from, cost) {
                    // Whoever is refused asks another peer.
                    if let Some(refusal) = refusal.filter(|_| !self.peers.is_banned(from)) {
                        self.send(from, &refusal);
                    }
                    return;
                }
            }
        }
        match message {
            Message::Hello(hello) => self.on_hello(now, from, &hello),
            Message::GetElection => {
                let election = Box::new(self.chain.election().clone());
                self.send(from, &Message::Election(election));
            }
            Message::GetRollPage(index) => {
                if let Some(page) = self.chain.context().roll().and_then(|roll| roll.page(index)) {
                    self.send(from, &Message::RollPage(page));
                }
            }
            Message::Election(_) | Message::RollPage(_) => {}
            Message::GetStatements(known) => self.on_get_statements(from, &known),
            Message::Statements(statements) => {
                self.on_statements(now, from, broadcast, statements);
            }
            Message::GetHeaders(locator) => self.on_get_headers(from, &locator),
            Message::Headers(headers) => self.on_headers(now, from, &headers),
            Message::GetBlocks(hashes) => self.on_get_blocks(from, &hashes),
            Message::Blocks(blocks) => self.on_blocks(now, from, blocks),
            Message::GetBlockVotes(hash, wanted) => self.on_get_block_votes(from, hash, &wanted),
            Message::BlockVotes(hash, votes) => self.on_block_votes(now, from, hash, votes),
            Message::Votes(votes) => self.on_votes(now, from, broadcast, votes),
            Message::NewBlock { header, votes } => {
                self.on_new_block(now, from, broadcast, header, &votes);
            }
            Message::Reconcile(query) => self.on_reconcile(now, from, &query),
            Message::Reconciled(answer) => self.on_reconciled(now, from, &answer),
            Message::GetVotes(ids) => self.on_get_votes(from, &ids),
            Message::AskHeld(ids) => {
                let held: Vec<_> = ids
                    .into_iter()
                    .filter(|id| self.pending.contains(id) || self.chain.place_of(id).is_some())
                    .collect();
                if !held.is_empty() {
                    self.send(from, &Message::Held(held));
                }
            }
            Message::Held(_) if from.link == LinkId::OWN_TABS => {}
            Message::Held(ids) => {
                if self.own_votes.held(from, &ids) {
                    self.out.event(Event::NetworkChanged);
                }
            }
        }
    }

    /// Whether a question is within the budgets. Whoever asks for too much again and again is dropped.
    fn may_answer(&mut self, now: Timestamp, from: Peer, cost: Cost) -> bool {
        let allowed = self.peers.may_serve(from, now);
        let backlog = self.backlog.get(&from.link).copied().unwrap_or_default();
        if allowed == Allowed::Exceeded {
            self.offended(now, from, Offence::OverBudget);
        }
        allowed == Allowed::Yes
            && backlog <= MAX_BACKLOG
            && match cost {
                Cost::Looks => true,
                Cost::Walk => self.peers.may_walk(from, now),
            }
    }

    fn on_hello(&mut self, now: Timestamp, from: Peer, hello: &Hello) {
        if hello.version != PROTOCOL_VERSION {
            // What is known of it stays: else this would wipe its score.
            self.peers.hear(from, now).claim = None;
            return;
        }
        let state = self.peers.hear(from, now);
        let claim =
            Claim { tip: hello.tip, height: hello.height, work: hello.work, sealed: hello.sealed };
        state.claim = Some(claim);
        if hello.wants_reply {
            let reply = self.hello(false);
            self.send(from, &reply);
        }
        if hello.statements != self.statements.digest() {
            self.ask_statements(now, from);
        }
        // The one that asked compares.
        let something = hello.pending > 0 || !self.pending.is_empty();
        if !hello.wants_reply
            && self.peers.answers_greeting(from)
            && something
            // What could not be taken is not asked for.
            && !self.pending.is_full()
            && self.check_hours(now).is_ok()
            && now >= self.next_compare
            && self.peers.may_compare(from, now)
        {
            self.compare(now, from);
        }
        self.out.event(Event::NetworkChanged);
        self.start_sync(now);
    }

    fn on_get_headers(&mut self, from: Peer, locator: &[BlockHash]) {
        let mut headers = Vec::new();
        // Without a meeting point there is no next block: the answer is empty, and nobody waits.
        let meeting = self.chain.meeting_point(locator);
        let mut height = meeting.map_or(Height(0), Height::next);
        while let Some(block) = self.chain.block_at(height) {
            if headers.len() == MAX_HEADERS {
                break;
            }
            headers.push(block.header().clone());
            height = height.next();
        }
        self.send(from, &Message::Headers(headers));
    }

    fn on_get_block_votes(&mut self, from: Peer, hash: BlockHash, wanted: &[u32]) {
        let mut bytes = 0;
        let mut votes = Vec::new();
        if let Some(block) = self.chain.block(&hash) {
            for vote in wanted.iter().map_while(|index| block.vote(*index)) {
                bytes += borsh::object_length(&vote).unwrap_or(PAGE_BYTES);
                if bytes > PAGE_BYTES {
                    break;
                }
                votes.push(vote);
            }
        }
        self.send(from, &Message::BlockVotes(hash, votes));
    }

    fn on_get_blocks(&mut self, from: Peer, hashes: &[BlockHash]) {
        let mut blocks = Vec::new();
        let mut bytes = 0;
        for hash in hashes.iter().take(MAX_BLOCKS_ASKED) {
            let Some(block) = self.chain.block(hash).filter(|block| block.vote_count() > 0) else {
                break;
            };
            bytes += block.encoded_len();
            if bytes > PAGE_BYTES && !blocks.is_empty() {
                break;
            }
            blocks.push(block.to_block());
        }
        self.send(from, &Message::Blocks(blocks));
    }

    /// Checks votes of a peer: one that no honest peer sends ends the listening.
    fn on_votes(&mut self, now: Timestamp, from: Peer, broadcast: bool, votes: Vec<Vote>) {
        let full_page = !broadcast && votes.len() >= MAX_VOTES;
        let few = votes.len() <= FEW_VOTES;
        // Votes that cannot be taken now matter only where they may prove a double vote.
        let closed = self.pending.is_full() || self.check_hours(now).is_err();
        let proves = self.chain.context().roll().is_some();
        // What is known here was checked when it came, what a proof convicts needs no second one: a
        // signature costs more than a look.
        let mut together = HashSet::new();
        let votes: Vec<_> = votes
            .into_iter()
            .filter(|vote| match self.of_use(vote.token, vote.sequence) {
                // Another signature of the same vote makes no other vote.
                Some((known, _)) if known == vote.id() => false,
                Some(_) => proves && self.statements.double_vote_of(vote.token).is_none(),
                None => proves || !closed,
            })
            // Two signatures of one vote are one vote.
            .filter(|vote| together.insert(vote.id()))
            .collect();
        if votes.is_empty() {
            return;
        }
        match self.peers.may_verify(from, now) {
            Allowed::Yes => {}
            // A few of a peer that kept its own budget: others must not shut a voter out.
            Allowed::NotNow if few => {}
            Allowed::NotNow => return,
            // An honest peer cannot know that nothing is taken here now.
            Allowed::Exceeded if closed => return,
            Allowed::Exceeded => {
                self.offended(now, from, Offence::OverBudget);
                return;
            }
        }
        let votes = match check_all(votes, self.chain.context()) {
            Ok(votes) => votes,
            Err((_, error)) => return self.reject(now, from, error.to_string()),
        };
        let (verified, proofs) = (votes.len(), self.statements.double_votes().len());
        let before = self.pending.len();
        self.take_votes(now, votes, broadcast.then_some(from.link));
        let taken = self.pending.len().saturating_sub(before);
        let proven = self.statements.double_votes().len().saturating_sub(proofs);
        self.peers.verified_idly(from, verified.saturating_sub(taken + 2 * proven));
        if taken > 0 {
            self.peers.was_useful(from);
        }
        // There was more than one answer holds: go on.
        if full_page && taken > 0 {
            self.compare(now, from);
        }
    }

    /// Takes in checked votes; what is new travels on to where it was not heard. A used token, a full
    /// pool or closed doors are passed over: honest peers send that too.
    pub(super) fn take_votes(
        &mut self,
        now: Timestamp,
        votes: Vec<CheckedVote>,
        heard_on: Option<LinkId>,
    ) {
        let mut fresh = Vec::new();
        self.look_for_double_votes(now, &mut votes.iter().map(CheckedVote::vote));
        for vote in votes {
            let welcome = self.is_unused(&vote).is_ok()
                && !self.pending.is_full()
                && self.check_hours(now).is_ok();
            if welcome {
                fresh.push(vote.vote().clone());
                self.add_pending(vote);
            }
        }
        if !fresh.is_empty() {
            self.gossip_later(now, fresh, heard_on);
            self.refresh_job(now);
        }
    }

    /// Passes votes on with the next message to every room but the one where everybody heard them.
    pub(super) fn gossip_later(
        &mut self,
        now: Timestamp,
        votes: Vec<Vote>,
        heard_on: Option<LinkId>,
    ) {
        self.gossip.extend(votes.into_iter().map(|vote| (heard_on, vote)));
        self.flush_gossip(now);
    }

    pub(super) fn flush_gossip(&mut self, now: Timestamp) {
        if self.gossip.is_empty() || now < self.next_gossip {
            return;
        }
        self.next_gossip = now.plus_ms(GOSSIP_EVERY_MS);
        let waiting = std::mem::take(&mut self.gossip);
        for link in self.links.clone() {
            let votes = waiting.iter().filter(|(heard_on, _)| *heard_on != Some(link));
            for page in pages(&mut votes.map(|(_, vote)| vote), usize::MAX) {
                self.out.broadcast(link, Message::Votes(page).encode());
            }
        }
        let own: Vec<_> = waiting
            .iter()
            .map(|(_, vote)| vote.id())
            .filter(|id| self.own_votes.contains(id))
            .collect();
        self.ask_held(&own);
    }

    pub(super) fn announce_tip(&mut self, heard_on: Option<LinkId>) {
        let tip = self.chain.tip();
        let votes = tip.vote_ids().iter().map(ShortId::from).collect();
        let bytes = Message::NewBlock { header: tip.header().clone(), votes }.encode();
        let links: Vec<_> =
            self.links.iter().copied().filter(|link| Some(*link) != heard_on).collect();
        for link in links {
            self.out.broadcast(link, bytes.clone());
        }
    }

    fn on_new_block(
        &mut self,
        now: Timestamp,
        from: Peer,
        broadcast: bool,
        header: Header,
        votes: &[ShortId],
    ) {
        let hash = header.hash();
        if let Some(work) = self.chain.work_at(&hash) {
            let sealed = self.chain.anchor().filter(|_| self.chain.leads_over_anchor(&hash));
            let claim = Claim { tip: hash, height: header.height, work, sealed };
            self.peers.hear(from, now).claim = Some(claim);
            return;
        }
        if self.chain.is_invalid(&hash) {
            return;
        }
        if let Err(error) = crate::chain::block::check_header(&header, self.chain.election()) {
            return self.reject(now, from, error.to_string());
        }
        let Some(ancestry) = self.chain.ancestry(&header.previous) else {
            // Its parent is unknown: compare tips, the headers will show what it is worth.
            if self.offended(now, from, Offence::Orphan) {
                return;
            }
            let hello = self.hello(true);
            return self.send(from, &hello);
        };
        match ancestry.check_next(self.chain.election(), &header, now) {
            Ok(()) => {}
            // Its clock or ours is off: it may be fine later.
            Err(LinkError::Ahead { .. }) => return,
            Err(error) => return self.reject(now, from, error.to_string()),
        }
        let work = ancestry.work().plus(header.work());
        let anchored = self.chain.leads_over_anchor(&header.previous);
        let sealed = self.chain.anchor().filter(|anchor| anchored || *anchor == hash);
        let claim = Claim { tip: hash, height: header.height, work, sealed };
        self.peers.hear(from, now).claim = Some(claim);
        let better = self.chain.is_better(work, hash, sealed.is_some());
        if !better && header.height.0.saturating_add(STALE_BLOCKS) < self.chain.height().0 {
            // Cheap to make and of no use alone; should its branch win, its headers will show.
            return;
        }
        let unique: HashSet<_> = votes.iter().collect();
        if unique.len() < votes.len() {
            // Two votes of one short id: only the block itself tells them apart.
            return self.fetch_block(now, from, header, Vec::new());
        }
        let held: Vec<_> = votes.iter().map(|id| self.pending.get_short(id).cloned()).collect();
        if let Some(votes) = held.iter().cloned().collect::<Option<Vec<CheckedVote>>>() {
            match Block::of_checked(header.clone(), votes, self.chain.context()) {
                Ok(block) => {
                    let heard_on = broadcast.then_some(from.link);
                    return match self.take_checked(now, block, heard_on) {
                        Ok(()) => self.peers.was_useful(from),
                        Err(error) => self.reject(now, from, error.to_string()),
                    };
                }
                // A short id that two votes share shows here; the whole block is fetched then.
                Err(error) if error.is_other_votes() => {}
                Err(error) => return self.reject(now, from, error.to_string()),
            }
        }
        self.fetch_block(now, from, header, held);
    }

    fn on_get_votes(&mut self, from: Peer, ids: &[ShortId]) {
        let unique: BTreeSet<_> = ids.iter().collect();
        let votes = unique.into_iter().filter_map(|id| self.pending.get_short(id));
        for page in pages(&mut votes.map(CheckedVote::vote), MAX_PAGES) {
            self.send(from, &Message::Votes(page));
        }
    }

    /// Asks a few peers whether they hold votes that were cast here.
    pub(super) fn ask_held(&mut self, ids: &[VoteId]) {
        let peers = self.peers.iter().map(|(peer, _)| peer);
        let mut peers = sorted(peers.filter(|peer| peer.link != LinkId::OWN_TABS).collect());
        for _ in 0..ASK_HELD.min(peers.len()) {
            let index = self.draw() % peers.len() as u64;
            let peer = peers.swap_remove(usize::try_from(index).unwrap_or(0));
            self.own_votes.asked(peer, ids);
            for page in ids.chunks(MAX_HELD) {
                self.send(peer, &Message::AskHeld(page.to_vec()));
            }
        }
    }

    /// Looks after own votes that too few peers have.
    pub(super) fn push_unheld(&mut self, now: Timestamp) {
        if self.links.is_empty() || self.own_votes.is_empty() {
            return;
        }
        let whereabouts = |id: &VoteId| {
            if self.pending.contains(id) {
                Whereabouts::Pending
            } else if self.chain.place_of(id).is_some() {
                Whereabouts::InChain
            } else {
                Whereabouts::Nowhere
            }
        };
        let push = self.own_votes.push(whereabouts, |peer| self.peers.known.contains_key(peer));
        let mut straight: BTreeMap<Peer, Vec<&Vote>> = BTreeMap::new();
        for (peer, id) in &push.straight {
            let vote = self.pending.get(id).map(CheckedVote::vote);
            straight.entry(*peer).or_default().extend(vote);
        }
        let straight: Vec<_> = straight
            .into_iter()
            .map(|(peer, votes)| (peer, pages(&mut votes.into_iter(), MAX_PAGES)))
            .collect();
        for (peer, pages) in straight {
            for page in pages {
                self.send(peer, &Message::Votes(page));
            }
        }
        self.ask_held(&push.ask);
        let again: Vec<_> =
            push.again.iter().filter_map(|id| Some(self.pending.get(id)?.vote().clone())).collect();
        if !again.is_empty() {
            self.gossip_later(now, again, None);
        }
    }
}

/// Cuts votes into messages that fit a frame, at most so many; what is over is not looked at.
pub(super) fn pages(votes: &mut dyn Iterator<Item = &Vote>, most: usize) -> Vec<Vec<Vote>> {
    let mut pages: Vec<Vec<Vote>> = Vec::new();
    let mut bytes = 0;
    for vote in votes {
        let size = borsh::object_length(vote).unwrap_or(PAGE_BYTES);
        let full = bytes + size > PAGE_BYTES;
        if let Some(page) = pages.last_mut().filter(|page| !full && page.len() < MAX_VOTES) {
            page.push(vote.clone());
            bytes += size;
        } else if pages.len() < most {
            pages.push(vec![vote.clone()]);
            bytes = size;
        } else {
            break;
        }
    }
    pages
}
