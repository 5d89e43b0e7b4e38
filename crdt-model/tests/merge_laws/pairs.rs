//! Each concurrent pair that has a C-number in `docs/merge-rules.md` and that the events of today can express.
//!
//! Two replicas act without having seen each other; then everything reaches further replicas in both orders, late and
//! twice. Each pair checks: the same state everywhere, no event lost, the named case, equal sums.

use crdt_model::case::CaseKind;
use crdt_model::customer::event::CustomerPosted;
use crdt_model::customer::state::CustomerState;
use crdt_model::customer::{FIELD_ADDRESS, FIELD_PHONE};
use crdt_model::event::Event;
use crdt_model::id::{DocumentId, EventKey};
use crdt_model::order::event::{Handover, LineSelection, Placed, RightsBooking};
use crdt_model::order::fold::fold_order;
use crdt_model::order::state::{Confirmation, OrderState, OrderStatus, PaymentStatus};
use crdt_model::rows::{MemoryRows, RowKey, ViewTable};
use crdt_model::sales::SalesSums;

use crate::convergence::assert_nothing_lost;
use crate::deeds::*;
use crate::plan::{CUSTOMER, ORDERS, customers};
use crate::scope_rows::{digest, open_cases, open_kinds, stock_of};
use crate::world::{Change, Dice, Replica, World, site};

const ORDER: DocumentId = ORDERS[0];
const OTHER: DocumentId = ORDERS[1];
const JOURNAL: DocumentId = DocumentId([0x41; 16]);

/// Five units on the shelf with their rights and, in `ORDER`, five units ordered at 2.50 and promised.
fn shop() -> (World, EventKey) {
    let mut world = stocked(5);
    let placed = order(&mut world, 0, ORDER, 5);
    write(&mut world, 0, ORDER, Event::Reserved(promise(&[(1, 5, 0)])));
    world.meet(&mut Dice(1));
    (world, placed)
}

fn stocked(count: i64) -> World {
    let mut world = World::new(2);
    world.write(0, &site(), JOURNAL, |keys| {
        let key = keys.next();
        let rights = Event::Mint(booking(JOURNAL.event(key), "A", count));
        vec![(key, Event::Receipt(fact("A", count))), (keys.next(), rights)]
    });
    world.meet(&mut Dice(1));
    world
}

fn order(world: &mut World, replica: usize, id: DocumentId, count: i64) -> EventKey {
    let ids =
        world.write(replica, &site(), id, |keys| placing(keys, &header(), Event::Placed, &[("A", count, "2.50")]));
    ids.last().unwrap().key
}

fn write(world: &mut World, replica: usize, id: DocumentId, event: Event) {
    world.write(replica, &site(), id, |keys| vec![(keys.next(), event)]);
}

fn ship_all() -> Event {
    ship(LineSelection::All, Handover::Later, RightsBooking::Here)
}

fn walk_in(world: &mut World, replica: usize, id: DocumentId, booking: RightsBooking) {
    let header = Placed { handover: Handover::AtOnce, ..header() };
    world.write(replica, &site(), id, |keys| {
        let mut events = placing(keys, &header, Event::Placed, &[("A", 1, "2.50")]);
        events.push((keys.next(), ship(LineSelection::All, Handover::AtOnce, booking)));
        events
    });
}

/// Lets everything travel in several ways; every way ends alike and loses nothing.
fn settle(world: &World) -> (Replica, MemoryRows) {
    let forward: Vec<Change> = world.log.clone();
    let backward: Vec<Change> = forward.iter().rev().cloned().collect();
    let mut dice = Dice(7);
    let mut mixed = [&forward[..], &backward].concat();
    dice.shuffle(&mut mixed);
    let replicas = [forward, backward, mixed].map(|changes| {
        let mut replica = Replica::new(100);
        for change in &changes {
            replica.receive(change);
            replica.settle(&change.scope, change.document);
        }
        changes.iter().for_each(|change| replica.settle(&change.scope, change.document));
        replica
    });
    for replica in &replicas {
        assert_nothing_lost(replica, &world.log);
        assert_eq!(replica.rows, replicas[0].rows);
        assert_eq!(digest(&replica.rows), digest(&replicas[0].rows));
        assert_eq!(replica.rows, replica.rebuilt());
    }
    let [replica, ..] = replicas;
    let rows = replica.rows.clone();
    (replica, rows)
}

fn folded(replica: &Replica, id: DocumentId) -> OrderState {
    fold_order(&replica.content(&site(), id)).unwrap()
}

/// On hand, secured, free rights: in units.
fn shelf(rows: &MemoryRows) -> (i128, i128, i128) {
    let sums = stock_of(rows, "A");
    let unit = i128::from(UNIT);
    (sums.on_hand / unit, sums.secured / unit, sums.free_rights(1) / unit)
}

fn sales(rows: &MemoryRows) -> SalesSums {
    let key = RowKey::of(&site()).day(time().business_date).into_bytes();
    let bytes = rows.rows.get(&(ViewTable::SalesByDay, key));
    bytes.map(|bytes| SalesSums::decode(bytes).unwrap()).unwrap_or_default()
}

