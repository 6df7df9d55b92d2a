//! What is asked of the node, by the page and by the tools worker.

use blockvote_core::{
    audit::{archive::ArchiveWriter, receipt::Receipt},
    chain::{acknowledgements::Acknowledged, statements::LeftOut},
    crypto::{hash::VoteId, key::SecretKey},
    election::vote::Vote,
    node::Input,
};
use blockvote_words::{
    Words,
    message::{Message, say},
};
use wasm_bindgen_futures::spawn_local;

use super::{Driver, Effect, State};
use crate::{
    node_worker::{open::Wanted, rights, verify, views},
    shared::{
        asking::{Question, Reply},
        messages::{
            Act, BlockAt, Blocks, Cast, CheckRight, Export, Exported, Find, LeaveOut, NodeAsk,
            NodeOrder, Organise, ReceiptParts, Watch, WishedSeal, WriteReceipt,
        },
        store::Own,
        views::StorageStatus,
        worker::now,
    },
};

/// Answers once all that came before is stored.
fn when_stored<Q: Question>(
    state: &mut State,
    reply: Reply<Q>,
    answer: Result<Q::Answer, Message>,
) {
    // What the node says comes first: it has what is to be stored.
    state.take_outputs();
    state.effects.push_back(Effect::Then(Box::new(move || reply.end(answer))));
}

impl Driver {
    /// Takes what is said.
    pub fn hear(&self, said: Wanted) {
        let (question, asker) = match said {
            Wanted::Order(order) => return self.obey(order),
            Wanted::Ask(question, asker) => (question, asker),
        };
        match question {
            NodeAsk::Cast(number, vote) => self.cast(&vote, asker.reply(number)),
            NodeAsk::CheckRight(number, CheckRight(right)) => {
                let view = rights::view(&self.0.borrow().node, right);
                asker.reply::<CheckRight>(number).end(Ok(view));
            }
            NodeAsk::Watch(number, vote) => self.watch(&vote, asker.reply(number)),
            NodeAsk::ReceiptParts(number, ReceiptParts { id }) => {
                asker.reply::<ReceiptParts>(number).end(self.receipt_parts(&id));
            }
            NodeAsk::Organise(number, wanted) => self.organise(&wanted, asker.reply(number)),
            NodeAsk::Find(number, Find { id }) => {
                let mut state = self.0.borrow_mut();
                let found = id.parse().ok().and_then(|id| views::receipt(&mut state, &id));
                asker.reply::<Find>(number).end(Ok(found));
            }
            NodeAsk::LeaveOut(number, wanted) => self.leave_out(&wanted, asker.reply(number)),
            NodeAsk::Export(number, Export) => {
                let node = &self.0.borrow().node;
                let file = ArchiveWriter::whole(node.chain(), node.statements().all());
                asker.reply::<Export>(number).end(Ok(Exported(file)));
            }
            NodeAsk::Blocks(number, Blocks { from, count }) => {
                let blocks = views::blocks(&self.0.borrow().node, from, count);
                asker.reply::<Blocks>(number).end(Ok(blocks));
            }
            NodeAsk::BlockAt(number, BlockAt(height)) => {
                let block = views::block(&self.0.borrow().node, height);
                asker.reply::<BlockAt>(number).end(Ok(block));
            }
            NodeAsk::VerifyChain(number, _) => {
                spawn_local(verify::run(self.clone(), asker.reply(number)));
            }
        }
    }

    fn obey(&self, order: NodeOrder) {
        match order {
            // Heard once.
            NodeOrder::Open { .. } => {}
            NodeOrder::Mining(wish) => {
                self.act(|state| {
                    (state.wish, state.insists) = (wish, true);
                    state.apply_wish();
                });
                self.set_miners();
                self.show_soon();
            }
            NodeOrder::LookAtLists(on) => {
                self.act(|state| state.node.look_at_lists(on));
                self.show_soon();
            }
            NodeOrder::Relays(urls) => self.follow_relays(urls),
            NodeOrder::Awake => {
                let relays: Vec<_> =
                    self.0.borrow().relays.iter().map(|relay| relay.link.clone()).collect();
                for relay in relays {
                    relay.awake();
                }
                self.act(|state| state.node.handle(now(), Input::Tick));
            }
            NodeOrder::Persisted(persisted) => {
                self.0.borrow_mut().persisted = Some(persisted);
                self.show_soon();
            }
        }
    }

    fn cast(&self, wanted: &Cast, reply: Reply<Cast>) {
        self.act(|state| {
            let at = now();
            let Cast { right, selections, change } = wanted;
            let vote = rights::vote(&state.node, right, selections, *change);
            let cast = vote.and_then(|vote| {
                let id = state
                    .node
                    .cast(at, vote.clone())
                    .map_err(|error| say::as_said(error.words()))?;
                Ok((id, vote))
            });
            let answer = cast.map(|(id, vote)| {
                // The outputs of the cast come first: they have what is to be stored.
                state.take_outputs();
                state.follow(id, Own::new(at, true, vote));
                id.to_string()
            });
            when_stored(state, reply, answer);
        });
        self.show_soon();
    }

