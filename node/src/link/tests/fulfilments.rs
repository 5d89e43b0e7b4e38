//! A store, the warehouse that ships for it, and head office: real nodes and stores over the transport in memory.
#![allow(clippy::unwrap_used)]

use crdt_model::scope::{Scope, SiteCode};
use crdt_model::text::Text;

use super::world::{Node, Place};
use crate::app::App;
use crate::app::model::{
    CancelRequest, ContactDetails, ContentDigest, FulfilmentShipRequest, FulfilmentState, FulfilmentStatus, NewOrder,
    NewOrderLine, NewProduct, OrderState, OrderView, PageLimit, PageRequest, PromiseLine, Request, Secured,
    SendRequest, StateDigest, StockEntryRequest,
};
use crate::link::reason::Reason;
use crate::transport::memory::Network;

/// The three nodes, linked; the warehouse has ten mugs.
struct Chain {
    network: Network,
    _place: Place,
    office: Node,
    store: Node,
    depot: Node,
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

impl Chain {
    async fn new() -> Self {
        let place = Place::new();
        let office = place.serve("HQ").await;
        for (folder, site) in [("S1", "SH01"), ("W1", "WH01")] {
            let ticket = office.invite(site).await.ticket;
            place.join(folder, &ticket).await.unwrap();
        }
        office.stop().await;
        let network = Network::default();
        let [office, store, depot] = ["HQ", "S1", "W1"].map(|name| place.serve_in(&network, name));
        let mug = NewProduct { sku: text("MUG"), name: text("Mug"), unit: None, barcodes: Vec::new(), price: None };
        office.app.create_product(Request::default(), mug).await.unwrap();
        for node in [&store, &depot] {
            node.until_it_shows("the product", |app| app.product("MUG").is_ok()).await;
        }
        let entry =
            StockEntryRequest { sku: text("MUG"), quantity: "10".parse().unwrap(), reference: None, reason: None };
        depot.app.receive_stock(Request::default(), entry).await.unwrap();
        Self { network, _place: place, office, store, depot }
    }

    fn all(&self) -> [&Node; 3] {
        [&self.office, &self.store, &self.depot]
    }

    /// The store takes an order for six mugs, sends it to the warehouse, and the warehouse promises it by itself.
    async fn order_and_send(&self) -> OrderView {
        let line = NewOrderLine {
            sku: text("MUG"),
            quantity: "4".parse().unwrap(),
            price: "2.50".parse().unwrap(),
            name: None,
        };
        let contact = ContactDetails { name: Some(text("张三")), phone: None, address: Some(text("北京")) };
        let order = NewOrder {
            channel: None,
            external_number: None,
            customer: None,
            contact: Some(contact),
            walk_in: false,
            currency: None,
            region: None,
            note: Some(text("ring twice")),
            lines: vec![line],
            payments: Vec::new(),
        };
        let order = self.store.app.create_order(Request::default(), order).await.unwrap();
        let send = SendRequest { from: SiteCode::new("WH01").unwrap(), lines: None, service: Some(text("van")) };
        let order = self.store.app.send_order(Request::default(), &order.number, send).await.unwrap();
        for node in self.all() {
            node.until_it_shows("a promise of the warehouse", |app| {
                status_at(app, &order.number) == Some(FulfilmentStatus::Allocated)
            })
            .await;
        }
        order
    }

    async fn ship(&self, order: &OrderView) {
        let ship = FulfilmentShipRequest { lines: None, reference: Some(text("SF-1")) };
        self.depot.app.ship_fulfilment(Request::default(), &order.number, ship).await.unwrap();
    }

