//! The rules of the fold of a fulfilment, one by one.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::fulfilment::event::FulfilmentCancelled;
use crate::fulfilment::state::FulfilmentStatus;
use crate::fulfilment::whole::{secured_everywhere, whole_order};
use crate::id::DocumentId;
use crate::order::event::ReservedLine;
use crate::order::fold::fold_order;
use crate::order::sent::Sent;
use crate::order::state::{Fulfilment, OrderState, OrderStatus, Secured};
use crate::scope::SiteCode;
use crate::text::Text;
use crate::time::{EventTime, Timestamp};

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn time() -> EventTime {
    EventTime { at: Timestamp(0), offset_minutes: 0, business_date: "2010-12-01".parse().unwrap() }
}

pub(crate) fn code(code: &str) -> SiteCode {
    SiteCode::new(code).unwrap()
}

pub(crate) fn lines(named: &[(u16, i64)]) -> Vec<LineQuantity> {
    let entry = |(line, units): &(u16, i64)| LineQuantity { line: *line, quantity: units.to_string().parse().unwrap() };
    named.iter().map(entry).collect()
}

pub(crate) fn header(line_count: u16) -> FulfilmentPosted {
    FulfilmentPosted {
        time: time(),
        taker: code("SH01"),
        order: DocumentId([1; 16]),
        half: 1,
        shipper: code("WH01"),
        order_number: text("SH01-A-000001"),
        service: None,
        line_count,
    }
}

pub(crate) fn promise(epoch: u32, site: &str, named: &[(u16, i64)]) -> FulfilmentPromise {
    let line =
        |entry: LineQuantity| ReservedLine { line: entry.line, secured: entry.quantity, unsecured: Quantity::ZERO };
    let lines = lines(named).into_iter().map(line).collect();
    FulfilmentPromise { time: time(), site: code(site), epoch, lines }
}

pub(crate) fn shipped(site: &str, named: &[(u16, i64)]) -> Event {
    let (site, lines) = (code(site), lines(named));
    Event::FulfilmentShipped(FulfilmentShipped { time: time(), site, epoch: 1, reference: Some(text("SF-1")), lines })
}

pub(crate) fn cancelled(named: &[(u16, i64)]) -> Event {
    Event::FulfilmentCancelled(FulfilmentCancelled { time: time(), lines: lines(named), reason: None })
}

/// Line 2 with 6 units and line 5 with 4, and these further events.
pub(crate) fn content(more: &[Event]) -> Content {
    let posted = EventKey([9; 8]);
    let line = |number, units: &str| {
        let quantity = units.parse().unwrap();
        Event::FulfilmentLine(FulfilmentLine { posted, number, sku: text("A"), name: None, quantity })
    };
    let mut events = BTreeMap::from([(EventKey([1; 8]), line(2, "6")), (EventKey([2; 8]), line(5, "4"))]);
    events.insert(posted, Event::FulfilmentPosted(header(2)));
    events.extend((20u8..).zip(more).map(|(key, event)| (EventKey([key; 8]), event.clone())));
    Content { events, ..Content::default() }
}

pub(crate) fn fulfilment(more: &[Event]) -> FulfilmentState {
    fold_fulfilment(&content(more)).unwrap()
}

#[test]
fn a_fulfilment_shows_only_with_all_its_lines() {
    let mut whole = content(&[]);
    assert_eq!(fold_fulfilment(&whole).unwrap().lines.len(), 2);
    whole.events.remove(&EventKey([2; 8]));
    assert_eq!(fold_fulfilment(&whole), None);
}

#[test]
fn each_status_follows_from_what_happened() {
    let reserved = Event::FulfilmentReserved(promise(1, "WH01", &[(2, 6), (5, 4)]));
    for (events, status) in [
        (vec![], FulfilmentStatus::Planned),
        (vec![Event::FulfilmentReserved(promise(1, "WH01", &[(2, 6)]))], FulfilmentStatus::Planned),
        (vec![reserved.clone()], FulfilmentStatus::Allocated),
        (vec![reserved.clone(), shipped("WH01", &[(2, 6)])], FulfilmentStatus::PartlyShipped),
        (vec![shipped("WH01", &[(2, 6), (5, 4)])], FulfilmentStatus::Shipped),
        (vec![cancelled(&[(2, 6), (5, 4)])], FulfilmentStatus::Cancelled),
        (vec![cancelled(&[(2, 4)]), shipped("WH01", &[(2, 2), (5, 4)])], FulfilmentStatus::Shipped),
        (vec![cancelled(&[(2, 6)]), shipped("WH01", &[(2, 2)])], FulfilmentStatus::CancelledAfterDispatch),
    ] {
        assert_eq!(fulfilment(&events).status(), status, "{events:?}");
    }
}

