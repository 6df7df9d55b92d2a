//! Which header the miners work on, and whether a nonce that they found can still be used.
//!
//! Takes the time, the tip and a way to make the next block; returns an [`Order`]. Miners have no
//! memory, so a new job costs only a message. Still it is renewed at most once a second while many
//! votes arrive, and every few seconds so that its time stays right. Invariant: at most
//! [`MAX_JOBS`] jobs.

use std::collections::VecDeque;

use super::interface::Job;
use crate::{
    chain::header::Header, crypto::hash::BlockHash, election::vote::CheckedVote, time::Timestamp,
};

/// New votes join the job after this time.
const RENEW_WITH_VOTES_MS: u64 = 1_000;
/// The job's time is brought up to date after this time.
const RENEW_TIME_MS: u64 = 5_000;
/// Jobs whose result is still taken.
const MAX_JOBS: usize = 4;

/// A block without its nonce: the header and the votes it is over.
type NextBlock = (Header, Vec<CheckedVote>);

/// What the miners are to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on as they are.
    GoOn,
    /// Rest.
    Rest,
    /// Look for a nonce.
    Mine(Job),
}

#[derive(Default)]
pub(super) struct Mining {
    /// Whether to mine whenever votes are pending.
    always: bool,
    /// Whether to mine until the next block.
    once: bool,
    /// Whether votes or the tip changed since the last job.
    stale: bool,
    jobs: VecDeque<(Job, Vec<CheckedVote>)>,
    /// When the job that the miners have was made; `None` while they rest.
    made: Option<Timestamp>,
    counter: u64,
}

impl Mining {
    /// Whether this node mines by itself when votes are pending.
    pub fn is_on(&self) -> bool {
        self.always
    }

    /// Mines whenever votes are pending, or stops that.
    pub fn set_always(&mut self, on: bool) {
        self.always = on;
    }

    /// Mines until the next block, or stops that.
    pub fn set_once(&mut self, on: bool) {
        self.once = on;
    }

    /// Votes arrived, or a nonce was found.
    pub fn votes_changed(&mut self) {
        self.stale = true;
    }

    /// There is a new tip.
    pub fn tip_changed(&mut self) {
        (self.once, self.stale) = (false, true);
    }

    /// Something else is to be built on the same block: what was found before cannot be used, and a
    /// new job is made.
    pub fn begin_anew(&mut self) {
        self.jobs.clear();
    }

    /// Makes, renews or withdraws the job. `possible` says whether there is something to mine, and
    /// `next_block` makes it.
    pub fn refresh(
        &mut self,
        now: Timestamp,
        tip: BlockHash,
        possible: &dyn Fn() -> bool,
        next_block: &dyn Fn() -> Option<NextBlock>,
    ) -> Order {
        if !((self.always || self.once) && possible()) {
            return if self.made.take().is_some() { Order::Rest } else { Order::GoOn };
        }
        let parent = self.jobs.back().map(|(job, _)| job.header.previous);
        let renew = if self.stale { RENEW_WITH_VOTES_MS } else { RENEW_TIME_MS };
        let fresh = self.made.is_some_and(|made| now.ms_since(made) < renew);
        if fresh && parent == Some(tip) {
            return Order::GoOn;
        }
        self.make(now, next_block)
    }

    /// The same while the chain is rebuilt, whatever else was wished. Its blocks have their own
    /// times, so a job stays as it is until it is done.
    pub fn rebuild(
        &mut self,
        now: Timestamp,
        tip: BlockHash,
        next_block: &dyn Fn() -> Option<NextBlock>,
    ) -> Order {
        let parent = self.jobs.back().map(|(job, _)| job.header.previous);
        if self.made.is_some() && parent == Some(tip) {
            return Order::GoOn;
        }
        self.make(now, next_block)
    }

    fn make(&mut self, now: Timestamp, next_block: &dyn Fn() -> Option<NextBlock>) -> Order {
        let Some((header, votes)) = next_block() else {
            // The pending votes are not allowed in a block yet.
            return if self.made.take().is_some() { Order::Rest } else { Order::GoOn };
        };
        self.counter += 1;
        let job = Job { id: self.counter, header };
        self.jobs.push_back((job.clone(), votes));
        if self.jobs.len() > MAX_JOBS {
            self.jobs.pop_front();
        }
        (self.made, self.stale) = (Some(now), false);
        Order::Mine(job)
    }

