//! A command's own node: in memory, on relays, for as long as the command needs it.

use anyhow::anyhow;
use blockvote_core::election::election_context::ElectionContext;
use tokio_util::sync::CancellationToken;

use crate::{
    daemon::{self, Handle, How, LinkState, Links},
    relays::{Relays, Room, check_url},
    store::Contents,
};

/// A running node; end it with [`OwnNode::end`].
pub struct OwnNode {
    /// The node.
    pub handle: Handle,
    /// The relays that it follows.
    pub relays: Relays,
    stop: CancellationToken,
}

impl OwnNode {
    /// Starts a node that knows only the definition and the roll of the election. It mines with
    /// this many threads.
    ///
    /// # Errors
    /// If an address is not a relay's, or the node cannot run.
    pub fn start(
        context: ElectionContext,
        urls: Vec<String>,
        threads: usize,
    ) -> anyhow::Result<Self> {
        for url in &urls {
            check_url(url)?;
        }
        let id = context.id();
        let stop = CancellationToken::new();
        let relays = Relays::new(urls, stop.clone());
        let how = How { signatures: false, mining: threads > 0, threads, keep: None };
        let (handle, _) = daemon::start(None, Contents::empty(context), how)?;
        relays.enter(id, &Room::of(handle.clone()));
        Ok(Self { handle, relays, stop })
    }

    /// Ends it, and leaves the relays.
    pub async fn end(self) {
        self.stop.cancel();
        self.handle.stop().await;
        self.relays.ended().await;
    }
}

/// The error if none of these relays is reached, with the reasons.
pub fn unreached(links: &Links) -> anyhow::Error {
    let relays = links.states().into_iter().map(|(url, state)| match state {
        LinkState::Up => url,
        LinkState::Down(why) => format!("{url} ({why})"),
    });
    let relays = relays.collect::<Vec<_>>().join(", ");
    anyhow!("no relay was reached: {relays}; a relay's address ends in /ws")
}
