//! A name that a store gave to goods in its own way: linked at head office, followed by the reports of both.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crdt_model::text::Text;

use super::world::{Node, Place};
use crate::app::model::{NewOrder, NewOrderLine, NewProduct, Request, SalesBy, SalesReportRequest};
use crate::app::sync::{Wait, Waited};
use crate::link::reason::Reason;
use crate::transport::memory::Network;

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

async fn product(node: &Node, sku: &str) {
    let product =
        NewProduct { sku: text(sku), name: text(&format!("the {sku}")), unit: None, barcodes: Vec::new(), price: None };
    node.app.create_product(Request::default(), product).await.unwrap();
}

/// Sells over the counter at 2.50 a piece.
async fn sell(node: &Node, sku: &str, quantity: &str) {
    let line = NewOrderLine {
        sku: text(sku),
        quantity: quantity.parse().unwrap(),
        price: "2.50".parse().unwrap(),
        name: None,
    };
    let order = NewOrder {
        channel: None,
        external_number: None,
        customer: None,
        contact: None,
        walk_in: true,
        currency: None,
        region: None,
        note: None,
        lines: vec![line],
        payments: Vec::new(),
    };
    node.app.create_order(Request::default(), order).await.unwrap();
}

/// SKU, units and gross sales in pence of each item.
fn items(node: &Node) -> Vec<(String, String, i128)> {
    let request = SalesReportRequest { by: SalesBy::Item, from: None, to: None, top: None };
    let rows = node.app.sales_report(request).unwrap().rows.into_iter();
    rows.map(|row| (row.key, row.figures.units.to_string(), row.figures.gross_sales.0)).collect()
}

async fn level(node: &Node) {
    let (waited, peers) = node.app.sync_now(None, Wait::AtMost(Duration::from_secs(30))).await.unwrap();
    assert_eq!(waited, Waited::Complete, "{peers:?}");
}

fn rows(wanted: &[(&str, &str, i128)]) -> Vec<(String, String, i128)> {
    wanted.iter().map(|(sku, units, gross)| ((*sku).to_owned(), (*units).to_owned(), *gross)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_under_another_name_are_sold_as_the_item_at_both_nodes() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    product(&head_office, "LAMP").await;
    level(&head_office).await;
    network.cut(head_office.device());
    store.until(&head_office, Reason::Unreachable).await;
    product(&store, "lamp-blue").await;
    sell(&store, "lamp-blue", "3").await;
    sell(&store, "LAMP", "1").await;
    let apart = rows(&[("lamp-blue", "3", 750), ("LAMP", "1", 250)]);
    assert_eq!(items(&store), apart);
    network.heal(head_office.device());
    level(&store).await;
    assert_eq!(items(&head_office), apart, "before anybody linked the two names");

    let linked =
        head_office.app.adopt_product(Request::default(), "lamp-blue", None, Some(text("LAMP"))).await.unwrap();
    assert_eq!(linked.sku, text("LAMP"));
    assert_eq!(items(&head_office), rows(&[("LAMP", "4", 1_000)]), "earlier lines follow at once");
    level(&head_office).await;
    assert_eq!(items(&store), items(&head_office));
    let known = store.app.product("lamp-blue").unwrap();
    assert_eq!((known.alias_of, known.provisional), (Some(text("LAMP")), false));

    sell(&store, "lamp-blue", "2").await;
    level(&store).await;
    assert_eq!(items(&store), rows(&[("LAMP", "6", 1_500)]), "and later ones");
    assert_eq!(items(&head_office), items(&store));
    store.stop().await;
    head_office.stop().await;
    let head_office = place.open("HQ");
    head_office.app.rebuild(Request::default()).await.unwrap();
    assert_eq!(items(&head_office), rows(&[("LAMP", "6", 1_500)]), "a rebuild changes nothing");
    head_office.stop().await;
}
