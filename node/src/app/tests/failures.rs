//! Tests of a failing disk below the application: what is answered is true, and the node goes on by itself.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use chrono_tz::Europe::London;
use crdt_model::control::event::SiteKind;
use crdt_model::id::{AuthorId, OrgId, SessionId};
use crdt_model::rows::{RowKind, row_key};
use tokio::runtime::{Builder, Runtime};

use crate::app::error::AppError;
use crate::app::model::{
    IdempotencyKey, NewOrder, NewOrderLine, NewProduct, OrderFilter, OrderView, PageRequest, ProductFilter, Request,
    StockFilter,
};
use crate::app::{App, NodeFacts};
use crate::clock;
use crate::replica::tests::world::{check_log, gbp, genesis, keeper, site, text};
use crate::replica::{GenesisDraft, Identity, Replica, write_genesis};
use crate::store::sim_disk::{Counted, Fault, SimDisk};
use crate::store::{NoRoom, Store, Table};

/// A node on a disk that fails when told.
pub(super) struct Node {
    disk: SimDisk,
    store: Arc<Store>,
    pub(super) app: App,
    runtime: Runtime,
}

impl Node {
    pub(super) fn new() -> Self {
        let disk = SimDisk::new();
        let store = Arc::new(disk.store());
        let draft = GenesisDraft {
            genesis: genesis(SiteKind::Store),
            key: keeper(),
            session: SessionId([0; 8]),
            now: clock::now(),
            random: [3; 10],
        };
        let org = store.write(|tx| write_genesis(tx, draft)).unwrap();
        let app = start(&store, org, 1);
        let node = Self { disk, store, app, runtime: Builder::new_current_thread().build().unwrap() };
        node.product("lamp").unwrap();
        node
    }

    /// Ends the application, changes the store behind its back and starts it again: the writer plans on what it has in
    /// memory while a batch is on its way to the disk, so a store is changed only below a node that stands.
    fn spoil(&mut self, change: impl FnOnce(&Store)) {
        let org = self.app.facts().org;
        self.app.stop();
        change(&self.store);
        self.app = start(&self.store, org, 2);
    }

    fn product(&self, sku: &str) -> Result<(), AppError> {
        let product =
            NewProduct { sku: text(sku), name: text("a lamp"), unit: None, barcodes: Vec::new(), price: None };
        self.runtime.block_on(self.app.create_product(request("p", sku), product)).map(drop)
    }

    fn order(&self, key: &str) -> Result<OrderView, AppError> {
        let line = NewOrderLine {
            sku: text("lamp"),
            quantity: "1".parse().unwrap(),
            price: "2.55".parse().unwrap(),
            name: None,
        };
        let order = NewOrder {
            channel: None,
            external_number: None,
            customer: None,
            contact: None,
            walk_in: false,
            currency: None,
            region: None,
            note: None,
            lines: vec![line],
            payments: Vec::new(),
        };
        self.runtime.block_on(self.app.create_order(request("o", key), order))
    }

    fn count(&self) -> usize {
        let page = self.app.orders(OrderFilter::default(), PageRequest::default()).unwrap();
        assert!(page.next_cursor.is_none());
        page.items.len()
    }
}

fn start(store: &Arc<Store>, org: OrgId, session: u8) -> App {
    let identity = Identity { key: keeper(), session: SessionId([session; 8]), org, site: site() };
    let facts = NodeFacts {
        data: "nowhere".into(),
        org,
        author: AuthorId(keeper().verifying_key().to_bytes()),
        site: site(),
        zone: London,
        currency: gbp(),
    };
    App::start(Arc::clone(store), Replica::new(identity, [5; 32]), facts).unwrap()
}

fn request(kind: &str, key: &str) -> Request {
    let idempotency_key = Some(IdempotencyKey::new(&format!("{kind}-{key}")).unwrap());
    Request { idempotency_key, body_hash: *blake3::hash(kind.as_bytes()).as_bytes() }
}

#[test]
fn a_full_disk_refuses_orders_shows_them_and_takes_them_again() {
    let node = Node::new();
    node.order("first").unwrap();
    node.disk.set_room(Some(0));
    let mut taken = 1;
    let refused = loop {
        match node.order(&format!("more-{taken}")) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    let AppError::DiskFull(room) = &refused else { panic!("{refused:?}") };
    assert!(room.free == Some(0) && room.needed > 0, "the disk's own numbers reach the caller: {room:?}");
    assert_eq!(node.count(), taken, "what was acknowledged is shown on the full disk");
    assert_eq!(node.app.products(ProductFilter::default(), PageRequest::default()).unwrap().items.len(), 1);
    assert!(matches!(node.order("one-more"), Err(AppError::DiskFull(NoRoom { free: Some(0), .. }))));
    node.disk.set_room(None);
    node.order(&format!("more-{taken}")).unwrap();
    assert_eq!(node.count(), taken + 1);
    check_log(&node.store.read().unwrap());
}

#[test]
fn rows_of_another_version_ask_for_a_rebuild_and_are_mended_by_it() {
    let mut node = Node::new();
    node.order("first").unwrap();
    let scope = crdt_model::scope::Scope::Site(site());
    let prefix = row_key(&scope, RowKind::Stock, &[]);
    let stock = crate::replica::tests::world::list(&node.store.read().unwrap(), Table::Rows, prefix.as_bytes());
    let (key, mut row) = stock[0].clone();
    row[0] += 1;
    node.spoil(|store| store.write(|tx| tx.put(Table::Rows, &key, &row)).unwrap());
    let wants_rebuild = |error: AppError| {
        let AppError::Conflict { code, remedy, .. } = error else { panic!("{error:?}") };
        assert!(code == "rebuild_needed" && remedy.contains("tradepost rebuild"), "{remedy}");
    };
    wants_rebuild(node.order("second").unwrap_err());
    wants_rebuild(node.app.stock(StockFilter::default(), PageRequest::default()).unwrap_err());
    node.runtime.block_on(node.app.rebuild(request("r", "r"))).unwrap();
    node.order("second").unwrap();
    assert_eq!(node.app.stock(StockFilter::default(), PageRequest::default()).unwrap().items.len(), 1);
}

#[test]
fn whatever_call_fails_a_repeated_request_is_one_order_and_no_answer_is_lost() {
    let mut failed = 0;
    for call in 1..200 {
        let node = Node::new();
        let before = node.order("before").unwrap();
        node.disk.set_fault(Fault::Once(call), Counted::Changes);
        let first = node.order("struck");
        let struck = node.disk.calls() >= call;
        node.disk.set_fault(Fault::None, Counted::Changes);
        if let Err(error) = &first {
            assert!(matches!(error, AppError::Storage(_)), "call {call}: {error:?}");
            failed += 1;
        }
        let again = node.order("struck").unwrap();
        if let Ok(first) = first {
            assert_eq!(first.id, again.id, "call {call}");
        }
        assert_eq!(again.number, "SH01-A-000002", "call {call}: no number is lost or used twice");
        assert_eq!(node.count(), 2, "call {call}");
        check_log(&node.store.read().unwrap());
        let found = node.disk.after_power_cut(call).store();
        let rows = found.read().unwrap();
        for order in [before.id, again.id] {
            let row = crate::app::read::document(&rows, &again.scope, &order).unwrap();
            assert!(row.is_some(), "call {call}: an acknowledged order survives a power cut");
        }
        if !struck {
            println!("{} calls, {failed} failed orders", call - 1);
            assert!(call > 3 && failed > 0);
            return;
        }
    }
    panic!("an order takes more calls than that");
}
