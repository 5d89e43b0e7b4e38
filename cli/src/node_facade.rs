//! Stand-in for the façade of the node crate, with its exact signatures; every call reports that no
//! node is built in. Not a node: it holds no data.
//! Invariant: only `api/local` names this module; proved by building with the real crate in its place.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a new organisation's first node needs.
pub struct InitRequest {
    /// The node's folder.
    pub data: PathBuf,
    /// Name of the organisation.
    pub org: String,
    /// Code of the site.
    pub site: String,
    /// `head-office`, `store`, `warehouse` or `field`.
    pub kind: String,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA zone.
    pub zone: String,
    /// Territory the site belongs to.
    pub territory: String,
}

/// What `init` made; the words are shown once.
pub struct InitReport {
    /// Id of the organisation, hex.
    pub org_id: String,
    /// Code of the site.
    pub site: String,
    /// The node's author id, short.
    pub node: String,
    /// Words of the root key.
    pub root_words: String,
    /// Words of the recovery secret.
    pub recovery_words: String,
}

/// How to serve.
pub struct ServeOptions {
    /// The node's folder.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
}

/// A refusal of the node.
#[derive(Debug)]
pub struct NodeError;

impl NodeError {
    /// Stable code.
    pub fn code(&self) -> &str {
        "not_built"
    }
    /// What to do.
    pub fn remedy(&self) -> &str {
        "start a node with `tradepost serve` of a full build"
    }
    /// Address of the running node when it holds the folder.
    pub fn page(&self) -> Option<&str> {
        None
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no node is built into this program")
    }
}

impl std::error::Error for NodeError {}

/// Makes a new organisation.
pub fn init(_request: &InitRequest) -> Result<InitReport, NodeError> {
    Err(NodeError)
}

/// Serves until told to stop.
pub fn serve(_options: &ServeOptions, _ready: impl FnOnce(&str)) -> Result<(), NodeError> {
    Err(NodeError)
}

/// A node opened in this process.
pub struct LocalNode;

impl LocalNode {
    /// Opens the folder.
    pub fn open(_data: &Path) -> Result<LocalNode, NodeError> {
        Err(NodeError)
    }

    /// Answers one request.
    pub fn call(&self, _request: LocalRequest) -> LocalResponse {
        LocalResponse { status: 500, body: Vec::new() }
    }
}

/// One request to a node in this process.
pub struct LocalRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub path_and_query: String,
    /// Type of the body.
    pub content_type: Option<String>,
    /// Idempotency key.
    pub idempotency_key: Option<String>,
    /// The body; of a file, its bytes.
    pub body: Vec<u8>,
}

/// The answer.
pub struct LocalResponse {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}