#[test]
fn a_promise_counts_for_the_shipper_s_own_stock_alone() {
    let foreign = fulfilment(&[Event::FulfilmentReserved(promise(1, "SH01", &[(2, 6)]))]);
    assert_eq!((foreign.secured(), foreign.lines[0].ladder.promised.len()), (Secured::None, 0));
    let given_back = [
        Event::FulfilmentReserved(promise(1, "WH01", &[(2, 6)])),
        Event::FulfilmentReleased(promise(1, "WH01", &[(2, 2)])),
    ];
    assert_eq!(fulfilment(&given_back).lines[0].ladder.secured(), 4_000);
}

#[test]
fn goods_that_left_count_whoever_shipped_them() {
    let both = fulfilment(&[shipped("WH01", &[(2, 6)]), shipped("SH01", &[(2, 6)])]);
    let line = &both.lines[0];
    assert_eq!(line.ladder.shipped, 12_000);
    assert_eq!(line.shipped_from, [(code("SH01"), 6_000), (code("WH01"), 6_000)]);
    assert_eq!(both.references.len(), 2);
}

#[test]
fn events_of_a_line_that_is_not_there_change_nothing() {
    let bare = fulfilment(&[]);
    let odd = fulfilment(&[cancelled(&[(1, 3)]), Event::FulfilmentReserved(promise(1, "WH01", &[(3, 1)]))]);
    assert_eq!(odd, bare);
}

/// An order of SH01 with 10 units, of which 6 are sent to WH01.
fn order(more: &[Event]) -> OrderState {
    use crate::money::Currency;
    use crate::order::event::{Entry, Handover, Line, Placed};
    let placed = EventKey([9; 8]);
    let line = |number, units: &str| {
        let (quantity, price) = (units.parse().unwrap(), "2.50".parse().unwrap());
        Event::Line(Line { placed, number, sku: text("A"), name: None, quantity, price })
    };
    let header = Placed {
        time: time(),
        external: None,
        label: None,
        entry: Entry::New,
        handover: Handover::Later,
        currency: Currency::new("GBP", 2).unwrap(),
        customer: None,
        region: None,
        request: None,
        line_count: 2,
        parts: None,
    };
    let sent =
        Sent { time: time(), shipper: code("WH01"), fulfilment: DocumentId([5; 16]), half: 1, lines: lines(&[(2, 6)]) };
    let mut events = BTreeMap::from([(EventKey([1; 8]), line(1, "1")), (EventKey([2; 8]), line(2, "10"))]);
    events.insert(placed, Event::Placed(header));
    events.insert(EventKey([10; 8]), Event::Sent(sent.clone()));
    events.insert(EventKey([11; 8]), Event::Sent(Sent { lines: lines(&[(2, 9)]), ..sent }));
    events.extend((20u8..).zip(more).map(|(key, event)| (EventKey([key; 8]), event.clone())));
    fold_order(&Content { events, ..Content::default() }).unwrap()
}

#[test]
fn what_is_sent_is_no_longer_open_here_and_a_fulfilment_is_linked_once() {
    let order = order(&[]);
    let line = &order.lines[1];
    assert_eq!((line.sent, line.open(), line.outstanding()), (6_000, 4_000, 10_000));
    assert_eq!(order.status(), OrderStatus::Submitted);
    assert_eq!(order.sent.len(), 1, "of two links to one fulfilment the lowest event stands");
}

#[test]
fn goods_shipped_elsewhere_count_once() {
    let order = order(&[]);
    let held = [Some(fulfilment(&[shipped("WH01", &[(2, 6)])]))];
    let whole = whole_order(&order, &held);
    let line = &whole.lines[1];
    assert_eq!((line.shipped, line.sent, line.open(), line.outstanding()), (6_000, 0, 4_000, 4_000));
    assert_eq!(whole.fulfilment(), Fulfilment::PartlyShipped);
    assert_eq!(order.lines[1].shipped, 0, "the taker's own stock is not touched");
    assert_eq!(whole_order(&order, &[None]).lines, order.lines, "what has not arrived is still to leave");
}

#[test]
fn an_order_is_secured_by_the_rights_of_all_its_sites() {
    let order = order(&[]);
    let secured = |events: &[Event]| secured_everywhere(&order, &[Some(fulfilment(events))]);
    assert_eq!(secured(&[]), Secured::None);
    assert_eq!(secured(&[Event::FulfilmentReserved(promise(1, "WH01", &[(2, 6)]))]), Secured::Part);
}
