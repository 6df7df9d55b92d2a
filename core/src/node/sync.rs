//! Headers first, then blocks in pages, from one peer at a time. The signatures of a page are verified
//! by the driver, on other threads or in other workers, while the next page is on its way.
//!
//! A claim of more work starts a download of headers; only headers that were checked, link to the
//! chain and add up to more work than it has lead to blocks being fetched. Every request has a
//! deadline; a peer that misses it is asked last from then on.
//!
//! Invariant: at most one download is under way, and it holds at most [`MAX_CANDIDATE`] headers. At
//! most one page of blocks is being verified, and at most one more waits for that.

use std::collections::VecDeque;

use super::{Event, LinkId, Node, Peer, Signatures, peers::Offence};
use crate::{
    chain::{
        ancestry::{Ancestry, LinkError},
        block::Block,
        header::{Header, Height},
        unverified::UnverifiedBlocks,
    },
    crypto::hash::BlockHash,
    election::vote::{CheckedVote, Vote},
    time::Timestamp,
    wire::message::{MAX_BLOCK_VOTES, MAX_BLOCKS_ASKED, MAX_HEADERS, Message},
};

/// Headers of one download: each cost its sender a proof of work. A longer chain is fetched in
/// several downloads.
pub const MAX_CANDIDATE: usize = 50_000;
/// Time for an answer: a full page over 60 kB/s.
const ANSWER_WITHIN_MS: u64 = 20_000;
/// A part of a page that took longer than this, and came more slowly than this, is a drip.
const DRIP_MS: u64 = 5_000;
const DRIP_BYTES_PER_SECOND: u64 = 8_000;
/// The deadline while nothing is asked for: pages are verified first.
const NOTHING_DUE: Timestamp = Timestamp(u64::MAX);
/// Stalls in a row after which no announced block is fetched from a peer.
const MAX_STALLS: u32 = 3;
/// Time for the first headers (200 kB at most) or an announced block: most are small, and who stalls is found out early. Doubled with each
/// stall, up to the time for any answer, because the slow line may be this node's own.
const FIRST_ANSWER_WITHIN_MS: u64 = 6_000;

enum Stage {
    /// `start` is the block of this chain that the headers begin after.
    Headers {
        start: Option<BlockHash>,
        ancestry: Option<Box<Ancestry>>,
        hashes: Vec<BlockHash>,
    },
    Blocks {
        wanted: VecDeque<BlockHash>,
    },
    /// One announced block, of whose votes some are held here.
    Votes {
        header: Header,
        votes: Vec<Option<CheckedVote>>,
    },
}

struct Download {
    peer: Peer,
    stage: Stage,
    deadline: Timestamp,
    /// Height that the peer's headers reach.
    target: Height,
    /// When the last page was asked for, and how often in a row a page dripped in.
    asked: Timestamp,
    drips: u8,
}

/// A page of blocks whose signatures are being verified. It is taken in also if the download that
/// it came with has ended by then.
struct Verifying {
    id: u64,
    from: Peer,
    blocks: UnverifiedBlocks,
    /// Whether its peer left a question unanswered since.
    stalled: bool,
}

/// The download in progress, if any.
#[derive(Default)]
pub struct Sync {
    download: Option<Download>,
    verifying: Option<Verifying>,
    /// The download's next page, which came before that was done.
    waiting: Option<Vec<Block>>,
    last_id: u64,
    /// Stalls in a row, over all peers.
    stalls: u32,
}

