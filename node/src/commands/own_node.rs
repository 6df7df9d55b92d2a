//! A node of a command's own: in memory, on relays, for as long as the command needs it.

use anyhow::anyhow;
use blockvote_core::election::election_context::ElectionContext;
use tokio_util::sync::CancellationToken;

use crate::{
    daemon::{self, Handle, How, LinkState, Links},
    relays::{Relays, Room, check_url},
    store::Contents,
};

/// It ends with [`OwnNode::end`].
pub struct OwnNode {
    /// The node.
    pub handle: Handle,
    /// The relays that it follows.
    pub relays: Relays,
    stop: CancellationToken,
}

impl OwnNode {
    /// Starts a node that knows nothing of the election yet but definition and roll. It mines with so many
    /// threads.
    ///
    /// # Errors
    /// When an address is no relay's, or the node cannot run.
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

/// That none of these relays is reached, and why.
pub fn unreached(links: &Links) -> anyhow::Error {
    let relays = links.states().into_iter().map(|(url, state)| match state {
        LinkState::Up => url,
        LinkState::Down(why) => format!("{url} ({why})"),
    });
    let relays = relays.collect::<Vec<_>>().join(", ");
    anyhow!("no relay was reached: {relays}; a relay's address ends in /ws")
}
