//! Nodes registered over HTTP, as in the seed: this node pulls their chains and pending tokens.
//!
//! They are all asked at once with short time-outs, so that a node that is down does not delay the
//! others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use blockvote_core::{
    audit::archive::{ArchiveReader, Record},
    chain::fork_choice::{Weight, rank},
    crypto::hash::{BlockHash, ElectionId},
    election::token::TokenId,
    node::Input,
};
use blockvote_words::InWords;
use futures_util::future::join_all;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{daemon::Handle, output::problem};

/// The most nodes that can be registered; each is asked at every vote.
const MAX_REGISTERED: usize = 32;
const SHORT: Duration = Duration::from_millis(1500);
/// The time-out for a whole chain.
const LONG: Duration = Duration::from_secs(30);
/// Bytes of an answer other than a chain.
const MAX_ANSWER: usize = 4 << 20;
/// Bytes of a chain taken over HTTP. Longer ones arrive through a relay, in pages.
const MAX_CHAIN: usize = 512 << 20;
/// Blocks given to the node at a time.
const BATCH: usize = 64;

/// The nodes registered here.
pub struct Registered {
    nodes: Mutex<BTreeSet<String>>,
    client: reqwest::Client,
}

/// What a node says about its chain.
#[derive(Deserialize)]
struct Status {
    election: ElectionId,
    tip: BlockHash,
    weight: Weight,
}

/// Turns `http://127.0.0.1:5001`, `127.0.0.1:5001` or the like into `127.0.0.1:5001`.
fn authority(text: &str) -> anyhow::Result<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let wrong = || format!("{text:?} is not a node's address; it looks like http://127.0.0.1:5001");
    let url = url::Url::parse(&with_scheme).ok().with_context(wrong)?;
    let plain = url.scheme() == "http" && url.path() == "/" && url.query().is_none();
    ensure!(plain && url.username().is_empty(), wrong());
    let host = url.host_str().with_context(wrong)?;
    Ok(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

impl Registered {
    /// No nodes yet.
    ///
    /// # Errors
    /// If the HTTP client cannot start.
    pub fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(SHORT)
            .build()?;
        Ok(Self { nodes: Mutex::default(), client })
    }

    /// Registers nodes, all or none.
    ///
    /// # Errors
    /// The first text that is not an address, or that there are too many.
    pub fn add(&self, addresses: &[String]) -> anyhow::Result<()> {
        let new =
            addresses.iter().map(|text| authority(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = nodes.clone();
        all.extend(new);
        ensure!(all.len() <= MAX_REGISTERED, "at most {MAX_REGISTERED} nodes can be registered");
        *nodes = all;
        Ok(())
    }

    /// The registered nodes in alphabetical order.
    pub fn list(&self) -> Vec<String> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().cloned().collect()
    }

    async fn get(&self, url: &str, within: Duration) -> anyhow::Result<reqwest::Response> {
        let response = self.client.get(url).timeout(within).send().await?;
        ensure!(response.status().is_success(), "{url} answered {}", response.status());
        Ok(response)
    }

    async fn json<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let mut response = self.get(url, SHORT).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(body.len() + chunk.len() <= MAX_ANSWER, "{url} sent too much");
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Whether the token is pending at a registered node; also the nodes that could not be asked.
    pub async fn pending_elsewhere(&self, token: TokenId) -> (bool, Vec<String>) {
        let nodes = self.list();
        let asked = nodes.iter().map(async |node| {
            let tokens: BTreeMap<String, u64> =
                self.json(&format!("http://{node}/token_id")).await?;
            anyhow::Ok(tokens.contains_key(&token.to_string()))
        });
        let answers = join_all(asked).await;
        let found = answers.iter().flatten().any(|found| *found);
        (found, unreachable(&nodes, &answers))
    }

    /// Takes over the best chain among the registered nodes, if it is better; returns whether it
    /// did, and the nodes that could not be asked.
    pub async fn take_over(&self, handle: &Handle) -> (bool, Vec<String>) {
        let before = *handle.tip().borrow();
        let nodes = self.list();
        let asked = nodes.iter().map(|node| self.pull(handle, node));
        let answers = join_all(asked).await;
        let changed = before != *handle.tip().borrow();
        (changed, unreachable(&nodes, &answers))
    }

    async fn pull(&self, handle: &Handle, node: &str) -> anyhow::Result<()> {
        let theirs: Status = self.json(&format!("http://{node}/api/v1/status")).await?;
        let (id, ours) = handle
            .call(|node, _| {
                let chain = node.chain();
                (chain.id(), rank(chain.weight(), chain.tip().hash()))
            })
            .await?;
        ensure!(theirs.election == id, "{node} holds another election");
        if rank(theirs.weight, theirs.tip) <= ours {
            return Ok(());
        }
        let mut response = self.get(&format!("http://{node}/api/v1/export"), LONG).await?;
        let (mut reader, mut bytes, mut batch) = (ArchiveReader::new(), 0, Vec::new());
        while let Some(chunk) = response.chunk().await? {
            bytes += chunk.len();
            ensure!(bytes <= MAX_CHAIN, "{node} sent a chain of over {MAX_CHAIN} bytes");
            reader.push(&chunk);
            while let Some(record) = reader.next_record().in_words()? {
                match record {
                    Record::Election(election) if election.id() != id => {
                        bail!("{node} sent another election");
                    }
                    Record::Block(block) => batch.push(block),
                    Record::Statement(statement) => {
                        let input = Input::Statements(vec![statement]);
                        handle.input(input).await?;
                    }
                    Record::Election(_) | Record::RollPage(_) | Record::End { .. } => {}
                }
                if batch.len() == BATCH {
                    let blocks = std::mem::take(&mut batch);
                    handle.input(Input::Blocks(blocks)).await?;
                }
            }
        }
        reader.finish().in_words()?;
        Ok(handle.call(move |node, now| node.handle(now, Input::Blocks(batch))).await?)
    }
}

fn unreachable<T>(nodes: &[String], answers: &[anyhow::Result<T>]) -> Vec<String> {
    nodes
        .iter()
        .zip(answers)
        .filter_map(|(node, answer)| {
            let error = answer.as_ref().err()?;
            tracing::warn!(node, error = problem(error), "a registered node could not be asked");
            Some(node.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_scheme() {
        for text in ["http://127.0.0.1:5001", "127.0.0.1:5001", "http://127.0.0.1:5001/"] {
            assert_eq!(authority(text).unwrap(), "127.0.0.1:5001");
        }
        assert_eq!(authority("localhost:5001").unwrap(), "localhost:5001");
        for bad in ["", "https://127.0.0.1:5001", "http://a/b", "http://u@a:1", "ftp://a", ":5001"]
        {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }
}
