//! The state of this node, and its peers.

use axum::{Json, extract::State};
use blockvote_core::{
    chain::{
        difficulty::{Difficulty, Work},
        fork_choice::Weight,
    },
    crypto::hash::{BlockHash, ElectionId},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    daemon::LinkState,
    http::{App, error::ApiError},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(peers))
}

#[derive(Serialize, ToSchema)]
struct StatusJson {
    #[schema(value_type = String)]
    election: ElectionId,
    height: u32,
    #[schema(value_type = String)]
    tip: BlockHash,
    /// Expected number of hashes behind the chain, as decimal text.
    #[schema(value_type = String)]
    work: Work,
    /// What fork choice compares: `voters`, `votes`, `work`; the first two are 0 in an open election.
    #[schema(value_type = Object)]
    weight: Weight,
    votes: u64,
    /// Voters whose vote counts.
    voters: u64,
    pending: u64,
    /// Votes that came after closing, of which no keeper showed that they were cast in time.
    late: u64,
    /// When votes are not taken any more: the election's own time or the organiser's closing.
    closes: Option<u64>,
    /// `unsealed`, `awaited` (the sealed block is not here yet), `sealed`, `refuted` (its count is
    /// not the chain's), `contested` (two seals).
    #[schema(value_type = String)]
    seal: &'static str,
    /// Height of the last block that counts, where the result is sealed.
    sealed_height: Option<u32>,
    /// Tokens with a proven double vote.
    double_votes: u64,
    peers: u64,
    relays: Vec<RelayJson>,
    /// Height that is being downloaded to, if any.
    syncing_to: Option<u32>,
    /// How far blocks that peers have are dated ahead of this machine's clock, where that is too far.
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead_ms: Option<u64>,
    mining: bool,
    mining_threads: usize,
    hashes: u64,
    /// What a block made now would have to meet.
    #[schema(value_type = u64)]
    difficulty: Difficulty,
}

#[derive(Serialize, ToSchema)]
struct RelayJson {
    url: String,
    connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Where this node stands.
#[utoipa::path(get, path = "/status", tag = "v1",
    responses((status = 200, description = "The state", body = StatusJson)))]
async fn status(State(app): State<App>) -> Result<Json<StatusJson>, ApiError> {
    let relays: Vec<_> = app
        .handle
        .links
        .states()
        .into_iter()
        .map(|(url, state)| match state {
            LinkState::Up => RelayJson { url, connected: true, problem: None },
            LinkState::Down(why) => RelayJson { url, connected: false, problem: Some(why) },
        })
        .collect();
    let (mining_threads, hashes) = (app.handle.miner.threads(), app.handle.miner.hashes());
    let answer = app.handle.call(move |node, now| StatusJson {
        election: node.chain().id(),
        height: node.chain().height().0,
        tip: node.chain().tip().hash(),
        work: node.chain().work(),
        weight: node.chain().weight(),
        votes: node.chain().votes() as u64,
        voters: node.ballot_box().counted().ballots,
        closes: node.ballot_box().closes().map(|closes| closes.0),
        seal: node.ballot_box().sealing().word(),
        sealed_height: node.ballot_box().sealed_height().map(|height| height.0),
        double_votes: node.statements().double_votes().len() as u64,
        pending: node.pending().len() as u64,
        late: node.ballot_box().late().len() as u64,
        peers: node.peers().len() as u64,
        relays,
        syncing_to: node.sync().target().map(|height| height.0),
        ahead_ms: node.ahead().map(|dated| dated.ms_since(now)),
        mining: node.is_mining(),
        mining_threads,
        hashes,
        difficulty: node.ballot_box().current_difficulty(now),
    });
    Ok(Json(answer.await?))
}

#[derive(Serialize, ToSchema)]
struct PeerJson {
    relay: usize,
    id: String,
    height: Option<u32>,
    /// What it claims of its chain: `voters`, `votes`, `work`.
    #[schema(value_type = Option<Object>)]
    weight: Option<Weight>,
}

/// Peers heard of, and what they claim.
#[utoipa::path(get, path = "/peers", tag = "v1",
    responses((status = 200, description = "Peers", body = Vec<PeerJson>)))]
async fn peers(State(app): State<App>) -> Result<Json<Vec<PeerJson>>, ApiError> {
    let answer = app.handle.call(|node, _| {
        let peers = node.peers().iter().map(|(peer, claim)| PeerJson {
            relay: peer.link.0 as usize,
            id: peer.id.to_string(),
            height: claim.map(|claim| claim.height.0),
            weight: claim.map(|claim| claim.weight),
        });
        peers.collect()
    });
    Ok(Json(answer.await?))
}
