//! The node opened in this process, behind the same request and answer as a running one.
//! The only file that names the node crate's façade; it knows no route.
//! Invariant: a refusal to open keeps code, remedy and page; proved by
//! `node_refusal_keeps_code_and_remedy`.

use std::path::Path;

use crate::api::{Body, Request, Verb};
use crate::error::CliError;
use node as facade;

pub use facade::{Ending, InitReport, InitRequest, JoinReport, JoinRequest, Purpose, Ready, ServeOptions, ServedNode};

/// A node in this process.
pub struct Local {
    node: facade::LocalNode,
}

impl Local {
    /// Opens the folder; fails when it holds no node or another process has it.
    pub fn open(data: &Path) -> Result<Local, CliError> {
        facade::LocalNode::open(data).map(|node| Local { node }).map_err(|error| refused(&error))
    }

    /// One exchange: HTTP status and body.
    pub fn exchange(&self, request: &Request) -> Result<(u16, Vec<u8>), CliError> {
        let response = self.node.call(local_request(request)?);
        Ok((response.status, response.body))
    }
}

/// Makes a new organisation and its first node in a folder.
pub fn init(request: &InitRequest) -> Result<InitReport, CliError> {
    facade::init(request).map_err(|error| refused(&error))
}

/// Makes the folder's node a member of the ticket's organisation.
pub fn join(request: &JoinRequest) -> Result<JoinReport, CliError> {
    facade::join(request).map_err(|error| refused(&error))
}

/// Serves the folder until told to stop; `ready` gets the node's addresses once.
pub fn serve(options: &ServeOptions, ready: impl FnOnce(&Ready)) -> Result<(), CliError> {
    facade::serve(options, ready).map_err(|error| refused(&error))
}

/// Serves the folder on a thread of this process; returns once it answers.
pub fn serve_beside(options: ServeOptions) -> Result<ServedNode, CliError> {
    ServedNode::start(options).map_err(|error| refused(&error))
}

/// Ends a node of this process.
pub fn stop(node: &mut ServedNode) -> Result<(), CliError> {
    node.stop().map_err(|error| refused(&error))
}

/// Hears from now on when this process is asked to end.
pub fn listen_for_end() -> Result<Ending, CliError> {
    Ending::listen().map_err(|error| refused(&error))
}

fn local_request(request: &Request) -> Result<facade::LocalRequest, CliError> {
    let put;
    let (method, idempotency_key, body) = match &request.verb {
        Verb::Get => ("GET", None, &Body::Empty),
        Verb::Put { body } => {
            put = Body::Json(body.clone());
            ("PUT", None, &put)
        }
        Verb::Post { idempotency_key, body } => ("POST", idempotency_key.clone(), body),
    };
    Ok(facade::LocalRequest {
        method,
        path_and_query: request.target.clone(),
        content_type: body.content_type().map(str::to_owned),
        idempotency_key,
        body: body_bytes(body)?,
    })
}

fn body_bytes(body: &Body) -> Result<Vec<u8>, CliError> {
    match body {
        Body::Empty => Ok(Vec::new()),
        Body::Json(value) => Ok(value.to_string().into_bytes()),
        Body::File(path) => std::fs::read(path).map_err(|cause| CliError::File { path: path.clone(), cause }),
    }
}

fn refused(error: &facade::NodeError) -> CliError {
    CliError::Node {
        code: error.code().to_owned(),
        detail: error.to_string(),
        remedy: error.remedy().to_owned(),
        page: error.page().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn request_becomes_a_local_one() {
        let body = Body::Json(json!({"sku": "A"}));
        let local = local_request(&Request::post(&["products"], Some("k1"), body)).unwrap();
        assert_eq!(local.method, "POST");
        assert_eq!(local.path_and_query, "/api/v1/products");
        assert_eq!(local.content_type.as_deref(), Some("application/json"));
        assert_eq!(local.idempotency_key.as_deref(), Some("k1"));
        assert_eq!(local.body, br#"{"sku":"A"}"#);
    }

    #[test]
    fn node_refusal_keeps_code_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let Err(CliError::Node { code, remedy, .. }) = Local::open(&folder.path().join("none")) else {
            panic!("a folder without a node opened");
        };
        assert!(!code.is_empty());
        assert!(!remedy.is_empty());
    }
}
