//! A node in a process of its own: started, asked for its memory, stopped or killed.
//!
//! Invariant: a node that is dropped is killed, so that a failed run leaves no process behind.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use node::{InitRequest, JoinRequest, ServeOptions, init};

use super::Outcome;
use super::client::Client;

/// Serves `folder` in this process; prints the address once it answers.
pub fn serve(folder: &Path) -> Outcome<()> {
    let options = ServeOptions {
        data: folder.to_owned(),
        listen: "127.0.0.1:0".parse()?,
        sync_listen: None,
        purpose: node::Purpose::Work,
    };
    let ready = |told: &node::Ready| drop(writeln!(std::io::stdout().lock(), "ready {}", told.url));
    Ok(node::serve(&options, ready)?)
}

/// Makes a head office at London in `folder`.
pub fn found(folder: &Path) -> Outcome<()> {
    init(&InitRequest {
        data: folder.to_owned(),
        org: "Bench".to_owned(),
        site: "HQ".to_owned(),
        kind: "head-office".to_owned(),
        currency: "GBP".to_owned(),
        zone: "Europe/London".to_owned(),
        territory: "MAIN".to_owned(),
        sync_listen: Some("127.0.0.1:0".parse()?),
    })?;
    Ok(())
}

/// Lets a new device join with a ticket, into `folder`.
pub fn join(folder: &Path, ticket: &str) -> Outcome<()> {
    let sync_listen = Some("127.0.0.1:0".parse()?);
    node::join(&JoinRequest { data: folder.to_owned(), ticket: ticket.to_owned(), sync_listen })?;
    Ok(())
}

/// A running node.
pub struct Node {
    child: Child,
    address: String,
    token: String,
    /// From the start of the process to its first answer.
    pub start_up: Duration,
}

impl Node {
    /// Starts a node over `folder` and waits until it answers.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let start = Instant::now();
        let mut child =
            Command::new(std::env::current_exe()?).arg("--serve").arg(folder).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("ready http://").ok_or("the node did not start")?.to_owned();
        let note: serde_json::Value = serde_json::from_slice(&std::fs::read(note_path(folder))?)?;
        let token = note["token"].as_str().ok_or("no token")?.to_owned();
        let mut node = Self { child, address, token, start_up: Duration::ZERO };
        node.client()?.get("/api/v1/health")?.expect(200)?;
        node.start_up = start.elapsed();
        Ok(node)
    }

    /// A new connection.
    pub fn client(&self) -> Outcome<Client> {
        Client::connect(&self.address, &self.token)
    }

    /// Memory of the process in MiB: `VmRSS` now, `VmHWM` at its highest.
    pub fn memory(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kilobytes: f64 = line.and_then(|line| line.split_whitespace().next()).ok_or("no such field")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Processor time of the process so far, in seconds.
    pub fn processor_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        // Linux counts a hundred ticks a second on every platform that Rust supports.
        Ok(ticks / 100.0)
    }

    /// Asks the node to end, and waits.
    pub fn stop(mut self) -> Outcome<()> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // After a stop or kill there is nothing left to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn note_path(folder: &Path) -> PathBuf {
    folder.join("node.json")
}
