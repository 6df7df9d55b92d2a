//! Which header to mine, and what to do with a nonce that was found.
//!
//! Miners have no memory, so a new job costs nothing but a message; it is still made at most once
//! a second while votes pour in, and every few seconds for its time to stay true.

use std::collections::VecDeque;

use super::{Event, Job, Node};
use crate::{
    chain::{
        ancestry::LinkError,
        block::{Block, MAX_BLOCK_BYTES},
        difficulty::Difficulty,
        header::{HEADER_BYTES, Header},
    },
    election::vote::CheckedVote,
    time::Timestamp,
};

/// New votes join the job after this time.
const RENEW_WITH_VOTES_MS: u64 = 1_000;
/// The job's time is brought up to date after this time.
const RENEW_TIME_MS: u64 = 5_000;
/// Jobs whose result is still taken.
const MAX_JOBS: usize = 4;

#[derive(Default)]
pub(super) struct Mining {
    pub on: bool,
    pub once: bool,
    /// Whether votes or the tip changed since the last job.
    pub stale: bool,
    jobs: VecDeque<(Job, Vec<CheckedVote>)>,
    /// When the job that the miners have was made; nothing while they rest.
    made: Option<Timestamp>,
    counter: u64,
}

impl Node {
    /// Makes, renews or withdraws the job.
    pub(super) fn refresh_job(&mut self, now: Timestamp) {
        let wanted = (self.mining.on || self.mining.once)
            && !self.pending.is_empty()
            && self.block_time(now).is_some();
        if !wanted {
            if self.mining.made.take().is_some() {
                self.out.mine(None);
            }
            return;
        }
        let parent = self.mining.jobs.back().map(|(job, _)| job.header.previous);
        let renew = if self.mining.stale { RENEW_WITH_VOTES_MS } else { RENEW_TIME_MS };
        let fresh = self.mining.made.is_some_and(|made| now.ms_since(made) < renew);
        if fresh && parent == Some(self.chain.tip().hash()) {
            return;
        }
        let Some((header, votes)) = self.template(now) else {
            return;
        };
        self.mining.counter += 1;
        let job = Job { id: self.mining.counter, header };
        self.mining.jobs.push_back((job.clone(), votes));
        if self.mining.jobs.len() > MAX_JOBS {
            self.mining.jobs.pop_front();
        }
        self.mining.made = Some(now);
        self.mining.stale = false;
        self.out.mine(Some(job));
    }

    /// Time of a block made now, if one may be made: in the opening hours, and never after a seal.
    /// Votes that were taken before the closing time still get into a block that is dated before
    /// it; an early closing ends the taking of votes, not the mining of those taken.
    pub fn block_time(&self, now: Timestamp) -> Option<Timestamp> {
        let election = self.chain.election();
        let median = self.chain.ancestry(&self.chain.tip().hash())?.median();
        let latest = election.closes.map_or(u64::MAX, |closes| closes.0.saturating_sub(1));
        let time = Timestamp(now.0.min(latest)).max(median.plus_ms(1));
        let begun = election.opens.is_none_or(|opens| now >= opens);
        (begun && election.is_open_at(time) && !self.chain.is_anchored()).then_some(time)
    }

    /// A block on the tip with the pending votes in order, as many as fit.
    fn template(&self, now: Timestamp) -> Option<(Header, Vec<CheckedVote>)> {
        let tip = self.chain.tip();
        let timestamp = self.block_time(now)?;
        let mut bytes = HEADER_BYTES + 4;
        let mut votes = Vec::new();
        for vote in self.pending.iter() {
            bytes += borsh::object_length(vote.vote()).ok()?;
            if bytes > MAX_BLOCK_BYTES {
                break;
            }
            votes.push(vote.clone());
        }
        let parameters = &self.chain.election().parameters;
        let root = Block::votes_root(votes.iter().map(CheckedVote::vote));
        let header = Header::next(tip.header(), root, timestamp, parameters);
        Some((header, votes))
    }

    /// Difficulty that a block made now would have to meet.
    pub fn current_difficulty(&self, now: Timestamp) -> Difficulty {
        let tip = self.chain.tip().header();
        let demanded = tip.demand(now, &self.chain.election().parameters);
        Difficulty((demanded.difficulty.0 >> demanded.easing).max(1))
    }

    pub(super) fn mined(&mut self, now: Timestamp, id: u64, nonce: u64) {
        let Some((job, votes)) = self.mining.jobs.iter().find(|(job, _)| job.id == id) else {
            return;
        };
        // Two miners that find a nonce for one job would make rivals of their own blocks.
        if job.header.previous != self.chain.tip().hash() {
            return;
        }
        let header = Header { nonce, ..job.header.clone() };
        // The votes were checked when they came in: no signature is verified again. A wrong nonce, from
        // a miner that broke: said, and nothing else happens.
        let block = Block::of_checked(header, votes.clone(), self.chain.context());
        let taken =
            block.map_err(LinkError::from).and_then(|block| self.take_checked(now, block, None));
        if taken.is_err() {
            self.out.event(Event::NetworkChanged);
        }
        if self.mining.made.is_some() {
            self.mining.stale = true;
            self.refresh_job(now);
        }
    }
}
