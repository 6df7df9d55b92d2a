//! What each message of a peer does.

mod downloads;

use super::{
    Node,
    announced::{Announced, weigh},
    budget::Allowed,
    by_ids::{Filled, fill},
    interface::{Event, LinkId, Offence, Peer, Rejection},
    peers::Claim,
    roll_call::Answered,
    serving::{self, vote_pages},
};
use crate::{
    chain::{
        acknowledgements::Acknowledged,
        ancestry::LinkError,
        statements::{MAX_STATEMENTS, Statement},
    },
    crypto::hash::ShortId,
    election::vote::{Vote, check_all},
    time::Timestamp,
    wire::{
        frame::PeerId,
        message::{
            Challenge, Class, Cost, Expected, Hello, MAX_STATEMENTS_SENT, MAX_VOTES,
            MAX_VOTES_ASKED, Message, PROTOCOL_VERSION, Presence, ShortBlock,
        },
    },
};

/// This many votes in a message are verified even if others used up the budget for verifications
/// that lead to nothing.
const FEW_VOTES: usize = 16;

impl Node {
    /// Takes in a message, if its sender may send a message of its class now.
    pub(super) fn hear(&mut self, now: Timestamp, from: Peer, broadcast: bool, message: Message) {
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
                    // A peer that is refused asks another peer.
                    if let Some(refusal) = refusal.filter(|_| !self.peers.is_banned(from)) {
                        self.send(from, &refusal);
                    }
                    return;
                }
            }
        }
        let here = &self.ballot_box;
        match message {
            Message::Hello(hello) => self.on_hello(now, from, &hello),
            Message::GetElection => self.send(from, &serving::election(here)),
            Message::GetRollPage(index) => {
                let page = serving::roll_page(here, index);
                self.send_all(from, page.as_slice());
            }
            Message::GetStatements(known) => {
                let page = serving::statements(here, &known);
                self.send_all(from, page.as_slice());
            }
            Message::GetHeaders(locator) => self.send(from, &serving::headers(here, &locator)),
            Message::GetBlocks(hashes) => self.send(from, &serving::blocks(here, &hashes)),
            Message::GetBlockVotes(hash, wanted) => {
                self.send(from, &serving::block_votes(here, hash, &wanted));
            }
            Message::GetVotes(ids) => self.send_all(from, &serving::votes(here, &ids)),
            Message::AskHeld(ids) => {
                let held = serving::held(here, ids);
                self.send_all(from, held.as_slice());
            }
            Message::Reconcile(question) => self.on_reconcile(now, from, &question),
            // `join` handles these.
            Message::Election(_) | Message::RollPage(_) => {}
            Message::Statements(statements) => {
                self.on_statements(now, from, broadcast, statements);
            }
            Message::Headers(headers) => self.on_headers(now, from, &headers),
            Message::Blocks(blocks) => self.on_blocks(now, from, blocks),
            Message::BlockVotes(hash, votes) => self.on_block_votes(now, from, hash, votes),
            Message::Votes(votes) => self.on_votes(now, from, broadcast, votes),
            Message::NewBlock(block) => self.on_new_block(now, from, broadcast, block),
            Message::Reconciled(answer) => self.on_reconciled(now, from, &answer),
            Message::RollCall(challenge) => self.on_roll_call(now, from, &challenge),
            Message::Present(presence) => self.on_present(now, from, &presence),
            Message::GetAcknowledged(ids) => {
                let signed = self.keeping.as_ref().map(|keeping| keeping.acknowledge(&ids));
                if let Some(signed) = signed.filter(|signed| !signed.is_empty()) {
                    self.send(from, &Message::Acknowledged(signed));
                }
            }
            Message::Acknowledged(signed) => self.on_acknowledged(now, from, signed),
            Message::GetShortBlocks(hashes) => {
                let (answer, votes) = serving::short_blocks(here, &hashes);
                self.send(from, &answer);
                // Ids of packed blocks are hashed again, which costs more than sending them.
                self.peers.served(from, votes * 24);
            }
            Message::ShortBlocks(blocks) => self.on_short_blocks(now, from, blocks),
            Message::Held(ids) => {
                // Another tab of the same user is not another place.
                if from.link != LinkId::OWN_TABS && self.own_votes.held(from, &ids) {
                    self.out.event(Event::NetworkChanged);
                }
            }
        }
    }

    /// A keeper answers a roll-call, within the budget for answers.
    fn on_roll_call(&mut self, now: Timestamp, from: Peer, challenge: &Challenge) {
        if self.keeping.is_some() && self.may_answer(now, from, Cost::Short) {
            let presence =
                self.keeping.as_ref().map(|keeping| keeping.presence(challenge, from.id));
            let presence = presence.map(Message::Present);
            self.send_all(from, presence.as_slice());
        }
    }

    /// A keeper is here: it gets the votes of this node's user and is asked to acknowledge them.
    fn on_present(&mut self, now: Timestamp, from: Peer, presence: &Presence) {
        let election = self.chain().id();
        if self.chain().election().keeper(&presence.keeper).is_none() {
            self.offended(now, from, Offence::Unasked);
            return;
        }
        let signed = |challenge: &Challenge| {
            let own = self.links.own(from.link);
            own.is_some_and(|own| presence.answers(election, challenge, own))
        };
        match self.roll_call.answered(from, presence.keeper, signed) {
            Answered::Nonsense => {
                self.offended(now, from, Offence::Unasked);
            }
            Answered::Again => {}
            Answered::New => {
                self.out.event(Event::NetworkChanged);
                self.ask_keepers(None);
                self.ask_late.hurry(now);
                self.greet_again.hurry(now);
                // Its votes are compared with those here.
                self.peers.greeted(from);
                self.send(from, &serving::hello(&self.ballot_box, true));
            }
        }
    }

    /// What a keeper signed: taken from anybody, because it can be checked by itself.
    fn on_acknowledged(&mut self, now: Timestamp, from: Peer, signed: Vec<Acknowledged>) {
        for acknowledged in signed {
            let vote = acknowledged.acknowledgement.vote;
            let acknowledged = self.with_sound_proof(acknowledged);
            let admits = self.ballot_box.would_admit(&acknowledged);
            let wanted = self.own_votes.wants(&acknowledged);
            self.was_in_time(&acknowledged);
            if !admits && !wanted {
                continue;
            }
            if let Err(error) = acknowledged.acknowledgement.check(self.chain().context()) {
                return self.reject(now, from, error.into());
            }
            self.roll_call.acknowledged(from);
            if admits {
                let changes = self.ballot_box.admit(&vote);
                self.apply(now, changes, None);
            }
            if wanted {
                self.own_votes.acknowledged(acknowledged);
                self.out.event(Event::Acknowledged(vote));
            }
        }
    }

    /// Notes that a vote that is here is on a closing list, if somebody wants to know that. The
    /// list is signed, so the acknowledgement itself need not be checked.
    fn was_in_time(&mut self, acknowledged: &Acknowledged) {
        let Acknowledged { acknowledgement: signed, listed: Some(_) } = acknowledged else {
            return;
        };
        let Some(in_time) = &mut self.in_time else { return };
        if let [list] = self.ballot_box.statements().closing_lists_of(&signed.keeper)[..]
            && in_time.proven(&list, signed.vote)
        {
            self.out.event_once(Event::NetworkChanged);
        }
    }

    /// Whether a question is within the budgets. A peer that asks for too much again and again is
    /// dropped.
    fn may_answer(&mut self, now: Timestamp, from: Peer, cost: Cost) -> bool {
        let allowed = self.peers.may_serve(from, now, cost != Cost::Looks);
        if allowed == Allowed::Exceeded {
            self.offended(now, from, Offence::OverBudget);
        }
        allowed == Allowed::Yes
            && !self.links.is_busy(from.link)
            && match cost {
                Cost::Short | Cost::Looks => true,
                Cost::Walk => self.peers.may_walk(from, now),
            }
    }

    pub(super) fn greet(&mut self, link: LinkId, ids: &[PeerId]) {
        let hello = serving::hello(&self.ballot_box, true);
        for id in ids {
            let peer = Peer { link, id: *id };
            if !self.peers.is_banned(peer) {
                self.peers.greeted(peer);
                self.send(peer, &hello);
            }
        }
    }

    fn on_hello(&mut self, now: Timestamp, from: Peer, hello: &Hello) {
        if hello.version != PROTOCOL_VERSION {
            return self.peers.claims(from, now, None);
        }
        let Hello { tip, height, weight, sealed, .. } = *hello;
        self.peers.claims(from, now, Some(Claim { tip, height, weight, sealed }));
        if hello.wants_reply {
            self.send(from, &serving::hello(&self.ballot_box, false));
        }
        if hello.statements != self.statements().digest() {
            self.ask_statements(now, from);
        }
        if hello.set == self.ballot_box.digest() {
            self.peers.has_the_same(from, now);
        }
        // The peer that asked compares; votes that could not be taken or kept are not asked for.
        let compares = !hello.wants_reply
            && self.peers.answers_greeting(from)
            && hello.set != self.ballot_box.digest()
            && (self.ballot_box.takes_votes(now) || self.ballot_box.keeps_late(now));
        self.out.event(Event::NetworkChanged);
        self.start_sync(now);
        if !compares || self.will_fetch(hello) {
            return;
        }
        if self.sync.is_from(from) {
            // Most of what this node lacks will come with the peer's chain.
            self.sync.compare_when_done();
        } else if self.peers.may_compare(from, now) {
            self.compare(now, from);
        }
    }

    /// Takes in votes. A vote that no honest peer sends gets its sender banned.
    fn on_votes(&mut self, now: Timestamp, from: Peer, broadcast: bool, votes: Vec<Vote>) {
        let full_page = !broadcast && votes.len() >= MAX_VOTES;
        let few = votes.len() <= FEW_VOTES;
        let votes = self.ballot_box.worth_verifying(now, votes);
        if votes.is_empty() {
            return;
        }
        match self.peers.may_verify(from, now) {
            Allowed::Yes => {}
            // Votes of a peer within its own budget, if they are few: others must not shut a voter
            // out.
            Allowed::NotNow if few => {}
            Allowed::NotNow => return,
            // An honest peer cannot know that nothing is taken here now.
            Allowed::Exceeded if !self.ballot_box.takes_votes(now) => return,
            Allowed::Exceeded => {
                self.offended(now, from, Offence::OverBudget);
                return;
            }
        }
        let verified = votes.len();
        let votes = match check_all(votes, self.chain().context()) {
            Ok(votes) => votes,
            Err((_, error)) => {
                // It can come back under another name: what that costs is in the budget of all.
                self.peers.verified_idly(from, verified);
                return self.reject(now, from, error.into());
            }
        };
        let changes = self.ballot_box.take_votes(now, votes);
        let (taken, proven) = (changes.votes.len(), changes.proofs.len());
        self.apply(now, changes, broadcast.then_some(from.link));
        self.peers.verified_idly(from, verified.saturating_sub(taken + 2 * proven));
        if taken > 0 {
            self.peers.was_useful(from);
        }
        // There was more than fits in one answer: go on. Copies of a vote do not fill a page.
        if full_page && taken >= MAX_VOTES / 2 {
            self.compare(now, from);
        }
    }

    fn on_new_block(&mut self, now: Timestamp, from: Peer, broadcast: bool, block: ShortBlock) {
        let claim = match weigh(self.chain(), &block.header, now) {
            Announced::Worthless => return,
            Announced::Ahead(dated) => return self.is_ahead(now, from, dated),
            Announced::Broken(error) => return self.reject(now, from, error.into()),
            Announced::Orphan => {
                // Compare tips: the headers will show what it is worth.
                if !self.offended(now, from, Offence::Orphan) {
                    self.send(from, &serving::hello(&self.ballot_box, true));
                }
                return;
            }
            Announced::Claim(claim) => return self.peers.claims(from, now, Some(claim)),
            Announced::Wanted(claim) => claim,
        };
        self.peers.claims(from, now, Some(claim));
        let find = |id: ShortId| self.pending().get_short(&id).cloned();
        let header = block.header.clone();
        match fill(block, &find, self.chain().context()) {
            Filled::Block(block) => {
                match self.take_block(now, block, broadcast.then_some(from.link)) {
                    Ok(()) => self.peers.was_useful(from),
                    Err(error) => self.reject(now, from, error.into()),
                }
            }
            Filled::Parts(parts) => self.fetch_block(now, from, &header, Some(parts)),
            Filled::Whole => self.fetch_block(now, from, &header, None),
            Filled::Broken(error) => self.reject(now, from, LinkError::from(error).into()),
        }
    }

    /// Takes in statements. A statement that proves nothing gets its sender banned.
    fn on_statements(
        &mut self,
        now: Timestamp,
        from: Peer,
        broadcast: bool,
        mut statements: Vec<Statement>,
    ) {
        let full = !broadcast && statements.len() >= MAX_STATEMENTS_SENT;
        statements.retain(|statement| !self.statements().knows(statement));
        for statement in &statements {
            if let Err(error) = statement.check(self.chain().context()) {
                return self.reject(now, from, error.into());
            }
        }
        let progress = !statements.is_empty();
        let changes = self.ballot_box.take_statements(statements);
        self.apply(now, changes, broadcast.then_some(from.link));
        if progress {
            self.peers.statements_were_new(from, now);
        }
        if full && progress {
            // There was more than fits in one answer.
            self.ask_statements(now, from);
        }
    }

    /// Asks a peer for the statements that this node lacks.
    fn ask_statements(&mut self, now: Timestamp, peer: Peer) {
        if self.peers.may_serve(peer, now, false) == Allowed::Yes
            && self.peers.may_ask_statements(peer, now)
        {
            let known: Vec<_> = self.statements().all().map(|it| it.short_id()).collect();
            debug_assert!(known.len() <= MAX_STATEMENTS);
            self.send(peer, &Message::GetStatements(known));
        }
    }

    /// Whether a peer lacks so much that it will fetch this chain, which need not be compared vote
    /// by vote then.
    fn will_fetch(&self, hello: &Hello) -> bool {
        let anchored = hello.sealed.is_some() && hello.sealed == self.chain().anchor();
        let better = self.chain().is_better(hello.weight, hello.tip, anchored);
        !better && hello.set.votes as usize + MAX_VOTES_ASKED < self.chain().votes()
    }

    /// Begins to compare votes with a peer.
    pub(super) fn compare(&mut self, now: Timestamp, peer: Peer) {
        let question = self.ballot_box.compared().and_then(|ids| ids.question().ok());
        if let Some(question) = question {
            self.peers.begin_rounds(peer, now);
            self.send(peer, &Message::Reconcile(question));
        }
    }

    fn on_reconcile(&mut self, now: Timestamp, from: Peer, question: &[u8]) {
        let Some(ids) = self.ballot_box.compared() else { return };
        match ids.answer(question) {
            Ok(answer) => self.send(from, &Message::Reconciled(answer)),
            Err(error) => self.reject(now, from, Rejection::Comparison(error.to_string())),
        }
    }

    fn on_reconciled(&mut self, now: Timestamp, from: Peer, answer: &[u8]) {
        // Only from a peer that was asked, and only a limited number of times.
        if !self.peers.next_round(from) {
            return;
        }
        let Some(ids) = self.ballot_box.compared() else { return };
        let difference = match ids.difference(answer) {
            Ok(difference) => difference,
            Err(error) => {
                return self.reject(now, from, Rejection::Comparison(error.to_string()));
            }
        };
        if self.peers.may_serve(from, now, false) == Allowed::Yes {
            // It fetches the votes of a better chain with the chain.
            let claim = self.peers.claim(from);
            let better = |claim: &Claim| self.chain().is_better(claim.weight, claim.tip, false);
            let fetches = !claim.is_some_and(better);
            let lacking =
                difference.lacking.iter().filter(|id| !fetches || self.pending().contains(id));
            let lacking = lacking.take(MAX_VOTES_ASKED);
            let lacking: Vec<_> = lacking.filter_map(|id| self.ballot_box.vote(id)).collect();
            let messages = vote_pages(&mut lacking.iter());
            self.send_all(from, &messages);
        }
        // Votes that are kept apart are not among the votes here, but need not be sent again.
        let late = self.ballot_box.late();
        let wanted = difference.wanted.into_iter().filter(|id| !late.contains(id));
        let mut wanted: Vec<_> = wanted.collect();
        self.peers.lacked(from, wanted.len());
        wanted.truncate(MAX_VOTES_ASKED);
        if !wanted.is_empty() {
            self.send(from, &Message::GetVotes(wanted));
        }
        if let Some(question) = difference.next {
            self.send(from, &Message::Reconcile(question));
        } else {
            self.peers.end_rounds(from, now);
        }
    }
}
