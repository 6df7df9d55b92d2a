//! A real nats-server as a process.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

pub struct Nats {
    child: Option<Child>,
    address: SocketAddr,
    /// Where it reports its connections.
    pub monitor: SocketAddr,
    settings: PathBuf,
    _folder: tempfile::TempDir,
}

fn server() -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/nats/bin/nats-server");
    assert!(tool.exists(), "nats-server is missing; `cargo xtask test` installs it");
    tool
}

fn free_port(host: &str) -> SocketAddr {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}

impl Nats {
    pub fn start(max_payload: usize) -> Self {
        Self::start_on("127.0.0.1", max_payload)
    }

    pub fn start_on(host: &str, max_payload: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("nats.conf");
        let (address, monitor) = (free_port(host), free_port(host));
        let text =
            format!("listen: \"{address}\"\nhttp: \"{monitor}\"\nmax_payload: {max_payload}\n");
        std::fs::write(&settings, text).unwrap();
        let mut nats = Self { child: None, address, monitor, settings, _folder: folder };
        nats.run();
        nats
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Starts it on the same port, unless it is running.
    pub fn run(&mut self) {
        let mut command = Command::new(server());
        command.arg("--config").arg(&self.settings).stdout(Stdio::null()).stderr(Stdio::null());
        self.child.get_or_insert_with(|| command.spawn().unwrap());
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal: SIGSTOP, SIGCONT.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
