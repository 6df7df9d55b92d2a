//! The native driver around [`Node`]: one thread that owns the node and its store.
//!
//! Commands arrive in one queue. Everything that a round of commands changes is committed to disk
//! in one transaction before anything about it is sent, answered or reported.

mod links;
mod restore;

use std::{thread::JoinHandle, time::Duration};

use anyhow::Context;
use blockvote_core::{
    chain::header::Height,
    crypto::{hash::BlockHash, key::SecretKey},
    node::{Event, Input, Node, Output, Signatures},
    time::Timestamp,
    wire::frame::ClientFrame,
};
use blockvote_words::Words;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::links::{LinkState, Links, Queue, queue};
use self::restore::restore;
use crate::{
    clock,
    miner::Miner,
    parallel::verify_on_all,
    store::{Contents, Store},
};

/// Commands that may wait; beyond that senders wait, and so does the relay behind them.
const QUEUE: usize = 1024;
/// Commands handled between two commits.
const ROUND: usize = 256;

type After = Box<dyn FnOnce() + Send>;
type Call = Box<dyn FnOnce(&mut Node, Timestamp) -> After + Send>;
type Condition = Box<dyn FnOnce(&Node, Timestamp) -> bool + Send>;

enum Command {
    Input(Input),
    Call(Call),
    /// Ends the node if the condition is true, and returns whether it is.
    StopIf(Condition, oneshot::Sender<bool>),
    Stop,
}

/// A handle on the running node.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    /// Relays.
    pub links: Links,
    tip: watch::Receiver<(Height, BlockHash)>,
    /// Mining threads.
    pub miner: Miner,
}

/// The thread has ended: the store failed, or the node is stopping.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

impl Handle {
    /// Runs something on the node and returns its result once everything it changed is stored.
    ///
    /// # Errors
    /// [`Stopped`] if the node does not run any more.
    pub async fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Node, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (sender, receiver) = oneshot::channel();
        let call: Call = Box::new(move |node, now| {
            let value = what(node, now);
            Box::new(move || {
                let _ = sender.send(value);
            })
        });
        self.commands.send(Command::Call(call)).await.map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// Passes an event to the node.
    ///
    /// # Errors
    /// [`Stopped`] if the node does not run any more.
    pub async fn input(&self, input: Input) -> Result<(), Stopped> {
        self.commands.send(Command::Input(input)).await.map_err(|_| Stopped)
    }

    /// Follows the tip.
    pub fn tip(&self) -> watch::Receiver<(Height, BlockHash)> {
        self.tip.clone()
    }

    /// Ends the node if the condition is true; nothing is taken in between. Returns whether it
    /// ended.
    ///
    /// # Errors
    /// [`Stopped`] if the node does not run any more.
    pub async fn stop_if(
        &self,
        holds: impl FnOnce(&Node, Timestamp) -> bool + Send + 'static,
    ) -> Result<bool, Stopped> {
        let (sender, receiver) = oneshot::channel();
        let command = Command::StopIf(Box::new(holds), sender);
        self.commands.send(command).await.map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// Waits until the node has ended.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Ends the node after the commands in the queue.
    pub async fn stop(&self) {
        let _ = self.commands.send(Command::Stop).await;
    }
}

/// A node with what drives it.
struct Daemon {
    node: Node,
    store: Option<Store>,
    miner: Miner,
    links: Links,
    tip: watch::Sender<(Height, BlockHash)>,
    commands: mpsc::Sender<Command>,
    runtime: tokio::runtime::Handle,
}

/// How a node is run.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// Whether the signatures of stored blocks are checked again.
    pub signatures: bool,
    /// Whether it mines by itself.
    pub mining: bool,
    /// Mining threads.
    pub threads: usize,
    /// The key of a keeper, which signs if the definition names it.
    pub keep: Option<&'a SecretKey>,
}

/// The thread of a node; when it ends, the node has ended.
pub type Thread = JoinHandle<anyhow::Result<()>>;

/// The mining threads end with the node.
impl Drop for Daemon {
    fn drop(&mut self) {
        self.miner.end();
    }
}

