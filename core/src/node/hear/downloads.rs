//! How a download goes on: carries out what [`Sync`](crate::node::sync::Sync) makes of the messages
//! of a peer.

use crate::{
    chain::{
        ancestry::LinkError,
        block::{Block, CheckedBlock},
        header::{Header, Height},
    },
    crypto::hash::BlockHash,
    election::vote::Vote,
    node::{
        Node,
        by_ids::{ByIds, Parts},
        interface::{Event, Offence, Peer},
        peers::{Better, Claim},
        sync::{
            BlocksFound, End, HeadersFound, Next, ShortBlocksFound, ToVerify, VerifiedPage,
            VotesFound,
        },
    },
    time::Timestamp,
    wire::message::ShortBlock,
};

/// After this many stalls in a row no announced block is fetched from a peer.
const MAX_STALLS: u32 = 3;

impl Node {
    /// The peer whose claim is worth a download.
    pub(in crate::node) fn best_peer(&self) -> Option<Peer> {
        let chain = self.chain();
        self.peers.best_above(&|claim: &Claim| {
            // What is here already is waiting to be followed, or will not be followed.
            if chain.block(&claim.tip).is_some() {
                return Better::No;
            }
            let sealed = claim.sealed.is_some() && claim.sealed == chain.anchor();
            match chain.is_better(claim.weight, claim.tip, sealed) {
                true if sealed => Better::Sealed,
                true => Better::ByWeight,
                false => Better::No,
            }
        })
    }

    /// Begins a download from the best peer that claims a better chain, unless one is in progress.
    pub(in crate::node) fn start_sync(&mut self, now: Timestamp) {
        let Some(peer) = self.best_peer().filter(|peer| self.is_free_for(*peer)) else { return };
        let claimed = self.peers.claim(peer).map_or(Height(0), |claim| claim.height);
        let question =
            self.sync.begin_headers(now, peer, claimed, self.ballot_box.chain().locator());
        self.send(peer, &question);
        self.out.event(Event::NetworkChanged);
    }

    /// Whether a download from a peer may begin: if none is in progress, or one from a peer of
    /// lower reputation. So a peer that withholds blocks does not delay the others.
    fn is_free_for(&self, peer: Peer) -> bool {
        let better = |from| self.peers.reputation(peer) > self.peers.reputation(from);
        self.sync.peer().is_none_or(|from| from != peer && better(from))
    }

    /// Fetches one block whose header was announced and checked, or its missing votes, unless a
    /// download is in progress, which compares tips again when it ends.
    pub(in crate::node) fn fetch_block(
        &mut self,
        now: Timestamp,
        peer: Peer,
        header: &Header,
        parts: Option<Parts>,
    ) {
        // A peer that announced blocks before but did not hand them out: only its headers are used.
        if self.is_free_for(peer) && self.peers.stalls(peer) < MAX_STALLS {
            let question = self.sync.begin_block(now, peer, header, parts);
            self.send(peer, &question);
        }
    }

    pub(in crate::node) fn on_headers(&mut self, now: Timestamp, from: Peer, headers: &[Header]) {
        let branch = match self.sync.on_headers(now, from, headers, self.ballot_box.chain()) {
            HeadersFound::Ignored | HeadersFound::Later => return,
            HeadersFound::Ask(question) => return self.send(from, &question),
            HeadersFound::Stalled => return self.stall(now, from),
            HeadersFound::Useless => return self.end_sync(now, from, true),
            HeadersFound::Broken(error) => return self.reject(now, from, error.into()),
            HeadersFound::Branch(branch) => branch,
        };
        if let End::Ahead(dated) = branch.end {
            self.is_ahead(now, from, dated);
        }
        // It may have changed to a better chain since it made its claim, never to a worse one.
        let less = self.peers.claim(from).is_some_and(|claim| claim.weight > branch.weight);
        if less && branch.end == End::Tip && self.offended(now, from, Offence::EmptyClaim) {
            return;
        }
        if !self.chain().is_better(branch.weight, branch.tip, branch.anchored) {
            return match branch.end {
                // It claimed a better chain, but for this long it handed out only a beginning.
                End::Busy => self.stall(now, from),
                End::Tip | End::Full | End::Ahead(_) => self.end_sync(now, from, true),
            };
        }
        if self.chain().block(&branch.tip).is_some() {
            // All of it is here and waits to be followed. The peer has gone on since it made its
            // claim.
            return self.end_sync(now, from, true);
        }
        self.ballot_box.protect(&mut branch.hashes.iter().copied());
        // This walks over all votes, so it is rationed: a header is cheap.
        let start = branch.hashes.first().filter(|start| {
            ByIds::is_worth_it(&self.ballot_box, start, branch.weight)
                && self.peers.may_walk(from, now)
        });
        let by_ids = start.map(|start| ByIds::new(&self.ballot_box, start));
        let unknown = |hash: &BlockHash| self.chain().block(hash).is_none();
        let wanted = branch.hashes.into_iter().filter(unknown).collect();
        self.sync.begin_blocks(wanted, branch.height, by_ids);
        self.ask_blocks(now);
    }