    /// Follows a vote of a receipt, and casts it again if nobody has it.
    fn watch(&self, wanted: &Watch, reply: Reply<Watch>) {
        let decoded = |text: &str| hex::decode(text).ok();
        let vote: Option<Vote> =
            decoded(&wanted.vote).and_then(|bytes| borsh::from_slice(&bytes).ok());
        let acknowledged: Option<Vec<Acknowledged>> =
            decoded(&wanted.acknowledged).and_then(|bytes| borsh::from_slice(&bytes).ok());
        self.act(|state| {
            let vote = vote.filter(|vote| vote.check(state.node.chain().context()).is_ok());
            let Some(vote) = vote else {
                return when_stored(state, reply, Err(say::receipt_invalid()));
            };
            let id = vote.id();
            if !state.own.iter().any(|(own, _)| *own == id) {
                state.follow(id, Own::new(now(), false, vote.clone()));
            }
            state.node.handle(now(), Input::Votes(vec![vote]));
            state.node.follow(id);
            state.node.remember_acknowledged(acknowledged.unwrap_or_default());
            let signed = state.node.acknowledgements(&id);
            if let Some((id, own)) = state.own.iter_mut().find(|(own, _)| *own == id) {
                own.acknowledged = signed;
                let note = Effect::Own(*id, own.clone());
                state.effects.push_back(note);
            }
            when_stored(state, reply, Ok(()));
        });
        self.show();
    }

    /// What the receipt of a vote is made of.
    fn receipt_parts(&self, id: &str) -> Result<WriteReceipt, Message> {
        let state = self.0.borrow();
        let receipt = id.parse().ok().and_then(|id: VoteId| {
            let own = state.own.iter().find(|(own, _)| *own == id).map(|(_, own)| Receipt {
                vote_id: id,
                vote: own.vote.clone(),
                inclusion: None,
            });
            state.node.ballot_box().receipt(&id).or(own)
        });
        let receipt = receipt.ok_or_else(say::no_such_vote)?;
        Ok(WriteReceipt {
            acknowledged: state.node.acknowledgements(&receipt.vote_id),
            receipt,
            election: state.node.chain().election().encode(),
        })
    }

    /// Has the chain built again without the votes that no keeper had in time, or gives that up.
    fn leave_out(&self, wanted: &LeaveOut, reply: Reply<LeaveOut>) {
        self.act(|state| {
            let (node, now) = (&mut state.node, now());
            let votes = if wanted.on { node.unlisted() } else { Vec::new() };
            let done = node.leave_out(now, &votes, wanted.anyway);
            when_stored(state, reply, done.map_err(|error| say::as_said(error.words())));
        });
        self.set_miners();
        self.show_soon();
    }

    fn organise(&self, Organise(act, secret): &Organise, reply: Reply<Organise>) {
        self.act(|state| {
            let key = secret.key().ok_or_else(say::organiser_key_broken);
            let done = key.and_then(|key| match act {
                Act::Close => {
                    state.node.close(now(), &key).map_err(|error| say::as_said(error.words()))
                }
                Act::Seal(wish) => seal(state, wish, &key),
            });
            when_stored(state, reply, done);
        });
        self.show_soon();
    }
}

/// Seals what the organiser saw, and nothing else.
fn seal(state: &mut State, wish: &WishedSeal, key: &SecretKey) -> Result<(), Message> {
    let WishedSeal { counted, pending, anyway, leave_out, unlisted } = wish;
    // A seal is sent once it is stored, together with the blocks that it is over.
    if state.storage == StorageStatus::Sharing {
        return Err(say::seal_elsewhere());
    }
    let here = state.node.ballot_box();
    if here.to_be_sealed().tally().hash().to_string() != *counted {
        return Err(say::seal_other_chain());
    }
    let waiting = here.waiting();
    if *pending as usize != waiting.len() {
        return Err(say::seal_other_pending());
    }
    let unlisted_votes = here.rebuilding().map(|it| it.left_out().to_vec()).unwrap_or_default();
    let groups = [(unlisted, unlisted_votes), (leave_out, waiting)];
    let named = groups.into_iter().filter(|(_, votes)| !votes.is_empty());
    let left_out =
        named.filter_map(|(reason, votes)| Some(LeftOut { reason: reason.clone()?, votes }));
    let left_out = left_out.collect();
    state.node.seal(now(), left_out, key, *anyway).map_err(|error| say::as_said(error.words()))
}
