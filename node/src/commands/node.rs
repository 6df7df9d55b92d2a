//! `blockvote node`

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use blockvote_core::{
    audit::archive::Record,
    chain::{
        block::{CheckedBlock, MAX_BLOCK_BYTES},
        header::Height,
        kept_block::KeptBlock,
        statements::Statement,
    },
    election::{definition::Election, election_context::ElectionContext},
    node::{Input, LinkId},
};
use blockvote_words::InWords;
use clap::Args;
use directories::ProjectDirs;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{election::Published, numbers::whole};
use crate::{
    audit_file::Records,
    daemon::{self, Handle},
    http::{self, App},
    parallel::in_order,
    registered_nodes::Registered,
    relay_link,
    store::{Contents, Store},
};

/// Blocks of a file that are stored together.
const AT_ONCE: usize = 64;
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(Args)]
pub struct Arguments {
    /// Address and port of the HTTP interface.
    #[arg(long, default_value = "127.0.0.1:5000", env = "BLOCKVOTE_LISTEN", value_parser = address)]
    listen: SocketAddr,
    /// Folder that keeps the chain; by default one for each election in the platform's data folder.
    #[arg(long, value_name = "DIR", conflicts_with = "memory", env = "BLOCKVOTE_DATA")]
    data: Option<PathBuf>,
    /// Keep the chain in memory only: everything is gone when the node stops.
    #[arg(long)]
    memory: bool,
    /// A relay to follow, such as <ws://127.0.0.1:8080/ws>. May be given several times.
    #[arg(long = "relay", value_name = "URL")]
    relays: Vec<String>,
    /// The election: a definition as `blockvote election new` writes it, or a file as `blockvote
    /// election publish` and `blockvote export` write it. Without one the node holds the election of
    /// its data folder, or a plain free-text election.
    #[arg(long, value_name = "FILE")]
    election: Option<PathBuf>,
    /// Check every signature of the stored chain again. By default those are left out that this node
    /// checked before it stored them; do it with a folder that came from elsewhere.
    #[arg(long, conflicts_with = "memory")]
    verify: bool,
    /// Mine by itself whenever votes wait. Without it only GET /store makes blocks here.
    #[arg(long)]
    mine: bool,
    /// Mining threads; by default half the processors.
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    threads: Option<u16>,
    /// A host name under which this node may be asked, besides its addresses and localhost.
    #[arg(long = "allow-host", value_name = "NAME")]
    allow_hosts: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and a port such as 127.0.0.1:5000".into())
}

