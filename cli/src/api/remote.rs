//! A running node, asked over loopback HTTP with the token of its `node.json`.
//! It knows no route and follows neither proxies nor redirects.
//! Invariants: an upload streams the file, it is never held in memory; no answer is
//! `CliError::Unreachable`, exit 6 (`node_that_dies_mid_import_is_exit_6`).

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body as ResponseBody, RequestBuilder};

use crate::api::node_file::NodeFile;
use crate::api::{BASE, Body, Request, Verb};
use crate::error::CliError;

/// Time to connect to a node on this machine.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Time for an answer to begin: a rebuild, a large report and the longest wait for peers included.
const ANSWER_MAX: Duration = Duration::from_secs(3_660);
/// Time for the health answer.
const HEALTH_MAX: Duration = Duration::from_secs(5);
/// Longest answer read, in bytes: a rejects file can be as long as the file imported.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// A node in another process.
pub struct Remote {
    agent: Agent,
    url: String,
    token: String,
}

impl Remote {
    /// The node a file names.
    pub fn new(file: &NodeFile) -> Remote {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_recv_response(Some(ANSWER_MAX))
            .build();
        Remote { agent: config.new_agent(), url: file.url.clone(), token: file.token.clone() }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether something answers health here; an address nobody listens on is `false`, silence an error.
    pub fn listens(&self) -> Result<bool, CliError> {
        match self.health() {
            Ok(_) => Ok(true),
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Whether the node says it is healthy.
    pub fn is_healthy(&self) -> bool {
        self.health().is_ok_and(|answer| answer.status() == 200)
    }

    /// One exchange: HTTP status and body.
    pub fn exchange(&self, request: &Request) -> Result<(u16, Vec<u8>), CliError> {
        let mut response = match &request.verb {
            Verb::Get => self
                .authorised(self.agent.get(self.address(request)))
                .call()
                .map_err(|error| self.unreachable(&error))?,
            Verb::Put { body } => self
                .authorised(self.agent.put(self.address(request)))
                .header("content-type", "application/json")
                .send(body.to_string())
                .map_err(|error| self.unreachable(&error))?,
            Verb::Post { idempotency_key, body } => self.post(request, idempotency_key.as_deref(), body)?,
        };
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        Ok((status, bytes))
    }

    fn post(
        &self,
        request: &Request,
        idempotency_key: Option<&str>,
        body: &Body,
    ) -> Result<Response<ResponseBody>, CliError> {
        let mut post = self.authorised(self.agent.post(self.address(request)));
        if let Some(key) = idempotency_key {
            post = post.header("idempotency-key", key);
        }
        if let Some(content_type) = body.content_type() {
            post = post.header("content-type", content_type);
        }
        match body {
            Body::Empty => post.send_empty().map_err(|error| self.unreachable(&error)),
            Body::Json(value) => post.send(value.to_string()).map_err(|error| self.unreachable(&error)),
            Body::File(path) => self.upload(post, path),
        }
    }

    /// Streams a file; a refusal that needs no byte of it comes before the bytes are sent.
    fn upload(
        &self,
        post: RequestBuilder<ureq::typestate::WithBody>,
        path: &Path,
    ) -> Result<Response<ResponseBody>, CliError> {
        let file = File::open(path).map_err(|cause| CliError::File { path: path.to_owned(), cause })?;
        post.header("expect", "100-continue").send(&file).map_err(|error| {
            if self.is_healthy() {
                CliError::UploadBroken { url: self.url.clone(), cause: error.to_string() }
            } else {
                self.unreachable(&error)
            }
        })
    }

    fn health(&self) -> Result<Response<ResponseBody>, ureq::Error> {
        self.agent.get(format!("{}{BASE}/health", self.url)).config().timeout_global(Some(HEALTH_MAX)).build().call()
    }

    fn address(&self, request: &Request) -> String {
        format!("{}{}", self.url, request.target)
    }

    fn authorised<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        request.header("authorization", format!("Bearer {}", self.token))
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        CliError::Unreachable { url: self.url.clone(), cause: error.to_string() }
    }
}

fn is_refused(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(cause) => cause.kind() == ErrorKind::ConnectionRefused,
        ureq::Error::ConnectionFailed => true,
        _ => false,
    }
}