impl Sync {
    /// When the peer must have answered.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.download.as_ref().map(|download| download.deadline)
    }

    /// Height that is being downloaded to.
    pub fn target(&self) -> Option<Height> {
        self.download.as_ref().map(|download| download.target)
    }

    /// Replaces the download, with what waits of the one before.
    fn begin(&mut self, download: Option<Download>) {
        (self.download, self.waiting) = (download, None);
    }

    pub(super) fn link_down(&mut self, link: LinkId) {
        if self.download.as_ref().is_some_and(|download| download.peer.link == link) {
            self.begin(None);
        }
    }

    /// Whether blocks are on their way whose headers proved their work. A claim alone proves nothing,
    /// and must not keep this node from announcing its own blocks.
    pub(super) fn is_fetching(&self) -> bool {
        let stage = self.download.as_ref().map(|download| &download.stage);
        matches!(stage, Some(Stage::Blocks { .. } | Stage::Votes { .. }))
    }

    pub(super) fn is_verifying(&self) -> bool {
        self.verifying.is_some()
    }

    pub(super) fn is_from(&self, peer: Peer) -> bool {
        self.download.as_ref().is_some_and(|download| download.peer == peer)
    }
}

impl Node {
    /// Begins a download from the best peer that claims more work, unless one is under way.
    pub(super) fn start_sync(&mut self, now: Timestamp) {
        let Some(peer) = self.peers.best_above(&self.chain) else {
            return;
        };
        if !self.is_free_for(peer) {
            return;
        }
        let claimed = self.peers.known.get(&peer).and_then(|state| state.claim.as_ref());
        let target = claimed.map_or(self.chain.height(), |claim| claim.height);
        let stage = Stage::Headers { start: None, ancestry: None, hashes: Vec::new() };
        let deadline = now.plus_ms(self.first_answer_within());
        self.sync.begin(Some(Download { peer, stage, deadline, target, asked: now, drips: 0 }));
        let locator = self.chain.locator();
        self.send(peer, &Message::GetHeaders(locator));
        self.out.event(Event::NetworkChanged);
    }

    /// Time for the first answer of a peer.
    fn first_answer_within(&self) -> u64 {
        (FIRST_ANSWER_WITHIN_MS << self.sync.stalls.min(2)).min(ANSWER_WITHIN_MS)
    }

    /// Whether a download from a peer may begin: when none is under way, or one from a peer of
    /// lower standing, so that who withholds holds up nobody else.
    fn is_free_for(&self, peer: Peer) -> bool {
        let download = self.sync.download.as_ref();
        download.is_none_or(|download| {
            download.peer != peer && self.peers.standing(peer) > self.peers.standing(download.peer)
        })
    }

    /// Fetches what is missing of one block whose header was announced and checked, unless a
    /// download is under way: its end compares tips again.
    pub(super) fn fetch_block(
        &mut self,
        now: Timestamp,
        peer: Peer,
        header: Header,
        votes: Vec<Option<CheckedVote>>,
    ) {
        if !self.is_free_for(peer) {
            return;
        }
        if self.peers.stalls(peer) >= MAX_STALLS {
            // It announced blocks before and did not hand them out; its headers still count.
            return;
        }
        let (hash, target) = (header.hash(), header.height);
        let missing: Vec<_> =
            (0..).zip(&votes).filter(|(_, vote)| vote.is_none()).map(|(index, _)| index).collect();
        let some_held = missing.len() < votes.len();
        let (stage, question) = if some_held && (1..=MAX_BLOCK_VOTES).contains(&missing.len()) {
            (Stage::Votes { header, votes }, Message::GetBlockVotes(hash, missing))
        } else {
            (Stage::Blocks { wanted: [hash].into() }, Message::GetBlocks(vec![hash]))
        };
        let deadline = now.plus_ms(self.first_answer_within());
        self.sync.begin(Some(Download { peer, stage, deadline, target, asked: now, drips: 0 }));
        self.send(peer, &question);
    }

    /// A peer handed out a block: that raises its standing if the block is in the chain now. One
    /// beside it costs little to make.
    fn answered(&mut self, now: Timestamp, from: Peer, hash: &BlockHash, credit: bool) {
        let block = self.chain.block(hash);
        if block.is_none() {
            // Nothing remembers it: it could be handed out for ever for one proof of work.
            self.offended(now, from, Offence::Worthless);
            return;
        }
        let height = block.map(|block| block.header().height);
        let in_chain = height.and_then(|height| self.chain.block_at(height));
        if credit && in_chain.is_some_and(|block| block.hash() == *hash) {
            self.peers.answered(from);
        }
    }