#[test]
fn c01_a_shipment_stands_against_a_concurrent_cancel() {
    let (mut world, _) = shop();
    write(&mut world, 0, ORDER, cancel(LineSelection::All));
    write(&mut world, 1, ORDER, ship_all());
    let (replica, rows) = settle(&world);
    let order = folded(&replica, ORDER);
    assert_eq!(order.status(), OrderStatus::CancelledAfterDispatch);
    assert_eq!((order.lines[0].shipped, order.lines[0].cancelled()), (5_000, 0));
    assert_eq!(shelf(&rows), (0, 0, 0), "the rights left with the goods");
    assert_eq!(open_kinds(&rows, &site()), [CaseKind::ShippedAfterCancel]);
    assert_eq!((sales(&rows).gross, sales(&rows).net), (1_250, 1_250));
}

#[test]
fn c01_a_cancel_takes_effect_for_what_has_not_left() {
    let (mut world, _) = shop();
    write(&mut world, 0, ORDER, cancel(LineSelection::All));
    write(&mut world, 1, ORDER, ship(some(&[(1, 2)]), Handover::Later, RightsBooking::Later));
    let (replica, rows) = settle(&world);
    assert_eq!(folded(&replica, ORDER).lines[0].cancelled(), 3_000);
    assert_eq!(shelf(&rows), (3, 0, 3));
    assert_eq!(open_kinds(&rows, &site()), [CaseKind::ShippedAfterCancel]);
    assert_eq!((sales(&rows).gross, sales(&rows).net), (1_250, 500));
}

#[test]
fn c03_a_cancel_ends_a_concurrent_promise() {
    let mut world = stocked(5);
    order(&mut world, 0, ORDER, 5);
    world.meet(&mut Dice(2));
    write(&mut world, 0, ORDER, cancel(LineSelection::All));
    write(&mut world, 1, ORDER, Event::Reserved(promise(&[(1, 4, 1)])));
    let (replica, rows) = settle(&world);
    assert_eq!(folded(&replica, ORDER).status(), OrderStatus::Cancelled);
    assert_eq!(shelf(&rows), (5, 0, 5));
    assert_eq!(stock_of(&rows, "A").unsecured, 0);
    assert_eq!(open_kinds(&rows, &site()), []);
}

#[test]
fn c05_money_for_a_cancelled_order_is_credit_due() {
    let (mut world, _) = shop();
    write(&mut world, 0, ORDER, cancel(some(&[(1, 2)])));
    write(&mut world, 1, ORDER, pay(1_250));
    let (replica, rows) = settle(&world);
    let order = folded(&replica, ORDER);
    assert_eq!((order.paid, order.due(), order.payment()), (1_250, 750, PaymentStatus::CreditDue));
    let [case] = &open_cases(&rows, &site())[..] else { panic!("one case") };
    assert_eq!((case.kind, case.amount), (CaseKind::CreditDue, 500));
}

#[test]
fn c06_two_cancels_of_the_same_goods_are_one_effect() {
    let (mut world, _) = shop();
    for replica in [0, 1] {
        write(&mut world, replica, ORDER, cancel(some(&[(1, 2)])));
    }
    let (replica, rows) = settle(&world);
    let line = &folded(&replica, ORDER).lines[0];
    assert_eq!((line.cancelled(), line.open(), line.secured()), (2_000, 3_000, 3_000));
    assert_eq!(shelf(&rows), (5, 3, 2), "the promise of the rest is kept");
    let cancels = replica.content(&site(), ORDER).events.into_values().filter(|e| matches!(e, Event::Cancelled(_)));
    assert_eq!(cancels.count(), 2, "both reasons are kept");
    assert_eq!(open_kinds(&rows, &site()), []);
}

#[test]
fn c07_a_cancel_wins_over_a_concurrent_confirmation() {
    let (mut world, placed) = shop();
    write(&mut world, 0, ORDER, cancel(LineSelection::All));
    write(&mut world, 1, ORDER, confirm(placed));
    let (replica, rows) = settle(&world);
    let order = folded(&replica, ORDER);
    assert_eq!((order.status(), order.confirmed), (OrderStatus::Cancelled, Confirmation::Given));
    assert_eq!(shelf(&rows), (5, 0, 5));
    assert_eq!(open_kinds(&rows, &site()), []);
}

#[test]
fn c09_two_shipments_of_one_line_both_stand() {
    let (mut world, _) = shop();
    write(&mut world, 0, ORDER, ship_all());
    write(&mut world, 1, ORDER, ship(LineSelection::All, Handover::Later, RightsBooking::Later));
    let (replica, rows) = settle(&world);
    let line = &folded(&replica, ORDER).lines[0];
    assert_eq!((line.shipped, line.spent(), line.open()), (10_000, 5_000, 0));
    assert_eq!(open_kinds(&rows, &site()), [CaseKind::OverShipped, CaseKind::NegativeStock]);
    let over = open_cases(&rows, &site()).into_iter().find(|case| case.kind == CaseKind::OverShipped);
    assert_eq!(over.unwrap().amount, 5_000);
    assert_eq!(shelf(&rows).0, -5);
}

