//! Headers first, then blocks in pages, from one peer at a time. The driver verifies the signatures
//! of a page, on other threads or in other workers, while the next page is being fetched.
//!
//! A claim of a better chain starts a download of headers. Blocks are fetched only for headers that
//! were checked, link to the chain and make a better one. Every request has a deadline; a peer that
//! misses it is asked last from then on.
//!
//! Takes what a peer sent, the time and the chain as it is; returns the outcome, and leaves it to
//! the node what to do about it. Invariant: at most one download is in progress, with at most
//! [`MAX_CANDIDATE`] headers. At most one page of blocks is being verified, and at most one more
//! waits for that.

use std::collections::VecDeque;

use super::{
    ballot_box::BallotBox,
    by_ids::{ByIds, Filled, Parts},
    interface::{LinkId, Peer, Signatures},
};
use crate::{
    chain::{
        ancestry::{Ancestry, LinkError},
        block::{Block, BlockError, CheckedBlock},
        fork_choice::Weight,
        header::{HEADER_BYTES, Header, Height},
        tree::Chain,
        unverified_blocks::UnverifiedBlocks,
    },
    crypto::hash::BlockHash,
    election::{election_context::ElectionContext, vote::Vote},
    time::Timestamp,
    wire::message::{MAX_BLOCKS_ASKED, MAX_HEADERS, Message, ShortBlock},
};

/// Headers of one download: more than there are in a hundred days with a block every ten seconds. A
/// branch within this limit is judged to its end before anything else of it is fetched; each header
/// cost its sender a proof of work. Of a longer branch this many are judged at a time, by
/// themselves.
pub const MAX_CANDIDATE: usize = 1_000_000;
/// Time for an answer: enough for a full page at 60 kB/s.
const ANSWER_WITHIN_MS: u64 = 20_000;
/// A part of a page that took longer than this, and arrived more slowly than this, is a drip.
const DRIP_MS: u64 = 1_000;
const DRIP_BYTES_PER_SECOND: u64 = 8_000;
/// A peer that serves no more headers at the moment is asked again after this time, and this often
/// in a download.
const BUSY_MS: u64 = 2_000;
const MAX_BUSY: u8 = 8;
/// The deadline while nothing is asked for, because pages are verified first.
const NOTHING_DUE: Timestamp = Timestamp(u64::MAX);
/// Time for the first headers (200 kB at most) or an announced block: most are small, and a peer
/// that stalls is found out early. Doubled with each stall, up to the time for any answer, because
/// the slow line may be this node's own.
const FIRST_ANSWER_WITHIN_MS: u64 = 6_000;

enum Stage {
    /// `start` is the block of this chain after which the headers begin.
    Headers {
        start: Option<BlockHash>,
        ancestry: Option<Box<Ancestry>>,
        hashes: Vec<BlockHash>,
        /// When to ask again a peer that serves no more at the moment, and how often it was asked.
        again: Option<Timestamp>,
        busy: u8,
    },
    Blocks {
        wanted: VecDeque<BlockHash>,
        /// Used if many of their votes may be here.
        by_ids: Option<ByIds>,
        asked: Asked,
    },
}

/// What is asked for of the wanted blocks, from the first on.
enum Asked {
    /// Nothing.
    Nothing,
    /// This many whole blocks.
    Whole(usize),
    /// This many short blocks.
    Short(usize),
    /// The votes of the first block that are not here.
    Votes(Parts),
}

struct Download {
    peer: Peer,
    stage: Stage,
    deadline: Timestamp,
    /// Height that the peer's headers reach.
    target: Height,
    pace: Pace,
    /// Whether to compare votes with the peer when it is over.
    compares: bool,
}

/// A page of blocks whose signatures are being verified. It is taken in even if the download that
/// it belongs to has ended by then.
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
    /// The download's next page, if it arrived before the current one was verified.
    waiting: Option<Vec<Block>>,
    last_id: u64,
    /// Stalls in a row, over all peers.
    stalls: u32,
}

/// The outcome for headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeadersFound {
    /// They were not asked for, or arrived twice or late.
    Ignored,
    /// More of them are asked for.
    Ask(Message),
    /// The peer serves no more at the moment: it is asked again.
    Later,
    /// The peer claims more but hands out nothing: it is busy, or lies.
    Stalled,
    /// They have nothing new, or do not connect to the chain.
    Useless,
    /// They break a rule.
    Broken(LinkError),
    /// They are all that can be had for now.
    Branch(Branch),
}

/// A branch of headers that keep every rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Branch {
    /// The hash of the block that it begins after, and the hashes of its own blocks.
    pub hashes: Vec<BlockHash>,
    /// Weight of the chain up to its tip.
    pub weight: Weight,
    /// Its last block.
    pub tip: BlockHash,
    /// Height of its last block.
    pub height: Height,
    /// Whether it has the sealed block.
    pub anchored: bool,
    /// Why it ends there.
    pub end: End,
}

