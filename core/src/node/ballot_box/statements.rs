//! Statements: taking them in, making them, and what seals do to the chain.

use std::collections::HashMap;

use super::{BallotBox, Cause, Changes};
use crate::{
    chain::{
        lowest_keys::Added,
        statements::{Closing, DoubleVote, Seal, Sealing, Statement, StatementError},
    },
    crypto::{hash::BlockHash, key::SecretKey},
    election::vote::Vote,
    node::interface::{SealError, StoreChange},
    time::Timestamp,
};

impl BallotBox {
    /// Takes in statements that were checked.
    pub(in crate::node) fn take_statements(&mut self, statements: Vec<Statement>) -> Changes {
        let mut changes = Changes::default();
        changes.statements = self.add_statements(statements, &mut changes.store);
        if !changes.statements.is_empty() {
            self.apply_seals(&mut changes);
        }
        changes
    }

    /// Closes the election now, before its time.
    ///
    /// # Errors
    /// [`StatementError::NoOrganiser`] or [`StatementError::Signature`] when the key is not the
    /// organiser's; nothing has changed then.
    pub(in crate::node) fn close(
        &mut self,
        now: Timestamp,
        organiser: &SecretKey,
    ) -> Result<Changes, StatementError> {
        let closing = Statement::Closing(Closing::sign(self.chain.id(), now, organiser));
        closing.check(self.chain.context())?;
        Ok(self.take_statements(vec![closing]))
    }

    /// Seals the chain as it is here.
    ///
    /// # Errors
    /// When the election is not closed, is sealed, or the key is not the organiser's; nothing has
    /// changed then.
    pub(in crate::node) fn seal(
        &mut self,
        now: Timestamp,
        organiser: &SecretKey,
    ) -> Result<Changes, SealError> {
        self.may_seal(now)?;
        let tip = self.chain.tip();
        let (height, hash, tally) = (tip.header().height, tip.hash(), self.chain.tally());
        let seal = Statement::Seal(Seal::sign(self.chain.id(), height, hash, tally, organiser));
        seal.check(self.chain.context())?;
        Ok(self.take_statements(vec![seal]))
    }

    /// Whether it is time for a seal.
    ///
    /// # Errors
    /// [`SealError::NotClosed`] or [`SealError::AlreadySealed`].
    pub(in crate::node) fn may_seal(&self, now: Timestamp) -> Result<(), SealError> {
        if self.statements.seals().len() > 0 {
            return Err(SealError::AlreadySealed);
        }
        if self.closes().is_none_or(|closes| now < closes) {
            return Err(SealError::NotClosed);
        }
        Ok(())
    }

    fn add_statements(
        &mut self,
        statements: Vec<Statement>,
        store: &mut Vec<StoreChange>,
    ) -> Vec<Statement> {
        let mut fresh = Vec::new();
        for statement in statements {
            let replaced = match self.statements.add(&statement) {
                Added::Known => continue,
                Added::New => None,
                Added::Replaced(id) => Some(id),
            };
            store.push(StoreChange::PutStatement(statement.clone()));
            store.extend(replaced.map(StoreChange::DropStatement));
            fresh.push(statement);
        }
        fresh
    }

    /// Makes proofs of votes whose slot another vote has: here, or among them.
    pub(super) fn look_for_double_votes(
        &mut self,
        votes: &mut dyn Iterator<Item = &Vote>,
        changes: &mut Changes,
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
        let fresh = self.add_statements(found, &mut changes.store);
        changes.proofs.extend(fresh);
    }

    /// Brings the sealing, and the block that is final by it, up to date.
    pub(super) fn apply_seals(&mut self, changes: &mut Changes) {
        let seals: Vec<_> = self.statements.seals().copied().collect();
        match seals[..] {
            [] => self.sealing = Sealing::Unsealed,
            [seal] => {
                let settled = match &self.sealing {
                    Sealing::Sealed { seal: known, .. } => {
                        *known == seal && self.chain.is_anchored()
                    }
                    Sealing::Refuted(known) => *known == seal,
                    Sealing::Unsealed | Sealing::Awaited(_) | Sealing::Contested(..) => false,
                };
                if !settled {
                    self.apply_seal(seal, changes);
                }
            }
            [one, other, ..] => {
                self.sealing = Sealing::Contested(one, other);
                self.set_anchor(None, changes);
            }
        }
    }

    fn apply_seal(&mut self, seal: Seal, changes: &mut Changes) {
        // A wrong height shows before the chain follows the seal.
        let header = self.chain.block(&seal.tip).map(|block| block.header().height);
        if header.is_some_and(|height| height != seal.height) {
            self.sealing = Sealing::Refuted(seal);
            return self.set_anchor(None, changes);
        }
        self.sealing = Sealing::Awaited(seal);
        self.set_anchor(Some(seal.tip), changes);
        let Some(block) = self.chain.block(&seal.tip) else {
            return;
        };
        let height = block.header().height;
        let main = self.chain.is_main(block);
        let tally = main.then(|| self.chain.tally_at(height));
        match tally {
            Some(tally) if height == seal.height && tally.hash() == seal.tally => {
                self.sealing = Sealing::Sealed { seal, tally };
            }
            None if height == seal.height => {}
            _ => {
                self.sealing = Sealing::Refuted(seal);
                self.set_anchor(None, changes);
            }
        }
    }

    fn set_anchor(&mut self, anchor: Option<BlockHash>, changes: &mut Changes) {
        if let Some(switch) = self.chain.set_anchor(anchor) {
            self.switched(&switch, Cause::Seal, changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::header::Height,
        election::opening_hours::Hours,
        testkit::{
            NOW, block,
            rolls::{AFTER, context, organiser, vote},
        },
    };

    #[test]
    fn a_seal_is_the_result_until_there_are_two() {
        let mut here = BallotBox::new(context());
        let sealed = block(&here.chain, vec![vote(&context(), 0, 0, 1)], |_| ());
        let _ = here.take_block(NOW, sealed.check(&context()).unwrap()).unwrap();
        assert_eq!(here.may_seal(NOW), Err(SealError::NotClosed));
        let changes = here.seal(AFTER, &organiser()).unwrap();
        assert_eq!(changes.statements.len(), 1);
        assert_eq!(here.sealed_height(), Some(Height(2)));
        assert_eq!(here.hours(NOW), Hours::Sealed);
        assert_eq!(here.may_seal(AFTER), Err(SealError::AlreadySealed));
        let (id, other) = (here.chain.id(), BlockHash([7; 32]));
        let tally = here.chain.tally().clone();
        let other = Seal::sign(id, Height(2), other, &tally, &organiser());
        let _ = here.take_statements(vec![Statement::Seal(other)]);
        assert!(matches!(here.sealing(), Sealing::Contested(..)));
        assert_eq!(here.sealed_height(), None);
    }
}
