//! What the page asks of the node.

use blockvote_core::{
    audit::{archive::ArchiveWriter, receipt::Receipt},
    chain::{acknowledgements::Acknowledged, statements::LeftOut},
    crypto::hash::VoteId,
    election::vote::Vote,
    node::Input,
};
use blockvote_words::Words;
use wasm_bindgen_futures::spawn_local;

use super::{Driver, Effect};
use crate::{
    messages::{Act, FromNode, Right, Secret, StorageStatus, ToNode, WriteReceipt},
    node_worker::{rights, verify, views},
    store::Own,
    worker::{encode, now, post},
};

impl Driver {
    /// Takes a message of the page.
    pub fn hear(&self, message: ToNode) {
        match message {
            // Heard once.
            ToNode::Open { .. } => {}
            ToNode::Cast { right, selections, change } => self.cast(&right, &selections, change),
            ToNode::CheckRight(right) => {
                let view = rights::view(&self.0.borrow().node, right);
                post(&FromNode::Right(Box::new(view)));
            }
            ToNode::Watch { vote, acknowledged } => self.watch(&vote, &acknowledged),
            ToNode::Receipt { id, complaint } => self.receipt(&id, complaint),
            ToNode::Organise(act, secret) => self.organise(act, &secret),
            ToNode::Mining(wish) => {
                self.act(|inner| {
                    (inner.wish, inner.insists) = (wish, true);
                    inner.apply_wish();
                });
                self.set_miners();
                self.show_soon();
            }
            ToNode::Blocks { from, count } => {
                post(&FromNode::Blocks(views::blocks(&self.0.borrow().node, from, count)));
            }
            ToNode::Block(height) => {
                if let Some(block) = views::block(&self.0.borrow().node, height) {
                    post(&FromNode::Block(Box::new(block)));
                }
            }
            ToNode::Verify => spawn_local(verify::run(self.clone())),
            ToNode::Find(text) => {
                let mut inner = self.0.borrow_mut();
                let found = text.parse().ok().and_then(|id| views::receipt(&mut inner, &id));
                post(&FromNode::Found(found));
            }
            ToNode::LookAtLists(on) => {
                self.act(|inner| inner.node.look_at_lists(on));
                self.show_soon();
            }
            ToNode::LeaveOut { on, anyway } => self.leave_out(on, anyway),
            ToNode::Export => {
                let node = &self.0.borrow().node;
                let file = ArchiveWriter::whole(node.chain(), node.statements().all());
                post(&FromNode::Exported(file));
            }
            ToNode::Relays(urls) => self.follow_relays(urls),
            ToNode::Awake => {
                let relays: Vec<_> =
                    self.0.borrow().relays.iter().map(|relay| relay.link.clone()).collect();
                for relay in relays {
                    relay.awake();
                }
                self.act(|inner| inner.node.handle(now(), Input::Tick));
            }
            ToNode::Persisted(persisted) => {
                self.0.borrow_mut().persisted = Some(persisted);
                self.show_soon();
            }
        }
    }

    fn cast(&self, right: &Right, selections: &[String], change: bool) {
        self.act(|inner| {
            let at = now();
            let vote = rights::vote(&inner.node, right, selections, change);
            let cast = vote.and_then(|vote| {
                let id = inner.node.cast(at, vote.clone()).map_err(|error| error.words())?;
                Ok((id, vote))
            });
            match cast {
                Ok((id, vote)) => {
                    // The outputs of the cast come first: they hold what is to be stored.
                    inner.take_outputs();
                    inner.follow(id, Own::new(at, true, vote));
                    inner.effects.push_back(Effect::Page(FromNode::CastDone(id.to_string())));
                }
                Err(words) => {
                    inner.effects.push_back(Effect::Page(FromNode::CastRefused(words)));
                }
            }
        });
        self.show_soon();
    }

