//! `blockvote tally` and `export`, and what every small client of a node's HTTP interface needs.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};
use axum::body::Bytes;
use blockvote_core::{
    audit::receipt::ReceiptFile, crypto::hash::ElectionId, election::definition::Election,
};
use blockvote_words::InWords;
use clap::Args;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::election::Published;

#[derive(Args)]
pub struct At {
    /// Address of the node.
    #[arg(long, default_value = "http://127.0.0.1:5000", env = "BLOCKVOTE_NODE")]
    pub node: String,
    /// The election that is asked about; without one, the node's own.
    #[arg(skip)]
    election: Option<ElectionId>,
}

impl At {
    /// The same node, asked about this election: a keeper has many.
    pub fn about(&self, election: ElectionId) -> Self {
        Self { node: self.node.clone(), election: Some(election) }
    }

    /// The same node, asked about its own election.
    pub fn own(&self) -> Self {
        Self { node: self.node.clone(), election: None }
    }

    /// The same node, asked about the given election, if there is one.
    fn named(&self, election: Option<&str>) -> anyhow::Result<Self> {
        Ok(match election.map(election_named).transpose()? {
            Some(election) => self.about(election),
            None => self.own(),
        })
    }

    /// The whole path for something under `/api/v1`.
    fn path(&self, path: &str) -> String {
        match self.election {
            Some(election) => format!("/api/v1/elections/{election}{path}"),
            None => format!("/api/v1{path}"),
        }
    }

    /// Asks, and reads the answer. The path is relative to `/api/v1`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = request(&self.node, Method::GET, &self.path(path))?;
        json_of(&self.node, send(&self.node, request).await?).await
    }

    /// Asks for something that may be missing.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let response =
            answer(&self.node, request(&self.node, Method::GET, &self.path(path))?).await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        ensure!(response.status().is_success(), "{} answered {}", self.node, response.status());
        json_of(&self.node, response).await.map(Some)
    }

    /// Sends, and reads the answer.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = request(&self.node, Method::POST, &self.path(path))?.json(body);
        json_of(&self.node, send(&self.node, request).await?).await
    }

    /// The node's audit file, to be read in pieces.
    pub async fn export(&self) -> anyhow::Result<Response> {
        let request = request(&self.node, Method::GET, &self.path("/export"))?;
        no_page(&self.node, send(&self.node, request).await?)
    }
}

#[derive(Args)]
pub struct Tally {
    #[command(flatten)]
    at: At,
    /// The election, where the node holds several: its id, a link to it, or its file.
    #[arg(long, value_name = "ID|LINK|FILE")]
    election: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    at: At,
    /// The election, where the node holds several: its id, a link to it, or its file.
    #[arg(long, value_name = "ID|LINK|FILE")]
    election: Option<String>,
    /// Where to write it; nothing there is overwritten.
    #[arg(long, short, default_value = "chain.blockvote")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The id of an election, from anything that names it.
pub fn election_named(text: &str) -> anyhow::Result<ElectionId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if let Some((_, rest)) = text.split_once("/e/")
        && let Some(Ok(id)) = rest.split(['/', '#', '?']).next().map(str::parse)
    {
        return Ok(id);
    }
    ensure!(
        !(text.starts_with("http") && text.contains("/v/")),
        "{text:?} is a short address, which only a browser looks up: open it, and give the link that it leads to"
    );
    ensure!(
        Path::new(text).exists(),
        "{text:?} is neither the id of an election, nor a link to one, nor a file"
    );
    // A receipt names its election, too.
    let receipt = fs::read_to_string(text).ok().and_then(|text| ReceiptFile::read(&text).ok());
    if let Some(file) = receipt {
        return Ok(file.receipt.vote.election);
    }
    Ok(Published::read(text.as_ref())?.context.id())
}

/// A client that neither follows redirects nor waits for ever.
fn client() -> anyhow::Result<Client> {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build()?;
    Ok(client)
}

fn address(node: &str) -> anyhow::Result<Url> {
    let url = Url::parse(node).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
    url.with_context(|| {
        format!("{node:?} is not a node's address; it looks like http://127.0.0.1:5000")
    })
}

fn request(node: &str, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
    Ok(client()?.request(method, address(node)?.join(path)?))
}

async fn answer(node: &str, request: RequestBuilder) -> anyhow::Result<Response> {
    request.send().await.map_err(|error| {
        let why =
            if error.is_connect() { "no node answers there; is it running?" } else { "no answer" };
        anyhow!("{node}: {why}")
    })
}

/// The audit file of a node; if the address has a path, what it answers there.
pub async fn export_of(node: &str) -> anyhow::Result<Response> {
    let path = if address(node)?.path() == "/" { "/api/v1/export" } else { "" };
    no_page(node, send(node, request(node, Method::GET, path)?).await?)
}

fn not_a_node(node: &str) -> String {
    format!("{node} answers, but not as a node does; the address of a relay is not that of a node")
}

