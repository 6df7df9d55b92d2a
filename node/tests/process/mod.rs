//! A `blockvote node` as a real process.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_blockvote");
const SOON: Duration = Duration::from_mins(1);

pub struct Process {
    pub child: Child,
    /// `127.0.0.1:port`.
    pub address: String,
    /// Its first line of output.
    pub line: String,
    client: reqwest::Client,
    _output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn blockvote(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).env("RUST_LOG", "off").output().unwrap()
}

/// Exit code, standard output, standard error.
pub fn words(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

impl Process {
    /// Starts a node and waits until it listens.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        Self::run(command.args(["node", "--listen", "127.0.0.1:0"]).args(arguments))
    }

    /// Starts a node with a command that the test made.
    pub fn run(command: &mut Command) -> Self {
        let mut child = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("it did not start: {line:?}")).to_owned();
        let client = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        Self { child, address, line, client, _output: output }
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.try_get(path).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub async fn try_get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn post(&self, path: &str, body: impl Into<String>) -> Option<(u16, Value)> {
        let url = format!("http://{}{path}", self.address);
        let response = self.client.post(url).body(body.into()).send().await.ok()?;
        Some((response.status().as_u16(), response.json().await.ok()?))
    }

    pub async fn vote(&self, token: u64, selection: &str) -> (u16, String) {
        let body = serde_json::json!({"token_id": token, "selection": selection}).to_string();
        let (status, answer) = self.post("/vote", body).await.unwrap();
        let words = answer.get("message").or_else(|| answer.get("error")).unwrap();
        (status, words.as_str().unwrap().to_owned())
    }

    /// Asks again until the answer is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let value = self.get(path).await;
                if wanted(&value) {
                    return value;
                }
                tokio::task::yield_now().await;
            }
        };
        let answer = tokio::time::timeout(SOON, asked).await;
        let Ok(value) = answer else { panic!("{path} stays {}", self.get(path).await) };
        value
    }
}