    /// The block that a nonce completes. `None` if its job is forgotten, or is not on the tip: two
    /// miners that find a nonce for one job would make their own blocks rivals.
    pub fn found(&self, id: u64, nonce: u64, tip: BlockHash) -> Option<NextBlock> {
        let (job, votes) = self.jobs.iter().find(|(job, _)| job.id == id)?;
        let header = Header { nonce, ..job.header.clone() };
        (header.previous == tip).then(|| (header, votes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW, block, chain_of};

    fn next_block() -> NextBlock {
        (block(&chain_of(0), Vec::new(), |_| ()).header, Vec::new())
    }

    fn tip() -> BlockHash {
        next_block().0.previous
    }

    fn refresh(mining: &mut Mining, after: u64) -> Order {
        mining.refresh(NOW.plus_ms(after), tip(), &|| true, &|| Some(next_block()))
    }

    fn on() -> Mining {
        let mut mining = Mining::default();
        mining.set_always(true);
        mining
    }

    #[test]
    fn a_job_is_renewed_after_a_second_with_votes_and_after_five_without() {
        let mut mining = on();
        assert!(matches!(refresh(&mut mining, 0), Order::Mine(Job { id: 1, .. })));
        assert_eq!(refresh(&mut mining, 4_999), Order::GoOn);
        assert!(matches!(refresh(&mut mining, 5_000), Order::Mine(Job { id: 2, .. })));
        mining.votes_changed();
        assert_eq!(refresh(&mut mining, 5_999), Order::GoOn);
        assert!(matches!(refresh(&mut mining, 6_000), Order::Mine(Job { id: 3, .. })));
    }

    #[test]
    fn a_new_tip_brings_a_job_at_once_and_ends_mining_once() {
        let mut mining = on();
        refresh(&mut mining, 0);
        let other = BlockHash([9; 32]);
        let order = mining.refresh(NOW, other, &|| true, &|| Some(next_block()));
        assert!(matches!(order, Order::Mine(_)));
        mining.set_always(false);
        mining.set_once(true);
        assert_eq!(refresh(&mut mining, 1), Order::GoOn);
        mining.tip_changed();
        assert_eq!(refresh(&mut mining, 2), Order::Rest);
        assert_eq!(refresh(&mut mining, 3), Order::GoOn, "it is said once");
    }

    #[test]
    fn a_job_of_a_chain_that_is_built_again_stays_until_its_block_is_made() {
        let mut mining = Mining::default();
        let rebuild = |mining: &mut Mining, after: u64, tip: BlockHash| {
            mining.rebuild(NOW.plus_ms(after), tip, &|| Some(next_block()))
        };
        assert!(matches!(rebuild(&mut mining, 0, tip()), Order::Mine(Job { id: 1, .. })));
        mining.votes_changed();
        assert_eq!(rebuild(&mut mining, 1_000_000, tip()), Order::GoOn);
        let next = rebuild(&mut mining, 1_000_001, BlockHash([9; 32]));
        assert!(matches!(next, Order::Mine(Job { id: 2, .. })));
        mining.begin_anew();
        assert!(matches!(rebuild(&mut mining, 1_000_002, tip()), Order::Mine(Job { id: 3, .. })));
        assert!(mining.found(1, 7, tip()).is_none());
        assert_eq!(refresh(&mut mining, 2_000_000), Order::Rest);
    }

    #[test]
    fn miners_rest_where_there_is_nothing_to_mine() {
        let mut mining = on();
        assert_eq!(mining.refresh(NOW, tip(), &|| false, &|| Some(next_block())), Order::GoOn);
        refresh(&mut mining, 0);
        assert_eq!(mining.refresh(NOW, tip(), &|| false, &|| Some(next_block())), Order::Rest);
    }

    #[test]
    fn a_nonce_is_taken_for_the_last_jobs_on_the_tip_and_no_other() {
        let mut mining = on();
        for job in 0..=MAX_JOBS as u64 {
            refresh(&mut mining, job * RENEW_TIME_MS);
        }
        assert!(mining.found(1, 7, tip()).is_none(), "forgotten");
        assert_eq!(mining.found(2, 7, tip()).unwrap().0.nonce, 7);
        assert!(mining.found(2, 7, BlockHash([9; 32])).is_none(), "not on the tip");
    }
}
