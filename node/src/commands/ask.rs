//! `blockvote vote`, `tally` and `export`: small clients of a node's HTTP interface.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use blockvote_core::vote::TokenId;
use clap::Args;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Args)]
pub struct At {
    /// Address of the node.
    #[arg(long, default_value = "http://127.0.0.1:5000", env = "BLOCKVOTE_NODE")]
    node: String,
}

#[derive(Args)]
pub struct Vote {
    #[command(flatten)]
    at: At,
    /// Your token.
    #[arg(long, allow_negative_numbers = true, value_parser = read_token)]
    token: u64,
    /// What you choose: one of the choices, or free text.
    #[arg(long)]
    selection: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn read_token(text: &str) -> Result<u64, String> {
    let token = text.parse().ok().filter(|token| *token <= TokenId::MAX.0);
    token.ok_or_else(|| format!("a token is a whole number from 0 to {}", TokenId::MAX))
}

#[derive(Args)]
pub struct Tally {
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    at: At,
    /// Where to write it; nothing there is overwritten.
    #[arg(long, short, default_value = "chain.blockvote")]
    out: PathBuf,
}

/// A client that neither follows redirects nor waits for ever.
pub fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build()?;
    Ok(client)
}

fn request(node: &str, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
    let url = Url::parse(node)
        .ok()
        .filter(|url| url.scheme() == "http" && url.host().is_some())
        .with_context(|| {
            format!("{node:?} is not a node's address; it looks like http://127.0.0.1:5000")
        })?;
    Ok(client()?.request(method, url.join(path)?))
}

async fn send(node: &str, request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.send().await.map_err(|error| {
        let why =
            if error.is_connect() { "no node answers there; is it running?" } else { "no answer" };
        anyhow::Error::from(error.without_url()).context(format!("{node}: {why}"))
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = response.json().await.unwrap_or_default();
    match body.get("error").and_then(Value::as_str) {
        Some(error) => bail!("{error}"),
        None => bail!("{node} answered {status}; is it a Blockvote node?"),
    }
}

/// The answer in JSON, or who does not speak it.
async fn json_of<T: DeserializeOwned>(node: &str, response: Response) -> anyhow::Result<T> {
    let answer = response.json().await;
    answer.ok().with_context(|| format!("{node} answers, but is it a Blockvote node?"))
}

pub async fn vote(vote: Vote) -> anyhow::Result<ExitCode> {
    let body = json!({"token_id": vote.token, "selection": vote.selection});
    let request = request(&vote.at.node, Method::POST, "/api/v1/votes")?.json(&body);
    let answer: Value = json_of(&vote.at.node, send(&vote.at.node, request).await?).await?;
    if vote.json {
        crate::output::say!("{answer}");
    } else {
        let id = answer.get("vote_id").and_then(Value::as_str).unwrap_or_default();
        crate::output::say!("The vote is stored at {} and waits for a block.", vote.at.node);
        crate::output::say!("vote id {id}");
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn tally(tally: Tally) -> anyhow::Result<ExitCode> {
    let request = request(&tally.at.node, Method::GET, "/api/v1/tally")?;
    let counts: blockvote_core::tally::Tally =
        json_of(&tally.at.node, send(&tally.at.node, request).await?).await?;
    if tally.json {
        crate::output::say!("{}", serde_json::to_string(&counts)?);
    } else {
        print_tally(&counts);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints counts, the highest first.
pub fn print_tally(tally: &blockvote_core::tally::Tally) {
    let mut counts: Vec<_> = tally.iter().collect();
    counts.sort_by_key(|(selection, count)| (std::cmp::Reverse(*count), *selection));
    for (selection, count) in counts {
        crate::output::say!("{count:>8}  {selection}");
    }
    let total = tally.total();
    crate::output::say!("{total:>8}  {} in all", if total == 1 { "vote" } else { "votes" });
}

pub async fn export(export: Export) -> anyhow::Result<ExitCode> {
    let request = request(&export.at.node, Method::GET, "/api/v1/export")?;
    let mut response = send(&export.at.node, request).await?;
    let shown = export.out.display();
    if export.out.exists() {
        bail!("{shown} exists already; choose another file with --out");
    }
    let mut reader = blockvote_core::archive::ArchiveReader::new();
    let (mut bytes, mut blocks) = (0, 0);
    // Written beside its place and moved there when it is whole.
    let part = with_ending(&export.out, ".part");
    let mut file =
        fs::File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    while let Some(chunk) = response.chunk().await? {
        reader.push(&chunk);
        while let Some(record) = reader.next_record()? {
            blocks += u32::from(matches!(record, blockvote_core::archive::Record::Block(_)));
        }
        file.write_all(&chunk)?;
        bytes += chunk.len();
    }
    reader.finish()?;
    file.sync_all()?;
    fs::rename(&part, &export.out).with_context(|| format!("cannot write {shown}"))?;
    crate::output::say!("Wrote {} blocks, {bytes} bytes, to {shown}.", blocks + 1);
    crate::output::say!("Check them with: blockvote verify {shown}");
    Ok(ExitCode::SUCCESS)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
