//! What head office has seen of an order, over a cut.
#![allow(clippy::unwrap_used)]
use std::time::Duration;

use crdt_model::text::Text;

use super::world::Place;
use crate::app::model::{NewOrder, NewOrderLine, NewPayment, NewProduct, Request, TypedAmount};
use crate::app::sync::Wait;
use crate::app::timeline::{Seen, What};
use crate::link::reason::Reason;
use crate::transport::memory::Network;

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_office_has_not_seen_an_order_until_it_acknowledged_it() {
    let (place, network) = (Place::with_store().await, Network::default());
    let (head_office, store) = (place.serve_in(&network, "HQ"), place.serve_in(&network, "S1"));
    store.until(&head_office, Reason::Connected).await;
    store.app.pause_sync().await.unwrap();
    let tea = NewProduct { sku: text("TEA"), name: text("Tea"), unit: None, barcodes: Vec::new(), price: None };
    store.app.create_product(Request::default(), tea).await.unwrap();
    let line =
        NewOrderLine { sku: text("TEA"), quantity: "2".parse().unwrap(), price: "3.5".parse().unwrap(), name: None };
    let payment = NewPayment { tender: text("wechat"), amount: TypedAmount::new("7").unwrap(), reference: None };
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
        payments: vec![payment],
    };
    let order = store.app.create_order(Request::default(), order).await.unwrap();
    let own = [(order.scope.clone(), order.id)];
    let steps = store.app.order_timeline(&order.number).unwrap();
    assert!(steps.iter().any(|step| step.what == What::Placed));
    assert!(steps.iter().any(|step| matches!(step.what, What::Paid("wechat", amount) if amount.0 == 700)));
    assert!(steps.iter().all(|step| step.seen == Seen::No && step.site == Some(order.site.clone())), "{steps:?}");
    assert_eq!(store.app.seen_by_office(&own).unwrap(), [Seen::No]);
    store.app.resume_sync().await.unwrap();
    store.app.sync_now(None, Wait::AtMost(Duration::from_secs(30))).await.unwrap();
    assert_eq!(store.app.seen_by_office(&own).unwrap(), [Seen::Yes]);
    assert!(store.app.order_timeline(&order.number).unwrap().iter().all(|step| step.seen == Seen::Yes));
    let there = head_office.app.order_timeline(&order.number).unwrap();
    assert_eq!(there.len(), steps.len());
    assert!(there.iter().all(|step| step.seen == Seen::Yes && step.node == store.app.node_name()));
    store.stop().await;
    head_office.stop().await;
}