    /// Puts an announced block together; what does not fit is fetched whole.
    pub(super) fn on_block_votes(
        &mut self,
        now: Timestamp,
        from: Peer,
        hash: BlockHash,
        sent: Vec<Vote>,
    ) {
        let asked = self.sync.download.as_mut().filter(|download| download.peer == from);
        let Some(Download { stage: stage @ Stage::Votes { .. }, deadline, .. }) = asked else {
            return;
        };
        let Stage::Votes { header, votes } = stage else { return };
        if header.hash() != hash {
            return;
        }
        if sent.is_empty() {
            return self.stall(now, from);
        }
        // It may have come another way meanwhile.
        if self.chain.block(&hash).is_none() {
            // What was not asked for is left out.
            let (header, here, came) = (header.clone(), std::mem::take(votes), sent);
            match Block::complete(header, here, came, self.chain.context()) {
                Ok(block) => match self.take_checked(now, block, None) {
                    Ok(()) => self.answered(now, from, &hash, true),
                    Err(LinkError::Ahead { .. } | LinkError::UnknownParent(_)) => {}
                    Err(error) => return self.reject(now, from, error.to_string()),
                },
                // Two votes share a short id, or not all fitted, or it lied: the whole block shows.
                Err(error) if error.is_other_votes() => {
                    *stage = Stage::Blocks { wanted: [hash].into() };
                    *deadline = now.plus_ms(ANSWER_WITHIN_MS);
                    return self.send(from, &Message::GetBlocks(vec![hash]));
                }
                Err(error) => return self.reject(now, from, error.to_string()),
            }
        }
        self.end_sync(now, from, false);
    }

