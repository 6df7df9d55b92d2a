//! How a vote stands, as far as this node knows: the facts for [`Standing`].

use super::{LinkId, Node};
use crate::{
    audit::standing::{Facts, InSet, OfSeals, Standing, Witness},
    chain::{
        acknowledgements::{Acknowledged, Worth},
        header::Height,
        statements::{Seal, Sealed, Sealing},
    },
    crypto::hash::VoteId,
    election::vote::Vote,
    time::Timestamp,
};

impl Node {
    /// How a vote stands. `cast_here` says when a vote was cast on this device, if it was.
    pub fn standing(
        &self,
        now: Timestamp,
        id: &VoteId,
        vote: &Vote,
        cast_here: &dyn Fn(&VoteId) -> Option<Timestamp>,
    ) -> Standing {
        let here = self.ballot_box();
        let block = self.chain().place_of(id).map(|place| place.height);
        let latest = here.latest_of(vote.token);
        let later = latest.is_some_and(|(latest, other)| {
            other.sequence > vote.sequence && cast_here(&latest).is_none()
        });
        let used = here.of_use(vote.token, vote.sequence);
        let second = used.is_some_and(|(used, _)| used != *id)
            || self
                .statements()
                .double_vote_of(vote.token)
                .is_some_and(|double| double.first.sequence == vote.sequence);
        let peers = self.peers().iter().filter(|(peer, _)| peer.link != LinkId::OWN_TABS);
        let above = |height: Height| {
            let stands = |tip| {
                let block = self.chain().block(tip)?;
                Some(self.chain().is_main(block) && block.header().height >= height)
            };
            let claims = peers.filter_map(|(_, claim)| stands(&claim?.tip));
            claims.filter(|stands| *stands).count()
        };
        Standing::of(Facts {
            seals: self.of_seals(id, vote, cast_here),
            block,
            later,
            second,
            witnesses: self.witnesses(id, Worth::InTime),
            unproven: self.witnesses(id, Worth::NotListed).into_iter().next(),
            named: self.chain().election().keepers.len(),
            peers_above: block.map_or(0, above),
            holders: self.holders(id),
            closed: !here.hours(now).is_open() && here.closes().is_some_and(|it| now >= it),
        })
    }

    /// The named keepers whose acknowledgement of a vote has this worth.
    fn witnesses(&self, id: &VoteId, worth: Worth) -> Vec<Witness> {
        let election = self.chain().election();
        let witness = |acknowledged: &Acknowledged| {
            let signed = &acknowledged.acknowledgement;
            let lists = self.statements().closing_lists_of(&signed.keeper);
            let holds = acknowledged.worth(election, &lists) == worth;
            let name = election.keeper(&signed.keeper)?.name.clone();
            holds.then_some(Witness { name, at: signed.at })
        };
        self.acknowledgements(id).iter().filter_map(witness).collect()
    }

    fn of_seals(
        &self,
        id: &VoteId,
        vote: &Vote,
        cast_here: &dyn Fn(&VoteId) -> Option<Timestamp>,
    ) -> OfSeals {
        match self.ballot_box().sealing() {
            Sealing::Unsealed => OfSeals::None,
            Sealing::Awaited(_) => OfSeals::Awaited,
            Sealing::Refuted(_) => OfSeals::Refuted,
            Sealing::Contested(one, other) => {
                OfSeals::Contested(self.is_in(one, id), self.is_in(other, id))
            }
            Sealing::Sealed { seal, .. } => {
                let height = seal.sealed.height;
                let counting = self.chain().latest_until(vote.token, height);
                let in_set = match (self.is_in(seal, id), counting) {
                    (Some(true), Some((counting, _))) if counting != *id => {
                        InSet::Changed { here: cast_here(&counting) }
                    }
                    (Some(true), _) => InSet::Counts,
                    _ => {
                        let used = self.chain().of_use(vote.token, vote.sequence);
                        let other = used.is_some_and(|(other, _)| {
                            other != *id && self.is_in(seal, &other) == Some(true)
                        });
                        let left_out = seal.sealed.left_out().find(|(left, _)| *left == id);
                        let reason = left_out.map(|(_, reason)| reason.to_owned());
                        if other { InSet::OtherBallot } else { InSet::LeftOut(reason) }
                    }
                };
                OfSeals::Sealed(in_set)
            }
        }
    }

    /// Whether a vote is in the set that a seal is over, if this node can tell.
    fn is_in(&self, seal: &Seal, id: &VoteId) -> Option<bool> {
        let Sealed { height, tip, .. } = &seal.sealed;
        if seal.sealed.left_out().any(|(left, _)| left == id) {
            return Some(false);
        }
        let block = self.chain().block(tip)?;
        let place = self.chain().place_of(id);
        let main = self.chain().is_main(block);
        main.then(|| place.is_some_and(|place| place.height <= *height))
    }
}
