//! `blockvote node`

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    thread,
};

use anyhow::{Context, ensure};
use blockvote_core::{
    crypto::{
        hash::ElectionId,
        key::{PublicKey, SecretKey},
    },
    election::{definition::Election, election_context::ElectionContext, keepers::check_name},
};
use blockvote_words::{InWords, Words};
use clap::Args;
use directories::ProjectDirs;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{election::Published, numbers::whole, take_in::take_in};
use crate::{
    daemon,
    elections::{Elections, Held},
    http::{self, Host},
    keeper::{self, Keeper, Limits},
    relays::{self, Relays},
    store::{Cache, Contents, Store},
};

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
    /// Mine by itself whenever votes wait, as a keeper always does. Without it only GET /store makes blocks
    /// here.
    #[arg(long)]
    mine: bool,
    /// Mining threads; by default half the processors.
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    threads: Option<u16>,
    /// Keep elections of others too, as the keeper with this name: those that name it, and ask for it in
    /// the relay's keepers' room. Its key is made in the data folder, and printed for organisers.
    #[arg(long, value_name = "NAME", conflicts_with = "memory", value_parser = keeper_name)]
    keep: Option<String>,
    /// Elections that the keeper holds at most.
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "keep", value_parser = whole::<u16>(1..=u16::MAX.into()))]
    keep_elections: u16,
    /// MiB that one election may take; room is reserved for a vote of each of its voters.
    #[arg(long, value_name = "N", default_value_t = 256, requires = "keep", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    keep_mib_each: u32,
    /// MiB in all.
    #[arg(long, value_name = "N", default_value_t = 8192, requires = "keep", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    keep_mib: u32,
    /// Days for which a sealed election is kept; older ones make room when others ask for it.
    #[arg(long, value_name = "N", default_value_t = 365, requires = "keep", value_parser = whole::<u32>(0..=u32::MAX.into()))]
    keep_days: u32,
    /// Keep only elections of the organiser with this public key. May be given several times.
    #[arg(long, value_name = "KEY", requires = "keep", value_parser = organiser_key)]
    keep_for: Vec<PublicKey>,
    /// A host name under which this node may be asked, besides its addresses and localhost.
    #[arg(long = "allow-host", value_name = "NAME")]
    allow_hosts: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and a port such as 127.0.0.1:5000".into())
}

fn keeper_name(text: &str) -> Result<String, String> {
    check_name(text).map_err(|error| format!("the name {}", error.words()))?;
    Ok(text.to_owned())
}

fn organiser_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::from_text(text).map_err(|error| error.words())
}

fn folders() -> anyhow::Result<ProjectDirs> {
    ProjectDirs::from("", "", "blockvote")
        .context("this platform names no data folder; choose one with --data")
}

fn default_folder(context: Option<&ElectionContext>) -> anyhow::Result<PathBuf> {
    let folders = folders()?;
    let id = context.map_or_else(|| Election::plain().id(), ElectionContext::id).to_string();
    Ok(folders.data_local_dir().join(&id[..16]))
}

impl Arguments {
    /// Whether the node has an election of its own: a keeper need not have one.
    fn has_own(&self, data: Option<&Path>) -> bool {
        self.keep.is_none()
            || self.election.is_some()
            || data.is_some_and(|folder| folder.join("chain.redb").exists())
    }

    fn threads(&self) -> usize {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or((processors / 2).max(1), usize::from)
    }

    fn limits(&self) -> Limits {
        Limits {
            elections: self.keep_elections.into(),
            bytes_each: u64::from(self.keep_mib_each) << 20,
            bytes: u64::from(self.keep_mib) << 20,
            age_ms: u64::from(self.keep_days) * 24 * 3_600_000,
            organisers: self.keep_for.clone(),
        }
    }

    /// Opens the election that the node is started with, and runs its node.
    fn open_own(
        &self,
        published: Option<&Published>,
        keeper: Option<&SecretKey>,
    ) -> anyhow::Result<(ElectionId, Held, daemon::Thread)> {
        let (store, contents) = if self.memory {
            let context = match published {
                Some(published) => published.context.clone(),
                None => ElectionContext::open(Election::plain()).in_words()?,
            };
            (None, Contents::empty(context))
        } else {
            let context = published.map(|published| &published.context);
            let folder = match &self.data {
                Some(folder) => folder.clone(),
                None => default_folder(context)?,
            };
            tracing::info!(folder = %folder.display(), "data");
            let (store, contents) = Store::open(&folder, context.cloned(), Cache::One)?;
            (Some(store), contents)
        };
        let (title, id) = (contents.context.election().title.clone(), contents.context.id());
        let how = daemon::How {
            signatures: self.verify,
            // As a keeper it answers for votes, and puts them into blocks.
            mining: self.mine || self.keep.is_some(),
            threads: self.threads(),
            keep: keeper,
        };
        let (handle, thread) = daemon::start(store, contents, how)?;
        Ok((id, Held { handle, title }, thread))
    }
}

