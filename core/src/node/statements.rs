//! Double votes, closings and seals: finding, keeping and passing them on, and what seals do to
//! the chain.

use std::collections::{HashMap, HashSet};

use super::{
    Event, LinkId, Node, Peer, SealError, StoreChange, gossip::PAGE_BYTES, peers::Allowed,
};
use crate::{
    chain::{
        header::Height,
        lowest::Added,
        statements::{Closing, DoubleVote, Seal, Statement, StatementError},
    },
    crypto::{
        hash::{BlockHash, ShortId},
        key::SecretKey,
    },
    election::{tally::Tally, vote::Vote},
    time::Timestamp,
    wire::message::{MAX_STATEMENTS_KNOWN, MAX_STATEMENTS_SENT, Message},
};

/// What the organiser's seals come to on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// There is no seal.
    #[default]
    Unsealed,
    /// There is one, over a block that this node does not hold yet.
    Awaited(Seal),
    /// There is one, and the chain and its count are what it says.
    Sealed {
        /// The seal.
        seal: Seal,
        /// The count up to the sealed block.
        tally: Tally,
    },
    /// There is one, and it says another height or count than the chain has.
    Refuted(Seal),
    /// The organiser signed two that differ.
    Contested(Seal, Seal),
}

impl Outcome {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unsealed => "unsealed",
            Self::Awaited(_) => "awaited",
            Self::Sealed { .. } => "sealed",
            Self::Refuted(_) => "refuted",
            Self::Contested(..) => "contested",
        }
    }
}

impl Node {
    /// What the organiser's seals come to.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Makes proofs of votes whose token and sequence number another vote has: here, or among them.
    pub(super) fn look_for_double_votes(
        &mut self,
        now: Timestamp,
        votes: &mut dyn Iterator<Item = &Vote>,
    ) {
        if !self.chain.election().has_roll() {
            return;
        }
        let mut together = HashMap::new();
        let found: Vec<_> = votes
            .filter_map(|vote| {
                let mate = *together.entry((vote.token, vote.sequence)).or_insert(vote);
                let here = self.of_use(vote.token, vote.sequence).map(|(_, other)| other);
                here.and_then(|other| DoubleVote::of(vote, &other))
                    .or_else(|| DoubleVote::of(vote, mate))
            })
            .map(|double| Statement::DoubleVote(Box::new(double)))
            .collect();
        self.take_statements(now, found, None);
    }

    /// Takes in checked statements; what is new is stored and passed on.
    pub(super) fn take_statements(
        &mut self,
        now: Timestamp,
        statements: Vec<Statement>,
        heard_on: Option<LinkId>,
    ) {
        let mut fresh = Vec::new();
        for statement in statements {
            let replaced = match self.statements.add(&statement) {
                Added::Known => continue,
                Added::New => None,
                Added::Replaced(id) => Some(id),
            };
            self.out.store(StoreChange::PutStatement(statement.clone()));
            if let Some(id) = replaced {
                self.out.store(StoreChange::DropStatement(id));
            }
            fresh.push(statement);
        }
        if fresh.is_empty() {
            return;
        }
        self.out.event(Event::StatementsChanged);
        let links: Vec<_> =
            self.links.iter().copied().filter(|link| Some(*link) != heard_on).collect();
        for page in pages(fresh) {
            let bytes = Message::Statements(page).encode();
            for link in &links {
                self.out.broadcast(*link, bytes.clone());
            }
        }
        self.apply_seals(now);
        self.start_sync(now);
        self.refresh_job(now);
    }

    /// Checks what a peer sent: a statement that proves nothing ends the listening.
    pub(super) fn on_statements(
        &mut self,
        now: Timestamp,
        from: Peer,
        broadcast: bool,
        mut statements: Vec<Statement>,
    ) {
        let full = !broadcast && statements.len() >= MAX_STATEMENTS_SENT;
        statements.retain(|statement| !self.statements.knows(statement));
        for statement in &statements {
            if let Err(error) = statement.check(self.chain.context()) {
                return self.reject(now, from, error.to_string());
            }
        }
        let progress = !statements.is_empty();
        self.take_statements(now, statements, broadcast.then_some(from.link));
        if progress {
            self.peers.statements_were_new(from, now);
        }
        if full && progress {
            // There was more than one answer holds.
            self.ask_statements(now, from);
        }
    }

    /// Asks a peer for what this node lacks.
    pub(super) fn ask_statements(&mut self, now: Timestamp, peer: Peer) {
        if self.peers.may_serve(peer, now) != Allowed::Yes
            || !self.peers.may_ask_statements(peer, now)
        {
            return;
        }
        let known: Vec<_> = self.statements.all().map(|statement| statement.short_id()).collect();
        debug_assert!(known.len() <= MAX_STATEMENTS_KNOWN);
        self.send(peer, &Message::GetStatements(known));
    }

