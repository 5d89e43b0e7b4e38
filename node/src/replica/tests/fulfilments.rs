//! Tests of orders whose goods another site ships, over the replicas of a store, a warehouse and head office.
#![allow(clippy::unwrap_used)]

use crdt_model::case::{CaseKind, CaseRow};
use crdt_model::document_row::DocumentRow;
use crdt_model::fulfilment::state::{FulfilmentState, FulfilmentStatus};
use crdt_model::fulfilment::whole::whole_order;
use crdt_model::order::event::{Handover, LineQuantity};
use crdt_model::order::state::{OrderState, OrderStatus, Secured};
use crdt_model::rows::{RowKey, RowKind, row_key};
use crdt_model::seal::{SealKey, SealedField, SealedPlace};
use crdt_model::stock::{StockRow, StockSums};

use super::super::*;
use super::network::*;
use super::world::*;
use crate::store::{ReadTables, Table};

pub fn lane() -> Scope {
    "lane/SH01~WH01".parse().unwrap()
}

pub fn send(id: DocumentId, lines: Option<Vec<LineQuantity>>) -> Command {
    let (from, delivery) = (code("WH01"), Some("{\"name\":\"张三\"}".to_owned()));
    Command::SendOrder(Sending { scope: scope(), id, from, lines, service: None, delivery })
}

pub fn ship_sent(id: DocumentId, lines: Option<Vec<LineQuantity>>) -> Command {
    Command::ShipFulfilment { scope: lane(), id, lines, reference: Some(text("SF-1")) }
}

pub fn cancel_sent(id: DocumentId, lines: Option<Vec<LineQuantity>>) -> Command {
    Command::CancelFulfilment { scope: lane(), id, lines, reason: Some(text("not found")) }
}

/// Every fulfilment of the lane that a node holds.
pub fn fulfilments_at(node: &Node) -> Vec<DocumentId> {
    let prefix = row_key(&lane(), RowKind::Document, &[]).into_bytes();
    let rows = node.rows(Table::Rows, &lane()).into_iter().filter(|(key, _)| key.starts_with(&prefix));
    rows.map(|(key, _)| DocumentId(key[prefix.len()..].try_into().unwrap())).collect()
}

fn fulfilment_at(node: &Node, id: DocumentId) -> FulfilmentState {
    match row_at(node, &lane(), id) {
        Some(DocumentRow::Fulfilment(fulfilment)) => *fulfilment,
        other => panic!("{other:?}"),
    }
}

fn row_at(node: &Node, scope: &Scope, id: DocumentId) -> Option<DocumentRow> {
    let key = row_key(scope, RowKind::Document, &id.0).into_bytes();
    node.rows(Table::Rows, scope).get(&key).map(|row| DocumentRow::decode(row).unwrap())
}

/// An order as it stands everywhere.
fn order_at(node: &Node, id: DocumentId) -> OrderState {
    let Some(DocumentRow::Order(order)) = row_at(node, &scope(), id) else { panic!("no order") };
    let held = |id: DocumentId| match row_at(node, &lane(), id) {
        Some(DocumentRow::Fulfilment(fulfilment)) => Some(*fulfilment),
        Some(_) | None => None,
    };
    let held: Vec<_> = order.sent.iter().map(|(_, sent)| held(sent.fulfilment)).collect();
    whole_order(&order, &held)
}

/// What a site has of an item, with what its goods did in lanes.
pub fn stock_of(node: &Node, site: &str, sku: &str) -> StockSums {
    let (scope, item) = (site.parse().unwrap(), DocumentId::of_sku(sku));
    let row = |table, key: Vec<u8>| node.rows(table, &scope).get(&key).map(|row| StockRow::decode(row).unwrap());
    let own = row(Table::Rows, row_key(&scope, RowKind::Stock, &item.0).into_bytes());
    let over = row(Table::StockOverLanes, RowKey::of(&scope).document(&item).into_bytes());
    let mut sums = StockSums::default();
    own.into_iter().chain(over).for_each(|row| sums.add(&row.sums));
    sums
}