    /// Follows a vote of a receipt, and casts it again if nobody holds it.
    fn watch(&self, bytes: &str, acknowledged: &str) {
        let decoded = |text: &str| hex::decode(text).ok();
        let vote: Option<Vote> = decoded(bytes).and_then(|bytes| borsh::from_slice(&bytes).ok());
        let acknowledged: Option<Vec<Acknowledged>> =
            decoded(acknowledged).and_then(|bytes| borsh::from_slice(&bytes).ok());
        self.act(|inner| {
            let vote = vote.filter(|vote| vote.check(inner.node.chain().context()).is_ok());
            let Some(vote) = vote else {
                let why = "the vote in this receipt is not valid in this election".to_owned();
                return inner.effects.push_back(Effect::Page(FromNode::ToolFailed(why)));
            };
            let id = vote.id();
            if !inner.own.iter().any(|(own, _)| *own == id) {
                inner.follow(id, Own::new(now(), false, vote.clone()));
            }
            inner.node.handle(now(), Input::Votes(vec![vote]));
            inner.node.follow(id);
            inner.node.remember_acknowledged(acknowledged.unwrap_or_default());
            let signed = inner.node.acknowledgements(&id);
            if let Some((id, own)) = inner.own.iter_mut().find(|(own, _)| *own == id) {
                own.acknowledged = signed;
                let note = Effect::Own(*id, own.clone());
                inner.effects.push_back(note);
            }
        });
        self.show();
    }

    fn receipt(&self, id: &str, complaint: bool) {
        let inner = self.0.borrow();
        let election = inner.node.chain().election();
        let receipt = id.parse().ok().and_then(|id: VoteId| {
            let own = inner.own.iter().find(|(own, _)| *own == id).map(|(_, own)| Receipt {
                vote_id: id,
                vote: own.vote.clone(),
                inclusion: None,
            });
            inner.node.ballot_box().receipt(&id).or(own)
        });
        let written = receipt.map(|receipt| WriteReceipt {
            acknowledged: inner.node.acknowledgements(&receipt.vote_id),
            complaint,
            receipt,
            election: election.encode(),
        });
        post(&match written.and_then(|written| encode(&written).ok()) {
            Some(written) => FromNode::Receipt(written),
            None => FromNode::ToolFailed("this tab does not hold the vote".into()),
        });
    }

    /// Has the chain built again without the votes that no keeper had in time, or gives that up.
    fn leave_out(&self, on: bool, anyway: bool) {
        self.act(|inner| {
            let (node, now) = (&mut inner.node, now());
            let votes = if on { node.unlisted() } else { Vec::new() };
            if let Err(error) = node.leave_out(now, &votes, anyway) {
                inner.effects.push_back(Effect::Page(FromNode::ToolFailed(error.words())));
            }
        });
        self.set_miners();
        self.show_soon();
    }

    fn organise(&self, act: Act, secret: &Secret) {
        self.act(|inner| {
            let done = secret.key().ok_or("the organiser's key is broken".to_owned());
            let done = done.and_then(|key| {
                // A seal is sent once it is stored, together with the blocks that it is over.
                let shares = inner.storage == StorageStatus::Sharing;
                let (node, now) = (&mut inner.node, now());
                match &act {
                    Act::Seal { .. } if shares => Err(
                        "another tab of this browser has this election open and stores it: seal there, or close that tab first"
                            .to_owned(),
                    ),
                    Act::Close => node.close(now, &key).map_err(|error| error.words()),
                    Act::Seal { counted, pending, anyway, leave_out, unlisted } => {
                        let here = node.ballot_box();
                        if here.to_be_sealed().tally().hash().to_string() != *counted {
                            return Err("the chain is another than the one you saw: look at it again, then seal".into());
                        }
                        let waiting = here.waiting();
                        if *pending as usize != waiting.len() {
                            return Err("other votes wait for a block than you saw: look again, then seal".into());
                        }
                        let unlisted_votes =
                            here.rebuilding().map(|it| it.left_out().to_vec()).unwrap_or_default();
                        let groups = [(unlisted, unlisted_votes), (leave_out, waiting)];
                        let named = groups.into_iter().filter(|(_, votes)| !votes.is_empty());
                        let left_out = named.filter_map(|(reason, votes)| {
                            Some(LeftOut { reason: reason.clone()?, votes })
                        });
                        let left_out = left_out.collect();
                        node.seal(now, left_out, &key, *anyway).map_err(|error| error.words())
                    }
                }
            });
            // Told once it is stored.
            inner.take_outputs();
            inner.effects.push_back(Effect::Page(match (done, act) {
                (Ok(()), Act::Close) => FromNode::ToolDone(
                    "The election is closed: nodes that hear of it take no votes any more.".into(),
                ),
                (Ok(()), Act::Seal { .. }) => FromNode::ToolDone("The result is sealed.".into()),
                (Err(why), _) => FromNode::ToolFailed(why),
            }));
        });
        self.show_soon();
    }
}
