//! The one way from a command to a node: a [`Request`] in, an [`Answer`] or a [`CliError`] out.
//! Whether the node runs elsewhere (`remote`) or was opened here (`local`) is decided once, in `open`.
//! Invariants: a refusal becomes a `CliError` (`refusal_carries_the_problem`); every path segment and
//! query value is percent-encoded (`query_and_segments_are_percent_encoded`).

pub mod local;
pub mod node_file;
pub mod remote;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::CliError;
use local::Local;
use node_file::{NodeFile, Presence};
use remote::Remote;

/// Prefix of every route.
const BASE: &str = "/api/v1";

/// One call of the HTTP API.
#[derive(Debug)]
pub struct Request {
    /// Path and query, encoded.
    pub target: String,
    /// The verb and what it carries.
    pub verb: Verb,
}

/// The verbs the API has.
#[derive(Debug)]
pub enum Verb {
    /// Read.
    Get,
    /// Set.
    Put {
        /// What is sent.
        body: Value,
    },
    /// Write.
    Post {
        /// Repeating a call with the same key repeats the answer, not the effect.
        idempotency_key: Option<String>,
        /// What is sent.
        body: Body,
    },
}

/// What a writing call carries.
#[derive(Debug)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON value.
    Json(Value),
    /// A file's bytes.
    File(PathBuf),
}

impl Body {
    /// The media type sent with the body.
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Body::Empty => None,
            Body::Json(_) => Some("application/json"),
            Body::File(path) if path.extension().is_some_and(|end| end == "gz") => Some("application/gzip"),
            Body::File(_) => Some("text/csv"),
        }
    }
}

impl Request {
    /// Reads `segments` under the API's base.
    pub fn get(segments: &[&str]) -> Request {
        Request { target: path(segments), verb: Verb::Get }
    }

    /// Writes `body` to `segments` under the API's base.
    pub fn post(segments: &[&str], idempotency_key: Option<&str>, body: Body) -> Request {
        Request {
            target: path(segments),
            verb: Verb::Post { idempotency_key: idempotency_key.map(str::to_owned), body },
        }
    }

    /// Sets `body` at `segments` under the API's base.
    pub fn put(segments: &[&str], body: Value) -> Request {
        Request { target: path(segments), verb: Verb::Put { body } }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Request {
        let join = if self.target.contains('?') { '&' } else { '?' };
        self.target.push(join);
        self.target.push_str(name);
        self.target.push('=');
        encode_into(&mut self.target, value);
        self
    }

    /// Adds a query parameter if there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<&str>) -> Request {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }
}

fn path(segments: &[&str]) -> String {
    let mut path = BASE.to_owned();
    for segment in segments {
        path.push('/');
        encode_into(&mut path, segment);
    }
    path
}

fn encode_into(target: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                target.push(char::from(byte));
            }
            _ => target.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    text: String,
    value: Value,
}

impl Answer {
    /// The body as it came.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The body parsed.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// The way to one node.
pub enum Api {
    /// A node running in another process.
    Remote(Remote),
    /// The folder opened in this process.
    Local(Local),
}

impl Api {
    /// Finds the running node of `data`, else opens the folder here.
    pub fn open(data: &Path) -> Result<Api, CliError> {
        match Api::running(data)? {
            Some(remote) => Ok(Api::Remote(remote)),
            None => Local::open(data).map(Api::Local).map_err(|error| name_page(error, data)),
        }
    }

    /// The running node of `data`: none when no file names one, its process is dead, or nothing
    /// listens at its address.
    pub fn running(data: &Path) -> Result<Option<Remote>, CliError> {
        match NodeFile::find(data) {
            Presence::Absent | Presence::Stale => Ok(None),
            Presence::Alive(file) => {
                let remote = Remote::new(&file);
                Ok(remote.listens()?.then_some(remote))
            }
        }
    }

    /// Asks for a JSON answer.
    pub fn call(&self, request: &Request) -> Result<Answer, CliError> {
        let (status, body) = self.exchange(request)?;
        let text = String::from_utf8(body).map_err(|_| CliError::BadAnswer { status })?;
        let value = serde_json::from_str(&text).map_err(|_| CliError::BadAnswer { status })?;
        Ok(Answer { text, value })
    }