    pub(super) fn on_get_statements(&mut self, from: Peer, known: &[ShortId]) {
        let known: HashSet<_> = known.iter().collect();
        let lacking =
            self.statements.all().filter(|statement| !known.contains(&statement.short_id()));
        let page = pages(lacking.take(MAX_STATEMENTS_SENT).collect()).into_iter().next();
        if let Some(page) = page {
            self.send(from, &Message::Statements(page));
        }
    }

    /// Closes the election now, before its time.
    ///
    /// # Errors
    /// [`StatementError::NoOrganiser`] or [`StatementError::Signature`] when the key is not the
    /// organiser's; nothing has changed then.
    pub fn close(&mut self, now: Timestamp, organiser: &SecretKey) -> Result<(), StatementError> {
        let closing = Statement::Closing(Closing::sign(self.chain.id(), now, organiser));
        closing.check(self.chain.context())?;
        self.take_statements(now, vec![closing], None);
        Ok(())
    }

    /// Seals the chain as it stands here. `anyway` seals although peers claim a better chain: a liar
    /// must not be able to hold up a seal for ever.
    ///
    /// # Errors
    /// When the election is not closed, is sealed, or the key is not the organiser's; nothing has
    /// changed then.
    pub fn seal(
        &mut self,
        now: Timestamp,
        organiser: &SecretKey,
        anyway: bool,
    ) -> Result<(), SealError> {
        if self.statements.seals().len() > 0 {
            return Err(SealError::AlreadySealed);
        }
        if self.closes().is_none_or(|closes| now < closes) {
            return Err(SealError::NotClosed);
        }
        if self.is_behind() && !anyway {
            return Err(SealError::Behind);
        }
        let tip = self.chain.tip();
        let (height, hash, tally) = (tip.header().height, tip.hash(), self.chain.tally());
        let seal = Statement::Seal(Seal::sign(self.chain.id(), height, hash, tally, organiser));
        seal.check(self.chain.context())?;
        self.take_statements(now, vec![seal], None);
        Ok(())
    }

    /// Brings the outcome, and the block that is final by it, up to date.
    pub(super) fn apply_seals(&mut self, now: Timestamp) {
        let seals: Vec<_> = self.statements.seals().copied().collect();
        match (seals.first().copied(), seals.get(1).copied()) {
            (None, _) => self.outcome = Outcome::Unsealed,
            (Some(one), Some(other)) => {
                self.outcome = Outcome::Contested(one, other);
                self.set_anchor(now, None);
            }
            (Some(seal), None) => {
                let settled = match &self.outcome {
                    Outcome::Sealed { seal: known, .. } => {
                        *known == seal && self.chain.is_anchored()
                    }
                    Outcome::Refuted(known) => *known == seal,
                    _ => false,
                };
                if !settled {
                    self.apply_seal(now, seal);
                }
            }
        }
    }

    fn apply_seal(&mut self, now: Timestamp, seal: Seal) {
        // A wrong height shows before the chain follows the seal.
        let header = self.chain.block(&seal.tip).map(|block| block.header().height);
        if header.is_some_and(|height| height != seal.height) {
            self.outcome = Outcome::Refuted(seal);
            return self.set_anchor(now, None);
        }
        self.outcome = Outcome::Awaited(seal);
        self.set_anchor(now, Some(seal.tip));
        let Some(block) = self.chain.block(&seal.tip) else {
            return;
        };
        let height = block.header().height;
        let held = self.chain.is_main(block);
        let tally = held.then(|| self.chain.tally_at(height));
        match tally {
            Some(tally) if height == seal.height && tally.hash() == seal.tally => {
                self.outcome = Outcome::Sealed { seal, tally };
            }
            None if height == seal.height => {}
            _ => {
                self.outcome = Outcome::Refuted(seal);
                self.set_anchor(now, None);
            }
        }
    }

    fn set_anchor(&mut self, now: Timestamp, anchor: Option<BlockHash>) {
        if let Some(switch) = self.chain.set_anchor(anchor) {
            self.switched(now, &switch, None);
        }
    }

    /// Height of the last block that is final.
    pub fn sealed_height(&self) -> Option<Height> {
        match &self.outcome {
            Outcome::Sealed { seal, .. } => Some(seal.height),
            _ => None,
        }
    }
}

/// Cuts statements into messages that fit a frame.
fn pages(statements: Vec<Statement>) -> Vec<Vec<Statement>> {
    let mut pages: Vec<Vec<Statement>> = Vec::new();
    let mut bytes = 0;
    for statement in statements {
        let size = borsh::object_length(&statement).unwrap_or(PAGE_BYTES);
        bytes += size;
        let fits =
            |page: &&mut Vec<Statement>| bytes <= PAGE_BYTES && page.len() < MAX_STATEMENTS_SENT;
        if let Some(page) = pages.last_mut().filter(fits) {
            page.push(statement);
        } else {
            pages.push(vec![statement]);
            bytes = size;
        }
    }
    pages
}