pub async fn run(mut arguments: Arguments) -> anyhow::Result<ExitCode> {
    for url in &arguments.relays {
        relays::check_url(url)?;
    }
    let is_found = arguments.keep.is_none() || !arguments.relays.is_empty();
    ensure!(is_found, "a keeper needs a relay, where it is found: give --relay");
    if arguments.keep.is_some() && arguments.data.is_none() {
        arguments.data = Some(folders()?.data_local_dir().join("keeper"));
    }
    let data = arguments.data.clone();
    let key = match (&arguments.keep, &data) {
        (Some(_), Some(folder)) => Some(keeper::key(folder)?),
        _ => None,
    };
    let published = arguments.election.as_deref().map(Published::read).transpose()?;
    if published.as_ref().is_some_and(|published| published.private) {
        eprintln!(
            "note: --election is the organiser's private file; a node needs only the file that `blockvote election publish` writes"
        );
    }
    let listener = http::bind(arguments.listen).await?;
    let address = listener.local_addr().context("the listening address")?;
    if arguments.relays.is_empty() {
        tracing::info!("no --relay: other nodes are heard of only where they are registered");
    }
    let stop = CancellationToken::new();
    let relays = Relays::new(arguments.relays.clone(), stop.clone());
    let elections = Elections::new(relays.clone());
    let mut own = None;
    let mut lines = Vec::new();
    if arguments.has_own(data.as_deref()) {
        let (id, held, thread) = arguments.open_own(published.as_ref(), key.as_ref())?;
        if let Some(Published { context, archive: Some(path), .. }) = published {
            let shown = path.display().to_string();
            let taking = held.handle.clone();
            let taken = tokio::task::spawn_blocking(move || take_in(&taking, &context, &path));
            if let Err(error) = taken.await.context("reading the election's file")? {
                held.handle.stop().await;
                daemon::ended(thread).await?;
                return Err(error.context(shown));
            }
        }
        lines.push(format!("election \"{}\" {id}", held.title));
        own = Some((id, held.handle.clone(), thread));
        elections.insert(id, held);
    }
    let keeper = match (&arguments.keep, data, key) {
        (Some(name), Some(folder), Some(_)) => {
            let settings = keeper::Settings {
                name: name.clone(),
                folder,
                limits: arguments.limits(),
                threads: 1,
                own: own.as_ref().map(|(id, ..)| *id),
            };
            let (elections, stop) = (elections.clone(), stop.clone());
            let keeper = Keeper::start(settings, elections, relays.clone(), stop)?;
            lines.push(format!("keeper {}", keeper.named()));
            Some(keeper)
        }
        _ => None,
    };
    let own_id = own.as_ref().map(|(id, ..)| *id);
    let host = Host::new(elections, own_id, arguments.allow_hosts)?;
    let mut terminate = signal(SignalKind::terminate()).context("the signal SIGTERM")?;
    // Scripts and tests wait for this line.
    crate::output::say!("node listening on http://{address}, {}", lines.join(", "));
    crate::output::say!("browse its interface at http://{address}/docs");
    let (handle, thread) = match own {
        Some((_, handle, thread)) => (Some(handle), Some(thread)),
        None => (None, None),
    };
    let mut ended = pin!(async {
        match thread {
            Some(thread) => daemon::ended(thread).await,
            None => std::future::pending().await,
        }
    });
    let served = tokio::select! {
        served = http::serve(listener, host, stop.clone()) => served,
        // The store failed: nothing may be acknowledged any more.
        ended = &mut ended => {
            stop.cancel();
            return ended.map(|()| ExitCode::FAILURE);
        }
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    tracing::info!("stopping");
    stop.cancel();
    if let Some(handle) = handle {
        handle.stop().await;
        ended.await?;
    }
    if let Some(keeper) = keeper {
        keeper.ended().await;
    }
    relays.ended().await;
    served.map(|()| ExitCode::SUCCESS)
}
