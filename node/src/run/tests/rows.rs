//! Tests of a folder whose folded rows are of another version.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;

use crdt_model::rows::RowKey;
use crdt_model::scope::{Scope, SiteCode};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::init::{InitRequest, init};
use crate::run::{LocalNode, LocalRequest, open_store};
use crate::store::{Direction, KeyRange, ReadTables, Table};

fn shop(data: &Path) {
    let request = InitRequest {
        data: data.to_owned(),
        org: "Demo".into(),
        site: "HQ".into(),
        kind: "head-office".into(),
        currency: "GBP".into(),
        zone: "Europe/London".into(),
        territory: "MAIN".into(),
        sync_listen: None,
    };
    init(&request).unwrap();
}

fn ask(node: &LocalNode, method: &'static str, path: &str, body: Value) -> (u16, Value) {
    let answer = node.call(LocalRequest {
        method,
        path_and_query: format!("/api/v1/{path}"),
        content_type: Some("application/json".into()),
        idempotency_key: None,
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    });
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

/// Gives every folded row of a scope the next version; how many there are.
fn age(data: &Path, scope: &Scope) -> usize {
    let store = open_store(&Folder::new(data)).unwrap();
    let mut rows = Vec::new();
    let prefix = RowKey::of(scope);
    let snapshot = store.read().unwrap();
    let each = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    snapshot.scan(Table::Rows, &KeyRange::prefix(prefix.as_bytes()), Direction::Forward, each).unwrap();
    drop(snapshot);
    store
        .write(|tx| {
            for (key, row) in &mut rows {
                row[0] = row[0].wrapping_add(1);
                tx.put(Table::Rows, key, row)?;
            }
            Ok::<_, crate::store::StoreError>(())
        })
        .unwrap();
    rows.len()
}

#[test]
fn rows_of_control_of_another_version_are_made_anew_at_the_start() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("hq");
    shop(&data);
    let node = LocalNode::open(&data).unwrap();
    let channel = json!({"name": "web", "home": "HQ", "zone": "Europe/London"});
    assert_eq!(ask(&node, "POST", "channels", channel).0, 201);
    assert_eq!(ask(&node, "POST", "products", json!({"sku": "MUG", "name": "mug"})).0, 201);
    assert_eq!(ask(&node, "POST", "stock/receipts", json!({"sku": "MUG", "quantity": "3"})).0, 201);
    let states = |node: &LocalNode| {
        ["status?content_digest=true", "channels", "products"].map(|path| ask(node, "GET", path, Value::Null))
    };
    let before = states(&node);
    drop(node);

    assert!(age(&data, &Scope::Control) >= 2, "the genesis and the channel at least");
    let node = LocalNode::open(&data).unwrap();
    assert_eq!(states(&node), before, "nothing else was needed");
    drop(node);

    assert!(age(&data, &Scope::Control) > 0 && age(&data, &Scope::Site(SiteCode::new("HQ").unwrap())) > 0);
    let node = LocalNode::open(&data).unwrap();
    assert_eq!(ask(&node, "GET", "stock", Value::Null).1["code"], "rebuild_needed", "rows of other scopes are told");
    assert_eq!(ask(&node, "POST", "rebuild", json!({})).0, 200);
    assert_eq!(states(&node), before, "and mended by the rebuild that is told");
}

#[test]
fn a_folder_whose_rows_are_of_another_version_is_not_initialised_again() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("hq");
    shop(&data);
    age(&data, &Scope::Control);
    let request = InitRequest {
        data: data.clone(),
        org: "Other".into(),
        site: "SH01".into(),
        kind: "store".into(),
        currency: "GBP".into(),
        zone: "Europe/London".into(),
        territory: "MAIN".into(),
        sync_listen: None,
    };
    assert_eq!(init(&request).err().unwrap().code(), "already_initialised");
}
