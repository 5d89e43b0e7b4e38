//! An organisation of real nodes: each the program itself, in a folder of its own, killed and started as a test likes.
//!
//! Invariant: every node dies with the test. Each keeps its port over a restart, as a shop's bookmark expects.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use ureq::Agent;

fn program() -> PathBuf {
    let beside = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("tradepost");
    let path = std::env::var_os("TRADEPOST_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{} is missing\nremedy: cargo build -p cli, or set TRADEPOST_BIN\n", path.display());
    path
}

/// Runs a command to its end and gives what it printed as JSON.
fn command(data: &Path, arguments: &[&str]) -> Value {
    let ran = Command::new(program()).args(arguments).arg("--json").arg("--data").arg(data).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stdout));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// A node that is served.
pub struct Node {
    data: PathBuf,
    served: Child,
    /// Where it answers.
    pub url: String,
    /// The link that opens its pages.
    pub sign_in: String,
    agent: Agent,
}

/// A folder with the nodes of an organisation that keeps its books in yuan.
pub struct Chain {
    folder: tempfile::TempDir,
}

impl Chain {
    /// An organisation of a head office.
    pub fn new() -> (Self, Node) {
        let chain = Self { folder: tempfile::tempdir().unwrap() };
        let data = chain.folder.path().join("HQ");
        let zone = "Asia/Shanghai";
        command(
            &data,
            &["init", "--org", "Demo", "--site", "HQ", "--kind", "head-office", "--currency", "CNY", "--zone", zone],
        );
        let office = Node::serve(data, 0);
        (chain, office)
    }

    /// A node more, of a store unless the site exists.
    pub fn join(&self, office: &Node, site: &str, name: &str) -> Node {
        let ticket =
            office.post("/api/v1/peers/invites", &json!({"site": site, "kind": "store", "zone": "Asia/Shanghai"}));
        let data = self.folder.path().join(name);
        command(&data, &["join", ticket["ticket"].as_str().unwrap()]);
        Node::serve(data, 0)
    }
}

impl Node {
    fn serve(data: PathBuf, port: u16) -> Self {
        let listen = format!("127.0.0.1:{port}");
        let mut served = Command::new(program())
            .args(["serve", "--json", "--listen", &listen, "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let line = BufReader::new(served.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { data, served, url: text("url"), sign_in: text("sign_in"), agent }
    }

    fn token(&self) -> String {
        let note: Value = serde_json::from_slice(&std::fs::read(self.data.join("node.json")).unwrap()).unwrap();
        format!("Bearer {}", note["token"].as_str().unwrap())
    }

    /// Asks the API.
    pub fn get(&self, path: &str) -> Value {
        let request = self.agent.get(format!("{}{path}", self.url)).header("authorization", self.token());
        request.call().unwrap().body_mut().read_json().unwrap()
    }

    /// Changes something by the API.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", self.token());
        let mut answer = request.send_json(body).unwrap();
        let said: Value = answer.body_mut().read_json().unwrap();
        assert!(answer.status().is_success(), "{path}: {said}");
        said
    }

    /// Gives everything to its peers and takes all of theirs.
    pub fn exchange(&self) {
        let done = self.post("/api/v1/sync/now", &json!({"wait": true, "timeout_seconds": 60}));
        assert!(done["peers"].as_array().is_some_and(|peers| !peers.is_empty()), "{done}");
    }

    /// The digests of the scopes that it holds, by scope.
    pub fn digests(&self) -> Vec<(String, String)> {
        let status = self.get("/api/v1/status");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        status["scopes"].as_array().unwrap().iter().map(|row| (text(&row["scope"]), text(&row["digest"]))).collect()
    }

    /// Dies at once, as by a power cut of the program.
    pub fn kill(&mut self) {
        self.served.kill().unwrap();
        self.served.wait().unwrap();
    }

    /// Is served again under the same address.
    pub fn again(&mut self) {
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        let data = self.data.clone();
        *self = Self::serve(data, port);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.served.kill());
        drop(self.served.wait());
    }
}