    fn ask_blocks(&mut self, now: Timestamp) {
        loop {
            match self.sync.next(now, &self.ballot_box) {
                Next::Wait => return,
                Next::Ask(peer, question) => {
                    self.send(peer, &question);
                    return self.out.event_once(Event::NetworkChanged);
                }
                Next::Take(peer, block) => match self.take_sent_block(now, peer, block) {
                    Taken::Yes(hash) => self.answered(now, peer, &hash, true),
                    Taken::Later | Taken::NoParent => return self.end_sync_from(now, peer, true),
                    Taken::Rejected => return,
                },
                Next::Broken(peer, error) => {
                    return self.reject(now, peer, LinkError::from(error).into());
                }
                Next::Done(peer) => return self.end_sync(now, peer, false),
            }
        }
    }

    pub(in crate::node) fn on_short_blocks(
        &mut self,
        now: Timestamp,
        from: Peer,
        blocks: Vec<ShortBlock>,
    ) {
        match self.sync.on_short_blocks(now, from, blocks) {
            ShortBlocksFound::Ignored => {}
            ShortBlocksFound::Stalled => self.stall(now, from),
            ShortBlocksFound::Taken => self.ask_blocks(now),
        }
    }

    pub(in crate::node) fn on_blocks(&mut self, now: Timestamp, from: Peer, blocks: Vec<Block>) {
        match self.sync.on_blocks(now, from, blocks) {
            BlocksFound::Ignored => return,
            BlocksFound::Stalled => return self.stall(now, from),
            BlocksFound::Wait => {}
            BlocksFound::Page(blocks) => self.verify_page(now, from, blocks),
        }
        if self.sync.is_from(from) {
            self.ask_blocks(now);
        }
    }

    fn verify_page(&mut self, now: Timestamp, from: Peer, blocks: Vec<Block>) {
        match self.sync.begin_verifying(from, blocks, self.ballot_box.chain().context()) {
            ToVerify::Signatures(signatures) => self.out.verify(signatures),
            ToVerify::Nothing(page) => self.take_page(now, page),
        }
    }

    pub(in crate::node) fn on_verified(
        &mut self,
        now: Timestamp,
        id: u64,
        verdict: Result<(), usize>,
    ) {
        let Some(page) = self.sync.verified(id, verdict) else { return };
        self.take_page(now, page);
        let Some(peer) = self.sync.peer() else {
            return self.ballot_box.protect(&mut std::iter::empty());
        };
        let nothing_due = self.sync.is_nothing_due();
        if let Some(blocks) = self.sync.take_waiting() {
            self.verify_page(now, peer, blocks);
        }
        if nothing_due && self.sync.is_from(peer) {
            self.ask_blocks(now);
        }
    }

