//! What must be told to whole rooms: new votes, which are sent together, and a new tip.
//!
//! Takes what is new and where it was heard; returns what to send where, when it is time. A room
//! where everybody heard it is not told again.

use super::{interface::LinkId, pages::pages};
use crate::{
    election::vote::Vote,
    time::Timestamp,
    wire::message::{MAX_VOTES, Message},
};

/// Votes that arrive in a burst are sent together: at most one message in this time.
const GOSSIP_EVERY_MS: u64 = 20;

/// News that was not told yet.
#[derive(Default)]
pub(super) struct Gossip {
    /// New votes, and the room where they were heard.
    votes: Vec<(Option<LinkId>, Vote)>,
    next: Timestamp,
    tip: Option<NewsOfTip>,
}

/// There is a new tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewsOfTip {
    /// The room where it was heard.
    pub heard_on: Option<LinkId>,
}

/// Votes to tell now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The messages for each room.
    pub messages: Vec<(LinkId, Message)>,
    /// Their votes.
    pub votes: Vec<Vote>,
}

impl Gossip {
    /// These votes are new.
    pub fn add(&mut self, votes: Vec<Vote>, heard_on: Option<LinkId>) {
        self.votes.extend(votes.into_iter().map(|vote| (heard_on, vote)));
    }

    /// The tip is new.
    pub fn tip_changed(&mut self, heard_on: Option<LinkId>) {
        self.tip = Some(NewsOfTip { heard_on });
    }

    /// The new tip, if there is one that was not told yet; it is returned only once.
    pub fn take_tip(&mut self) -> Option<NewsOfTip> {
        self.tip.take()
    }

    /// When to tell votes, if there are any.
    pub fn deadline(&self) -> Option<Timestamp> {
        (!self.votes.is_empty()).then_some(self.next)
    }

    /// The votes to tell now.
    pub fn take_due(&mut self, now: Timestamp, links: &mut dyn Iterator<Item = LinkId>) -> News {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return News::default();
        }
        self.next = now.plus_ms(GOSSIP_EVERY_MS);
        let waiting = std::mem::take(&mut self.votes);
        let mut messages = Vec::new();
        for link in links {
            let votes = waiting.iter().filter(|(heard_on, _)| *heard_on != Some(link));
            let pages = pages(&mut votes.map(|(_, vote)| vote), MAX_VOTES, usize::MAX);
            messages.extend(pages.into_iter().map(|page| (link, Message::Votes(page))));
        }
        News { messages, votes: waiting.into_iter().map(|(_, vote)| vote).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW, vote};

    const ROOMS: [LinkId; 2] = [LinkId(0), LinkId(1)];

    fn due(gossip: &mut Gossip, after: u64) -> Vec<(LinkId, Message)> {
        gossip.take_due(NOW.plus_ms(after), &mut ROOMS.into_iter()).messages
    }

    #[test]
    fn the_room_where_a_vote_was_heard_is_not_told() {
        let mut gossip = Gossip::default();
        gossip.add(vec![vote(1, "Yes")], Some(ROOMS[0]));
        gossip.add(vec![vote(2, "Yes")], None);
        let both = Message::Votes(vec![vote(1, "Yes"), vote(2, "Yes")]);
        let own = Message::Votes(vec![vote(2, "Yes")]);
        assert_eq!(due(&mut gossip, 0), [(ROOMS[0], own), (ROOMS[1], both)]);
        assert!(due(&mut gossip, 1_000).is_empty(), "once");
    }

    #[test]
    fn votes_of_a_burst_travel_together() {
        let mut gossip = Gossip::default();
        gossip.add(vec![vote(1, "Yes")], None);
        assert_eq!(due(&mut gossip, 0).len(), 2);
        gossip.add(vec![vote(2, "Yes")], None);
        gossip.add(vec![vote(3, "Yes")], None);
        assert!(due(&mut gossip, GOSSIP_EVERY_MS - 1).is_empty());
        assert_eq!(gossip.deadline(), Some(NOW.plus_ms(GOSSIP_EVERY_MS)));
        let news = gossip.take_due(NOW.plus_ms(GOSSIP_EVERY_MS), &mut ROOMS.into_iter());
        assert_eq!((news.messages.len(), news.votes.len()), (2, 2));
    }

    #[test]
    fn a_tip_is_told_once() {
        let mut gossip = Gossip::default();
        gossip.tip_changed(Some(ROOMS[1]));
        assert_eq!(gossip.take_tip(), Some(NewsOfTip { heard_on: Some(ROOMS[1]) }));
        assert_eq!(gossip.take_tip(), None);
    }
}
