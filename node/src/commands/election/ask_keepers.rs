//! Asking the keepers that an election names to hold it: `blockvote election publish --relay`.

use std::{collections::BTreeSet, time::Duration};

use blockvote_core::{
    crypto::key::PublicKey,
    election::{election_context::ElectionContext, keepers::Keeper},
    node::{
        Input,
        keepers_room::{Say, Seeker},
    },
    wire::{
        frame::ClientFrame,
        keepers_room::{Answer, Refusal, room},
    },
};
use blockvote_words::{Words, standing::list};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    commands::{
        own_node::{OwnNode, unreached},
        secret_files,
    },
    daemon::Links,
    output::say,
    relays::{Owner, Room},
};

/// A relay that is running is reached within this time.
pub const REACHED_WITHIN: Duration = Duration::from_secs(12);
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

/// Hands the election to its keepers over these relays. Reports which of them have it, each as soon
/// as it has, and which do not when the time is over. `tell` is for people.
///
/// # Errors
/// If no relay is reached, or the node that hands it out cannot run.
pub async fn ask(
    context: ElectionContext,
    urls: Vec<String>,
    tell: bool,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (id, election) = (context.id(), context.election().clone());
    let keys: Vec<PublicKey> = election.keepers.iter().map(|keeper| keeper.key).collect();
    // It hands out definition and roll, and hears who has them.
    let own = OwnNode::start(context, urls, 0)?;
    let (inputs, mut heard) = mpsc::channel(64);
    let links = Links::default();
    own.relays.enter(room(), &Room { links: links.clone(), owner: Owner::Inputs(inputs) });
    let mut seeker = Seeker::new(secret_files::random());
    send(&links, seeker.hold(id, keys));
    let (mut have, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let (start, mut again) = (Instant::now(), tokio::time::interval(ASK_EVERY));
    let (until, mut reached, mut failed) = (start + WITHIN, false, None);
    // A keeper that refused does not change its mind within the minute, unless it could not fetch
    // or write the election.
    while have.union(&refused).count() < election.keepers.len() && Instant::now() < until {
        tokio::select! {
            _ = again.tick() => send(&links, seeker.ask()),
            input = heard.recv() => match input {
                Some(Input::LinkUp(link, name)) => {
                    reached = true;
                    send(&links, seeker.entered(link, name));
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
            failed = Some(unreached(&links));
            break;
        }
        let here = own.handle.call(|node, now| {
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
                && !matches!(why, Refusal::NotFound | Refusal::NotStored)
                && !have.contains(&keeper.key)
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
    own.end().await;
    if let Some(failed) = failed {
        return Err(failed);
    }
    let names = |wanted: bool| {
        let those = |keeper: &&Keeper| have.contains(&keeper.key) == wanted;
        election.keepers.iter().filter(those).map(|keeper| keeper.name.clone()).collect::<Vec<_>>()
    };
    Ok((names(true), names(false)))
}

/// The report at the end.
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