fn cases_at(node: &Node, scope: &Scope) -> Vec<CaseKind> {
    let own = row_key(scope, RowKind::Case, &[]).into_bytes();
    let rows = node.rows(Table::Rows, scope).into_iter().filter(|(key, _)| key.starts_with(&own));
    let across = node.rows(Table::CasesAcross, scope);
    rows.chain(across).map(|(_, row)| CaseRow::decode(&row).unwrap().kind).collect()
}

/// An order of SH01 for lamps of which WH01 has ten.
fn ordered(units: &str) -> (Network, DocumentId) {
    let mut network = Network::new(&["lamp"]);
    network.done(WAREHOUSE, stock(StockKind::Receipt, "lamp", 10));
    let id = network.order(KEEPER, place("lamp", units));
    (network, id)
}

/// The same, sent to WH01 and known to everybody.
fn sent(units: &str) -> (Network, DocumentId, DocumentId) {
    let (mut network, id) = ordered(units);
    network.done(KEEPER, send(id, None));
    network.settle();
    let sent = fulfilments_at(&network.nodes[WAREHOUSE]);
    assert_eq!(sent.len(), 1);
    (network, id, sent[0])
}

#[test]
fn a_sent_order_is_shipped_by_the_other_site() {
    let (mut network, id, sent) = sent("6");
    assert_eq!(fulfilment_at(&network.nodes[WAREHOUSE], sent).status(), FulfilmentStatus::Planned);
    network.done(WAREHOUSE, Command::Refill);
    assert_eq!(fulfilment_at(&network.nodes[WAREHOUSE], sent).status(), FulfilmentStatus::Allocated);
    let sums = stock_of(&network.nodes[WAREHOUSE], "site/WH01", "lamp");
    assert_eq!((sums.on_hand, sums.secured, sums.free_rights(1), sums.allotted()), (10_000, 6_000, 4_000, 0));
    network.settle();
    assert_eq!(fulfilment_at(&network.nodes[KEEPER], sent).secured(), Secured::All, "the store sees the promise");
    network.done(WAREHOUSE, ship_sent(sent, None));
    network.settle();
    network.check_equal();
    for node in [HQ, KEEPER, TILL] {
        let order = order_at(&network.nodes[node], id);
        assert_eq!((order.lines[0].shipped, order.lines[0].outstanding()), (6_000, 0), "node {node}");
        assert_eq!(stock_of(&network.nodes[node], "site/SH01", "lamp").on_hand, 0, "the store's stock is not touched");
    }
    for node in [HQ, WAREHOUSE] {
        let sums = stock_of(&network.nodes[node], "site/WH01", "lamp");
        assert_eq!((sums.on_hand, sums.secured, sums.spent, sums.free_rights(1)), (4_000, 0, 6_000, 4_000));
    }
    let warehouse = &network.nodes[WAREHOUSE];
    assert!(warehouse.rows(Table::Rows, &scope()).is_empty() && warehouse.rows(Table::Frontier, &scope()).is_empty());
    assert!(
        warehouse.commits().iter().all(|commit| commit.commit().scope != scope()),
        "no commit of the store's scope"
    );
}

#[test]
fn both_halves_are_one_transaction_and_name_each_other() {
    let (network, id, sent) = sent("6");
    let halves: Vec<_> = network.nodes[KEEPER]
        .commits()
        .into_iter()
        .filter(|held| held.commit().changes.iter().any(|change| change.document == sent || change.document == id))
        .filter(|held| held.commit().transaction != TransactionId::ZERO)
        .collect();
    let [order, fulfilment] = [scope(), lane()]
        .map(|scope| halves.iter().find(|half| half.commit().scope == scope).unwrap().commit().clone());
    assert_eq!((halves.len(), order.transaction), (2, fulfilment.transaction));
    let link = order_at(&network.nodes[KEEPER], id).sent[0].1.clone();
    assert_eq!((link.fulfilment, link.half), (sent, fulfilment.seq));
    assert_eq!(fulfilment_at(&network.nodes[WAREHOUSE], sent).header.half, order.seq);
}