/// An answer that is not a web page: a relay has one for every path.
fn no_page(node: &str, response: Response) -> anyhow::Result<Response> {
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
    let page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    ensure!(!page, not_a_node(node));
    Ok(response)
}

/// The next piece of an answer.
pub async fn piece(response: &mut Response) -> anyhow::Result<Option<Bytes>> {
    response.chunk().await.map_err(|_| anyhow!("the node broke off in the middle of its answer"))
}

/// The node answered that it refuses what was asked, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

async fn send(node: &str, request: RequestBuilder) -> anyhow::Result<Response> {
    let response = answer(node, request).await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = response.json().await.unwrap_or_default();
    match body.get("error").and_then(Value::as_str) {
        Some(error) => Err(Refused(error.to_owned()).into()),
        None => bail!("{node} answered {status}; is it a Blockvote node?"),
    }
}

/// The answer in JSON, or an error that says what does not speak JSON.
async fn json_of<T: DeserializeOwned>(node: &str, response: Response) -> anyhow::Result<T> {
    let answer = response.json().await;
    answer.ok().with_context(|| not_a_node(node))
}

pub async fn tally(tally: Tally) -> anyhow::Result<ExitCode> {
    let at = tally.at.named(tally.election.as_deref())?;
    let counts: blockvote_core::election::tally::Tally = at.get("/tally").await?;
    if tally.json {
        crate::output::say!("{}", serde_json::to_string(&counts)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut election: Value = at.get("/election").await?;
    let election: Election = serde_json::from_value(election["definition"].take())
        .ok()
        .with_context(|| format!("{} describes no election", tally.at.node))?;
    let status: Value = at.get("/status").await?;
    let until = match status.get("sealed_height").and_then(Value::as_u64) {
        Some(height) => format!("sealed at block {height}"),
        None => "so far".into(),
    };
    crate::output::say!("{}, {until}:", election.title);
    print_tally(&counts, &election.choices);
    if let Some(words) = waiting(&status) {
        eprintln!("note: {words} for a block at the node and will not count before");
    }
    Ok(ExitCode::SUCCESS)
}

/// How many votes of a node are pending.
fn waiting(status: &Value) -> Option<String> {
    match status.get("pending")?.as_u64()? {
        0 => None,
        1 => Some("1 vote waits".into()),
        pending => Some(format!("{pending} votes wait")),
    }
}

/// Prints counts, the highest first, then the choices that nobody made.
pub fn print_tally(tally: &blockvote_core::election::tally::Tally, choices: &[String]) {
    for (selection, count) in tally.ranked() {
        crate::output::say!("{count:>8}  {selection}");
    }
    for choice in choices.iter().filter(|choice| tally.count(choice.as_str()) == 0) {
        crate::output::say!("{:>8}  {choice}", 0);
    }
    if tally.blank > 0 {
        crate::output::say!("{:>8}  (blank)", tally.blank);
    }
    let total = tally.ballots;
    crate::output::say!("{total:>8}  {} in all", if total == 1 { "voter" } else { "voters" });
}

pub async fn export(export: Export) -> anyhow::Result<ExitCode> {
    let at = export.at.named(export.election.as_deref())?;
    let mut response = at.export().await?;
    let shown = export.out.display();
    let status: Value = at.get("/status").await?;
    if let Some(words) = waiting(&status) {
        eprintln!("note: {words} for a block at the node and will not be in the file");
    }
    if export.out.exists() {
        bail!("{shown} exists already; choose another file with --out");
    }
    let folder = export.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("cannot write {shown}: there is no folder {}", folder.display());
    }
    let mut reader = blockvote_core::audit::archive::ArchiveReader::new();
    let (mut bytes, mut blocks) = (0, 0);
    // Written next to its final name and moved there once it is whole.
    let part = with_ending(&export.out, ".part");
    let mut file = fs::File::create_new(&part).with_context(|| {
        format!("cannot write {}; if an earlier export left it, remove it", part.display())
    })?;
    while let Some(chunk) = piece(&mut response).await? {
        reader.push(&chunk);
        while let Some(record) = reader.next_record().in_words()? {
            blocks += u32::from(matches!(record, blockvote_core::audit::archive::Record::Block(_)));
        }
        file.write_all(&chunk)?;
        bytes += chunk.len();
    }
    reader.finish().in_words()?;
    file.sync_all()?;
    // A link, unlike a move, replaces nothing.
    fs::hard_link(&part, &export.out).with_context(|| format!("cannot write {shown}"))?;
    fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    if export.json {
        let answer =
            serde_json::json!({"file": shown.to_string(), "blocks": blocks + 1, "bytes": bytes});
        crate::output::say!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let plural = if blocks == 0 { "" } else { "s" };
    crate::output::say!("Wrote {} block{plural}, {bytes} bytes, to {shown}.", blocks + 1);
    crate::output::say!("Check them with: blockvote verify {shown}");
    Ok(ExitCode::SUCCESS)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
