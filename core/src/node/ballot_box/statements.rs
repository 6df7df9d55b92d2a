//! Statements: taking them in, making them, and how seals change the chain.

use std::collections::HashMap;

use super::{BallotBox, Cause, Changes, GRACE_MS};
use crate::{
    chain::{
        acknowledgements::{Lack, keepers_lack},
        ancestry::LinkError,
        lowest_keys::Added,
        rebuilding::Rebuilding,
        statements::{
            Closing, DoubleVote, LeftOut, MAX_LEFT_OUT, Seal, SealFault, Sealed, Sealing,
            Statement, StatementError,
        },
        tree::Chain,
    },
    crypto::{
        hash::{BlockHash, VoteId},
        key::{PublicKey, SecretKey},
    },
    election::vote::Vote,
    node::interface::{SealError, StoreChange},
    sorted::sorted,
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
    /// [`StatementError::NoOrganiser`] or [`StatementError::Signature`] if the key is not the
    /// organiser's. In that case nothing changes.
    pub(in crate::node) fn close(
        &mut self,
        now: Timestamp,
        organiser: &SecretKey,
    ) -> Result<Changes, StatementError> {
        let closing = Statement::Closing(Closing::sign(self.chain.id(), now, organiser));
        closing.check(self.chain.context())?;
        Ok(self.take_statements(vec![closing]))
    }

    /// Begins to rebuild the chain without these of its votes, in ascending order, so that a seal
    /// can leave them out. With no votes it stops a rebuilding.
    ///
    /// # Errors
    /// The errors of [`BallotBox::may_seal`], and if there are more votes than a seal can name.
    pub(in crate::node) fn leave_out(
        &mut self,
        now: Timestamp,
        votes: &[VoteId],
    ) -> Result<(), SealError> {
        self.may_seal(now)?;
        let rebuilding = Rebuilding::new(&self.chain, votes, now);
        let all = rebuilding.as_ref().map_or(0, |it| it.left_out().len());
        if all > MAX_LEFT_OUT {
            return Err(StatementError::Seal(SealFault::TooMany(all)).into());
        }
        self.rebuilding = rebuilding;
        Ok(())
    }

    /// The chain as it is rebuilt without some votes.
    pub fn rebuilding(&self) -> Option<&Rebuilding> {
        self.rebuilding.as_ref()
    }

    /// The same, while blocks of it remain to be made.
    pub(in crate::node) fn building(&self) -> Option<&Rebuilding> {
        self.rebuilding().filter(|it| !it.is_done())
    }

    /// Takes in the nonce of its next block.
    pub(in crate::node) fn take_rebuilt(
        &mut self,
        now: Timestamp,
        nonce: u64,
    ) -> Result<(), LinkError> {
        self.rebuilding.as_mut().map_or(Ok(()), |rebuilding| rebuilding.take(nonce, now))
    }

    /// The chain that a seal made now would be over.
    pub fn to_be_sealed(&self) -> &Chain {
        self.rebuilding.as_ref().map_or(&self.chain, Rebuilding::chain)
    }

    /// The votes here that a seal made now would not have, in ascending order: they are pending,
    /// are left out of blocks, or arrived since the rebuilding began.
    pub fn not_to_be_sealed(&self) -> Vec<VoteId> {
        let chain = self.to_be_sealed();
        sorted(self.vote_ids().filter(|id| chain.place_of(id).is_none()).collect())
    }

    /// The same without those that are left out of blocks: they are pending, or arrived since the
    /// rebuilding began.
    pub fn waiting(&self) -> Vec<VoteId> {
        let left_out = self.rebuilding().map_or(&[][..], Rebuilding::left_out);
        let votes = self.not_to_be_sealed().into_iter();
        votes.filter(|id| left_out.binary_search(id).is_err()).collect()
    }

    /// Signs a seal over the chain as it is here, or as it was rebuilt; nothing changes by it.
    ///
    /// # Errors
    /// If the election is not closed, or is sealed, the key is not the organiser's, or a vote that
    /// is here is neither in the chain nor named as left out.
    pub(in crate::node) fn sign_seal(
        &self,
        now: Timestamp,
        left_out: Vec<LeftOut>,
        organiser: &SecretKey,
    ) -> Result<Seal, SealError> {
        self.may_seal(now)?;
        if let Some((made, all)) = self.building().map(Rebuilding::progress) {
            return Err(SealError::Building { made, all });
        }
        let chain = self.to_be_sealed();
        let here = chain.sealed_at(chain.height());
        let sealed = here.map(|here| Sealed { left_out, ..here }).ok_or(SealError::NotClosed)?;
        let named = sorted(sealed.left_out().map(|(id, _)| *id).collect());
        let votes = self.not_to_be_sealed();
        let unnamed = votes.iter().filter(|id| named.binary_search(id).is_err()).count();
        if named.iter().any(|id| chain.place_of(id).is_some()) {
            return Err(SealError::Changed);
        }
        if unnamed > 0 {
            return Err(SealError::Unnamed(unnamed));
        }
        let seal = Seal::sign(sealed, organiser);
        Statement::Seal(seal.clone()).check(self.chain.context())?;
        Ok(seal)
    }

    /// Takes in a seal that [`BallotBox::sign_seal`] just signed here.
    ///
    /// # Errors
    /// If the rebuilt chain does not match what is here any more. In that case nothing is sealed.
    pub(in crate::node) fn take_seal(
        &mut self,
        now: Timestamp,
        seal: Seal,
    ) -> Result<Changes, SealError> {
        if let Some(rebuilding) = &self.rebuilding {
            let blocks = rebuilding.blocks();
            self.chain.place_branch(blocks, now).map_err(|_| SealError::Changed)?;
        }
        Ok(self.take_statements(vec![Statement::Seal(seal)]))
    }

    /// Whether it is time for a seal: votes that were cast in time have had time to arrive here.
    ///
    /// # Errors
    /// [`SealError::NotClosed`], [`SealError::TooEarly`] or [`SealError::AlreadySealed`].
    pub fn may_seal(&self, now: Timestamp) -> Result<(), SealError> {
        if self.statements.seals().next().is_some() {
            return Err(SealError::AlreadySealed);
        }
        match self.closes() {
            Some(closes) if now >= closes.plus_ms(GRACE_MS) => Ok(()),
            Some(closes) if now >= closes => Err(SealError::TooEarly(closes.plus_ms(GRACE_MS))),
            Some(_) | None => Err(SealError::NotClosed),
        }
    }

    /// A named keeper that may have votes that are not here, if there is one; `shows` tells for
    /// which keepers that is known to be wrong.
    pub(in crate::node) fn keepers_lack(&self, shows: &dyn Fn(&PublicKey) -> bool) -> Option<Lack> {
        let listed = |key: &PublicKey| {
            let lists = self.statements.closing_lists_of(key);
            let longest = lists.iter().map(|list| list.votes).max();
            longest.map(|votes| if shows(key) { 0 } else { votes })
        };
        let here = self.chain.votes() + self.pending.len();
        let here = u32::try_from(here).unwrap_or(u32::MAX);
        keepers_lack(&self.chain.election().keepers, &listed, here)
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

    /// Makes proofs of votes whose slot is used by another vote: one that is here, or one among
    /// them.
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

    /// Updates the sealing, and the block that it makes final.
    pub(super) fn apply_seals(&mut self, changes: &mut Changes) {
        let results = self.statements.sealed_results().into_iter();
        let results: Vec<Vec<Seal>> =
            results.map(|seals| seals.into_iter().cloned().collect()).collect();
        if !results.is_empty() {
            self.rebuilding = None;
        }
        match results.as_slice() {
            [] => self.sealing = Sealing::Unsealed,
            [seals] => {
                // A valid seal stays valid, whatever else is signed over the same result.
                let settled = self.sealing.sealed().is_some_and(|(known, _)| seals.contains(known));
                if !(settled && self.chain.is_anchored()) {
                    self.apply_first(seals, changes);
                }
            }
            [one, other, ..] => {
                if let (Some(one), Some(other)) = (one.first(), other.first()) {
                    self.sealing = Sealing::Contested(one.clone(), other.clone());
                    self.set_anchor(None, changes);
                }
            }
        }
    }

    /// Of the seals over one result, applies the first that is valid; if none is, the first over a
    /// block that may still arrive.
    fn apply_first(&mut self, seals: &[Seal], changes: &mut Changes) {
        let refuted = |sealing: &Sealing| matches!(sealing, Sealing::Refuted(_));
        // A seal that was refuted once is not tried again with each block.
        let known = match &self.sealing {
            Sealing::Refuted(known) => Some(known.clone()).filter(|_| seals.len() == 1),
            Sealing::Unsealed
            | Sealing::Awaited(_)
            | Sealing::Sealed { .. }
            | Sealing::Contested(..) => None,
        };
        if known.is_some_and(|known| seals.contains(&known)) {
            return;
        }
        let mut awaited = None;
        for seal in seals {
            self.apply_seal(seal.clone(), changes);
            if self.sealing.sealed().is_some() {
                return self.statements.seal_holds(seal.id());
            }
            if !refuted(&self.sealing) && awaited.is_none() {
                awaited = Some(seal.clone());
            }
        }
        if let Some(seal) = awaited {
            self.apply_seal(seal, changes);
        }
    }

    fn apply_seal(&mut self, seal: Seal, changes: &mut Changes) {
        // A wrong height shows before the chain follows the seal.
        let Sealed { height, tip, .. } = seal.sealed;
        let header = self.chain.block(&tip).map(|block| block.header().height);
        if header.is_some_and(|found| found != height) {
            self.sealing = Sealing::Refuted(seal);
            return self.set_anchor(None, changes);
        }
        self.sealing = Sealing::Awaited(seal.clone());
        self.set_anchor(Some(tip), changes);
        if !self.chain.block(&tip).is_some_and(|block| self.chain.is_main(block)) {
            return;
        }
        let here = self.chain.sealed_at(height);
        // A seal that leaves out a vote of its own set contradicts itself.
        let inside = |id: &VoteId| self.chain.place_of(id).is_some_and(|it| it.height <= height);
        let left_out = !seal.sealed.left_out().any(|(id, _)| inside(id));
        if left_out && here.is_some_and(|here| (here.set, here.tally) == seal.result()) {
            self.sealing = Sealing::Sealed { seal, tally: self.chain.tally_at(height) };
        } else {
            self.sealing = Sealing::Refuted(seal);
            self.set_anchor(None, changes);
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
        crypto::hash::VoteSetRoot,
        election::opening_hours::Hours,
        testkit::{
            NOW, block,
            rolls::{AFTER, CLOSES, context, organiser, sealed_of, vote},
        },
    };

    #[test]
    fn a_seal_is_the_result_until_there_are_two() {
        let mut here = BallotBox::new(context());
        let sealed = block(&here.chain, vec![vote(&context(), 0, 0, 1)], |_| ());
        let _ = here.take_block(NOW, sealed.check(&context()).unwrap()).unwrap();
        assert_eq!(here.may_seal(NOW), Err(SealError::NotClosed));
        let until = CLOSES.plus_ms(GRACE_MS);
        assert_eq!(here.may_seal(CLOSES), Err(SealError::TooEarly(until)));
        assert_eq!(here.may_seal(Timestamp(until.0 - 1)), Err(SealError::TooEarly(until)));
        assert_eq!(here.may_seal(until), Ok(()));
        let seal = here.sign_seal(AFTER, Vec::new(), &organiser()).unwrap();
        let changes = here.take_seal(AFTER, seal).unwrap();
        assert_eq!(changes.statements.len(), 1);
        assert_eq!(here.sealed_height(), Some(Height(2)));
        assert_eq!(here.hours(NOW), Hours::Sealed);
        assert_eq!(here.may_seal(AFTER), Err(SealError::AlreadySealed));
        // Seals over blocks that nobody has, with lower and with higher ids.
        let elsewhere = |tip: u8| Sealed { tip: BlockHash([tip; 32]), ..sealed_of(&here.chain) };
        let others = [1, 2, 3, 4, 5, 6].map(|tip| Seal::sign(elsewhere(tip), &organiser()));
        let elsewhere = elsewhere(7);
        let _ = here.take_statements(others.map(Statement::Seal).to_vec());
        assert!(matches!(here.sealing(), Sealing::Sealed { .. }), "the same set: they agree");
        assert_eq!(here.sealed_height(), Some(Height(2)));
        let set = VoteSetRoot([7; 32]);
        let other = Seal::sign(Sealed { set, ..elsewhere }, &organiser());
        let _ = here.take_statements(vec![Statement::Seal(other)]);
        assert!(matches!(here.sealing(), Sealing::Contested(..)));
        assert_eq!(here.sealed_height(), None);
    }

    #[test]
    fn a_seal_that_holds_is_found_behind_those_over_blocks_that_nobody_has() {
        let mut here = BallotBox::new(context());
        let sealed = block(&here.chain, vec![vote(&context(), 0, 0, 1)], |_| ());
        let _ = here.take_block(NOW, sealed.check(&context()).unwrap()).unwrap();
        let of = |tip| Sealed { tip, ..sealed_of(&here.chain) };
        let tips = [BlockHash([7; 32]), here.chain.tip().hash(), BlockHash([8; 32])];
        let seals = tips.map(|tip| Statement::Seal(Seal::sign(of(tip), &organiser())));
        for seal in seals {
            let _ = here.take_statements(vec![seal]);
        }
        assert_eq!(here.sealed_height(), Some(Height(2)));
    }

    #[test]
    fn a_seal_that_leaves_out_what_it_is_over_binds_nobody() {
        let mut here = BallotBox::new(context());
        let ballot = vote(&context(), 0, 0, 1);
        let sealed = block(&here.chain, vec![ballot.clone()], |_| ());
        let _ = here.take_block(NOW, sealed.check(&context()).unwrap()).unwrap();
        let left_out = vec![LeftOut { reason: "late".into(), votes: vec![ballot.id()] }];
        // Nobody signs it here by mistake.
        let signs = here.sign_seal(AFTER, left_out.clone(), &organiser());
        assert!(matches!(signs, Err(SealError::Changed)), "{signs:?}");
        let sealed = Sealed { left_out, ..sealed_of(&here.chain) };
        let _ = here.take_statements(vec![Statement::Seal(Seal::sign(sealed, &organiser()))]);
        assert!(matches!(here.sealing(), Sealing::Refuted(_)));
    }
}