#[test]
fn who_gets_the_goods_is_sealed_for_the_shipper_under_the_order_s_key() {
    let (network, id, sent) = sent("6");
    let (_, contact) = fulfilment_at(&network.nodes[WAREHOUSE], sent).contact.unwrap();
    assert_eq!(contact.subject, id);
    let key = [&id.0[..], &contact.sealed.key_id().0].concat();
    let bytes = network.nodes[KEEPER].store.read().unwrap().get(Table::Keys, &key).unwrap().unwrap();
    let field = SealedField::Event(crdt_model::event::EventKind::FulfilmentContact);
    let place = SealedPlace { org: network.org, document: sent, field };
    let plain = contact.sealed.open(&SealKey::new(bytes.try_into().unwrap()), place).unwrap();
    assert!(plain.contains("张三"));
    for commit in network.nodes[WAREHOUSE].commits() {
        assert!(!String::from_utf8_lossy(commit.bytes()).contains("张三"));
    }
}

#[test]
fn a_cancel_and_a_shipment_that_cross_are_one_case_at_all_three() {
    for canceller in [KEEPER, HQ] {
        let (mut network, id, sent) = sent("6");
        network.done(canceller, cancel(id, None));
        network.done(WAREHOUSE, ship_sent(sent, None));
        network.settle();
        network.check_equal();
        for node in [HQ, KEEPER, WAREHOUSE] {
            assert_eq!(cases_at(&network.nodes[node], &lane()), [CaseKind::ShippedAfterCancel], "node {node}");
            let fulfilment = fulfilment_at(&network.nodes[node], sent);
            assert_eq!(fulfilment.status(), FulfilmentStatus::CancelledAfterDispatch);
        }
        for node in [HQ, KEEPER] {
            let order = order_at(&network.nodes[node], id);
            assert_eq!((order.status(), order.lines[0].shipped), (OrderStatus::CancelledAfterDispatch, 6_000));
            assert_eq!(cases_at(&network.nodes[node], &scope()), [], "one clash is one case");
        }
    }
}

#[test]
fn a_cancel_that_arrives_in_time_gives_the_rights_back() {
    let (mut network, id, sent) = sent("6");
    network.done(WAREHOUSE, Command::Refill);
    network.settle();
    network.done(HQ, cancel(id, Some(of_line(1, "4"))));
    network.settle();
    for node in &network.nodes {
        assert_eq!((node.set_aside(), node.parked()), (vec![], vec![]));
    }
    let refused = network.run(WAREHOUSE, ship_sent(sent, Some(of_line(1, "3"))));
    assert!(refused.is_err(), "who has seen the cancel ships what is left");
    network.done(WAREHOUSE, Command::Refill);
    let sums = stock_of(&network.nodes[WAREHOUSE], "site/WH01", "lamp");
    assert_eq!((sums.secured, sums.free_rights(1), sums.allotted()), (2_000, 8_000, 0));
    network.done(WAREHOUSE, ship_sent(sent, None));
    network.settle();
    network.check_equal();
    let order = order_at(&network.nodes[KEEPER], id);
    assert_eq!((order.lines[0].shipped, order.lines[0].cancelled(), order.lines[0].outstanding()), (2_000, 4_000, 0));
    assert!(cases_at(&network.nodes[HQ], &lane()).is_empty());
}

#[test]
fn a_cancel_takes_what_the_taker_has_first() {
    let (mut network, id) = ordered("9");
    network.done(KEEPER, send(id, Some(of_line(1, "6"))));
    network.settle();
    let sent = fulfilments_at(&network.nodes[HQ])[0];
    network.done(HQ, cancel(id, Some(of_line(1, "3"))));
    assert_eq!(fulfilment_at(&network.nodes[HQ], sent).lines[0].ladder.cancelled(), 0);
    network.done(HQ, cancel(id, Some(of_line(1, "2"))));
    assert_eq!(fulfilment_at(&network.nodes[HQ], sent).lines[0].ladder.cancelled(), 2_000);
    assert_eq!(order_at(&network.nodes[HQ], id).lines[0].outstanding(), 4_000);
}

#[test]
fn lines_that_the_shipper_gives_back_are_the_taker_s_again() {
    let (mut network, id, sent) = sent("6");
    network.done(WAREHOUSE, cancel_sent(sent, Some(of_line(1, "2"))));
    network.settle();
    let order = order_at(&network.nodes[KEEPER], id);
    assert_eq!((order.lines[0].open(), order.lines[0].sent, order.lines[0].cancelled()), (2_000, 4_000, 0));
    network.done(KEEPER, ship(id, None));
    network.settle();
    assert_eq!(order_at(&network.nodes[HQ], id).lines[0].shipped, 2_000);
    assert_eq!(stock_of(&network.nodes[HQ], "site/SH01", "lamp").on_hand, -2_000);
}