fn default_folder(context: Option<&ElectionContext>) -> anyhow::Result<PathBuf> {
    let folders = ProjectDirs::from("", "", "blockvote")
        .context("this platform names no data folder; choose one with --data")?;
    let id = context.map_or_else(|| Election::plain().id(), ElectionContext::id).to_string();
    Ok(folders.data_local_dir().join(&id[..16]))
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    for url in &arguments.relays {
        relay_link::check_url(url)?;
    }
    let published = arguments.election.as_deref().map(Published::read).transpose()?;
    if published.as_ref().is_some_and(|published| published.private) {
        eprintln!(
            "note: --election is the organiser's private file; a node needs only the file that `blockvote election publish` writes"
        );
    }
    let listener = http::bind(arguments.listen).await?;
    let address = listener.local_addr().context("the listening address")?;
    let (store, contents) = if arguments.memory {
        let context = match &published {
            Some(published) => published.context.clone(),
            None => ElectionContext::open(Election::plain()).in_words()?,
        };
        (None, Contents::empty(context))
    } else {
        let folder = match &arguments.data {
            Some(folder) => folder.clone(),
            None => default_folder(published.as_ref().map(|published| &published.context))?,
        };
        tracing::info!(folder = %folder.display(), "data");
        let (store, contents) =
            Store::open(&folder, published.as_ref().map(|published| published.context.clone()))?;
        (Some(store), contents)
    };
    let (title, id) = (contents.context.election().title.clone(), contents.context.id());
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or((processors / 2).max(1), usize::from);
    let (handle, thread) =
        daemon::start(store, contents, arguments.verify, arguments.mine, threads)?;
    if let Some(Published { context, archive: Some(path), .. }) = published {
        let shown = path.display().to_string();
        let taking = handle.clone();
        let taken = tokio::task::spawn_blocking(move || take_in(&taking, &context, &path));
        if let Err(error) = taken.await.context("reading the election's file")? {
            handle.stop().await;
            thread_ended(thread).await?;
            return Err(error.context(shown));
        }
    }

    if arguments.relays.is_empty() {
        tracing::info!("no --relay: other nodes are heard of only where they are registered");
    }
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    for (number, url) in (0..).zip(arguments.relays) {
        let link = LinkId(number);
        tasks.spawn(relay_link::follow(handle.clone(), id, link, url, stop.clone()));
    }
    let app = App {
        handle: handle.clone(),
        forging: Arc::default(),
        registered: Arc::new(Registered::new()?),
        allowed_hosts: arguments.allow_hosts.into(),
    };
    let mut terminate = signal(SignalKind::terminate()).context("the signal SIGTERM")?;
    // Scripts and tests wait for this line.
    crate::output::say!("node listening on http://{address}, election \"{title}\" {id}");
    crate::output::say!("browse its interface at http://{address}/docs");
    let mut ended = pin!(thread_ended(thread));
    let served = tokio::select! {
        served = http::serve(listener, app, stop.clone()) => served,
        // The store failed: nothing may be acknowledged any more.
        ended = &mut ended => return ended.map(|()| ExitCode::FAILURE),
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    tracing::info!("stopping");
    stop.cancel();
    handle.stop().await;
    ended.await?;
    tasks.close();
    tasks.wait().await;
    served.map(|()| ExitCode::SUCCESS)
}

/// Takes in what a file holds beyond the election: with the checks of what peers send, on all
/// processors, stored part by part.
fn take_in(handle: &Handle, context: &ElectionContext, path: &Path) -> anyhow::Result<()> {
    enum Checked {
        Block(Box<CheckedBlock>, usize),
        Statement(Statement),
        Nothing,
    }
    let runtime = tokio::runtime::Handle::current();
    let take = |blocks: Vec<CheckedBlock>| {
        let places: Vec<_> =
            blocks.iter().map(|block| (block.header().height, block.hash())).collect();
        let lost = runtime.block_on(handle.call(move |node, now| {
            node.handle(now, Input::CheckedBlocks(blocks));
            places.into_iter().find(|(_, hash)| node.chain().block(hash).is_none())
        }))?;
        if let Some((height, _)) = lost {
            tracing::warn!(%height, "a block of the election's file has no place in the chain");
        }
        anyhow::Ok(())
    };
    let known = handle.call(|node, _| {
        let heights = 2..=node.chain().height().0;
        let at = |height| node.chain().block_at(Height(height)).map(KeptBlock::hash);
        heights.filter_map(at).collect::<HashSet<_>>()
    });
    let known = runtime.block_on(known)?;
    let check = |record: anyhow::Result<Record>| -> anyhow::Result<Checked> {
        Ok(match record? {
            Record::Block(block) if !known.contains(&block.header.hash()) => {
                let bytes = block.encoded_len();
                Checked::Block(Box::new(block.check(context).in_words()?), bytes)
            }
            Record::Statement(statement) => Checked::Statement(statement),
            _ => Checked::Nothing,
        })
    };
    in_order(Records::open(path)?, check, |checked| {
        let (mut batch, mut bytes, mut blocks) = (Vec::new(), 0, 0_u32);
        let mut told = Instant::now();
        for checked in checked {
            match checked? {
                Checked::Block(block, length) => {
                    bytes += length;
                    batch.push(*block);
                    blocks += 1;
                }
                Checked::Statement(statement) => {
                    runtime.block_on(handle.input(Input::Statements(vec![statement])))?;
                }
                Checked::Nothing => {}
            }
            if bytes >= MAX_BLOCK_BYTES || batch.len() >= AT_ONCE {
                bytes = 0;
                take(std::mem::take(&mut batch))?;
            }
            if told.elapsed() > TELL_EVERY {
                told = Instant::now();
                tracing::info!(blocks, "reading the election's file");
            }
        }
        take(batch)?;
        if blocks > 0 {
            tracing::info!(blocks, "the election's file is read and verified");
        }
        Ok(())
    })
}

/// Waits for the node's thread without holding a runtime thread.
async fn thread_ended(thread: thread::JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let ended = thread.join();
        let _ = sender.send(ended);
    });
    match receiver.await.context("the node's thread")? {
        Ok(result) => result,
        Err(_) => anyhow::bail!("the node's thread broke off; see the message above"),
    }
}