    /// Takes in blocks of a page, up to the first that is not valid.
    fn take_page(&mut self, now: Timestamp, page: VerifiedPage) {
        let VerifiedPage { from, blocks, offender, counts } = page;
        for block in blocks {
            if self.peers.is_banned(from) {
                // The peer was dropped meanwhile, because of its blocks.
                return;
            }
            match self.take_sent_block(now, from, block) {
                Taken::Yes(hash) => {
                    self.answered(now, from, &hash, counts);
                    if counts {
                        self.sync.forgive_stalls();
                    }
                }
                Taken::Later => {}
                // The branch below it was dropped meanwhile.
                Taken::NoParent => return self.end_sync_from(now, from, true),
                Taken::Rejected => return,
            }
        }
        if let Some((error, hash)) = offender {
            // So that it is not verified again for the next peer.
            if let Some(hash) = hash {
                self.ballot_box.mark_invalid(hash);
            }
            self.reject(now, from, LinkError::from(error).into());
        }
    }

    /// Takes in a block that a peer was asked for.
    fn take_sent_block(&mut self, now: Timestamp, from: Peer, block: CheckedBlock) -> Taken {
        let hash = block.hash();
        match self.take_block(now, block, None) {
            Ok(()) => Taken::Yes(hash),
            Err(LinkError::Ahead { .. }) => Taken::Later,
            Err(LinkError::UnknownParent(_)) => Taken::NoParent,
            Err(error) => {
                self.reject(now, from, error.into());
                Taken::Rejected
            }
        }
    }

    /// A peer handed out a block: that raises its reputation if the block is in the chain now. A
    /// side block costs little to make.
    fn answered(&mut self, now: Timestamp, from: Peer, hash: &BlockHash, counts: bool) {
        let block = self.chain().block(hash);
        if block.is_none() {
            // No record of it is kept: it could be handed out for ever for one proof of work.
            self.offended(now, from, Offence::Worthless);
        } else if counts && block.is_some_and(|block| self.chain().is_main(block)) {
            self.peers.answered(from);
        }
    }

    pub(in crate::node) fn on_block_votes(
        &mut self,
        now: Timestamp,
        from: Peer,
        hash: BlockHash,
        sent: Vec<Vote>,
    ) {
        let chain = self.ballot_box.chain();
        let (known, context) = (chain.block(&hash).is_some(), chain.context());
        match self.sync.on_block_votes(now, from, hash, sent, known, context) {
            VotesFound::Ignored => return,
            VotesFound::Stalled => return self.stall(now, from),
            VotesFound::Broken(error) => {
                return self.reject(now, from, LinkError::from(error).into());
            }
            VotesFound::Others | VotesFound::Known => {}
            VotesFound::Block(block) => match self.take_sent_block(now, from, block) {
                Taken::Yes(hash) => self.answered(now, from, &hash, true),
                Taken::Later | Taken::NoParent => return self.end_sync_from(now, from, false),
                Taken::Rejected => return,
            },
        }
        if self.sync.is_from(from) {
            self.ask_blocks(now);
        }
    }

    /// Ends a download. `settle` forgets what the peer claimed, so that it is not asked again
    /// before it says something new.
    fn end_sync(&mut self, now: Timestamp, peer: Peer, settle: bool) {
        let compares = self.sync.end();
        if !self.sync.is_verifying() {
            self.ballot_box.protect(&mut std::iter::empty());
        }
        if settle {
            self.peers.settle(peer);
        }
        self.out.event(Event::NetworkChanged);
        self.start_sync(now);
        if compares && self.peers.may_compare(peer, now) {
            self.compare(now, peer);
        }
    }

    /// The same, if it is from this peer.
    fn end_sync_from(&mut self, now: Timestamp, peer: Peer, settle: bool) {
        if self.sync.is_from(peer) {
            self.end_sync(now, peer, settle);
        }
    }

    pub(in crate::node) fn stall(&mut self, now: Timestamp, peer: Peer) {
        self.sync.stalled(peer);
        self.peers.stalled(peer);
        self.end_sync(now, peer, true);
    }

    /// Gives up on a peer that is gone or was banned.
    pub(in crate::node) fn fail_sync(&mut self, now: Timestamp, peer: Peer) {
        self.end_sync_from(now, peer, false);
    }
}

/// What happened to a block that a peer was asked for.
enum Taken {
    /// It is here.
    Yes(BlockHash),
    /// Its time is ahead of this clock: it may be valid later.
    Later,
    /// Its parent is not here.
    NoParent,
    /// It breaks a rule, and its sender was banned.
    Rejected,
}