#[test]
fn what_is_sent_is_not_shipped_at_home_and_is_sent_once() {
    let (mut network, id, _) = sent("6");
    for command in [ship(id, None), send(id, None)] {
        let refused = network.run(KEEPER, command).unwrap_err();
        assert_eq!(refused, CommandError::Rule(crdt_model::order::decide::RuleError::NothingOpen));
    }
}

#[test]
fn a_fulfilment_is_sent_and_shipped_where_it_belongs() {
    let (mut network, id) = ordered("6");
    let to = |site: &str| match send(id, None) {
        Command::SendOrder(sending) => Command::SendOrder(Sending { from: code(site), ..sending }),
        other => other,
    };
    let own = FulfilmentError::OwnSite { site: code("SH01") };
    assert_eq!(network.run(KEEPER, to("SH01")), Err(own.into()));
    assert_eq!(network.run(KEEPER, to("XX01")), Err(CommandError::UnknownSite { code: code("XX01") }));
    network.settle();
    network.done(HQ, send(id, None));
    network.settle();
    let sent = fulfilments_at(&network.nodes[KEEPER])[0];
    for node in [HQ, KEEPER] {
        let other = FulfilmentError::OtherShipper { id: sent, shipper: code("WH01") };
        assert_eq!(network.run(node, ship_sent(sent, None)), Err(other.into()), "node {node}");
    }
    network.done(WAREHOUSE, ship_sent(sent, None));
}

#[test]
fn a_cancel_waits_for_the_half_of_the_lane() {
    let (mut network, id) = ordered("6");
    network.done(KEEPER, send(id, None));
    let (site, lanes): (Vec<_>, Vec<_>) =
        network.missing(KEEPER, HQ).into_iter().partition(|commit| commit.commit().scope == scope());
    network.receive(HQ, site);
    assert_eq!(order_at(&network.nodes[HQ], id).lines[0].sent, 6_000);
    let refused = network.run(HQ, cancel(id, None)).unwrap_err();
    assert!(matches!(refused, CommandError::Fulfilment(FulfilmentError::HalfMissing { .. })), "{refused}");
    network.receive(HQ, lanes);
    network.done(HQ, cancel(id, None));
    assert_eq!(
        fulfilment_at(&network.nodes[HQ], fulfilments_at(&network.nodes[HQ])[0]).status(),
        FulfilmentStatus::Cancelled
    );
}

#[test]
fn goods_beyond_the_book_are_shipped_and_are_a_case() {
    let (mut network, _, sent) = sent("12");
    network.done(WAREHOUSE, Command::Refill);
    assert_eq!(fulfilment_at(&network.nodes[WAREHOUSE], sent).secured(), Secured::Part);
    network.done(WAREHOUSE, ship_sent(sent, None));
    let sums = stock_of(&network.nodes[WAREHOUSE], "site/WH01", "lamp");
    assert_eq!((sums.on_hand, sums.free_rights(1)), (-2_000, -2_000), "goods that left are a debt");
    assert_eq!(cases_at(&network.nodes[WAREHOUSE], &"site/WH01".parse().unwrap()), [CaseKind::NegativeStock]);
}

#[test]
fn a_thousand_lines_are_one_fulfilment_and_one_more_two() {
    let mut network = Network::new(&["lamp"]);
    for (lines, fulfilments) in [(1_000, 1), (1_001, 3)] {
        let draft = order(Handover::Later, vec![line("lamp", "1"); lines]);
        let id = network.order(KEEPER, Command::PlaceOrder(draft));
        network.done(KEEPER, send(id, None));
        network.settle();
        assert_eq!(fulfilments_at(&network.nodes[WAREHOUSE]).len(), fulfilments, "{lines} lines");
        assert_eq!(
            order_at(&network.nodes[HQ], id).lines.iter().map(|line| line.sent).sum::<i128>(),
            lines as i128 * 1_000
        );
    }
}