    /// Asks for an answer that is not JSON.
    pub fn bytes(&self, request: &Request) -> Result<Vec<u8>, CliError> {
        Ok(self.exchange(request)?.1)
    }

    /// Address of the running node; none when the node is in this process.
    pub fn url(&self) -> Option<&str> {
        match self {
            Api::Remote(remote) => Some(remote.url()),
            Api::Local(_) => None,
        }
    }

    fn exchange(&self, request: &Request) -> Result<(u16, Vec<u8>), CliError> {
        let (status, body) = match self {
            Api::Remote(remote) => remote.exchange(request)?,
            Api::Local(local) => local.exchange(request)?,
        };
        if (200..300).contains(&status) {
            return Ok((status, body));
        }
        Err(refusal(status, &body))
    }
}

/// Adds the running node's address to a refusal of a locked folder, when its file names one.
pub fn name_page(error: CliError, data: &Path) -> CliError {
    match (error, NodeFile::find(data)) {
        (CliError::Node { code, detail, remedy, page: None }, Presence::Alive(file)) if code == "locked" => {
            CliError::Node { code, detail, remedy, page: Some(file.url) }
        }
        (error, _) => error,
    }
}

fn refusal(status: u16, body: &[u8]) -> CliError {
    match serde_json::from_slice::<Value>(body) {
        Ok(problem) if problem.is_object() => CliError::Problem { status, problem },
        Ok(_) | Err(_) => CliError::BadAnswer { status },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn query_and_segments_are_percent_encoded() {
        let request =
            Request::get(&["products", "A/B:黑 1"]).query("q", "a&b=c").maybe("none", None).maybe("limit", Some("50"));
        assert_eq!(request.target, "/api/v1/products/A%2FB%3A%E9%BB%91%201?q=a%26b%3Dc&limit=50");
    }

    #[test]
    fn refusal_carries_the_problem() {
        let error = refusal(409, br#"{"code":"conflict"}"#);
        assert!(matches!(error, CliError::Problem { status: 409, .. }));
        let error = refusal(502, b"<html>");
        assert!(matches!(error, CliError::BadAnswer { status: 502 }));
    }

    #[test]
    fn file_type_follows_the_name() {
        let of = |name: &str| Body::File(PathBuf::from(name)).content_type();
        assert_eq!(of("orders.csv.gz"), Some("application/gzip"));
        assert_eq!(of("orders.csv"), Some("text/csv"));
    }

    fn folder_naming(url: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = serde_json::json!({"pid": std::process::id(), "url": url, "token": "t"});
        std::fs::write(folder.path().join(node_file::NODE_FILE), file.to_string()).unwrap();
        folder
    }

    #[test]
    fn file_whose_address_nobody_listens_on_is_no_node() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let folder = folder_naming(&url);
        assert!(Api::running(folder.path()).unwrap().is_none());
    }

    #[test]
    fn listener_that_does_not_answer_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = folder_naming(&format!("http://{}", listener.local_addr().unwrap()));
        let closer = std::thread::spawn(move || drop(listener.accept()));
        let found = Api::running(folder.path());
        assert!(matches!(found, Err(CliError::Unreachable { .. })));
        closer.join().unwrap();
    }

    #[test]
    fn locked_folder_gets_the_page_of_its_file() {
        let locked = |page: Option<&str>| CliError::Node {
            code: "locked".to_owned(),
            detail: "in use".to_owned(),
            remedy: "open the page".to_owned(),
            page: page.map(str::to_owned),
        };
        let folder = folder_naming("http://127.0.0.1:7");
        let named = name_page(locked(None), folder.path());
        assert_eq!(named.problem(crate::text::Lang::En)["page"], "http://127.0.0.1:7");
        let kept = name_page(locked(Some("http://own")), folder.path());
        assert_eq!(kept.problem(crate::text::Lang::En)["page"], "http://own");
    }
}