#[test]
fn c11_a_sale_over_the_counter_stands_against_a_concurrent_promise() {
    let mut world = stocked(1);
    order(&mut world, 0, ORDER, 1);
    world.meet(&mut Dice(2));
    write(&mut world, 0, ORDER, Event::Reserved(promise(&[(1, 1, 0)])));
    walk_in(&mut world, 1, OTHER, RightsBooking::Later);
    let (replica, rows) = settle(&world);
    assert_eq!(folded(&replica, OTHER).status(), OrderStatus::Completed);
    assert_eq!(shelf(&rows), (0, 1, 0));
    let [case] = &open_cases(&rows, &site())[..] else { panic!("one case") };
    assert_eq!((case.kind, case.amount, case.subject), (CaseKind::PromisesUncovered, 1_000, DocumentId::of_sku("A")));
}

#[test]
fn c12_two_sales_of_the_last_unit_both_stand() {
    let mut world = stocked(1);
    walk_in(&mut world, 0, ORDER, RightsBooking::Here);
    walk_in(&mut world, 1, OTHER, RightsBooking::Later);
    let (_, rows) = settle(&world);
    assert_eq!(shelf(&rows), (-1, 0, 0));
    let [case] = &open_cases(&rows, &site())[..] else { panic!("one case") };
    assert_eq!((case.kind, case.amount, case.label.as_str()), (CaseKind::NegativeStock, -1_000, "A"));
    assert_eq!((sales(&rows).gross, sales(&rows).invoices), (500, 2));
}

#[test]
fn c20_two_confirmations_are_one() {
    let (mut world, placed) = shop();
    for replica in [0, 1] {
        write(&mut world, replica, ORDER, confirm(placed));
    }
    let (replica, rows) = settle(&world);
    assert_eq!(folded(&replica, ORDER).status(), OrderStatus::Confirmed);
    assert_eq!(shelf(&rows), (5, 5, 0));
    assert_eq!(open_kinds(&rows, &site()), []);
}

#[test]
fn c32_edits_of_two_fields_of_a_customer_both_apply() {
    let mut world = World::new(2);
    let posted = || Event::CustomerPosted(CustomerPosted { external: None });
    world.write(0, &customers(), CUSTOMER, |keys| vec![(keys.next(), posted())]);
    world.meet(&mut Dice(2));
    for (replica, field) in [(0, FIELD_PHONE), (1, FIELD_ADDRESS)] {
        let fields = vec![(field, sealed_field(CUSTOMER, field, "new"))];
        world.write_with_fields(replica, &customers(), CUSTOMER, fields, |_| Vec::new());
    }
    let (replica, _) = settle(&world);
    let customer = CustomerState::fold(&replica.content(&customers(), CUSTOMER)).unwrap();
    assert_eq!(customer.sealed.map(|values| values.len()), [0, 1, 0, 1]);
}

/// Two imports of order 77, each of `count` units, into these documents.
fn imported_twice(documents: [DocumentId; 2], counts: [i64; 2]) -> World {
    let mut world = stocked(5);
    let header = Placed { external: external("77"), ..header() };
    for replica in [0, 1] {
        let goods = [("A", counts[replica], "2.50")];
        world.write(replica, &site(), documents[replica], |keys| placing(keys, &header, Event::Placed, &goods));
    }
    world
}

#[test]
fn c38_of_one_number_in_two_documents_one_counts() {
    let (_, rows) = settle(&imported_twice([ORDER, OTHER], [2, 3]));
    let [case] = &open_cases(&rows, &site())[..] else { panic!("one case") };
    assert_eq!((case.kind, case.subject, case.other), (CaseKind::DuplicateExternalOrder, OTHER, Some(ORDER)));
    assert_eq!((sales(&rows).gross, sales(&rows).invoices, sales(&rows).units), (500, 1, 2_000));
}

#[test]
fn c38_two_equal_imports_into_one_document_are_one_order() {
    let (replica, rows) = settle(&imported_twice([ORDER, ORDER], [2, 2]));
    assert_eq!(folded(&replica, ORDER).rivals, []);
    assert_eq!(open_kinds(&rows, &site()), []);
    assert_eq!((sales(&rows).gross, sales(&rows).invoices), (500, 1));
}

#[test]
fn c38_of_two_different_imports_into_one_document_the_lowest_key_stands() {
    let world = imported_twice([ORDER, ORDER], [2, 3]);
    let (replica, rows) = settle(&world);
    let order = folded(&replica, ORDER);
    let mut placed: Vec<EventKey> = world.log[1..].iter().map(|change| change.events.last().unwrap().0).collect();
    placed.sort_unstable();
    assert_eq!((order.placed, &order.rivals[..]), (placed[0], &placed[1..]));
    assert_eq!(open_kinds(&rows, &site()), [CaseKind::DuplicatePlaced]);
    assert_eq!(sales(&rows).invoices, 1);
}