/// Why a branch of headers ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is no more of it.
    Tip,
    /// More is not judged at once.
    Full,
    /// The peer serves no more at the moment, even after waiting.
    Busy,
    /// The next block has this time, which is too far ahead.
    Ahead(Timestamp),
}

/// The outcome for blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BlocksFound {
    /// They were not asked for.
    Ignored,
    /// The peer hands out nothing, or too little at a time.
    Stalled,
    /// They wait until the page before them is verified.
    Wait,
    /// They must be verified.
    Page(Vec<Block>),
}

/// The outcome for short blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ShortBlocksFound {
    /// They were not asked for.
    Ignored,
    /// The peer hands out nothing, or too little at a time.
    Stalled,
    /// They were taken in.
    Taken,
}

/// The outcome for the votes of a block.
#[derive(Debug)]
pub(super) enum VotesFound {
    /// They were not asked for.
    Ignored,
    /// The peer hands out nothing.
    Stalled,
    /// The block arrived in another way meanwhile.
    Known,
    /// The complete block.
    Block(CheckedBlock),
    /// They are not the block's: it is fetched whole.
    Others,
    /// They break a rule.
    Broken(BlockError),
}

/// What the driver must verify of a page.
pub(super) enum ToVerify {
    /// These signatures.
    Signatures(Signatures),
    /// Nothing: the page is ready.
    Nothing(VerifiedPage),
}

/// Blocks that were verified, up to the first that is not valid.
#[derive(Debug)]
pub(super) struct VerifiedPage {
    /// Who sent them.
    pub from: Peer,
    /// The valid blocks.
    pub blocks: Vec<CheckedBlock>,
    /// What is wrong with the next block. Its hash is given if its signatures are wrong: the hash
    /// commits to them.
    pub offender: Option<(BlockError, Option<BlockHash>)>,
    /// Whether the page raises the reputation of its peer.
    pub counts: bool,
}

/// What the download needs next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it waits for an answer or a verdict, or there is no download.
    Wait,
    /// To ask a peer.
    Ask(Peer, Message),
    /// To take in a block; all of its votes were here.
    Take(Peer, CheckedBlock),
    /// To reject its peer.
    Broken(Peer, BlockError),
    /// Nothing more: it is complete.
    Done(Peer),
}