    async fn stop(self) {
        for node in [self.store, self.depot, self.office] {
            node.stop().await;
        }
    }
}

fn status_at(app: &App, number: &str) -> Option<FulfilmentStatus> {
    app.fulfilment(number).ok().map(|fulfilment| fulfilment.status)
}

fn digest_of(app: &App, scope: &str) -> Option<StateDigest> {
    let scope: Scope = scope.parse().unwrap();
    let status = app.status(ContentDigest::Unwanted).unwrap();
    status.scopes.into_iter().find(|held| held.scope == scope).map(|held| held.digest)
}

fn cases_of(app: &App) -> Vec<(String, String)> {
    let page = PageRequest { limit: PageLimit::new(50).unwrap(), cursor: None };
    app.cases(page).unwrap().items.into_iter().map(|case| (case.kind, case.id)).collect()
}

/// Now, likely and backorder of mugs, in units.
fn promised(app: &App, quantity: &str) -> [i128; 3] {
    let line = PromiseLine { sku: text("MUG"), quantity: quantity.parse().unwrap() };
    let view = app.promise(vec![line]).unwrap().remove(0);
    assert_eq!(view.elsewhere_as_of.is_some(), view.elsewhere.0 > 0, "{view:?}");
    [view.now, view.likely, view.backorder].map(|sum| sum.0 / 1_000)
}

/// Kind, site, quantity and stock on hand after it, in units, of what the ledger of mugs lists, newest first.
fn ledger(app: &App) -> Vec<(&'static str, String, i128, Option<i128>)> {
    let page = PageRequest { limit: PageLimit::new(50).unwrap(), cursor: None };
    let rows = app.stock_ledger("MUG", page).unwrap().items.into_iter();
    let units = |sum: crate::app::model::QuantitySum| sum.0 / 1_000;
    rows.map(|row| (row.kind.name(), row.site.to_string(), units(row.quantity), row.on_hand.map(units))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_held_sites_show_is_likely_and_a_ledger_spans_lanes() {
    let chain = Chain::new().await;
    chain.office.until_it_shows("the mugs", |app| promised(app, "12") == [0, 10, 2]).await;
    assert_eq!(promised(&chain.depot.app, "12"), [10, 0, 2], "its own rights");
    assert_eq!(promised(&chain.store.app, "12"), [0, 0, 12], "a store holds no other site's scope");
    let order = chain.order_and_send().await;
    chain.office.until_it_shows("what is promised over the lane", |app| promised(app, "12") == [0, 6, 6]).await;
    chain.ship(&order).await;
    let shipped = |app: &App| ledger(app).first().is_some_and(|(kind, ..)| *kind == "shipment");
    for node in chain.all() {
        node.until_it_shows("the shipment", shipped).await;
    }
    let of = |kind, quantity, on_hand| (kind, "WH01".to_owned(), quantity, on_hand);
    let taken = || ("reservation", "SH01".to_owned(), 4, Some(0));
    let lane = vec![of("shipment", -4, None), of("reservation", 4, None), taken()];
    assert_eq!(ledger(&chain.store.app), lane, "the stock of the warehouse cannot be told at the store");
    let mut whole = vec![of("shipment", -4, Some(6)), of("reservation", 4, Some(10)), of("receipt", 10, Some(10))];
    assert_eq!(ledger(&chain.depot.app), whole);
    whole.insert(2, taken());
    assert_eq!(ledger(&chain.office.app), whole);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_s_order_is_shipped_by_the_warehouse() {
    let chain = Chain::new().await;
    let order = chain.order_and_send().await;
    let there = chain.depot.app.fulfilment(&order.number).unwrap();
    assert_eq!(there.contact.unwrap().name, Some(text("张三")), "the key came with the lane");
    assert_eq!((there.note, there.service, there.secured), (Some(text("ring twice")), Some(text("van")), Secured::All));
    chain.ship(&order).await;
    for node in [&chain.office, &chain.store] {
        node.until_it_shows("the goods on their way", |app| {
            app.order(&order.number).is_ok_and(|order| order.fulfilment == FulfilmentState::Shipped)
        })
        .await;
        let shown = node.app.order(&order.number).unwrap();
        let line = &shown.lines.unwrap()[0];
        assert_eq!((line.shipped.to_string(), line.sent.to_string()), ("4".into(), "0".into()));
        assert_eq!(shown.fulfilments.unwrap()[0].references, [text("SF-1")]);
    }
    let stock = |app: &App| app.stock_item("MUG").unwrap();
    assert_eq!(stock(&chain.store.app).on_hand.to_string(), "0", "the store's stock is not touched");
    let left = stock(&chain.depot.app);
    assert_eq!((left.on_hand.to_string(), left.free_rights.to_string()), ("6".into(), "6".into()));
    let scopes: Vec<String> = chain
        .depot
        .app
        .status(ContentDigest::Unwanted)
        .unwrap()
        .scopes
        .iter()
        .map(|held| held.scope.to_string())
        .collect();
    assert!(!scopes.contains(&"site/SH01".to_owned()) && scopes.contains(&"lane/SH01~WH01".to_owned()), "{scopes:?}");
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_and_a_shipment_that_cross_while_cut_are_one_case_everywhere() {
    let chain = Chain::new().await;
    let order = chain.order_and_send().await;
    chain.network.cut(chain.depot.device());
    chain.office.until(&chain.depot, Reason::Unreachable).await;
    let cancel = CancelRequest { lines: None, reason: Some(text("changed his mind")) };
    chain.store.app.cancel_order(Request::default(), &order.number, cancel).await.unwrap();
    chain.ship(&order).await;
    assert_eq!(status_at(&chain.store.app, &order.number), Some(FulfilmentStatus::Cancelled));
    assert_eq!(status_at(&chain.depot.app, &order.number), Some(FulfilmentStatus::Shipped));
    chain.network.heal(chain.depot.device());
    for node in chain.all() {
        node.until_it_shows("both facts", |app| {
            status_at(app, &order.number) == Some(FulfilmentStatus::CancelledAfterDispatch)
        })
        .await;
    }
    for node in [&chain.office, &chain.store] {
        assert_eq!(node.app.order(&order.number).unwrap().status, OrderState::CancelledAfterDispatch);
    }
    let cases = chain.all().map(|node| cases_of(&node.app));
    assert_eq!((cases[0].len(), cases[0][0].0.as_str()), (1, "shipped_after_cancel"));
    assert!(cases.iter().all(|found| *found == cases[0]), "the same case at all three: {cases:?}");
    let digest = |node: &Node| digest_of(&node.app, "lane/SH01~WH01");
    assert!(chain.all().iter().all(|node| digest(node).is_some() && digest(node) == digest(&chain.office)));
    let stock = chain.depot.app.stock_item("MUG").unwrap();
    assert_eq!((stock.on_hand.to_string(), stock.free_rights.to_string()), ("6".into(), "6".into()));
    chain.stop().await;
}
