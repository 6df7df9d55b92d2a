//! Sealing: what to wait for before a seal, which votes keepers had in time, leaving votes out,
//! signing. The page and the command line show what is answered here, and have no rules of their
//! own.

use super::{
    Node,
    in_time::Lists,
    interface::{Missing, Peer, SealError},
    serving,
};
use crate::{
    chain::{
        acknowledgements::{ClosingList, Lack},
        rebuilding::Rebuilding,
        statements::{LeftOut, Seal},
    },
    crypto::{
        hash::VoteId,
        key::{PublicKey, SecretKey},
    },
    election::keepers::Keeper,
    sorted::sorted,
    time::Timestamp,
    wire::message::{MAX_HELD, Message},
};

impl Node {
    /// What to wait for before a seal: others may have votes that are not here.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.is_behind() {
            missing.push(Missing::Behind);
        } else if !self.is_sure() {
            missing.push(Missing::Unsure(self.peers.len()));
        }
        let claims = self.peers.iter().filter_map(|(_, claim)| claim);
        let is_sealed = claims.into_iter().any(|claim| claim.sealed.is_some());
        if is_sealed && self.statements().seals().next().is_none() {
            missing.push(Missing::Seal);
        }
        let compared = |keeper: &&Keeper| {
            self.compared_with(&keeper.key).is_some_and(|compared| compared.lacked == 0)
        };
        let keepers = &self.chain().election().keepers;
        let uncompared = keepers.iter().filter(|keeper| !compared(keeper));
        missing.extend(uncompared.map(|keeper| Missing::Uncompared(keeper.name.clone())));
        missing.extend(self.keepers_lack().map(Missing::Lack));
        let partly = self.lists().unwrap_or_default().partly.into_iter();
        missing.extend(partly.map(|(keeper, shown, listed)| Missing::Unshown {
            keeper: keeper.name.clone(),
            shown,
            listed,
        }));
        missing
    }

    /// Seals the chain as [`Node::sign_seal`] signs it.
    ///
    /// # Errors
    /// The errors of [`Node::sign_seal`]. In that case nothing changes.
    pub fn seal(
        &mut self,
        now: Timestamp,
        left_out: Vec<LeftOut>,
        organiser: &SecretKey,
        anyway: bool,
    ) -> Result<(), SealError> {
        let seal = self.sign_seal(now, left_out, organiser, anyway)?;
        self.take_seal(now, seal)
    }

    /// Signs a seal over the chain as it is here, or as it was rebuilt, with the votes that are
    /// left out and the reasons. With `anyway` it signs although others are known to have more
    /// ([`Missing::is_known`]): neither a liar nor a keeper that is gone must be able to hold up a
    /// seal for ever. Nothing changes by it, so that the seal can be stored before
    /// [`Node::take_seal`] hands it out.
    ///
    /// # Errors
    /// If it is too early or the election is sealed, something is known to be missing, a vote that
    /// is here is neither counted nor named, a vote that is named is on a closing list, or the key
    /// is not the organiser's.
    pub fn sign_seal(
        &self,
        now: Timestamp,
        left_out: Vec<LeftOut>,
        organiser: &SecretKey,
        anyway: bool,
    ) -> Result<Seal, SealError> {
        self.ballot_box.may_seal(now)?;
        if let Some(missing) =
            self.missing().into_iter().find(Missing::is_known).filter(|_| !anyway)
        {
            return Err(missing.into());
        }
        let named = left_out.iter().flat_map(|group| &group.votes);
        let built = self.ballot_box.rebuilding().map_or(&[][..], Rebuilding::left_out);
        self.none_listed(named.chain(built))?;
        self.ballot_box.sign_seal(now, left_out, organiser)
    }

    /// Takes in, and hands out, a seal that [`Node::sign_seal`] signed a moment ago.
    ///
    /// # Errors
    /// If the rebuilt chain does not match what is here any more. In that case nothing is sealed.
    pub fn take_seal(&mut self, now: Timestamp, seal: Seal) -> Result<(), SealError> {
        let changes = self.ballot_box.take_seal(now, seal)?;
        self.apply(now, changes, None);
        // A peer that has it says so when it is greeted.
        self.greet_again.hurry(now);
        Ok(())
    }

    /// From now on asks keepers to prove which votes are on their closing lists, or stops that:
    /// needed for sealing.
    pub fn look_at_lists(&mut self, on: bool) {
        self.in_time = on.then(|| self.in_time.take().unwrap_or_default());
    }

    /// The closing lists of keepers that signed one and no other, each with its keeper.
    fn single_lists(&self) -> impl Iterator<Item = (&Keeper, ClosingList)> {
        let keepers = self.chain().election().keepers.iter();
        keepers.filter_map(|keeper| match self.statements().closing_lists_of(&keeper.key)[..] {
            [list] => Some((keeper, list)),
            _ => None,
        })
    }

    /// What keepers showed of their closing lists, while they are asked for that.
    pub fn lists(&self) -> Option<Lists<'_>> {
        let in_time = self.in_time.as_ref()?;
        let mut found = Lists::default();
        for (keeper, list) in self.single_lists() {
            match in_time.shown(&list) {
                shown if shown < list.votes => found.partly.push((keeper, shown, list.votes)),
                _ => found.whole += 1,
            }
        }
        Some(found)
    }

    /// The names of keepers that showed no whole closing list. A keeper that signed two lists
    /// counts for nothing, and is named only if there is no whole list to go by.
    pub fn unshown(&self) -> Vec<String> {
        let none = self.lists().unwrap_or_default().whole == 0;
        let shown = |keeper: &&Keeper| {
            let lists = self.statements().closing_lists_of(&keeper.key);
            let shown = |list| self.in_time.as_ref().map(|it| it.shown(list));
            match lists.as_slice() {
                [] => false,
                [list] => shown(list).is_some_and(|shown| shown >= list.votes),
                [_, _, ..] => !none,
            }
        };
        let keepers = self.chain().election().keepers.iter();
        keepers.filter(|keeper| !shown(keeper)).map(|keeper| keeper.name.clone()).collect()
    }

    /// Votes of the chain that no keeper showed to be on its closing list, in ascending order. A
    /// vote is not among them if a later vote of the same token depends on it and is listed: it
    /// could not be left out without that one.
    pub fn unlisted(&self) -> Vec<VoteId> {
        let lists: Vec<_> = self.single_lists().map(|(_, list)| list).collect();
        let listed = |id: &VoteId| {
            self.in_time.as_ref().is_some_and(|in_time| in_time.is_listed(id, &lists))
        };
        let stands_below_one = |id: &VoteId| {
            let vote = self.ballot_box.vote(id);
            let mut later = vote.into_iter().flat_map(|vote| {
                let next = move |sequence| self.ballot_box.of_use(vote.token, sequence);
                (vote.sequence.saturating_add(1)..=u8::MAX).map_while(next)
            });
            later.any(|(_, later)| listed(&later.id()))
        };
        let all = self.ballot_box.vote_ids().filter(|id| self.chain().place_of(id).is_some());
        sorted(all.filter(|id| !listed(id) && !stands_below_one(id)).collect())
    }

    /// A named keeper that may have votes that are not here, if there is one; a keeper that showed
    /// its whole list is not one.
    pub fn keepers_lack(&self) -> Option<Lack> {
        let shows = |key: &PublicKey| {
            let list = self.single_lists().find(|(keeper, _)| keeper.key == *key);
            let shown = |list: &ClosingList| self.in_time.as_ref().map(|it| it.shown(list));
            list.is_some_and(|(_, list)| shown(&list) == Some(list.votes))
        };
        self.ballot_box.keepers_lack(&shows)
    }

    /// Checks that none of these votes was shown to be on a list.
    fn none_listed<'a>(&self, votes: impl Iterator<Item = &'a VoteId>) -> Result<(), SealError> {
        let Some(in_time) = &self.in_time else { return Ok(()) };
        let lists: Vec<_> = self.single_lists().map(|(_, list)| list).collect();
        match votes.filter(|id| in_time.is_listed(id, &lists)).count() {
            0 => Ok(()),
            listed => Err(SealError::Listed(listed)),
        }
    }

    /// Asks keepers which votes are on their lists.
    pub(super) fn ask_in_time(&mut self, now: Timestamp) {
        let Some(mut in_time) = self.in_time.take() else { return };
        in_time.retain(|peer| self.roll_call.present().any(|(known, _)| known == *peer));
        let mut questions = Vec::new();
        for (keeper, list) in self.single_lists() {
            for peer in self.speakers_for(&keeper.key) {
                // If a voter signed two ballots, one of them may be on the list.
                let double = self.statements().double_votes();
                let double = double.flat_map(|it| [it.first.id(), it.second.id()]);
                let double = double.filter(|id| !self.ballot_box.contains(id));
                let mut known = self.ballot_box.vote_ids().chain(double);
                let digest = self.ballot_box.digest();
                questions.push((peer, in_time.questions(now, peer, &list, &mut known, digest)));
            }
        }
        self.in_time = Some(in_time);
        for (peer, ids) in questions {
            for page in ids.chunks(MAX_HELD) {
                self.send(peer, &Message::GetAcknowledged(page.to_vec()));
            }
        }
    }

    /// Greets keepers again while somebody seals: first those that were not compared with, later
    /// those that do not say yet that they have the result.
    pub(super) fn greet_keepers(&mut self, now: Timestamp) {
        if self.in_time.is_none() || !self.greet_again.is_due(now) {
            return;
        }
        let tip = self.ballot_box.sealing().sealed().map(|(seal, _)| seal.sealed.tip);
        let open = |peer: &Peer| match tip {
            Some(tip) => self.peers.claim(*peer).is_none_or(|claim| claim.sealed != Some(tip)),
            None => self.peers.compared(*peer).is_none_or(|compared| compared.lacked > 0),
        };
        let open: Vec<_> = self.roll_call.present().map(|(peer, _)| peer).filter(open).collect();
        if open.is_empty() {
            return;
        }
        self.greet_again.asked(now);
        let hello = serving::hello(&self.ballot_box, true);
        for peer in open {
            self.peers.greeted(peer);
            self.send(peer, &hello);
        }
    }

    /// Begins to rebuild the chain without these of its votes, in ascending order, so that a seal
    /// can leave them out ([`BallotBox::rebuilding`](super::ballot_box::BallotBox::rebuilding)).
    /// With no votes it stops a rebuilding. Miners work on it before everything else.
    ///
    /// # Errors
    /// If the election has not been closed for two minutes, or is sealed; if it has keepers, and
    /// one of them did not show its whole closing list (with `anyway` one whole list is enough), or
    /// a vote to leave out is on a list.
    pub fn leave_out(
        &mut self,
        now: Timestamp,
        votes: &[VoteId],
        anyway: bool,
    ) -> Result<(), SealError> {
        if !votes.is_empty() && !self.chain().election().keepers.is_empty() {
            let none = self.lists().unwrap_or_default().whole == 0;
            if let Some(keeper) = self.unshown().into_iter().next().filter(|_| none || !anyway) {
                return Err(SealError::NoList(keeper));
            }
        }
        self.ballot_box.leave_out(now, votes)?;
        let built = self.ballot_box.rebuilding().map_or(&[][..], Rebuilding::left_out);
        if let Err(error) = self.none_listed(built.iter()) {
            self.ballot_box.leave_out(now, &[])?;
            return Err(error);
        }
        self.mining.begin_anew();
        self.refresh_job(now);
        Ok(())
    }
}