/// Starts the node on its own thread. Without a store it lives in memory.
///
/// # Errors
/// If a stored block does not verify.
pub fn start(
    store: Option<Store>,
    mut contents: Contents,
    how: How<'_>,
) -> anyhow::Result<(Handle, Thread)> {
    let now = clock::now();
    let How { signatures, mining, threads, keep } = how;
    let mut node = Node::new(contents.context.clone(), rand::random());
    let acknowledged = std::mem::take(&mut contents.acknowledged);
    let blocks = restore(&mut node, contents, signatures)?;
    if let Some(key) = keep {
        node.keep(now, key.clone(), acknowledged);
    }
    node.set_mining(now, mining);
    let pending = node.pending().len();
    if blocks > 0 || pending > 0 {
        tracing::info!(blocks, pending, signatures, "the stored chain was verified again");
    }

    let (commands, queue) = mpsc::channel(QUEUE);
    let found = {
        let commands = commands.clone();
        move |job, nonce| {
            let _ = commands.blocking_send(Command::Input(Input::Mined { job, nonce }));
        }
    };
    let miner = Miner::start(threads, found);
    let links = Links::default();
    let (tip, tip_seen) = watch::channel((node.chain().height(), node.chain().tip().hash()));
    let handle = Handle {
        commands: commands.clone(),
        links: links.clone(),
        tip: tip_seen,
        miner: miner.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let mut daemon = Daemon { node, store, miner, links, tip, commands, runtime };
    let thread = std::thread::Builder::new()
        .name("node".into())
        .spawn(move || daemon.run(queue))
        .context("cannot start the node's thread")?;
    Ok((handle, thread))
}

impl Daemon {
    fn run(&mut self, mut queue: mpsc::Receiver<Command>) -> anyhow::Result<()> {
        let mut wake = self.node.next_wake(clock::now());
        loop {
            let now = clock::now();
            // Also while commands come without a pause.
            if now >= wake {
                self.node.handle(now, Input::Tick);
                wake = self.node.next_wake(now);
            }
            self.carry_out(Vec::new())?;
            wake = wake.min(self.node.next_wake(now));
            let wait = Duration::from_millis(wake.ms_since(now).max(1));
            let received =
                self.runtime.block_on(async { tokio::time::timeout(wait, queue.recv()).await });
            let mut after: Vec<After> = Vec::new();
            let mut next = match received {
                Ok(Some(command)) => Some(command),
                Ok(None) => return Ok(()),
                Err(_) => None,
            };
            let (mut handled, mut stopping) = (0, false);
            while let Some(command) = next {
                match command {
                    Command::Input(input) => {
                        if let Input::Message { from, .. } = &input {
                            self.node.set_backlog(from.link, self.links.backlog(from.link));
                        }
                        self.node.handle(clock::now(), input);
                    }
                    Command::Call(call) => after.push(call(&mut self.node, clock::now())),
                    Command::StopIf(holds, sender) => {
                        stopping = holds(&self.node, clock::now());
                        let _ = sender.send(stopping);
                    }
                    Command::Stop => stopping = true,
                }
                handled += 1;
                next = (handled < ROUND && !stopping).then(|| queue.try_recv().ok()).flatten();
            }
            self.carry_out(after)?;
            if stopping {
                return Ok(());
            }
        }
    }

    /// Stores, then sends and reports, then answers.
    fn carry_out(&mut self, after: Vec<After>) -> anyhow::Result<()> {
        let mut changes = Vec::new();
        let mut effects = Vec::new();
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Persist(batch) => changes.extend(batch),
                // This goes on while the changes are stored.
                Output::Verify(signatures) => self.verify(signatures),
                effect => effects.push(effect),
            }
        }
        if let Some(store) = self.store.as_mut().filter(|_| !changes.is_empty()) {
            store.apply(&changes).context("cannot write the chain to disk; the node stops")?;
        }
        // Of several new tips only the last is reported.
        let is_tip = |effect: &Output| matches!(effect, Output::Event(Event::NewTip { .. }));
        let last_tip = effects.iter().rposition(is_tip);
        for (index, effect) in effects.into_iter().enumerate() {
            if !is_tip(&effect) || Some(index) == last_tip {
                self.effect(effect);
            }
        }
        for answer in after {
            answer();
        }
        Ok(())
    }

    fn effect(&mut self, effect: Output) {
        let room = self.node.chain().id();
        match effect {
            Output::Broadcast(link, bytes) => {
                self.links.send(link, &ClientFrame::Broadcast(room, &bytes));
            }
            Output::Send(peer, bytes) => {
                self.links.send(peer.link, &ClientFrame::Send(room, peer.id, &bytes));
            }
            Output::Sample(link, count) => self.links.send(link, &ClientFrame::Sample(room, count)),
            Output::Mine(job) => self.miner.set(job),
            Output::Event(Event::NewTip { height, hash, abandoned }) => {
                tracing::info!(%height, hash = hash.short(), abandoned, "new tip");
                self.tip.send_replace((height, hash));
            }
            Output::Event(Event::PeerRejected { peer, reason }) => {
                tracing::warn!(peer = %peer.id, reason = reason.words(), "peer rejected");
            }
            Output::Event(Event::BlockAhead(dated)) => {
                tracing::warn!(
                    seconds = dated.ms_since(clock::now()) / 1000,
                    "a peer has a block that is dated ahead of this machine's clock: check this machine's time"
                );
            }
            Output::Event(Event::VoteLost(id)) => {
                tracing::warn!(vote = id.short(), "a pending vote lost its token to another vote");
            }
            Output::Event(Event::VoteDropped(id)) => {
                tracing::warn!(
                    vote = id.short(),
                    "a reorganisation dropped a vote; it waits again"
                );
            }
            Output::Event(Event::StatementsChanged) => {
                let (doubles, sealing) =
                    (self.node.statements().double_votes().len(), self.node.ballot_box().sealing());
                tracing::info!(double_votes = doubles, seal = sealing.word(), "signed statements");
            }
            Output::Persist(_)
            | Output::Verify(_)
            | Output::Event(
                Event::PendingChanged | Event::NetworkChanged | Event::Acknowledged(_),
            ) => {}
        }
    }

    /// Verifies a page's signatures outside the node's thread, which goes on.
    fn verify(&self, Signatures { id, list }: Signatures) {
        let commands = self.commands.clone();
        self.runtime.spawn_blocking(move || {
            let verdict = verify_on_all(&list);
            // If the node has stopped, nobody needs it.
            let _ = commands.blocking_send(Command::Input(Input::Verified { id, verdict }));
        });
    }
}

/// Waits for a node's end without blocking a thread of the runtime.
///
/// # Errors
/// Why it ended, unless it was told to.
pub async fn ended(thread: Thread) -> anyhow::Result<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let ended = thread.join();
        let _ = sender.send(ended);
    });
    match receiver.await.context("the node's thread")? {
        Ok(result) => result,
        Err(_) => anyhow::bail!("the node's thread broke off; see the message above"),
    }
}
