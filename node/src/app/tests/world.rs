//! The world of the application's tests: a node of its own, asked as the command line asks it when no node runs.
//!
//! Invariant: every request passes the routes of the served API.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::init::{InitRequest, init};
use crate::run::{LocalNode, LocalRequest};

/// A node in its own folder.
pub struct Shop {
    pub folder: TempDir,
    node: Option<LocalNode>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Shop {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let request = InitRequest {
            data: folder.path().to_owned(),
            org: "Demo".into(),
            site: "HQ".into(),
            kind: "head-office".into(),
            currency: "GBP".into(),
            zone: "Europe/London".into(),
            territory: "MAIN".into(),
            sync_listen: None,
        };
        init(&request).unwrap();
        let node = LocalNode::open(folder.path()).unwrap();
        Self { folder, node: Some(node) }
    }

    /// A node with these products.
    pub fn with(skus: &[&str]) -> Self {
        let shop = Self::new();
        for sku in skus {
            shop.made("products", &json!({"sku": sku, "name": format!("the {sku}")}));
        }
        shop
    }

    /// Ends the node.
    pub fn stop(&mut self) {
        self.node = None;
    }

    /// Ends the node and opens its folder again.
    pub fn reopen(&mut self) {
        self.stop();
        self.node = Some(LocalNode::open(self.folder.path()).unwrap());
    }

    /// The application itself.
    pub fn app(&self) -> &crate::app::App {
        self.node.as_ref().unwrap().app()
    }

    pub fn call(&self, request: LocalRequest) -> Answer {
        let answer = self.node.as_ref().unwrap().call(request);
        Answer { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null) }
    }

    /// Sends a body as a request that can be repeated.
    pub fn post_keyed(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        self.call(LocalRequest {
            method: "POST",
            path_and_query: format!("/api/v1/{path}"),
            content_type: Some("application/json".into()),
            idempotency_key: key.map(str::to_owned),
            body: serde_json::to_vec(body).unwrap(),
        })
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_keyed(path, None, body)
    }

    /// What a POST made.
    pub fn made(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body);
        assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
        answer.body
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call(LocalRequest {
            method: "GET",
            path_and_query: format!("/api/v1/{path}"),
            content_type: None,
            idempotency_key: None,
            body: Vec::new(),
        })
    }

    pub fn shown(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Imports a file of the preset `online-retail`; gives the ended import.
    pub fn import(&self, query: &str, file: &str) -> Value {
        self.import_keyed(query, None, file)
    }

    /// Sends a file as a request that can be repeated.
    pub fn send_file(&self, query: &str, key: Option<&str>, file: &str) -> Answer {
        self.call(LocalRequest {
            method: "POST",
            path_and_query: format!("/api/v1/imports?{query}"),
            content_type: Some("text/csv".into()),
            idempotency_key: key.map(str::to_owned),
            body: file.as_bytes().to_vec(),
        })
    }

    /// As [`Shop::import`], with an idempotency key.
    pub fn import_keyed(&self, query: &str, key: Option<&str>, file: &str) -> Value {
        let started = self.send_file(query, key, file);
        assert_eq!(started.status, 202, "{started:?}");
        let path = format!("imports/{}", started.body["id"].as_str().unwrap());
        loop {
            let import = self.shown(&path);
            if import["state"] != "running" {
                return import;
            }
            std::thread::yield_now();
        }
    }

    /// Every item of a list, page by page of `limit`.
    pub fn pages(&self, list: &str, limit: usize) -> Vec<Value> {
        let mark = if list.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.shown(&format!("{list}{mark}limit={limit}{cursor}"));
            let found = page["items"].as_array().unwrap().clone();
            assert!(found.len() <= limit);
            items.extend(found);
            assert_eq!(page["has_more"], !page["next_cursor"].is_null());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

/// An order of one line.
pub fn order(sku: &str, quantity: &str) -> Value {
    json!({"walk_in": false, "lines": [{"sku": sku, "quantity": quantity, "price": "2.55"}]})
}