impl Sync {
    /// When the peer must have answered.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.download.as_ref().map(|download| download.deadline)
    }

    /// The height that the download will reach.
    pub fn target(&self) -> Option<Height> {
        self.download.as_ref().map(|download| download.target)
    }

    /// The peer of the download.
    pub(super) fn peer(&self) -> Option<Peer> {
        self.download.as_ref().map(|download| download.peer)
    }

    /// Whether the download is from this peer.
    pub(super) fn is_from(&self, peer: Peer) -> bool {
        self.peer() == Some(peer)
    }

    /// Whether blocks are being fetched whose headers proved their weight. A claim alone proves
    /// nothing, and must not keep this node from announcing its own blocks.
    pub(super) fn is_fetching(&self) -> bool {
        match self.download.as_ref().map(|download| &download.stage) {
            None | Some(Stage::Headers { .. }) => false,
            Some(Stage::Blocks { .. }) => true,
        }
    }

    /// Whether a page is being verified.
    pub(super) fn is_verifying(&self) -> bool {
        self.verifying.is_some()
    }

    /// The peer whose answer is overdue.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<Peer> {
        self.download.as_ref().filter(|download| now >= download.deadline).map(|it| it.peer)
    }

    /// A relay is gone, and with it a download over it.
    pub(super) fn link_down(&mut self, link: LinkId) {
        if self.peer().is_some_and(|peer| peer.link == link) {
            self.end();
        }
    }

    /// Ends the download. A page that is being verified is still taken in. Returns whether to
    /// compare votes with its peer.
    pub(super) fn end(&mut self) -> bool {
        self.waiting = None;
        self.download.take().is_some_and(|download| download.compares)
    }

    /// Votes are to be compared with the peer of the download when it is over.
    pub(super) fn compare_when_done(&mut self) {
        if let Some(download) = &mut self.download {
            download.compares = true;
        }
    }

    /// The download's peer left a question unanswered.
    pub(super) fn stalled(&mut self, peer: Peer) {
        if let Some(page) = self.verifying.as_mut().filter(|page| page.from == peer) {
            page.stalled = true;
        }
        self.stalls = self.stalls.saturating_add(1);
    }

    /// A peer handed out good blocks: this node's line is not to blame for earlier stalls.
    pub(super) fn forgive_stalls(&mut self) {
        self.stalls = self.stalls.min(1);
    }

    /// Begins a download in place of the one before.
    fn begin(&mut self, now: Timestamp, peer: Peer, stage: Stage, target: Height) {
        let deadline =
            now.plus_ms((FIRST_ANSWER_WITHIN_MS << self.stalls.min(2)).min(ANSWER_WITHIN_MS));
        let pace = Pace { asked_at: now, drips: 0 };
        let download = Download { peer, stage, deadline, target, pace, compares: false };
        (self.download, self.waiting) = (Some(download), None);
    }

    /// Begins a download of headers from a peer that claims a better chain.
    pub(super) fn begin_headers(
        &mut self,
        now: Timestamp,
        peer: Peer,
        claimed: Height,
        locator: Vec<BlockHash>,
    ) -> Message {
        let (start, ancestry, hashes, again, busy) = (None, None, Vec::new(), None, 0);
        let stage = Stage::Headers { start, ancestry, hashes, again, busy };
        self.begin(now, peer, stage, claimed);
        Message::GetHeaders(locator)
    }

    /// Begins to fetch one block whose header was announced and checked, or its missing votes.
    pub(super) fn begin_block(
        &mut self,
        now: Timestamp,
        peer: Peer,
        header: &Header,
        parts: Option<Parts>,
    ) -> Message {
        let hash = header.hash();
        let (question, asked) = match parts {
            Some(parts) => {
                (Message::GetBlockVotes(hash, parts.missing.clone()), Asked::Votes(parts))
            }
            None => (Message::GetBlocks(vec![hash]), Asked::Whole(1)),
        };
        let stage = Stage::Blocks { wanted: [hash].into(), by_ids: None, asked };
        self.begin(now, peer, stage, header.height);
        question
    }

    /// Begins to fetch the blocks of a branch, from the peer that sent its headers.
    pub(super) fn begin_blocks(
        &mut self,
        wanted: VecDeque<BlockHash>,
        target: Height,
        by_ids: Option<ByIds>,
    ) {
        if let Some(download) = &mut self.download {
            download.stage = Stage::Blocks { wanted, by_ids, asked: Asked::Nothing };
            download.target = target;
        }
    }

    /// Reads headers.
    pub(super) fn on_headers(
        &mut self,
        now: Timestamp,
        from: Peer,
        headers: &[Header],
        chain: &Chain,
    ) -> HeadersFound {
        let download = self.download.as_mut().filter(|download| download.peer == from);
        let Some(Download {
            stage: Stage::Headers { start, ancestry, hashes, again, busy },
            deadline,
            target,
            ..
        }) = download
        else {
            return HeadersFound::Ignored;
        };
        if ancestry.is_none() {
            *start = headers.first().map(|header| header.previous);
            *ancestry = start.and_then(|hash| chain.ancestry(&hash)).map(Box::new);
        }
        if headers.is_empty() && ancestry.is_none() {
            return HeadersFound::Stalled;
        }
        let Some(ancestry) = ancestry else {
            return HeadersFound::Useless;
        };
        if headers.first().is_some_and(|header| header.previous != ancestry.tip()) {
            // A page that arrived twice or late: what was asked for has not arrived yet.
            return HeadersFound::Ignored;
        }
        if headers.is_empty() && ancestry.height() < *target && *busy < MAX_BUSY {
            *busy += 1;
            *again = Some(now.plus_ms(BUSY_MS));
            *deadline = now.plus_ms(BUSY_MS + FIRST_ANSWER_WITHIN_MS);
            return HeadersFound::Later;
        }
        let withheld = headers.is_empty() && ancestry.height() < *target;
        let mut end = if withheld { End::Busy } else { End::Tip };
        for header in headers {
            match ancestry.extend(chain.election(), header, now) {
                Ok(hash) if chain.is_invalid(&hash) => {
                    return HeadersFound::Broken(LinkError::InvalidParent(header.height));
                }
                Ok(hash) => hashes.push(hash),
                Err(LinkError::Ahead { found, .. }) => {
                    end = End::Ahead(found);
                    break;
                }
                Err(error) => return HeadersFound::Broken(error),
            }
        }
        if end == End::Tip && headers.len() == MAX_HEADERS {
            if hashes.len() < MAX_CANDIDATE {
                *deadline = now.plus_ms(ANSWER_WITHIN_MS);
                return HeadersFound::Ask(Message::GetHeaders(vec![ancestry.tip()]));
            }
            end = End::Full;
        }
        let hashes: Vec<_> = start.iter().copied().chain(std::mem::take(hashes)).collect();
        let anchored = chain.anchor().is_some_and(|anchor| {
            hashes.contains(&anchor) || start.is_some_and(|hash| chain.leads_over_anchor(&hash))
        });
        HeadersFound::Branch(Branch {
            hashes,
            weight: ancestry.weight(chain.election()),
            tip: ancestry.tip(),
            height: ancestry.height(),
            anchored,
            end,
        })
    }

    /// The question for headers that is due again.
    pub(super) fn ask_again(&mut self, now: Timestamp) -> Option<(Peer, Message)> {
        let Some(Download {
            peer,
            stage: Stage::Headers { ancestry: Some(ancestry), again, .. },
            ..
        }) = &mut self.download
        else {
            return None;
        };
        again.take_if(|again| now >= *again)?;
        Some((*peer, Message::GetHeaders(vec![ancestry.tip()])))
    }

    /// The next step. While a page of whole blocks is verified, one more is fetched, and no more.
    /// Short blocks wait meanwhile, because they build on that page.
    pub(super) fn next(&mut self, now: Timestamp, here: &BallotBox) -> Next {
        let verifying = self.is_verifying();
        let Some(Download {
            peer,
            stage: Stage::Blocks { wanted, by_ids, asked },
            deadline,
            pace,
            ..
        }) = &mut self.download
        else {
            return Next::Wait;
        };
        if matches!(asked, Asked::Votes(_)) {
            return Next::Wait;
        }
        let nothing_to_ask = wanted.is_empty() || by_ids.is_some();
        if self.waiting.is_some() || (verifying && nothing_to_ask) {
            *deadline = NOTHING_DUE;
            return Next::Wait;
        }
        let Some(first) = wanted.front().copied() else { return Next::Done(*peer) };
        let page = wanted.len().min(MAX_BLOCKS_ASKED);
        *asked = match (by_ids, &*asked) {
            (None, _) => Asked::Whole(page),
            (Some(_), Asked::Whole(left)) => Asked::Whole(*left),
            (Some(by_ids), _) => match by_ids.next(here) {
                None => Asked::Short(page),
                Some(Filled::Block(block)) => {
                    wanted.pop_front();
                    return Next::Take(*peer, block);
                }
                Some(Filled::Parts(parts)) => Asked::Votes(parts),
                Some(Filled::Whole) => {
                    Asked::Whole(1 + by_ids.skip_unknown(MAX_BLOCKS_ASKED - 1, here))
                }
                Some(Filled::Broken(error)) => return Next::Broken(*peer, error),
            },
        };
        let hashes = |count: usize| wanted.iter().take(count).copied().collect();
        let question = match asked {
            Asked::Nothing => return Next::Wait,
            Asked::Whole(count) => Message::GetBlocks(hashes(*count)),
            Asked::Short(count) => Message::GetShortBlocks(hashes(*count)),
            Asked::Votes(parts) => Message::GetBlockVotes(first, parts.missing.clone()),
        };
        (*deadline, pace.asked_at) = (now.plus_ms(ANSWER_WITHIN_MS), now);
        Next::Ask(*peer, question)
    }

    /// Reads blocks.
    pub(super) fn on_blocks(
        &mut self,
        now: Timestamp,
        from: Peer,
        blocks: Vec<Block>,
    ) -> BlocksFound {
        let download = self.download.as_mut().filter(|download| download.peer == from);
        let Some(Download { stage: Stage::Blocks { wanted, asked, .. }, pace, .. }) = download
        else {
            return BlocksFound::Ignored;
        };
        let Asked::Whole(left) = asked else { return BlocksFound::Ignored };
        let bytes = blocks.iter().map(Block::encoded_len).sum();
        if blocks.is_empty() || pace.is_too_slow(now, blocks.len() < *left, bytes) {
            return BlocksFound::Stalled;
        }
        let mut fitting = Vec::with_capacity(blocks.len());
        for block in blocks {
            if *left == 0 || wanted.front() != Some(&block.header.hash()) {
                // Not what was asked for: a late answer to an earlier question.
                break;
            }
            wanted.pop_front();
            *left -= 1;
            fitting.push(block);
        }
        if fitting.is_empty() {
            return BlocksFound::Ignored;
        }
        if *left == 0 || self.verifying.is_some() {
            // While a page waits, nothing is asked for.
            *asked = Asked::Nothing;
        }
        if self.verifying.is_some() {
            self.waiting = Some(fitting);
            return BlocksFound::Wait;
        }
        BlocksFound::Page(fitting)
    }

    /// Reads short blocks.
    pub(super) fn on_short_blocks(
        &mut self,
        now: Timestamp,
        from: Peer,
        blocks: Vec<ShortBlock>,
    ) -> ShortBlocksFound {
        let download = self.download.as_mut().filter(|download| download.peer == from);
        let Some(Download {
            stage: Stage::Blocks { wanted, by_ids: Some(by_ids), asked: asked @ Asked::Short(_) },
            pace,
            ..
        }) = download
        else {
            return ShortBlocksFound::Ignored;
        };
        let fell_short = matches!(asked, Asked::Short(count) if blocks.len() < *count);
        let bytes = blocks.iter().map(|block| HEADER_BYTES + 8 * block.votes.len()).sum();
        if blocks.is_empty() || pace.is_too_slow(now, fell_short, bytes) {
            return ShortBlocksFound::Stalled;
        }
        let pairs = blocks.into_iter().zip(wanted.iter());
        let fitting = pairs.take_while(|(block, wanted)| block.header.hash() == **wanted);
        by_ids.extend(fitting.map(|(block, _)| block));
        if by_ids.is_empty() {
            return ShortBlocksFound::Ignored;
        }
        *asked = Asked::Nothing;
        ShortBlocksFound::Taken
    }

    /// Checks a page except for its signatures, which are left to the driver.
    pub(super) fn begin_verifying(
        &mut self,
        from: Peer,
        blocks: Vec<Block>,
        context: &ElectionContext,
    ) -> ToVerify {
        let blocks = UnverifiedBlocks::check(blocks, context);
        let list = blocks.signatures(context);
        if list.is_empty() {
            return ToVerify::Nothing(VerifiedPage::new(from, blocks, Ok(()), true));
        }
        self.last_id += 1;
        let id = self.last_id;
        self.verifying = Some(Verifying { id, from, blocks, stalled: false });
        ToVerify::Signatures(Signatures { id, list })
    }

    /// The page that a verdict is for; `None` if no such page is being verified.
    pub(super) fn verified(&mut self, id: u64, verdict: Result<(), usize>) -> Option<VerifiedPage> {
        let Verifying { from, blocks, stalled, .. } =
            self.verifying.take_if(|verifying| verifying.id == id)?;
        Some(VerifiedPage::new(from, blocks, verdict, !stalled))
    }

    /// The page that waited for the one before it to be verified.
    pub(super) fn take_waiting(&mut self) -> Option<Vec<Block>> {
        self.waiting.take()
    }

    /// Whether the download waits for a verdict, not for its peer.
    pub(super) fn is_nothing_due(&self) -> bool {
        self.deadline() == Some(NOTHING_DUE)
    }

    /// Puts a block together; if the votes do not fit, it is fetched whole. `known` says whether
    /// the block is here already.
    pub(super) fn on_block_votes(
        &mut self,
        now: Timestamp,
        from: Peer,
        hash: BlockHash,
        sent: Vec<Vote>,
        known: bool,
        context: &ElectionContext,
    ) -> VotesFound {
        let download = self.download.as_mut().filter(|download| download.peer == from);
        let Some(Download { stage: Stage::Blocks { wanted, asked, .. }, pace, .. }) = download
        else {
            return VotesFound::Ignored;
        };
        if !matches!(asked, Asked::Votes(parts) if parts.header.hash() == hash) {
            return VotesFound::Ignored;
        }
        if sent.is_empty() {
            return VotesFound::Stalled;
        }
        let Asked::Votes(Parts { header, votes, .. }) = std::mem::replace(asked, Asked::Nothing)
        else {
            return VotesFound::Ignored;
        };
        if known {
            wanted.pop_front();
            return VotesFound::Known;
        }
        // What was not asked for is left out.
        match Block::complete(header, votes, sent, context) {
            Ok(block) => {
                wanted.pop_front();
                VotesFound::Block(block)
            }
            // Two votes share a short id, or not all votes fitted, or the peer lied: the whole
            // block shows it.
            Err(error) if error.is_other_votes() => {
                *asked = Asked::Whole(1);
                if pace.is_too_slow(now, true, 0) {
                    VotesFound::Stalled
                } else {
                    VotesFound::Others
                }
            }
            Err(error) => VotesFound::Broken(error),
        }
    }
}

