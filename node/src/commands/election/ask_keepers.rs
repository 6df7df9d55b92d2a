//! Asking the keepers that an election names to hold it: `blockvote election publish --relay`.

use std::{collections::BTreeSet, time::Duration};

use anyhow::bail;
use blockvote_core::{
    crypto::key::PublicKey,
    election::{election_context::ElectionContext, keepers::Keeper},
    node::{
        Input,
        keepers_room::{Say, Seeker},
    },
    wire::{
        frame::ClientFrame,
        keepers_room::{Answer, room},
    },
};
use blockvote_words::{Words, standing::list};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    commands::secret_files,
    daemon::{self, LinkState, Links},
    elections::{Elections, Held},
    output::say,
    relays::{Owner, Relays, Room},
    store::Contents,
};

/// A relay that is there is reached within this.
const REACHED_WITHIN: Duration = Duration::from_secs(12);
/// How long keepers have to fetch an election; a roll of 100,000 keys takes seconds.
const WITHIN: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_secs(2);

fn send(links: &Links, says: Vec<Say>) {
    for say in says {
        match say {
            Say::Everybody(link, bytes) => {
                links.send(link, &ClientFrame::Broadcast(room(), &bytes));
            }
            Say::To(peer, bytes) => {
                links.send(peer.link, &ClientFrame::Send(room(), peer.id, &bytes));
            }
        }
    }
}

/// Hands the election to its keepers over these relays. Says which of them have it, each as soon as it has,
/// and which have not when the time is over. `tell` is for people.
///
/// # Errors
/// When no relay is reached, or the node that hands it out cannot run.
pub async fn ask(
    context: ElectionContext,
    urls: Vec<String>,
    tell: bool,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (id, election) = (context.id(), context.election().clone());
    let keys: Vec<PublicKey> = election.keepers.iter().map(|keeper| keeper.key).collect();
    let stop = CancellationToken::new();
    let relays = Relays::new(urls, stop.clone());
    // A node of its own hands definition and roll out, and hears who has them.
    let how = daemon::How { signatures: false, mining: false, threads: 0, keep: None };
    let (handle, _) = daemon::start(None, Contents::empty(context), how)?;
    let elections = Elections::new(relays.clone());
    elections.insert(id, Held { handle: handle.clone(), title: election.title.clone() });
    let (inputs, mut heard) = mpsc::channel(64);
    let links = Links::default();
    relays.enter(room(), &Room { links: links.clone(), owner: Owner::Inputs(inputs) });
    let mut seeker = Seeker::new(secret_files::random());
    send(&links, seeker.hold(id, keys));
    let (mut have, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let (start, mut again) = (Instant::now(), tokio::time::interval(ASK_EVERY));
    let (until, mut reached, mut unreached) = (start + WITHIN, false, None);
    while have.len() < election.keepers.len() && Instant::now() < until {
        tokio::select! {
            _ = again.tick() => send(&links, seeker.ask()),
            input = heard.recv() => match input {
                Some(Input::LinkUp(link, name)) => {
                    reached = true;
                    if let Some(own) = links.own(link) {
                        send(&links, seeker.entered(link, own));
                    }
                }
                Some(Input::LinkDown(link)) => seeker.left(link),
                Some(Input::Message { from, bytes, .. }) => {
                    send(&links, seeker.hear(from, &bytes).unwrap_or_default());
                }
                Some(_) => {}
                None => break,
            },
        }
        if !reached && start.elapsed() > REACHED_WITHIN {
            let relays = links.states().into_iter().map(|(url, state)| match state {
                LinkState::Up => url,
                LinkState::Down(why) => format!("{url} ({why})"),
            });
            unreached = Some(relays.collect::<Vec<_>>().join(", "));
            break;
        }
        let here = handle.call(|node, now| {
            node.handle(now, Input::Tick);
            node.keepers_here().map(|keeper| keeper.key).collect::<Vec<_>>()
        });
        for key in here.await? {
            let name = election.keeper(&key).map(|keeper| keeper.name.as_str());
            if have.insert(key) && tell {
                say!("{} has the election.", name.unwrap_or_default());
            }
        }
        for keeper in seeker.keepers() {
            if let Some(Answer::Refused(why)) = keeper.answer
                && let Some(named) = election.keeper(&keeper.key)
                && refused.insert(keeper.key)
                && tell
            {
                say!("{} does not hold it: {}.", named.name, why.words());
            }
        }
    }
    for keeper in election.keepers.iter().filter(|keeper| !have.contains(&keeper.key)) {
        if tell && reached && seeker.keepers().all(|there| there.key != keeper.key) {
            say!("Nobody with the key of {} answered.", keeper.name);
        }
    }
    stop.cancel();
    handle.stop().await;
    relays.ended().await;
    if let Some(unreached) = unreached {
        bail!("no relay was reached: {unreached}; a relay's address ends in /ws");
    }
    let names = |wanted: bool| {
        let those = |keeper: &&Keeper| have.contains(&keeper.key) == wanted;
        election.keepers.iter().filter(those).map(|keeper| keeper.name.clone()).collect::<Vec<_>>()
    };
    Ok((names(true), names(false)))
}

/// What is said at the end.
pub fn summary(have: &[String], have_not: &[String]) -> String {
    let names = |names: &[String]| list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    match (have, have_not) {
        (_, []) => "All keepers that it names have the election: nothing else need run.".into(),
        ([], _) => format!(
            "No keeper has the election: {} did not answer or did not take it. Run a node with this file, or ask again.",
            names(have_not)
        ),
        (_, _) => {
            format!("{} did not answer or did not take it: ask again later.", names(have_not))
        }
    }
}