    pub(super) fn on_headers(&mut self, now: Timestamp, from: Peer, headers: &[Header]) {
        if !self.sync.is_from(from) {
            return;
        }
        let Some(Download { stage: Stage::Headers { start, ancestry, hashes }, .. }) =
            &mut self.sync.download
        else {
            return;
        };
        if ancestry.is_none() {
            *start = headers.first().map(|header| header.previous);
            *ancestry = start.and_then(|hash| self.chain.ancestry(&hash)).map(Box::new);
        }
        if headers.is_empty() && ancestry.is_none() {
            // It claims more, and hands out nothing: busy, or a liar. Others come first from now on.
            return self.stall(now, from);
        }
        let Some(ancestry) = ancestry else {
            // Nothing new after all, or headers that do not meet this chain.
            return self.end_sync(now, from, true);
        };
        if headers.first().is_some_and(|header| header.previous != ancestry.tip()) {
            // A page that came twice or late: what was asked for is still on its way.
            return;
        }
        let mut refused = None;
        for header in headers {
            match ancestry.extend(self.chain.election(), header, now) {
                Ok(hash) if self.chain.is_invalid(&hash) => {
                    refused = Some(LinkError::InvalidParent(header.height));
                    break;
                }
                Ok(hash) => hashes.push(hash),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let cut_short = matches!(refused, Some(LinkError::Ahead { .. })) || hashes.len() >= MAX_CANDIDATE
            // An empty page after others: it is busy, and serves no more now.
            || headers.is_empty();
        match refused {
            Some(LinkError::Ahead { .. }) => {}
            Some(error) => return self.reject(now, from, error.to_string()),
            None if headers.len() == MAX_HEADERS && hashes.len() < MAX_CANDIDATE => {
                let last = ancestry.tip();
                if let Some(download) = &mut self.sync.download {
                    download.deadline = now.plus_ms(ANSWER_WITHIN_MS);
                }
                return self.send(from, &Message::GetHeaders(vec![last]));
            }
            None => {}
        }
        let anchored = self.chain.anchor().is_some_and(|anchor| {
            hashes.contains(&anchor)
                || start.is_some_and(|hash| self.chain.leads_over_anchor(&hash))
        });
        let (work, tip, start) = (ancestry.work(), ancestry.tip(), *start);
        let claimed = self.peers.known.get(&from).and_then(|state| state.claim.as_ref());
        // It may have switched to a better chain since it made its claim, never to a worse one.
        let empty = claimed.is_some_and(|claim| claim.work > work) && !cut_short;
        let target = ancestry.height();
        let hashes = std::mem::take(hashes);
        if empty && self.offended(now, from, Offence::EmptyClaim) {
            return;
        }
        if !self.chain.is_better(work, tip, anchored) {
            return self.end_sync(now, from, true);
        }
        self.chain.protect(start.into_iter().chain(hashes.iter().copied()));
        let wanted =
            hashes.iter().copied().filter(|hash| self.chain.block(hash).is_none()).collect();
        if let Some(download) = &mut self.sync.download {
            download.stage = Stage::Blocks { wanted };
            download.target = target;
        }
        self.ask_blocks(now);
    }

    /// Asks for the next page, or ends the download when there is none. While pages are verified, one
    /// more is fetched, and no more.
    fn ask_blocks(&mut self, now: Timestamp) {
        let verifying = self.sync.verifying.is_some();
        let Some(download) = &mut self.sync.download else {
            return;
        };
        let Stage::Blocks { wanted } = &download.stage else {
            return;
        };
        let peer = download.peer;
        if self.sync.waiting.is_some() || (wanted.is_empty() && verifying) {
            download.deadline = NOTHING_DUE;
            return;
        }
        if wanted.is_empty() {
            return self.end_sync(now, peer, false);
        }
        let page: Vec<_> = wanted.iter().take(MAX_BLOCKS_ASKED).copied().collect();
        download.deadline = now.plus_ms(ANSWER_WITHIN_MS);
        download.asked = now;
        self.send(peer, &Message::GetBlocks(page));
        self.out.event_once(Event::NetworkChanged);
    }

    pub(super) fn on_blocks(&mut self, now: Timestamp, from: Peer, blocks: Vec<Block>) {
        if !self.sync.is_from(from) {
            return;
        }
        if self.sync.waiting.is_some() {
            // Nothing was asked for.
            return;
        }
        if blocks.is_empty() {
            return self.stall(now, from);
        }
        if self.drips(now, &blocks) {
            return self.stall(now, from);
        }
        let Some(Download { stage: Stage::Blocks { wanted }, .. }) = &mut self.sync.download else {
            return;
        };
        let mut fitting = Vec::with_capacity(blocks.len());
        for block in blocks {
            if wanted.front() != Some(&block.header.hash()) {
                // Not what was asked for: a late answer to an earlier question.
                break;
            }
            wanted.pop_front();
            fitting.push(block);
        }
        if fitting.is_empty() {
            return;
        }
        if self.sync.verifying.is_some() {
            self.sync.waiting = Some(fitting);
        } else {
            self.verify_page(now, from, fitting);
        }
        if self.sync.is_from(from) {
            self.ask_blocks(now);
        }
    }

    /// Has the signatures of a page verified, and takes in its blocks then.
    fn verify_page(&mut self, now: Timestamp, from: Peer, blocks: Vec<Block>) {
        let blocks = UnverifiedBlocks::check(blocks, self.chain.context());
        let list = blocks.signatures(self.chain.context());
        if list.is_empty() {
            return self.take_page(now, from, blocks, Ok(()), true);
        }
        self.sync.last_id += 1;
        let id = self.sync.last_id;
        self.sync.verifying = Some(Verifying { id, from, blocks, stalled: false });
        self.out.verify(Signatures { id, list });
    }

    pub(super) fn on_verified(&mut self, now: Timestamp, id: u64, verdict: Result<(), usize>) {
        let Some(Verifying { from, blocks, stalled, .. }) =
            self.sync.verifying.take_if(|verifying| verifying.id == id)
        else {
            return;
        };
        self.take_page(now, from, blocks, verdict, !stalled);
        let Some(peer) = self.sync.download.as_ref().map(|download| download.peer) else {
            return self.chain.protect([]);
        };
        let next = self.sync.waiting.take();
        let nothing_due = self.sync.deadline() == Some(NOTHING_DUE);
        if let Some(blocks) = next {
            self.verify_page(now, peer, blocks);
        }
        if nothing_due && self.sync.is_from(peer) {
            self.ask_blocks(now);
        }
    }

    /// Takes in blocks of a page, up to the first that does not hold. `credit` says whether that
    /// raises the standing of its peer.
    fn take_page(
        &mut self,
        now: Timestamp,
        from: Peer,
        blocks: UnverifiedBlocks,
        verdict: Result<(), usize>,
        credit: bool,
    ) {
        let hashes: Vec<_> = blocks.hashes().collect();
        for (index, checked) in blocks.settle(verdict).into_iter().enumerate() {
            let checked = match checked {
                Ok(checked) => checked,
                Err(error) => {
                    // Its hash commits to the signatures: it is not verified again for the next peer.
                    hashes.get(index).into_iter().for_each(|hash| self.chain.mark_invalid(*hash));
                    return self.reject(now, from, error.to_string());
                }
            };
            if self.peers.is_banned(from) {
                // Dropped meanwhile, for what its blocks were worth.
                return;
            }
            let hash = checked.hash();
            match self.take_checked(now, checked, None) {
                Ok(()) => {
                    self.answered(now, from, &hash, credit);
                    if credit {
                        self.sync.stalls = self.sync.stalls.min(1);
                    }
                }
                Err(LinkError::Ahead { .. }) => {}
                // The branch that it stands on was dropped meanwhile.
                Err(LinkError::UnknownParent(_)) => {
                    if self.sync.is_from(from) {
                        self.end_sync(now, from, true);
                    }
                    return;
                }
                Err(error) => return self.reject(now, from, error.to_string()),
            }
        }
    }

    /// Whether a peer hands out less than it was asked for, and that in drops, for the third time in
    /// a row: it would keep the download for days.
    fn drips(&mut self, now: Timestamp, blocks: &[Block]) -> bool {
        let Some(download) = &mut self.sync.download else { return false };
        let Stage::Blocks { wanted } = &download.stage else { return false };
        let bytes: usize = blocks.iter().map(Block::encoded_len).sum();
        let took = now.ms_since(download.asked);
        let short = blocks.len() < wanted.len().min(MAX_BLOCKS_ASKED);
        let slow = took > DRIP_MS && (bytes as u64) * 1000 / took < DRIP_BYTES_PER_SECOND;
        download.drips = if short && slow { download.drips + 1 } else { 0 };
        download.drips >= 3
    }

    /// Ends a download. `settle` forgets what the peer claimed, so that it is not asked again
    /// before it says something new.
    fn end_sync(&mut self, now: Timestamp, peer: Peer, settle: bool) {
        self.sync.begin(None);
        if !self.sync.is_verifying() {
            self.chain.protect([]);
        }
        if let Some(state) = self.peers.known.get_mut(&peer).filter(|_| settle) {
            state.claim = None;
        }
        self.out.event(Event::NetworkChanged);
        self.start_sync(now);
    }

    fn stall(&mut self, now: Timestamp, peer: Peer) {
        if let Some(page) = self.sync.verifying.as_mut().filter(|page| page.from == peer) {
            page.stalled = true;
        }
        self.peers.stalled(peer);
        self.sync.stalls = self.sync.stalls.saturating_add(1);
        self.end_sync(now, peer, true);
    }

    /// Gives up on a peer that is gone or was rejected.
    pub(super) fn fail_sync(&mut self, now: Timestamp, peer: Peer) {
        if self.sync.is_from(peer) {
            self.end_sync(now, peer, false);
        }
    }

    pub(super) fn check_sync_deadline(&mut self, now: Timestamp) {
        if let Some(download) = &self.sync.download
            && now >= download.deadline
        {
            let peer = download.peer;
            self.stall(now, peer);
        }
    }
}
