//! What this tab has: the node, and all that belongs to it. The driver changes it, the views show it.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use blockvote_core::{
    chain::{
        block::{Block, MAX_BLOCK_BYTES},
        header::Height,
    },
    crypto::hash::{BlockHash, VoteId},
    node::{Input, LinkId, Node, Output, Signatures, StoreChange},
    wire::frame::PeerId,
};
use gloo_timers::callback::Timeout;

use super::{miners::Miners, tabs::Tabs};
use crate::shared::{
    messages::MiningWish,
    relay::RelayLink,
    store::{Own, Store},
    verifiers::Verifiers,
    views::{RelayStatus, SealView, StorageStatus},
    worker::now,
};

/// Stored blocks handed to the node together.
const STORED_AT_ONCE: usize = 64;
/// Votes cast here that the page is told of.
pub const MAX_RECEIPTS: usize = 50;

/// What is still to be carried out.
pub enum Effect {
    /// What the node says.
    Node(Output),
    /// What the asker is told once all that came before is stored.
    Then(Box<dyn FnOnce()>),
    /// A vote followed in this browser, to be stored.
    Own(VoteId, Own),
    /// What the store is to hold, from the first block that differs on.
    Rewrite(Vec<StoreChange>),
}

/// A relay that is followed.
pub struct Followed {
    /// What the node calls it.
    pub number: LinkId,
    /// The connection.
    pub link: RelayLink,
    /// What the relay calls this tab, since its welcome.
    pub own: PeerId,
    /// For the page.
    pub status: RelayStatus,
}

/// Everything the worker holds.
pub struct State {
    /// The node.
    pub node: Node,
    /// The store, while it works.
    pub store: Option<Rc<Store>>,
    /// For the page.
    pub storage: StorageStatus,
    /// The relays.
    pub relays: Vec<Followed>,
    /// Of the next relay that is followed.
    pub next_link: u32,
    /// Looks in a row at which no other tab answered, while another one seems to hold the lock.
    pub unanswered: u32,
    /// The other tabs of this browser.
    pub tabs: Option<Tabs>,
    /// The miner workers.
    pub miners: Miners,
    /// The verifier workers.
    pub verifiers: Verifiers,
    /// Signatures that nobody verifies yet.
    pub to_verify: Option<Signatures>,
    /// What the user wants of the miners.
    pub wish: MiningWish,
    /// Whether the user asked for mining in this very tab.
    pub insists: bool,
    /// Votes followed in this browser, newest last.
    pub own: Vec<(VoteId, Own)>,
    /// Checked inclusion proofs: block, length of the path, what is wrong.
    pub proofs: HashMap<VoteId, (BlockHash, u32, Option<String>)>,
    /// Blocks found by this tab.
    pub found: u32,
    /// Peers rejected, and why the last was.
    pub rejected: (u32, Option<String>),
    /// The browser's promise to keep the storage.
    pub persisted: Option<bool>,
    /// In their order.
    pub effects: VecDeque<Effect>,
    /// Whether effects are being carried out.
    pub pumping: bool,
    /// The next wake of the node, where it is sooner than the tick.
    pub wake: Option<Timeout>,
    /// The next look of the page.
    pub show: Option<Timeout>,
    /// The result that the page was told of.
    pub shown_result: Option<(BlockHash, SealView)>,
}

impl State {
    /// Takes what the node says.
    pub fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Verify(signatures) => self.to_verify = Some(signatures),
                output => self.effects.push_back(Effect::Node(output)),
            }
        }
    }

    /// Puts a vote on the list of those that this browser follows.
    pub fn follow(&mut self, id: VoteId, own: Own) {
        self.own.push((id, own.clone()));
        self.effects.push_back(Effect::Own(id, own));
    }

    /// Whether another tab of this browser mines instead of this one.
    pub fn mines_elsewhere(&self) -> bool {
        self.wish.on && !self.insists && self.storage == StorageStatus::Sharing
    }

    /// Hands stored blocks that are not here to the node, a part at a time, until one does not hold.
    /// Says the hashes of all.
    pub fn take_stored(&mut self, blocks: impl Iterator<Item = Block>) -> Vec<BlockHash> {
        let (mut hashes, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut sound = true;
        let mut blocks = blocks.peekable();
        while let Some(block) = blocks.next() {
            let hash = block.header.hash();
            hashes.push(hash);
            if sound && self.node.chain().block(&hash).is_none() {
                bytes += block.encoded_len();
                part.push(block);
            }
            let full = bytes >= MAX_BLOCK_BYTES || part.len() >= STORED_AT_ONCE;
            if (full || blocks.peek().is_none())
                && let Some(last) = part.last().map(|block| block.header.hash())
            {
                self.node.handle(now(), Input::Blocks(std::mem::take(&mut part)));
                bytes = 0;
                sound = self.node.chain().block(&last).is_some();
            }
        }
        hashes
    }

    /// Makes the store hold the chain and the pending votes as they are now. `stored` are the
    /// hashes of the blocks that it holds, from the second one on.
    pub fn rewrite(&mut self, stored: &[BlockHash]) {
        let chain = self.node.chain();
        let heights = (2..=chain.height().0).map(Height);
        let blocks: Vec<_> = heights.filter_map(|height| chain.block_at(height).cloned()).collect();
        let same = blocks.iter().zip(stored).take_while(|(block, hash)| block.hash() == **hash);
        let same = same.count();
        let kept = u32::try_from(same).unwrap_or(u32::MAX);
        let mut changes = vec![StoreChange::Truncate(Height(kept.saturating_add(1)))];
        changes.extend(blocks.into_iter().skip(same).map(StoreChange::Append));
        let pending = self.node.pending().iter();
        changes.extend(pending.map(|vote| StoreChange::PutPending(vote.id(), vote.vote().clone())));
        changes.extend(self.node.statements().all().map(StoreChange::PutStatement));
        self.effects.push_back(Effect::Rewrite(changes));
    }

    /// Follows the votes that were cast in this browser, and hands those in again that neither
    /// the chain nor the pending votes hold.
    pub fn take_up_own(&mut self) {
        let own: Vec<_> = self.own.iter().rev().take(MAX_RECEIPTS).cloned().collect();
        for (id, Own { vote, acknowledged, .. }) in own {
            let known =
                self.node.chain().place_of(&id).is_some() || self.node.pending().contains(&id);
            if !known {
                self.node.handle(now(), Input::Votes(vec![vote]));
            }
            self.node.follow(id);
            self.node.remember_acknowledged(acknowledged);
        }
    }

    /// Mines as the user wants it, unless another tab does.
    pub fn apply_wish(&mut self) {
        let on = self.wish.on && !self.mines_elsewhere();
        self.node.set_mining(now(), on);
    }
}