/// How fast a peer hands blocks out.
struct Pace {
    /// When it was asked last.
    asked_at: Timestamp,
    /// How often less arrived than was asked for, and too slowly, since something arrived fast
    /// enough.
    drips: u8,
}

impl Pace {
    /// Takes in an answer; returns whether the peer drips for the third time: it would keep the
    /// download going for days.
    fn is_too_slow(&mut self, now: Timestamp, fell_short: bool, bytes: usize) -> bool {
        let took = now.ms_since(self.asked_at);
        if took <= DRIP_MS || (bytes as u64) * 1000 / took >= DRIP_BYTES_PER_SECOND {
            self.drips = 0;
        } else if fell_short {
            self.drips += 1;
        }
        self.drips >= 3
    }
}

impl VerifiedPage {
    fn new(from: Peer, page: UnverifiedBlocks, verdict: Result<(), usize>, counts: bool) -> Self {
        let hashes: Vec<_> = page.hashes().collect();
        let (mut blocks, mut offender) = (Vec::with_capacity(hashes.len()), None);
        for block in page.settle(verdict) {
            match block {
                Ok(block) => blocks.push(block),
                Err(error) => offender = Some((error, hashes.get(blocks.len()).copied())),
            }
        }
        Self { from, blocks, offender, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        election::vote::CheckedVote,
        testkit::{self, NOW, block, chain_of, context, vote},
        wire::frame::PeerId,
    };

    const PEER: Peer = Peer { link: LinkId(0), id: PeerId(1) };
    const OTHER: Peer = Peer { link: LinkId(0), id: PeerId(2) };

    /// A block of two votes, the first of which is here.
    fn second_missing(header: &Header, here: CheckedVote) -> Parts {
        Parts { header: header.clone(), votes: vec![Some(here), None], missing: vec![1] }
    }

    fn nothing_here() -> BallotBox {
        BallotBox::new(context())
    }

    /// The blocks of a chain above the first one.
    fn blocks(chain: &Chain) -> Vec<Block> {
        let heights = (2..=chain.height().0).map(Height);
        heights.map(|height| chain.block_at(height).unwrap().to_block()).collect()
    }

    fn headers(chain: &Chain) -> Vec<Header> {
        blocks(chain).into_iter().map(|block| block.header).collect()
    }

    fn hashes(chain: &Chain) -> Vec<BlockHash> {
        headers(chain).iter().map(Header::hash).collect()
    }

    /// A download of headers from [`PEER`], by a node whose chain is `ours`.
    fn asking(ours: &Chain) -> Sync {
        let mut sync = Sync::default();
        let question = sync.begin_headers(NOW, PEER, Height(4), ours.locator());
        assert_eq!(question, Message::GetHeaders(ours.locator()));
        sync
    }

    /// A download of these blocks from [`PEER`].
    fn fetching(wanted: Vec<BlockHash>) -> Sync {
        let mut sync = asking(&chain_of(0));
        sync.begin_blocks(wanted.into(), Height(4), None);
        sync
    }

    #[test]
    fn headers_that_meet_the_chain_are_a_branch() {
        let (ours, theirs) = (chain_of(0), chain_of(3));
        let mut sync = asking(&ours);
        let found = sync.on_headers(NOW, PEER, &headers(&theirs), &ours);
        let HeadersFound::Branch(branch) = found else { panic!("{found:?}") };
        assert_eq!(branch.hashes[1..], hashes(&theirs));
        assert_eq!(branch.hashes[0], ours.tip().hash());
        let (weight, tip) = (theirs.weight(), theirs.tip().hash());
        assert_eq!((branch.weight, branch.tip, branch.height), (weight, tip, Height(4)));
        assert!(branch.end == End::Tip && !branch.anchored);
    }

    #[test]
    fn a_branch_is_judged_to_its_end_however_many_headers_it_has() {
        const HEADERS: usize = 50_001;
        let ours = chain_of(0);
        let mut sync = asking(&ours);
        let mut parent = ours.tip().header().clone();
        let (mut now, mut page) = (NOW, Vec::new());
        for number in 1..=HEADERS {
            now = now.plus_ms(10_000);
            let next = testkit::block_at(ours.election(), &parent, now, vec![vote(1, "")], |_| ());
            parent = next.header.clone();
            page.push(next.header);
            if number % MAX_HEADERS != 0 && number < HEADERS {
                continue;
            }
            let found = sync.on_headers(now, PEER, &std::mem::take(&mut page), &ours);
            if number < HEADERS {
                let next = Message::GetHeaders(vec![parent.hash()]);
                assert_eq!(found, HeadersFound::Ask(next));
            } else {
                let HeadersFound::Branch(branch) = found else { panic!("{found:?}") };
                assert_eq!((branch.tip, branch.hashes.len()), (parent.hash(), HEADERS + 1));
                assert_eq!(branch.end, End::Tip);
            }
        }
    }

    #[test]
    fn who_serves_no_more_at_the_moment_is_asked_again_for_a_while() {
        let (ours, theirs) = (chain_of(0), chain_of(5));
        // The first part of a full page, in small, arrived before.
        let (first, rest) = (headers(&theirs)[..3].to_vec(), headers(&theirs)[3..].to_vec());
        let after_it = |busy| {
            let mut sync = Sync::default();
            let mut walked = ours.ancestry(&first[0].previous).unwrap();
            let hashes =
                first.iter().map(|it| walked.extend(ours.election(), it, NOW).unwrap()).collect();
            let (start, ancestry) = (Some(first[0].previous), Some(Box::new(walked)));
            let stage = Stage::Headers { start, ancestry, hashes, again: None, busy };
            sync.begin(NOW, PEER, stage, theirs.height());
            sync
        };
        let mut sync = after_it(0);
        let question = Message::GetHeaders(vec![first[2].hash()]);
        for round in 0..u64::from(MAX_BUSY) {
            let now = NOW.plus_ms(round * BUSY_MS);
            assert_eq!(sync.on_headers(now, PEER, &[], &ours), HeadersFound::Later);
            assert_eq!(sync.ask_again(now.plus_ms(BUSY_MS - 1)), None);
            assert_eq!(sync.ask_again(now.plus_ms(BUSY_MS)), Some((PEER, question.clone())));
            assert_eq!(sync.ask_again(now.plus_ms(BUSY_MS)), None, "once");
        }
        // It is not waited for again, however much it serves meanwhile.
        let found =
            |headers: &[Header]| match after_it(MAX_BUSY).on_headers(NOW, PEER, headers, &ours) {
                HeadersFound::Branch(branch) => (branch.hashes.len(), branch.end),
                found => panic!("{found:?}"),
            };
        assert_eq!([found(&rest), found(&[])], [(6, End::Tip), (4, End::Busy)]);
    }

    #[test]
    fn headers_are_read_from_whom_they_were_asked_and_only_where_they_fit() {
        let (ours, theirs) = (chain_of(1), chain_of(3));
        let headers = headers(&theirs);
        let mut sync = asking(&ours);
        assert_eq!(sync.on_headers(NOW, OTHER, &headers, &ours), HeadersFound::Ignored);
        assert_eq!(sync.on_headers(NOW, PEER, &[], &ours), HeadersFound::Stalled);
        let mut broken = headers[..2].to_vec();
        broken[1].height = Height(7);
        let found = asking(&ours).on_headers(NOW, PEER, &broken, &ours);
        assert!(matches!(found, HeadersFound::Broken(_)), "{found:?}");
        let strange = vec![chain_of(5).tip().header().clone()];
        assert_eq!(asking(&ours).on_headers(NOW, PEER, &strange, &ours), HeadersFound::Useless);
    }

    #[test]
    fn a_slow_answer_is_overdue_sooner_the_first_time() {
        let mut sync = asking(&chain_of(0));
        assert_eq!(sync.overdue(NOW.plus_ms(5_999)), None);
        assert_eq!(sync.overdue(NOW.plus_ms(6_000)), Some(PEER));
        sync.stalled(PEER);
        sync.begin_headers(NOW, OTHER, Height(4), Vec::new());
        assert_eq!(sync.overdue(NOW.plus_ms(6_000)), None);
        assert_eq!(sync.overdue(NOW.plus_ms(12_000)), Some(OTHER));
    }

    #[test]
    fn one_page_is_verified_while_one_more_is_fetched() {
        let context = context();
        let theirs = chain_of(3);
        let mut sync = fetching(hashes(&theirs));
        let all = Message::GetBlocks(hashes(&theirs));
        assert_eq!(sync.next(NOW, &nothing_here()), Next::Ask(PEER, all));
        let page = |range: std::ops::Range<usize>| blocks(&theirs)[range].to_vec();
        assert_eq!(sync.on_blocks(NOW, PEER, page(0..1)), BlocksFound::Page(page(0..1)));
        // In an open election there is nothing to verify; this acts as if there were.
        sync.verifying = Some(Verifying {
            id: 1,
            from: PEER,
            blocks: UnverifiedBlocks::check(page(0..1), &context),
            stalled: false,
        });
        assert!(matches!(sync.next(NOW, &nothing_here()), Next::Ask(PEER, _)));
        assert_eq!(sync.on_blocks(NOW, PEER, page(1..2)), BlocksFound::Wait);
        assert_eq!(sync.next(NOW, &nothing_here()), Next::Wait);
        assert!(sync.is_nothing_due());
        assert_eq!(
            sync.on_blocks(NOW, PEER, page(2..3)),
            BlocksFound::Ignored,
            "nothing was asked for"
        );
        assert!(sync.verified(9, Ok(())).is_none());
        let done = sync.verified(1, Ok(())).unwrap();
        assert_eq!((done.blocks.len(), done.counts), (1, true));
        assert_eq!(sync.take_waiting(), Some(page(1..2)));
        assert!(matches!(sync.next(NOW, &nothing_here()), Next::Ask(PEER, _)));
        assert_eq!(sync.on_blocks(NOW, PEER, page(2..3)), BlocksFound::Page(page(2..3)));
        assert_eq!(sync.next(NOW, &nothing_here()), Next::Done(PEER));
    }

    #[test]
    fn blocks_that_were_not_asked_for_are_passed_over() {
        let theirs = chain_of(3);
        let mut sync = fetching(hashes(&theirs)[..1].to_vec());
        let sent = blocks(&theirs);
        assert_eq!(sync.on_blocks(NOW, PEER, sent.clone()), BlocksFound::Ignored, "not yet");
        sync.next(NOW, &nothing_here());
        assert_eq!(sync.on_blocks(NOW, OTHER, sent.clone()), BlocksFound::Ignored);
        assert_eq!(sync.on_blocks(NOW, PEER, sent[1..].to_vec()), BlocksFound::Ignored);
        assert_eq!(sync.on_blocks(NOW, PEER, sent.clone()), BlocksFound::Page(sent[..1].to_vec()));
        assert_eq!(sync.on_blocks(NOW, PEER, Vec::new()), BlocksFound::Ignored, "answered");
        let mut sync = fetching(hashes(&theirs));
        sync.next(NOW, &nothing_here());
        assert_eq!(sync.on_blocks(NOW, PEER, Vec::new()), BlocksFound::Stalled);
    }

    #[test]
    fn whoever_lets_blocks_drip_is_given_up_at_the_third_drip() {
        let theirs = chain_of(5);
        let mut sync = fetching(hashes(&theirs));
        let mut now = NOW;
        for (drips, block) in blocks(&theirs).into_iter().enumerate() {
            assert!(matches!(sync.next(now, &nothing_here()), Next::Ask(..)));
            now = now.plus_ms(DRIP_MS + 1);
            match sync.on_blocks(now, PEER, vec![block]) {
                BlocksFound::Stalled => return assert_eq!(drips, 2),
                found => assert!(matches!(found, BlocksFound::Page(_)), "{found:?}"),
            }
        }
        panic!("three drips are not enough");
    }

    #[test]
    fn whole_blocks_in_between_do_not_hide_that_short_ones_drip() {
        let (here, theirs) = (nothing_here(), chain_of(9));
        let mut sync = asking(here.chain());
        let by_ids = ByIds::new(&here, &here.chain().tip().hash());
        sync.begin_blocks(hashes(&theirs).into(), Height(10), Some(by_ids));
        let mut now = NOW;
        for (rounds, block) in blocks(&theirs).into_iter().enumerate() {
            assert!(matches!(sync.next(now, &here), Next::Ask(_, Message::GetShortBlocks(_))));
            now = now.plus_ms(DRIP_MS + 1);
            let short = ShortBlock { header: block.header.clone(), votes: Vec::new() };
            match sync.on_short_blocks(now, PEER, vec![short]) {
                ShortBlocksFound::Stalled => return assert_eq!(rounds, 2),
                found => assert_eq!(found, ShortBlocksFound::Taken),
            }
            // It lied: the whole block is asked for, and comes just as slowly.
            assert!(matches!(sync.next(now, &here), Next::Ask(_, Message::GetBlocks(_))));
            now = now.plus_ms(DRIP_MS + 1);
            let page = BlocksFound::Page(vec![block.clone()]);
            assert_eq!(sync.on_blocks(now, PEER, vec![block]), page);
        }
        panic!("it drips on");
    }

    #[test]
    fn a_page_whose_peer_stalled_since_counts_for_nothing() {
        let theirs = chain_of(1);
        let mut sync = fetching(hashes(&theirs));
        let blocks = UnverifiedBlocks::check(blocks(&theirs), &context());
        sync.verifying = Some(Verifying { id: 1, from: PEER, blocks, stalled: false });
        sync.stalled(PEER);
        sync.end();
        let page = sync.verified(1, Err(0)).unwrap();
        assert!(page.blocks.is_empty() && !page.counts);
        let hash = page.offender.unwrap().1;
        assert_eq!(hash, hashes(&theirs).first().copied());
    }

    #[test]
    fn the_missing_votes_of_an_announced_block_are_asked_for() {
        let context = context();
        let theirs = chain_of(1);
        let block = blocks(&theirs).remove(0);
        let hash = block.header.hash();
        let begun = |parts| {
            let mut sync = Sync::default();
            let question = sync.begin_block(NOW, PEER, &block.header, parts);
            (sync, question)
        };
        let (_, question) = begun(None);
        assert_eq!(question, Message::GetBlocks(vec![hash]));
        let here = block.votes[0].clone().into_checked(&context).unwrap();
        let (mut sync, question) = begun(Some(second_missing(&block.header, here.clone())));
        assert_eq!(question, Message::GetBlockVotes(hash, vec![1]));
        let votes = || block.votes.clone();
        let ignored = sync.on_block_votes(NOW, OTHER, hash, votes(), false, &context);
        assert!(matches!(ignored, VotesFound::Ignored));
        let stalled = sync.on_block_votes(NOW, PEER, hash, Vec::new(), false, &context);
        assert!(matches!(stalled, VotesFound::Stalled));
        let known = sync.on_block_votes(NOW, PEER, hash, votes(), true, &context);
        assert!(matches!(known, VotesFound::Known));
        // The block has one vote, not two: what arrived is not its own.
        let (mut sync, _) = begun(Some(second_missing(&block.header, here)));
        let whole = sync.on_block_votes(NOW, PEER, hash, votes(), false, &context);
        assert!(matches!(whole, VotesFound::Others));
        let question = sync.next(NOW, &nothing_here());
        assert_eq!(question, Next::Ask(PEER, Message::GetBlocks(vec![hash])));
    }

    #[test]
    fn what_came_for_an_announced_block_is_put_in_and_checked() {
        let (context, chain) = (context(), chain_of(0));
        let found = |change: fn(&mut Vec<Vote>)| {
            let mut votes = vec![vote(1, "Yes"), vote(2, "Yes")];
            change(&mut votes);
            let block = block(&chain, votes.clone(), |_| ());
            let here = vote(1, "Yes").into_checked(&context).unwrap();
            let parts = second_missing(&block.header, here);
            let mut sync = Sync::default();
            sync.begin_block(NOW, PEER, &block.header, Some(parts));
            let (hash, came) = (block.header.hash(), vec![votes[1].clone()]);
            (hash, sync.on_block_votes(NOW, PEER, hash, came, false, &context))
        };
        let (hash, good) = found(|_| ());
        assert!(matches!(good, VotesFound::Block(block) if block.hash() == hash));
        let (_, foreign) = found(|votes| votes[1].election.0[0] ^= 1);
        assert!(matches!(foreign, VotesFound::Broken(BlockError::Vote { number: 2, .. })));
    }
}
