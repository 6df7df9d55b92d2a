//! `cargo xtask run`: a relay, a native node that is a keeper too, a demo election.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    build,
    step::{program, root, step},
};

/// A program that ends with this one.
struct Running {
    name: &'static str,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM first, so that clients are told; `kill` of the standard library is SIGKILL.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let id = self.child.id().to_string();
        let told = Command::new("kill").arg(&id).status().is_ok_and(|status| status.success());
        if !told {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Starts a program and waits for the line that says that it listens.
fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Running> {
    let child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("start the {name}"))?;
    let mut running = Running { name, child };
    let output = running.child.stdout.take().context("its output")?;
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref() {
        if line?.contains("listening on") {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(running);
        }
    }
    let status = running.child.wait()?;
    bail!("the {name} ended with {status}; its message stands above");
}

/// The usual port, or a free one when it is taken.
fn port(usual: u16) -> u16 {
    let listener =
        TcpListener::bind(("127.0.0.1", usual)).or_else(|_| TcpListener::bind("127.0.0.1:0"));
    listener.and_then(|listener| listener.local_addr()).map_or(usual, |address| address.port())
}

/// Builds, starts, and waits until one of them ends or the user presses Ctrl-C.
pub fn run() -> anyhow::Result<()> {
    build::everything()?;
    let programs = root().join("target/debug");
    let election = root().join("target/demo-election.json");
    fs::write(&election, include_str!("../demo-election.json"))?;
    let (relay_port, node_port) = (port(8080), port(5000));
    let mut running = step("start the relay and a node", || {
        let relay = start(
            "relay",
            program(programs.join("blockvote-relay"))
                .args(["--listen", &format!("127.0.0.1:{relay_port}")])
                .env("RUST_LOG", "warn"),
        )?;
        let node = start(
            "node",
            program(programs.join("blockvote"))
                .args(["node", "--mine", "--listen", &format!("127.0.0.1:{node_port}")])
                // Whoever creates an election here can close the tab at once.
                .args(["--keep", "Demo keeper"])
                .args(["--relay", &format!("ws://127.0.0.1:{relay_port}/ws"), "--election"])
                .arg(&election)
                .arg("--data")
                // One for each port, so that a second demo beside this one has its own.
                .arg(root().join(format!("target/demo-data-{node_port}")))
                .env("RUST_LOG", "warn"),
        )?;
        // In the order in which they are stopped.
        Ok([node, relay])
    })?;
    let shown = program(programs.join("blockvote"))
        .args(["election", "show", "--json"])
        .arg(&election)
        .output()?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let id =
        shown.split('"').find(|part| part.len() == 64).context("the election's id")?.to_owned();
    println!();
    println!("Vote at             http://127.0.0.1:{relay_port}/e/{id}/vote");
    println!("Node's interface    http://127.0.0.1:{node_port}/docs");
    println!("Stop with Ctrl-C.");
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    ctrlc::set_handler(move || stopping.store(true, Ordering::Relaxed))
        .context("the handler of Ctrl-C")?;
    while !stop.load(Ordering::Relaxed) {
        for program in &mut running {
            if let Some(status) = program.child.try_wait()? {
                bail!("the {} ended with {status}", program.name);
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("Stopping the node and the relay.");
    drop(running);
    Ok(())
}
